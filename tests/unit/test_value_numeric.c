#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/value_numeric.h"
#include "tests/support/block.h"

#define WORK_BYTES ((size_t)1 << 22)

struct scaled_case {
    const char *text;
    int64_t scale;
    const char *expect; /* bytes in hex; NULL: malformed or a digit would be lost */
};

static struct scaled_case scaled_cases[] = {
    {"0", 0, "00"},
    {"0", 10, "00"},
    {"-0.001", 3, "ff"},
    {"1.10", 2, "6e"},
    {"1.1", 2, "6e"},
    {"127", 0, "7f"},
    {"128", 0, "0080"},
    {"-128", 0, "80"},
    {"-129", 0, "ff7f"},
    {"99999999.99", 2, "02540be3ff"},
    {"-99999999.99", 2, "fdabf41c01"},
    {"999999999999999999", 0, "0de0b6b3a763ffff"},
    {"1000000000000000000", 0, "0de0b6b3a7640000"},
    {"9223372036854775808", 0, "008000000000000000"},
    {"-9223372036854775808", 0, "8000000000000000"},
    {"-9223372036854775809", 0, "ff7fffffffffffffff"},
    {"18446744073709551616", 0, "010000000000000000"},
    {"9999999999999999999999999999.9999999999", 10, "4b3b4ca85a86c47a098a223fffffffff"},
    {"00000000000000000000000000000000001", 0, "01"},
    {"-0000000000000000000000000000000000", 0, "00"},
    {"1234500", -2, "3039"},
    {"0", -2, "00"},
    {"1", -2, NULL},
    {"1.001", 2, NULL},
    {"1.100", 2, "6e"},
    {".5", 1, "05"},
    {"5.", 0, "05"},
    {"", 0, NULL},
    {"-", 0, NULL},
    {".", 0, NULL},
    {"1e5", 0, NULL},
    {"+1", 0, NULL},
    {"1.2.3", 2, NULL},
    {" 1", 0, NULL},
    {"NaN", 0, NULL},
};

static bool scaled(struct slice text, int64_t scale, struct buf *work, struct slice *out)
{
    struct numeric n;

    return numeric_read(text, &n) && numeric_unscaled(&n, scale, work, out);
}

static void scales(void **state)
{
    const struct scaled_case *c = *state;
    struct slice text = block_copy(c->text, strlen(c->text)), got;
    struct buf work;

    buf_init(&work, WORK_BYTES);
    assert_int_equal(scaled(text, c->scale, &work, &got), c->expect != NULL);
    if (c->expect != NULL) {
        struct slice expect = block_hex(c->expect);

        assert_true(slice_equal(got, expect));
        block_free(expect);
    }
    buf_done(&work);
    block_free(text);
}

/* A number of `digits` digits: the same remainder by a prime, from the digits and from the bytes.
 */
static void check_remainder(size_t digits, bool negative)
{
    const uint64_t prime = 1000000007;
    uint64_t expect = 0, got = 0, carry = 1;
    struct buf text, work;
    struct slice bytes;

    buf_init(&text, WORK_BYTES);
    buf_init(&work, WORK_BYTES);
    if (negative)
        buf_byte(&text, '-');
    for (size_t i = 0; i < digits; i++) {
        unsigned digit = (unsigned)(i * 7 + i / 11 + 1) % 10;

        buf_byte(&text, (uint8_t)('0' + digit));
        expect = (expect * 10 + digit) % prime;
    }
    assert_true(scaled(buf_view(&text), 0, &work, &bytes));
    assert_int_equal(bytes.at[0] >= 0x80, negative);
    for (size_t i = 0; i < bytes.len; i++)
        got = (got * 256 + (negative ? (uint8_t)~bytes.at[i] : bytes.at[i])) % prime;
    if (negative) /* -x is ~x + 1 */
        got = (got + carry) % prime;
    assert_int_equal(got, expect);
    buf_done(&text);
    buf_done(&work);
}

static void many_digits_are_exact(void **state)
{
    (void)state;
    for (size_t digits = 1; digits < 400; digits++) {
        check_remainder(digits, false);
        check_remainder(digits, true);
    }
    check_remainder(5000, true);
    check_remainder(16383, false);
}

static void too_little_memory_is_an_error(void **state)
{
    struct slice bytes;
    struct buf work;

    (void)state;
    buf_init(&work, 16);
    assert_false(scaled(slice_text("123456789012345678901234567890"), 0, &work, &bytes));
    assert_true(work.failed);
    buf_done(&work);
}

static void decimals_without_trailing_zeros(void **state)
{
    struct numeric n;

    (void)state;
    assert_true(numeric_read(slice_text("10.00"), &n));
    assert_int_equal(numeric_decimals(&n), 0);
    assert_true(numeric_read(slice_text("1.250"), &n));
    assert_int_equal(numeric_decimals(&n), 2);
    assert_true(numeric_read(slice_text("100"), &n));
    assert_int_equal(numeric_decimals(&n), 0);
}

struct float_case {
    enum float_width width;
    const char *text;
    const char *expect;
};

static struct float_case float_cases[] = {
    {FLOAT_DOUBLE, "-2.", "-2.0"},
    {FLOAT_DOUBLE, "+2", NULL},
    {FLOAT_DOUBLE, "0", "0.0"},
    {FLOAT_DOUBLE, "-0", "-0.0"},
    {FLOAT_DOUBLE, "1", "1.0"},
    {FLOAT_DOUBLE, "100", "100.0"},
    {FLOAT_DOUBLE, "-1.5", "-1.5"},
    {FLOAT_DOUBLE, "0.1", "0.1"},
    {FLOAT_DOUBLE, "0.001", "0.001"},
    {FLOAT_DOUBLE, "0.00099", "9.9E-4"},
    {FLOAT_DOUBLE, "9999999", "9999999.0"},
    {FLOAT_DOUBLE, "10000000", "1.0E7"},
    {FLOAT_DOUBLE, "123456.789", "123456.789"},
    {FLOAT_DOUBLE, "1e+21", "1.0E21"},
    {FLOAT_DOUBLE, "9.007199254740992e+15", "9.007199254740992E15"},
    {FLOAT_DOUBLE, "1.7976931348623157e+308", "1.7976931348623157E308"},
    {FLOAT_DOUBLE, "2.2250738585072014e-308", "2.2250738585072014E-308"},
    {FLOAT_DOUBLE, "5e-324", "4.9E-324"},
    {FLOAT_DOUBLE, "-5e-324", "-4.9E-324"},
    {FLOAT_DOUBLE, "1e-323", "9.9E-324"},
    {FLOAT_DOUBLE, "2e-323", "2.0E-323"},
    {FLOAT_DOUBLE, "1e-300", "1.0E-300"},
    {FLOAT_SINGLE, "1e-45", "1.4E-45"},
    {FLOAT_SINGLE, "3e-45", "2.8E-45"},
    {FLOAT_SINGLE, "1e+07", "1.0E7"},
    {FLOAT_SINGLE, "1.6777216e+07", "1.6777216E7"},
    {FLOAT_SINGLE, "3.4028235e+38", "3.4028235E38"},
    {FLOAT_SINGLE, "123456.79", "123456.79"},
    {FLOAT_SINGLE, "1.1754944e-38", "1.1754944E-38"},
    {FLOAT_DOUBLE, "NaN", "\"NaN\""},
    {FLOAT_SINGLE, "Infinity", "\"Infinity\""},
    {FLOAT_SINGLE, "-Infinity", "\"-Infinity\""},
    {FLOAT_DOUBLE, "", NULL},
    {FLOAT_DOUBLE, "e5", NULL},
    {FLOAT_DOUBLE, "1e", NULL},
    {FLOAT_DOUBLE, "1e+", NULL},
    {FLOAT_DOUBLE, "1e+1x", NULL},
    {FLOAT_DOUBLE, "1e+00001", NULL},
    {FLOAT_DOUBLE, "nan", NULL},
    {FLOAT_DOUBLE, "1.2.3", NULL},
    {FLOAT_DOUBLE, "12345678901234567890123456789012345678901", NULL},
};

static void writes_float(void **state)
{
    const struct float_case *c = *state;
    struct slice text = block_copy(c->text, strlen(c->text));
    struct buf out;

    buf_init(&out, 256);
    assert_int_equal(float_write(&out, text, c->width), c->expect != NULL);
    if (c->expect != NULL) {
        buf_byte(&out, 0);
        assert_string_equal((const char *)out.at, c->expect);
    }
    buf_done(&out);
    block_free(text);
}

/* Any prefix may or may not be a number; ASan watches that none is read past its end. */
static void float_truncations(void **state)
{
    const struct float_case *c = *state;

    for (size_t len = 0; len < strlen(c->text); len++) {
        struct slice text = block_copy(c->text, len), bytes;
        struct buf out;

        buf_init(&out, 256);
        (void)!float_write(&out, text, c->width);
        (void)!scaled(text, 3, &out, &bytes);
        buf_done(&out);
        block_free(text);
    }
}

static struct scaled_case money_cases[] = {
    {"$0.00", 2, "00"},
    {"$1,234.56", 2, "01e240"},
    {"-$1.01", 2, "9b"},
    {"($1.01)", 2, "9b"},
    {"$92,233,720,368,547,758.07", 2, "7fffffffffffffff"},
    {"-$92,233,720,368,547,758.08", 2, "8000000000000000"},
    {"", 2, NULL},
    {"$", 2, NULL},
    {"$1", 2, NULL},
    {"$1.5", 2, NULL},
    {"1 EUR", 2, NULL},
    {"$1,234,567,890,123,456,789,012,345.00", 2, NULL},
};

static void reads_money(void **state)
{
    const struct scaled_case *c = *state;
    struct slice text = block_copy(c->text, strlen(c->text)), got;
    struct buf digits, work;
    struct numeric n;
    bool read;

    buf_init(&digits, 256);
    buf_init(&work, 256);
    read = money_read(text, &digits, &n) && numeric_unscaled(&n, c->scale, &work, &got);
    assert_int_equal(read, c->expect != NULL);
    if (read) {
        struct slice expect = block_hex(c->expect);

        assert_true(slice_equal(got, expect));
        block_free(expect);
    }
    buf_done(&digits);
    buf_done(&work);
    block_free(text);
}

int main(void)
{
    struct CMUnitTest
        tests[ARRAY_LEN(scaled_cases) + 2 * ARRAY_LEN(float_cases) + ARRAY_LEN(money_cases) + 3];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(scaled_cases); i++)
        tests[n++] =
            (struct CMUnitTest){scaled_cases[i].text, scales, NULL, NULL, &scaled_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(float_cases); i++) {
        struct float_case *c = &float_cases[i];

        tests[n++] = (struct CMUnitTest){c->text, writes_float, NULL, NULL, c};
        tests[n++] = (struct CMUnitTest){"its truncations", float_truncations, NULL, NULL, c};
    }
    for (size_t i = 0; i < ARRAY_LEN(money_cases); i++)
        tests[n++] =
            (struct CMUnitTest){money_cases[i].text, reads_money, NULL, NULL, &money_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(many_digits_are_exact);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(too_little_memory_is_an_error);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(decimals_without_trailing_zeros);
    return cmocka_run_group_tests_name("value_numeric", tests, NULL, NULL);
}
