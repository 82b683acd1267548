/* Rows that are the value themselves, and what is told behind them and in headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "sinks/recorder.h"
#include "support/fake_registry.h"
#include "support/record_text.h"
#include "support/table_spec.h"

#define COLUMNS_MAX 4
#define TEXTS_MAX 24

/* ---- the options */

struct field_case {
    const char *text, *name; /* name NULL: is refused */
};

static struct field_case field_cases[] = {
    {"op", "__op"},
    {"ts_ns", "__ts_ns"},
    {"lsn", "__lsn"},
    {"source.lsn", "__source_lsn"},
    {"txId", "__txId"},
    {"id", "__id"},
    {"transaction.total_order", "__transaction_total_order"},
    {"op:operation", "__operation"},
    {"source.ts_us:commit_ts", "__commit_ts"},
    {"op:a.b", "__a_b"},
    {"", NULL},
    {"opp", NULL},
    {"o", NULL},
    {"source", NULL},
    {"source.", NULL},
    {"source.op", NULL},
    {"before", NULL},
    {"op:", NULL},
    {":op", NULL},
    {"op:a:b", NULL},
};

static void reads_field(void **state)
{
    const struct field_case *c = *state;
    const struct flat_options options = {
        .fields = {&c->text, 1}, .prefix = "__", .deletes = FLAT_TOMBSTONE};
    struct error err = {0};
    struct flat *f = flat_create(&options, NAMES_AS_THEY_ARE, &err);

    if (c->name != NULL) {
        assert_non_null(f);
        assert_int_equal(f->field_count, 1);
        assert_string_equal(f->fields[0].name, c->name);
    } else {
        assert_null(f);
        assert_int_equal(err.kind, ERROR_CONFIG);
        assert_non_null(strstr(err.text, "flat.add_fields: \""));
        assert_non_null(strstr(err.text, "transaction.id, "));
    }
    flat_destroy(f);
}

static void refuses_adjusted(const struct flat_options *options, enum name_adjustment names,
                             const char *text)
{
    struct error err = {0};

    assert_null(flat_create(options, names, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_string_equal(err.text, text);
}

static void refuses(const struct flat_options *options, const char *text)
{
    refuses_adjusted(options, NAMES_AS_THEY_ARE, text);
}

static void two_of_one_name(void **state)
{
    static const char *const twice[] = {"op", "source.lsn:op"}, *const deleted[] = {"op:deleted"};
    static const char *const many[FLAT_HEADERS_MAX + 1] = {"op"};

    (void)state;
    refuses(&(struct flat_options){.fields = {twice, 2}, .prefix = ""},
            "flat.add_fields: two of them have the name op");
    refuses(&(struct flat_options){.headers = {twice, 2}, .prefix = "h."},
            "flat.add_headers: two of them have the name h.op");
    refuses(&(struct flat_options){.fields = {deleted, 1}, .prefix = "__"},
            "flat.add_fields: two of them have the name __deleted");
    refuses(&(struct flat_options){.headers = {many, FLAT_HEADERS_MAX + 1}, .prefix = ""},
            "flat.add_headers: there can be at most 8");
}

static bool takes(const struct flat_options *options, enum name_adjustment names)
{
    struct error err = {0};
    struct flat *f = flat_create(options, names, &err);

    flat_destroy(f);
    return f != NULL;
}

/* Names of headers are written as they are. */
static void two_that_come_to_one_name(void **state)
{
    static const char *const meeting[] = {"op:a-b", "lsn:a+b"}, *const deleted[] = {"op:-deleted"};
    const struct flat_options fields = {.fields = {meeting, 2}, .prefix = "__"};
    const struct flat_options headers = {.headers = {meeting, 2}, .prefix = "__"};

    (void)state;
    refuses_adjusted(&fields, NAMES_AVRO,
                     "flat.add_fields: __a-b and __a+b come to the same name, adjusted as encoding "
                     "and names.adjust have it: give one of them another behind a colon");
    refuses_adjusted(&(struct flat_options){.fields = {deleted, 1}, .prefix = "_"}, NAMES_AVRO,
                     "flat.add_fields: __deleted and _-deleted come to the same name, adjusted as "
                     "encoding and names.adjust have it: give one of them another behind a colon");
    assert_true(takes(&fields, NAMES_AS_THEY_ARE));
    assert_true(takes(&fields, NAMES_AVRO_UNICODE));
    assert_true(takes(&headers, NAMES_AVRO));
}

/* ---- records */

struct flat_case {
    const char *name;
    enum encoding_kind encoding;
    enum flat_deletes deletes;
    bool no_tombstones, no_truncates;
    enum name_adjustment names;
    const char *prefix; /* NULL: __ */
    const char *fields[TEXTS_MAX], *headers[FLAT_HEADERS_MAX];
    const char *spec;
    enum event_kind kind;
    enum old_row old_kind;
    enum snapshot_mark mark;
    const char *origin;
    const char *old[COLUMNS_MAX], *row[COLUMNS_MAX];
    const char *expect; /* for each record: key, value, headers; Avro in hexadecimal digits */
};

#define OURS                                                                                       \
    {                                                                                              \
        "op", "lsn", "source.ts_us:commit_ts"                                                      \
    }
#define TOLD(deleted, op)                                                                          \
    "\"__deleted\":\"" deleted "\",\"__op\":\"" op                                                 \
    "\",\"__lsn\":100,\"__commit_ts\":1795236510181222}"
#define DELETE_OF_1 .spec = "*id int4", .kind = EVENT_DELETE, .old_kind = OLD_KEY, .old = {"1"}
#define SCHEMA(type) "{\"type\":\"" type "\",\"optional\":true,\"field\":\""

static struct flat_case flat_cases[] = {
    {.name = "insert",
     .fields = OURS,
     .spec = "*id int4; v text",
     .kind = EVENT_INSERT,
     .row = {"1", NULL},
     .expect = "{\"id\":1} {\"id\":1,\"v\":null," TOLD("false", "c") "\n"},
    {.name = "row of the snapshot",
     .fields = OURS,
     .spec = "*id int4; v text",
     .kind = EVENT_READ,
     .mark = MARK_TRUE,
     .row = {"1", "x"},
     .expect = "{\"id\":1} {\"id\":1,\"v\":\"x\"," TOLD("false", "r") "\n"},
    {.name = "update: the new row",
     .fields = OURS,
     .spec = "*id int4; v text",
     .kind = EVENT_UPDATE,
     .old_kind = OLD_FULL,
     .old = {"1", "old"},
     .row = {"1", UNCHANGED},
     .expect = "{\"id\":1} {\"id\":1,\"v\":\"old\"," TOLD("false", "u") "\n"},
    {.name = "delete: the old row, and a tombstone",
     .fields = OURS,
     .spec = "*id int4; v text; n int4 !",
     .kind = EVENT_DELETE,
     .old_kind = OLD_KEY,
     .old = {"1"},
     .expect = "{\"id\":1} {\"id\":1,\"v\":null,\"n\":0," TOLD("true", "d") "\n{\"id\":1} -\n"},
    {.name = "delete without tombstones",
     .no_tombstones = true,
     .fields = OURS,
     DELETE_OF_1,
     .expect = "{\"id\":1} {\"id\":1," TOLD("true", "d") "\n"},
    {.name = "delete: rewrite",
     .deletes = FLAT_REWRITE,
     .fields = OURS,
     DELETE_OF_1,
     .expect = "{\"id\":1} {\"id\":1," TOLD("true", "d") "\n"},
    {.name = "delete: tombstone, whatever topics.tombstones says",
     .deletes = FLAT_TOMBSTONE,
     .no_tombstones = true,
     DELETE_OF_1,
     .expect = "{\"id\":1} -\n"},
    {.name = "delete: delete-to-tombstone",
     .deletes = FLAT_DELETE_TO_TOMBSTONE,
     DELETE_OF_1,
     .expect = "{\"id\":1} -\n"},
    {.name = "delete: drop", .deletes = FLAT_DROP, DELETE_OF_1, .expect = ""},
    {.name = "changed key",
     .fields = OURS,
     .spec = "v text; *id int4",
     .kind = EVENT_UPDATE,
     .old_kind = OLD_KEY,
     .old = {NULL, "1"},
     .row = {UNCHANGED, "2"},
     .expect = "{\"id\":1} {\"v\":null,\"id\":1," TOLD(
         "true", "d") " __debezium.newkey={\"id\":2}\n"
                      "{\"id\":1} - __debezium.newkey={\"id\":2}\n"
                      "{\"id\":2} {\"id\":2," TOLD(
                          "false",
                          "c") " __debezium.oldkey={\"id\":1} millrace.unavailable=[\"v\"]\n"},
    {.name = "changed key: drop",
     .deletes = FLAT_DROP,
     .fields = {"op"},
     .spec = "*id int4",
     .kind = EVENT_UPDATE,
     .old_kind = OLD_KEY,
     .old = {"1"},
     .row = {"2"},
     .expect = "{\"id\":2} {\"id\":2,\"__op\":\"c\"} __debezium.oldkey={\"id\":1}\n"},
    {.name = "no __deleted where deletes are no rows",
     .deletes = FLAT_TOMBSTONE,
     .spec = "*id int4",
     .kind = EVENT_INSERT,
     .row = {"1"},
     .expect = "{\"id\":1} {\"id\":1}\n"},
    {.name = "nothing but what is told",
     .fields = OURS,
     .spec = "v text",
     .kind = EVENT_UPDATE,
     .row = {UNCHANGED},
     .expect = "- {" TOLD("false", "u") " millrace.unavailable=[\"v\"]\n"},
    {.name = "nothing but a constant",
     .deletes = FLAT_TOMBSTONE,
     .fields = {"table"},
     .spec = "v text",
     .kind = EVENT_UPDATE,
     .row = {UNCHANGED},
     .expect = "- {\"__table\":\"t\"} millrace.unavailable=[\"v\"]\n"},
    {.name = "nothing at all",
     .deletes = FLAT_TOMBSTONE,
     .spec = "v text",
     .kind = EVENT_UPDATE,
     .row = {UNCHANGED},
     .expect = "- {} millrace.unavailable=[\"v\"]\n"},
    {.name = "a row that ends in a brace",
     .fields = {"op"},
     .spec = "v text",
     .kind = EVENT_INSERT,
     .row = {"{"},
     .expect = "- {\"v\":\"{\",\"__deleted\":\"false\",\"__op\":\"c\"}\n"},
    {.name = "everything",
     .deletes = FLAT_TOMBSTONE,
     .prefix = "",
     .fields = {"op",
                "ts_ms",
                "ts_us",
                "ts_ns",
                "transaction.id",
                "transaction.total_order",
                "transaction.data_collection_order",
                "source.version",
                "source.connector",
                "source.name",
                "source.ts_ms",
                "source.snapshot",
                "source.db",
                "source.sequence",
                "source.ts_us",
                "source.ts_ns",
                "source.schema",
                "source.table",
                "source.txId",
                "source.lsn",
                "source.xmin",
                "source.origin",
                "source.origin_lsn"},
     .spec = "*id int4",
     .kind = EVENT_READ,
     .mark = MARK_FIRST,
     .origin = "a\"b",
     .row = {"1"},
     .expect =
         "{\"id\":1} {\"id\":1,\"op\":\"r\",\"ts_ms\":1795236510310,\"ts_us\":1795236510310091,"
         "\"ts_ns\":1795236510310091403,\"transaction_id\":null,\"transaction_total_order\":null,"
         "\"transaction_data_collection_order\":null,\"source_version\":\"" MILLRACE_VERSION
         "\",\"source_connector\":\"postgresql\",\"source_name\":\"p\",\"source_ts_ms\":"
         "1795236510181,\"source_snapshot\":\"first\",\"source_db\":\"depot\",\"source_sequence\":"
         "\"[\\\"99\\\",\\\"100\\\"]\",\"source_ts_us\":1795236510181222,\"source_ts_ns\":"
         "1795236510181222000,\"source_schema\":\"public\",\"source_table\":\"t\",\"source_txId\":"
         "7,\"source_lsn\":100,\"source_xmin\":null,\"source_origin\":\"a\\\"b\","
         "\"source_origin_lsn\":55}\n"},
    {.name = "what there is none of",
     .deletes = FLAT_TOMBSTONE,
     .fields = {"origin", "origin_lsn", "snapshot"},
     .spec = "*id int4",
     .kind = EVENT_INSERT,
     .row = {"1"},
     .expect = "{\"id\":1} {\"id\":1,\"__origin\":null,\"__origin_lsn\":null,\"__snapshot\":null}"
               "\n"},
    {.name = "headers, of tombstones too, behind that of the key, none for null",
     .headers = {"op", "source.lsn", "table", "xmin", "sequence:at"},
     .spec = "*id int4; v text",
     .kind = EVENT_UPDATE,
     .old_kind = OLD_KEY,
     .old = {"1"},
     .row = {"2", "x"},
     .expect =
         "{\"id\":1} {\"id\":1,\"v\":null,\"__deleted\":\"true\"} __debezium.newkey={\"id\":2}"
         " __op=d __source_lsn=100 __table=t __at=[\"99\",\"100\"]\n"
         "{\"id\":1} - __debezium.newkey={\"id\":2} __op=d __source_lsn=100 __table=t"
         " __at=[\"99\",\"100\"]\n"
         "{\"id\":2} {\"id\":2,\"v\":\"x\",\"__deleted\":\"false\"} __debezium.oldkey="
         "{\"id\":1} __op=c __source_lsn=100 __table=t __at=[\"99\",\"100\"]\n"},
    {.name = "names as Avro allows them",
     .encoding = ENCODING_JSON,
     .names = NAMES_AVRO,
     .fields = {"op:my-op"},
     .spec = "*id int4",
     .kind = EVENT_INSERT,
     .row = {"1"},
     .expect = "{\"id\":1} {\"id\":1,\"__deleted\":\"false\",\"__my_op\":\"c\"}\n"},
    {.name = "truncate: no row",
     .fields = OURS,
     .headers = {"table"},
     .spec = "*id int4; v text",
     .kind = EVENT_TRUNCATE,
     .expect = "- {" TOLD("true", "t") " __table=t\n"},
    {.name = "truncate: told by a header",
     .deletes = FLAT_TOMBSTONE,
     .headers = {"op"},
     .spec = "*id int4",
     .kind = EVENT_TRUNCATE,
     .expect = "- {} __op=t\n"},
    {.name = "truncate that nobody could tell from a row",
     .fields = {"lsn"},
     .spec = "*id int4",
     .kind = EVENT_TRUNCATE,
     .expect = ""},
    {.name = "truncate left out",
     .no_truncates = true,
     .fields = OURS,
     .spec = "*id int4",
     .kind = EVENT_TRUNCATE,
     .expect = ""},
    {.name = "json-schema",
     .encoding = ENCODING_JSON_SCHEMA,
     .fields = {"op", "snapshot", "lsn"},
     .spec = "*id int4; v text",
     .kind = EVENT_INSERT,
     .row = {"1", "x"},
     .expect =
         "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,"
         "\"field\":\"id\"}],\"optional\":false,\"name\":\"p.public.t.Key\"},\"payload\":"
         "{\"id\":1}} "
         "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,"
         "\"field\":\"id\"}," SCHEMA("string") "v\"}," SCHEMA("string") "__deleted\"}," SCHEMA(
             "string") "__op\"},{\"type\":\"string\",\"optional\":true,\"name\":"
                       "\"io.debezium.data.Enum\",\"version\":1,\"parameters\":{\"allowed\":\"true,"
                       "first,first_in_data_collection,last_in_data_collection,last,false,"
                       "incremental\"},\"field\":\"__snapshot\"}," SCHEMA(
                           "int64") "__lsn\"}],\"optional\":false,\"name\":\"p.public.t.Value\"},"
                                    "\"payload\":{\"id\":1,\"v\":\"x\",\"__deleted\":\"false\","
                                    "\"__op\":\"c\",\"__snapshot\":null,\"__lsn\":100}}\n"},
    {.name = "avro",
     .encoding = ENCODING_AVRO,
     .fields = {"op", "snapshot", "lsn", "table", "xmin"},
     .spec = "*id int4; v text",
     .kind = EVENT_INSERT,
     .row = {"1", "x"},
     .expect = "00000000_0102 00000000_02_02_020278_020a66616c7365_020263_00_02c801_020274_00\n"},
    {.name = "a sparse vector",
     .deletes = FLAT_TOMBSTONE,
     .spec = "s sparsevec",
     .kind = EVENT_INSERT,
     .row = {"{1:1.5}/3"},
     .expect = "- {\"s\":{\"dimensions\":3,\"vector\":[[1,1.5]]}}\n"},
    {.name = "json-schema: a sparse vector is a text, alone and in an array",
     .encoding = ENCODING_JSON_SCHEMA,
     .deletes = FLAT_TOMBSTONE,
     .spec = "s sparsevec; a sparsevec[]",
     .kind = EVENT_INSERT,
     .row = {"{1:1.5}/3", "{\"{}/2\"}"},
     .expect = "- {\"schema\":{\"type\":\"struct\",\"fields\":[" SCHEMA(
         "string") "s\"},{\"type\":\"array\",\"items\":{\"type\":\"string\",\"optional\":true},"
                   "\"optional\":true,\"field\":\"a\"}],\"optional\":false,\"name\":"
                   "\"p.public.t.Value\"},\"payload\":{\"s\":\"{1:1.5}/3\",\"a\":[\"{}/2\"]}}"
                   "\n"},
    {.name = "avro: a sparse vector is a text, alone and in an array",
     .encoding = ENCODING_AVRO,
     .deletes = FLAT_TOMBSTONE,
     .spec = "s sparsevec; a sparsevec[]",
     .kind = EVENT_INSERT,
     .row = {"{1:1.5}/3", "{\"{}/2\"}"},
     .expect = "- 00000000_01_02127b313a312e357d2f33_02_02_02087b7d2f32_00\n"},
    {.name = "avro: truncate, each column as where it is not told",
     .encoding = ENCODING_AVRO,
     .fields = {"op"},
     .spec = "*id int4; v text; w text ! = 'd'::text",
     .kind = EVENT_TRUNCATE,
     .expect = "- 00000000_02_00_00_0264_020874727565_020274\n"},
};

static uint16_t count_of(const char *const *texts, uint16_t most)
{
    uint16_t count = 0;

    while (count < most && texts[count] != NULL)
        count++;
    return count;
}

static struct recorder_options options_of(const struct flat_case *c, struct fake_registry *registry)
{
    struct recorder_options options = {.topic_prefix = "p",
                                       .topic_delimiter = ".",
                                       .database = "depot",
                                       .tombstones = !c->no_tombstones,
                                       .truncates = !c->no_truncates,
                                       .unavailable_value_placeholder = "?",
                                       .envelope = ENVELOPE_FLAT,
                                       .encoding = c->encoding,
                                       .names = c->names,
                                       .registry = fake_registry_init(registry),
                                       .record_limit_bytes = 1 << 20};

    options.flat = (struct flat_options){
        .fields = {c->fields, count_of(c->fields, TEXTS_MAX)},
        .headers = {c->headers, count_of(c->headers, FLAT_HEADERS_MAX)},
        .prefix = c->prefix == NULL ? "__" : c->prefix,
        .deletes = c->deletes,
    };
    return options;
}

/* Avro is written with _ in it, for the reader. */
static void read_expected(const struct flat_case *c, char *text, size_t size)
{
    size_t len = 0;

    assert_true(strlen(c->expect) < size);
    for (const char *at = c->expect; *at != '\0'; at++)
        if (c->encoding != ENCODING_AVRO || *at != '_')
            text[len++] = *at;
    text[len] = '\0';
}

static void assert_records(const struct flat_case *c, struct recorder *r, const struct event *event)
{
    char expect[4096];

    read_expected(c, expect, sizeof expect);
    record_text_assert(r, event, record_text_whole, expect);
}

static void makes(void **state)
{
    const struct flat_case *c = *state;
    struct fake_registry registry;
    struct recorder_options options = options_of(c, &registry);
    struct recorder *r = recorder_create(&options);
    struct table_spec table;
    struct cell row[COLUMNS_MAX], old[COLUMNS_MAX];
    const struct relation *truncated[] = {&table.relation};
    struct event event = {.kind = c->kind,
                          .old_kind = c->old_kind,
                          .mark = c->mark,
                          .lsn = 100,
                          .prior_end_lsn = 99,
                          .xid = 7,
                          .commit_us = 1795236510181222,
                          .seen_ns = 1795236510310091403,
                          .relation = &table.relation,
                          .truncated = truncated,
                          .truncated_count = 1};

    table_spec_read(&table, "public", "t", c->spec);
    for (uint16_t i = 0; c->old_kind == OLD_FULL && i < table.relation.column_count; i++)
        table.columns[i].identity = true;
    event.row = record_text_row(c->row, row, table.relation.column_count);
    event.old = record_text_row(c->old, old, table.relation.column_count);
    if (c->origin != NULL) {
        event.origin = slice_text(c->origin);
        event.origin_lsn = 55;
    }
    assert_records(c, r, &event);
    assert_records(c, r, &event);
    recorder_destroy(r);
}

/* BEGIN comes first; each record tells its own place, in headers too. */
static void tells_the_transaction(void **state)
{
    static const char *const old_row[] = {"1"}, *const new_row[] = {"2"};
    static const struct flat_case cases[] = {
        {.fields = {"transaction.id", "data_collection_order"},
         .headers = {"total_order"},
         .deletes = FLAT_REWRITE,
         .expect = "{\"id\":1} {\"id\":1,\"__deleted\":\"true\",\"__transaction_id\":\"7:200\","
                   "\"__data_collection_order\":1} __debezium.newkey={\"id\":2} __total_order=1\n"
                   "{\"id\":2} {\"id\":2,\"__deleted\":\"false\",\"__transaction_id\":\"7:200\","
                   "\"__data_collection_order\":2} __debezium.oldkey={\"id\":1} __total_order=2\n"},
        {.headers = {"total_order"},
         .deletes = FLAT_TOMBSTONE,
         .expect = "{\"id\":1} - __debezium.newkey={\"id\":2} __total_order=1\n"
                   "{\"id\":2} {\"id\":2} __debezium.oldkey={\"id\":1} __total_order=2\n"},
        {.headers = {"total_order"},
         .deletes = FLAT_DROP,
         .expect = "{\"id\":2} {\"id\":2} __debezium.oldkey={\"id\":1} __total_order=1\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake_registry registry;
        struct recorder_options options = options_of(&cases[i], &registry);
        struct recorder *r;
        struct table_spec table;
        struct cell row[1], old[1];
        struct event event = {.kind = EVENT_UPDATE,
                              .old_kind = OLD_KEY,
                              .lsn = 100,
                              .commit_lsn = 200,
                              .xid = 7,
                              .relation = &table.relation,
                              .row = record_text_row(new_row, row, 1),
                              .old = record_text_row(old_row, old, 1)};
        struct records records;
        struct error err = {0};
        struct buf got;

        options.transaction_metadata = true;
        options.transaction_topic = "transaction";
        r = recorder_create(&options);
        table_spec_read(&table, "public", "t", "*id int4");
        if (!recorder_make(r, &event, &records, &err))
            fail_msg("%s", err.text);
        assert_true(records.count > 1);
        assert_string_equal(records.at[0].topic->name, "p.transaction");
        records.at++; /* the transaction's begin */
        records.count--;
        buf_init(&got, SIZE_MAX);
        record_text_write(&records, record_text_whole, &got);
        assert_string_equal((const char *)got.at, cases[i].expect);
        buf_done(&got);
        recorder_destroy(r);
    }
}

/* Several tables in one statement share a buffer. */
static void truncates_together(void **state)
{
    const struct flat_case c = {.fields = {"op", "table"},
                                .expect = "- {\"__deleted\":\"true\",\"__op\":\"t\",\"__table\":"
                                          "\"t\"}\n- {\"__deleted\":\"true\",\"__op\":\"t\","
                                          "\"__table\":\"longer\"}\n"};
    struct fake_registry registry;
    struct recorder_options options = options_of(&c, &registry);
    struct recorder *r = recorder_create(&options);
    struct table_spec one, other;
    const struct relation *truncated[] = {&one.relation, &other.relation};
    const struct event event = {
        .kind = EVENT_TRUNCATE, .truncated = truncated, .truncated_count = 2};

    (void)state;
    table_spec_read(&one, "public", "t", "*id int4");
    table_spec_read(&other, "public", "longer", "*id int4");
    other.relation.oid++;
    assert_records(&c, r, &event);
    recorder_destroy(r);
}

static void a_message_is_none_of_it(void **state)
{
    const struct flat_case c = {.fields = {"op"}, .headers = {"op"}};
    struct fake_registry registry;
    struct recorder_options options = options_of(&c, &registry);
    struct recorder *flat = recorder_create(&options), *whole;
    const struct event event = {
        .kind = EVENT_MESSAGE, .prefix = slice_text("a"), .content = slice_text("b")};
    struct records one, other;
    struct error err = {0};

    (void)state;
    options.envelope = ENVELOPE_DEBEZIUM;
    whole = recorder_create(&options);
    assert_true(recorder_make(flat, &event, &one, &err));
    assert_true(recorder_make(whole, &event, &other, &err));
    assert_int_equal(one.count, 1);
    assert_true(slice_equal(one.at[0].value, other.at[0].value));
    assert_int_equal(one.at[0].header_count, 0);
    recorder_destroy(flat);
    recorder_destroy(whole);
}

#define MENDS                                                                                      \
    "give that field another by flat.prefix or by a colon in flat.add_fields, or leave the "       \
    "column "                                                                                      \
    "out by columns.exclude"

static const struct {
    const char *column, *field, *text; /* text NULL: none meets another */
    enum name_adjustment names;
} meetings[] = {
    {"__op", "op",
     "table public.t: its column __op has the name of a field that is told behind the row: " MENDS,
     NAMES_AS_THEY_ARE},
    {"__op", "op",
     "table public.t: its column __op comes to the name _u005f_u005fop in the record, which a "
     "field that is told behind the row has: " MENDS,
     NAMES_AVRO_UNICODE},
    {"-+op", "op",
     "table public.t: its column -+op comes to the name __op in the record, which a field that is "
     "told behind the row has: " MENDS,
     NAMES_AVRO},
    {"__a_b", "op:a-b",
     "table public.t: its column __a_b has the name of a field that is told behind the row: " MENDS,
     NAMES_AVRO},
    {"-+op", "op", NULL, NAMES_AVRO_UNICODE},
};

/* Of every encoding, whether it names fields in its records or not. */
static void a_column_has_the_name(void **state)
{
    (void)state;
    for (int encoding = ENCODING_JSON; encoding <= ENCODING_AVRO; encoding++) {
        for (size_t i = 0; i < ARRAY_LEN(meetings); i++) {
            const struct flat_case c = {.encoding = (enum encoding_kind)encoding,
                                        .names = meetings[i].names,
                                        .fields = {meetings[i].field}};
            struct fake_registry registry;
            struct recorder_options options = options_of(&c, &registry);
            struct recorder *r = recorder_create(&options);
            struct table_spec table;
            struct error err = {0};
            char spec[32];

            (void)snprintf(spec, sizeof spec, "*id int4; %s text", meetings[i].column);
            table_spec_read(&table, "public", "t", spec);
            assert_int_equal(recorder_topic(r, &table.relation, &err) == NULL,
                             meetings[i].text != NULL);
            if (meetings[i].text != NULL) {
                assert_int_equal(err.kind, ERROR_CONFIG);
                assert_string_equal(err.text, meetings[i].text);
            }
            recorder_destroy(r);
        }
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(field_cases) + ARRAY_LEN(flat_cases) + 6];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(field_cases); i++)
        tests[n++] =
            (struct CMUnitTest){field_cases[i].text, reads_field, NULL, NULL, &field_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(flat_cases); i++)
        tests[n++] = (struct CMUnitTest){flat_cases[i].name, makes, NULL, NULL, &flat_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(two_of_one_name);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(two_that_come_to_one_name);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(tells_the_transaction);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(truncates_together);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_message_is_none_of_it);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_column_has_the_name);
    return cmocka_run_group_tests_name("flat", tests, NULL, NULL);
}
