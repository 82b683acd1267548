#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/topic_name.h"

struct name_case {
    const char *prefix, *schema, *table;
    const char *expect;
};

static struct name_case name_cases[] = {
    {"shop", "public", "orders", "shop.public.orders"},
    {"p", "Mixed", "TableName", "p.Mixed.TableName"},
    {"p", "with space", "a table", "p.with_space.a_table"},
    {"p", "dot.ted", "ta.ble", "p.dot.ted.ta.ble"},
    {"p", "\xc3\xbcn\xc3\xaf",
     "t\xc3\xa2"
     "ble_\xe6\x97\xa5\xe6\x9c\xac",
     "p._n_.t_ble___"},
    {"p", "public", "\xf0\x9f\x98\x80", "p.public.__"},
    {"p", "public", "q\"t", "p.public.q_t"},
    {"p", "public", "back\\slash", "p.public.back_slash"},
    {"p/q", "public", "t", "p_q.public.t"},
    {"p", "public", "a-b_c.9", "p.public.a-b_c.9"},
};

static void names(void **state)
{
    const struct name_case *c = *state;
    struct error err = {0};
    struct topic_name name;

    assert_true(topic_name_of_table(c->prefix, ".", slice_text(c->schema), slice_text(c->table),
                                    &name, &err));
    assert_string_equal(name.text, c->expect);
    assert_int_equal(name.len, strlen(c->expect));
}

static void longest(void **state)
{
    char prefix[TOPIC_NAME_MAX + 1];
    struct error err = {0};
    struct topic_name name;
    size_t fits = TOPIC_NAME_MAX - strlen(".public.t");

    (void)state;
    memset(prefix, 'p', sizeof prefix);
    prefix[fits] = '\0';
    assert_true(
        topic_name_of_table(prefix, ".", slice_text("public"), slice_text("t"), &name, &err));
    assert_int_equal(strlen(name.text), TOPIC_NAME_MAX);
    prefix[fits] = 'p';
    prefix[fits + 1] = '\0';
    assert_false(
        topic_name_of_table(prefix, ".", slice_text("public"), slice_text("t"), &name, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "public.t"));
}

static void messages(void **state)
{
    struct error err = {0};
    struct topic_name name;

    (void)state;
    assert_true(topic_name_of_parts("shop", "-", "message", &name, &err));
    assert_string_equal(name.text, "shop-message");
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(name_cases) + 2];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(name_cases); i++)
        tests[n++] = (struct CMUnitTest){name_cases[i].expect, names, NULL, NULL, &name_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(longest);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(messages);
    return cmocka_run_group_tests_name("topic_name", tests, NULL, NULL);
}
