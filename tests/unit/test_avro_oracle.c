/*
 * Random rows of every type in every mode: what we write and what Avro C writes of the same values
 * must be the same bytes.
 *
 * What a record must say is a tree (support/random_value.h); a walk over Avro's schema fills Avro
 * C's value from it.  With MILLRACE_ORACLE_DUMP set, some records of each variant go to that file
 * as lines of JSON, for readers in other languages (tests/integration/test_avro_readers.py):
 *
 *     {"variant":"standard","key_schema":{...},"value_schema":{...}}
 *     {"key":"00..","value":"00..","key_tree":{...},"tree":{...},"texts":{"id":"1",...}}
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <avro.h>
#include <cmocka.h>
#include <jansson.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "sinks/recorder.h"
#include "support/fake_registry.h"
#include "support/random_value.h"
#include "support/table_spec.h"

#define ROWS 100000 /* of all variants together, at full speed or with MILLRACE_LONG set */
#define ROWS_SANITIZED 16000
#define ROWS_DUMPED 300
#define HEAD_BYTES 5
#define BUFFER_BYTES (1 << 20)
#define COLUMNS_MAX TABLE_SPEC_COLUMNS

/* Every type that has a form of its own, nullable, NOT NULL, with defaults (whose unions begin with
 * the value; none has a byte 0, which Avro C cannot read there), and arrays. */
static const char spec[] =
    "*id int8; b bool; i2 int2; i4 int4 !; i8 int8 = 7; o oid; f4 float4; f8 float8 !; "
    "n numeric(15,4); nl numeric(38,10); nn numeric(5,-2); nt numeric(3,5); "
    "nd numeric(6,2) = 1.0; any numeric; mo money; t text; tn text ! = 'x'::text; v varchar(9); "
    "td text = 'y'::text; j jsonb; x xml; ip inet; lt ltree; en text; dom numeric(12,3); u uuid; "
    "un uuid !; y bytea; bi bit(1); bn bit(12); bs varbit; d date; dd date = '2020-01-01'::date; "
    "ti time; t3 time(3); tz timetz; ts timestamp; t0 timestamp(0); ts3 timestamp(3); "
    "ts4 timestamp(4); tt timestamptz; tt0 timestamptz(0); iv interval; "
    "pt point; ln line; ls lseg; bx box; pa path; po polygon; ci circle; gm geometry; "
    "gg geography; hs hstore; ve vector; hv halfvec; ia int4[]; ta text[] !; na numeric(9,2)[]; "
    "nla numeric[]; sa int2[]; fa float8[]; ba bool[]; da date[]; tia time[]; tsa timestamp[]; "
    "tta timestamptz[]; ua uuid[]; ya bytea[]; iva interval[]; pta point[]; bsa varbit[]; "
    "mya money[]; hsa hstore[]";

struct variant {
    const char *name;
    struct type_modes modes;
    enum avro_types types;
    enum envelope_kind envelope;
};

static const struct variant variants[] = {
    {"connect", {.decimal = DECIMAL_PRECISE}, AVRO_TYPES_CONNECT, ENVELOPE_DEBEZIUM},
    {"texts",
     {.decimal = DECIMAL_STRING,
      .time = TIME_ISOSTRING,
      .interval = INTERVAL_STRING,
      .binary = BINARY_BASE64,
      .hstore = HSTORE_MAP},
     AVRO_TYPES_CONNECT,
     ENVELOPE_DEBEZIUM},
    {"nanoseconds",
     {.decimal = DECIMAL_DOUBLE, .time = TIME_NANOSECONDS, .binary = BINARY_HEX},
     AVRO_TYPES_CONNECT,
     ENVELOPE_DEBEZIUM},
    {"milliseconds",
     {.time = TIME_CONNECT, .binary = BINARY_BASE64_URL_SAFE},
     AVRO_TYPES_CONNECT,
     ENVELOPE_DEBEZIUM},
    {"microseconds",
     {.time = TIME_MICROSECONDS, .hstore = HSTORE_MAP},
     AVRO_TYPES_CONNECT,
     ENVELOPE_DEBEZIUM},
    {"microclock", {.time = TIME_ADAPTIVE_MICROSECONDS}, AVRO_TYPES_CONNECT, ENVELOPE_DEBEZIUM},
    {"standard", {.hstore = HSTORE_MAP}, AVRO_TYPES_STANDARD, ENVELOPE_DEBEZIUM},
    {"standard-texts",
     {.decimal = DECIMAL_STRING, .time = TIME_ISOSTRING},
     AVRO_TYPES_STANDARD,
     ENVELOPE_DEBEZIUM},
    {"flat", {.decimal = DECIMAL_PRECISE}, AVRO_TYPES_CONNECT, ENVELOPE_FLAT},
};

/* One of each kind that is told behind a flat row. */
static const char *const told[] = {"op",         "ts_ms",    "source.ts_ns", "transaction.id",
                                   "table",      "snapshot", "sequence",     "txId",
                                   "source.lsn", "xmin",     "origin",       "origin_lsn"};

static const struct slice labels[] = {{(const uint8_t *)"sad", 3},
                                      {(const uint8_t *)"so, so", 6},
                                      {(const uint8_t *)"\303\274ber", 5}};

/* One schema to Avro C. */
struct shape {
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t value;
};

struct oracle {
    const struct variant *variant;
    struct fake_registry registry;
    struct recorder *recorder;
    struct table_spec table;
    struct type domain, base;
    struct shape key, value;
    struct random_values random;
    struct cell cells[2][COLUMNS_MAX]; /* of the old row, of the new one */
    char texts[2][COLUMNS_MAX][RANDOM_TEXT_MAX];
    struct event event;
    char *bytes; /* what Avro C writes */
    FILE *dump;
};

/* An enum and a domain, which no line of text describes. */
static void add_types(struct oracle *o)
{
    for (uint16_t i = 0; i < o->table.relation.column_count; i++) {
        struct column *column = &o->table.columns[i];
        struct type *type = &o->table.types[i];

        if (slice_is(column->name, "en")) {
            type->kind = TYPE_ENUM;
            type->oid = column->type_oid = 20100;
            type->labels = labels;
            type->label_count = ARRAY_LEN(labels);
        } else if (slice_is(column->name, "dom")) {
            o->base = *type;
            o->domain = (struct type){.oid = 20101,
                                      .name = slice_text("price"),
                                      .kind = TYPE_DOMAIN,
                                      .base = &o->base,
                                      .base_typmod = column->typmod};
            column->type = &o->domain;
            column->type_oid = 20101;
            column->typmod = -1;
        }
    }
}

static void set_up_shape(struct oracle *o, const char *subject, struct shape *out)
{
    const char *text = fake_registry_schema(&o->registry, subject);

    if (avro_schema_from_json_length(text, strlen(text), &out->schema) != 0)
        fail_msg("%s: Avro C refuses the schema: %s", o->variant->name, avro_strerror());
    out->class = avro_generic_class_from_schema(out->schema);
    assert_non_null(out->class);
    assert_int_equal(avro_generic_value_new(out->class, &out->value), 0);
}

static void tear_down_shape(struct shape *s)
{
    avro_value_decref(&s->value);
    avro_value_iface_decref(s->class);
    avro_schema_decref(s->schema);
}

static void set_up(struct oracle *o, const struct variant *variant)
{
    struct recorder_options options = {.topic_prefix = "p",
                                       .topic_delimiter = ".",
                                       .database = "depot",
                                       .unavailable_values = UNAVAILABLE_PLACEHOLDER,
                                       .unavailable_value_placeholder = "?",
                                       .envelope = variant->envelope,
                                       .flat = {.fields = {told, ARRAY_LEN(told)}, .prefix = "__"},
                                       .encoding = ENCODING_AVRO,
                                       .avro_types = variant->types,
                                       .types = variant->modes,
                                       .record_limit_bytes = BUFFER_BYTES};
    struct error err = {0};

    o->variant = variant;
    o->random.modes = variant->modes;
    o->random.modes.standard = variant->types == AVRO_TYPES_STANDARD;
    options.registry = fake_registry_init(&o->registry);
    o->recorder = recorder_create(&options);
    table_spec_read(&o->table, "public", "t", spec);
    add_types(o);
    if (recorder_topic(o->recorder, &o->table.relation, &err) == NULL)
        fail_msg("%s: %s", variant->name, err.text);
    set_up_shape(o, "p.public.t-key", &o->key);
    set_up_shape(o, "p.public.t-value", &o->value);
}

static void tear_down(struct oracle *o)
{
    tear_down_shape(&o->key);
    tear_down_shape(&o->value);
    recorder_destroy(o->recorder);
}

/* ---- what is expected: trees */

/* What stands for a NOT NULL column that a delete did not tell: its default, or the type's zero. */
static json_t *absent_tree(const struct oracle *o, const struct column *column)
{
    if (!column->not_null)
        return json_null();
    if (slice_is(column->name, "i4"))
        return json_integer(0);
    if (slice_is(column->name, "f8"))
        return json_real(0);
    if (slice_is(column->name, "tn"))
        return json_string("x");
    if (slice_is(column->name, "ta"))
        return json_array();
    assert_true(slice_is(column->name, "un"));
    return json_string(o->random.modes.standard ? "00000000-0000-0000-0000-000000000000" : "");
}

static bool is_toasted(const struct column *column)
{
    return slice_is(column->name, "t") || slice_is(column->name, "j") ||
           slice_is(column->name, "tn");
}

static void set_cell(struct oracle *o, int which, uint16_t i, enum cell_kind kind)
{
    char *text = o->texts[which][i];

    (void)snprintf(text, RANDOM_TEXT_MAX, "%s", kind == CELL_TEXT ? o->random.text : "");
    o->cells[which][i] = (struct cell){.kind = kind};
    if (kind == CELL_TEXT)
        o->cells[which][i].text = slice_text(text);
}

/* unchanged: some of the large values are not told. */
static json_t *make_row(struct oracle *o, int which, bool key_only, bool unchanged)
{
    json_t *tree = json_object();

    for (uint16_t i = 0; i < o->table.relation.column_count; i++) {
        const struct column *column = &o->table.columns[i];
        char name[16];
        json_t *value;

        if (key_only && !column->identity) {
            set_cell(o, which, i, CELL_NULL);
            value = absent_tree(o, column);
        } else if (unchanged && is_toasted(column) && random_next(&o->random) % 2 == 0) {
            set_cell(o, which, i, CELL_UNCHANGED);
            value = json_string("?");
        } else if (!column->not_null && random_next(&o->random) % 5 == 0) {
            set_cell(o, which, i, CELL_NULL);
            value = json_null();
        } else {
            value = random_value(&o->random, column->type, column->typmod);
            set_cell(o, which, i, CELL_TEXT);
        }
        (void)snprintf(name, sizeof name, "%.*s", SLICE_ARGS(column->name));
        json_object_set_new(tree, name, value);
    }
    return tree;
}

static int64_t floor_divide(int64_t n, int64_t by)
{
    return n / by - (n % by < 0);
}

static json_t *make_source(struct oracle *o)
{
    struct random_values *r = &o->random;
    struct event *e = &o->event;
    json_t *source = json_object();

    e->lsn = random_next(r) >> random_next(r) % 63 >> 1;
    if (random_next(r) % 3 == 0) { /* else the same transaction goes on */
        e->prior_end_lsn = random_next(r) % 9 == 0 ? 0 : random_next(r) >> 1;
        e->xid = random_next(r) % 9 == 0 ? 0 : (uint32_t)random_next(r);
        e->commit_us = random_between(r, -(INT64_C(1) << 50), INT64_C(1) << 50);
        e->seen_ns = random_between(r, -(INT64_C(1) << 60), INT64_C(1) << 60);
        e->origin = slice_text(random_next(r) % 9 == 0 ? "elsewhere" : "");
        e->origin_lsn = random_next(r) >> 1;
    }
    json_object_set_new(source, "version", json_string(MILLRACE_VERSION));
    json_object_set_new(source, "connector", json_string("postgresql"));
    json_object_set_new(source, "name", json_string("p"));
    json_object_set_new(source, "ts_ms", json_integer(floor_divide(e->commit_us, 1000)));
    json_object_set_new(source, "snapshot", json_string("false"));
    json_object_set_new(source, "db", json_string("depot"));
    json_object_set_new(source, "sequence",
                        e->prior_end_lsn == 0
                            ? json_sprintf("[null,\"%llu\"]", (unsigned long long)e->lsn)
                            : json_sprintf("[\"%llu\",\"%llu\"]",
                                           (unsigned long long)e->prior_end_lsn,
                                           (unsigned long long)e->lsn));
    json_object_set_new(source, "ts_us", json_integer(e->commit_us));
    json_object_set_new(source, "ts_ns", json_integer(e->commit_us * 1000));
    json_object_set_new(source, "schema", json_string("public"));
    json_object_set_new(source, "table", json_string("t"));
    json_object_set_new(source, "txId", e->xid == 0 ? json_null() : json_integer(e->xid));
    json_object_set_new(source, "lsn", json_integer((json_int_t)e->lsn));
    json_object_set_new(source, "xmin", json_null());
    json_object_set_new(source, "origin",
                        e->origin.len == 0 ? json_null() : json_string("elsewhere"));
    json_object_set_new(source, "origin_lsn",
                        e->origin.len == 0 ? json_null() : json_integer((json_int_t)e->origin_lsn));
    return source;
}

/* The key stays what it is in an update. */
static void keep_key(struct oracle *o, json_t *before, json_t *after)
{
    (void)snprintf(o->texts[1][0], RANDOM_TEXT_MAX, "%s", o->texts[0][0]);
    o->cells[1][0].text = slice_text(o->texts[1][0]);
    json_object_set(after, "id", json_object_get(before, "id"));
}

/* Of a change: the new row, or the old one where there is no other. */
static json_t *row_of(const struct oracle *o, json_t *change)
{
    if (o->variant->envelope == ENVELOPE_FLAT)
        return change;
    return json_object_get(change, o->event.kind == EVENT_DELETE ? "before" : "after");
}

/* The row with what is told behind it. */
static json_t *flat_tree(const struct oracle *o, const json_t *change)
{
    static const char *const of_source[] = {"table", "sequence", "txId",
                                            "xmin",  "origin",   "origin_lsn"};
    const json_t *source = json_object_get(change, "source");
    json_t *row = json_object_get(change, "after");
    char name[32];

    row = json_copy(json_is_null(row) ? json_object_get(change, "before") : row);
    json_object_set_new(row, "__deleted",
                        json_string(o->event.kind == EVENT_DELETE ? "true" : "false"));
    json_object_set(row, "__op", json_object_get(change, "op"));
    json_object_set(row, "__ts_ms", json_object_get(change, "ts_ms"));
    json_object_set(row, "__source_ts_ns", json_object_get(source, "ts_ns"));
    json_object_set(row, "__source_lsn", json_object_get(source, "lsn"));
    json_object_set_new(row, "__transaction_id", json_null());
    json_object_set_new(row, "__snapshot", json_null()); /* of what is no row of a snapshot */
    for (size_t i = 0; i < ARRAY_LEN(of_source); i++) {
        (void)snprintf(name, sizeof name, "__%s", of_source[i]);
        json_object_set(row, name, json_object_get(source, of_source[i]));
    }
    return row;
}

/* An insert, an update with the old row or without, a delete with the old row or its key. */
static json_t *make_event(struct oracle *o)
{
    uint16_t count = o->table.relation.column_count;
    unsigned kind = (unsigned)(random_next(&o->random) % 8);
    json_t *tree = json_object(), *before = json_null(), *after = json_null();
    struct event *e = &o->event;

    e->relation = &o->table.relation;
    e->kind = kind < 4 ? EVENT_INSERT : kind < 6 ? EVENT_UPDATE : EVENT_DELETE;
    e->old_kind = kind == 5 || kind == 7 ? OLD_FULL : kind == 6 ? OLD_KEY : OLD_NONE;
    e->row = e->old = (struct row){0};
    if (e->old_kind != OLD_NONE) {
        before = make_row(o, 0, e->old_kind == OLD_KEY, false);
        e->old = (struct row){o->cells[0], count};
    }
    if (e->kind != EVENT_DELETE) {
        after = make_row(o, 1, false, kind == 4);
        e->row = (struct row){o->cells[1], count};
        if (e->old_kind != OLD_NONE)
            keep_key(o, before, after);
    }
    json_object_set_new(tree, "before", before);
    json_object_set_new(tree, "after", after);
    json_object_set_new(tree, "source", make_source(o));
    json_object_set_new(tree, "transaction", json_null());
    json_object_set_new(tree, "op", json_string(kind < 4 ? "c" : kind < 6 ? "u" : "d"));
    json_object_set_new(tree, "ts_ms", json_integer(floor_divide(e->seen_ns, 1000000)));
    json_object_set_new(tree, "ts_us", json_integer(floor_divide(e->seen_ns, 1000)));
    json_object_set_new(tree, "ts_ns", json_integer(e->seen_ns));
    if (o->variant->envelope == ENVELOPE_FLAT) {
        json_t *flat = flat_tree(o, tree);

        json_decref(tree);
        return flat;
    }
    return tree;
}

/* ---- the tree as Avro C's value */

/* Avro C fills its handles through macros that the analyser does not see through. */
/* NOLINTBEGIN(clang-analyzer-core.NullDereference) */

static void fill(avro_value_t *at, const json_t *tree);

static void fill_bytes(avro_value_t *at, const json_t *tree)
{
    const char *hex = json_string_value(json_object_get(tree, "hex"));
    uint8_t bytes[RANDOM_TEXT_MAX];
    size_t len = 0;

    assert_non_null(hex);
    for (; hex[2 * len] != '\0'; len++) {
        const char digits[] = {hex[2 * len], hex[2 * len + 1], '\0'};

        bytes[len] = (uint8_t)strtoul(digits, NULL, 16);
    }
    assert_int_equal(avro_value_set_bytes(at, bytes, len), 0);
}

/* ["null",T] or, with a default, [T,"null"] */
static void fill_union(avro_value_t *at, const json_t *tree)
{
    avro_schema_t first = avro_schema_union_branch(avro_value_get_schema(at), 0);
    bool null_first = avro_typeof(first) == AVRO_NULL;
    avro_value_t chosen;

    assert_int_equal(avro_value_set_branch(at, json_is_null(tree) == null_first ? 0 : 1, &chosen),
                     0);
    if (json_is_null(tree))
        assert_int_equal(avro_value_set_null(&chosen), 0);
    else
        fill(&chosen, tree);
}

static void fill_record(avro_value_t *at, const json_t *tree)
{
    size_t count = 0;

    assert_int_equal(avro_value_get_size(at, &count), 0);
    assert_int_equal(json_object_size(tree), count);
    for (size_t i = 0; i < count; i++) {
        const char *name = NULL;
        avro_value_t field;

        assert_int_equal(avro_value_get_by_index(at, i, &field, &name), 0);
        assert_non_null(json_object_get(tree, name));
        fill(&field, json_object_get(tree, name));
    }
}

static void fill_array(avro_value_t *at, const json_t *tree)
{
    for (size_t i = 0; i < json_array_size(tree); i++) {
        avro_value_t item;

        assert_int_equal(avro_value_append(at, &item, NULL), 0);
        fill(&item, json_array_get(tree, i));
    }
}

static void fill_map(avro_value_t *at, json_t *tree)
{
    const char *key;
    json_t *value;

    json_object_foreach(tree, key, value)
    {
        avro_value_t item;

        assert_int_equal(avro_value_add(at, key, &item, NULL, NULL), 0);
        fill(&item, value);
    }
}

/* NaN and the infinities are texts. */
static double number_of(const json_t *tree)
{
    return json_is_string(tree) ? strtod(json_string_value(tree), NULL) : json_real_value(tree);
}

static void fill(avro_value_t *at, const json_t *tree)
{
    switch ((int)avro_value_get_type(at)) {
    case AVRO_UNION:
        fill_union(at, tree);
        break;
    case AVRO_RECORD:
        fill_record(at, tree);
        break;
    case AVRO_ARRAY:
        fill_array(at, tree);
        break;
    case AVRO_MAP:
        fill_map(at, (json_t *)(uintptr_t)tree);
        break;
    case AVRO_BYTES:
        fill_bytes(at, tree);
        break;
    case AVRO_STRING:
        assert_true(json_is_string(tree));
        assert_int_equal(avro_value_set_string(at, json_string_value(tree)), 0);
        break;
    case AVRO_BOOLEAN:
        assert_true(json_is_boolean(tree));
        assert_int_equal(avro_value_set_boolean(at, json_is_true(tree)), 0);
        break;
    case AVRO_INT32:
        assert_true(json_is_integer(tree));
        assert_int_equal(avro_value_set_int(at, (int32_t)json_integer_value(tree)), 0);
        break;
    case AVRO_INT64:
        assert_true(json_is_integer(tree));
        assert_int_equal(avro_value_set_long(at, json_integer_value(tree)), 0);
        break;
    case AVRO_FLOAT:
        assert_int_equal(avro_value_set_float(at, (float)number_of(tree)), 0);
        break;
    case AVRO_DOUBLE:
        assert_int_equal(avro_value_set_double(at, number_of(tree)), 0);
        break;
    default:
        fail_msg("a schema of type %d", (int)avro_value_get_type(at));
    }
}

/* NOLINTEND(clang-analyzer-core.NullDereference) */

/* Tells which column it is, by way of the sizes up to it: for whoever looks for the mistake. */
static void compare(struct oracle *o, struct shape *shape, const json_t *tree, struct slice ours,
                    uint64_t seed)
{
    avro_writer_t writer = avro_writer_memory(o->bytes, BUFFER_BYTES);
    size_t len, same = 0;

    assert_int_equal(avro_value_reset(&shape->value), 0);
    fill(&shape->value, tree);
    assert_int_equal(avro_value_write(writer, &shape->value), 0);
    len = (size_t)avro_writer_tell(writer);
    avro_writer_free(writer);
    assert_true(ours.len > HEAD_BYTES);
    while (same < len && same + HEAD_BYTES < ours.len &&
           ours.at[same + HEAD_BYTES] == (uint8_t)o->bytes[same])
        same++;
    if (same != len || ours.len != len + HEAD_BYTES)
        fail_msg(
            "%s, seed %llu: other bytes than Avro C's from byte %zu of %zu on, ours has %zu: %s",
            o->variant->name, (unsigned long long)seed, same, len, ours.len - HEAD_BYTES,
            json_dumps(json_object_get(tree, "source"), JSON_COMPACT));
}

/* ---- for other readers */

static json_t *hex_of(struct slice bytes)
{
    char *hex = malloc(2 * bytes.len + 1);
    json_t *text;

    assert_non_null(hex);
    hex[0] = '\0';
    for (size_t i = 0; i < bytes.len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes.at[i]);
    text = json_string(hex);
    free(hex);
    return text;
}

static void dump_line(struct oracle *o, json_t *line)
{
    assert_int_equal(json_dumpf(line, o->dump, JSON_COMPACT), 0);
    (void)fputc('\n', o->dump);
    json_decref(line);
}

static json_t *schema_tree(struct oracle *o, const char *subject)
{
    json_t *tree = json_loads(fake_registry_schema(&o->registry, subject), 0, NULL);

    assert_non_null(tree);
    return tree;
}

static void dump_schemas(struct oracle *o)
{
    dump_line(o, json_pack("{s:s,s:o,s:o}", "variant", o->variant->name, "key_schema",
                           schema_tree(o, "p.public.t-key"), "value_schema",
                           schema_tree(o, "p.public.t-value")));
}

/* What SQL shows of the row that is there. */
static json_t *texts_of(struct oracle *o)
{
    int which = o->event.kind == EVENT_DELETE ? 0 : 1;
    json_t *texts = json_object();

    for (uint16_t i = 0; i < o->table.relation.column_count; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%.*s", SLICE_ARGS(o->table.columns[i].name));
        if (o->cells[which][i].kind == CELL_TEXT)
            json_object_set_new(texts, name, json_string(o->texts[which][i]));
    }
    return texts;
}

static void dump_record(struct oracle *o, const struct record *record, json_t *key_tree,
                        json_t *tree)
{
    dump_line(o, json_pack("{s:o,s:o,s:O,s:O,s:o}", "key", hex_of(record->key), "value",
                           hex_of(record->value), "key_tree", key_tree, "tree", tree, "texts",
                           texts_of(o)));
}

/* ---- the run */

static void check_event(struct oracle *o, uint64_t seed)
{
    json_t *tree, *key_tree;
    struct records records;
    struct error err = {0};

    o->random.seed = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    tree = make_event(o);
    key_tree = json_pack("{s:O}", "id", json_object_get(row_of(o, tree), "id"));
    if (!recorder_make(o->recorder, &o->event, &records, &err))
        fail_msg("%s, seed %llu: %s", o->variant->name, (unsigned long long)seed, err.text);
    assert_int_equal(records.count, 1);
    compare(o, &o->key, key_tree, records.at[0].key, seed);
    compare(o, &o->value, tree, records.at[0].value, seed);
    if (o->dump != NULL)
        dump_record(o, &records.at[0], key_tree, tree);
    json_decref(tree);
    json_decref(key_tree);
}

/* Sanitizers make it take a minute. */
static uint64_t rows_of_all(void)
{
#ifdef __SANITIZE_ADDRESS__
    const char *is_long = getenv("MILLRACE_LONG");

    return is_long != NULL && *is_long != '\0' ? ROWS : ROWS_SANITIZED;
#else
    return ROWS;
#endif
}

static void test_random_rows(void **state)
{
    const struct variant *variant = *state;
    const char *path = getenv("MILLRACE_ORACLE_DUMP");
    struct oracle *o = calloc(1, sizeof *o);
    uint64_t rows = rows_of_all() / ARRAY_LEN(variants);

    assert_non_null(o);
    o->bytes = malloc(BUFFER_BYTES);
    assert_non_null(o->bytes);
    set_up(o, variant);
    if (path != NULL && *path != '\0') {
        o->dump = fopen(path, "a");
        assert_non_null(o->dump);
        dump_schemas(o);
        rows = ROWS_DUMPED;
    }
    for (uint64_t seed = 1; seed <= rows; seed++)
        check_event(o, seed);
    if (o->dump != NULL)
        assert_int_equal(fclose(o->dump), 0);
    tear_down(o);
    free(o->bytes);
    free(o);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(variants)];

    for (size_t i = 0; i < ARRAY_LEN(variants); i++)
        tests[i] = (struct CMUnitTest){variants[i].name, test_random_rows, NULL, NULL,
                                       (void *)(uintptr_t)&variants[i]};
    return cmocka_run_group_tests_name("avro_oracle", tests, NULL, NULL);
}
