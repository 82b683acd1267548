#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "relay/exit_code.h"

struct kind_case {
    enum error_kind kind;
    enum exit_code code;
};

static struct kind_case kind_cases[] = {
    {ERROR_NONE, EXIT_OK},       {ERROR_CONFIG, EXIT_CONFIG}, {ERROR_LINK, EXIT_FAULT},
    {ERROR_DATA, EXIT_DATA},     {ERROR_SYSTEM, EXIT_FAULT},  {ERROR_GAP, EXIT_FAULT},
    {ERROR_FENCED, EXIT_FENCED}, {ERROR_STOPPED, EXIT_OK},    {ERROR_WAITING, EXIT_FAULT},
};

static void kind_has_its_code(void **state)
{
    const struct kind_case *c = *state;
    struct error err = {.kind = c->kind};

    assert_int_equal(exit_code_of(&err), c->code);
}

static const struct exit_code_help *find(enum exit_code code)
{
    unsigned count;
    const struct exit_code_help *list = exit_code_list(&count);

    for (unsigned i = 0; i < count; i++)
        if (list[i].code == code)
            return &list[i];
    return NULL;
}

static void every_gap_has_a_code_of_its_own(void **state)
{
    enum exit_code seen[GAP_POSITION_UNREADABLE + 1];

    (void)state;
    for (int gap = GAP_NONE + 1; gap <= GAP_POSITION_UNREADABLE; gap++) {
        struct error err = {.kind = ERROR_GAP, .gap = (enum gap)gap};

        seen[gap] = exit_code_of(&err);
        assert_in_range(seen[gap], 20, 29);
        assert_non_null(find(seen[gap]));
        for (int other = GAP_NONE + 1; other < gap; other++)
            assert_int_not_equal(seen[gap], seen[other]);
    }
}

static void the_table_ascends_and_explains(void **state)
{
    unsigned count;
    const struct exit_code_help *list = exit_code_list(&count);

    (void)state;
    assert_int_equal(list[0].code, EXIT_OK);
    assert_int_equal(list[count - 1].code, EXIT_POSITION_UNREADABLE);
    for (unsigned i = 0; i < count; i++) {
        assert_true(i == 0 || list[i - 1].code < list[i].code);
        assert_true(strlen(list[i].name) > 0);
        assert_int_equal(list[i].help[strlen(list[i].help) - 1], '.');
    }
}

static void every_code_is_in_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kind_cases); i++)
        assert_non_null(find(kind_cases[i].code));
    assert_non_null(find(EXIT_INTERRUPTED));
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(kind_cases) + 3];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(kind_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = error_kind_name(kind_cases[i].kind),
                                         .test_func = kind_has_its_code,
                                         .initial_state = &kind_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_gap_has_a_code_of_its_own);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_table_ascends_and_explains);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_code_is_in_the_table);
    return cmocka_run_group_tests_name("exit_code", tests, NULL, NULL);
}
