/* Values that Avro has a straight way for: the same bytes as by way of JSON, and what it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "sinks/avro_cell.h"
#include "sinks/connect_schema.h"
#include "support/block.h"
#include "support/table_spec.h"

struct cell_row {
    const char *type, *text;
    enum encode_outcome outcome;
    const char *hex; /* of the bytes; NULL: whatever JSON's way gives */
};

static const struct cell_row rows[] = {
    {"bool", "t", ENCODE_DONE, "01"},
    {"bool", "f", ENCODE_DONE, "00"},
    {"bool", "x", ENCODE_MALFORMED, NULL},
    {"bool", "", ENCODE_MALFORMED, NULL},
    {"int2", "-32768", ENCODE_DONE, "ffff03"},
    {"int2", "32768", ENCODE_MALFORMED, NULL},
    {"int4", "0", ENCODE_DONE, "00"},
    {"int4", "-1", ENCODE_DONE, "01"},
    {"int4", "2147483647", ENCODE_DONE, "feffffff0f"},
    {"int4", "2147483648", ENCODE_MALFORMED, NULL},
    {"int8", "-9223372036854775808", ENCODE_DONE, "ffffffffffffffffff01"},
    {"int8", "9223372036854775807", ENCODE_DONE, "feffffffffffffffff01"},
    {"int8", "9223372036854775808", ENCODE_MALFORMED, NULL},
    {"int8", "99999999999999999999", ENCODE_MALFORMED, NULL},
    {"int8", "-", ENCODE_MALFORMED, NULL},
    {"int8", "1 ", ENCODE_MALFORMED, NULL},
    {"oid", "4294967295", ENCODE_DONE, "feffffff1f"},
    {"float4", "1.5", ENCODE_DONE, "0000c03f"},
    {"float4", "NaN", ENCODE_DONE, "0000c07f"},
    {"float4", "1e-45", ENCODE_DONE, "01000000"},
    {"float4", "1,5", ENCODE_MALFORMED, NULL},
    {"float8", "-Infinity", ENCODE_DONE, "000000000000f0ff"},
    {"float8", "5e-324", ENCODE_DONE, "0100000000000000"},
    {"float8", "-0", ENCODE_DONE, "0000000000000080"},
    {"float8", "", ENCODE_MALFORMED, NULL},
    {"numeric(10,2)", "2.5", ENCODE_DONE, "0400fa"},
    {"numeric(10,2)", "NaN", ENCODE_UNFIT, NULL},
    {"numeric(10,2)", "Infinity", ENCODE_UNFIT, NULL},
    {"numeric(10,2)", "x", ENCODE_MALFORMED, NULL},
    {"numeric", "-12.50", ENCODE_DONE, "020283"},
    {"numeric", "NaN", ENCODE_UNFIT, NULL},
    {"numeric", "123456789012345678901234567890.5", ENCODE_DONE, NULL},
    {"money", "-$1,234.56", ENCODE_DONE, NULL},
    {"text", "", ENCODE_DONE, "00"},
    {"text", "a\"\\\n\360\237\230\200", ENCODE_DONE, "1061225c0af09f9880"},
    {"bytea", "\\x00ff", ENCODE_DONE, "0400ff"},
    {"bytea", "\\x", ENCODE_DONE, "00"},
    {"bytea", "\\x0", ENCODE_MALFORMED, NULL},
    {"date", "1970-01-02", ENCODE_DONE, "02"},
    {"date", "infinity", ENCODE_DONE, "feffffff0f"},
    {"date", "yesterday", ENCODE_MALFORMED, NULL},
    {"time", "24:00:00", ENCODE_DONE, NULL},
    {"time(3)", "00:00:01.5", ENCODE_DONE, "b817"},
    {"timetz", "10:11:12+02", ENCODE_DONE, NULL},
    {"timestamp", "1970-01-01 00:00:00.000001", ENCODE_DONE, "02"},
    {"timestamp", "infinity", ENCODE_DONE, "feffffffffffffffff01"},
    {"timestamp", "294276-12-31 23:59:59", ENCODE_UNFIT, NULL},
    {"timestamp(0)", "-infinity", ENCODE_DONE, NULL},
    {"timestamptz", "2020-01-01 10:11:12.5+00", ENCODE_DONE, NULL},
    {"timestamptz", "-infinity", ENCODE_DONE, "122d696e66696e697479"},
    {"timestamptz(0)", "0044-03-15 12:00:00+00 BC", ENCODE_DONE, NULL},
    {"interval", "1 mon 2 days 03:04:05", ENCODE_DONE, NULL},
    {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", ENCODE_DONE, NULL},
    {"bit(1)", "1", ENCODE_DONE, "01"},
    {"varbit(1)", "", ENCODE_UNFIT, NULL},
    {"bit(9)", "100000001", ENCODE_DONE, "040101"},
    {"varbit", "", ENCODE_DONE, "00"},
    {"jsonb", "{\"a\": 1}", ENCODE_DONE, NULL},
    {"int4[]", "{}", ENCODE_DONE, "00"},
    {"int4[]", "{1,NULL,3}", ENCODE_DONE, "06020200020600"},
    {"int4[]", "[0:1]={7,8}", ENCODE_DONE, NULL},
    {"int4[]", "{{1},{2}}", ENCODE_UNFIT, NULL},
    {"int4[]", "{1", ENCODE_MALFORMED, NULL},
    {"int4[]", "{x}", ENCODE_MALFORMED, NULL},
    {"text[]", "{a,\"b c\",\"q\\\"uote\",\"\"}", ENCODE_DONE, NULL},
    {"numeric(6,2)[]", "{1.2,NULL}", ENCODE_DONE, NULL},
    {"numeric(6,2)[]", "{NaN}", ENCODE_UNFIT, NULL},
    {"timestamptz[]", "{\"2020-01-01 10:11:12+00\"}", ENCODE_DONE, NULL},
    {"point", "(1,2)", ENCODE_DONE, NULL},
    {"point[]", "{\"(1,2)\",NULL}", ENCODE_DONE, NULL},
    {"line", "{1,2,3}", ENCODE_DONE, NULL},
    {"box", "(1,1),(0,0)", ENCODE_DONE, NULL},
};

struct cell_fixture {
    struct table_spec table;
    struct arena arena;
    struct json_value json;
    struct avro_cell cell;
    struct semantic semantic;
    const struct connect_schema *schema;
    struct buf straight, by_json;
};

static void set_up(struct cell_fixture *f, const char *type)
{
    const struct type_modes modes = {.strict = true};
    char spec[64];

    (void)snprintf(spec, sizeof spec, "c %s", type);
    table_spec_read(&f->table, "public", "t", spec);
    arena_init(&f->arena, 1 << 16);
    json_value_init(&f->json, 1 << 16);
    avro_cell_init(&f->cell, &f->json, 1 << 16);
    buf_init(&f->straight, 1 << 16);
    buf_init(&f->by_json, 1 << 16);
    assert_true(semantic_of(&f->table.columns[0], &modes, &f->arena, &f->semantic));
    f->schema = connect_schema_of(&f->semantic, true, (struct slice){NULL, 0}, &f->arena);
    assert_non_null(f->schema);
}

static void tear_down(struct cell_fixture *f)
{
    buf_done(&f->straight);
    buf_done(&f->by_json);
    avro_cell_done(&f->cell);
    json_value_done(&f->json);
    arena_done(&f->arena);
}

static void assert_hex(const struct buf *bytes, const char *hex)
{
    char got[200] = "";

    for (size_t i = 0; i < bytes->len && 2 * i + 3 < sizeof got; i++)
        (void)snprintf(got + 2 * i, 3, "%02x", bytes->at[i]);
    assert_string_equal(got, hex);
}

static void test_cell(void **state)
{
    const struct cell_row *row = *state;
    struct slice text = block_copy(row->text, strlen(row->text));
    struct cell_fixture f;

    set_up(&f, row->type);
    assert_int_equal(avro_cell_write(&f.cell, &f.semantic, f.schema, text, &f.straight),
                     row->outcome);
    if (row->hex != NULL)
        assert_hex(&f.straight, row->hex);
    if (row->outcome != ENCODE_MALFORMED)
        assert_int_equal(avro_cell_write_json(&f.cell, &f.semantic, f.schema, text, &f.by_json),
                         row->outcome);
    if (row->outcome == ENCODE_UNFIT)
        assert_int_equal(f.straight.len + f.by_json.len, 0);
    if (row->outcome == ENCODE_DONE) {
        assert_int_equal(f.straight.len, f.by_json.len);
        assert_memory_equal(f.straight.at, f.by_json.at, f.by_json.len);
    }
    tear_down(&f);
    block_free(text);
}

/* Any text is written, refused or malformed, and never read beyond its end. */
static void test_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cell_fixture f;

        set_up(&f, rows[i].type);
        for (size_t len = 0; len < strlen(rows[i].text); len++) {
            struct slice text = block_copy(rows[i].text, len);

            f.straight.len = 0;
            (void)(avro_cell_write(&f.cell, &f.semantic, f.schema, text, &f.straight) ==
                   ENCODE_DONE);
            block_free(text);
        }
        tear_down(&f);
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rows)];
    const struct CMUnitTest others[] = {cmocka_unit_test(test_truncated)};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[i] = (struct CMUnitTest){.name = rows[i].type,
                                       .test_func = test_cell,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(others, NULL, NULL);
}
