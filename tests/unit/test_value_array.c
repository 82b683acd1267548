#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/value_array.h"
#include "tests/support/block.h"

struct array_case {
    const char *text;
    char delimiter;
    const char *expect; /* elements in <>, NULL as -; NULL: malformed */
};

static struct array_case array_cases[] = {
    {"{}", ',', "[]"},
    {"{1}", ',', "[<1>]"},
    {"{1,2,NULL}", ',', "[<1><2>-]"},
    {"{NULL}", ',', "[-]"},
    {"{\"NULL\",null}", ',', "[<NULL><null>]"},
    {"{a,\"b c\",\"\"}", ',', "[<a><b c><>]"},
    {"{\"q\\\"uote\",\"back\\\\slash\"}", ',', "[<q\"uote><back\\slash>]"},
    {"{\"{},\"}", ',', "[<{},>]"},
    {"{{1,2},{3,4}}", ',', "[[<1><2>][<3><4>]]"},
    {"{{{{{{1}}}}}}", ',', "[[[[[[<1>]]]]]]"},
    {"[0:2]={1,2,3}", ',', "[<1><2><3>]"},
    {"[-1:0][1:1]={{7},{8}}", ',', "[[<7>][<8>]]"},
    {"{(1,1),(0,0);(2,2),(0,0)}", ';', "[<(1,1),(0,0)><(2,2),(0,0)>]"},
    {"", ',', NULL},
    {"{", ',', NULL},
    {"}", ',', NULL},
    {"{}}", ',', NULL},
    {"{},", ',', NULL},
    {"{1,}", ',', NULL},
    {"{,1}", ',', NULL},
    {"{1 2", ',', NULL},
    {"{1}{2}", ',', NULL},
    {"{{1}{2}}", ',', NULL},
    {"{\"a}", ',', NULL},
    {"{\"a\\", ',', NULL},
    {"{\"a\"b}", ',', NULL},
    {"{a\"b\"}", ',', NULL},
    {"{a\\b}", ',', NULL},
    {"{{{{{{{1}}}}}}}", ',', NULL},
    {"[0:2]{1}", ',', NULL},
    {"[0]={1}", ',', NULL},
    {"[:2]={1}", ',', NULL},
    {"[0:2={1}", ',', NULL},
    {"1,2", ',', NULL},
};

static void put_element(const struct array_reader *r, struct buf *out)
{
    struct buf plain;

    buf_byte(out, '<');
    if (r->escaped) {
        buf_init(&plain, 256);
        array_unescape(r->element, &plain);
        assert_false(plain.failed);
        buf_slice(out, buf_view(&plain));
        buf_done(&plain);
    } else {
        buf_slice(out, r->element);
    }
    buf_byte(out, '>');
}

/* Returns false when malformed; `out` then holds what came before. */
static bool walk(struct slice text, char delimiter, struct buf *out)
{
    struct array_reader r = array_reader_over(text, delimiter);

    for (;;) {
        switch (array_reader_next(&r)) {
        case ARRAY_OPEN:
            buf_byte(out, '[');
            break;
        case ARRAY_CLOSE:
            buf_byte(out, ']');
            break;
        case ARRAY_ELEMENT:
            put_element(&r, out);
            break;
        case ARRAY_NULL:
            buf_byte(out, '-');
            break;
        case ARRAY_END:
            assert_int_equal(array_reader_next(&r), ARRAY_END);
            return true;
        case ARRAY_MALFORMED:
            assert_int_equal(array_reader_next(&r), ARRAY_MALFORMED);
            return false;
        }
    }
}

static void walks(void **state)
{
    const struct array_case *c = *state;
    struct slice text = block_copy(c->text, strlen(c->text));
    struct buf out;

    buf_init(&out, 1024);
    assert_int_equal(walk(text, c->delimiter, &out), c->expect != NULL);
    if (c->expect != NULL) {
        buf_byte(&out, 0);
        assert_string_equal((const char *)out.at, c->expect);
    }
    buf_done(&out);
    block_free(text);
}

/* An array ends with its last byte: nothing shorter is one. */
static void every_truncation_fails(void **state)
{
    const struct array_case *c = *state;
    struct buf out;

    for (size_t len = 0; len < strlen(c->text); len++) {
        struct slice text = block_copy(c->text, len);

        buf_init(&out, 1024);
        assert_false(walk(text, c->delimiter, &out));
        buf_done(&out);
        block_free(text);
    }
}

int main(void)
{
    struct CMUnitTest tests[2 * ARRAY_LEN(array_cases)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(array_cases); i++) {
        struct array_case *c = &array_cases[i];

        tests[n++] = (struct CMUnitTest){c->text, walks, NULL, NULL, c};
        if (c->expect != NULL)
            tests[n++] =
                (struct CMUnitTest){"its truncations", every_truncation_fails, NULL, NULL, c};
    }
    return _cmocka_run_group_tests("value_array", tests, n, NULL, NULL);
}
