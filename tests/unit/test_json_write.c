#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/json_write.h"
#include "tests/support/block.h"

struct string_case {
    const char *name;
    const char *hex; /* see block_hex() */
    const char *expect;
};

static struct string_case string_cases[] = {
    {"empty", "", "\"\""},
    {"plain", "'abc'", "\"abc\""},
    {"eight and more plain bytes", "'0123456789abcdef'", "\"0123456789abcdef\""},
    {"quote and backslash", "'say ' 22 'hi' 22 ' ' 5c", "\"say \\\"hi\\\" \\\\\""},
    {"short escapes", "08 09 0a 0c 0d", "\"\\b\\t\\n\\f\\r\""},
    {"control characters in upper case", "00 01 0b 1f 7f", "\"\\u0000\\u0001\\u000B\\u001F\x7f\""},
    {"slash and markup as they are", "'a/b<c>&d'", "\"a/b<c>&d\""},
    {"two and three bytes of UTF-8 as they are", "c3a9 e697a5 e280a8",
     "\"\xc3\xa9\xe6\x97\xa5\xe2\x80\xa8\""},
    {"beyond the basic plane as surrogates", "f09f9880", "\"\\uD83D\\uDE00\""},
    {"first and last character beyond it", "f0908080 f48fbfbf", "\"\\uD800\\uDC00\\uDBFF\\uDFFF\""},
    {"special behind a whole word", "'01234567' 0a '89'", "\"01234567\\n89\""},
    {"special last in a word", "'0123456' 22 'x'", "\"0123456\\\"x\""},
    {"four bytes cut short", "'a' f09f98", "\"a\xf0\x9f\x98\""},
    {"not UTF-8", "f0 'abc' f8888080 f4908080",
     "\"\xf0"
     "abc\xf8\x88\x80\x80\xf4\x90\x80\x80\""},
};

static char *text_of(struct buf *b)
{
    buf_byte(b, 0);
    assert_false(b->failed);
    return (char *)b->at;
}

static void writes_string(void **state)
{
    const struct string_case *c = *state;
    struct slice text = block_hex(c->hex);
    struct buf out;

    buf_init(&out, 4096);
    json_text(&out, text);
    assert_string_equal(text_of(&out), c->expect);
    buf_done(&out);
    block_free(text);
}

/* What is asked of the buffer must neither be too little nor, near the limit, more than is needed.
 */
static void fits_to_the_byte(void **state)
{
    const struct string_case *c = *state;
    struct slice text = block_hex(c->hex);
    size_t need = strlen(c->expect);
    struct buf out;

    for (size_t limit = 0; limit <= need; limit++) {
        buf_init(&out, limit);
        json_text(&out, text);
        assert_int_equal(out.failed, limit < need);
        if (limit == need)
            assert_memory_equal(out.at, c->expect, need);
        buf_done(&out);
    }
    block_free(text);
}

/* A long text of every kind of byte takes the measured path: compare with the short one. */
static void long_text_is_measured(void **state)
{
    static const char piece[] = "ab\"\n\x01\xc3\xa9\xf0\x9f\x98\x80 plain plain plain";
    static const char escaped[] = "ab\\\"\\n\\u0001\xc3\xa9\\uD83D\\uDE00 plain plain plain";
    struct buf in, out;

    (void)state;
    buf_init(&in, SIZE_MAX);
    for (int i = 0; i < 60000; i++)
        JSON_CONSTANT(&in, piece);
    buf_init(&out, SIZE_MAX);
    json_text(&out, buf_view(&in));
    assert_int_equal(out.len, 60000 * (sizeof escaped - 1) + 2);
    assert_true(out.size <= out.len + out.len / 4 + 1);
    for (size_t i = 0; i < 60000; i++)
        assert_memory_equal(out.at + 1 + i * (sizeof escaped - 1), escaped, sizeof escaped - 1);
    buf_done(&in);
    buf_done(&out);
}

static void writes_numbers(void **state)
{
    static const int64_t numbers[] = {0,   7,    -7,        10,        99,        100,  101,
                                      999, 1000, INT64_MAX, INT64_MIN, INT32_MIN, -100, 12345};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char expect[32];
        struct buf out;

        (void)snprintf(expect, sizeof expect, "%lld", (long long)numbers[i]);
        buf_init(&out, 64);
        json_i64(&out, numbers[i]);
        assert_string_equal(text_of(&out), expect);
        buf_done(&out);
    }
}

/* Around each power of ten, where the number of digits changes. */
static void writes_all_lengths(void **state)
{
    (void)state;
    for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
        for (uint64_t number = power - 1; number <= power + 1; number++) {
            char expect[32];
            struct buf out;

            (void)snprintf(expect, sizeof expect, "%llu", (unsigned long long)number);
            buf_init(&out, 64);
            json_u64(&out, number);
            assert_string_equal(text_of(&out), expect);
            buf_done(&out);
        }
    }
}

static void writes_the_largest(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 64);
    json_u64(&out, UINT64_MAX);
    assert_string_equal(text_of(&out), "18446744073709551615");
    buf_done(&out);
}

/* RFC 4648, section 10, and bytes that use both special characters. */
static struct string_case base64_cases[] = {
    {"0", "", "\"\""},
    {"1", "'f'", "\"Zg==\""},
    {"2", "'fo'", "\"Zm8=\""},
    {"3", "'foo'", "\"Zm9v\""},
    {"4", "'foob'", "\"Zm9vYg==\""},
    {"6", "'foobar'", "\"Zm9vYmFy\""},
    {"plus and slash", "fb ff bf", "\"+/+/\""},
};

static void writes_base64(void **state)
{
    const struct string_case *c = *state;
    struct slice bytes = block_hex(c->hex);
    struct buf out;

    buf_init(&out, 64);
    json_base64(&out, bytes);
    assert_string_equal(text_of(&out), c->expect);
    buf_done(&out);
    block_free(bytes);
}

int main(void)
{
    struct CMUnitTest tests[2 * ARRAY_LEN(string_cases) + ARRAY_LEN(base64_cases) + 4];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(string_cases); i++) {
        struct string_case *c = &string_cases[i];

        tests[n++] = (struct CMUnitTest){c->name, writes_string, NULL, NULL, c};
        tests[n++] = (struct CMUnitTest){c->name, fits_to_the_byte, NULL, NULL, c};
    }
    for (size_t i = 0; i < ARRAY_LEN(base64_cases); i++)
        tests[n++] =
            (struct CMUnitTest){base64_cases[i].name, writes_base64, NULL, NULL, &base64_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(long_text_is_measured);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(writes_numbers);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(writes_all_lengths);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(writes_the_largest);
    return cmocka_run_group_tests_name("json_write", tests, NULL, NULL);
}
