/* The writers: rows into PostgreSQL, or, as the floor, records straight into the topic. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>

#include "tests/bench/client.h"
#include "tests/bench/latency.h"

#define RECORD_BYTES 512
#define FILLER_BYTES 300 /* about what the relay's record of such a row has besides */

static void wait_until_due(struct latency *l, long number)
{
    int64_t due = l->start_ns + number * 1000000000 / l->rate, late;
    struct timespec at = {due / 1000000000, due % 1000000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
    late = client_now_ns(CLOCK_MONOTONIC) - due;
    if (late > atomic_load(&l->late))
        atomic_store(&l->late, late);
}

long latency_next(struct latency *l)
{
    long number = atomic_fetch_add(&l->taken, 1);

    if (number >= l->count)
        return -1;
    wait_until_due(l, number);
    return number;
}

static void run(PGconn *c, PGresult *result, ExecStatusType wanted)
{
    if (PQresultStatus(result) != wanted)
        client_die("PostgreSQL", PQerrorMessage(c));
    PQclear(result);
}

void *latency_write_rows(void *argument)
{
    struct latency *l = argument;
    PGconn *c = PQconnectdb(l->conninfo);

    if (PQstatus(c) != CONNECTION_OK)
        client_die("PostgreSQL", PQerrorMessage(c));
    run(c, PQprepare(c, "row", l->sql, 0, NULL), PGRES_COMMAND_OK);
    while (latency_next(l) >= 0)
        run(c, PQexecPrepared(c, "row", 0, NULL, NULL, NULL, 0), PGRES_COMMAND_OK);
    PQfinish(c);
    (void)atomic_fetch_sub(&l->writers_left, 1);
    return NULL;
}

/* The least that latency.c reads: the moment of the "commit", where a relay's record has it. */
static void produce(rd_kafka_topic_t *topic)
{
    char record[RECORD_BYTES];
    int len =
        snprintf(record, sizeof record, "{\"filler\":\"%0*d\",\"source\":{\"ts_us\":%" PRId64 "}}",
                 FILLER_BYTES, 0, client_now_ns(CLOCK_REALTIME) / 1000);

    if (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, record, (size_t)len, NULL, 0, NULL) != 0)
        client_die("produce", rd_kafka_err2str(rd_kafka_last_error()));
}

/* Those that are due while a transaction is committed make up the next one, as with the relay. */
static void produce_due(struct latency *l, rd_kafka_t *kafka, rd_kafka_topic_t *topic)
{
    int64_t since = client_now_ns(CLOCK_MONOTONIC) - l->start_ns;
    long due = since * l->rate / 1000000000 + 1, from = atomic_load(&l->taken);

    if (l->id != NULL)
        client_check(rd_kafka_begin_transaction(kafka), "begin");
    for (; from < due && from < l->count; from++)
        produce(topic);
    atomic_store(&l->taken, from);
    if (l->id != NULL)
        client_check(rd_kafka_commit_transaction(kafka, CLIENT_TIMEOUT_MS), "commit");
    (void)rd_kafka_poll(kafka, 0);
}

static rd_kafka_t *producer(const struct latency *l)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *kafka;

    client_set(conf, "bootstrap.servers", l->bootstrap);
    client_set(conf, "enable.idempotence", "true");
    client_set(conf, "linger.ms", "0");
    if (l->id != NULL)
        client_set(conf, "transactional.id", l->id);
    kafka = client_create(RD_KAFKA_PRODUCER, conf);
    if (l->id != NULL)
        client_check(rd_kafka_init_transactions(kafka, CLIENT_TIMEOUT_MS), "init_transactions");
    return kafka;
}

void *latency_write_records(void *argument)
{
    struct latency *l = argument;
    rd_kafka_t *kafka = producer(l);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(kafka, l->topic, NULL);

    l->start_ns = client_now_ns(CLOCK_MONOTONIC); /* after what the first transaction waits for */
    while (atomic_load(&l->taken) < l->count) {
        wait_until_due(l, atomic_load(&l->taken));
        produce_due(l, kafka, topic);
    }
    (void)rd_kafka_flush(kafka, CLIENT_TIMEOUT_MS);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(kafka);
    (void)atomic_fetch_sub(&l->writers_left, 1);
    return NULL;
}
