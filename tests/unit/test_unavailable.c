/* Unchanged TOASTed values that nobody knows: told by name, or a placeholder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

struct unknown_case {
    const char *name;
    enum encoding_kind encoding;
    enum unavailable_values as;
    enum name_adjustment names;
    const char *spec;
    enum old_row old_kind;
    const char *old[COLUMNS_MAX];
    const char *row[COLUMNS_MAX];
    /* For each record: key, rows and headers; Avro in hexadecimal digits, without schema ids.  - is
     * null. */
    const char *expect;
};

#define HEADER " millrace.unavailable="

static struct unknown_case unknown_cases[] = {
    {.name = "all is known",
     .spec = "*id int4; v text",
     .row = {"1", "x"},
     .expect = "{\"id\":1} null,\"after\":{\"id\":1,\"v\":\"x\"}\n"},
    {.name = "NULL is known",
     .spec = "*id int4; v text",
     .row = {"1", NULL},
     .expect = "{\"id\":1} null,\"after\":{\"id\":1,\"v\":null}\n"},
    {.name = "the last column",
     .spec = "*id int4; v text",
     .row = {"1", UNCHANGED},
     .expect = "{\"id\":1} null,\"after\":{\"id\":1}" HEADER "[\"v\"]\n"},
    {.name = "the first column",
     .spec = "v text; *id int4; n int4",
     .row = {UNCHANGED, "1", "2"},
     .expect = "{\"id\":1} null,\"after\":{\"id\":1,\"n\":2}" HEADER "[\"v\"]\n"},
    {.name = "one in the middle",
     .spec = "*id int4; v text; n int4",
     .row = {"1", UNCHANGED, "2"},
     .expect = "{\"id\":1} null,\"after\":{\"id\":1,\"n\":2}" HEADER "[\"v\"]\n"},
    {.name = "several columns",
     .spec = "a text; b text; *id int4; c text",
     .row = {UNCHANGED, UNCHANGED, "1", UNCHANGED},
     .expect = "{\"id\":1} null,\"after\":{\"id\":1}" HEADER "[\"a\",\"b\",\"c\"]\n"},
    {.name = "the only column",
     .spec = "v text",
     .row = {UNCHANGED},
     .expect = "- null,\"after\":{}" HEADER "[\"v\"]\n"},
    {.name = "NOT NULL",
     .spec = "*id int4; v text ! = 'd'::text",
     .row = {"1", UNCHANGED},
     .expect = "{\"id\":1} null,\"after\":{\"id\":1}" HEADER "[\"v\"]\n"},
    {.name = "a name that JSON escapes",
     .spec = "*id int4; v\"\\ text",
     .row = {"1", UNCHANGED},
     .expect = "{\"id\":1} null,\"after\":{\"id\":1}" HEADER "[\"v\\\"\\\\\"]\n"},
    {.name = "a name as the record has it",
     .names = NAMES_AVRO,
     .spec = "*id int4; v-w text",
     .row = {"1", UNCHANGED},
     .expect = "{\"id\":1} null,\"after\":{\"id\":1}" HEADER "[\"v_w\"]\n"},
    {.name = "the old row tells it",
     .spec = "v text; *id int4",
     .old_kind = OLD_FULL,
     .old = {"long", "1"},
     .row = {UNCHANGED, "1"},
     .expect = "{\"id\":1} {\"v\":\"long\",\"id\":1},\"after\":{\"v\":\"long\",\"id\":1}\n"},
    {.name = "the old key tells its own columns only",
     .spec = "*k text; v text",
     .old_kind = OLD_KEY,
     .old = {"long", NULL},
     .row = {UNCHANGED, UNCHANGED},
     .expect = "{\"k\":\"long\"} null,\"after\":{\"k\":\"long\"}" HEADER "[\"v\"]\n"},
    {.name = "a changed key: the create lacks it, the delete does not",
     .spec = "v text; *id int4; n int4 !",
     .old_kind = OLD_KEY,
     .old = {NULL, "1", NULL},
     .row = {UNCHANGED, "2", "3"},
     .expect = "{\"id\":1} {\"v\":null,\"id\":1,\"n\":0},\"after\":null "
               "__debezium.newkey={\"id\":2}\n"
               "{\"id\":1} - __debezium.newkey={\"id\":2}\n"
               "{\"id\":2} null,\"after\":{\"id\":2,\"n\":3} __debezium.oldkey={\"id\":1}" HEADER
               "[\"v\"]\n"},
    {.name = "a placeholder",
     .as = UNAVAILABLE_PLACEHOLDER,
     .spec = "v text; *id int4; n numeric",
     .row = {UNCHANGED, "1", UNCHANGED},
     .expect = "{\"id\":1} null,\"after\":{\"v\":\"gone\",\"id\":1,\"n\":null}\n"},
    {.name = "json-schema: null",
     .encoding = ENCODING_JSON_SCHEMA,
     .spec = "v text; *id int4; w text = 'd'::text",
     .row = {UNCHANGED, "1", UNCHANGED},
     .expect =
         "{\"id\":1} null,\"after\":{\"v\":null,\"id\":1,\"w\":null}" HEADER "[\"v\",\"w\"]\n"},
    {.name = "json-schema: NOT NULL",
     .encoding = ENCODING_JSON_SCHEMA,
     .spec = "v text !; *id int4; w text ! = 'd'::text; n numeric !",
     .row = {UNCHANGED, "1", UNCHANGED, UNCHANGED},
     .expect = "{\"id\":1} null,\"after\":{\"v\":\"\",\"id\":1,\"w\":\"d\",\"n\":{\"scale\":0,"
               "\"value\":\"AA==\"}}" HEADER "[\"v\",\"w\",\"n\"]\n"},
    {.name = "json-schema: a placeholder",
     .encoding = ENCODING_JSON_SCHEMA,
     .as = UNAVAILABLE_PLACEHOLDER,
     .spec = "v text !; *id int4",
     .row = {UNCHANGED, "1"},
     .expect = "{\"id\":1} null,\"after\":{\"v\":\"gone\",\"id\":1}\n"},
    {.name = "json-schema: no placeholder for such a type, and NOT NULL",
     .encoding = ENCODING_JSON_SCHEMA,
     .as = UNAVAILABLE_PLACEHOLDER,
     .spec = "n numeric !; *id int4; m numeric",
     .row = {UNCHANGED, "1", UNCHANGED},
     .expect = "{\"id\":1} "
               "null,\"after\":{\"n\":{\"scale\":0,\"value\":\"AA==\"},\"id\":1,\"m\":null}\n"},
    {.name = "avro: null, also where a default comes first",
     .encoding = ENCODING_AVRO,
     .spec = "v text; *id int4; w text = 'd'::text",
     .row = {UNCHANGED, "1", UNCHANGED},
     .expect = "02 0002000202" HEADER "[\"v\",\"w\"]\n"},
    {.name = "avro: NOT NULL, bytes that would be a comma",
     .encoding = ENCODING_AVRO,
     .spec = "n int4 ! = '22'::integer; v text !; *id int4; w text ! = 'd'::text",
     .row = {UNCHANGED, UNCHANGED, "1", UNCHANGED},
     .expect = "02 00022c00020264" HEADER "[\"n\",\"v\",\"w\"]\n"},
    {.name = "avro: a comma in front is a value",
     .encoding = ENCODING_AVRO,
     .spec = "*id int4; v text",
     .row = {"22", UNCHANGED},
     .expect = "2c 00022c00" HEADER "[\"v\"]\n"},
    {.name = "avro: a placeholder",
     .encoding = ENCODING_AVRO,
     .as = UNAVAILABLE_PLACEHOLDER,
     .spec = "v text; *id int4",
     .row = {UNCHANGED, "1"},
     .expect = "02 00020208676f6e6502\n"},
};

/* What stands in front of `mark`, which is there. */
static struct slice before_mark(struct slice s, const char *mark)
{
    size_t len = strlen(mark);

    for (size_t i = 0; i + len <= s.len; i++)
        if (memcmp(s.at + i, mark, len) == 0)
            return slice_of(s.at, i);
    fail_msg("no %s in it", mark);
    return s;
}

static struct slice behind_mark(struct slice s, const char *mark)
{
    size_t end = before_mark(s, mark).len + strlen(mark);

    return slice_of(s.at + end, s.len - end);
}

static void put_key(const struct record *r, struct buf *out)
{
    if (r->partition_key.len > 0 && r->key.at[0] == 0)
        record_text_hex(r->partition_key, out);
    else
        buf_slice(out, r->has_key ? r->partition_key : slice_text("-"));
}

static void put_rows(const struct record *r, struct buf *out)
{
    if (!r->has_value) {
        buf_byte(out, '-');
    } else if (r->value.at[0] ==
               0) { /* up to the length of the version, which is first in source */
        struct slice rows = before_mark(r->value, MILLRACE_VERSION);

        record_text_hex(slice_of(rows.at + 5, rows.len - 6), out);
    } else {
        buf_slice(out, before_mark(behind_mark(r->value, "{\"before\":"), ",\"source\":{"));
    }
}

static void put_key_and_rows(const struct record *r, struct buf *out)
{
    put_key(r, out);
    buf_byte(out, ' ');
    put_rows(r, out);
}

static void tells_unknown(void **state)
{
    const struct unknown_case *c = *state;
    struct fake_registry registry;
    struct recorder_options options = {.topic_prefix = "p",
                                       .topic_delimiter = ".",
                                       .database = "d",
                                       .tombstones = true,
                                       .unavailable_values = c->as,
                                       .unavailable_value_placeholder = "gone",
                                       .encoding = c->encoding,
                                       .names = c->names,
                                       .registry = fake_registry_init(&registry),
                                       .record_limit_bytes = 1 << 20};
    struct recorder *r = recorder_create(&options);
    struct table_spec table;
    struct cell row[COLUMNS_MAX], old[COLUMNS_MAX];
    struct event event = {
        .kind = EVENT_UPDATE, .old_kind = c->old_kind, .relation = &table.relation};

    table_spec_read(&table, "public", "t", c->spec);
    for (uint16_t i = 0; c->old_kind == OLD_FULL && i < table.relation.column_count; i++)
        table.columns[i].identity = true;
    event.row = record_text_row(c->row, row, table.relation.column_count);
    event.old = record_text_row(c->old, old, table.relation.column_count);
    for (int again = 0; again < 2; again++) /* no name stays from the event before */
        record_text_assert(r, &event, put_key_and_rows, c->expect);
    recorder_destroy(r);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(unknown_cases)];

    for (size_t i = 0; i < ARRAY_LEN(unknown_cases); i++)
        tests[i] = (struct CMUnitTest){unknown_cases[i].name, tells_unknown, NULL, NULL,
                                       &unknown_cases[i]};
    return cmocka_run_group_tests_name("unavailable", tests, NULL, NULL);
}
