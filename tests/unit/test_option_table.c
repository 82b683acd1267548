/* The table is sound: whatever is made from it can rely on these. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "relay/option_table.h"
#include "relay/option_value.h"

static void each_row_is_whole(void **state)
{
    size_t count;
    const struct option *options = option_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const struct option *o = &options[i];

        assert_ptr_equal(option_find(o->path), o); /* no path twice */
        assert_int_equal(o->help[strlen(o->help) - 1], '.');
        assert_true(o->by_default != NULL || o->sample != NULL);
        assert_true(o->offset < sizeof(struct options));
        assert_false(o->by_default != NULL && o->derived != NULL);
        for (size_t other = 0; other < i; other++)
            assert_int_not_equal(o->offset, options[other].offset);
    }
}

/* "a.b.c" and "a.b.d" are in one piece, or the example file would repeat a section. */
static void sections_are_in_one_piece(void **state)
{
    size_t count;
    const struct option *options = option_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (const char *dot = strchr(options[i].path, '.'); dot != NULL;
             dot = strchr(dot + 1, '.')) {
            size_t len = (size_t)(dot - options[i].path) + 1, last = i;

            for (size_t k = i + 1; k < count; k++)
                if (strncmp(options[k].path, options[i].path, len) == 0) {
                    assert_int_equal(k, last + 1);
                    last = k;
                }
        }
}

static void no_option_is_also_a_section(void **state)
{
    size_t count;
    const struct option *options = option_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++)
        assert_false(option_is_section(options[i].path));
    assert_true(option_is_section("source"));
    assert_true(option_is_section("source.postgres"));
    assert_false(option_is_section("source.post"));
    assert_false(option_is_section(""));
}

static bool is_number(const struct option *o)
{
    return o->type == OPTION_INT32 || o->type == OPTION_INT64 || o->type == OPTION_DURATION ||
           o->type == OPTION_SIZE || o->type == OPTION_SIZE64;
}

static bool stores(const struct option *o, int64_t number)
{
    const char *unit = o->type == OPTION_DURATION ? "ms" : "";
    struct options options = {0};
    struct error err = {0};
    char text[64];

    (void)snprintf(text, sizeof text, "%" PRId64 "%s", number, unit);
    return option_value_store(o, text, &options, &err);
}

static void ranges_end_where_they_say(void **state)
{
    size_t count;
    const struct option *options = option_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const struct option *o = &options[i];

        if (!is_number(o))
            continue;
        assert_true(o->least < o->most);
        assert_true(stores(o, o->least));
        assert_true(stores(o, o->most));
        assert_false(stores(o, o->least - 1));
        assert_false(stores(o, o->most + 1));
    }
}

/* A number stored into a field of the wrong width would show in its neighbours. */
static void a_value_touches_its_own_field_only(void **state)
{
    size_t count;
    const struct option *options = option_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct options after;
        const unsigned char *bytes = (const unsigned char *)&after;
        struct error err = {0};
        size_t end = options[i].offset + 8;

        if (options[i].by_default == NULL)
            continue;
        if (options[i].type == OPTION_BOOL)
            end = options[i].offset + sizeof(bool);
        if (options[i].type == OPTION_INT32 || options[i].type == OPTION_ENUM)
            end = options[i].offset + 4;
        memset(&after, 0xa5, sizeof after);
        assert_true(option_value_store(&options[i], options[i].by_default, &after, &err));
        for (size_t at = 0; at < sizeof after; at++)
            if (at < options[i].offset || at >= end)
                assert_int_equal(bytes[at], 0xa5);
    }
}

struct suggest_case {
    const char *written, *meant; /* NULL: nothing near */
};

static struct suggest_case suggest_cases[] = {
    {"nmae", "name"},
    {"nam", "name"},
    {"kafka.bootstrap.servers", "kafka.bootstrap_servers"},
    {"bootstrap.servers", "kafka.bootstrap_servers"},
    {"bootstrap_servers", "kafka.bootstrap_servers"},
    {"slot_name", "slot.name"},
    {"table.include", "tables.include"},
    {"table.include.list", "tables.include"},
    {"column.exclude.list", "columns.exclude"},
    {"tombstones.on.delete", "topics.tombstones"},
    {"topic.prefix", "topics.prefix"},
    {"database.password", "source.postgres.password"},
    {"source.postgres.pasword", "source.postgres.password"},
    {"postgres.host", "source.postgres.host"},
    {"snapshot.max.threads", "snapshot.workers"},
    {"transaction.timeout.ms", "kafka.transaction_timeout"},
    {"commit.intervall", "commit.interval"},
    {"drain.timeout", "drain_timeout"},
    {"", NULL},
    {"x", NULL},
    {"schema.history.internal", NULL},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     NULL},
};

static void suggests(void **state)
{
    const struct suggest_case *c = *state;
    const char *meant = option_suggest(c->written);

    if (c->meant == NULL)
        assert_null(meant);
    else
        assert_string_equal(meant == NULL ? "" : meant, c->meant);
}

static void names_of_secret_entries(void **state)
{
    (void)state;
    assert_true(option_entry_is_secret("sasl.password"));
    assert_true(option_entry_is_secret("ssl.key.password"));
    assert_true(option_entry_is_secret("ssl.keystore.password"));
    assert_true(option_entry_is_secret("ssl.key.pem"));
    assert_true(option_entry_is_secret("sasl.oauthbearer.client.secret"));
    assert_false(option_entry_is_secret("sasl.username"));
    assert_false(option_entry_is_secret("linger.ms"));
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(suggest_cases) + 6];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(suggest_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = suggest_cases[i].written,
                                         .test_func = suggests,
                                         .initial_state = &suggest_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(each_row_is_whole);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(sections_are_in_one_piece);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_option_is_also_a_section);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(ranges_end_where_they_say);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_value_touches_its_own_field_only);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(names_of_secret_entries);
    return cmocka_run_group_tests_name("option_table", tests, NULL, NULL);
}
