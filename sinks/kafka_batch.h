/*
 * kafka_batch - small records on their way to librdkafka, handed over many at a time.
 *
 * rd_kafka_produce() reads three clocks and takes three locks for each record.
 * rd_kafka_produce_batch() does so once for records of one partition, which is worth the copy that
 * it takes to keep them until then.  (It can take those of several partitions, too, but as long as
 * the topic's metadata has not come it then adds a partition -1 to the transaction.)  It knows no
 * headers: what has some, and what is large, is sent by itself, after those before it.
 *
 * Of one thread, the loop's.  What is kept is nowhere else: flush before a commit is asked for, and
 * whenever the thread may come to wait.
 */
#ifndef SINKS_KAFKA_BATCH_H
#define SINKS_KAFKA_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "sinks/kafka_producer.h"
#include "sinks/kafka_topics.h"
#include "sinks/recorder.h"

#define KAFKA_BATCH_RECORDS 128
#define KAFKA_BATCH_BYTES ((size_t)128 << 10)

/* The records of one partition. */
struct kafka_queue {
    struct kafka_queue *next; /* of those that are not empty */
    const struct kafka_topic *topic;
    uint16_t first, last, count;
};

struct kafka_batch {
    struct kafka_producer *producer;
    struct kafka_queue *queues;                      /* those with records here; latest first */
    size_t count;                                    /* records ... */
    size_t used;                                     /* ... and bytes that they take */
    rd_kafka_message_t records[KAFKA_BATCH_RECORDS]; /* point into `bytes` */
    uint16_t after[KAFKA_BATCH_RECORDS];             /* the next of the same partition */
    rd_kafka_message_t run[KAFKA_BATCH_RECORDS];     /* one queue, while it is handed over */
    uint8_t bytes[KAFKA_BATCH_BYTES];
};

/* `producer` stays the caller's. */
struct kafka_batch *kafka_batch_create(struct kafka_producer *producer);
/* What it still keeps is gone; NULL is fine. */
void kafka_batch_destroy(struct kafka_batch *batch);

/* Takes a record, copied, for the lane that is filled; `bytes` as kafka_producer_send().  The
 * topic is there until the next flush. */
bool kafka_batch_add(struct kafka_batch *batch, struct kafka_topic *topic, int32_t partition,
                     const struct record *record, size_t bytes, struct error *err) MUST_CHECK;
/* Hands over all that is kept. */
bool kafka_batch_flush(struct kafka_batch *batch, struct error *err) MUST_CHECK;

#endif
