#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "sinks/pg_oid.h"
#include "sinks/recorder.h"
#include "support/record_text.h"

#define COLUMNS_MAX 8
#define SOURCE(schema, table)                                                                      \
    "\"source\":{\"version\":\"" MILLRACE_VERSION                                                  \
    "\",\"connector\":\"postgresql\",\"name\":\"p\",\"ts_ms\":1795236510181,\"snapshot\":"         \
    "\"false\",\"db\":\"depot\",\"sequence\":\"[\\\"99\\\",\\\"100\\\"]\",\"ts_us\":"              \
    "1795236510181222,\"ts_ns\":1795236510181222000,\"schema\":\"" schema "\",\"table\":\"" table  \
    "\",\"txId\":7,\"lsn\":100,\"xmin\":null,\"origin\":null,\"origin_lsn\":null}"
#define TAIL(op)                                                                                   \
    ",\"transaction\":null,\"op\":\"" op                                                           \
    "\",\"ts_ms\":1795236510310,\"ts_us\":1795236510310091,\"ts_ns\":1795236510310091403}"
#define CHANGE(before, after, op)                                                                  \
    "{\"before\":" before ",\"after\":" after "," SOURCE("public", "t") TAIL(op)

struct table_of_test {
    const char *schema, *name;
    enum replica_identity identity;
    struct column columns[COLUMNS_MAX];
    uint16_t column_count;
    uint16_t key[COLUMNS_MAX];
    uint16_t key_count;
};

#define NAME(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
#define ID_COLUMN                                                                                  \
    {                                                                                              \
        .name = NAME("id"), .type_oid = OID_INT4, .typmod = -1, .identity = true, .not_null = true \
    }
#define COLUMN(text, oid)                                                                          \
    {                                                                                              \
        .name = NAME(text), .type_oid = (oid), .typmod = -1                                        \
    }

/* id int primary key, v text, n int not null, w text not null default 'd' */
static const struct table_of_test with_key = {
    "public",
    "t",
    IDENTITY_DEFAULT,
    {ID_COLUMN,
     COLUMN("v", OID_TEXT),
     {.name = NAME("n"), .type_oid = OID_INT4, .typmod = -1, .not_null = true},
     {.name = NAME("w"),
      .type_oid = OID_TEXT,
      .typmod = -1,
      .not_null = true,
      .default_expr = NAME("'d'::text")}},
    4,
    {0},
    1};
/* The same with REPLICA IDENTITY FULL: every column is part of it. */
static const struct table_of_test full = {
    "public",
    "t",
    IDENTITY_FULL,
    {ID_COLUMN, {.name = NAME("v"), .type_oid = OID_TEXT, .typmod = -1, .identity = true}},
    2,
    {0},
    1};
static const struct table_of_test without_key = {
    "public", "t", IDENTITY_NOTHING, {COLUMN("a", OID_INT4), COLUMN("A", OID_TEXT)}, 2, {0}, 0};
/* primary key (id), REPLICA IDENTITY USING INDEX (code) */
static const struct table_of_test by_index = {
    "public",
    "t",
    IDENTITY_INDEX,
    {{.name = NAME("id"), .type_oid = OID_INT4, .typmod = -1, .not_null = true},
     {.name = NAME("code"), .type_oid = OID_TEXT, .typmod = -1, .identity = true, .not_null = true},
     COLUMN("v", OID_TEXT)},
    3,
    {0},
    1};
/* primary key (id), REPLICA IDENTITY USING INDEX (id, code) */
static const struct table_of_test by_wider_index = {
    "public",
    "t",
    IDENTITY_INDEX,
    {ID_COLUMN,
     {.name = NAME("code"), .type_oid = OID_TEXT, .typmod = -1, .identity = true, .not_null = true},
     COLUMN("v", OID_TEXT)},
    3,
    {0},
    1};
/* primary key (c, a): the key keeps the index's order */
static const struct table_of_test composite = {
    "public",
    "t",
    IDENTITY_DEFAULT,
    {{.name = NAME("a"), .type_oid = OID_TEXT, .typmod = -1, .identity = true},
     COLUMN("b", OID_INT4),
     {.name = NAME("c"), .type_oid = OID_INT4, .typmod = -1, .identity = true}},
    3,
    {2, 0},
    2};
static const struct table_of_test hidden = {
    "public",
    "t",
    IDENTITY_DEFAULT,
    {{.name = NAME("id"), .type_oid = OID_INT4, .typmod = -1, .identity = true, .hidden = true},
     {.name = NAME("secret"), .type_oid = OID_TEXT, .typmod = -1, .hidden = true},
     COLUMN("v", OID_TEXT)},
    3,
    {0},
    1};
static const struct table_of_test all_hidden = {
    "public",
    "t",
    IDENTITY_NOTHING,
    {{.name = NAME("v"), .type_oid = OID_TEXT, .typmod = -1, .hidden = true}},
    1,
    {0},
    0};

static struct relation relation_of(const struct table_of_test *t)
{
    return (struct relation){.id = 1,
                             .oid = 16385,
                             .schema = slice_text(t->schema),
                             .name = slice_text(t->name),
                             .identity = t->identity,
                             .column_count = t->column_count,
                             .columns = (struct column *)(uintptr_t)t->columns,
                             .described = true,
                             .key = t->key,
                             .key_count = t->key_count};
}

static struct recorder_options plain_options(void)
{
    return (struct recorder_options){.topic_prefix = "p",
                                     .topic_delimiter = ".",
                                     .database = "depot",
                                     .tombstones = true,
                                     .truncates = true,
                                     .unavailable_values = UNAVAILABLE_PLACEHOLDER,
                                     .unavailable_value_placeholder =
                                         "__debezium_unavailable_value",
                                     .record_limit_bytes = 1 << 20};
}

static struct event plain_event(enum event_kind kind)
{
    return (struct event){.kind = kind,
                          .lsn = 100,
                          .prior_end_lsn = 99,
                          .xid = 7,
                          .commit_us = 1795236510181222,
                          .seen_ns = 1795236510310091403};
}

static void put_topic_and_whole(const struct record *r, struct buf *out)
{
    buf_printf(out, "%s ", r->topic->name);
    record_text_whole(r, out);
}

struct change_case {
    const char *name;
    const struct table_of_test *table;
    enum event_kind kind;
    enum old_row old_kind;
    const char *old[COLUMNS_MAX];
    const char *row[COLUMNS_MAX];
    const char *expect;
};

static struct change_case change_cases[] = {
    {"insert",
     &with_key,
     EVENT_INSERT,
     OLD_NONE,
     {0},
     {"1", "one", "2", ""},
     "p.public.t {\"id\":1} " CHANGE("null", "{\"id\":1,\"v\":\"one\",\"n\":2,\"w\":\"\"}",
                                     "c") "\n"},
    {"null",
     &with_key,
     EVENT_INSERT,
     OLD_NONE,
     {0},
     {"1", NULL, "2", "w"},
     "p.public.t {\"id\":1} " CHANGE("null", "{\"id\":1,\"v\":null,\"n\":2,\"w\":\"w\"}",
                                     "c") "\n"},
    {"update",
     &with_key,
     EVENT_UPDATE,
     OLD_NONE,
     {0},
     {"1", "new", "2", "w"},
     "p.public.t {\"id\":1} " CHANGE("null", "{\"id\":1,\"v\":\"new\",\"n\":2,\"w\":\"w\"}",
                                     "u") "\n"},
    {"update that repeats its key",
     &with_key,
     EVENT_UPDATE,
     OLD_KEY,
     {"1", NULL, NULL, NULL},
     {"1", "new", "2", "w"},
     "p.public.t {\"id\":1} " CHANGE("null", "{\"id\":1,\"v\":\"new\",\"n\":2,\"w\":\"w\"}",
                                     "u") "\n"},
    {"update, value not touched",
     &with_key,
     EVENT_UPDATE,
     OLD_NONE,
     {0},
     {"1", UNCHANGED, "2", "w"},
     "p.public.t {\"id\":1} " CHANGE(
         "null", "{\"id\":1,\"v\":\"__debezium_unavailable_value\",\"n\":2,\"w\":\"w\"}",
         "u") "\n"},
    {"delete: zeros and defaults where NOT NULL is not told",
     &with_key,
     EVENT_DELETE,
     OLD_KEY,
     {"1", NULL, NULL, NULL},
     {0},
     "p.public.t {\"id\":1} " CHANGE("{\"id\":1,\"v\":null,\"n\":0,\"w\":\"d\"}", "null",
                                     "d") "\n"
                                          "p.public.t {\"id\":1} -\n"},
    {"key change",
     &with_key,
     EVENT_UPDATE,
     OLD_KEY,
     {"1", NULL, NULL, NULL},
     {"9", UNCHANGED, "2", "w"},
     "p.public.t {\"id\":1} " CHANGE(
         "{\"id\":1,\"v\":null,\"n\":0,\"w\":\"d\"}", "null",
         "d") " __debezium.newkey={\"id\":9}\n"
              "p.public.t {\"id\":1} - __debezium.newkey={\"id\":9}\n"
              "p.public.t {\"id\":9} " CHANGE(
                  "null", "{\"id\":9,\"v\":\"__debezium_unavailable_value\",\"n\":2,\"w\":\"w\"}",
                  "c") " __debezium.oldkey={\"id\":1}\n"},
    {"full: update",
     &full,
     EVENT_UPDATE,
     OLD_FULL,
     {"1", "old"},
     {"1", "new"},
     "p.public.t {\"id\":1} " CHANGE("{\"id\":1,\"v\":\"old\"}", "{\"id\":1,\"v\":\"new\"}",
                                     "u") "\n"},
    {"full: value not touched comes from the old row",
     &full,
     EVENT_UPDATE,
     OLD_FULL,
     {"1", "long"},
     {"1", UNCHANGED},
     "p.public.t {\"id\":1} " CHANGE("{\"id\":1,\"v\":\"long\"}", "{\"id\":1,\"v\":\"long\"}",
                                     "u") "\n"},
    {"full: null not touched",
     &full,
     EVENT_UPDATE,
     OLD_FULL,
     {"1", NULL},
     {"1", UNCHANGED},
     "p.public.t {\"id\":1} " CHANGE("{\"id\":1,\"v\":null}", "{\"id\":1,\"v\":null}", "u") "\n"},
    {"full: key change",
     &full,
     EVENT_UPDATE,
     OLD_FULL,
     {"1", "x"},
     {"2", UNCHANGED},
     "p.public.t {\"id\":1} " CHANGE("{\"id\":1,\"v\":\"x\"}", "null",
                                     "d") " __debezium.newkey={\"id\":2}\n"
                                          "p.public.t {\"id\":1} - __debezium.newkey={\"id\":2}\n"
                                          "p.public.t {\"id\":2} " CHANGE(
                                              "null", "{\"id\":2,\"v\":\"x\"}",
                                              "c") " __debezium.oldkey={\"id\":1}\n"},
    {"full: delete",
     &full,
     EVENT_DELETE,
     OLD_FULL,
     {"1", "x"},
     {0},
     "p.public.t {\"id\":1} " CHANGE("{\"id\":1,\"v\":\"x\"}", "null",
                                     "d") "\n"
                                          "p.public.t {\"id\":1} -\n"},
    {"no key, columns that differ only in case",
     &without_key,
     EVENT_INSERT,
     OLD_NONE,
     {0},
     {"1", "x"},
     "p.public.t - " CHANGE("null", "{\"a\":1,\"A\":\"x\"}", "c") "\n"},
    {"no key: delete",
     &without_key,
     EVENT_DELETE,
     OLD_FULL,
     {"1", "x"},
     {0},
     "p.public.t - " CHANGE("{\"a\":1,\"A\":\"x\"}", "null", "d") "\np.public.t - -\n"},
    {"index beside the primary key: its columns are the key of inserts too",
     &by_index,
     EVENT_INSERT,
     OLD_NONE,
     {0},
     {"1", "c", "v"},
     "p.public.t {\"code\":\"c\"} " CHANGE("null", "{\"id\":1,\"code\":\"c\",\"v\":\"v\"}",
                                           "c") "\n"},
    {"index beside the primary key: delete",
     &by_index,
     EVENT_DELETE,
     OLD_KEY,
     {NULL, "c", NULL},
     {0},
     "p.public.t {\"code\":\"c\"} " CHANGE("{\"id\":0,\"code\":\"c\",\"v\":null}", "null",
                                           "d") "\n"
                                                "p.public.t {\"code\":\"c\"} -\n"},
    {"index wider than the key: an update tells the old index columns",
     &by_wider_index,
     EVENT_UPDATE,
     OLD_KEY,
     {"1", "c", NULL},
     {"1", "d", "v"},
     "p.public.t {\"id\":1} " CHANGE("{\"id\":1,\"code\":\"c\",\"v\":null}",
                                     "{\"id\":1,\"code\":\"d\",\"v\":\"v\"}", "u") "\n"},
    {"composite key",
     &composite,
     EVENT_INSERT,
     OLD_NONE,
     {0},
     {"x", "1", "30"},
     "p.public.t {\"c\":30,\"a\":\"x\"} " CHANGE("null", "{\"a\":\"x\",\"b\":1,\"c\":30}",
                                                 "c") "\n"},
    {"composite key: a key column not touched comes from the old key",
     &composite,
     EVENT_UPDATE,
     OLD_KEY,
     {"x", NULL, "30"},
     {UNCHANGED, "1", "30"},
     "p.public.t {\"c\":30,\"a\":\"x\"} " CHANGE("null", "{\"a\":\"x\",\"b\":1,\"c\":30}",
                                                 "u") "\n"},
    {"hidden columns stay in the key",
     &hidden,
     EVENT_INSERT,
     OLD_NONE,
     {0},
     {"1", "s3cret", "v"},
     "p.public.t {\"id\":1} " CHANGE("null", "{\"v\":\"v\"}", "c") "\n"},
    {"nothing but hidden columns",
     &all_hidden,
     EVENT_INSERT,
     OLD_NONE,
     {0},
     {"v"},
     "p.public.t - " CHANGE("null", "{}", "c") "\n"},
};

struct fixture {
    struct recorder *recorder;
    struct relation relation;
    struct cell old[COLUMNS_MAX], row[COLUMNS_MAX];
    struct event event;
    struct records records;
    struct error err;
};

static void fixture_init(struct fixture *f, const struct table_of_test *table, enum event_kind kind)
{
    struct recorder_options options = plain_options();

    *f = (struct fixture){.recorder = recorder_create(&options),
                          .relation = relation_of(table),
                          .event = plain_event(kind)};
    f->event.relation = &f->relation;
}

static void fixture_done(struct fixture *f)
{
    recorder_destroy(f->recorder);
}

static void set_row(struct fixture *f, const char *const *texts)
{
    f->event.row = record_text_row(texts, f->row, f->relation.column_count);
}

static void set_old(struct fixture *f, enum old_row kind, const char *const *texts)
{
    f->event.old_kind = kind;
    f->event.old = record_text_row(texts, f->old, f->relation.column_count);
}

static void assert_records(struct fixture *f, const char *expect)
{
    struct buf got;

    if (!recorder_make(f->recorder, &f->event, &f->records, &f->err))
        fail_msg("%s", f->err.text);
    buf_init(&got, SIZE_MAX);
    record_text_write(&f->records, put_topic_and_whole, &got);
    assert_string_equal((const char *)got.at, expect);
    buf_done(&got);
}

static void makes(void **state)
{
    const struct change_case *c = *state;
    struct fixture f;

    fixture_init(&f, c->table, c->kind);
    set_row(&f, c->row);
    if (c->old_kind != OLD_NONE)
        set_old(&f, c->old_kind, c->old);
    assert_records(&f, c->expect);
    assert_records(&f, c->expect); /* from the plan that is there now */
    fixture_done(&f);
}

struct mark_case {
    enum snapshot_mark mark;
    const char *name;
};

static struct mark_case mark_cases[] = {
    {MARK_FIRST, "\"snapshot\":\"first\""},
    {MARK_FIRST_IN_TABLE, "\"snapshot\":\"first_in_data_collection\""},
    {MARK_TRUE, "\"snapshot\":\"true\""},
    {MARK_LAST_IN_TABLE, "\"snapshot\":\"last_in_data_collection\""},
    {MARK_LAST, "\"snapshot\":\"last\""},
    {MARK_NONE, "\"snapshot\":\"false\""},
};

static bool value_holds(const struct records *records, const char *part)
{
    char *value = calloc(1, records->at[0].value.len + 1);
    bool found;

    assert_non_null(value);
    memcpy(value, records->at[0].value.at, records->at[0].value.len);
    found = strstr(value, part) != NULL;
    free(value);
    return found;
}

static void marks(void **state)
{
    const struct mark_case *c = *state;
    static const char *const row[] = {"1", "x"};
    struct fixture f;

    fixture_init(&f, &full, EVENT_READ);
    f.event.mark = c->mark;
    f.event.xid = 0;
    f.event.prior_end_lsn = 0;
    set_row(&f, row);
    assert_true(recorder_make(f.recorder, &f.event, &f.records, &f.err));
    assert_true(value_holds(&f.records, c->name));
    assert_true(value_holds(&f.records, "\"op\":\"r\""));
    assert_true(value_holds(&f.records, "\"txId\":null"));
    assert_true(value_holds(&f.records, "\"sequence\":\"[null,\\\"100\\\"]\""));
    fixture_done(&f);
}

static void origin(void **state)
{
    static const char *const row[] = {"1", "x"};
    struct fixture f;

    (void)state;
    fixture_init(&f, &full, EVENT_INSERT);
    f.event.origin = slice_text("node\"a");
    f.event.origin_lsn = 55;
    set_row(&f, row);
    assert_true(recorder_make(f.recorder, &f.event, &f.records, &f.err));
    assert_true(
        value_holds(&f.records, "\"xmin\":null,\"origin\":\"node\\\"a\",\"origin_lsn\":55}"));
    fixture_done(&f);
}

static void truncate(void **state)
{
    struct table_of_test other_table = full;
    struct relation other;
    const struct relation *tables[2];
    struct fixture f;

    (void)state;
    fixture_init(&f, &with_key, EVENT_TRUNCATE);
    other_table.name = "u";
    other = relation_of(&other_table);
    other.oid = 16400;
    tables[0] = &f.relation;
    tables[1] = &other;
    f.event.relation = NULL;
    f.event.truncated = tables;
    f.event.truncated_count = 2;
    assert_records(&f,
                   "p.public.t - " CHANGE(
                       "null", "null", "t") "\n"
                                            "p.public.u - {\"before\":null,\"after\":null," SOURCE(
                                                "public", "u") TAIL("t") "\n");
    fixture_done(&f);
}

static void truncate_left_out(void **state)
{
    struct recorder_options options = plain_options();
    struct fixture f;
    const struct relation *tables[1];

    (void)state;
    fixture_init(&f, &with_key, EVENT_TRUNCATE);
    recorder_destroy(f.recorder);
    options.truncates = false;
    f.recorder = recorder_create(&options);
    tables[0] = &f.relation;
    f.event.truncated = tables;
    f.event.truncated_count = 1;
    assert_records(&f, "");
    fixture_done(&f);
}

static void no_tombstones(void **state)
{
    static const char *const old[] = {"1", "x"}, *const row[] = {"2", "x"};
    struct recorder_options options = plain_options();
    struct fixture f;

    (void)state;
    fixture_init(&f, &full, EVENT_DELETE);
    recorder_destroy(f.recorder);
    options.tombstones = false;
    f.recorder = recorder_create(&options);
    set_old(&f, OLD_FULL, old);
    assert_records(&f, "p.public.t {\"id\":1} " CHANGE("{\"id\":1,\"v\":\"x\"}", "null", "d") "\n");
    f.event.kind = EVENT_UPDATE;
    set_row(&f, row);
    assert_true(recorder_make(f.recorder, &f.event, &f.records, &f.err));
    assert_int_equal(f.records.count, 2);
    fixture_done(&f);
}

#define MESSAGE(tx)                                                                                \
    "p.message {\"prefix\":\"aud\\\"it\"} {\"op\":\"m\",\"ts_ms\":1795236510310,\"source\":{"      \
    "\"version\":\"" MILLRACE_VERSION                                                              \
    "\",\"connector\":\"postgresql\",\"name\":\"p\",\"ts_ms\":1795236510181,\"snapshot\":"         \
    "\"false\",\"db\":\"depot\",\"sequence\":\"[\\\"99\\\",\\\"100\\\"]\",\"ts_us\":"              \
    "1795236510181222,\"ts_ns\":1795236510181222000,\"schema\":\"\",\"table\":\"\",\"txId\":" tx   \
    ",\"lsn\":100,\"xmin\":null,\"origin\":null,\"origin_lsn\":null},\"transaction\":null,"        \
    "\"message\":{\"prefix\":\"aud\\\"it\",\"content\":\"AP+A\"}}\n"

static void message(void **state)
{
    static const uint8_t content[] = {0x00, 0xff, 0x80};
    struct fixture f;

    (void)state;
    fixture_init(&f, &full, EVENT_MESSAGE);
    f.event.relation = NULL;
    f.event.prefix = slice_text("aud\"it");
    f.event.content = slice_of(content, sizeof content);
    assert_records(&f, MESSAGE("7"));
    f.event.xid = 0;
    assert_records(&f, MESSAGE("null"));
    fixture_done(&f);
}

static const char *const any_row[] = {"1", "x"};

/* What a recorder that knows nothing of earlier events makes of this one. */
static void assert_as_if_first(struct fixture *f, const struct event *event)
{
    struct fixture fresh;
    struct buf expect;

    fixture_init(&fresh, &full, EVENT_INSERT);
    fresh.event = *event;
    fresh.event.relation = &fresh.relation;
    set_row(&fresh, any_row);
    assert_true(recorder_make(fresh.recorder, &fresh.event, &fresh.records, &fresh.err));
    buf_init(&expect, SIZE_MAX);
    record_text_write(&fresh.records, put_topic_and_whole, &expect);
    f->event = *event;
    f->event.relation = &f->relation;
    set_row(f, any_row);
    assert_records(f, (const char *)expect.at);
    buf_done(&expect);
    fixture_done(&fresh);
}

/* Pieces that were put together for one event must not stay when a field of theirs changes. */
static void changes_from_event_to_event(void **state)
{
    const struct event plain = plain_event(EVENT_INSERT);
    struct event other[] = {plain, plain, plain, plain, plain, plain, plain, plain};
    struct fixture f;

    (void)state;
    other[0].commit_us++;
    other[1].xid++;
    other[2].prior_end_lsn++;
    other[3].mark = MARK_TRUE;
    other[4].seen_ns++;
    other[5].lsn++;
    other[6].xid = 0;
    other[7].prior_end_lsn = 0;
    fixture_init(&f, &full, EVENT_INSERT);
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        assert_as_if_first(&f, &plain);
        assert_as_if_first(&f, &other[i]);
    }
    fixture_done(&f);
}

static void nothing_to_tell(void **state)
{
    static const enum event_kind kinds[] = {EVENT_BEGIN,        EVENT_COMMIT,
                                            EVENT_PROGRESS,     EVENT_SNAPSHOT_BEGIN,
                                            EVENT_SNAPSHOT_END, EVENT_RELATION};
    struct fixture f;

    (void)state;
    fixture_init(&f, &full, EVENT_BEGIN);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        f.event.kind = kinds[i];
        assert_records(&f, "");
    }
    fixture_done(&f);
}

/* Every kind of column that has a placeholder of its own; what Debezium 3.7 wrote. */
static void placeholders(void **state)
{
    static const char *const row[] = {"1", UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED};
    struct type element[3] = {{.oid = OID_TEXT}, {.oid = OID_DATE}, {.oid = OID_UUID}};
    struct type array[3];
    struct table_of_test table = {.schema = "public",
                                  .name = "t",
                                  .identity = IDENTITY_DEFAULT,
                                  .columns = {ID_COLUMN, COLUMN("y", OID_BYTEA), COLUMN("ta", 0),
                                              COLUMN("da", 0), COLUMN("ua", 0),
                                              COLUMN("num", OID_NUMERIC)},
                                  .column_count = 6,
                                  .key_count = 1};
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        array[i] = (struct type){.element = &element[i], .base_typmod = -1};
        table.columns[2 + i].type = &array[i];
    }
    fixture_init(&f, &table, EVENT_UPDATE);
    set_row(&f, row);
    assert_records(
        &f,
        "p.public.t {\"id\":1} " CHANGE(
            "null",
            "{\"id\":1,\"y\":\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\","
            "\"ta\":[\"__debezium_unavailable_value\"],\"da\":[95,95,100,101,98,101,122,105,117,"
            "109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101],"
            "\"ua\":[\"b68a35a7-17ad-35b3-af2a-ae46edb4545a\"],\"num\":null}",
            "u") "\n");
    fixture_done(&f);
}

static void assert_fails(struct fixture *f, enum error_kind kind)
{
    f->err = (struct error){0};
    assert_false(recorder_make(f->recorder, &f->event, &f->records, &f->err));
    assert_int_equal(f->err.kind, kind);
}

static void bad_value_is_named_but_not_told(void **state)
{
    static const char *const row[] = {"1", "x", "s3cret", "w"}, *const good[] = {"1", "x", "2",
                                                                                 "w"};
    struct fixture f;

    (void)state;
    fixture_init(&f, &with_key, EVENT_INSERT);
    set_row(&f, row);
    assert_fails(&f, ERROR_DATA);
    assert_non_null(strstr(f.err.text, "public.t"));
    assert_non_null(strstr(f.err.text, "column n"));
    assert_non_null(strstr(f.err.text, "0/64"));
    assert_null(strstr(f.err.text, "s3cret"));
    f.err = (struct error){0};
    set_row(&f, good); /* nothing of the failure stays behind */
    assert_records(&f, "p.public.t {\"id\":1} " CHANGE(
                           "null", "{\"id\":1,\"v\":\"x\",\"n\":2,\"w\":\"w\"}", "c") "\n");
    fixture_done(&f);
}

static void unknown_key_is_an_error(void **state)
{
    static const char *const row[] = {UNCHANGED, "x", "2", "w"};
    struct fixture f;

    (void)state;
    fixture_init(&f, &with_key, EVENT_UPDATE);
    set_row(&f, row);
    assert_fails(&f, ERROR_DATA);
    fixture_done(&f);
}

static void row_too_narrow(void **state)
{
    static const char *const row[] = {"1", "x", "2", "w"};
    struct fixture f;

    (void)state;
    fixture_init(&f, &with_key, EVENT_INSERT);
    set_row(&f, row);
    f.event.row.count = 3;
    assert_fails(&f, ERROR_DATA);
    f.event.kind = EVENT_DELETE; /* and none of the old row */
    assert_fails(&f, ERROR_DATA);
    fixture_done(&f);
}

static void too_large(void **state)
{
    struct recorder_options options = plain_options();
    const char *row[] = {"1", NULL};
    char text[2000];
    struct fixture f;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    row[1] = text;
    fixture_init(&f, &full, EVENT_INSERT);
    recorder_destroy(f.recorder);
    options.record_limit_bytes = 1000;
    f.recorder = recorder_create(&options);
    set_row(&f, row);
    assert_fails(&f, ERROR_CONFIG);
    assert_non_null(strstr(f.err.text, "public.t"));
    assert_non_null(strstr(f.err.text, "1000 bytes"));
    assert_null(strstr(f.err.text, "xxx"));
    f.err = (struct error){0};
    row[1] = "short";
    set_row(&f, row);
    assert_true(recorder_make(f.recorder, &f.event, &f.records, &f.err));
    fixture_done(&f);
}

static void two_tables_one_topic(void **state)
{
    static const char *const row[] = {"1", "x"};
    struct table_of_test twin_table = full;
    struct relation twin;
    struct fixture f;

    (void)state;
    fixture_init(&f, &full, EVENT_INSERT);
    f.relation.name = slice_text("a b");
    set_row(&f, row);
    assert_true(recorder_make(f.recorder, &f.event, &f.records, &f.err));
    twin_table.name = "a_b";
    twin = relation_of(&twin_table);
    twin.oid = 16400;
    f.event.relation = &twin;
    assert_fails(&f, ERROR_CONFIG);
    assert_non_null(strstr(f.err.text, "public.a b"));
    assert_non_null(strstr(f.err.text, "public.a_b"));
    assert_non_null(strstr(f.err.text, "p.public.a_b"));
    fixture_done(&f);
}

/* A later description of the same table takes the place of the plan; the topic stays. */
static void described_anew(void **state)
{
    static const char *const row[] = {"1", "x"};
    struct topic *topic;
    struct fixture f;

    (void)state;
    fixture_init(&f, &full, EVENT_INSERT);
    topic = recorder_topic(f.recorder, &f.relation, &f.err);
    assert_non_null(topic);
    set_row(&f, row);
    assert_true(recorder_make(f.recorder, &f.event, &f.records, &f.err));
    assert_ptr_equal(f.records.at[0].topic, topic);
    f.relation.id = 2;
    f.relation.column_count = 1;
    set_row(&f, row);
    assert_records(&f, "p.public.t {\"id\":1} " CHANGE("null", "{\"id\":1}", "c") "\n");
    assert_ptr_equal(f.records.at[0].topic, topic);
    fixture_done(&f);
}

static void count_topic(struct topic *topic, void *context)
{
    size_t *count = context;

    (void)topic;
    ++*count;
}

static void thousands_of_tables(void **state)
{
    static const char *const row[] = {"1", "x"};
    size_t topics = 0;
    struct fixture f;
    char name[32];

    (void)state;
    fixture_init(&f, &full, EVENT_INSERT);
    set_row(&f, row);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 3000; i++) {
            (void)snprintf(name, sizeof name, "t%u", (unsigned)i);
            f.relation.name = slice_text(name);
            f.relation.oid = 20000 + i;
            f.relation.id = 1 + i;
            assert_true(recorder_make(f.recorder, &f.event, &f.records, &f.err));
            assert_string_equal(f.records.at[0].topic->name + strlen("p.public."), name);
        }
    }
    recorder_each_topic(f.recorder, count_topic, &topics);
    assert_int_equal(topics, 3000);
    fixture_done(&f);
}

/* What a NOT NULL column holds in a delete that does not tell it; as Debezium 3.7 wrote them. */
struct absent_case {
    uint32_t oid;
    int32_t typmod;
    const char *default_expr;
    const char *expect;
};

static struct absent_case absent_cases[] = {
    {OID_BOOL, -1, NULL, "false"},
    {OID_FLOAT8, -1, NULL, "0.0"},
    {OID_NUMERIC, -1, NULL, "{\"scale\":0,\"value\":\"AA==\"}"},
    {OID_NUMERIC, (8 << 16 | 2) + 4, NULL, "\"AA==\""},
    {OID_BYTEA, -1, NULL, "\"\""},
    {OID_TIMETZ, -1, NULL, "\"00:00:00Z\""},
    {OID_TIMESTAMPTZ, -1, NULL, "\"1970-01-01T00:00:00Z\""},
    {OID_TIMESTAMPTZ, -1, "now()", "\"1970-01-01T00:00:00.000000Z\""},
    {OID_UUID, -1, NULL, "\"\""},
    {OID_UUID, -1, "gen_random_uuid()", "\"00000000-0000-0000-0000-000000000000\""},
    {OID_BIT, 1, NULL, "false"},
    {OID_BIT, 5, NULL, "\"\""},
    {OID_INT4, -1, "(3 + 4)", "0"},
    {OID_INT8, -1, "'-7'::integer", "-7"},
    {OID_INT4, -1, "42", "42"},
    {OID_BOOL, -1, "true", "true"},
    {OID_DATE, -1, "'1999-12-31'::date", "10956"},
    {OID_VARCHAR, -1, "'x'::character varying", "\"x\""},
    {OID_TEXT, -1, "'it''s'::text", "\"it's\""},
    {OID_TEXT, -1, "('a'::text || 'b'::text)", "\"\""},
    {OID_TEXT, -1, "'a'::text || 'b'::text", "\"\""},
    {OID_TEXT, -1, "upper('abc'::text)", "\"\""},
    {OID_NUMERIC, (6 << 16 | 2) + 4, "1.5", "\"AJY=\""},
    {OID_NUMERIC, -1, "3.14", "{\"scale\":0,\"value\":\"AA==\"}"},
    {OID_INT4, -1, "'oops'::text", "0"},
    {OID_TEXT, -1, "'never closed", "\"\""},
};

static void absent(void **state)
{
    const struct absent_case *c = *state;
    static const char *const old[] = {"1", NULL};
    struct table_of_test table = full;
    char expect[128];
    struct fixture f;

    table.identity = IDENTITY_DEFAULT;
    table.columns[1] = (struct column){
        .name = slice_text("x"), .type_oid = c->oid, .typmod = c->typmod, .not_null = true};
    if (c->default_expr != NULL)
        table.columns[1].default_expr = slice_text(c->default_expr);
    fixture_init(&f, &table, EVENT_DELETE);
    set_old(&f, OLD_KEY, old);
    assert_true(recorder_make(f.recorder, &f.event, &f.records, &f.err));
    (void)snprintf(expect, sizeof expect, "{\"before\":{\"id\":1,\"x\":%s},\"after\":null",
                   c->expect);
    assert_true(value_holds(&f.records, expect));
    fixture_done(&f);
}

int main(void)
{
    struct CMUnitTest
        tests[ARRAY_LEN(change_cases) + ARRAY_LEN(mark_cases) + ARRAY_LEN(absent_cases)];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(origin),
        cmocka_unit_test(truncate),
        cmocka_unit_test(truncate_left_out),
        cmocka_unit_test(no_tombstones),
        cmocka_unit_test(message),
        cmocka_unit_test(nothing_to_tell),
        cmocka_unit_test(changes_from_event_to_event),
        cmocka_unit_test(placeholders),
        cmocka_unit_test(bad_value_is_named_but_not_told),
        cmocka_unit_test(unknown_key_is_an_error),
        cmocka_unit_test(row_too_narrow),
        cmocka_unit_test(too_large),
        cmocka_unit_test(two_tables_one_topic),
        cmocka_unit_test(described_anew),
        cmocka_unit_test(thousands_of_tables),
    };
    size_t n = 0;
    int failed;

    for (size_t i = 0; i < ARRAY_LEN(change_cases); i++)
        tests[n++] = (struct CMUnitTest){change_cases[i].name, makes, NULL, NULL, &change_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(mark_cases); i++)
        tests[n++] = (struct CMUnitTest){mark_cases[i].name, marks, NULL, NULL, &mark_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(absent_cases); i++)
        tests[n++] =
            (struct CMUnitTest){absent_cases[i].expect, absent, NULL, NULL, &absent_cases[i]};
    failed = cmocka_run_group_tests_name("recorder: changes", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("recorder", others, NULL, NULL);
}
