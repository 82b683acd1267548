/* Records beside those of rows: transactions, heartbeats, relations, and the context headers. */
#include "sinks/recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/fake_registry.h"
#include "support/table_spec.h"

#define COMMIT_US INT64_C(1795236510181222)

struct fixture {
    struct recorder_options options;
    struct recorder *recorder;
    struct fake_registry registry;
    struct table_spec a, b;
    struct cell cells[2], old[2];
    struct buf told; /* one line a record */
};

static struct fixture *fixture_create(void)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->options = (struct recorder_options){.topic_prefix = "p",
                                           .topic_delimiter = ".",
                                           .database = "depot",
                                           .tombstones = true,
                                           .truncates = true,
                                           .transaction_topic = "transaction",
                                           .heartbeat_prefix = "__debezium-heartbeat",
                                           .unavailable_value_placeholder = "?",
                                           .record_limit_bytes = 1 << 20};
    table_spec_read(&f->a, "public", "a", "*id int4; v text");
    table_spec_read(&f->b, "public", "b", "*id int4; v text");
    f->a.relation.oid = 1;
    f->b.relation.oid = 2;
    f->b.relation.id = f->a.relation.id + 1;
    buf_init(&f->told, SIZE_MAX);
    return f;
}

static void fixture_open(struct fixture *f)
{
    f->recorder = recorder_create(&f->options);
}

static void fixture_destroy(struct fixture *f)
{
    recorder_destroy(f->recorder);
    buf_done(&f->told);
    free(f);
}

static struct event event_of(enum event_kind kind, uint64_t commit_lsn, uint64_t ordinal)
{
    return (struct event){.kind = kind,
                          .lsn = commit_lsn - 50 + ordinal,
                          .commit_lsn = commit_lsn,
                          .ordinal = ordinal,
                          .xid = 7,
                          .commit_us = COMMIT_US};
}

static struct event insert(struct fixture *f, struct table_spec *table, uint64_t commit_lsn,
                           uint64_t ordinal)
{
    struct event event = event_of(EVENT_INSERT, commit_lsn, ordinal);

    f->cells[0] = (struct cell){CELL_TEXT, slice_text("1")};
    f->cells[1] = (struct cell){CELL_TEXT, slice_text("x")};
    event.relation = &table->relation;
    event.row = (struct row){f->cells, 2};
    return event;
}

/* What stands from `from` on, to the end of the block or value. */
static void tell_from(struct fixture *f, struct slice text, const char *from, const char *to)
{
    char copy[4096];
    char *start, *end;

    assert_true(text.len < sizeof copy);
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    start = strstr(copy, from);
    if (start == NULL) {
        buf_text(&f->told, copy);
        return;
    }
    start += strlen(from);
    end = strstr(start, to);
    assert_non_null(end);
    *end = '\0';
    buf_text(&f->told, start);
}

/* topic: the transaction block of a change; key and value of all others. */
static void tell(struct fixture *f, const struct records *records)
{
    f->told.len = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct record *r = &records->at[i];

        buf_text(&f->told, r->topic->name);
        buf_text(&f->told, r->topic->is_single ? "! " : " ");
        if (!r->has_value) {
            buf_text(&f->told, "tombstone");
        } else if (r->relation != NULL || strcmp(r->topic->name, "p.message") == 0) {
            tell_from(f, r->value, "\"transaction\":", r->relation != NULL ? ",\"op\"" : ",\"mess");
        } else {
            buf_slice(&f->told, r->key);
            buf_byte(&f->told, ' ');
            buf_slice(&f->told, r->value);
        }
        buf_byte(&f->told, '\n');
    }
    buf_byte(&f->told, '\0');
}

static void assert_made(struct fixture *f, const struct event *event, const char *expect)
{
    struct records records;
    struct error err = {0};

    if (!recorder_make(f->recorder, event, &records, &err))
        fail_msg("%s", err.text);
    tell(f, &records);
    assert_string_equal((const char *)f->told.at, expect);
}

/* Refused once, then taken: the same both times. */
static void assert_taken(struct fixture *f, const struct event *event, const char *expect)
{
    assert_made(f, event, expect);
    assert_made(f, event, expect);
    recorder_taken(f->recorder);
}

#define BLOCK(total, order)                                                                        \
    "{\"id\":\"7:1000\",\"total_order\":" total ",\"data_collection_order\":" order "}\n"
#define BEGIN                                                                                      \
    "p.transaction! {\"id\":\"7:1000\"} "                                                          \
    "{\"status\":\"BEGIN\",\"id\":\"7:1000\",\"event_count\":null,"                                \
    "\"data_collections\":null,\"ts_ms\":1795236510181}\n"
#define END(count, collections)                                                                    \
    "p.transaction! {\"id\":\"7:1000\"} "                                                          \
    "{\"status\":\"END\",\"id\":\"7:1000\",\"event_count\":" count                                 \
    ",\"data_collections\":[" collections "],\"ts_ms\":1795236510181}\n"
#define COLLECTION(name, count) "{\"data_collection\":\"" name "\",\"event_count\":" count "}"

static void a_transaction_is_told(void **state)
{
    struct fixture *f = fixture_create();
    struct event begin = event_of(EVENT_BEGIN, 1000, 0), end = event_of(EVENT_COMMIT, 1000, 0);
    struct event first = insert(f, &f->a, 1000, 1), second = insert(f, &f->b, 1000, 2);
    struct event third = insert(f, &f->a, 1000, 3);

    (void)state;
    f->options.transaction_metadata = true;
    fixture_open(f);
    assert_taken(f, &begin, "");
    assert_taken(f, &first, BEGIN "p.public.a " BLOCK("1", "1"));
    assert_taken(f, &second, "p.public.b " BLOCK("2", "1"));
    assert_taken(f, &third, "p.public.a " BLOCK("3", "2"));
    assert_taken(f, &end, END("3", COLLECTION("public.a", "2") "," COLLECTION("public.b", "1")));
    fixture_destroy(f);
}

static void key_changes_count_twice_and_tombstones_not(void **state)
{
    struct fixture *f = fixture_create();
    struct event event = insert(f, &f->a, 1000, 1), end = event_of(EVENT_COMMIT, 1000, 0);

    (void)state;
    f->options.transaction_metadata = true;
    fixture_open(f);
    event.kind = EVENT_UPDATE;
    event.old_kind = OLD_KEY;
    f->old[0] = (struct cell){CELL_TEXT, slice_text("9")};
    event.old = (struct row){f->old, 2};
    assert_taken(f, &event,
                 BEGIN "p.public.a " BLOCK("1", "1") "p.public.a tombstone\n"
                                                     "p.public.a " BLOCK("2", "2"));
    assert_taken(f, &end, END("2", COLLECTION("public.a", "2")));
    fixture_destroy(f);
}

static void truncates_and_messages_count(void **state)
{
    struct fixture *f = fixture_create();
    const struct relation *tables[] = {&f->a.relation, &f->b.relation};
    struct event truncate = event_of(EVENT_TRUNCATE, 1000, 1);
    struct event message = event_of(EVENT_MESSAGE, 1000, 2), end = event_of(EVENT_COMMIT, 1000, 0);
    struct event outside = event_of(EVENT_MESSAGE, 0, 0);

    (void)state;
    f->options.transaction_metadata = true;
    fixture_open(f);
    truncate.truncated = tables;
    truncate.truncated_count = 2;
    assert_taken(f, &truncate, BEGIN "p.public.a " BLOCK("1", "1") "p.public.b " BLOCK("2", "1"));
    message.transactional = true;
    assert_taken(f, &message, "p.message " BLOCK("3", "1"));
    assert_taken(f, &outside, "p.message null\n");
    assert_taken(f, &end,
                 END("3", COLLECTION("public.a", "1") "," COLLECTION(
                              "public.b", "1") "," COLLECTION("message", "1")));
    fixture_destroy(f);
}

/* A transaction that was cut: what is durable comes again and is counted only. */
static void repeated_events_are_counted_only(void **state)
{
    struct fixture *f = fixture_create();
    struct event begin = event_of(EVENT_BEGIN, 1000, 0), end = event_of(EVENT_COMMIT, 1000, 0);
    struct event first = insert(f, &f->a, 1000, 1), second = insert(f, &f->a, 1000, 2);

    (void)state;
    f->options.transaction_metadata = true;
    fixture_open(f);
    first.repeated = true;
    assert_taken(f, &begin, "");
    assert_taken(f, &first, "");
    assert_taken(f, &second, "p.public.a " BLOCK("2", "2"));
    assert_taken(f, &end, END("2", COLLECTION("public.a", "2")));
    fixture_destroy(f);
}

static void what_is_not_relayed_is_not_told(void **state)
{
    static const char *const skipped[] = {"c"};
    struct fixture *f = fixture_create();
    struct event begin = event_of(EVENT_BEGIN, 1000, 0), end = event_of(EVENT_COMMIT, 1000, 0);
    struct event only = insert(f, &f->a, 1000, 1), row = insert(f, &f->a, 0, 0);

    (void)state;
    f->options.transaction_metadata = true;
    f->options.rules.skipped_operations = (struct patterns){skipped, 1};
    fixture_open(f);
    assert_taken(f, &begin, "");
    assert_taken(f, &only, "");
    assert_taken(f, &end, "");
    row.kind = EVENT_READ; /* of the snapshot: in no transaction */
    assert_taken(f, &row, "p.public.a null\n");
    fixture_destroy(f);
}

static void without_the_option_nothing_is_told(void **state)
{
    struct fixture *f = fixture_create();
    struct event first = insert(f, &f->a, 1000, 1), end = event_of(EVENT_COMMIT, 1000, 0);

    (void)state;
    fixture_open(f);
    assert_taken(f, &first, "p.public.a null\n");
    first.repeated = true;
    assert_taken(f, &first, "");
    assert_taken(f, &end, "");
    fixture_destroy(f);
}

static void heartbeats(void **state)
{
    static const enum encoding_kind encodings[] = {ENCODING_JSON, ENCODING_JSON_SCHEMA};
    static const char *const expect[] = {
        "__debezium-heartbeat.p! {\"serverName\":\"p\"} {\"ts_ms\":1795236510310}\n",
        "__debezium-heartbeat.p! {\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"string\","
        "\"optional\":false,\"field\":\"serverName\"}],\"optional\":false,\"name\":"
        "\"io.debezium.connector.common.ServerNameKey\",\"version\":1},\"payload\":"
        "{\"serverName\":\"p\"}} {\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int64\","
        "\"optional\":false,\"field\":\"ts_ms\"}],\"optional\":false,\"name\":"
        "\"io.debezium.connector.common.Heartbeat\",\"version\":1},\"payload\":"
        "{\"ts_ms\":1795236510310}}\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
        struct fixture *f = fixture_create();
        struct event beat = {.kind = EVENT_HEARTBEAT, .seen_ns = 1795236510310091403};

        f->options.encoding = encodings[i];
        fixture_open(f);
        assert_taken(f, &beat, expect[i]);
        fixture_destroy(f);
    }
}

static void heartbeats_in_avro(void **state)
{
    static const uint8_t key[] = {0, 0, 0, 0, 1, 2, 'p'}, value[] = {0, 0, 0, 0, 2, 0x06};
    struct fixture *f = fixture_create();
    struct event beat = {.kind = EVENT_HEARTBEAT, .seen_ns = 3 * INT64_C(1000000)};
    struct records records;
    struct error err = {0};

    (void)state;
    f->options.encoding = ENCODING_AVRO;
    f->options.registry = fake_registry_init(&f->registry);
    fixture_open(f);
    assert_true(recorder_make(f->recorder, &beat, &records, &err));
    assert_int_equal(records.count, 1);
    assert_int_equal(records.at[0].key.len, sizeof key);
    assert_memory_equal(records.at[0].key.at, key, sizeof key);
    assert_int_equal(records.at[0].value.len, sizeof value);
    assert_memory_equal(records.at[0].value.at, value, sizeof value);
    assert_int_equal(records.at[0].partition_key.len, 2); /* without the schema's id */
    fixture_destroy(f);
}

#define DESCRIBED(columns)                                                                         \
    "{\"oid\":1,\"replica_identity\":\"default\",\"key\":[\"id\"]," columns "}"
#define CHANGED(old, new)                                                                          \
    "p.relations! {\"schema\":\"public\",\"table\":\"a\"} {\"schema\":\"public\",\"table\":\"a\"," \
    "\"lsn\":951,\"txId\":7,\"ts_ms\":1795236510181,\"old\":" old ",\"new\":" new "}\n"
#define ID_COLUMN                                                                                  \
    "{\"name\":\"id\",\"type_schema\":\"pg_catalog\",\"type\":\"int4\",\"type_oid\":23,"           \
    "\"typmod\":-1,\"not_null\":true,\"identity\":true,\"default\":null,\"labels\":null,"          \
    "\"generated\":false}"
#define TEXT_COLUMN(name)                                                                          \
    "{\"name\":\"" name "\",\"type_schema\":\"pg_catalog\",\"type\":\"text\",\"type_oid\":25,"     \
    "\"typmod\":-1,\"not_null\":false,\"identity\":false,\"default\":null,\"labels\":null,"        \
    "\"generated\":false}"

static void relations_are_told_when_they_change(void **state)
{
    static const char first[] = DESCRIBED("\"columns\":[" ID_COLUMN "," TEXT_COLUMN("v") "]");
    struct fixture *f = fixture_create();
    struct event event = insert(f, &f->a, 1000, 1);
    char expect[4096];

    (void)state;
    f->options.relation_changes = true;
    fixture_open(f);
    (void)snprintf(expect, sizeof expect, CHANGED("null", "%s") "p.public.a null\n", first);
    assert_taken(f, &event, expect);
    assert_taken(f, &event, "p.public.a null\n");
    f->a.relation.id += 10; /* described again, and the same */
    assert_taken(f, &event, "p.public.a null\n");
    f->a.relation.id += 10;
    f->a.columns[1].name = slice_text("w");
    (void)snprintf(expect, sizeof expect,
                   CHANGED("%s", DESCRIBED("\"columns\":[" ID_COLUMN
                                           "," TEXT_COLUMN("w") "]")) "p.public.a null\n",
                   first);
    assert_taken(f, &event, expect);
    assert_taken(f, &event, "p.public.a null\n");
    fixture_destroy(f);
}

static void labels_and_hidden_columns(void **state)
{
    static const struct slice labels[] = {{(const uint8_t *)"sad", 3}, {(const uint8_t *)"ok", 2}};
    struct fixture *f = fixture_create();
    struct event event = insert(f, &f->a, 1000, 1);
    struct records records;
    struct error err = {0};

    (void)state;
    f->options.relation_changes = true;
    fixture_open(f);
    f->a.types[1].kind = TYPE_ENUM;
    f->a.types[1].labels = labels;
    f->a.types[1].label_count = 2;
    assert_true(recorder_make(f->recorder, &event, &records, &err));
    tell(f, &records);
    assert_non_null(strstr((const char *)f->told.at, "\"labels\":[\"sad\",\"ok\"]"));
    recorder_taken(f->recorder);
    f->a.columns[1].hidden = true;
    f->a.relation.id += 10;
    assert_true(recorder_make(f->recorder, &event, &records, &err));
    tell(f, &records);
    assert_non_null(
        strstr((const char *)f->told.at, "\"new\":" DESCRIBED("\"columns\":[" ID_COLUMN "]")));
    fixture_destroy(f);
}

static void a_table_may_not_have_such_a_topic(void **state)
{
    struct fixture *f = fixture_create();
    struct event event = insert(f, &f->a, 1000, 1);
    struct records records;
    struct error err = {0};

    (void)state;
    f->options.topic_delimiter = "_"; /* p_public_a */
    f->options.transaction_topic = "public_a";
    f->options.transaction_metadata = true;
    fixture_open(f);
    assert_false(recorder_make(f->recorder, &event, &records, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "transactions.metadata"));
    fixture_destroy(f);
}

static void context_headers(void **state)
{
    struct fixture *f = fixture_create();
    struct event event = insert(f, &f->a, 1000, 1);
    struct records records;
    struct error err = {0};

    (void)state;
    f->options.run_id = "0b7c";
    fixture_open(f);
    event.kind = EVENT_UPDATE;
    event.old_kind = OLD_KEY;
    f->old[0] = (struct cell){CELL_TEXT, slice_text("9")};
    event.old = (struct row){f->old, 2};
    assert_true(recorder_make(f->recorder, &event, &records, &err));
    assert_int_equal(records.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct record *r = &records.at[i];

        assert_int_equal(r->header_count, 5);
        assert_string_equal(r->headers[0].name, i < 2 ? "__debezium.newkey" : "__debezium.oldkey");
        assert_string_equal(r->headers[1].name, "__debezium.context.connectorLogicalName");
        assert_memory_equal(r->headers[1].value.at, "p", 1);
        assert_string_equal(r->headers[4].name, "__debezium.context.runId");
        assert_memory_equal(r->headers[4].value.at, "0b7c", 4);
    }
    fixture_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transaction_is_told),
        cmocka_unit_test(key_changes_count_twice_and_tombstones_not),
        cmocka_unit_test(truncates_and_messages_count),
        cmocka_unit_test(repeated_events_are_counted_only),
        cmocka_unit_test(what_is_not_relayed_is_not_told),
        cmocka_unit_test(without_the_option_nothing_is_told),
        cmocka_unit_test(heartbeats),
        cmocka_unit_test(heartbeats_in_avro),
        cmocka_unit_test(relations_are_told_when_they_change),
        cmocka_unit_test(labels_and_hidden_columns),
        cmocka_unit_test(a_table_may_not_have_such_a_topic),
        cmocka_unit_test(context_headers),
    };

    return cmocka_run_group_tests_name("side records", tests, NULL, NULL);
}
