/*
 * produce - how fast can librdkafka alone carry the same bytes?  The floor of the Kafka sink.
 *
 *     produce -b BOOTSTRAP -p PREFIX -f FILE -n COUNT [-t ID [-i MS] [-r RECORDS] [-s BYTES]] [-X
 * NAME=VALUE]...
 *
 * Writes COUNT records, those of FILE over and over, each to its topic and partition.  With -t in
 * transactions of that id, committed as the relay commits: MS after the first record, or at RECORDS
 * or BYTES; without it as a plain idempotent producer.  -X sets what librdkafka is to be told.
 * Prints the seconds from the start until the last record was durable.
 *
 * FILE is what bench.py took from the relay's topics: for each record four 32-bit numbers of this
 * machine, partition, length of topic, key and value (NONE: null), then those bytes; topics without
 * the prefix.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#include "millrace/mem.h"
#include "tests/bench/client.h"

#define NONE UINT32_MAX
#define TEXT_BYTES 512
#define POLL_EVERY 1000
#define HEAD_BYTES sizeof(uint32_t[4])

struct record {
    rd_kafka_topic_t *topic;
    int32_t partition;
    uint32_t key_len, value_len; /* NONE: null */
    char *key, *value;
};

struct producer {
    const char *bootstrap, *prefix, *file, *id;
    long count, interval_ms, commit_records, commit_bytes;
    rd_kafka_t *kafka;
    char *bytes; /* of the file */
    struct record *records;
    size_t record_count;
    size_t failed; /* deliveries */
    /* of the transaction that is open */
    bool open;
    int64_t opened_ms;
    long open_records, open_bytes;
};

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    struct producer *p = opaque;

    (void)kafka;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        p->failed++;
}

/* ---- the records */

static size_t read_file(struct producer *p)
{
    FILE *file = fopen(p->file, "rb");
    long size;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) <= 0)
        client_die(p->file, "cannot be read, or holds no record");
    rewind(file);
    p->bytes = mem_zero((size_t)size, 1);
    if (fread(p->bytes, 1, (size_t)size, file) != (size_t)size)
        client_die(p->file, "cannot be read to its end");
    (void)fclose(file);
    return (size_t)size;
}

static rd_kafka_topic_t *topic_of(struct producer *p, const char *name, size_t len)
{
    char text[TEXT_BYTES];
    rd_kafka_topic_t *topic;

    if (snprintf(text, sizeof text, "%s%.*s", p->prefix, (int)len, name) >= (int)sizeof text)
        client_die(p->file, "names a topic that is too long");
    topic = rd_kafka_topic_new(p->kafka, text, NULL); /* the same one for the same name */
    if (topic == NULL)
        client_die(text, rd_kafka_err2str(rd_kafka_last_error()));
    return topic;
}

/* Reads the record at `from`; where the next one begins. */
static size_t read_record(struct producer *p, size_t from, size_t size, struct record *out)
{
    uint32_t head[4];
    size_t at = from + sizeof head, key, value;

    if (size - from < sizeof head)
        client_die(p->file, "ends within a record");
    memcpy(head, p->bytes + from, sizeof head);
    key = head[2] == NONE ? 0 : head[2];
    value = head[3] == NONE ? 0 : head[3];
    if (size - at < head[1] + key + value)
        client_die(p->file, "ends within a record");
    out->topic = topic_of(p, p->bytes + at, head[1]);
    out->partition = (int32_t)head[0];
    out->key_len = head[2];
    out->value_len = head[3];
    out->key = head[2] == NONE ? NULL : p->bytes + at + head[1];
    out->value = head[3] == NONE ? NULL : p->bytes + at + head[1] + key;
    return at + head[1] + key + value;
}

static void read_records(struct producer *p)
{
    size_t size = read_file(p);

    p->records = mem_zero(size / HEAD_BYTES + 1, sizeof *p->records); /* as many as there can be */
    for (size_t at = 0; at < size; p->record_count++)
        at = read_record(p, at, size, &p->records[p->record_count]);
}

/* ---- the work */

static void commit(struct producer *p)
{
    client_check(rd_kafka_commit_transaction(p->kafka, CLIENT_TIMEOUT_MS), "commit");
    p->open = false;
}

static void begin(struct producer *p)
{
    client_check(rd_kafka_begin_transaction(p->kafka), "begin");
    p->open = true;
    p->opened_ms = client_now_ns(CLOCK_MONOTONIC) / 1000000;
    p->open_records = p->open_bytes = 0;
}

static bool due(const struct producer *p)
{
    return p->open_records >= p->commit_records || p->open_bytes >= p->commit_bytes ||
           (p->open_records % POLL_EVERY == 0 &&
            client_now_ns(CLOCK_MONOTONIC) / 1000000 - p->opened_ms >= p->interval_ms);
}

static void produce_one(struct producer *p, const struct record *r)
{
    size_t key = r->key == NULL ? 0 : r->key_len, value = r->value == NULL ? 0 : r->value_len;

    while (rd_kafka_produce(r->topic, r->partition, 0, r->value, value, r->key, key, NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            client_die("produce", rd_kafka_err2str(rd_kafka_last_error()));
        (void)rd_kafka_poll(p->kafka, 10);
    }
    p->open_records++;
    p->open_bytes += (long)(key + value);
}

static void produce_all(struct producer *p)
{
    for (long i = 0; i < p->count; i++) {
        if (p->id != NULL && !p->open)
            begin(p);
        produce_one(p, &p->records[(size_t)i % p->record_count]);
        if (i % POLL_EVERY == 0)
            (void)rd_kafka_poll(p->kafka, 0);
        if (p->open && due(p))
            commit(p);
    }
    if (p->open)
        commit(p);
    if (rd_kafka_flush(p->kafka, CLIENT_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR || p->failed != 0)
        client_die("flush", "not every record was delivered");
}

static void options_read(struct producer *p, int argc, char **argv, rd_kafka_conf_t *conf)
{
    int letter;

    while ((letter = getopt(argc, argv, "b:p:f:n:t:i:r:s:X:")) != -1) {
        switch (letter) {
        case 'b':
            p->bootstrap = optarg;
            break;
        case 'p':
            p->prefix = optarg;
            break;
        case 'f':
            p->file = optarg;
            break;
        case 'n':
            p->count = strtol(optarg, NULL, 10);
            break;
        case 't':
            p->id = optarg;
            break;
        case 'i':
            p->interval_ms = strtol(optarg, NULL, 10);
            break;
        case 'r':
            p->commit_records = strtol(optarg, NULL, 10);
            break;
        case 's':
            p->commit_bytes = strtol(optarg, NULL, 10);
            break;
        case 'X':
            client_set_pair(conf, optarg);
            break;
        default:
            exit(2);
        }
    }
    if (p->bootstrap == NULL || p->file == NULL || p->count <= 0)
        client_die("usage", "-b, -f and -n are needed; see the top of produce.c");
}

static void connect_producer(struct producer *p, rd_kafka_conf_t *conf)
{
    client_set(conf, "bootstrap.servers", p->bootstrap);
    client_set(conf, "enable.idempotence", "true");
    if (p->id != NULL)
        client_set(conf, "transactional.id", p->id);
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    p->kafka = client_create(RD_KAFKA_PRODUCER, conf);
    if (p->id != NULL)
        client_check(rd_kafka_init_transactions(p->kafka, CLIENT_TIMEOUT_MS), "init_transactions");
}

int main(int argc, char **argv)
{
    struct producer p = {
        .prefix = "", .interval_ms = 250, .commit_records = 200000, .commit_bytes = 32L << 20};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int64_t from = client_now_ns(CLOCK_MONOTONIC);

    options_read(&p, argc, argv, conf);
    connect_producer(&p, conf);
    read_records(&p);
    produce_all(&p);
    printf("%.6f\n", (double)(client_now_ns(CLOCK_MONOTONIC) - from) / 1e9);
    for (size_t i = 0; i < p.record_count; i++)
        rd_kafka_topic_destroy(p.records[i].topic);
    rd_kafka_destroy(p.kafka);
    free(p.records);
    free(p.bytes);
    return 0;
}
