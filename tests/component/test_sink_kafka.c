/*
 * The Kafka sink against librdkafka's own mock cluster: real protocol, no broker, errors on
 * request.
 *
 * The recorder is a small fake: an event's relation names the topic, its first cell is the key, and
 * each further cell the value of one record (CELL_NULL: null).  Mock brokers do not create topics
 * and show uncommitted records too; what needs either is tested against a real broker.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "millrace/mem.h"
#include "sinks/kafka.h"
#include "sinks/kafka_position.h"
#include "sinks/kafka_transaction.h"
#include "sinks/murmur2.h"

#define PATIENCE_MS 20000
#define TOPICS_MAX 8
#define SLOW_MS 300 /* for each answer of the broker */

enum api { API_PRODUCE = 0, API_INIT_PRODUCER_ID = 22, API_ADD_PARTITIONS = 24, API_END_TXN = 26 };

/* ---- a fake recorder ---- */

struct recorder {
    struct topic topics[TOPICS_MAX];
    size_t topic_count;
    struct record records[4];
};

struct recorder *recorder_create(const struct recorder_options *options)
{
    (void)options;
    return mem_new(struct recorder);
}

void recorder_destroy(struct recorder *r)
{
    for (size_t i = 0; r != NULL && i < r->topic_count; i++)
        assert_null(r->topics[i].attached);
    free(r);
}

void recorder_taken(struct recorder *r)
{
    (void)r;
}

struct topic *recorder_topic(struct recorder *r, const struct relation *relation, struct error *err)
{
    (void)err;
    for (size_t i = 0; i < r->topic_count; i++)
        if (slice_is(relation->name, r->topics[i].name))
            return &r->topics[i];
    assert_true(r->topic_count < TOPICS_MAX);
    r->topics[r->topic_count].name = (const char *)relation->name.at;
    return &r->topics[r->topic_count++];
}

bool recorder_make(struct recorder *r, const struct event *event, struct records *out,
                   struct error *err)
{
    size_t count = 0;

    for (uint16_t i = 1; event->kind == EVENT_INSERT && i < event->row.count; i++) {
        const struct cell *key = &event->row.cells[0], *value = &event->row.cells[i];

        r->records[count++] = (struct record){.topic = recorder_topic(r, event->relation, err),
                                              .has_key = key->kind == CELL_TEXT,
                                              .key = key->text,
                                              .partition_key = key->text,
                                              .has_value = value->kind == CELL_TEXT,
                                              .value = value->text,
                                              .relation = event->relation};
        if (event->urgent) {
            r->records[count - 1].header_count = 1;
            r->records[count - 1].headers[0] = (struct header){"op", slice_text("c")};
        }
    }
    *out = (struct records){.at = r->records, .count = count};
    return true;
}

void recorder_each_topic(struct recorder *r, void (*visit)(struct topic *topic, void *context),
                         void *context)
{
    for (size_t i = 0; i < r->topic_count; i++)
        visit(&r->topics[i], context);
}

/* ---- a cluster, and a sink on it ---- */

/* One for all tests: to take a mock cluster down takes a second.  Each test has names of its own.
 */
struct world {
    rd_kafka_t *host; /* runs the mock cluster */
    rd_kafka_mock_cluster_t *cluster;
    rd_kafka_t *asker;
    unsigned fixtures;
};

/* A test's initial state. */
struct run {
    struct world *world;
    const void *row;
};

struct fixture {
    struct world *world;
    char position[24], orders[24], relay[24];
    struct kafka_options options;
    struct sink *sink;
    struct error err;
    size_t refused; /* how often put_patiently() met PUT_FULL */
};

static void ignore_log(const rd_kafka_t *rk, int level, const char *facility, const char *line)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)line;
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *name, const char *value)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *rk;

    rd_kafka_conf_set_log_cb(conf, ignore_log);
    if (name != NULL)
        assert_int_equal(rd_kafka_conf_set(conf, name, value, NULL, 0), RD_KAFKA_CONF_OK);
    if (type == RD_KAFKA_CONSUMER)
        assert_int_equal(rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0),
                         RD_KAFKA_CONF_OK);
    if (type == RD_KAFKA_CONSUMER)
        assert_int_equal(rd_kafka_conf_set(conf, "fetch.wait.max.ms", "10", NULL, 0),
                         RD_KAFKA_CONF_OK);
    rk = rd_kafka_new(type, conf, NULL, 0);
    assert_non_null(rk);
    return rk;
}

/* Asks the mock cluster for something.  Of two orders given in a row (rd_kafka_mock_topic_create
 * ...) it may overlook the second for a second: each is followed by this. */
static void settle(struct world *world)
{
    const struct rd_kafka_metadata *metadata = NULL;

    assert_int_equal(rd_kafka_metadata(world->asker, 1, NULL, &metadata, PATIENCE_MS),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_metadata_destroy(metadata);
}

static void topic_new(struct world *world, const char *name, int partitions)
{
    assert_int_equal(rd_kafka_mock_topic_create(world->cluster, name, partitions, 1),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    settle(world);
}

static void slow_down(struct world *world, int rtt_ms)
{
    assert_int_equal(rd_kafka_mock_broker_set_rtt(world->cluster, 1, rtt_ms),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    settle(world);
}

/* A test that failed may have left faults behind. */
static struct fixture *fixture_new(void **state)
{
    static const enum api apis[] = {API_PRODUCE, API_INIT_PRODUCER_ID, API_ADD_PARTITIONS,
                                    API_END_TXN};
    struct world *world = ((struct run *)*state)->world;
    struct fixture *f = mem_new(struct fixture);

    for (size_t i = 0; i < ARRAY_LEN(apis); i++)
        rd_kafka_mock_clear_request_errors(world->cluster, (int16_t)apis[i]);
    world->fixtures++;
    f->world = world;
    (void)snprintf(f->position, sizeof f->position, "position%u", world->fixtures);
    (void)snprintf(f->orders, sizeof f->orders, "orders%u", world->fixtures);
    (void)snprintf(f->relay, sizeof f->relay, "relay%u", world->fixtures);
    topic_new(world, f->position, 1);
    topic_new(world, f->orders, 3);
    f->options = (struct kafka_options){
        .bootstrap_servers = rd_kafka_mock_cluster_bootstraps(world->cluster),
        .transactional_id = f->relay,
        .position_topic = f->position,
        .create_topics = false,
        .partitions = 3,
        .check_partitions = true,
        .replication_factor = -1,
        .cleanup_policy = "",
        .transaction_timeout_ms = 10000,
        .timeout_ms = 5000,
        .message_max_bytes = 4000000,
        .queue_max_bytes = 8000000,
    };
    return f;
}

static void fixture_done(struct fixture *f)
{
    if (f->sink != NULL)
        f->sink->ops->close(f->sink);
    free(f);
}

static struct sink *sink_new(struct fixture *f, int stop_fd)
{
    struct sink *sink = kafka_sink_create(&f->options, recorder_create(NULL), stop_fd, &f->err);

    if (sink == NULL)
        fail_msg("create: %s", f->err.text);
    return sink;
}

/* A sink that has recovered. */
static struct position recover(struct fixture *f)
{
    struct position position = {0};

    f->sink = sink_new(f, -1);
    if (!f->sink->ops->recover(f->sink, &position, &f->err))
        fail_msg("recover: %s", f->err.text);
    return position;
}

static void recover_fails(struct fixture *f, enum error_kind kind, const char *expect)
{
    struct position position = {0};

    f->sink = sink_new(f, -1);
    assert_false(f->sink->ops->recover(f->sink, &position, &f->err));
    if (f->err.kind != kind || strstr(f->err.text, expect) == NULL)
        fail_msg("%s: \"%s\" lacks \"%s\"", error_kind_name(f->err.kind), f->err.text, expect);
}

static void close_sink(struct fixture *f)
{
    f->sink->ops->close(f->sink);
    f->sink = NULL;
}

static void await_fd(struct fixture *f)
{
    struct pollfd fd = {f->sink->ops->fd(f->sink), POLLIN, 0};

    assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
}

static enum reap_outcome await_news(struct fixture *f)
{
    for (;;) {
        enum reap_outcome outcome = f->sink->ops->reap(f->sink, &f->err);

        if (outcome != REAP_PENDING)
            return outcome;
        await_fd(f);
    }
}

/* One record for each value; NULL is null. */
static enum put_outcome put_once(struct fixture *f, const char *table, const char *key,
                                 const char *value, const char *second)
{
    struct cell cells[3];
    struct relation relation = {.id = 1, .oid = 16385, .name = slice_text(table)};
    struct event event = {.kind = EVENT_INSERT, .relation = &relation};

    cells[0] =
        key == NULL ? (struct cell){.kind = CELL_NULL} : (struct cell){CELL_TEXT, slice_text(key)};
    cells[1] = value == NULL ? (struct cell){.kind = CELL_NULL}
                             : (struct cell){CELL_TEXT, slice_text(value)};
    cells[2] = second == NULL ? (struct cell){.kind = CELL_NULL}
                              : (struct cell){CELL_TEXT, slice_text(second)};
    event.row = (struct row){cells, second == NULL ? 2 : 3};
    event.urgent = value != NULL && strcmp(value, "with header") == 0;
    return f->sink->ops->put(f->sink, &event, &f->err);
}

static enum put_outcome put_patiently(struct fixture *f, const char *table, const char *key,
                                      const char *value)
{
    for (;;) {
        enum put_outcome outcome = put_once(f, table, key, value, NULL);

        if (outcome != PUT_FULL)
            return outcome;
        f->refused++;
        await_fd(f);
        if (f->sink->ops->reap(f->sink, &f->err) == REAP_BROKEN)
            return PUT_FAILED;
    }
}

static void put_taken(struct fixture *f, const char *table, const char *key, const char *value)
{
    if (put_patiently(f, table, key, value) != PUT_TAKEN)
        fail_msg("put: %s", f->err.text);
}

static struct position position_at(uint64_t end_lsn)
{
    return (struct position){.known = true,
                             .system_id = 7293847561029384756,
                             .timeline = 1,
                             .slot = "orders",
                             .database = "app",
                             .end_lsn = end_lsn};
}

static enum reap_outcome commit_at(struct fixture *f, uint64_t end_lsn)
{
    struct position position = position_at(end_lsn);

    if (!f->sink->ops->commit(f->sink, &position, &f->err))
        return REAP_BROKEN;
    return await_news(f);
}

static void commit_succeeds(struct fixture *f, uint64_t end_lsn)
{
    if (commit_at(f, end_lsn) != REAP_COMMITTED)
        fail_msg("commit: %s", f->err.text);
}

static void failed_as(const struct fixture *f, enum error_kind kind, const char *expect)
{
    if (f->err.kind != kind || strstr(f->err.text, expect) == NULL)
        fail_msg("%s: \"%s\" lacks \"%s\"", error_kind_name(f->err.kind), f->err.text, expect);
}

/* ---- reading a topic back ---- */

struct seen {
    int32_t partition;
    char key[32], value[32]; /* "-" for null */
    bool header;
};

static void copy_text(char out[32], const void *at, size_t len)
{
    (void)snprintf(out, 32, "%.*s", at == NULL ? 1 : (int)len, at == NULL ? "-" : (const char *)at);
}

static size_t read_partition(rd_kafka_topic_t *topic, int32_t partition, struct seen *out,
                             size_t most)
{
    size_t count = 0;
    bool ended = false;

    assert_int_equal(rd_kafka_consume_start(topic, partition, RD_KAFKA_OFFSET_BEGINNING), 0);
    while (!ended) {
        rd_kafka_message_t *m = rd_kafka_consume(topic, partition, PATIENCE_MS);
        rd_kafka_headers_t *headers;

        assert_non_null(m);
        ended = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && count < most) {
            out[count].partition = partition;
            copy_text(out[count].key, m->key, m->key_len);
            copy_text(out[count].value, m->payload, m->len);
            out[count++].header =
                rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR;
        }
        rd_kafka_message_destroy(m);
    }
    assert_int_equal(rd_kafka_consume_stop(topic, partition), 0);
    return count;
}

static size_t read_back(struct fixture *f, const char *name, int32_t partitions, struct seen *out,
                        size_t most)
{
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, "bootstrap.servers", f->options.bootstrap_servers);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    size_t count = 0;

    for (int32_t p = 0; p < partitions; p++)
        count += read_partition(topic, p, out + count, most - count);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    return count;
}

/* Writes records under a key, as somebody else might. */
static void write_foreign(struct fixture *f, const char *key, const char *value, size_t times)
{
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, "bootstrap.servers", f->options.bootstrap_servers);
    size_t len = value == NULL ? 0 : strlen(value);

    for (size_t i = 0; i < times; i++)
        assert_int_equal(
            rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(f->position), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                              RD_KAFKA_V_KEY(key, strlen(key)),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)value, len), RD_KAFKA_V_END),
            RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_flush(rk, PATIENCE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(rk);
}

/* ---- what it keeps ---- */

static void nothing_stored(void **state)
{
    struct fixture *f = fixture_new(state);

    assert_false(recover(f).known);
    fixture_done(f);
}

static void position_round_trip(void **state)
{
    enum kafka_delivery delivery = *(const enum kafka_delivery *)((struct run *)*state)->row;
    struct fixture *f = fixture_new(state);
    struct position expect = position_at(200), got;

    f->options.delivery = delivery;
    (void)recover(f);
    put_taken(f, f->orders, "1", "one");
    assert_int_equal(f->sink->pending_records, 1);
    assert_int_equal(f->sink->pending_bytes, 4);
    commit_succeeds(f, 100);
    assert_int_equal(f->sink->pending_records, 0);
    put_taken(f, f->orders, "2", "two");
    commit_succeeds(f, 200);
    close_sink(f);
    got = recover(f);
    assert_memory_equal(&got, &expect, sizeof got);
    assert_true(kafka_read_position(&f->options, &got, &f->err));
    assert_memory_equal(&got, &expect, sizeof got);
    fixture_done(f);
}

static void empty_commit_moves_the_position(void **state)
{
    struct fixture *f = fixture_new(state);

    (void)recover(f);
    commit_succeeds(f, 300);
    commit_succeeds(f, 301);
    close_sink(f);
    assert_int_equal(recover(f).end_lsn, 301);
    fixture_done(f);
}

static void position_of_a_name_only(void **state)
{
    struct fixture *f = fixture_new(state);
    struct position got;

    (void)recover(f);
    commit_succeeds(f, 400);
    close_sink(f);
    write_foreign(f, "another", "not a position", 1500); /* more than is read at first */
    assert_int_equal(recover(f).end_lsn, 400);
    f->options.transactional_id = "third";
    assert_true(kafka_read_position(&f->options, &got, &f->err));
    assert_false(got.known);
    f->options.position_topic = "absent";
    assert_true(kafka_read_position(&f->options, &got, &f->err));
    assert_false(got.known);
    fixture_done(f);
}

static void damaged_position(void **state)
{
    struct fixture *f = fixture_new(state);

    write_foreign(f, f->relay, "millrace-position 9\n", 1);
    recover_fails(f, ERROR_GAP, "position topic position");
    assert_int_equal(f->err.gap, GAP_POSITION_UNREADABLE);
    fixture_done(f);
}

static void forgotten_position(void **state)
{
    struct fixture *f = fixture_new(state);

    (void)recover(f);
    commit_succeeds(f, 500);
    close_sink(f);
    write_foreign(f, f->relay, NULL, 1);
    assert_false(recover(f).known);
    fixture_done(f);
}

static void partitions_and_order(void **state)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct fixture *f = fixture_new(state);
    struct seen seen[16];

    (void)recover(f);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        put_taken(f, f->orders, keys[i], "v");
    put_taken(f, f->orders, "a", NULL); /* a tombstone */
    commit_succeeds(f, 1);
    assert_int_equal(read_back(f, f->orders, 3, seen, ARRAY_LEN(seen)), 9);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(seen[i].partition, murmur2_partition(slice_text(seen[i].key), 3));
    for (size_t i = 0, a = 0; i < 9; i++)
        if (strcmp(seen[i].key, "a") == 0)
            assert_string_equal(seen[i].value, a++ == 0 ? "v" : "-");
    fixture_done(f);
}

static void null_keys_and_headers(void **state)
{
    struct fixture *f = fixture_new(state);
    struct seen seen[4];

    (void)recover(f);
    put_taken(f, f->orders, NULL, "with header");
    put_taken(f, f->orders, NULL, "");
    commit_succeeds(f, 1);
    assert_int_equal(read_back(f, f->orders, 3, seen, ARRAY_LEN(seen)), 2);
    assert_int_equal(seen[0].partition, 16385 % 3);
    assert_string_equal(seen[0].key, "-");
    assert_string_equal(seen[0].value, "with header");
    assert_true(seen[0].header);
    assert_int_equal(seen[1].partition, 16385 % 3);
    assert_string_equal(seen[1].value, ""); /* empty is not null */
    assert_false(seen[1].header);
    fixture_done(f);
}

/* Records are handed over in batches, but for those with headers; on both lanes. */
static void order_through_batches(void **state)
{
    struct fixture *f = fixture_new(state);
    struct seen seen[900];
    char value[800][16];

    (void)recover(f);
    for (int i = 0; i < 800; i++) {
        (void)snprintf(value[i], sizeof value[i], "%d", i);
        if (i % 60 == 59)
            (void)strcpy(value[i], "with header");
        put_taken(f, f->orders, "k", value[i]);
        if (i % 8 == 7)
            put_taken(f, f->orders, i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c", "between");
        if (i % 400 == 399)
            commit_succeeds(f, (uint64_t)i);
    }
    assert_int_equal(read_back(f, f->orders, 3, seen, ARRAY_LEN(seen)), 900);
    for (size_t i = 0, k = 0; i < 900; i++) {
        if (strcmp(seen[i].key, "k") != 0)
            continue;
        assert_string_equal(seen[i].value, value[k]);
        assert_int_equal(seen[i].header, k % 60 == 59);
        k++;
    }
    fixture_done(f);
}

/* ---- back-pressure ---- */

static void full_while_committing(void **state)
{
    struct fixture *f = fixture_new(state);
    struct position position = position_at(1);

    (void)recover(f);
    put_taken(f, f->orders, "1", "one");
    assert_true(f->sink->ops->commit(f->sink, &position, &f->err));
    assert_int_equal(put_once(f, f->orders, "2", "two", NULL), PUT_FULL);
    assert_int_equal(await_news(f), REAP_COMMITTED);
    assert_int_equal(f->sink->ops->reap(f->sink, &f->err), REAP_PENDING);
    put_taken(f, f->orders, "2", "two");
    commit_succeeds(f, 2);
    fixture_done(f);
}

/* Commits one record of key "k" at the LSN that is its value too. */
static void commit_one(struct fixture *f, const char *value)
{
    put_taken(f, f->orders, "k", value);
    commit_succeeds(f, strtoull(value, NULL, 10));
}

/* The broker takes its time to end a transaction: that is no reason to wait with the next. */
static void next_begins_while_one_ends(void **state)
{
    struct fixture *f = fixture_new(state);
    struct position position = position_at(3);
    struct seen seen[8];

    (void)recover(f);
    commit_one(f, "1");
    commit_one(f, "2");
    put_taken(f, f->orders, "k", "3");
    slow_down(f->world, SLOW_MS);
    assert_true(f->sink->ops->commit(f->sink, &position, &f->err));
    while (put_once(f, f->orders, "k", "4", NULL) == PUT_FULL) {
        await_fd(f);
        assert_int_equal(f->sink->ops->reap(f->sink, &f->err), REAP_PENDING);
    }
    assert_int_equal(f->sink->pending_records, 1);
    assert_int_equal(await_news(f), REAP_COMMITTED);
    slow_down(f->world, 0);
    commit_succeeds(f, 4);
    assert_int_equal(read_back(f, f->orders, 3, seen, ARRAY_LEN(seen)), 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(seen[i].value[0], '1' + i);
    close_sink(f);
    assert_int_equal(recover(f).end_lsn, 4);
    fixture_done(f);
}

/* What was put behind a transaction is lost with it. */
static void next_falls_with_the_one_before(void **state)
{
    struct fixture *f = fixture_new(state);
    struct position position = position_at(2);

    (void)recover(f);
    commit_one(f, "1");
    put_taken(f, f->orders, "k", "2");
    rd_kafka_mock_push_request_errors(f->world->cluster, API_END_TXN, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    slow_down(f->world, SLOW_MS);
    assert_true(f->sink->ops->commit(f->sink, &position, &f->err));
    put_taken(f, f->orders, "k", "3");
    assert_int_equal(await_news(f), REAP_BROKEN);
    failed_as(f, ERROR_FENCED, "another relay");
    assert_int_equal(put_once(f, f->orders, "k", "4", NULL), PUT_FAILED);
    slow_down(f->world, 0);
    fixture_done(f);
}

static void full_queue_empties(void **state)
{
    struct fixture *f = fixture_new(state);
    struct seen seen[600];

    f->options.queue_max_bytes = 20000;
    (void)recover(f);
    put_taken(f, f->orders, "1", "first");
    f->refused = 0;
    slow_down(f->world, 20);
    for (size_t i = 0; i < 250; i++)
        put_taken(f, f->orders, "k", "value");
    assert_in_range(f->refused, 2, 50); /* woken when half is free, not for each record */
    slow_down(f->world, 0);
    commit_succeeds(f, 1);
    assert_int_equal(read_back(f, f->orders, 3, seen, ARRAY_LEN(seen)), 251);
    fixture_done(f);
}

/* An event's records go together or not at all, and one that is larger than the queue goes alone.
 */
static void events_are_not_cut(void **state)
{
    char large[3000];
    struct fixture *f = fixture_new(state);
    struct seen seen[8];

    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    f->options.queue_max_bytes = 4000;
    (void)recover(f);
    put_taken(f, f->orders, "1", "first");
    slow_down(f->world, 50);
    put_taken(f, f->orders, "1", "small");
    assert_int_equal(put_once(f, f->orders, "1", large, large), PUT_FULL);
    assert_int_equal(f->sink->pending_records, 2);
    while (put_once(f, f->orders, "1", large, large) == PUT_FULL) {
        await_fd(f);
        assert_int_equal(f->sink->ops->reap(f->sink, &f->err), REAP_PENDING);
    }
    assert_int_equal(f->sink->pending_records, 4);
    slow_down(f->world, 0);
    commit_succeeds(f, 1);
    assert_int_equal(read_back(f, f->orders, 3, seen, ARRAY_LEN(seen)), 4);
    fixture_done(f);
}

/* ---- what goes wrong ---- */

struct fault_case {
    const char *name;
    enum api api;
    rd_kafka_resp_err_t code;
    enum error_kind kind;
    const char *expect;
};

static const struct fault_case fault_cases[] = {
    {"produce: too large for the broker", API_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
     ERROR_CONFIG, "raise max.message.bytes of the topic"},
    {"produce: topic not allowed", API_PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
     ERROR_CONFIG, "allow this user Write and Describe on the topic"},
    {"produce: invalid record", API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_RECORD, ERROR_CONFIG,
     "compacted topic takes no record without a key"},
    {"produce: fenced", API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERROR_FENCED,
     "another relay with the transactional id \"relay"},
    {"produce: policy", API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, ERROR_LINK,
     "was not delivered"},
    {"add partitions: fenced", API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, ERROR_FENCED,
     "another relay"},
    {"end: fenced", API_END_TXN, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERROR_FENCED,
     "another relay"},
    {"end: state", API_END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, ERROR_LINK,
     "commit of a transaction"},
    {"end: not allowed", API_END_TXN, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
     ERROR_CONFIG, "transactional id"},
};

/* Broken for good: nothing is confirmed, and every further call says why. */
static void fault_breaks(void **state)
{
    const struct fault_case *c = ((struct run *)*state)->row;
    struct fixture *f = fixture_new(state);

    (void)recover(f);
    put_taken(f, f->orders, "1", "one");
    commit_succeeds(f, 100);
    for (int i = 0; i < 8; i++)
        rd_kafka_mock_push_request_errors(f->world->cluster, c->api, 1, c->code);
    put_taken(f, f->orders, "2", "two");
    assert_int_equal(commit_at(f, 200), REAP_BROKEN);
    failed_as(f, c->kind, c->expect);
    assert_int_equal(f->sink->ops->reap(f->sink, &f->err), REAP_BROKEN);
    assert_int_equal(put_once(f, f->orders, "3", "three", NULL), PUT_FAILED);
    assert_int_equal(commit_at(f, 300), REAP_BROKEN);
    fixture_done(f);
}

static const struct fault_case init_cases[] = {
    {"init: not allowed", API_INIT_PRODUCER_ID,
     RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, ERROR_CONFIG, "transactional id"},
    {"init: time-out beyond the broker's", API_INIT_PRODUCER_ID,
     RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, ERROR_CONFIG, "transaction.max.timeout.ms"},
    {"init: fenced", API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, ERROR_LINK,
     "is starting"},
};

static void fault_stops_recovery(void **state)
{
    const struct fault_case *c = ((struct run *)*state)->row;
    struct fixture *f = fixture_new(state);

    for (int i = 0; i < 8; i++)
        rd_kafka_mock_push_request_errors(f->world->cluster, c->api, 1, c->code);
    recover_fails(f, c->kind, c->expect);
    fixture_done(f);
}

/* Whoever has the first id only could be followed by an older relay's second. */
static void second_id_is_fenced_too(void **state)
{
    struct fixture *f = fixture_new(state);

    rd_kafka_mock_push_request_errors(f->world->cluster, API_INIT_PRODUCER_ID, 2,
                                      RD_KAFKA_RESP_ERR_NO_ERROR,
                                      RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    recover_fails(f, ERROR_CONFIG, "the same with " KAFKA_SECOND_SUFFIX " behind it");
    fixture_done(f);
}

/* One request fails, the next would not: the position must not have been in it. */
static void at_least_once_fault(void **state)
{
    struct fixture *f = fixture_new(state);

    f->options.delivery = DELIVERY_AT_LEAST_ONCE;
    (void)recover(f);
    put_taken(f, f->orders, "1", "one");
    commit_succeeds(f, 100);
    rd_kafka_mock_push_request_errors(f->world->cluster, API_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    put_taken(f, f->orders, "2", "two");
    assert_int_equal(commit_at(f, 200), REAP_BROKEN);
    failed_as(f, ERROR_CONFIG, "topic orders");
    close_sink(f);
    assert_int_equal(recover(f).end_lsn, 100);
    fixture_done(f);
}

static void timed_out_is_not_taken_over(void **state)
{
    struct fixture *f = fixture_new(state);
    struct timespec longer = {1, 100000000};

    f->options.transaction_timeout_ms = 1000;
    (void)recover(f);
    put_taken(f, f->orders, "1", "one");
    (void)nanosleep(&longer, NULL); /* the transaction's age is what is tested */
    for (int i = 0; i < 8; i++)
        rd_kafka_mock_push_request_errors(f->world->cluster, API_END_TXN, 1,
                                          RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    assert_int_equal(commit_at(f, 100), REAP_BROKEN);
    failed_as(f, ERROR_LINK, "longer than kafka.transaction_timeout 1000");
    fixture_done(f);
}

static void disturbed_commit_is_recycled(void **state)
{
    struct fixture *f = fixture_new(state);

    (void)recover(f);
    put_taken(f, f->orders, "1", "one");
    rd_kafka_mock_push_request_errors(f->world->cluster, API_END_TXN, 1,
                                      RD_KAFKA_RESP_ERR__TRANSPORT);
    commit_succeeds(f, 100);
    assert_int_equal(await_news(f), REAP_BROKEN);
    failed_as(f, ERROR_LINK, "the producer is replaced");
    close_sink(f);
    assert_int_equal(recover(f).end_lsn, 100);
    fixture_done(f);
}

/* The helper has done the job, or the producer has failed. */
static void await_job(struct kafka_transaction *t, enum kafka_job job)
{
    struct pollfd fd = {.fd = t->producer->wake_fd, .events = POLLIN};
    struct error err = {0};

    kafka_transaction_ask(t, job);
    while (!kafka_transaction_take(t, job)) {
        if (kafka_producer_has_failed(t->producer, &err))
            fail_msg("%s: %s", error_kind_name(err.kind), err.text);
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
        kafka_producer_drain_wake(t->producer);
    }
}

/* A password that was refused hours ago and then was not is no reason to give up a slow commit. */
static void old_trouble_is_forgotten(void **state)
{
    struct fixture *f = fixture_new(state);
    struct kafka_producer p;
    struct kafka_transaction t;

    assert_true(kafka_producer_init(&p, &f->options, &f->err));
    assert_true(kafka_transaction_start(&t, &p, &f->err));
    await_job(&t, JOB_OPEN);
    kafka_notes_take(&p.notes, RD_KAFKA_RESP_ERR__AUTHENTICATION, "hours ago");
    p.notes.since_ms -= INT64_C(3600) * 1000;
    slow_down(f->world, 700); /* longer than one slice of waiting */
    await_job(&t, JOB_COMMIT);
    slow_down(f->world, 0);
    kafka_transaction_stop(&t);
    kafka_producer_done(&p);
    fixture_done(f);
}

/* "Nothing stored" would make the relay begin anew: a broker that does not know the topic, which
 * others have just shown us, is no witness of that. */
static void forgetful_broker_is_asked_again(void **state)
{
    struct fixture *f = fixture_new(state);
    struct position position = {0};

    f->options.position_topic = "nobody-knows";
    assert_false(
        kafka_position_read(&f->options, true, NULL, kafka_clock_ms() + 1000, &position, &f->err));
    failed_as(f, ERROR_LINK, "metadata of the position topic");
    assert_true(
        kafka_position_read(&f->options, false, NULL, kafka_clock_ms() + 1000, &position, &f->err));
    assert_false(position.known);
    fixture_done(f);
}

static void too_large_record(void **state)
{
    struct fixture *f = fixture_new(state);
    char value[2001];

    memset(value, 'x', sizeof value);
    value[2000] = '\0';
    f->options.message_max_bytes = 2000;
    (void)recover(f);
    put_taken(f, f->orders, "", value); /* just fits */
    assert_int_equal(put_patiently(f, f->orders, "1", value), PUT_FAILED);
    failed_as(
        f, ERROR_CONFIG,
        " is larger than kafka.message_max 2000: raise it, and max.message.bytes of the topic");
    fixture_done(f);
}

static void missing_topic(void **state)
{
    struct fixture *f = fixture_new(state);

    (void)recover(f);
    assert_int_equal(put_patiently(f, "absent", "1", "one"), PUT_FAILED);
    failed_as(f, ERROR_CONFIG, "topic absent is missing and topics.create is off: kafka-topics.sh");
    assert_int_equal(await_news(f), REAP_BROKEN);
    fixture_done(f);
}

static void other_partition_count(void **state)
{
    struct fixture *f = fixture_new(state);

    topic_new(f->world, "grown", 4);
    (void)recover(f);
    assert_int_equal(put_patiently(f, "grown", "1", "one"), PUT_FAILED);
    failed_as(f, ERROR_CONFIG, "topic grown has 4 partitions, it should have 3");
    close_sink(f);
    f->err = (struct error){0};
    f->options.check_partitions = false;
    (void)recover(f);
    put_taken(f, "grown", "1", "one");
    commit_succeeds(f, 100);
    fixture_done(f);
}

static void position_topic_of_many_partitions(void **state)
{
    struct fixture *f = fixture_new(state);

    f->options.position_topic = f->orders;
    recover_fails(f, ERROR_CONFIG, " has 3 partitions, it should have 1");
    fixture_done(f);
}

static void missing_position_topic(void **state)
{
    struct fixture *f = fixture_new(state);

    f->options.position_topic = "absent";
    recover_fails(f, ERROR_CONFIG, "--topic absent --partitions 1 --config cleanup.policy=compact");
    fixture_done(f);
}

static void unreachable_broker(void **state)
{
    struct fixture *f = fixture_new(state);

    f->options.delivery = *(const enum kafka_delivery *)((struct run *)*state)->row;
    f->options.bootstrap_servers = "127.0.0.1:1";
    f->options.timeout_ms = 300;
    recover_fails(f, ERROR_LINK,
                  "Connection refused: start the broker there, or correct kafka.bootstrap_servers");
    failed_as(f, ERROR_LINK, "Kafka 127.0.0.1:1: ");
    fixture_done(f);
}

/* As `check` and `status` ask; nobody but us asks for the name, since it cannot be one. */
static void unreachable_when_looking(void **state)
{
    static const struct {
        const char *servers, *reason, *advice;
    } rows[] = {
        {"127.0.0.1:1", "Connection refused: ", "start the broker there, or correct "},
        {"no..host:9092", "Failed to resolve 'no..host:9092': ", "make that host name known here"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture *f = fixture_new(state);
        struct position got;
        char where[64];

        f->options.bootstrap_servers = rows[i].servers;
        f->options.timeout_ms = 300;
        assert_false(kafka_read_position(&f->options, &got, &f->err));
        (void)snprintf(where, sizeof where, "Kafka %s: ", rows[i].servers);
        failed_as(f, ERROR_LINK, where);
        failed_as(f, ERROR_LINK, rows[i].reason);
        failed_as(f, ERROR_LINK, rows[i].advice);
        failed_as(f, ERROR_LINK, "kafka.bootstrap_servers");
        fixture_done(f);
    }
}

/* Connected to, but nobody accepts it. */
static void silent_broker(void **state)
{
    struct fixture *f = fixture_new(state);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct position got;
    char servers[32];

    assert_int_equal(bind(listener, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(servers, sizeof servers, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    f->options.bootstrap_servers = servers;
    f->options.timeout_ms = 300;
    assert_false(kafka_read_position(&f->options, &got, &f->err));
    failed_as(f, ERROR_LINK, "no answer in time: see whether a broker runs there");
    failed_as(f, ERROR_LINK, "or correct kafka.bootstrap_servers, or raise kafka.timeout");
    (void)close(listener);
    fixture_done(f);
}

static void stopped_while_recovering(void **state)
{
    struct fixture *f = fixture_new(state);
    struct position position;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    f->options.bootstrap_servers = "127.0.0.1:1";
    f->sink = sink_new(f, ends[0]);
    assert_false(f->sink->ops->recover(f->sink, &position, &f->err));
    assert_int_equal(f->err.kind, ERROR_STOPPED);
    fixture_done(f);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Every record is there to be read at once: nothing is waited for. */
static void stopped_while_records_come(void **state)
{
    struct fixture *f = fixture_new(state);
    atomic_bool stop = true;
    struct position got;

    write_foreign(f, "another relay", "x", 300);
    assert_false(kafka_position_read(&f->options, false, &stop, kafka_clock_ms() + PATIENCE_MS,
                                     &got, &f->err));
    failed_as(f, ERROR_STOPPED, "reading the position topic: asked to stop");
    stop = false;
    f->err = (struct error){0};
    assert_true(kafka_position_read(&f->options, false, &stop, kafka_clock_ms() + PATIENCE_MS, &got,
                                    &f->err));
    fixture_done(f);
}

static void closed_in_the_middle(void **state)
{
    struct fixture *f = fixture_new(state);
    struct position position = position_at(1);

    f->sink = sink_new(f, -1);
    close_sink(f); /* never recovered */
    (void)recover(f);
    put_taken(f, f->orders, "1", "one");
    close_sink(f); /* with a transaction open */
    (void)recover(f);
    put_taken(f, f->orders, "1", "one");
    rd_kafka_mock_broker_set_down(f->world->cluster, 1);
    assert_true(f->sink->ops->commit(f->sink, &position, &f->err));
    close_sink(f); /* with a commit that cannot end */
    rd_kafka_mock_broker_set_up(f->world->cluster, 1);
    settle(f->world);
    fixture_done(f);
}

static const enum kafka_delivery exactly_once = DELIVERY_EXACTLY_ONCE;
static const enum kafka_delivery at_least_once = DELIVERY_AT_LEAST_ONCE;

static const struct {
    const char *name;
    CMUnitTestFunction test;
    const void *row;
} cases[] = {
    {"nothing stored", nothing_stored, NULL},
    {"position round trip, exactly once", position_round_trip, &exactly_once},
    {"position round trip, at least once", position_round_trip, &at_least_once},
    {"empty commit moves the position", empty_commit_moves_the_position, NULL},
    {"position of a name only", position_of_a_name_only, NULL},
    {"damaged position", damaged_position, NULL},
    {"forgotten position", forgotten_position, NULL},
    {"partitions and order", partitions_and_order, NULL},
    {"null keys and headers", null_keys_and_headers, NULL},
    {"order through batches", order_through_batches, NULL},
    {"full while committing", full_while_committing, NULL},
    {"next begins while one ends", next_begins_while_one_ends, NULL},
    {"next falls with the one before", next_falls_with_the_one_before, NULL},
    {"full queue empties", full_queue_empties, NULL},
    {"events are not cut", events_are_not_cut, NULL},
    {"second id is fenced too", second_id_is_fenced_too, NULL},
    {"at least once: fault", at_least_once_fault, NULL},
    {"timed out is not taken over", timed_out_is_not_taken_over, NULL},
    {"disturbed commit is recycled", disturbed_commit_is_recycled, NULL},
    {"old trouble is forgotten", old_trouble_is_forgotten, NULL},
    {"forgetful broker is asked again", forgetful_broker_is_asked_again, NULL},
    {"too large record", too_large_record, NULL},
    {"missing topic", missing_topic, NULL},
    {"other partition count", other_partition_count, NULL},
    {"position topic of many partitions", position_topic_of_many_partitions, NULL},
    {"missing position topic", missing_position_topic, NULL},
    {"unreachable broker, exactly once", unreachable_broker, &exactly_once},
    {"unreachable broker, at least once", unreachable_broker, &at_least_once},
    {"unreachable when looking", unreachable_when_looking, NULL},
    {"silent broker", silent_broker, NULL},
    {"stopped while recovering", stopped_while_recovering, NULL},
    {"stopped while records come", stopped_while_records_come, NULL},
    {"closed in the middle", closed_in_the_middle, NULL},
};

#define TEST_COUNT (ARRAY_LEN(cases) + ARRAY_LEN(fault_cases) + ARRAY_LEN(init_cases))

struct suite {
    struct run runs[TEST_COUNT];
    struct CMUnitTest tests[TEST_COUNT];
    size_t count;
};

static void add(struct suite *s, struct world *world, const char *name, CMUnitTestFunction test,
                const void *row)
{
    s->runs[s->count] = (struct run){world, row};
    s->tests[s->count] =
        (struct CMUnitTest){.name = name, .test_func = test, .initial_state = &s->runs[s->count]};
    s->count++;
}

int main(void)
{
    struct world world = {0};
    struct suite suite = {.count = 0};
    int failed;

    world.host = client(RD_KAFKA_PRODUCER, NULL, NULL);
    world.cluster = rd_kafka_mock_cluster_new(world.host, 1);
    world.asker = client(RD_KAFKA_PRODUCER, "bootstrap.servers",
                         rd_kafka_mock_cluster_bootstraps(world.cluster));
#if RD_KAFKA_VERSION >= 0x020f0000 /* older mocks take any broker for the controller */
    rd_kafka_mock_set_controller_id(world.cluster, 1);
#endif
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        add(&suite, &world, cases[i].name, cases[i].test, cases[i].row);
    for (size_t i = 0; i < ARRAY_LEN(fault_cases); i++)
        add(&suite, &world, fault_cases[i].name, fault_breaks, &fault_cases[i]);
    for (size_t i = 0; i < ARRAY_LEN(init_cases); i++)
        add(&suite, &world, init_cases[i].name, fault_stops_recovery, &init_cases[i]);
    failed = cmocka_run_group_tests_name("sink_kafka", suite.tests, NULL, NULL);
    rd_kafka_destroy(world.asker);
    rd_kafka_mock_cluster_destroy(world.cluster);
    rd_kafka_destroy(world.host);
    return failed;
}
