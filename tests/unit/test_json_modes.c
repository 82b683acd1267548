/* Values of extensions and of each mode; most rows are what Debezium 3.7 wrote. */
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
#define OID_EXTENSION 20001

struct mode_case {
    struct type_modes modes;
    uint32_t oid;
    int32_t typmod;
    const char *type_name; /* of an extension */
    bool array;
    const char *text;
    const char *expect; /* NULL: cannot be read */
};

#define DEFAULTS                                                                                   \
    {                                                                                              \
        .decimal = DECIMAL_PRECISE                                                                 \
    }
#define MODE(member, value)                                                                        \
    {                                                                                              \
        .member = (value)                                                                          \
    }
#define AND_DEBEZIUM(member, value)                                                                \
    {                                                                                              \
        .member = (value), .debezium = true                                                        \
    }
#define EXTENSION(name) OID_EXTENSION, -1, name, false
#define ARRAY_OF(name) OID_EXTENSION, -1, name, true
#define TYPE(oid, typmod) oid, typmod, NULL, false

static struct mode_case mode_cases[] = {
    /* hstore */
    {DEFAULTS, EXTENSION("hstore"), "\"e\"=>\"\", \"k\"=>\"v\", \"n\"=>NULL, \"a b\"=>\"c\\\"d\"",
     "\"{\\\"e\\\":\\\"\\\",\\\"k\\\":\\\"v\\\",\\\"n\\\":null,\\\"a b\\\":\\\"c\\\\\\\"d\\\"}\""},
    {DEFAULTS, EXTENSION("hstore"), "", "\"{}\""},
    {DEFAULTS, EXTENSION("hstore"), "\"a\"=>\"\xF0\x9F\x98\x80\x01\"",
     "\"{\\\"a\\\":\\\"\\uD83D\\uDE00\\\\u0001\\\"}\""},
    {DEFAULTS, EXTENSION("hstore"), "\"b\\\\\"=>\"\\\\x\"",
     "\"{\\\"b\\\\\\\\\\\":\\\"\\\\\\\\x\\\"}\""},
    {DEFAULTS, ARRAY_OF("hstore"), "{\"\\\"a\\\"=>\\\"1\\\"\",NULL}",
     "[\"{\\\"a\\\":\\\"1\\\"}\",null]"},
    {MODE(hstore, HSTORE_MAP), EXTENSION("hstore"), "\"n\"=>NULL, \"a b\"=>\"c\\\"d\"",
     "{\"n\":null,\"a b\":\"c\\\"d\"}"},
    {MODE(hstore, HSTORE_MAP), EXTENSION("hstore"), "", "{}"},
    {MODE(hstore, HSTORE_MAP), ARRAY_OF("hstore"), "{\"\\\"a\\\"=>\\\"1\\\"\"}", "[{\"a\":\"1\"}]"},
    {DEFAULTS, EXTENSION("hstore"), "a=>1", NULL},
    {DEFAULTS, EXTENSION("ltree"), "Top.Science", "\"Top.Science\""},
    {DEFAULTS, EXTENSION("citext"), "MiXed", "\"MiXed\""},
    {DEFAULTS, ARRAY_OF("citext"), "{Ab,NULL}", "[\"Ab\",null]"},
    /* PostGIS */
    {DEFAULTS, EXTENSION("geometry"), "0101000020E6100000000000000000F03F0000000000000040",
     "{\"wkb\":\"AQEAACDmEAAAAAAAAAAA8D8AAAAAAAAAQA==\",\"srid\":4326,\"extensions\":null}"},
    {DEFAULTS, EXTENSION("geometry"), "0101000000000000000000F03F0000000000000040",
     "{\"wkb\":\"AQEAAAAAAAAAAADwPwAAAAAAAABA\",\"srid\":null,\"extensions\":null}"},
    {DEFAULTS, EXTENSION("geography"), "01010000200000E1", NULL},
    {DEFAULTS, EXTENSION("geography"), "0020000001000010E6",
     "{\"wkb\":\"ACAAAAEAABDm\",\"srid\":4326}"},
    {DEFAULTS, ARRAY_OF("geometry"), "{0101000000,NULL}",
     "[{\"wkb\":\"AQEAAAA=\",\"srid\":null,\"extensions\":null},null]"},
    {DEFAULTS, EXTENSION("geometry"), "0201000000", NULL},
    {DEFAULTS, EXTENSION("geometry"), "POINT(1 2)", NULL},
    /* pgvector */
    {DEFAULTS, EXTENSION("vector"), "[1,-2.5,3e-05]", "[1.0,-2.5,3.0E-5]"},
    {DEFAULTS, EXTENSION("halfvec"), "[0.1]", "[0.1]"},
    {DEFAULTS, EXTENSION("vector"), "[]", "[]"},
    {DEFAULTS, EXTENSION("vector"), "[1,x]", NULL},
    {DEFAULTS, ARRAY_OF("vector"), "{\"[1,2]\",NULL}", "[[1.0,2.0],null]"},
    {DEFAULTS, EXTENSION("sparsevec"), "{1:1.5,3:-2}/5",
     "{\"dimensions\":5,\"vector\":[[1,1.5],[3,-2.0]]}"},
    {DEFAULTS, EXTENSION("sparsevec"), "{}/5", "{\"dimensions\":5,\"vector\":[]}"},
    {DEFAULTS, EXTENSION("sparsevec"), "{}/32768", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{32768:1}/9", NULL},
    /* geometric types */
    {DEFAULTS, TYPE(OID_POINT, -1), "(Infinity,NaN)",
     "{\"x\":\"Infinity\",\"y\":\"NaN\",\"wkb\":\"AQEAAAAAAAAAAADwfwAAAAAAAPh/\",\"srid\":null}"},
    {DEFAULTS, TYPE(OID_POINT, -1), "(1e+300,1e-300)",
     "{\"x\":1.0E300,\"y\":1.0E-300,\"wkb\":\"AQEAAACcdQCIPOQ3flnz+MIfbqUB\",\"srid\":null}"},
    {DEFAULTS, TYPE(OID_LINE, -1), "{0.5,0,3}", "{\"a\":0.5,\"b\":0.0,\"c\":3.0}"},
    {DEFAULTS, TYPE(OID_LSEG, -1), "[(-1,-1),(10000000000,1e-10)]",
     "{\"wkb\":\"AQIAAAACAAAAAAAAAAAA8L8AAAAAAADwvwAAACBfoAJCu73X2d982z0=\",\"srid\":null,"
     "\"extensions\":{\"type\":\"lseg\"}}"},
    {DEFAULTS, TYPE(OID_BOX, -1), "(3,4),(-1,-2)",
     "{\"wkb\":"
     "\"AQMAAAABAAAABQAAAAAAAAAAAAhAAAAAAAAAEEAAAAAAAAAIQAAAAAAAAADAAAAAAAAA8L8AAAAAAAAAwAAA"
     "AAAAAPC/AAAAAAAAEEAAAAAAAAAIQAAAAAAAABBA\",\"srid\":null,\"extensions\":{\"type\":\"box\"}}"},
    {DEFAULTS, TYPE(OID_PATH, -1), "[(0,0),(1,1),(2,0)]",
     "{\"wkb\":\"AQIAAAADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPA/AAAAAAAA8D8AAAAAAAAAQAAAAAAAAAAA\","
     "\"srid\":null,\"extensions\":{\"type\":\"path\",\"closed\":\"false\"}}"},
    {DEFAULTS, TYPE(OID_PATH, -1), "((0,0),(1,1),(2,0))",
     "{\"wkb\":\"AQIAAAADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPA/AAAAAAAA8D8AAAAAAAAAQAAAAAAAAAAA\","
     "\"srid\":null,\"extensions\":{\"type\":\"path\",\"closed\":\"true\"}}"},
    {DEFAULTS, TYPE(OID_POLYGON, -1), "((0,0),(1,1),(2,0))",
     "{\"wkb\":\""
     "AQMAAAABAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADwPwAAAAAAAPA/AAAAAAAAAEAAAAAAAAAA"
     "AAAAAAAAAAAAAAAAAAAAAAA="
     "\",\"srid\":null,\"extensions\":{\"type\":\"polygon\"}}"},
    {DEFAULTS, TYPE(OID_POLYGON, -1), "((1,2))",
     "{\"wkb\":\"AQMAAAABAAAAAQAAAAAAAAAAAPA/AAAAAAAAAEA=\",\"srid\":null,"
     "\"extensions\":{\"type\":\"polygon\"}}"},
    {DEFAULTS, TYPE(OID_CIRCLE, -1), "<(1.5,2.5),0.25>",
     "{\"center\":{\"x\":1.5,\"y\":2.5,\"wkb\":\"AQEAAAAAAAAAAAD4PwAAAAAAAARA\",\"srid\":null},"
     "\"radius\":0.25}"},
    /* malformed */
    {DEFAULTS, EXTENSION("hstore"), "\"a\"=>\"1\",", NULL},
    {DEFAULTS, EXTENSION("hstore"), "\"a\"=>\"1\",\"b\"=>\"2\"", NULL},
    {DEFAULTS, EXTENSION("hstore"), "\"a\"=>1", NULL},
    {DEFAULTS, EXTENSION("hstore"), "\"a\"=>null", NULL},
    {DEFAULTS, EXTENSION("hstore"), "\"a\" => \"1\"", NULL},
    {DEFAULTS, EXTENSION("hstore"), "\"a\"", NULL},
    {DEFAULTS, EXTENSION("hstore"), "\"a\\", NULL},
    {DEFAULTS, EXTENSION("hstore"), "\"a\"=>\"1\" ", NULL},
    {DEFAULTS, EXTENSION("hstore"), "\"a\"=>NULLS", NULL},
    {DEFAULTS, EXTENSION("vector"), "", NULL},
    {DEFAULTS, EXTENSION("vector"), "[1,]", NULL},
    {DEFAULTS, EXTENSION("vector"), "[,1]", NULL},
    {DEFAULTS, EXTENSION("vector"), "[1 2]", NULL},
    {DEFAULTS, EXTENSION("vector"), "1,2", NULL},
    {DEFAULTS, EXTENSION("vector"), "[1]x", NULL},
    {DEFAULTS, EXTENSION("vector"), "[[1]]", NULL},
    {DEFAULTS, EXTENSION("vector"), "[NULL]", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{}", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{1:1}", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{1:1}/", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{1}/3", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{:1}/3", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{1:}/3", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{1:1,}/3", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{1:1}/3x", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{1:x}/3", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{9999999999:1}/3", NULL},
    {DEFAULTS, EXTENSION("sparsevec"), "{1:1}/9999999999", NULL},
    {DEFAULTS, EXTENSION("geometry"), "", NULL},
    {DEFAULTS, EXTENSION("geometry"), "01", NULL},
    {DEFAULTS, EXTENSION("geometry"), "0101000000F", NULL},
    {DEFAULTS, EXTENSION("geometry"), "0101000020", NULL},
    {DEFAULTS, EXTENSION("geometry"), "0101000020E610", NULL},
    {DEFAULTS, EXTENSION("geometry"), "010100002 ", NULL},
    {DEFAULTS, TYPE(OID_POINT, -1), "", NULL},
    {DEFAULTS, TYPE(OID_POINT, -1), "(1,2", NULL},
    {DEFAULTS, TYPE(OID_POINT, -1), "1,2", NULL},
    {DEFAULTS, TYPE(OID_POINT, -1), "(1,2)x", NULL},
    {DEFAULTS, TYPE(OID_POINT, -1), "(1;2)", NULL},
    {DEFAULTS, TYPE(OID_POINT, -1), "(,2)", NULL},
    {DEFAULTS, TYPE(OID_POINT, -1), "(1,)", NULL},
    {DEFAULTS, TYPE(OID_POINT, -1), "(1,2,3)", NULL},
    {DEFAULTS, TYPE(OID_POINT, -1), "(0x1,2)", NULL},
    {DEFAULTS, TYPE(OID_POINT, -1), "(1,inf)", NULL},
    {DEFAULTS, TYPE(OID_LINE, -1), "{1,2}", NULL},
    {DEFAULTS, TYPE(OID_LINE, -1), "{1,2,3,4}", NULL},
    {DEFAULTS, TYPE(OID_LINE, -1), "{1,2,3", NULL},
    {DEFAULTS, TYPE(OID_LINE, -1), "(1,2,3)", NULL},
    {DEFAULTS, TYPE(OID_LSEG, -1), "[(0,0)]", NULL},
    {DEFAULTS, TYPE(OID_LSEG, -1), "[(0,0),(1,1),(2,2)]", NULL},
    {DEFAULTS, TYPE(OID_LSEG, -1), "((0,0),(1,1))", NULL},
    {DEFAULTS, TYPE(OID_LSEG, -1), "[(0,0),(1,1)", NULL},
    {DEFAULTS, TYPE(OID_LSEG, -1), "[]", NULL},
    {DEFAULTS, TYPE(OID_BOX, -1), "(3,4)", NULL},
    {DEFAULTS, TYPE(OID_BOX, -1), "(3,4),(1,2),(3,4)", NULL},
    {DEFAULTS, TYPE(OID_BOX, -1), "((3,4),(1,2))", NULL},
    {DEFAULTS, TYPE(OID_PATH, -1), "[]", NULL},
    {DEFAULTS, TYPE(OID_PATH, -1), "()", NULL},
    {DEFAULTS, TYPE(OID_PATH, -1), "[(0,0))", NULL},
    {DEFAULTS, TYPE(OID_PATH, -1), "((0,0)]", NULL},
    {DEFAULTS, TYPE(OID_PATH, -1), "(0,0)", NULL},
    {DEFAULTS, TYPE(OID_PATH, -1), "[(0,0),]", NULL},
    {DEFAULTS, TYPE(OID_POLYGON, -1), "()", NULL},
    {DEFAULTS, TYPE(OID_POLYGON, -1), "[(0,0)]", NULL},
    {DEFAULTS, TYPE(OID_POLYGON, -1), "((0,0)", NULL},
    {DEFAULTS, TYPE(OID_POLYGON, -1), "((0,0))x", NULL},
    {DEFAULTS, TYPE(OID_CIRCLE, -1), "<(0,0)>", NULL},
    {DEFAULTS, TYPE(OID_CIRCLE, -1), "<(0,0),1", NULL},
    {DEFAULTS, TYPE(OID_CIRCLE, -1), "(0,0),1", NULL},
    {DEFAULTS, TYPE(OID_CIRCLE, -1), "<(0,0),1>x", NULL},
    {DEFAULTS, TYPE(OID_CIRCLE, -1), "<0,0,1>", NULL},
    {DEFAULTS, TYPE(OID_INTERVAL, -1), "", NULL},
    {DEFAULTS, TYPE(OID_INTERVAL, -1), "1", NULL},
    {DEFAULTS, TYPE(OID_INTERVAL, -1), "1 day ", NULL},
    {DEFAULTS, TYPE(OID_INTERVAL, -1), "day", NULL},
    {DEFAULTS, TYPE(OID_INTERVAL, -1), "1 days 1", NULL},
    {DEFAULTS, TYPE(OID_INTERVAL, -1), "2147483649 days", NULL},
    {DEFAULTS, TYPE(OID_INTERVAL, -1), "1:2:3:4", NULL},
    {DEFAULTS, TYPE(OID_INTERVAL, -1), "--1 days", NULL},
    /* decimals */
    {MODE(decimal, DECIMAL_STRING), TYPE(OID_NUMERIC, -1), "10.00", "\"10.00\""},
    {MODE(decimal, DECIMAL_STRING), TYPE(OID_NUMERIC, NUMERIC_MOD(3, 5)), "0.00100", "\"0.00100\""},
    {MODE(decimal, DECIMAL_STRING), TYPE(OID_NUMERIC, -1), "NaN", "\"NaN\""},
    {MODE(decimal, DECIMAL_STRING), TYPE(OID_NUMERIC, -1), "1x", NULL},
    {AND_DEBEZIUM(decimal, DECIMAL_STRING), TYPE(OID_NUMERIC, -1), "NaN", "\"NAN\""},
    {AND_DEBEZIUM(decimal, DECIMAL_STRING), TYPE(OID_NUMERIC, -1), "Infinity",
     "\"POSITIVE_INFINITY\""},
    {AND_DEBEZIUM(decimal, DECIMAL_STRING), TYPE(OID_NUMERIC, -1), "-Infinity",
     "\"NEGATIVE_INFINITY\""},
    {MODE(decimal, DECIMAL_DOUBLE), TYPE(OID_NUMERIC, -1),
     "123456789012345678901234567890.123456789", "1.2345678901234568E29"},
    {MODE(decimal, DECIMAL_DOUBLE), TYPE(OID_NUMERIC, -1),
     "9999999999999999999999999999.9999999999", "1.0E28"},
    {MODE(decimal, DECIMAL_DOUBLE), TYPE(OID_NUMERIC, -1), "-0.000000000000000000001", "-1.0E-21"},
    {MODE(decimal, DECIMAL_DOUBLE), TYPE(OID_NUMERIC, -1), "99999999.99", "9.999999999E7"},
    {MODE(decimal, DECIMAL_DOUBLE), TYPE(OID_NUMERIC, -1), "-Infinity", "\"-Infinity\""},
    {MODE(decimal, DECIMAL_DOUBLE), TYPE(OID_NUMERIC, -1), "", NULL},
    {AND_DEBEZIUM(decimal, DECIMAL_PRECISE), TYPE(OID_NUMERIC, -1), "NaN", "null"},
    {AND_DEBEZIUM(decimal, DECIMAL_PRECISE), TYPE(OID_NUMERIC, NUMERIC_MOD(8, 2)), "NaN", "null"},
    {MODE(money_fraction_digits, 4), TYPE(OID_MONEY, -1), "-$92,233,720,368,547,758.08",
     "\"zgAAAAAAAAAA\""},
    {MODE(decimal, DECIMAL_STRING), TYPE(OID_MONEY, -1), "-$92,233,720,368,547,758.08",
     "\"-92233720368547758.08\""},
    {MODE(decimal, DECIMAL_DOUBLE), TYPE(OID_MONEY, -1), "$92,233,720,368,547,758.07",
     "9.223372036854776E16"},
    {MODE(decimal, DECIMAL_DOUBLE), TYPE(OID_MONEY, -1), "5 EUR", NULL},
    /* bytes */
    {MODE(binary, BINARY_HEX), TYPE(OID_BYTEA, -1), "\\x00ff10807f", "\"00ff10807f\""},
    {MODE(binary, BINARY_HEX), TYPE(OID_BYTEA, -1), "\\x", "\"\""},
    {MODE(binary, BINARY_HEX), TYPE(OID_BYTEA, -1), "\\x0g", NULL},
    {MODE(binary, BINARY_BASE64), TYPE(OID_BYTEA, -1), "\\xdeadbeefcafebabe", "\"3q2+78r+ur4=\""},
    {MODE(binary, BINARY_BASE64_URL_SAFE), TYPE(OID_BYTEA, -1), "\\xdeadbeefcafebabe",
     "\"3q2-78r-ur4=\""},
    {MODE(binary, BINARY_BASE64_URL_SAFE), TYPE(OID_BYTEA, -1), "\\xffff", "\"__8=\""},
    /* time */
    {MODE(time, TIME_CONNECT), TYPE(OID_TIME, -1), "23:59:59.999999", "86399999"},
    {MODE(time, TIME_CONNECT), TYPE(OID_TIMESTAMP, -1), "4713-12-31 23:59:59.999999 BC",
     "-210831897600001"},
    {MODE(time, TIME_CONNECT), TYPE(OID_TIMESTAMP, -1), "infinity", "9223372036825200000"},
    {MODE(time, TIME_ADAPTIVE_MICROSECONDS), TYPE(OID_TIME, 0), "24:00:00", "86400000000"},
    {MODE(time, TIME_ADAPTIVE_MICROSECONDS), TYPE(OID_TIMESTAMP, 3), "2000-02-29 00:00:00.001",
     "951782400001"},
    {MODE(time, TIME_MICROSECONDS), TYPE(OID_TIMESTAMP, 3), "infinity", "9223372036854775807"},
    {MODE(time, TIME_MICROSECONDS), TYPE(OID_TIMESTAMP, 0), "0044-03-15 00:00:00 BC",
     "-63517824000000000"},
    {MODE(time, TIME_NANOSECONDS), TYPE(OID_TIME, -1), "24:00:00", "86400000000000"},
    {MODE(time, TIME_NANOSECONDS), TYPE(OID_TIMESTAMP, -1), "1969-12-31 23:59:59.999999", "-1000"},
    {MODE(time, TIME_NANOSECONDS), TYPE(OID_TIMESTAMP, -1), "-infinity", "-9223372036854775808"},
    {MODE(time, TIME_NANOSECONDS), TYPE(OID_TIMESTAMP, -1), "1752-09-14 00:00:00",
     "-6857222400000000000"},
    {MODE(time, TIME_NANOSECONDS), TYPE(OID_TIMESTAMP, -1), "0001-01-01 00:00:00",
     "\"0001-01-01 00:00:00\""},
    {AND_DEBEZIUM(time, TIME_NANOSECONDS), TYPE(OID_TIMESTAMP, -1), "9999-12-31 00:00:00", "null"},
    {AND_DEBEZIUM(time, TIME_ADAPTIVE), TYPE(OID_TIMESTAMP, -1), "294276-12-31 23:59:59", "null"},
    {MODE(time, TIME_ISOSTRING), TYPE(OID_DATE, -1), "0044-03-15 BC", "\"-0043-03-15Z\""},
    {MODE(time, TIME_ISOSTRING), TYPE(OID_DATE, -1), "5874897-12-31", "\"+5874897-12-31Z\""},
    {MODE(time, TIME_ISOSTRING), TYPE(OID_DATE, -1), "-infinity", "\"-infinity\""},
    {MODE(time, TIME_ISOSTRING), TYPE(OID_DATE, -1), "soon", NULL},
    {AND_DEBEZIUM(time, TIME_ISOSTRING), TYPE(OID_DATE, -1), "infinity", "\"+5877611-06-21Z\""},
    {AND_DEBEZIUM(time, TIME_ISOSTRING), TYPE(OID_DATE, -1), "-infinity", "\"-5877611-06-22Z\""},
    {MODE(time, TIME_ISOSTRING), TYPE(OID_TIME, 3), "13:51:30.1", "\"13:51:30.1Z\""},
    {MODE(time, TIME_ISOSTRING), TYPE(OID_TIME, -1), "24:00:00", "\"24:00:00Z\""},
    {AND_DEBEZIUM(time, TIME_ISOSTRING), TYPE(OID_TIME, -1), "24:00:00", "\"00:00:00Z\""},
    {MODE(time, TIME_ISOSTRING), TYPE(OID_TIMESTAMP, 4), "2016-11-04 13:51:30.1234",
     "\"2016-11-04T13:51:30.1234Z\""},
    {MODE(time, TIME_ISOSTRING), TYPE(OID_TIMESTAMP, -1), "0001-12-31 23:59:59 BC",
     "\"0000-12-31T23:59:59Z\""},
    {MODE(time, TIME_ISOSTRING), TYPE(OID_TIMESTAMP, -1), "infinity", "\"infinity\""},
    {AND_DEBEZIUM(time, TIME_ISOSTRING), TYPE(OID_TIMESTAMP, -1), "infinity",
     "\"+292278994-08-16T23:00:00Z\""},
    {AND_DEBEZIUM(time, TIME_ISOSTRING), TYPE(OID_TIMESTAMP, -1), "-infinity",
     "\"-292275055-05-16T23:00:00Z\""},
    {MODE(interval, INTERVAL_STRING), TYPE(OID_INTERVAL, -1),
     "-1 years -2 mons -3 days -04:05:06.78", "\"P-1Y-2M-3DT-4H-5M-6.78S\""},
    {MODE(interval, INTERVAL_STRING), TYPE(OID_INTERVAL, -1), "1 mon -1 days +00:00:00.000001",
     "\"P0Y1M-1DT0H0M0.000001S\""},
    {MODE(interval, INTERVAL_STRING), TYPE(OID_INTERVAL, -1), "100:00:00", "\"P0Y0M0DT100H0M0S\""},
    {MODE(interval, INTERVAL_STRING), TYPE(OID_INTERVAL, -1), "00:00:00", "\"P0Y0M0DT0H0M0S\""},
    {MODE(interval, INTERVAL_STRING), TYPE(OID_INTERVAL, -1), "-00:00:00.5",
     "\"P0Y0M0DT0H0M-0.5S\""},
    {MODE(interval, INTERVAL_STRING), TYPE(OID_INTERVAL, -1), "-1 days +23:59:00",
     "\"P0Y0M-1DT23H59M0S\""},
    {MODE(interval, INTERVAL_STRING), TYPE(OID_INTERVAL, -1), "-178000000 years",
     "\"P-178000000Y0M0DT0H0M0S\""},
    {MODE(interval, INTERVAL_STRING), TYPE(OID_INTERVAL, -1), "infinity", "\"infinity\""},
    {MODE(interval, INTERVAL_STRING), TYPE(OID_INTERVAL, -1), "1 week", NULL},
    /* what Debezium has no form for */
    {MODE(debezium, true), TYPE(OID_VARBIT, 1), "", "null"},
    {MODE(debezium, true), OID_INT4, -1, NULL, true, "{{1,2},{3,4}}", "[null,null]"},
    {MODE(debezium, true), OID_INT4, -1, NULL, true, "{{1,x}}", NULL},
    {MODE(debezium, true), OID_INT4, -1, NULL, true, "{1,NULL}", "[1,null]"},
    /* what a schema has no form for */
    {MODE(strict, true), TYPE(OID_VARBIT, 1), "", NULL},
    {MODE(strict, true), TYPE(OID_NUMERIC, -1), "NaN", NULL},
    {MODE(strict, true), TYPE(OID_NUMERIC, -1), "1", "{\"scale\":0,\"value\":\"AQ==\"}"},
    {MODE(strict, true), TYPE(OID_NUMERIC, NUMERIC_MOD(6, 2)), "Infinity", NULL},
    {MODE(strict, true), TYPE(OID_TIMESTAMP, -1), "294276-12-31 23:59:59", NULL},
    {MODE(strict, true), TYPE(OID_TIMESTAMP, -1), "infinity", "9223372036854775807"},
    {MODE(strict, true), OID_INT4, -1, NULL, true, "{{1,2},{3,4}}", NULL},
    {MODE(strict, true), OID_INT4, -1, NULL, true, "{1,NULL}", "[1,null]"},
    {MODE(strict, true), OID_NUMERIC, -1, NULL, true, "{NaN}", NULL},
    {AND_DEBEZIUM(strict, true), OID_NUMERIC, -1, NULL, true, "{NaN}", "[null]"},
    {AND_DEBEZIUM(strict, true), OID_INT4, -1, NULL, true, "{{1,2},{3,4}}", "[null,null]"},
    {AND_DEBEZIUM(strict, true), TYPE(OID_NUMERIC, -1), "NaN", NULL},
};

static bool describe(const struct mode_case *c, struct arena *arena, struct semantic *out)
{
    struct type type = {.oid = c->oid, .kind = TYPE_BASE, .delimiter = ',', .base_typmod = -1};
    struct type array = {
        .oid = 30001, .kind = TYPE_BASE, .delimiter = ',', .element = &type, .base_typmod = -1};
    struct column column = {.typmod = c->typmod, .type = c->array ? &array : &type};

    if (c->type_name != NULL)
        type.name = slice_text(c->type_name);
    column.type_oid = column.type->oid;
    return semantic_of(&column, &c->modes, arena, out);
}

static bool write(const struct mode_case *c, struct slice text, struct buf *out)
{
    struct arena arena;
    struct semantic semantic;
    struct json_value w;
    bool written;

    arena_init(&arena, 4096);
    json_value_init(&w, 4096);
    assert_true(describe(c, &arena, &semantic));
    out->len = 0;
    written = json_value_write(&w, &semantic, text, out);
    assert_false(w.work.failed || w.element.failed || out->failed);
    json_value_done(&w);
    arena_done(&arena);
    return written;
}

static void writes(void **state)
{
    const struct mode_case *c = *state;
    struct slice text = block_copy(c->text, strlen(c->text));
    struct buf out;

    buf_init(&out, 4096);
    assert_int_equal(write(c, text, &out), c->expect != NULL);
    if (c->expect != NULL) {
        buf_byte(&out, 0);
        assert_string_equal((const char *)out.at, c->expect);
    }
    buf_done(&out);
    block_free(text);
}

/* Every beginning of every text is read to its end or refused, and nothing behind it is touched. */
static void bears_every_truncation(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(mode_cases); i++) {
        for (size_t len = 0; len < strlen(mode_cases[i].text); len++) {
            struct slice text = block_copy(mode_cases[i].text, len);
            bool written = write(&mode_cases[i], text, &out);

            assert_true(!written || out.len > 0);
            block_free(text);
        }
    }
    buf_done(&out);
}

struct known_case {
    uint32_t oid;
    enum type_kind kind;
    const char *name;
    bool array, known;
};

static struct known_case known_cases[] = {
    {OID_INT4, TYPE_BASE, "int4", false, true},
    {OID_INT4, TYPE_BASE, "int4", true, true},
    {OID_MONEY, TYPE_BASE, "money", false, true},
    {OID_MONEY, TYPE_BASE, "money", true, false},
    {OID_POINT, TYPE_BASE, "point", true, false},
    {OID_NAME, TYPE_BASE, "name", false, true},
    {OID_TSTZRANGE, TYPE_RANGE, "tstzrange", true, true},
    {4451, TYPE_MULTIRANGE, "int4multirange", false, false},
    {3220, TYPE_BASE, "pg_lsn", false, false},
    {3615, TYPE_BASE, "tsquery", false, false},
    {OID_EXTENSION, TYPE_BASE, "hstore", true, true},
    {OID_EXTENSION, TYPE_BASE, "citext", false, true},
    {OID_EXTENSION, TYPE_BASE, "lquery", false, false},
    {OID_EXTENSION, TYPE_BASE, "isbn", false, true},
    {OID_EXTENSION, TYPE_COMPOSITE, "hstore", false, false},
    {OID_EXTENSION, TYPE_ENUM, "mood", true, true},
};

static void tells_what_debezium_knows(void **state)
{
    const struct known_case *c = *state;
    struct type type = {.oid = c->oid, .kind = c->kind, .base_typmod = -1};
    struct type array = {.oid = 30001, .kind = TYPE_BASE, .element = &type, .base_typmod = -1};
    struct column column = {.typmod = -1, .type = c->array ? &array : &type};

    type.name = slice_text(c->name);
    assert_int_equal(semantic_is_unknown_to_debezium(&column), !c->known);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(mode_cases) + ARRAY_LEN(known_cases) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(mode_cases); i++)
        tests[n++] = (struct CMUnitTest){mode_cases[i].text, writes, NULL, NULL, &mode_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(known_cases); i++)
        tests[n++] = (struct CMUnitTest){known_cases[i].name, tells_what_debezium_knows, NULL, NULL,
                                         &known_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(bears_every_truncation);
    return cmocka_run_group_tests_name("json_modes", tests, NULL, NULL);
}
