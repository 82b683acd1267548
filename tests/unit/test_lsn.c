#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/lsn.h"
#include "tests/support/block.h"

struct lsn_case {
    const char *text;
    bool valid;
    uint64_t lsn;
    const char *again; /* as we write it */
};

static struct lsn_case lsn_cases[] = {
    {"0/0", true, 0, "0/0"},
    {"16/B374D848", true, 0x16B374D848, "16/B374D848"},
    {"16/b374d848", true, 0x16B374D848, "16/B374D848"},
    {"FFFFFFFF/FFFFFFFF", true, UINT64_MAX, "FFFFFFFF/FFFFFFFF"},
    {"00000001/00000002", true, 0x100000002, "1/2"},
    {"1/0", true, 0x100000000, "1/0"},
    {"0/FFFFFFFF", true, 0xFFFFFFFF, "0/FFFFFFFF"},
    {"", false, 0, NULL},
    {"/", false, 0, NULL},
    {"0/", false, 0, NULL},
    {"/0", false, 0, NULL},
    {"0", false, 0, NULL},
    {"0/0/0", false, 0, NULL},
    {"0/0 ", false, 0, NULL},
    {" 0/0", false, 0, NULL},
    {"-1/0", false, 0, NULL},
    {"0x1/0", false, 0, NULL},
    {"g/0", false, 0, NULL},
    {"0/:", false, 0, NULL},
    {"000000001/0", false, 0, NULL},
    {"0/123456789", false, 0, NULL},
};

static void parses(void **state)
{
    const struct lsn_case *c = *state;
    struct slice text = block_copy(c->text, strlen(c->text));
    uint64_t lsn = 42;

    assert_int_equal(lsn_parse(text, &lsn), c->valid);
    assert_true(lsn == (c->valid ? c->lsn : 42));
    if (c->valid)
        assert_string_equal(lsn_format(lsn).text, c->again);
    block_free(text);
}

static void every_single_bit_comes_back(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        struct lsn_text text = lsn_format(UINT64_C(1) << bit);
        uint64_t lsn;

        assert_true(lsn_parse(slice_text(text.text), &lsn));
        assert_true(lsn == UINT64_C(1) << bit);
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(lsn_cases) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(lsn_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = lsn_cases[i].text, .test_func = parses, .initial_state = &lsn_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_single_bit_comes_back);
    return cmocka_run_group_tests_name("lsn", tests, NULL, NULL);
}
