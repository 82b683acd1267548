/* Values as the type table of the envelope has them; most rows are what Debezium 3.7 wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/json_value.h"
#include "sinks/pg_oid.h"
#include "tests/support/block.h"

#define NUMERIC_MOD(precision, scale) (((precision) << 16 | ((scale)&0x7FF)) + 4)
#define DELIMITER_BOX ';'

#define ZERO_BOX                                                                                   \
    "{\"wkb\":\""                                                                                  \
    "AQMAAAABAAAABQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"             \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                                                 \
    "\",\"srid\":null,\"extensions\":{\"type\":\"box\"}}"

enum shape {
    PLAIN,
    ARRAY,        /* of the type */
    DOMAIN,       /* over the type, with the typmod */
    DOMAIN_TWICE, /* a domain over that */
    DOMAIN_ARRAY, /* a domain over an array of the type */
    ARRAY_DOMAIN, /* an array of a domain over the type */
    ARRAY_NESTED, /* an array of a domain over an array: its elements stay text */
    ENUM,
};

struct value_case {
    uint32_t oid;
    int32_t typmod;
    enum shape shape;
    const char *text;
    const char *expect; /* NULL: cannot be read */
};

#define OID_UNKNOWN_EXTENSION 99999

static struct value_case value_cases[] = {
    {OID_BOOL, -1, PLAIN, "t", "true"},
    {OID_BOOL, -1, PLAIN, "f", "false"},
    {OID_BOOL, -1, PLAIN, "true", NULL},
    {OID_INT2, -1, PLAIN, "-32768", "-32768"},
    {OID_INT8, -1, PLAIN, "-9223372036854775808", "-9223372036854775808"},
    {OID_OID, -1, PLAIN, "4294967295", "4294967295"},
    {OID_INT4, -1, PLAIN, "", NULL},
    {OID_INT4, -1, PLAIN, "-", NULL},
    {OID_INT4, -1, PLAIN, "1x", NULL},
    {OID_FLOAT4, -1, PLAIN, "1e-45", "1.4E-45"},
    {OID_FLOAT8, -1, PLAIN, "NaN", "\"NaN\""},
    {OID_FLOAT8, -1, PLAIN, "one", NULL},
    {OID_NUMERIC, NUMERIC_MOD(10, 2), PLAIN, "1.10", "\"bg==\""},
    {OID_NUMERIC, NUMERIC_MOD(5, 0), PLAIN, "-99999", "\"/nlh\""},
    {OID_NUMERIC, NUMERIC_MOD(5, -2), PLAIN, "1234500", "\"MDk=\""},
    {OID_NUMERIC, NUMERIC_MOD(3, 5), PLAIN, "0.00999", "\"A+c=\""},
    {OID_NUMERIC, NUMERIC_MOD(8, 2), PLAIN, "NaN", "\"NaN\""},
    {OID_NUMERIC, NUMERIC_MOD(8, 2), PLAIN, "1.234", NULL},
    {OID_NUMERIC, NUMERIC_MOD(1000, 0), PLAIN, "x", NULL},
    {OID_NUMERIC, -1, PLAIN, "10.00", "{\"scale\":0,\"value\":\"Cg==\"}"},
    {OID_NUMERIC, -1, PLAIN, "123456789012345678901234567890.123456789",
     "{\"scale\":9,\"value\":\"XODppWAV/sWq36MorjmBFQ==\"}"},
    {OID_NUMERIC, -1, PLAIN, "-0.000000000000000000001", "{\"scale\":21,\"value\":\"/w==\"}"},
    {OID_NUMERIC, -1, PLAIN, "-Infinity", "\"-Infinity\""},
    {OID_NUMERIC, -1, PLAIN, "1e5", NULL},
    {OID_MONEY, -1, PLAIN, "-$1.01", "\"mw==\""},
    {OID_MONEY, -1, PLAIN, "$1,234.56", "\"AeJA\""},
    {OID_MONEY, -1, ARRAY, "{$1.50,\"$1,234.56\"}", "[\"AJY=\",\"AeJA\"]"},
    {OID_MONEY, -1, PLAIN, "1 EUR", NULL},
    {OID_TEXT, -1, PLAIN, "say \"hi\"", "\"say \\\"hi\\\"\""},
    {OID_BPCHAR, 10, PLAIN, "pl    ", "\"pl    \""},
    {OID_NAME, -1, PLAIN, "name_type", "\"name_type\""},
    {OID_UUID, -1, PLAIN, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
     "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
    {OID_JSONB, -1, PLAIN, "{\"a\": 1}", "\"{\\\"a\\\": 1}\""},
    {OID_POINT, -1, PLAIN, "(1,2)",
     "{\"x\":1.0,\"y\":2.0,\"wkb\":\"AQEAAAAAAAAAAADwPwAAAAAAAABA\",\"srid\":null}"},
    {OID_INT2VECTOR, -1, PLAIN, "1 2 3", "\"1 2 3\""},
    {OID_UNKNOWN_EXTENSION, -1, PLAIN, "Top.Science", "\"Top.Science\""},
    {OID_UNKNOWN_EXTENSION, -1, ENUM, "so, so", "\"so, so\""},
    {OID_BYTEA, -1, PLAIN, "\\x", "\"\""},
    {OID_BYTEA, -1, PLAIN, "\\x00ff10807f", "\"AP8QgH8=\""},
    {OID_BYTEA, -1, PLAIN, "\\x0", NULL},
    {OID_BYTEA, -1, PLAIN, "\\x0g", NULL},
    {OID_BYTEA, -1, PLAIN, "abc", NULL},
    {OID_BYTEA, -1, PLAIN, "", NULL},
    {OID_DATE, -1, PLAIN, "2024-02-29", "19782"},
    {OID_DATE, -1, PLAIN, "-infinity", "-2147483648"},
    {OID_DATE, -1, PLAIN, "today", NULL},
    {OID_TIME, -1, PLAIN, "24:00:00", "86400000000"},
    {OID_TIME, 3, PLAIN, "13:51:30.1", "49890100"},
    {OID_TIME, 4, PLAIN, "13:51:30.1", "49890100000"},
    {OID_TIMETZ, -1, PLAIN, "10:11:12.13+02", "\"08:11:12.13Z\""},
    {OID_TIMESTAMP, -1, PLAIN, "2016-11-04 13:51:30.123456", "1478267490123456"},
    {OID_TIMESTAMP, 3, PLAIN, "2016-11-04 13:51:30.123", "1478267490123"},
    {OID_TIMESTAMP, 3, PLAIN, "0044-03-15 12:00:00.5 BC", "-63517780799500"},
    {OID_TIMESTAMP, -1, PLAIN, "infinity", "9223372036854775807"},
    {OID_TIMESTAMP, -1, PLAIN, "-infinity", "-9223372036854775808"},
    {OID_TIMESTAMP, 0, PLAIN, "infinity", "9223372036825200000"},
    {OID_TIMESTAMP, 0, PLAIN, "-infinity", "-9223372036832400000"},
    {OID_TIMESTAMP, -1, PLAIN, "294276-12-31 23:59:59", "\"294276-12-31 23:59:59\""},
    {OID_TIMESTAMPTZ, -1, PLAIN, "2020-01-01 08:11:12+00", "\"2020-01-01T08:11:12.000000Z\""},
    {OID_TIMESTAMPTZ, 3, PLAIN, "2020-01-01 00:00:00.01+00", "\"2020-01-01T00:00:00.010Z\""},
    {OID_TIMESTAMPTZ, 0, PLAIN, "2020-01-01 00:00:00+00", "\"2020-01-01T00:00:00Z\""},
    {OID_TIMESTAMPTZ, -1, PLAIN, "infinity", "\"infinity\""},
    {OID_INTERVAL, -1, PLAIN, "1 mon -1 days +00:00:00.000001", "2543400000001"},
    {OID_BIT, 1, PLAIN, "1", "true"},
    {OID_VARBIT, 1, PLAIN, "0", "false"},
    {OID_VARBIT, 1, PLAIN, "", "\"\""},
    {OID_BIT, 9, PLAIN, "100000001", "\"AQE=\""},
    {OID_BIT, 3, PLAIN, "000", "\"\""},
    {OID_VARBIT, -1, PLAIN, "0000000100000001", "\"AQE=\""},
    {OID_VARBIT, -1, PLAIN, "", "\"\""},
    {OID_VARBIT, -1, PLAIN, "012", NULL},
    {OID_INT4, -1, ARRAY, "{1,NULL,2147483647}", "[1,null,2147483647]"},
    {OID_INT4, -1, ARRAY, "{}", "[]"},
    {OID_INT4, -1, ARRAY, "{{1,2},{3,4}}", "[[1,2],[3,4]]"},
    {OID_INT4, -1, ARRAY, "[0:2]={1,2,3}", "[1,2,3]"},
    {OID_INT4, -1, ARRAY, "{1,x}", NULL},
    {OID_INT4, -1, ARRAY, "{1,2", NULL},
    {OID_TEXT, -1, ARRAY, "{a,\"b c\",NULL,\"NULL\",\"q\\\"uote\",\"\"}",
     "[\"a\",\"b c\",null,\"NULL\",\"q\\\"uote\",\"\"]"},
    {OID_NUMERIC, NUMERIC_MOD(6, 2), ARRAY, "{1.20,NULL,9999.99}", "[\"eA==\",null,\"D0I/\"]"},
    {OID_NUMERIC, -1, ARRAY, "{1.20,100}",
     "[{\"scale\":1,\"value\":\"DA==\"},{\"scale\":0,\"value\":\"ZA==\"}]"},
    {OID_BYTEA, -1, ARRAY, "{\"\\\\x0102\",NULL}", "[\"AQI=\",null]"},
    {OID_TIMESTAMPTZ, -1, ARRAY, "{\"2020-01-01 08:11:12+00\"}",
     "[\"2020-01-01T08:11:12.000000Z\"]"},
    {OID_BIT, 3, ARRAY, "{101}", "[\"BQ==\"]"},
    {OID_LSEG, -1, ARRAY, "{\"[(0,0),(1,1)]\",NULL}",
     "[{\"wkb\":\"AQIAAAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPA/AAAAAAAA8D8=\",\"srid\":null,"
     "\"extensions\":{\"type\":\"lseg\"}},null]"},
    {OID_BOX, -1, ARRAY, "{(0,0),(0,0);(0,0),(0,0)}", "[" ZERO_BOX "," ZERO_BOX "]"},
    {OID_NUMERIC, NUMERIC_MOD(9, 3), DOMAIN, "1.500", "\"Bdw=\""},
    {OID_NUMERIC, NUMERIC_MOD(9, 3), DOMAIN_TWICE, "2.500", "\"CcQ=\""},
    {OID_TIMESTAMP, 3, DOMAIN, "2020-01-02 03:04:05.678", "1577934245678"},
    {OID_INT4, -1, DOMAIN_ARRAY, "{1,2}", "[1,2]"},
    {OID_NUMERIC, NUMERIC_MOD(9, 3), ARRAY_DOMAIN, "{1.500,NULL}", "[\"Bdw=\",null]"},
    {OID_INT4, -1, ARRAY_NESTED, "{\"{1,2}\",NULL}", "[\"{1,2}\",null]"},
};

/* The types that a shape needs, the outermost last. */
struct types {
    struct type base, first, second, third;
    struct column column;
};

static struct type domain_over(const struct type *base, int32_t typmod)
{
    return (struct type){
        .oid = 80001, .kind = TYPE_DOMAIN, .delimiter = ',', .base = base, .base_typmod = typmod};
}

static struct type array_of(const struct type *element)
{
    return (struct type){.oid = 80002, .delimiter = ',', .element = element, .base_typmod = -1};
}

static const struct type *shape_types(struct types *t, const struct value_case *c)
{
    t->base = (struct type){.oid = c->oid,
                            .kind = c->shape == ENUM ? TYPE_ENUM : TYPE_BASE,
                            .delimiter = c->oid == OID_BOX ? DELIMITER_BOX : ',',
                            .base_typmod = -1};
    switch (c->shape) {
    case PLAIN:
    case ENUM:
        return &t->base;
    case ARRAY:
        t->first = array_of(&t->base);
        return &t->first;
    case DOMAIN:
        t->first = domain_over(&t->base, c->typmod);
        return &t->first;
    case DOMAIN_TWICE:
        t->first = domain_over(&t->base, c->typmod);
        t->second = domain_over(&t->first, -1);
        return &t->second;
    case DOMAIN_ARRAY:
        t->first = array_of(&t->base);
        t->second = domain_over(&t->first, c->typmod);
        return &t->second;
    case ARRAY_DOMAIN:
        t->first = domain_over(&t->base, c->typmod);
        t->second = array_of(&t->first);
        return &t->second;
    case ARRAY_NESTED:
        break;
    }
    t->first = array_of(&t->base);
    t->second = domain_over(&t->first, -1);
    t->third = array_of(&t->second);
    return &t->third;
}

static bool has_own_typmod(enum shape shape)
{
    return shape == PLAIN || shape == ARRAY || shape == ENUM;
}

static void writes(void **state)
{
    const struct value_case *c = *state;
    struct slice text = block_copy(c->text, strlen(c->text));
    const struct type_modes defaults = {0};
    struct types types = {0};
    struct arena arena;
    struct semantic semantic;
    struct json_value w;
    struct buf out;

    types.column.type = shape_types(&types, c);
    types.column.type_oid = types.column.type->oid;
    types.column.typmod = has_own_typmod(c->shape) ? c->typmod : -1;
    arena_init(&arena, 4096);
    json_value_init(&w, 4096);
    buf_init(&out, 4096);
    assert_true(semantic_of(&types.column, &defaults, &arena, &semantic));
    assert_int_equal(json_value_write(&w, &semantic, text, &out), c->expect != NULL);
    if (c->expect != NULL) {
        buf_byte(&out, 0);
        assert_string_equal((const char *)out.at, c->expect);
    }
    buf_done(&out);
    json_value_done(&w);
    arena_done(&arena);
    block_free(text);
}

/* Without the catalogue's description the built-in types are still known by OID. */
static void knows_types_by_oid(void **state)
{
    const struct type_modes defaults = {0};
    struct column column = {.type_oid = OID_DATE, .typmod = -1};
    struct arena arena;
    struct semantic s;

    (void)state;
    arena_init(&arena, 4096);
    assert_true(semantic_of(&column, &defaults, &arena, &s));
    assert_int_equal(s.value, VALUE_DATE);
    assert_string_equal(s.name, "io.debezium.time.Date");
    arena_done(&arena);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(value_cases) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(value_cases); i++)
        tests[n++] = (struct CMUnitTest){value_cases[i].text, writes, NULL, NULL, &value_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(knows_types_by_oid);
    return cmocka_run_group_tests_name("json_value", tests, NULL, NULL);
}
