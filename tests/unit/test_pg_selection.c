/* Which tables and columns the patterns select. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/pg_catalog.h"

struct selection_case {
    const char *name;
    const char *include, *exclude; /* NULL: none */
    const char *schema, *table;
    const char *column; /* NULL: the case is about tables */
    bool wanted;
};

static struct selection_case cases[] = {
    {"no patterns", NULL, NULL, "public", "t", NULL, true},
    {"included", "public\\.orders", NULL, "public", "orders", NULL, true},
    {"anchored behind", "public\\.orders", NULL, "public", "orders_old", NULL, false},
    {"anchored before", "public\\.orders", NULL, "my_public", "orders", NULL, false},
    {"either of two, as one", "public\\.a|public\\.b", NULL, "public", "b", NULL, true},
    {"neither of two, as one", "public\\.a|public\\.b", NULL, "public", "bb", NULL, false},
    {"case matters", "public\\.Orders", NULL, "public", "orders", NULL, false},
    {"dots and quotes in a name", "My\\.Sch\"ema\\.a\"\\.b", NULL, "My.Sch\"ema", "a\".b", NULL,
     true},
    {"not ASCII",
     "public\\.gr\xc3\xb6\xc3\x9f"
     "e",
     NULL, "public",
     "gr\xc3\xb6\xc3\x9f"
     "e",
     NULL, true},
    {"excluded", NULL, "audit\\..*", "audit", "log", NULL, false},
    {"not excluded", NULL, "audit\\..*", "public", "log", NULL, true},
    {"exclusion wins", "public\\..*", "public\\.secret", "public", "secret", NULL, false},
    {"underscore is a letter", "public\\.a_b", NULL, "public", "axb", NULL, false},
    {"column, no patterns", NULL, NULL, "public", "t", "c", true},
    {"column excluded", NULL, "public\\.t\\.secret", "public", "t", "secret", false},
    {"column of another table", NULL, "public\\.t\\.secret", "public", "u", "secret", true},
    {"column included", "public\\.t\\.(id|name)", NULL, "public", "t", "name", true},
    {"column not included", "public\\.t\\.(id|name)", NULL, "public", "t", "names", false},
    {"column that differs by case", NULL, ".*\\.Secret", "public", "t", "secret", true},
};

static struct patterns one(const char *const *pattern)
{
    return (struct patterns){.at = pattern, .count = *pattern == NULL ? 0 : 1};
}

static void selects(void **state)
{
    const struct selection_case *c = *state;
    struct postgres_options options = {0};
    struct pg_selection *selection;
    struct error err = {0};
    bool wanted;

    *(c->column == NULL ? &options.tables_include : &options.columns_include) = one(&c->include);
    *(c->column == NULL ? &options.tables_exclude : &options.columns_exclude) = one(&c->exclude);
    selection = pg_selection_create(&options, &err);
    assert_non_null(selection);
    wanted = c->column == NULL
                 ? pg_selection_wants_table(selection, slice_text(c->schema), slice_text(c->table))
                 : pg_selection_wants_column(selection, slice_text(c->schema), slice_text(c->table),
                                             slice_text(c->column));
    assert_int_equal(wanted, c->wanted);
    pg_selection_destroy(selection);
}

static void takes_empty_names(void **state)
{
    struct postgres_options options = {0};
    struct error err = {0};
    struct pg_selection *selection = pg_selection_create(&options, &err);

    (void)state;
    assert_non_null(selection);
    assert_true(pg_selection_wants_table(selection, slice_of(NULL, 0), slice_of(NULL, 0)));
    pg_selection_destroy(selection);
    pg_selection_destroy(NULL);
}

static void names_the_bad_pattern(void **state)
{
    const char *const patterns[] = {"public\\.good", "public\\.(bad"};
    struct postgres_options options = {.columns_exclude = {.at = patterns, .count = 2}};
    struct error err = {0};

    (void)state;
    assert_null(pg_selection_create(&options, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "columns.exclude"));
    assert_non_null(strstr(err.text, "public\\.(bad"));
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(cases) + 2];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = selects, .initial_state = &cases[i]};
    tests[n++] = (struct CMUnitTest){.name = "empty names", .test_func = takes_empty_names};
    tests[n++] =
        (struct CMUnitTest){.name = "names the bad pattern", .test_func = names_the_bad_pattern};
    return cmocka_run_group_tests_name("pg_selection", tests, NULL, NULL);
}
