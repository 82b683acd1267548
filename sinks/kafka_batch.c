#include "sinks/kafka_batch.h"

#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"

#define RECORD_MAX_BYTES (KAFKA_BATCH_BYTES / 8)

struct kafka_batch *kafka_batch_create(struct kafka_producer *producer)
{
    struct kafka_batch *batch = mem_new(struct kafka_batch);

    batch->producer = producer;
    return batch;
}

void kafka_batch_destroy(struct kafka_batch *batch)
{
    free(batch);
}

/* NULL for what is not there; what is empty is there. */
static void *keep(struct kafka_batch *b, bool present, struct slice bytes)
{
    uint8_t *at = b->bytes + b->used;

    if (!present)
        return NULL;
    if (bytes.len > 0)
        memcpy(at, bytes.at, bytes.len);
    b->used += bytes.len;
    return at;
}

static struct kafka_queue *queue_of(struct kafka_topic *topic, int32_t partition)
{
    struct kafka_queue *queue;

    if (topic->queues == NULL)
        topic->queues = mem_zero((size_t)topic->partitions, sizeof *topic->queues);
    queue = &topic->queues[partition];
    queue->topic = topic;
    return queue;
}

static void append(struct kafka_batch *b, struct kafka_queue *queue, uint16_t number)
{
    if (queue->count == 0) {
        queue->first = number;
        queue->next = b->queues;
        b->queues = queue;
    } else
        b->after[queue->last] = number;
    queue->last = number;
    queue->count++;
}

bool kafka_batch_add(struct kafka_batch *b, struct kafka_topic *topic, int32_t partition,
                     const struct record *record, size_t bytes, struct error *err)
{
    bool alone = record->header_count > 0 || bytes > RECORD_MAX_BYTES;

    if ((alone || b->count == KAFKA_BATCH_RECORDS || bytes > KAFKA_BATCH_BYTES - b->used) &&
        !kafka_batch_flush(b, err))
        return false;
    if (alone)
        return kafka_producer_send(b->producer, topic, partition, record, bytes, err);
    b->records[b->count] = (rd_kafka_message_t){
        .partition = partition,
        .key = keep(b, record->has_key, record->key),
        .key_len = record->key.len,
        .payload = keep(b, record->has_value, record->value),
        .len = record->value.len,
        ._private = kafka_producer_owe(b->producer, bytes),
    };
    append(b, queue_of(topic, partition), (uint16_t)b->count++);
    return true;
}

static bool hand_over(struct kafka_batch *b, struct kafka_queue *queue, struct error *err)
{
    size_t count = queue->count, number = queue->first;
    int32_t partition = b->records[number].partition;

    for (size_t i = 0; i < count; i++, number = b->after[number])
        b->run[i] = b->records[number];
    queue->count = 0;
    return kafka_producer_send_batch(b->producer, queue->topic, partition, b->run, count, err);
}

bool kafka_batch_flush(struct kafka_batch *b, struct error *err)
{
    bool ok = true;

    for (; b->queues != NULL; b->queues = b->queues->next)
        ok = ok && hand_over(b, b->queues, err);
    b->count = 0;
    b->used = 0;
    return ok;
}
