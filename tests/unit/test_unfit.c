/* Values that a schema has no form for: another form of JSON without one, with one they are
 * refused; null as Debezium has it where null is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "sinks/recorder.h"
#include "support/fake_registry.h"
#include "support/record_text.h"
#include "support/table_spec.h"

struct unfit_case {
    const char *type, *text;
    enum time_mode time;
    const char *json;     /* without a schema */
    const char *debezium; /* as JSON, compatible with Debezium */
    const char *avro;     /* the same in hexadecimal digits, without the branch of a union */
    const char *stands;   /* what stands for it in the default of a column; NULL: is not tried */
};

/* An array's null has its place in the array, a value's own only where the column may be NULL. */
#define NULL_ITSELF .debezium = "null", .avro = NULL

static struct unfit_case unfit_cases[] = {
    {.type = "numeric", .text = "NaN", .json = "\"NaN\"", NULL_ITSELF},
    {.type = "numeric", .text = "-Infinity", .json = "\"-Infinity\"", NULL_ITSELF},
    {.type = "numeric(10,2)", .text = "NaN", .json = "\"NaN\"", NULL_ITSELF, .stands = "1.50"},
    {.type = "varbit(1)", .text = "", .json = "\"\"", NULL_ITSELF},
    {.type = "timestamp",
     .text = "294276-12-31 23:59:59",
     .json = "\"294276-12-31 23:59:59\"",
     NULL_ITSELF},
    {.type = "timestamp(3)",
     .text = "1677-01-01 00:00:00",
     .time = TIME_NANOSECONDS,
     .json = "\"1677-01-01 00:00:00\"",
     NULL_ITSELF},
    {.type = "timestamp",
     .text = "2262-04-12 00:00:00",
     .time = TIME_NANOSECONDS,
     .json = "\"2262-04-12 00:00:00\"",
     NULL_ITSELF},
    {.type = "int4[]",
     .text = "{{1,2},{3,4}}",
     .json = "[[1,2],[3,4]]",
     .debezium = "[null,null]",
     .avro = "04000000"},
    {.type = "text[]",
     .text = "{{a,NULL},{\"b c\",\"\"}}",
     .json = "[[\"a\",null],[\"b c\",\"\"]]",
     .debezium = "[null,null]",
     .avro = "04000000"},
    {.type = "numeric(6,2)[]",
     .text = "{1.50,NaN}",
     .json = "[\"AJY=\",\"NaN\"]",
     .debezium = "[\"AJY=\",null]",
     .avro = "040204009600"
             "00"},
    {.type = "timestamp[]",
     .text = "{\"294276-12-31 23:59:59\",\"1970-01-01 00:00:00.000001\"}",
     .json = "[\"294276-12-31 23:59:59\",1]",
     .debezium = "[null,1]",
     .avro = "0400020200"},
};

/* How a case is played. */
struct way {
    enum encoding_kind encoding;
    enum envelope_kind envelope;
    bool debezium, not_null, has_default;
};

static struct recorder_options options_of(const struct unfit_case *c, const struct way *way,
                                          struct fake_registry *registry)
{
    struct recorder_options options = {.topic_prefix = "p",
                                       .topic_delimiter = ".",
                                       .database = "d",
                                       .unavailable_value_placeholder = "?",
                                       .encoding = way->encoding,
                                       .envelope = way->envelope,
                                       .registry = fake_registry_init(registry),
                                       .record_limit_bytes = 1 << 20};

    options.types.time = c->time;
    options.types.debezium = way->debezium;
    options.flat = (struct flat_options){.prefix = "__", .deletes = FLAT_TOMBSTONE};
    return options;
}

/* The row is id, v, w: its text from the value of v on, up to that of w. */
static void put_rest(struct buf *out, const struct record *r, const struct way *way)
{
    static const char mark[] = "\"id\":1,\"v\":";
    size_t from = way->envelope == ENVELOPE_FLAT ? 6 : 8;

    if (way->encoding == ENCODING_AVRO) {
        record_text_hex(slice_of(r->value.at + from, r->value.len - from), out);
    } else {
        buf_slice(out, r->value);
        buf_byte(out, 0);
        from = (size_t)(strstr((const char *)out->at, mark) - (const char *)out->at) + strlen(mark);
        memmove(out->at, out->at + from, out->len - from);
        out->len -= from + 1;
    }
    buf_byte(out, 0);
}

static void expect_row(const struct unfit_case *c, const struct way *way, struct buf *out)
{
    bool avro = way->encoding == ENCODING_AVRO;

    if (!avro)
        buf_printf(out, "%s,\"w\":7}", way->debezium ? c->debezium : c->json);
    else if (c->avro == NULL) /* the branch of null: with a default it is the second */
        buf_printf(out, "%s0e", way->has_default ? "02" : "00");
    else
        buf_printf(out, "%s%s0e", way->not_null ? "" : "02", c->avro);
    buf_byte(out, 0);
}

static bool is_array(const struct unfit_case *c)
{
    return strchr(c->type, '[') != NULL;
}

static bool is_refused(const struct unfit_case *c, const struct way *way)
{
    if (way->encoding == ENCODING_JSON)
        return false;
    return !way->debezium || (way->not_null && !is_array(c));
}

static void assert_refused(const struct unfit_case *c, const struct way *way,
                           const struct error *err)
{
    char head[128];

    (void)snprintf(head, sizeof head,
                   "table public.t, column v: with encoding %s the schema of type %.*s (oid ",
                   way->encoding == ENCODING_AVRO ? "avro" : "json-schema",
                   is_array(c) ? 6 : (int)strcspn(c->type, "("), is_array(c) ? "_array" : c->type);
    assert_int_equal(err->kind, ERROR_DATA);
    assert_non_null(strstr(err->text, head));
    assert_non_null(strstr(err->text, " has no form for the value at LSN 0/64: "));
    assert_null(strstr(err->text, "NaN")); /* values are not told */
    assert_null(strstr(err->text, "2942"));
    for (int i = 0; i < 4; i++) {
        static const char *const ways_out[] = {"types.decimal: string", "types.time: isostring",
                                               "columns.exclude", "encoding json"};
        assert_non_null(strstr(err->text, ways_out[i]));
    }
}

static void play(const struct unfit_case *c, const struct way *way)
{
    struct fake_registry registry;
    struct recorder_options options = options_of(c, way, &registry);
    struct recorder *r = recorder_create(&options);
    struct table_spec table;
    struct cell cells[] = {{.kind = CELL_TEXT, .text = slice_text("1")},
                           {.kind = CELL_TEXT, .text = slice_text(c->text)},
                           {.kind = CELL_TEXT, .text = slice_text("7")}};
    struct event event = {.kind = EVENT_INSERT, .lsn = 100, .relation = &table.relation};
    struct records records;
    struct error err = {0};
    struct buf got, wanted;
    char spec[128];

    (void)snprintf(spec, sizeof spec, "*id int4; v %s%s%s%s; w int4 !", c->type,
                   way->not_null ? " !" : "", way->has_default ? " = " : "",
                   way->has_default ? c->stands : "");
    table_spec_read(&table, "public", "t", spec);
    event.row = (struct row){cells, 3};
    buf_init(&got, SIZE_MAX);
    buf_init(&wanted, SIZE_MAX);
    for (int again = 0; again < 2; again++) { /* nothing stays from the event before */
        if (is_refused(c, way)) {
            assert_false(recorder_make(r, &event, &records, &err));
            assert_refused(c, way, &err);
            err = (struct error){0};
            continue;
        }
        if (!recorder_make(r, &event, &records, &err))
            fail_msg("%s", err.text);
        assert_int_equal(records.count, 1);
        got.len = wanted.len = 0;
        put_rest(&got, &records.at[0], way);
        expect_row(c, way, &wanted);
        assert_int_equal(
            strncmp((const char *)got.at, (const char *)wanted.at, strlen((char *)wanted.at)), 0);
    }
    buf_done(&got);
    buf_done(&wanted);
    recorder_destroy(r);
}

static void every_way(void **state)
{
    const struct unfit_case *c = *state;

    for (unsigned i = 0; i < 3 * 16; i++) {
        struct way way = {.encoding = (enum encoding_kind)(i / 16),
                          .envelope = (i & 1U) != 0 ? ENVELOPE_FLAT : ENVELOPE_DEBEZIUM,
                          .debezium = (i & 2U) != 0,
                          .not_null = (i & 4U) != 0,
                          .has_default = (i & 8U) != 0};

        if (!way.has_default || c->stands != NULL)
            play(c, &way);
    }
}

/* A default that the schema has no form for is none to it. */
static void no_such_default(void **state)
{
    const struct unfit_case c = {.type = "numeric(6,2)"};
    const struct way way = {.encoding = ENCODING_JSON_SCHEMA};
    struct fake_registry registry;
    struct recorder_options options = options_of(&c, &way, &registry);
    struct recorder *r = recorder_create(&options);
    struct table_spec table;
    struct cell cells[] = {{.kind = CELL_TEXT, .text = slice_text("1")},
                           {.kind = CELL_TEXT, .text = slice_text("1.50")}};
    struct event event = {.kind = EVENT_INSERT, .relation = &table.relation};
    struct records records;
    struct error err = {0};
    struct buf value;

    (void)state;
    table_spec_read(&table, "public", "t", "*id int4; v numeric(6,2) = 'NaN'::numeric");
    event.row = (struct row){cells, 2};
    if (!recorder_make(r, &event, &records, &err))
        fail_msg("%s", err.text);
    buf_init(&value, SIZE_MAX);
    buf_slice(&value, records.at[0].value);
    buf_byte(&value, 0);
    assert_null(strstr((const char *)value.at, "NaN"));
    assert_non_null(strstr((const char *)value.at, "\"v\":\"AJY=\"}"));
    buf_done(&value);
    cells[1].text = slice_text("x"); /* it is another matter */
    assert_false(recorder_make(r, &event, &records, &err));
    assert_non_null(strstr(err.text, "cannot read its value"));
    recorder_destroy(r);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(unfit_cases) + 1];
    size_t n = 0;

    for (; n < ARRAY_LEN(unfit_cases); n++)
        tests[n] = (struct CMUnitTest){unfit_cases[n].type, every_way, NULL, NULL, &unfit_cases[n]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_such_default);
    return cmocka_run_group_tests_name("unfit", tests, NULL, NULL);
}
