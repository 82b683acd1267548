#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/pg_oid.h"
#include "sinks/route.h"
#include "sinks/rules.h"
#include "tests/support/block.h"

static struct patterns list(const char *const *at)
{
    struct patterns patterns = {at, 0};

    while (at != NULL && at[patterns.count] != NULL)
        patterns.count++;
    return patterns;
}

#define LIST(...) list((const char *const[]){__VA_ARGS__, NULL})

static struct rules *made(const struct rule_options *options)
{
    struct error err = {0};
    struct rules *rules = rules_create(options, &err);

    assert_non_null(rules);
    return rules;
}

/* ---- what is skipped */

struct skip_case {
    const char *name;
    const char *prefix;
    enum event_kind kind;
    bool skipped;
};

static struct skip_case skip_cases[] = {
    {"an insert", NULL, EVENT_INSERT, false},
    {"an update", NULL, EVENT_UPDATE, true},
    {"a delete", NULL, EVENT_DELETE, true},
    {"a truncate", NULL, EVENT_TRUNCATE, false},
    {"a row of the snapshot", NULL, EVENT_READ, false},
    {"a commit", NULL, EVENT_COMMIT, false},
    {"a message that is included", "audit.login", EVENT_MESSAGE, false},
    {"a message that is not", "audi", EVENT_MESSAGE, true},
    {"a message that is excluded again", "audit.secret", EVENT_MESSAGE, true},
    {"a message without prefix", "", EVENT_MESSAGE, true},
};

static void skips(void **state)
{
    const struct skip_case *c = *state;
    struct rules *rules = made(&(struct rule_options){
        .skipped_operations = LIST("u", "d"),
        .messages_include = LIST("audit.*"),
        .messages_exclude = LIST("audit\\.secret"),
    });
    struct event event = {.kind = c->kind};

    if (c->prefix != NULL)
        event.prefix = block_copy(c->prefix, strlen(c->prefix));
    assert_int_equal(rules_skip(rules, &event), c->skipped);
    if (c->prefix != NULL)
        block_free(event.prefix);
    rules_destroy(rules);
}

static void skips_nothing_by_default(void **state)
{
    struct rules *rules = made(&(struct rule_options){.skipped_operations = LIST("none")});

    (void)state;
    for (int kind = EVENT_BEGIN; kind <= EVENT_PROGRESS; kind++)
        assert_false(rules_skip(rules, &(struct event){.kind = (enum event_kind)kind}));
    rules_destroy(rules);
}

/* ---- columns */

#define NAME(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static struct column columns[] = {
    {.name = NAME("phone"), .type_oid = OID_TEXT, .typmod = -1},
    {.name = NAME("email"), .type_oid = OID_VARCHAR, .typmod = 34},
    {.name = NAME("name"), .type_oid = OID_TEXT, .typmod = -1},
    {.name = NAME("note"), .type_oid = OID_TEXT, .typmod = -1},
    {.name = NAME("other"), .type_oid = OID_TEXT, .typmod = -1},
};
static const struct relation people = {
    .schema = NAME("public"), .name = NAME("p"), .columns = columns, .column_count = 5};

struct hide_case {
    size_t column;
    const char *text, *expect;
};

/* The digests are what Debezium 3.7 wrote (column.mask.hash.v2.SHA-512), cut to varchar(30). */
static struct hide_case hide_cases[] = {
    {0, "555-1234", "******"},
    {0, "", "******"},
    {1, "Ann", "13e2e31b9c75a12a52f3614f9b3963"},
    {2, "Ann",
     "13e2e31b9c75a12a52f3614f9b3963daadc07b95d161084d166c51282edd7ae0f9fd02324d46d53a66a918ec84aec"
     "5"
     "003b167438dc090b98679660d786db8d35"},
    {3, "a long tail", "a lon"},
    {3, "ab", "ab"},
    {3, "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9",
     "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"},
    {3, "abcd\xF0\x9F\x98\x80", "abcd"},
    {3, "abc\xF0\x9F\x98\x80z", "abc\xF0\x9F\x98\x80"},
    {3, "abcd\xC3", "abcd\xC3"},
    {4, "as it is", "as it is"},
};

static void hides(void **state)
{
    const struct hide_case *c = *state;
    struct rules *rules = made(&(struct rule_options){
        .mask = LIST("6:public\\.p\\.(phone|fax)"),
        .hash = LIST("public\\.p\\.(email|name)"),
        .truncate = LIST("5:.*\\.note", "1:.*\\.note"),
        .hash_algorithm = HASH_SHA_512,
        .hash_salt = "CzQMA0cB5K",
    });
    struct column_rule rule = rules_column(rules, &people, &columns[c->column]);
    struct slice text = block_copy(c->text, strlen(c->text));
    struct buf out;

    buf_init(&out, 4096);
    rules_hide(rules, &rule, text, &out);
    buf_byte(&out, 0);
    assert_string_equal((const char *)out.at, c->expect);
    buf_done(&out);
    block_free(text);
    rules_destroy(rules);
}

/* ---- keys */

struct key_case {
    const char *rule;
    int count; /* -1: refused */
    uint16_t key[2];
};

static struct key_case key_cases[] = {
    {"public\\.p:name,email", 2, {2, 1}}, {"(public|x)\\.p:other", 1, {4, 0}},
    {"public\\.q:name", 0, {0, 0}},       {"public\\.p:absent", -1, {0, 0}},
    {"public\\.p:name,", 1, {2, 0}},      {"public\\.p:name,,email", -1, {0, 0}},
};

static void makes_keys(void **state)
{
    const struct key_case *c = *state;
    struct rules *rules = made(&(struct rule_options){.key_columns = LIST(c->rule)});
    struct error err = {0};
    uint16_t key[5] = {0};

    assert_int_equal(rules_key(rules, &people, key, &err), c->count);
    assert_int_equal(err.text[0] != '\0', c->count < 0);
    for (int i = 0; i < c->count; i++)
        assert_int_equal(key[i], c->key[i]);
    rules_destroy(rules);
}

/* ---- routes */

struct route_case {
    const char *name, *expect; /* NULL: refused */
};

static struct route_case route_cases[] = {
    {"p.public.orders_2024", "p.orders"},
    {"p.public.orders_x", "p.public.orders_x"},
    {"p.other.t", "t-in-other-"},
    {"xp.other.t", "xp.other.t"},
    {"left", "_3"},
    {"empty", NULL},
    {"long", NULL},
};

static void routes(void **state)
{
    const struct route_case *c = *state;
    char too_long[TOPIC_NAME_MAX + sizeof "long=>x"] = "long=>";
    struct patterns rules;
    struct routes *made_routes;
    struct topic_name name;
    struct error err = {0};
    const char *rule;
    bool applied;

    memset(too_long + strlen(too_long), 'x', TOPIC_NAME_MAX + 1);
    rules = LIST("p\\.public\\.orders_[0-9]+=>p.orders", "p\\.(other)\\.(.*)=>$2-in-\\1-$3",
                 "left|right=>$3\xC3\xA9\x33", "(x?)empty=>$1", too_long);
    made_routes = routes_create(&rules, &err);
    assert_non_null(made_routes);
    assert_true(topic_name_of_text(slice_text(c->name), &name));
    applied = routes_apply(made_routes, &name, &rule, &err);
    assert_int_equal(applied, c->expect != NULL);
    if (c->expect != NULL) {
        assert_string_equal(name.text, c->expect);
        assert_int_equal(rule != NULL, strcmp(c->name, c->expect) != 0);
    }
    routes_destroy(made_routes);
}

static void refuses_routes(void **state)
{
    static const char *const malformed[] = {"", "=>a", "a=>", "a", "(=>a"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        struct error err = {0};

        assert_null(routes_create(&(struct patterns){&malformed[i], 1}, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
    }
}

/* ---- malformed rules */

struct refused_case {
    const char *name; /* begins the error */
    struct rule_options options;
};

static const char *const no_operation[] = {"x"}, *const no_regex[] = {"("},
                         *const no_number[] = {"public.p.a"}, *const negative[] = {"-1:a"},
                         *const huge[] = {"1000001:a"}, *const no_table[] = {":a"},
                         *const no_columns[] = {"public.p:"}, *const no_colon[] = {"public.p"},
                         *const bad_pattern[] = {"5:("}, *const bad_table[] = {"(:a"};

static struct refused_case refused_cases[] = {
    {"topics.skipped_operations", {.skipped_operations = {no_operation, 1}}},
    {"messages.include", {.messages_include = {no_regex, 1}}},
    {"messages.exclude", {.messages_exclude = {no_regex, 1}}},
    {"columns.hash", {.hash = {no_regex, 1}}},
    {"columns.truncate", {.truncate = {no_number, 1}}},
    {"columns.truncate", {.truncate = {bad_pattern, 1}}},
    {"columns.mask", {.mask = {negative, 1}}},
    {"columns.mask", {.mask = {huge, 1}}},
    {"topics.key_columns", {.key_columns = {no_table, 1}}},
    {"topics.key_columns", {.key_columns = {no_columns, 1}}},
    {"topics.key_columns", {.key_columns = {no_colon, 1}}},
    {"topics.key_columns", {.key_columns = {bad_table, 1}}},
};

static void refuses(void **state)
{
    const struct refused_case *c = *state;
    struct error err = {0};

    assert_null(rules_create(&c->options, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_int_equal(strncmp(err.text, c->name, strlen(c->name)), 0);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(skip_cases) + ARRAY_LEN(hide_cases) + ARRAY_LEN(key_cases) +
                            ARRAY_LEN(refused_cases) + ARRAY_LEN(route_cases) + 2];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(skip_cases); i++)
        tests[n++] = (struct CMUnitTest){skip_cases[i].name, skips, NULL, NULL, &skip_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(hide_cases); i++)
        tests[n++] = (struct CMUnitTest){hide_cases[i].text, hides, NULL, NULL, &hide_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(key_cases); i++)
        tests[n++] = (struct CMUnitTest){key_cases[i].rule, makes_keys, NULL, NULL, &key_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(refused_cases); i++)
        tests[n++] =
            (struct CMUnitTest){refused_cases[i].name, refuses, NULL, NULL, &refused_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(route_cases); i++)
        tests[n++] = (struct CMUnitTest){route_cases[i].name, routes, NULL, NULL, &route_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(refuses_routes);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(skips_nothing_by_default);
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
