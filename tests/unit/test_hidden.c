/* Columns that rules hide: what is left of a uuid in Avro, and a hash that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/recorder.h"
#include "support/fake_digest.h"
#include "support/fake_registry.h"
#include "support/record_text.h"
#include "support/table_spec.h"

#define COLUMNS_MAX 4
#define UUID "0e02b2c3-d479-4a6b-9c1e-0123456789ab"
#define HEX_OF_HASH                                                                                \
    "8001" HEX_OF_AB HEX_OF_AB HEX_OF_AB HEX_OF_AB HEX_OF_AB HEX_OF_AB HEX_OF_AB HEX_OF_AB
#define HEX_OF_AB "6162616261626162"

static const char *const hash_v[] = {".*\\.v"}, *const mask_v[] = {"3:.*\\.v"},
                         *const cut_v[] = {"8:.*\\.v"};

/* Flat rows: what is tested stands alone in them. */
static struct recorder *recorder_of(enum encoding_kind encoding, enum avro_types types,
                                    const struct rule_options *rules,
                                    struct fake_registry *registry)
{
    const struct recorder_options options = {.topic_prefix = "p",
                                             .topic_delimiter = ".",
                                             .database = "d",
                                             .unavailable_value_placeholder = "?",
                                             .envelope = ENVELOPE_FLAT,
                                             .flat = {.prefix = "__", .deletes = FLAT_TOMBSTONE},
                                             .encoding = encoding,
                                             .avro_types = types,
                                             .rules = *rules,
                                             .registry = fake_registry_init(registry),
                                             .record_limit_bytes = 1 << 20};

    return recorder_create(&options);
}

/* ---- a uuid in Avro */

struct uuid_case {
    const char *name;
    enum avro_types types;
    struct rule_options rules;
    const char *spec, *row[COLUMNS_MAX];
    const char *schema; /* of the column v */
    const char *record; /* see record_text.h */
};

static struct uuid_case uuid_cases[] = {
    {.name = "as it is",
     .types = AVRO_TYPES_STANDARD,
     .spec = "v uuid",
     .row = {UUID},
     .schema = "[\"null\",{\"type\":\"string\",\"logicalType\":\"uuid\"}],\"default\":null",
     .record = "- 000000000102483065303262326333"
               "2d643437392d346136622d396331652d303132333435363738396162\n"},
    {.name = "masked",
     .types = AVRO_TYPES_STANDARD,
     .rules.mask = {mask_v, 1},
     .spec = "v uuid",
     .row = {UUID},
     .schema = "[\"null\",\"string\"],\"default\":null",
     .record = "- 000000000102062a2a2a\n"},
    {.name = "masked, with a default",
     .types = AVRO_TYPES_STANDARD,
     .rules.mask = {mask_v, 1},
     .spec = "v uuid ! = '" UUID "'::uuid",
     .row = {UUID},
     .schema = "\"string\",\"default\":\"***\"",
     .record = "- 0000000001062a2a2a\n"},
    {.name = "masked, with a default that a function makes",
     .types = AVRO_TYPES_STANDARD,
     .rules.mask = {mask_v, 1},
     .spec = "v uuid ! = gen_random_uuid()",
     .row = {UUID},
     .schema = "\"string\",\"default\":\"\"",
     .record = "- 0000000001062a2a2a\n"},
    {.name = "hashed",
     .types = AVRO_TYPES_STANDARD,
     .rules.hash = {hash_v, 1},
     .spec = "v uuid !",
     .row = {UUID},
     .schema = "\"string\"",
     .record = "- 0000000001" HEX_OF_HASH "\n"},
    {.name = "cut",
     .types = AVRO_TYPES_STANDARD,
     .rules.truncate = {cut_v, 1},
     .spec = "v uuid !",
     .row = {UUID},
     .schema = "\"string\"",
     .record = "- 0000000001103065303262326333\n"},
    {.name = "masked, in the words of Kafka Connect",
     .types = AVRO_TYPES_CONNECT,
     .rules.mask = {mask_v, 1},
     .spec = "v uuid !",
     .row = {UUID},
     .schema = "{\"type\":\"string\",\"connect.version\":1,\"connect.parameters\":{\"masked\":"
               "\"true\"},\"connect.name\":\"io.debezium.data.Uuid\"}",
     .record = "- 0000000001062a2a2a\n"},
};

static void hides_uuid(void **state)
{
    static const char head[] = "{\"name\":\"v\",\"type\":";
    const struct uuid_case *c = *state;
    struct fake_registry registry;
    struct recorder *r = recorder_of(ENCODING_AVRO, c->types, &c->rules, &registry);
    struct table_spec table;
    struct cell cells[COLUMNS_MAX];
    struct event event = {.kind = EVENT_INSERT, .relation = &table.relation};
    const char *schema;

    table_spec_read(&table, "public", "t", c->spec);
    event.row = record_text_row(c->row, cells, table.relation.column_count);
    record_text_assert(r, &event, record_text_whole, c->record);
    schema = fake_registry_schema(&registry, "p.public.t-value");
    assert_non_null(schema);
    schema = strstr(schema, head);
    assert_non_null(schema);
    schema += strlen(head);
    if (strncmp(schema, c->schema, strlen(c->schema)) != 0 || schema[strlen(c->schema)] != '}')
        fail_msg("%s", schema);
    recorder_destroy(r);
}

/* ---- a hash that fails */

struct failing_case {
    const char *name, *spec;
    enum event_kind kind;
    const char *old[COLUMNS_MAX], *row[COLUMNS_MAX];
};

static struct failing_case failing_cases[] = {
    {"of a value", "*id int4; v text", EVENT_INSERT, {NULL}, {"1", "secret"}},
    {"of a NOT NULL value", "*id int4; v text !", EVENT_INSERT, {NULL}, {"1", "secret"}},
    {"of a key", "*v text; n int4", EVENT_INSERT, {NULL}, {"secret", "1"}},
    {"of an old key", "*v text; n int4", EVENT_UPDATE, {"secret"}, {"other", "1"}},
    {"of an empty text", "*id int4; v text", EVENT_INSERT, {NULL}, {"1", ""}},
};

static void assert_refused(struct recorder *r, const struct event *event, const char *text)
{
    struct records records;
    struct error err = {0};

    assert_false(recorder_make(r, event, &records, &err));
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_string_equal(err.text, text);
    assert_int_equal(records.count, 0);
}

/* In every encoding; and nothing of it stays when hashes can be made again. */
static void refuses_value(void **state)
{
    const struct failing_case *c = *state;
    const struct rule_options rules = {.hash = {hash_v, 1}};

    for (int encoding = ENCODING_JSON; encoding <= ENCODING_AVRO; encoding++) {
        struct fake_registry registry;
        struct recorder *r =
            recorder_of((enum encoding_kind)encoding, AVRO_TYPES_CONNECT, &rules, &registry);
        struct table_spec table;
        struct cell row[COLUMNS_MAX], old[COLUMNS_MAX];
        struct event event = {.kind = c->kind,
                              .lsn = 100,
                              .old_kind = c->kind == EVENT_UPDATE ? OLD_KEY : OLD_NONE,
                              .relation = &table.relation,
                              .row = record_text_row(c->row, row, 2),
                              .old = record_text_row(c->old, old, 2)};
        struct records records;
        struct error err = {0};

        table_spec_read(&table, "public", "t", c->spec);
        for (int again = 0; again < 2; again++) {
            assert_true(recorder_make(r, &event, &records, &err));
            fake_digest_fail(true);
            assert_refused(r, &event,
                           "table public.t, column v: its value at LSN 0/64 cannot be hashed: no "
                           "memory, or OpenSSL has failed");
            fake_digest_fail(false);
        }
        recorder_destroy(r);
    }
}

/* The schema would tell another default than the next one that is compiled. */
static void refuses_default(void **state)
{
    const struct rule_options rules = {.hash = {hash_v, 1}};

    (void)state;
    for (int encoding = ENCODING_JSON; encoding <= ENCODING_AVRO; encoding++) {
        struct fake_registry registry;
        struct recorder *r =
            recorder_of((enum encoding_kind)encoding, AVRO_TYPES_CONNECT, &rules, &registry);
        struct table_spec table;
        struct error err = {0}, none = {0};

        table_spec_read(&table, "public", "t", "*id int4; v text ! = 'secret'::text");
        fake_digest_fail(true);
        assert_null(recorder_topic(r, &table.relation, &err));
        fake_digest_fail(false);
        assert_int_equal(err.kind, ERROR_SYSTEM);
        assert_string_equal(err.text, "table public.t, column v: its default cannot be hashed: no "
                                      "memory, or OpenSSL has failed");
        assert_int_equal(registry.count, 0);
        assert_non_null(recorder_topic(r, &table.relation, &none));
        recorder_destroy(r);
    }
}

static int digest_again(void **state)
{
    (void)state;
    fake_digest_fail(false);
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(uuid_cases) + ARRAY_LEN(failing_cases) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(uuid_cases); i++)
        tests[n++] =
            (struct CMUnitTest){uuid_cases[i].name, hides_uuid, NULL, NULL, &uuid_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(failing_cases); i++)
        tests[n++] = (struct CMUnitTest){failing_cases[i].name, refuses_value, NULL, digest_again,
                                         &failing_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test_teardown(refuses_default, digest_again);
    return cmocka_run_group_tests_name("hidden", tests, NULL, NULL);
}
