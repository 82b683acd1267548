/* The schemas of records against those that the reference wrote: its texts are in the folder
 * schemas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/mem.h"
#include "sinks/recorder.h"
#include "support/fake_registry.h"
#include "support/table_spec.h"

struct schema_row {
    const char *run, *schema, *table, *spec;
    enum name_adjustment names;
};

static const struct schema_row json_rows[] = {
    {"rows_schema", "public", "r_pk", "*id int4; v text; n int4 !; w text ! = 'd'::text", 0},
    {"rows_schema", "public", "r_nopk", "a int4; b text", 0},
    {"rows_schema", "public", "r_toast",
     "*id int4; n int4; t text; v varchar(20000); j json; jb jsonb; y bytea; ta text[]; ia int4[]; "
     "x xml; num numeric; tn text !; da date[]; ua uuid[]",
     0},
    {"types_scalar_schema", "public", "t_int", "*id int4; i2 int2; i4 int4; i8 int8; b bool; o oid",
     0},
    {"types_scalar_schema", "public", "t_float", "*id int4; f4 float4; f8 float8", 0},
    {"types_scalar_schema", "public", "t_text",
     "*id int4; t text; v varchar; v5 varchar(5); c1 bpchar(1); c6 bpchar(6); bp bpchar; ch char; "
     "nm name",
     0},
    {"types_scalar_schema", "public", "t_bits",
     "*id int4; b1 bit(1); b3 bit(3); b9 bit(9); b64 bit(64); vb varbit; vb1 varbit(1); vb12 "
     "varbit(12)",
     0},
    {"types_scalar_schema", "public", "t_bytes", "*id int4; y bytea", 0},
    {"types_scalar_schema", "public", "t_money", "*id int4; m money", 0},
    {"types_scalar_schema", "public", "t_serial",
     "*id int2 = nextval('t_serial_id_seq'::regclass); s int4 ! = "
     "nextval('t_serial_s_seq'::regclass); bs int8 ! = nextval('t_serial_bs_seq'::regclass); ga "
     "int4 !; gd int8 !; base int4",
     0},
    {"types_scalar_schema", "public", "t_default",
     "*id int4; a int4 = 42; b text = 'it''s'::text; c numeric(6,2) = 1.5; d timestamp = "
     "'2001-02-03 04:05:06'::timestamp without time zone; e timestamptz = now(); f bool ! = true; "
     "g "
     "uuid = gen_random_uuid(); h date ! = '1999-12-31'::date; i varchar(10) ! = 'x'::character "
     "varying; j jsonb = '{\"a\": 1}'::jsonb; k bytea = '\\x0102'::bytea; l int4[] = "
     "'{1,2}'::integer[]; m float8 = 2.5; n int8 ! = '-7'::integer; o interval = '1 "
     "day'::interval; p time = '10:00:00'::time without time zone; q int4 ! = (3 + 4); r numeric ! "
     "= 3.14; s text = upper('abc'::text); t int2",
     0},
    {"types_temporal_schema", "public", "d_date", "*id int4; d date", 0},
    {"types_temporal_schema", "public", "d_time",
     "*id int4; t time; t0 time(0); t3 time(3); t6 time(6); tz timetz; tz3 timetz(3)", 0},
    {"types_temporal_schema", "public", "d_ts",
     "*id int4; ts timestamp; ts0 timestamp(0); ts3 timestamp(3); ts4 timestamp(4); ts6 "
     "timestamp(6)",
     0},
    {"types_temporal_schema", "public", "d_tz",
     "*id int4; tz timestamptz; tz0 timestamptz(0); tz3 timestamptz(3)", 0},
    {"types_temporal_schema", "public", "d_iv",
     "*id int4; iv interval; iv0 interval; ym interval; ds interval", 0},
    {"types_array_schema", "public", "a_known",
     "*id int4; i2 int2[]; i4 int4[]; i8 int8[]; f4 float4[]; f8 float8[]; b bool[]; t text[]; v "
     "varchar(5)[]; c bpchar(4)[]; n62 numeric(6,2)[]; n numeric[]; d date[]; ti time[]; tz "
     "timetz[]; ts timestamp[]; tstz timestamptz[]; u uuid[]; j json[]; jb jsonb[]; y bytea[]; o "
     "oid[]; i text[]; ci text[]; m text[]; m8 text[]; r4 text[]; r8 text[]; rn text[]; rt text[]; "
     "rz text[]; rd text[]",
     0},
};

static const struct schema_row avro_rows[] = {
    {"rows_avro", "public", "r_pk", "*id int4; v text; n int4 !; w text ! = 'd'::text", NAMES_AVRO},
    {"rows_avro", "public", "r_nopk", "a int4; b text", NAMES_AVRO},
    {"types_scalar_avro", "public", "t_serial",
     "*id int2 = nextval('t_serial_id_seq'::regclass); base int4", NAMES_AVRO},
    {"types_scalar_avro", "public", "t_num", "*id int4; n numeric; n5 numeric(5,0)", NAMES_AVRO},
    {"names_avro", "with space", "a table", "*the-id int4", NAMES_AVRO},
    {"names_avro", "Mixed", "TableName", "*Id int4; camelCase text", NAMES_AVRO},
    {"names_avro", "\303\274n\303\257", "t\303\242ble_\346\227\245\346\234\254",
     "*\320\272\320\273\321\216\321\207 int4", NAMES_AVRO},
    {"names_avro_unicode", "\303\274n\303\257", "t\303\242ble_\346\227\245\346\234\254",
     "*\320\272\320\273\321\216\321\207 int4", NAMES_AVRO_UNICODE},
    {"names_avro_unicode", "public", "_under", "*_id int4; __v text", NAMES_AVRO_UNICODE},
};

static json_t *load(const char *run)
{
    char path[512];
    json_error_t error;
    json_t *texts;

    (void)snprintf(path, sizeof path, "%s/%s.json", SCHEMAS_FOLDER, run);
    texts = json_load_file(path, 0, &error);
    if (texts == NULL)
        fail_msg("%s: %s", path, error.text);
    return texts;
}

static void assert_among(json_t *texts, const char *text)
{
    for (size_t i = 0; i < json_array_size(texts); i++)
        if (strcmp(json_string_value(json_array_get(texts, i)), text) == 0)
            return;
    for (size_t i = 0; i < json_array_size(texts); i++)
        print_message("  one of %s\n", json_string_value(json_array_get(texts, i)));
    fail_msg("not among the reference's: %s", text);
}

static struct recorder_options options_of(const struct schema_row *row, enum encoding_kind encoding)
{
    return (struct recorder_options){.topic_prefix = row->run,
                                     .topic_delimiter = ".",
                                     .database = "depot",
                                     .truncates = true,
                                     .unavailable_value_placeholder = "?",
                                     .encoding = encoding,
                                     .names = row->names,
                                     .record_limit_bytes = 1 << 20};
}

/* The member "schema" of {"schema":...,"payload":...}; the payload does not hold the word. */
static char *schema_of(struct slice record)
{
    static const char head[] = "{\"schema\":", tail[] = ",\"payload\":";
    char *text = calloc(1, record.len + 1), *end = NULL;

    assert_non_null(text);
    assert_true(record.len > sizeof head && memcmp(record.at, head, sizeof head - 1) == 0);
    memcpy(text, record.at + sizeof head - 1, record.len - (sizeof head - 1));
    end = strstr(text, tail);
    assert_non_null(end);
    *end = '\0';
    return text;
}

static void assert_schema(json_t *texts, bool present, struct slice record)
{
    char *schema;

    if (!present)
        return;
    schema = schema_of(record);
    assert_among(texts, schema);
    free(schema);
}

/* A row of NULLs and, for the NOT NULL columns, of what every type reads: a truncate has no row. */
static void test_json(void **state)
{
    const struct schema_row *row = *state;
    struct recorder_options options = options_of(row, ENCODING_JSON_SCHEMA);
    struct recorder *recorder = recorder_create(&options);
    struct table_spec table;
    const struct relation *truncated[] = {&table.relation};
    struct event event = {.kind = EVENT_TRUNCATE, .truncated = truncated, .truncated_count = 1};
    struct records records;
    struct error err = {0};
    json_t *texts = load(row->run);

    table_spec_read(&table, row->schema, row->table, row->spec);
    if (!recorder_make(recorder, &event, &records, &err))
        fail_msg("%s", err.text);
    assert_schema(texts, true, records.at[0].value);
    json_decref(texts);
    recorder_destroy(recorder);
}

/* Keys come with rows: here of one integer column. */
static void test_json_key(void **state)
{
    const struct schema_row row = {"rows_schema", "public", "r_pk", "*id int4", 0};
    struct recorder_options options = options_of(&row, ENCODING_JSON_SCHEMA);
    struct recorder *recorder = recorder_create(&options);
    struct table_spec table;
    const struct cell cell = {CELL_TEXT, slice_text("7")};
    struct event event = {.kind = EVENT_INSERT, .row = {&cell, 1}};
    struct records records;
    struct error err = {0};
    json_t *texts = load(row.run);

    (void)state;
    table_spec_read(&table, row.schema, row.table, row.spec);
    event.relation = &table.relation;
    assert_true(recorder_make(recorder, &event, &records, &err));
    assert_schema(texts, records.at[0].has_key, records.at[0].key);
    assert_int_equal(records.at[0].partition_key.len, 8);
    assert_memory_equal(records.at[0].partition_key.at, "{\"id\":7}", 8);
    json_decref(texts);
    recorder_destroy(recorder);
}

static void test_json_message(void **state)
{
    const struct schema_row row = {"messages_schema", "", "", "", 0};
    struct recorder_options options = options_of(&row, ENCODING_JSON_SCHEMA);
    struct recorder *recorder = recorder_create(&options);
    struct event event = {
        .kind = EVENT_MESSAGE, .prefix = slice_text("p"), .content = slice_text("c")};
    struct records records;
    struct error err = {0};
    json_t *texts = load(row.run);

    (void)state;
    assert_true(recorder_make(recorder, &event, &records, &err));
    assert_schema(texts, true, records.at[0].key);
    assert_schema(texts, true, records.at[0].value);
    json_decref(texts);
    recorder_destroy(recorder);
}

/* The reference keeps each record as a schema of its own and refers to it by name; so may we,
 * for comparing: {"type":"record",...} within becomes "Value", or "event.block" from elsewhere. */
static json_t *by_name(json_t *node, const char *space, bool top)
{
    const char *name = json_string_value(json_object_get(node, "name"));
    const char *own = json_string_value(json_object_get(node, "namespace"));
    const char *type = json_string_value(json_object_get(node, "type"));
    bool record = type != NULL && strcmp(type, "record") == 0;
    json_t *made, *value;
    const char *key;
    size_t i;

    if (json_is_array(node)) {
        made = json_array();
        json_array_foreach(node, i, value)
            json_array_append_new(made, by_name(value, space, false));
        return made;
    }
    if (!json_is_object(node))
        return json_incref(node);
    if (own == NULL)
        own = space;
    if (record && !top)
        return strcmp(own, space) == 0 ? json_string(name) : json_sprintf("%s.%s", own, name);
    made = json_object();
    json_object_foreach(node, key, value)
        json_object_set_new(made, key, by_name(value, record ? own : space, false));
    return made;
}

static void assert_avro(json_t *texts, const char *schema)
{
    json_error_t error;
    json_t *parsed, *named;
    char *text;

    assert_non_null(schema);
    parsed = json_loads(schema, 0, &error);
    if (parsed == NULL)
        fail_msg("%s in %s", error.text, schema);
    named = by_name(parsed, "", true);
    text = json_dumps(named, JSON_COMPACT | JSON_ENSURE_ASCII * 0);
    assert_among(texts, text);
    free(text);
    json_decref(named);
    json_decref(parsed);
}

static void test_avro(void **state)
{
    const struct schema_row *row = *state;
    struct recorder_options options = options_of(row, ENCODING_AVRO);
    struct fake_registry registry;
    struct recorder *recorder;
    struct table_spec table;
    struct topic *topic;
    struct error err = {0};
    char subject[256];
    json_t *texts = load(row->run);

    options.registry = fake_registry_init(&registry);
    recorder = recorder_create(&options);
    table_spec_read(&table, row->schema, row->table, row->spec);
    topic = recorder_topic(recorder, &table.relation, &err);
    if (topic == NULL)
        fail_msg("%s", err.text);
    (void)snprintf(subject, sizeof subject, "%s-value", topic->name);
    assert_avro(texts, fake_registry_schema(&registry, subject));
    (void)snprintf(subject, sizeof subject, "%s-key", topic->name);
    if (table.relation.key_count > 0 && strcmp(row->table, "a table") != 0)
        assert_avro(texts, fake_registry_schema(&registry, subject));
    json_decref(texts);
    recorder_destroy(recorder);
}

static void test_avro_message(void **state)
{
    const struct schema_row row = {"messages_avro", "", "", "", 0};
    struct recorder_options options = options_of(&row, ENCODING_AVRO);
    struct fake_registry registry;
    struct recorder *recorder;
    struct event event = {
        .kind = EVENT_MESSAGE, .prefix = slice_text("p"), .content = slice_text("c")};
    struct records records;
    struct error err = {0};
    json_t *texts = load(row.run);

    (void)state;
    options.registry = fake_registry_init(&registry);
    recorder = recorder_create(&options);
    assert_true(recorder_make(recorder, &event, &records, &err));
    assert_avro(texts, fake_registry_schema(&registry, "messages_avro.message-key"));
    assert_avro(texts, fake_registry_schema(&registry, "messages_avro.message-value"));
    json_decref(texts);
    recorder_destroy(recorder);
}

/* The example of AvroData's mapping: every property in its place, names from their second use. */
static void test_avro_whole(void **state)
{
    const struct schema_row row = {"relay1", "public", "shipment", "", 0};
    struct recorder_options options = options_of(&row, ENCODING_AVRO);
    struct fake_registry registry;
    struct recorder *recorder;
    struct table_spec table;
    struct error err = {0};
    static const char expect[] =
        "{\"type\":\"record\",\"name\":\"Envelope\",\"namespace\":\"relay1.public.shipment\","
        "\"fields\":[{\"name\":\"before\",\"type\":[\"null\",{\"type\":\"record\",\"name\":"
        "\"Value\",\"fields\":[{\"name\":\"id\",\"type\":{\"type\":\"long\",\"connect.default\":0},"
        "\"default\":0},{\"name\":\"label\",\"type\":\"string\"},{\"name\":\"weight\",\"type\":["
        "\"null\",{\"type\":\"bytes\",\"scale\":3,\"precision\":8,\"connect.version\":1,"
        "\"connect.parameters\":{\"scale\":\"3\",\"connect.decimal.precision\":\"8\"},"
        "\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}],"
        "\"default\":null},{\"name\":\"packed_at\",\"type\":[\"null\",{\"type\":\"string\","
        "\"connect.version\":1,\"connect.name\":\"io.debezium.time.ZonedTimestamp\"}],\"default\":"
        "null},{\"name\":\"attrs\",\"type\":[\"null\",{\"type\":\"string\",\"connect.version\":1,"
        "\"connect.name\":\"io.debezium.data.Json\"}],\"default\":null},{\"name\":\"price\","
        "\"type\":[{\"type\":\"bytes\",\"scale\":2,\"precision\":6,\"connect.version\":1,"
        "\"connect.parameters\":{\"scale\":\"2\",\"connect.decimal.precision\":\"6\"},"
        "\"connect.default\":\"\\u0000\302\226\",\"connect.name\":"
        "\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"},\"null\"],"
        "\"default\":\"\\u0000\302\226\"},{\"name\":\"any\",\"type\":[\"null\",{\"type\":"
        "\"record\",\"name\":\"VariableScaleDecimal\",\"namespace\":\"io.debezium.data\","
        "\"fields\":[{\"name\":\"scale\",\"type\":\"int\"},{\"name\":\"value\",\"type\":"
        "\"bytes\"}],\"connect.doc\":\"Variable scaled decimal\",\"connect.version\":1,"
        "\"connect.name\":\"io.debezium.data.VariableScaleDecimal\"}],\"default\":null},{\"name\":"
        "\"many\",\"type\":[\"null\",{\"type\":\"array\",\"items\":[\"null\","
        "\"io.debezium.data.VariableScaleDecimal\"]}],\"default\":null}],\"connect.name\":"
        "\"relay1.public.shipment.Value\"}],\"default\":null},{\"name\":\"after\",\"type\":["
        "\"null\",\"Value\"],\"default\":null},{\"name\":\"source\",\"type\":{\"type\":\"record\","
        "\"name\":\"Source\",\"namespace\":\"io.debezium.connector.postgresql\",\"fields\":[";
    const char *text;

    (void)state;
    options.registry = fake_registry_init(&registry);
    recorder = recorder_create(&options);
    table_spec_read(&table, row.schema, row.table,
                    "*id int8 = nextval('s'::regclass); label text !; weight numeric(8,3); "
                    "packed_at timestamptz; attrs jsonb; price numeric(6,2) = 1.5; any numeric; "
                    "many numeric[]");
    assert_non_null(recorder_topic(recorder, &table.relation, &err));
    text = fake_registry_schema(&registry, "relay1.public.shipment-value");
    assert_non_null(text);
    if (strncmp(text, expect, sizeof expect - 1) != 0)
        fail_msg("%s", text);
    assert_string_equal(fake_registry_schema(&registry, "relay1.public.shipment-key"),
                        "{\"type\":\"record\",\"name\":\"Key\",\"namespace\":"
                        "\"relay1.public.shipment\",\"fields\":[{\"name\":\"id\",\"type\":{"
                        "\"type\":\"long\",\"connect.default\":0},\"default\":0}],"
                        "\"connect.name\":\"relay1.public.shipment.Key\"}");
    recorder_destroy(recorder);
}

static const char *const one_v[] = {"public\\.t\\.v"}, *const five_v[] = {"5:public\\.t\\.v"};

/* What a single column becomes in the schema. */
static const struct told_row {
    const char *name, *spec;
    enum encoding_kind encoding;
    struct type_modes types;
    struct rule_options rules;
    bool in_domain;
    const char *expect;
} told_rows[] = {
    {.name = "masked",
     .spec = "v text",
     .encoding = ENCODING_JSON_SCHEMA,
     .rules.mask = {five_v, 1},
     .expect = "{\"type\":\"string\",\"optional\":true,\"parameters\":{\"masked\":\"true\"},"
               "\"field\":\"v\"}"},
    {.name = "hashed",
     .spec = "v text !",
     .encoding = ENCODING_JSON_SCHEMA,
     .rules.hash = {one_v, 1},
     .expect = "\"optional\":false,\"parameters\":{\"masked\":\"true\"},\"field\":\"v\"}"},
    {.name = "cut, as its default is",
     .spec = "v varchar(20) = 'abcdefg'::character varying",
     .encoding = ENCODING_JSON_SCHEMA,
     .rules.truncate = {five_v, 1},
     .expect = "\"parameters\":{\"truncateLength\":\"5\"},\"default\":\"abcde\",\"field\":\"v\"}"},
    {.name = "cut, in Avro",
     .spec = "v text",
     .encoding = ENCODING_AVRO,
     .rules.truncate = {five_v, 1},
     .expect =
         "[\"null\",{\"type\":\"string\",\"connect.parameters\":{\"truncateLength\":\"5\"}}]"},
    {.name = "a decimal as text has all digits",
     .spec = "v numeric(6,2) = 1.5",
     .encoding = ENCODING_JSON_SCHEMA,
     .types.decimal = DECIMAL_STRING,
     .expect = "\"default\":\"1.50\",\"field\":\"v\"}"},
    {.name = "a decimal as text, computed",
     .spec = "v numeric(6,3) = random()",
     .encoding = ENCODING_JSON_SCHEMA,
     .types.decimal = DECIMAL_STRING,
     .expect = "\"default\":\"0.000\",\"field\":\"v\"}"},
    {.name = "bytes as text have no default",
     .spec = "v bytea = '\\x0102'::bytea",
     .encoding = ENCODING_JSON_SCHEMA,
     .types.binary = BINARY_HEX,
     .expect = "{\"type\":\"string\",\"optional\":true,\"field\":\"v\"}"},
    {.name = "Avro has no default that is no number",
     .spec = "v float8 = 'NaN'::double precision",
     .encoding = ENCODING_AVRO,
     .expect = "{\"name\":\"v\",\"type\":[\"null\",\"double\"],\"default\":null}"},
    {.name = "Avro has no default of bytes within a struct",
     .spec = "v point ! = '(1,2)'::point",
     .encoding = ENCODING_AVRO,
     .expect = "\"connect.name\":\"io.debezium.data.geometry.Point\"}}]"},
    {.name = "a domain's column has no default",
     .spec = "v int4 ! = 5",
     .encoding = ENCODING_JSON_SCHEMA,
     .in_domain = true,
     .expect = "{\"type\":\"int32\",\"optional\":false,\"field\":\"v\"}"},
};

static void test_told(void **state)
{
    const struct told_row *row = *state;
    const struct schema_row place = {"p", "public", "t", "", 0};
    struct recorder_options options = options_of(&place, row->encoding);
    struct fake_registry registry;
    struct recorder *recorder;
    struct table_spec table;
    const struct relation *truncated[] = {&table.relation};
    struct event event = {.kind = EVENT_TRUNCATE, .truncated = truncated, .truncated_count = 1};
    struct type domain = {.kind = TYPE_DOMAIN, .oid = 50000, .base_typmod = -1};
    struct records records;
    struct error err = {0};
    char *text;

    options.types = row->types;
    options.rules = row->rules;
    if (row->encoding == ENCODING_AVRO)
        options.registry = fake_registry_init(&registry);
    recorder = recorder_create(&options);
    table_spec_read(&table, "public", "t", row->spec);
    if (row->in_domain) {
        domain.base = table.columns[0].type;
        table.columns[0].type = &domain;
    }
    assert_true(recorder_make(recorder, &event, &records, &err));
    text = row->encoding == ENCODING_AVRO
               ? mem_text(fake_registry_schema(&registry, "p.public.t-value"))
               : schema_of(records.at[0].value);
    if (strstr(text, row->expect) == NULL)
        fail_msg("%s", text);
    free(text);
    recorder_destroy(recorder);
}

/* Without a schema too: readers of JSON keep one of two members of a name. */
static void assert_json_refuses(const struct table_spec *table)
{
    const struct schema_row row = {"p", "public", "t", "", NAMES_AVRO};
    struct recorder_options options = options_of(&row, ENCODING_JSON);
    struct recorder *recorder = recorder_create(&options);
    struct error err = {0};

    assert_null(recorder_topic(recorder, &table->relation, &err));
    assert_non_null(strstr(err.text, "two columns come to the same name a_b"));
    recorder_destroy(recorder);
}

/* What stops a table before anything of it is written. */
static void test_refused(void **state)
{
    const struct schema_row row = {"p", "public", "t", "", NAMES_AVRO};
    struct recorder_options options = options_of(&row, ENCODING_AVRO);
    struct fake_registry registry;
    struct recorder *recorder;
    struct table_spec table;
    struct error err = {0};

    (void)state;
    options.registry = fake_registry_init(&registry);
    recorder = recorder_create(&options);
    table_spec_read(&table, "public", "t", "a-b int4; a+b int4");
    assert_null(recorder_topic(recorder, &table.relation, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "two columns come to the same name a_b"));
    assert_json_refuses(&table);
    table_spec_read(&table, "public", "t", "a int4");
    err = (struct error){0};
    registry.fails = ERROR_LINK;
    assert_null(recorder_topic(recorder, &table.relation, &err));
    assert_int_equal(err.kind, ERROR_LINK);
    assert_string_equal(err.text, "table public.t: subject p.public.t-value: refused");
    registry.fails = ERROR_NONE;
    assert_non_null(recorder_topic(recorder, &table.relation, &err));
    recorder_destroy(recorder);
}

/* The catalogue was read later than the row was written: NOT NULL came in between.  The schema that
 * the row goes by allows the NULL; which column, however many. */
static void test_null_where_there_should_be_none(void **state)
{
    const struct schema_row row = {"p", "public", "t", "", NAMES_AVRO};
    const enum encoding_kind encodings[] = {ENCODING_AVRO, ENCODING_JSON_SCHEMA};
    const struct cell cells[] = {
        {CELL_TEXT, slice_text("7")}, {.kind = CELL_NULL}, {.kind = CELL_NULL}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
        struct recorder_options options = options_of(&row, encodings[i]);
        struct fake_registry registry;
        struct recorder *recorder;
        struct table_spec table;
        struct records records;
        struct event event = {.kind = EVENT_INSERT, .row = {cells, 3}};
        struct error err = {0};

        options.registry = fake_registry_init(&registry);
        recorder = recorder_create(&options);
        table_spec_read(&table, "public", "t", "*id int4; a text !; b int4 !");
        event.relation = &table.relation;
        if (!recorder_make(recorder, &event, &records, &err))
            fail_msg("%s", err.text);
        assert_int_equal(records.count, 1);
        if (encodings[i] == ENCODING_AVRO) {
            const char *last = (const char *)registry.kept[registry.count - 1].schema.at;

            assert_non_null(strstr(last, "{\"name\":\"a\",\"type\":[\"null\",\"string\"]"));
            assert_non_null(strstr(last, "{\"name\":\"b\",\"type\":[\"null\",\"int\"]"));
            assert_non_null(strstr(last, "{\"name\":\"id\",\"type\":\"int\"}"));
        } else {
            json_t *record =
                json_loadb((const char *)records.at[0].value.at, records.at[0].value.len, 0, NULL);
            json_t *envelope = json_object_get(json_object_get(record, "schema"), "fields");
            json_t *columns = json_object_get(json_array_get(envelope, 1), "fields");

            for (size_t k = 0; k < 3; k++)
                assert_int_equal(
                    json_is_true(json_object_get(json_array_get(columns, k), "optional")), k > 0);
            json_decref(record);
        }
        recorder_destroy(recorder);
    }
}

/* Nothing was taken: the same event again, which then is there once. */
static void test_registry_that_waits(void **state)
{
    const struct schema_row row = {"p", "public", "t", "", NAMES_AVRO};
    struct recorder_options options = options_of(&row, ENCODING_AVRO);
    const struct cell cells[] = {{CELL_TEXT, slice_text("7")}};
    struct event event = {.kind = EVENT_INSERT, .row = {cells, 1}};
    struct fake_registry registry;
    struct recorder *recorder;
    struct table_spec table;
    struct records records;
    struct error err = {0};

    (void)state;
    options.registry = fake_registry_init(&registry);
    registry.fails = ERROR_WAITING;
    recorder = recorder_create(&options);
    table_spec_read(&table, "public", "t", "*id int4");
    event.relation = &table.relation;
    for (int i = 0; i < 3; i++) {
        err = (struct error){0};
        assert_false(recorder_make(recorder, &event, &records, &err));
        assert_int_equal(err.kind, ERROR_WAITING);
        assert_string_equal(err.text, "table public.t: subject p.public.t-key: refused");
    }
    registry.fails = ERROR_NONE;
    err = (struct error){0};
    assert_true(recorder_make(recorder, &event, &records, &err));
    assert_int_equal(records.count, 1);
    recorder_destroy(recorder);
}

static void test_subjects(void **state)
{
    static const struct {
        enum subject_strategy strategy;
        const char *subject;
    } rows[] = {{SUBJECT_TOPIC, "p.public.t-value"},
                {SUBJECT_RECORD, "p.public.t.Envelope"},
                {SUBJECT_TOPIC_RECORD, "p.public.t-p.public.t.Envelope"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct schema_row row = {"p", "public", "t", "", NAMES_AVRO};
        struct recorder_options options = options_of(&row, ENCODING_AVRO);
        struct fake_registry registry;
        struct recorder *recorder;
        struct table_spec table;
        struct error err = {0};

        options.subjects = rows[i].strategy;
        options.registry = fake_registry_init(&registry);
        recorder = recorder_create(&options);
        table_spec_read(&table, "public", "t", "a int4");
        assert_non_null(recorder_topic(recorder, &table.relation, &err));
        assert_non_null(fake_registry_schema(&registry, rows[i].subject));
        recorder_destroy(recorder);
    }
}

static struct CMUnitTest test_of(const struct schema_row *row, CMUnitTestFunction run)
{
    return (struct CMUnitTest){
        .name = row->table, .test_func = run, .initial_state = (void *)(uintptr_t)row};
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(json_rows) + ARRAY_LEN(avro_rows)];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_json_key),
        cmocka_unit_test(test_json_message),
        cmocka_unit_test(test_avro_message),
        cmocka_unit_test(test_avro_whole),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_null_where_there_should_be_none),
        cmocka_unit_test(test_registry_that_waits),
        cmocka_unit_test(test_subjects),
    };
    struct CMUnitTest told[ARRAY_LEN(told_rows)];
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(told_rows); i++)
        told[i] = (struct CMUnitTest){.name = told_rows[i].name,
                                      .test_func = test_told,
                                      .initial_state = (void *)(uintptr_t)&told_rows[i]};
    for (size_t i = 0; i < ARRAY_LEN(json_rows); i++)
        tests[count++] = test_of(&json_rows[i], test_json);
    for (size_t i = 0; i < ARRAY_LEN(avro_rows); i++)
        tests[count++] = test_of(&avro_rows[i], test_avro);
    return cmocka_run_group_tests(told, NULL, NULL) + cmocka_run_group_tests(tests, NULL, NULL) +
           cmocka_run_group_tests(others, NULL, NULL);
}
