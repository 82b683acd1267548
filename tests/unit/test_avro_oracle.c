/* Random rows: what we write and what Avro C writes of the same values must be the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <avro.h>
#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "sinks/recorder.h"
#include "support/fake_registry.h"
#include "support/table_spec.h"

#define ROWS 3000
#define ROWS_LONG 100000 /* with MILLRACE_LONG set */
#define HEAD_BYTES 5
#define TEXT_MAX 1024

/* The default of nd has no byte 0: Avro C cannot read one in a default. */
static const char spec[] =
    "*id int8; b bool; i2 int2; i4 int4 !; i8 int8 = 7; f4 float4; f8 float8 !; n numeric(15,4); "
    "nd numeric(6,2) = 1.0; any numeric; t text; tn text ! = 'x'::text; y bytea; d date; "
    "ti time; t3 time(3); ts timestamp; ts3 timestamp(3); tz timestamptz(0); u uuid; bi bit(1); "
    "bs varbit; ia int4[]; ta text[] !; na numeric(9,2)[]; sa int2[]; j jsonb";

/* One row in the making: the text for us, the value for Avro C. */
struct making {
    uint64_t seed;
    const struct column *column;
    char *text;
    avro_value_t at; /* of the branch that is not null */
};

static uint64_t next(struct making *m)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed;
}

static int64_t between(struct making *m, int64_t least, int64_t most)
{
    return least + (int64_t)(next(m) % ((uint64_t)(most - least) + 1));
}

/* Small ones as often as huge ones. */
static int64_t number(struct making *m, unsigned bits)
{
    int64_t n = (int64_t)(next(m) >> (64 - bits)) >> next(m) % bits;

    return next(m) % 2 == 0 ? n : -n - 1;
}

/* Avro C fills its handles through macros that the analyser does not see through. */
/* NOLINTBEGIN(clang-analyzer-core.NullDereference) */

static void make_bool(struct making *m)
{
    int64_t on = between(m, 0, 1);

    (void)snprintf(m->text, TEXT_MAX, "%s", on == 1 ? "t" : "f");
    assert_int_equal(avro_value_set_boolean(&m->at, (int)on), 0);
}

static void make_bit(struct making *m)
{
    int64_t on = between(m, 0, 1);

    (void)snprintf(m->text, TEXT_MAX, "%s", on == 1 ? "1" : "0");
    assert_int_equal(avro_value_set_boolean(&m->at, (int)on), 0);
}

static void make_int2(struct making *m)
{
    int64_t n = number(m, 15);

    (void)snprintf(m->text, TEXT_MAX, "%lld", (long long)n);
    assert_int_equal(avro_value_set_int(&m->at, (int32_t)n), 0);
}

static void make_int4(struct making *m)
{
    int64_t n = number(m, 31);

    (void)snprintf(m->text, TEXT_MAX, "%lld", (long long)n);
    assert_int_equal(avro_value_set_int(&m->at, (int32_t)n), 0);
}

static void make_int8(struct making *m)
{
    int64_t n = number(m, 63);

    (void)snprintf(m->text, TEXT_MAX, "%lld", (long long)n);
    assert_int_equal(avro_value_set_long(&m->at, n), 0);
}

static void make_float4(struct making *m)
{
    float f = (float)number(m, 40) / 1024.0f;

    (void)snprintf(m->text, TEXT_MAX, "%.9g", (double)f);
    assert_int_equal(avro_value_set_float(&m->at, f), 0);
}

static void make_float8(struct making *m)
{
    double d = (double)number(m, 60) / 4096.0;

    (void)snprintf(m->text, TEXT_MAX, "%.17g", d);
    assert_int_equal(avro_value_set_double(&m->at, d), 0);
}

/* Two's complement of the fewest bytes, big-endian. */
static size_t big_endian(int64_t n, uint8_t bytes[8])
{
    size_t len = 8;

    while (len > 1 && ((n >> (8 * (len - 2) + 7)) == 0 || (n >> (8 * (len - 2) + 7)) == -1))
        len--;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(n >> 8 * (len - 1 - i));
    return len;
}

static void write_decimal(char *text, int64_t n, unsigned scale)
{
    uint64_t by = 1, digits = n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n;

    for (unsigned i = 0; i < scale; i++)
        by *= 10;
    (void)snprintf(text, TEXT_MAX, "%s%llu.%0*llu", n < 0 ? "-" : "",
                   (unsigned long long)(digits / by), (int)scale,
                   (unsigned long long)(digits % by));
}

static void make_scaled(struct making *m, unsigned bits, unsigned scale)
{
    int64_t n = number(m, bits);
    uint8_t bytes[8];
    size_t len = big_endian(n, bytes);

    write_decimal(m->text, n, scale);
    assert_int_equal(avro_value_set_bytes(&m->at, bytes, len), 0);
}

static void make_decimal4(struct making *m)
{
    make_scaled(m, 49, 4);
}

static void make_decimal2(struct making *m)
{
    make_scaled(m, 19, 2);
}

/* The last decimal is not zero: its number is the scale. */
static void make_any_decimal(struct making *m)
{
    int64_t n = number(m, 58) / 10 * 10 + 3;
    unsigned scale = (unsigned)between(m, 1, 15);
    uint8_t bytes[8];
    size_t len;
    avro_value_t field;

    if (n < 0)
        n -= 6;
    len = big_endian(n, bytes);
    write_decimal(m->text, n, scale);
    assert_int_equal(avro_value_get_by_name(&m->at, "scale", &field, NULL), 0);
    assert_int_equal(avro_value_set_int(&field, (int32_t)scale), 0);
    assert_int_equal(avro_value_get_by_name(&m->at, "value", &field, NULL), 0);
    assert_int_equal(avro_value_set_bytes(&field, bytes, len), 0);
}

static void random_text(struct making *m, size_t most)
{
    static const char *const pieces[] = {
        "a", "Z", " ", "\"", "\\", "\t", ",", "{", "\303\251", "\360\237\230\200", "}", "\n"};
    size_t count = (size_t)between(m, 0, (int64_t)most), len = 0;

    m->text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(m->text + len, TEXT_MAX - len, "%s",
                                pieces[next(m) % ARRAY_LEN(pieces)]);
}

static void make_text(struct making *m)
{
    random_text(m, 80);
    assert_int_equal(avro_value_set_string(&m->at, m->text), 0);
}

static void make_bytea(struct making *m)
{
    uint8_t bytes[100];
    size_t len = (size_t)between(m, 0, 99);

    (void)snprintf(m->text, TEXT_MAX, "\\x");
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)next(m);
        (void)sprintf(m->text + 2 + 2 * i, "%02x", bytes[i]);
    }
    assert_int_equal(avro_value_set_bytes(&m->at, bytes, len), 0);
}

static struct tm calendar(int64_t seconds)
{
    time_t at = (time_t)seconds;
    struct tm tm;

    assert_non_null(gmtime_r(&at, &tm));
    return tm;
}

/* Years 1 to 9999. */
static int64_t any_second(struct making *m)
{
    return between(m, INT64_C(-62135596800), INT64_C(253402300799));
}

static void make_date(struct making *m)
{
    int64_t days = between(m, -719162, 2932896);
    struct tm tm = calendar(days * 86400);

    (void)snprintf(m->text, TEXT_MAX, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday);
    assert_int_equal(avro_value_set_int(&m->at, (int32_t)days), 0);
}

static void make_clock(struct making *m, int64_t unit_us)
{
    int64_t us = between(m, 0, INT64_C(86399999999) / unit_us) * unit_us;

    (void)snprintf(m->text, TEXT_MAX, "%02d:%02d:%02d.%06d", (int)(us / 3600000000),
                   (int)(us / 60000000 % 60), (int)(us / 1000000 % 60), (int)(us % 1000000));
    if (unit_us == 1)
        assert_int_equal(avro_value_set_long(&m->at, us), 0);
    else
        assert_int_equal(avro_value_set_int(&m->at, (int32_t)(us / unit_us)), 0);
}

static void make_time(struct making *m)
{
    make_clock(m, 1);
}

static void make_time3(struct making *m)
{
    make_clock(m, 1000);
}

static void write_moment(struct making *m, int64_t seconds, const char *tail)
{
    struct tm tm = calendar(seconds);

    (void)snprintf(m->text, TEXT_MAX, "%04d-%02d-%02d %02d:%02d:%02d%s", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tail);
}

static void make_timestamp(struct making *m)
{
    int64_t seconds = any_second(m), us = between(m, 1, 999999);
    char tail[8];

    (void)snprintf(tail, sizeof tail, ".%06d", (int)us);
    write_moment(m, seconds, tail);
    assert_int_equal(avro_value_set_long(&m->at, seconds * 1000000 + us), 0);
}

static void make_timestamp3(struct making *m)
{
    int64_t seconds = any_second(m), ms = between(m, 1, 999);
    char tail[8];

    (void)snprintf(tail, sizeof tail, ".%03d", (int)ms);
    write_moment(m, seconds, tail);
    assert_int_equal(avro_value_set_long(&m->at, seconds * 1000 + ms), 0);
}

static void make_timestamptz(struct making *m)
{
    char zoned[32];

    write_moment(m, any_second(m), "+00");
    (void)snprintf(zoned, sizeof zoned, "%.10sT%.8sZ", m->text, m->text + 11);
    assert_int_equal(avro_value_set_string(&m->at, zoned), 0);
}

static void make_uuid(struct making *m)
{
    (void)snprintf(m->text, TEXT_MAX, "%08x-%04x-%04x-%04x-%012llx", (unsigned)next(m),
                   (unsigned)(next(m) & 0xFFFF), (unsigned)(next(m) & 0xFFFF),
                   (unsigned)(next(m) & 0xFFFF),
                   (unsigned long long)(next(m) & UINT64_C(0xFFFFFFFFFFFF)));
    assert_int_equal(avro_value_set_string(&m->at, m->text), 0);
}

/* Little-endian up to the highest bit that is set. */
static void make_varbit(struct making *m)
{
    size_t count = (size_t)between(m, 0, 70), len = 0;
    uint8_t bytes[9] = {0};

    for (size_t i = 0; i < count; i++) {
        size_t bit = count - 1 - i;
        bool on = next(m) % 2 == 0;

        m->text[i] = on ? '1' : '0';
        if (!on)
            continue;
        bytes[bit / 8] |= (uint8_t)(1 << bit % 8);
        if (bit / 8 + 1 > len)
            len = bit / 8 + 1;
    }
    m->text[count] = '\0';
    assert_int_equal(avro_value_set_bytes(&m->at, bytes, len), 0);
}

/* Every element quoted, as PostgreSQL may do it, or NULL. */
static void make_array(struct making *m, void (*make)(struct making *m))
{
    char text[TEXT_MAX], element[TEXT_MAX];
    size_t count = (size_t)between(m, 0, 6), at = 0;
    struct making one = *m;

    text[at++] = '{';
    one.text = element;
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;

        assert_int_equal(avro_value_append(&m->at, &item, NULL), 0);
        if (i > 0)
            text[at++] = ',';
        if (next(&one) % 4 == 0) {
            assert_int_equal(avro_value_set_branch(&item, 0, &one.at), 0);
            assert_int_equal(avro_value_set_null(&one.at), 0);
            at += (size_t)sprintf(text + at, "NULL");
            continue;
        }
        assert_int_equal(avro_value_set_branch(&item, 1, &one.at), 0);
        make(&one);
        text[at++] = '"';
        for (const char *c = element; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\')
                text[at++] = '\\';
            text[at++] = *c;
        }
        text[at++] = '"';
    }
    text[at++] = '}';
    text[at] = '\0';
    assert_true(at < TEXT_MAX);
    memcpy(m->text, text, at + 1);
    m->seed = one.seed;
}

static void make_short_text(struct making *m)
{
    random_text(m, 12);
    assert_int_equal(avro_value_set_string(&m->at, m->text), 0);
}

static void make_int4_array(struct making *m)
{
    make_array(m, make_int4);
}

static void make_int2_array(struct making *m)
{
    make_array(m, make_int2);
}

static void make_text_array(struct making *m)
{
    make_array(m, make_short_text);
}

static void make_decimal_array(struct making *m)
{
    make_array(m, make_decimal2);
}

static const struct {
    const char *column;
    void (*make)(struct making *m);
} makers[] = {
    {"id", make_int8},          {"b", make_bool},        {"i2", make_int2},
    {"i4", make_int4},          {"i8", make_int8},       {"f4", make_float4},
    {"f8", make_float8},        {"n", make_decimal4},    {"nd", make_decimal2},
    {"any", make_any_decimal},  {"t", make_text},        {"tn", make_text},
    {"y", make_bytea},          {"d", make_date},        {"ti", make_time},
    {"t3", make_time3},         {"ts", make_timestamp},  {"ts3", make_timestamp3},
    {"tz", make_timestamptz},   {"u", make_uuid},        {"bi", make_bit},
    {"bs", make_varbit},        {"ia", make_int4_array}, {"ta", make_text_array},
    {"na", make_decimal_array}, {"sa", make_int2_array}, {"j", make_text},
};

struct oracle {
    struct fake_registry registry;
    struct recorder *recorder;
    struct table_spec table;
    avro_schema_t schema;
    avro_value_iface_t *class;
    struct cell cells[ARRAY_LEN(makers)];
    char texts[ARRAY_LEN(makers)][TEXT_MAX];
    struct event event;
};

/* One of each kind that is told behind a flat row. */
static const char *const told[] = {"op",         "ts_ms",    "source.ts_ns", "transaction.id",
                                   "table",      "snapshot", "sequence",     "txId",
                                   "source.lsn", "xmin",     "origin",       "origin_lsn"};

static void set_up(struct oracle *o, enum envelope_kind envelope)
{
    struct recorder_options options = {.topic_prefix = "p",
                                       .topic_delimiter = ".",
                                       .database = "depot",
                                       .unavailable_value_placeholder = "?",
                                       .envelope = envelope,
                                       .flat = {.fields = {told, ARRAY_LEN(told)}, .prefix = "__"},
                                       .encoding = ENCODING_AVRO,
                                       .record_limit_bytes = 1 << 20};
    struct error err = {0};
    const char *text;

    options.registry = fake_registry_init(&o->registry);
    o->recorder = recorder_create(&options);
    table_spec_read(&o->table, "public", "t", spec);
    assert_int_equal(o->table.relation.column_count, ARRAY_LEN(makers));
    if (recorder_topic(o->recorder, &o->table.relation, &err) == NULL)
        fail_msg("%s", err.text);
    text = fake_registry_schema(&o->registry, "p.public.t-value");
    if (avro_schema_from_json_length(text, strlen(text), &o->schema) != 0)
        fail_msg("Avro C refuses the schema: %s", avro_strerror());
    o->class = avro_generic_class_from_schema(o->schema);
    assert_non_null(o->class);
    o->event = (struct event){
        .kind = EVENT_INSERT, .relation = &o->table.relation, .row = {o->cells, ARRAY_LEN(makers)}};
}

static void tear_down(struct oracle *o)
{
    avro_value_iface_decref(o->class);
    avro_schema_decref(o->schema);
    recorder_destroy(o->recorder);
}

static avro_value_t field_of(const avro_value_t *record, const char *name)
{
    avro_value_t field;

    if (avro_value_get_by_name(record, name, &field, NULL) != 0)
        fail_msg("no field %s", name);
    return field;
}

static avro_value_t branch(const avro_value_t *value, int which)
{
    avro_value_t chosen;

    assert_int_equal(avro_value_set_branch(value, which, &chosen), 0);
    return chosen;
}

static void make_row(struct oracle *o, struct making *m, const avro_value_t *row)
{
    for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
        const struct column *column = &o->table.columns[i];
        bool has_default = column->default_expr.at != NULL, null = !column->not_null;
        avro_value_t field = field_of(row, makers[i].column);

        null = null && next(m) % 5 == 0;
        m->text = o->texts[i];
        m->at = column->not_null ? field : branch(&field, has_default == null ? 1 : 0);
        o->cells[i] = (struct cell){.kind = null ? CELL_NULL : CELL_TEXT};
        if (null) {
            assert_int_equal(avro_value_set_null(&m->at), 0);
            continue;
        }
        makers[i].make(m);
        o->cells[i].text = slice_text(m->text);
    }
}

static void set_text(const avro_value_t *record, const char *name, int which, const char *text)
{
    avro_value_t at = field_of(record, name);

    if (which >= 0)
        at = branch(&at, which);
    assert_int_equal(avro_value_set_string(&at, text), 0);
}

static void set_long(const avro_value_t *record, const char *name, bool optional, int64_t number_)
{
    avro_value_t at = field_of(record, name);

    if (optional)
        at = branch(&at, 1);
    assert_int_equal(avro_value_set_long(&at, number_), 0);
}

static void set_null(const avro_value_t *record, const char *name)
{
    avro_value_t at = field_of(record, name);

    at = branch(&at, 0);
    assert_int_equal(avro_value_set_null(&at), 0);
}

static void make_source(struct oracle *o, struct making *m, const avro_value_t *envelope)
{
    avro_value_t source = field_of(envelope, "source");
    struct event *e = &o->event;
    char sequence[64];

    e->lsn = next(m) >> 1;
    e->prior_end_lsn = next(m) >> 1;
    e->xid = (uint32_t)next(m) | 1;
    e->commit_us = number(m, 50);
    e->seen_ns = number(m, 60);
    (void)snprintf(sequence, sizeof sequence, "[\"%llu\",\"%llu\"]",
                   (unsigned long long)e->prior_end_lsn, (unsigned long long)e->lsn);
    set_text(&source, "version", -1, MILLRACE_VERSION);
    set_text(&source, "connector", -1, "postgresql");
    set_text(&source, "name", -1, "p");
    set_long(&source, "ts_ms", false, e->commit_us / 1000 - (e->commit_us % 1000 < 0));
    set_text(&source, "snapshot", 0, "false");
    set_text(&source, "db", -1, "depot");
    set_text(&source, "sequence", 1, sequence);
    set_long(&source, "ts_us", true, e->commit_us);
    set_long(&source, "ts_ns", true, e->commit_us * 1000);
    set_text(&source, "schema", -1, "public");
    set_text(&source, "table", -1, "t");
    set_long(&source, "txId", true, e->xid);
    set_long(&source, "lsn", true, (int64_t)e->lsn);
    set_null(&source, "xmin");
    set_null(&source, "origin");
    set_null(&source, "origin_lsn");
}

static void make_event(struct event *e, struct making *m)
{
    e->lsn = next(m) >> 1;
    e->prior_end_lsn = next(m) >> 1;
    e->xid = next(m) % 3 == 0 ? 0 : (uint32_t)next(m) | 1;
    e->commit_us = number(m, 50);
    e->seen_ns = number(m, 60);
    e->mark = next(m) % 2 == 0 ? MARK_NONE : MARK_LAST_IN_TABLE;
    e->origin = slice_text(next(m) % 2 == 0 ? "" : "elsewhere");
    e->origin_lsn = next(m) >> 1;
}

static void set_if(const avro_value_t *record, const char *name, bool there, int64_t number_)
{
    if (there)
        set_long(record, name, true, number_);
    else
        set_null(record, name);
}

static void make_flat(struct oracle *o, struct making *m, const avro_value_t *record)
{
    struct event *e = &o->event;
    char sequence[64];

    make_row(o, m, record);
    make_event(e, m);
    (void)snprintf(sequence, sizeof sequence, "[\"%llu\",\"%llu\"]",
                   (unsigned long long)e->prior_end_lsn, (unsigned long long)e->lsn);
    set_text(record, "__deleted", 1, "false");
    set_text(record, "__op", 1, "c");
    set_long(record, "__ts_ms", true, e->seen_ns / 1000000 - (e->seen_ns % 1000000 < 0));
    set_long(record, "__source_ts_ns", true, e->commit_us * 1000);
    set_null(record, "__transaction_id");
    set_text(record, "__table", 1, "t");
    if (e->mark == MARK_NONE)
        set_null(record, "__snapshot");
    else
        set_text(record, "__snapshot", 1, "last_in_data_collection");
    set_text(record, "__sequence", 1, sequence);
    set_if(record, "__txId", e->xid != 0, e->xid);
    set_long(record, "__source_lsn", true, (int64_t)e->lsn);
    set_null(record, "__xmin");
    if (e->origin.len == 0)
        set_null(record, "__origin");
    else
        set_text(record, "__origin", 1, "elsewhere");
    set_if(record, "__origin_lsn", e->origin.len > 0, (int64_t)e->origin_lsn);
}

static void make_envelope(struct oracle *o, struct making *m, const avro_value_t *envelope)
{
    avro_value_t after = field_of(envelope, "after");
    const struct event *e = &o->event;

    set_null(envelope, "before");
    after = branch(&after, 1);
    make_row(o, m, &after);
    make_source(o, m, envelope);
    set_null(envelope, "transaction");
    set_text(envelope, "op", -1, "c");
    set_long(envelope, "ts_ms", true, e->seen_ns / 1000000 - (e->seen_ns % 1000000 < 0));
    set_long(envelope, "ts_us", true, e->seen_ns / 1000 - (e->seen_ns % 1000 < 0));
    set_long(envelope, "ts_ns", true, e->seen_ns);
}

/* NOLINTEND(clang-analyzer-core.NullDereference) */

static void compare(struct oracle *o, avro_value_t *envelope, uint64_t seed)
{
    static const uint8_t head[HEAD_BYTES] = {0, 0, 0, 0, 2}; /* the key's schema is 1 */
    struct records records;
    struct error err = {0};
    char *bytes = malloc(1 << 20);
    avro_writer_t writer = avro_writer_memory(bytes, 1 << 20);
    struct slice value;

    assert_int_equal(avro_value_write(writer, envelope), 0);
    if (!recorder_make(o->recorder, &o->event, &records, &err))
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.text);
    assert_int_equal(records.count, 1);
    value = records.at[0].value;
    assert_true(value.len > HEAD_BYTES);
    assert_memory_equal(value.at, head, HEAD_BYTES);
    if (value.len - HEAD_BYTES != (size_t)avro_writer_tell(writer) ||
        memcmp(value.at + HEAD_BYTES, bytes, value.len - HEAD_BYTES) != 0)
        fail_msg("other bytes than Avro C's, seed %llu", (unsigned long long)seed);
    avro_writer_free(writer);
    free(bytes);
}

static void compare_rows(enum envelope_kind kind,
                         void (*make)(struct oracle *o, struct making *m, const avro_value_t *into))
{
    const char *is_long = getenv("MILLRACE_LONG");
    int rows = is_long != NULL && *is_long != '\0' ? ROWS_LONG : ROWS;
    struct oracle *o = calloc(1, sizeof *o);

    assert_non_null(o);
    set_up(o, kind);
    for (int i = 1; i <= rows; i++) {
        struct making m = {.seed = (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15)};
        avro_value_t value;

        assert_int_equal(avro_generic_value_new(o->class, &value), 0);
        make(o, &m, &value);
        compare(o, &value, (uint64_t)i);
        avro_value_decref(&value);
    }
    tear_down(o);
    free(o);
}

static void test_random_rows(void **state)
{
    (void)state;
    compare_rows(ENVELOPE_DEBEZIUM, make_envelope);
}

static void test_random_flat_rows(void **state)
{
    (void)state;
    compare_rows(ENVELOPE_FLAT, make_flat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_rows),
                                       cmocka_unit_test(test_random_flat_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
