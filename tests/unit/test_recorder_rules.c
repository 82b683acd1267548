/* What rules and modes make of whole records: rows old and new, keys, topics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/recorder.h"
#include "support/record_text.h"
#include "support/table_spec.h"

static const char *const mask_v[] = {"3:public\\.t\\.v"}, *const mask_id[] = {"3:public\\.t\\.id"},
                         *const hash_k[] = {"public\\.t\\.k"}, *const cut_v[] = {"2:.*\\.v"},
                         *const key_v[] = {"public\\.t:v,k"}, *const key_none[] = {"public\\.t:x"},
                         *const skip_u[] = {"u"};

#define SHA_SA "4cf6829aa93728e8f3c97df913fb1bfa95fe5810e2933a05943f8312a98d9cf2"

struct rule_case {
    const char *name, *spec;
    struct recorder_options options; /* the rest is filled in */
    enum event_kind kind;
    enum replica_identity identity;
    const char *cells[3], *old[3]; /* NULL: NULL */
    const char *key, *rows; /* key of the first record, and what its value begins with; NULL key: no
                             * record at all */
    const char *refusal;
    const char *bad_value_at; /* NULL: none was sent as text */
};

static struct rule_case rule_cases[] = {
    {.name = "a mask hides the value and NULL alike, in old rows too",
     .spec = "*k text; v text; n int4",
     .options.rules.mask = {mask_v, 1},
     .kind = EVENT_UPDATE,
     .identity = IDENTITY_FULL,
     .cells = {"a", NULL, "1"},
     .old = {"a", "secret", "1"},
     .key = "{\"k\":\"a\"}",
     .rows = "{\"before\":{\"k\":\"a\",\"v\":\"***\",\"n\":1},\"after\":{\"k\":\"a\",\"v\":\"***\","
             "\"n\":"
             "1},"},
    {.name = "a digest stands in key and row alike",
     .spec = "*k varchar; v text; n int4",
     .options.rules = {.hash = {hash_k, 1}, .hash_salt = "s"},
     .kind = EVENT_INSERT,
     .cells = {"a", "b", "1"},
     .key = "{\"k\":\"" SHA_SA "\"}",
     .rows = "{\"before\":null,\"after\":{\"k\":\"" SHA_SA "\",\"v\":\"b\",\"n\":1},"},
    {.name = "a text is cut, NULL stays",
     .spec = "*k text; v text; n int4",
     .options.rules.truncate = {cut_v, 1},
     .kind = EVENT_UPDATE,
     .identity = IDENTITY_FULL,
     .cells = {"a", "abc", "1"},
     .old = {"a", NULL, "1"},
     .key = "{\"k\":\"a\"}",
     .rows = "{\"before\":{\"k\":\"a\",\"v\":null,\"n\":1},\"after\":{\"k\":\"a\",\"v\":\"ab\","
             "\"n\":1},"},
    {.name = "a number cannot be hidden",
     .spec = "*id int4; v text; n int4",
     .options.rules.mask = {mask_id, 1},
     .kind = EVENT_INSERT,
     .cells = {"1", "b", "1"},
     .refusal =
         "table public.t, column id: columns.truncate, mask and hash are for columns that are "
         "sent as text: leave it out by columns.exclude"},
    {.name = "Debezium sends it as it is",
     .spec = "*id int4; v text; n int4",
     .options = {.rules.mask = {mask_id, 1}, .types.debezium = true},
     .kind = EVENT_INSERT,
     .cells = {"1", "b", "1"},
     .key = "{\"id\":1}",
     .rows = "{\"before\":null,\"after\":{\"id\":1,\"v\":\"b\",\"n\":1},"},
    {.name = "other columns make the key",
     .spec = "*k text; v text; n int4",
     .options.rules.key_columns = {key_v, 1},
     .kind = EVENT_INSERT,
     .identity = IDENTITY_FULL,
     .cells = {"a", "b", "1"},
     .key = "{\"v\":\"b\",\"k\":\"a\"}",
     .rows = "{\"before\":null,"},
    {.name = "deletes must tell them",
     .spec = "*k text; v text; n int4",
     .options.rules.key_columns = {key_v, 1},
     .kind = EVENT_INSERT,
     .cells = {"a", "b", "1"},
     .refusal = "table public.t: topics.key_columns names the column v, which deletes do not tell: "
                "ALTER TABLE ... REPLICA IDENTITY FULL"},
    {.name = "there must be such a column",
     .spec = "*k text; v text; n int4",
     .options.rules.key_columns = {key_none, 1},
     .kind = EVENT_INSERT,
     .cells = {"a", "b", "1"},
     .refusal = "table public.t: topics.key_columns names the column x, which it has not"},
    {.name = "a skipped operation makes no record",
     .spec = "*k text; v text; n int4",
     .options.rules.skipped_operations = {skip_u, 1},
     .kind = EVENT_UPDATE,
     .identity = IDENTITY_FULL,
     .cells = {"a", "b", "1"},
     .old = {"a", "b", "1"}},
    {.name = "a bad value goes as text when that is wanted",
     .spec = "*k text; v text; n int4",
     .options.types.on_bad_value = BAD_VALUE_TEXT,
     .kind = EVENT_INSERT,
     .cells = {"a", "b", "one\"1"},
     .bad_value_at = "public.t.n",
     .key = "{\"k\":\"a\"}",
     .rows = "{\"before\":null,\"after\":{\"k\":\"a\",\"v\":\"b\",\"n\":\"one\\\"1\"},"},
    {.name = "else it stops, and is not told",
     .spec = "*k text; v text; n int4",
     .kind = EVENT_INSERT,
     .cells = {"a", "b", "one\"1"},
     .refusal =
         "table public.t, column n: cannot read its value of type int4 (oid 23) at LSN 0/64"},
    {.name = "what Debezium does not know is left out for its consumers",
     .spec = "*k text; v money[]; n int4",
     .options.types.debezium = true,
     .kind = EVENT_INSERT,
     .cells = {"a", "{$1.00}", "1"},
     .key = "{\"k\":\"a\"}",
     .rows = "{\"before\":null,\"after\":{\"k\":\"a\",\"n\":1},"},
};

static struct recorder *recorder_of(const struct rule_case *c)
{
    struct recorder_options options = c->options;

    options.topic_prefix = "p";
    options.topic_delimiter = ".";
    options.database = "d";
    options.unavailable_value_placeholder = "unavailable";
    options.record_limit_bytes = 4096;
    return recorder_create(&options);
}

static void check_record(const struct rule_case *c, const struct records *records)
{
    char text[1024] = "";

    assert_int_equal(records->count > 0, c->key != NULL);
    if (c->key == NULL)
        return;
    assert_true(slice_is(records->at[0].key, c->key));
    assert_true(records->at[0].value.len < sizeof text);
    memcpy(text, records->at[0].value.at, records->at[0].value.len);
    text[strlen(c->rows)] = '\0';
    assert_string_equal(text, c->rows);
}

static void records_as_ruled(void **state)
{
    const struct rule_case *c = *state;
    struct recorder *r = recorder_of(c);
    struct table_spec table;
    struct cell row[3], old[3];
    struct event event = {.kind = c->kind,
                          .lsn = 100,
                          .old_kind = c->kind == EVENT_UPDATE ? OLD_FULL : OLD_NONE,
                          .relation = &table.relation,
                          .row = record_text_row(c->cells, row, 3),
                          .old = record_text_row(c->old, old, 3)};
    struct records records = {0};
    struct error err = {0};
    bool recorded;

    table_spec_read(&table, "public", "t", c->spec);
    if (c->identity == IDENTITY_FULL) {
        table.relation.identity = IDENTITY_FULL;
        for (int i = 0; i < 3; i++)
            table.columns[i].identity = true;
    }
    recorded = recorder_make(r, &event, &records, &err);
    assert_int_equal(recorded, c->refusal == NULL);
    assert_int_equal(records.bad_values, c->bad_value_at == NULL ? 0 : 1);
    if (c->bad_value_at != NULL)
        assert_string_equal(records.bad_value_at, c->bad_value_at);
    if (recorded)
        check_record(c, &records);
    else
        assert_string_equal(err.text, c->refusal);
    recorder_destroy(r);
}

/* Tables that a rule leads to one topic share it. */
static void routes_tables_together(void **state)
{
    static const char *const to_all[] = {"p\\.public\\.(t|u)[0-9]=>all-$1"};
    const struct rule_case c = {.options.routes = {to_all, 1}};
    static const char *const names[][2] = {
        {"t1", "all-t"}, {"t2", "all-t"}, {"u1", "all-u"}, {"t", "p.public.t"}};
    struct recorder *r = recorder_of(&c);
    struct error err = {0};

    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(names); i++) {
        struct table_spec table;
        struct topic *topic;

        table_spec_read(&table, "public", names[i][0], "*k text");
        table.relation.oid = i + 1;
        topic = recorder_topic(r, &table.relation, &err);
        assert_non_null(topic);
        assert_string_equal(topic->name, names[i][1]);
    }
    recorder_destroy(r);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rule_cases) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(rule_cases); i++)
        tests[n++] =
            (struct CMUnitTest){rule_cases[i].name, records_as_ruled, NULL, NULL, &rule_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(routes_tables_together);
    return cmocka_run_group_tests_name("recorder_rules", tests, NULL, NULL);
}
