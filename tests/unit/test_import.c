/* Configurations of Debezium's connector become ours: they load, say what they said, and tell what
 * is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/attr.h"
#include "relay/command_import.h"
#include "relay/import_pattern.h"
#include "relay/option_table.h"
#include "tests/support/options_folder.h"

/* What a run of the command did. */
struct run {
    enum exit_code code;
    char *yaml, *notes;
};

static struct run run_import(const char *input, const char *output)
{
    struct run run = {0};
    size_t yaml_size, notes_size;
    FILE *yaml = open_memstream(&run.yaml, &yaml_size);
    FILE *notes = open_memstream(&run.notes, &notes_size);

    assert_non_null(yaml);
    assert_non_null(notes);
    run.code = command_import(input, output, yaml, notes);
    assert_int_equal(fclose(yaml), 0);
    assert_int_equal(fclose(notes), 0);
    return run;
}

static void run_done(struct run *run)
{
    free(run->yaml);
    free(run->notes);
}

static struct run run_text(const char *text)
{
    write_text("connector", text);
    return run_import("connector", NULL);
}

/* Whatever a configuration takes from the environment. */
static void set_variables(void)
{
    static const char *const names[] = {"MILLRACE_PASSWORD",
                                        "MILLRACE_SALT",
                                        "MILLRACE_USER",
                                        "MILLRACE_BOOTSTRAP_SERVERS",
                                        "KAFKA_PASSWORD",
                                        "DB_HOST",
                                        "REGISTRY_PASSWORD",
                                        "REGISTRY_TOKEN",
                                        "PGPASS",
                                        "MILLRACE_HOST",
                                        "MILLRACE_DATABASE",
                                        "MILLRACE_PATTERN_1",
                                        "MILLRACE_URL",
                                        "MILLRACE_TOPIC",
                                        "MILLRACE_PATTERN_2",
                                        "MILLRACE_PATTERN_3",
                                        "MILLRACE_PATTERN_4"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(setenv(names[i], "from-the-environment", 1), 0);
}

static struct options *load(const char *yaml)
{
    struct error err = {0};
    struct options *options;

    set_variables();
    write_text(FILE_NAME, yaml);
    options = options_load(FILE_NAME, NULL, 0, &err);
    assert_string_equal(err.text, "");
    assert_non_null(options);
    return options;
}

static char *content_of(const char *path)
{
    char *text = calloc(1, 65536);
    FILE *file = fopen(path, "rb");

    assert_non_null(text);
    assert_non_null(file);
    assert_true(fread(text, 1, 65535, file) < 65535);
    assert_int_equal(ferror(file), 0);
    assert_int_equal(fclose(file), 0);
    return text;
}

/* ---- samples ---- */

#define SAMPLE(name) SAMPLES_FOLDER "/" name

/* What options of a sample are, as `--print-config` tells them. */
static struct value_case {
    const char *sample, *path, *value;
} value_cases[] = {
    {SAMPLE("inventory.properties"), "name", "\"inventory-connector\""},
    {SAMPLE("inventory.properties"), "source.postgres.host", "\"postgres.internal\""},
    {SAMPLE("inventory.properties"), "source.postgres.port", "\"5433\""},
    {SAMPLE("inventory.properties"), "source.postgres.database", "\"inventory\""},
    {SAMPLE("inventory.properties"), "source.postgres.user", "\"debezium\""},
    {SAMPLE("inventory.properties"), "source.postgres.password", "\"***\""},
    {SAMPLE("inventory.properties"), "source.postgres.sslmode", "\"verify-full\""},
    {SAMPLE("inventory.properties"), "source.postgres.sslrootcert", "\"/etc/ssl/root.pem\""},
    {SAMPLE("inventory.properties"), "slot.name", "\"inventory_slot\""},
    {SAMPLE("inventory.properties"), "publication.name", "\"inventory_pub\""},
    {SAMPLE("inventory.properties"), "publication.create", "filtered"},
    {SAMPLE("inventory.properties"), "publication.via_root", "false"},
    {SAMPLE("inventory.properties"), "tables.include",
     "[\"public.inventory\", \"public.orders_[0-9]+\", \"audit\\\\.[A-Za-z0-9_-]+\"]"},
    {SAMPLE("inventory.properties"), "topics.key_columns",
     "[\"(.*).customers:pk1,pk2\", \"public.products:sku\"]"},
    {SAMPLE("inventory.properties"), "columns.mask", "[\"6:public.customers.phone\"]"},
    {SAMPLE("inventory.properties"), "columns.truncate",
     "[\"20:public.orders.note\", \"20:public.orders.title\"]"},
    {SAMPLE("inventory.properties"), "columns.hash", "[\"public.customers.email\"]"},
    {SAMPLE("inventory.properties"), "columns.hash_algorithm", "sha-512"},
    {SAMPLE("inventory.properties"), "columns.hash_salt", "\"***\""},
    {SAMPLE("inventory.properties"), "snapshot.mode", "initial"},
    {SAMPLE("inventory.properties"), "snapshot.workers", "4"},
    {SAMPLE("inventory.properties"), "topics.prefix", "\"fulfillment\""},
    {SAMPLE("inventory.properties"), "topics.tombstones", "false"},
    {SAMPLE("inventory.properties"), "topics.truncates", "true"},
    {SAMPLE("inventory.properties"), "topics.skipped_operations", "[]"},
    {SAMPLE("inventory.properties"), "types.decimal", "string"},
    {SAMPLE("inventory.properties"), "types.time", "connect"},
    {SAMPLE("inventory.properties"), "types.interval", "string"},
    {SAMPLE("inventory.properties"), "types.binary", "base64-url-safe"},
    {SAMPLE("inventory.properties"), "types.hstore", "map"},
    {SAMPLE("inventory.properties"), "encoding", "json"},
    {SAMPLE("inventory.properties"), "compatibility", "debezium-3"},
    {SAMPLE("inventory.properties"), "commit.records", "200000"},
    {SAMPLE("inventory.properties"), "kafka.bootstrap_servers", "\"kafka-1:9092,kafka-2:9092\""},

    {SAMPLE("registry.json"), "name", "\"orders-cdc\""},
    {SAMPLE("registry.json"), "source.postgres.host", "\"from-the-environment\""},
    {SAMPLE("registry.json"), "source.postgres.user", "\"from-the-environment\""},
    {SAMPLE("registry.json"), "tables.include",
     "[\"(sales)\\\\..*\", \"(billing_[0-9]{2})\\\\..*\"]"},
    {SAMPLE("registry.json"), "publication.create", "no"},
    {SAMPLE("registry.json"), "publication.name", "\"dbz_publication\""},
    {SAMPLE("registry.json"), "publication.via_root", "true"},
    {SAMPLE("registry.json"), "slot.name", "\"debezium\""},
    {SAMPLE("registry.json"), "encoding", "avro"},
    {SAMPLE("registry.json"), "schema_registry.url", "\"https://registry:8081\""},
    {SAMPLE("registry.json"), "schema_registry.user", "\"relay\""},
    {SAMPLE("registry.json"), "schema_registry.password", "\"***\""},
    {SAMPLE("registry.json"), "schema_registry.ca", "\"/etc/registry/ca.pem\""},
    {SAMPLE("registry.json"), "schema_registry.subjects", "topic-record"},
    {SAMPLE("registry.json"), "names.adjust", "avro"},
    {SAMPLE("registry.json"), "topics.partitions", "6"},
    {SAMPLE("registry.json"), "topics.replication_factor", "3"},
    {SAMPLE("registry.json"), "topics.cleanup_policy", "\"compact\""},
    {SAMPLE("registry.json"), "topics.route",
     "[\"orders\\\\.sales\\\\.([A-Za-z0-9_]+)_[0-9]+=>shop.$$1\"]"},
    {SAMPLE("registry.json"), "topics.truncates", "false"},
    {SAMPLE("registry.json"), "kafka.bootstrap_servers", "\"b1:9093,b2:9093\""},
    {SAMPLE("registry.json"), "kafka.message_max", "10MiB"},
    {SAMPLE("registry.json"), "kafka.properties.security.protocol", "\"SASL_SSL\""},
    {SAMPLE("registry.json"), "kafka.properties.sasl.mechanism", "\"SCRAM-SHA-512\""},
    {SAMPLE("registry.json"), "kafka.properties.sasl.username", "\"cdc\""},
    {SAMPLE("registry.json"), "kafka.properties.sasl.password", "\"***\""},
    {SAMPLE("registry.json"), "kafka.properties.ssl.ca.location", "\"/etc/kafka/ca.pem\""},
    {SAMPLE("registry.json"), "kafka.properties.compression.type", "\"zstd\""},
    {SAMPLE("registry.json"), "kafka.properties.linger.ms", "\"20\""},

    {SAMPLE("minimal.json"), "name", "\"server1\""},
    {SAMPLE("minimal.json"), "topics.prefix", "\"server1\""},
    {SAMPLE("minimal.json"), "slot.name", "\"server1\""}, /* decoderbufs' cannot be taken over */
    {SAMPLE("minimal.json"), "encoding", "json-schema"},
    {SAMPLE("minimal.json"), "kafka.bootstrap_servers", "\"from-the-environment\""},

    {SAMPLE("server.properties"), "name", "\"tutorial\""},
    {SAMPLE("server.properties"), "encoding", "json"},
    {SAMPLE("server.properties"), "tables.exclude", "[\"(audit)\\\\..*\", \"(tmp_.*)\\\\..*\"]"},
    {SAMPLE("server.properties"), "kafka.bootstrap_servers", "\"kafka:9092\""},
    {SAMPLE("server.properties"), "kafka.properties.client.id", "\"cdc\""},

    {SAMPLE("old.properties"), "name", "\"old_connector-1\""},
    {SAMPLE("old.properties"), "source.postgres.host", "\"10.0.0.7\""},
    {SAMPLE("old.properties"), "source.postgres.user", "\"replicator\""},
    {SAMPLE("old.properties"), "topics.prefix", "\"dbserver1\""},
    {SAMPLE("old.properties"), "tables.include", "[\"public\\\\.(a|b)_[0-9]+\", \"public.c\"]"},
    {SAMPLE("old.properties"), "columns.exclude", "[\"public.c.secret\"]"},
    {SAMPLE("old.properties"), "topics.unavailable_value_placeholder", "\"__gone\""},
    {SAMPLE("old.properties"), "kafka.bootstrap_servers", "\"k:9092\""},

    {SAMPLE("patterns.json"), "tables.include",
     "[\"from-the-environment\", \"public.t\\\\$$1\\\\.x\", \"public.[^0-9_]+\", "
     "\"from-the-environment\", \"s.x*\", \"from-the-environment\"]"},
    {SAMPLE("patterns.json"), "topics.route",
     "[\"p_public_orders_shard[0-9]=>p_public_orders\", \"from-the-environment=>$$1\"]"},
    {SAMPLE("patterns.json"), "topics.unavailable_value_placeholder",
     "\"$${weird}$$$$ \\\"quoted\\\" \\\\ back\""},
    {SAMPLE("patterns.json"), "topics.delimiter", "\"_\""},
    {SAMPLE("patterns.json"), "topics.partitions", "1"},
    {SAMPLE("patterns.json"), "messages.include", "[\"outbox.*\"]"},
    {SAMPLE("patterns.json"), "schema_registry.url", "\"http://apicurio:8080/apis/ccompat/v7\""},
};

static void samples_say_the_same(void **state)
{
    const struct value_case *c = *state;
    struct run run = run_import(c->sample, NULL);
    struct options *options;
    char *value;

    assert_int_equal(run.code, EXIT_OK);
    options = load(run.yaml);
    value = effective(options, c->path);
    assert_non_null(value);
    assert_string_equal(value, c->value);
    free(value);
    options_destroy(options);
    run_done(&run);
}

/* Properties that are told of, and how. */
static struct note_case {
    const char *sample, *note;
} note_cases[] = {
    {SAMPLE("inventory.properties"), "look at: slot.name: the slot exists"},
    {SAMPLE("inventory.properties"), "look at: database.password: secrets are not copied: set the "
                                     "environment variable MILLRACE_PASSWORD"},
    {SAMPLE("inventory.properties"),
     "look at: column.mask.hash.v2.SHA-512.with.salt.***: secrets are not copied: set the "
     "environment variable MILLRACE_SALT"},
    {SAMPLE("inventory.properties"), "look at: table.include.list: Debezium ignores the case"},
    {SAMPLE("inventory.properties"), "not carried over: max.batch.size: "},
    {SAMPLE("inventory.properties"), "not carried over: poll.interval.ms: "},
    {SAMPLE("inventory.properties"), "not carried over: signal.data.collection: "},
    {SAMPLE("registry.json"), "look at: name: a relay's name is made of"},
    {SAMPLE("registry.json"), "look at: database.user: its value stands elsewhere"},
    {SAMPLE("registry.json"), "look at: producer.override.sasl.jaas.config: "},
    {SAMPLE("registry.json"), "not carried over: snapshot.mode: when_needed"},
    {SAMPLE("registry.json"), "not carried over: include.unknown.datatypes: "},
    {SAMPLE("registry.json"), "not carried over: value.converter.auto.register.schemas: "},
    {SAMPLE("registry.json"), "not carried over: producer.override.acks: "},
    {SAMPLE("registry.json"), "not carried over: topic.creation.default.retention.ms: "},
    {SAMPLE("minimal.json"), "look at: plugin.name: not given, so decoderbufs"},
    {SAMPLE("minimal.json"), "look at: publication.autocreate.mode: all_tables"},
    {SAMPLE("minimal.json"), "look at: value.converter: not given"},
    {SAMPLE("minimal.json"), "look at: extended.headers.enabled: not given, so Debezium 3 sends"},
    {SAMPLE("minimal.json"), "look at: bootstrap.servers: the worker's"},
    {SAMPLE("minimal.json"), "millrace: 0 properties not carried over, "},
    {SAMPLE("server.properties"), "not carried over: offset.storage.file.filename: "},
    {SAMPLE("server.properties"), "not carried over: quarkus.log.console.json: "},
    {SAMPLE("old.properties"), "not carried over: snapshot.mode: only initial"},
    {SAMPLE("old.properties"), "not carried over: transforms.mask.type: "},
    {SAMPLE("old.properties"), "not carried over: transforms.mask.fields: "},
    {SAMPLE("old.properties"), "not carried over: slot.drop.on.stop: dropping the slot loses"},
    {SAMPLE("old.properties"), "not carried over: made.up.property: millrace knows no such"},
    {SAMPLE("patterns.json"), "not carried over: table.include.list: 'a.b++' is no POSIX regular "
                              "expression (a possessive quantifier): write it anew in place of "
                              "${MILLRACE_PATTERN_3}"},
    {SAMPLE("patterns.json"), "not carried over: topic.creation.default.partitions: "
                              "topics.partitions must be a whole number"},
    {SAMPLE("patterns.json"), "not carried over: key.converter: keys are encoded as values are"},
};

/* In the file as a comment, too. */
static void what_is_lost_is_told(void **state)
{
    const struct note_case *c = *state;
    struct run run = run_import(c->sample, NULL);
    const char *what = strstr(c->note, ": ");

    assert_non_null(strstr(run.notes, c->note));
    if (strncmp(c->note, "millrace", 8) != 0)
        assert_non_null(strstr(run.yaml, what + 2));
    run_done(&run);
}

static void no_secret_is_told(void **state)
{
    static const char *const samples[] = {SAMPLE("inventory.properties"), SAMPLE("registry.json"),
                                          SAMPLE("server.properties"), SAMPLE("old.properties")};
    static const char *const secrets[] = {"pa55-in-clear", "CzQMA0cB5K", "hunter2", "s3cret",
                                          "\xc3\xa4=b:c"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct run run = run_import(samples[i], NULL);

        for (size_t k = 0; k < ARRAY_LEN(secrets); k++) {
            assert_null(strstr(run.yaml, secrets[k]));
            assert_null(strstr(run.notes, secrets[k]));
        }
        run_done(&run);
    }
}

/* ---- single properties ---- */

#define HEAD                                                                                       \
    "connector.class=io.debezium.connector.postgresql.PostgresConnector\nname=n\n"                 \
    "plugin.name=pgoutput\ndatabase.hostname=h\ndatabase.dbname=d\ntopic.prefix=p\n"               \
    "bootstrap.servers=k:9092\n"

static struct property_case {
    const char *text, *path, *value, *note; /* value, note: NULL: not asked */
} property_cases[] = {
    {"publication.autocreate.mode=no_tables", "publication.create", "no", "makes no empty"},
    {"snapshot.mode=no_data", "snapshot.mode", "never", NULL},
    {"extended.headers.enabled=true", "topics.context_headers", "true", NULL},
    {"extended.headers.enabled=false", "topics.context_headers", "false", NULL},
    {"snapshot.mode=schema_only", "snapshot.mode", "never", NULL},
    {"snapshot.mode=initial_only", "snapshot.mode", "initial_only", NULL},
    {"snapshot.mode=always", "snapshot.mode", "initial", "not carried over: snapshot.mode"},
    {"skipped.operations=u,d", "topics.skipped_operations", "[\"u\", \"d\"]", NULL},
    {"skipped.operations=u,d", "topics.truncates", "true", NULL},
    {"skipped.operations=t", "topics.truncates", "false", NULL},
    {"tombstones.on.delete=FALSE", "topics.tombstones", "false", NULL},
    {"time.precision.mode=structured", "types.time", "adaptive",
     "not carried over: time.precision"},
    {"decimal.handling.mode=Double", "types.decimal", "double", NULL},
    {"schema.name.adjustment.mode=avro_unicode", "names.adjust", "avro_unicode",
     "field.name.adjustment.mode is none"},
    {"table.exclude.list=a\\\\.b\\,c,  d.e  ,", "tables.exclude", "[\"a\\\\.b\", \"c\", \"d.e\"]",
     NULL},
    {"table.include.list=a.b{1\\\\,2}", "tables.include", "[\"a.b{1,2}\"]", NULL},
    {"table.include.list=${env:TABLES}", NULL, NULL, "the variable holds one item"},
    {"schema.exclude.list=x\ntable.include.list=y.z", "tables.include", "[\"y.z\"]",
     "not carried over: schema.exclude.list"},
    {"schema.include.list=x\ntable.include.list=x.z", "tables.include", "[\"x.z\"]",
     "look at: schema.include.list"},
    {"message.key.columns=public.t", "topics.key_columns", "[]",
     "'public.t' is not of the form schema.table:column,column"},
    {"column.mask.hash.SHA-256.with.salt.x=a.b.c", "columns.hash", "[\"a.b.c\"]",
     "they differ from the ones there are"},
    {"column.mask.hash.MD5.with.salt.x=a.b.c", "columns.hash", "[\"a.b.c\"]",
     "with.salt.***: columns.hash_algorithm"},
    {"column.mask.hash.MD5.with.salt.x=a.b.c", "columns.hash", "[\"a.b.c\"]",
     "with.salt.***: hashed with sha-256 in its place"},
    {"column.mask.hash.SHA-256.with.salt.x=a.b.c\ncolumn.mask.hash.SHA-512.with.salt.y=a.b.d",
     "columns.hash", "[\"a.b.c\", \"a.b.d\"]", "these are hashed with those of the others"},
    {"producer.override.ssl.endpoint.identification.algorithm=",
     "kafka.properties.ssl.endpoint.identification.algorithm", "\"none\"", NULL},
    {"column.mask.with.x.chars=a.b.c", "columns.mask", "[]",
     "not carried over: column.mask.with.x.chars"},
    {"column.exclude.list=a.b.(?!c)", NULL, NULL, "${MILLRACE_PATTERN_1}"},
    {"topic.regex=p\\\\.(.*)_\\\\d\ntopic.replacement=p.$1\n"
     "topic.naming.strategy=io.debezium.schema.SchemaRegexTopicNamingStrategy",
     "topics.route", "[\"p\\\\.(.*)_[0-9]=>p.$$1\"]", "they must differ by themselves"},
    {"topic.naming.strategy=my.Strategy", NULL, NULL, "not carried over: topic.naming.strategy"},
    {"transforms=r\ntransforms.r.type=org.apache.kafka.connect.transforms.RegexRouter\n"
     "transforms.r.regex=x\ntransforms.r.replacement=${a}",
     "topics.route", "[]", "topics.route knows $1 to $9 only"},
    {"transforms=r\ntransforms.r.type=org.apache.kafka.connect.transforms.RegexRouter\n"
     "transforms.r.predicate=p\ntransforms.r.regex=x\npredicates=p\npredicates.p.type=q",
     "topics.route", "[]", "millrace has no predicates: the transform"},
    {"transforms=gone", NULL, NULL, "the transform has no type"},
    {"value.converter=io.confluent.connect.protobuf.ProtobufConverter", "encoding", "json",
     "not carried over: value.converter"},
    {"value.converter=io.confluent.connect.avro.AvroConverter\n"
     "value.converter.schema.registry.url=a,b\nvalue.converter.bearer.auth.token=x",
     "schema_registry.token", "\"***\"", "REGISTRY_TOKEN"},
    {"value.converter=io.confluent.connect.avro.AvroConverter", "schema_registry.url",
     "\"from-the-environment\"", "it is missing: set the environment variable MILLRACE_URL"},
    {"value.converter=org.apache.kafka.connect.json.JsonConverter", "encoding", "json-schema",
     NULL},
    {"producer.override.sasl.jaas.config=com.sun.Krb5LoginModule required;", NULL, NULL,
     "only logins with user and password"},
    {"producer.override.ssl.truststore.location=/x/trust.jks", NULL, NULL, "a Java key store"},
    {"producer.override.made.up=x", NULL, NULL, "the C client has no such setting"},
    {"producer.override.transaction.timeout.ms=90000", "kafka.transaction_timeout", "90s", NULL},
    {"database.sslkey=/x/key.pk8", "source.postgres.sslkey", "\"/x/key.pk8\"",
     "reads a key in PEM"},
    {"database.hostname.typo=x", NULL, NULL, "millrace knows no such property"},
    {"a\\u000ab=x", NULL, NULL, "not carried over: a?b: "},
};

static void properties_are_carried_over(void **state)
{
    const struct property_case *c = *state;
    char text[2048];
    struct run run;

    assert_int_equal(setenv("TABLES", "a.b", 1), 0);
    (void)snprintf(text, sizeof text, HEAD "%s\n", c->text);
    run = run_text(text);
    assert_int_equal(run.code, EXIT_OK);
    if (c->note != NULL)
        assert_non_null(strstr(run.notes, c->note));
    else
        assert_null(strstr(run.notes, "not carried over: "));
    if (c->path != NULL) {
        struct options *options = load(run.yaml);
        char *value = effective(options, c->path);

        assert_non_null(value);
        assert_string_equal(value, c->value);
        free(value);
        options_destroy(options);
    } else {
        options_destroy(load(run.yaml));
    }
    run_done(&run);
}

/* ---- Debezium Server ---- */

#define SERVER                                                                                     \
    "debezium.sink.type=kafka\ndebezium.sink.kafka.producer.bootstrap.servers=k:9092\n"            \
    "debezium.source.connector.class=io.debezium.connector.postgresql.PostgresConnector\n"         \
    "debezium.source.database.hostname=h\ndebezium.source.database.dbname=d\n"                     \
    "debezium.source.topic.prefix=p\ndebezium.source.plugin.name=pgoutput\n"                       \
    "debezium.source.snapshot.mode=initial\n"

#define KEYS_DIFFER "not carried over: key.converter: keys are encoded as values are"

static struct server_case {
    const char *text, *encoding, *note; /* note NULL: none about the format */
} server_cases[] = {
    {"", "json-schema", NULL},
    {"debezium.format.schemas.enable=false", "json", NULL},
    {"debezium.format.schemas.enable= False ", "json", NULL},
    {"debezium.format.schemas.enable=true", "json-schema", NULL},
    {"debezium.format.schemas.enable=falsely", "json-schema", NULL},
    {"debezium.format.value=json\ndebezium.format.key=json\ndebezium.format.schemas.enable=false",
     "json", NULL},
    {"debezium.format.value=jsonbytearray\ndebezium.format.schemas.enable=false", "json", NULL},
    {"debezium.format.value.schemas.enable=false\ndebezium.format.key.schemas.enable=false", "json",
     NULL},
    {"debezium.format.value.schemas.enable=false", "json", KEYS_DIFFER " (json)"},
    {"debezium.format.key.schemas.enable=false", "json-schema", KEYS_DIFFER " (json-schema)"},
    {"debezium.format.value.schemas.enable=true\ndebezium.format.schemas.enable=false",
     "json-schema", KEYS_DIFFER " (json-schema)"},
    {"debezium.format.schemas.enable=false\ndebezium.format.key.schemas.enable=true", "json",
     KEYS_DIFFER " (json)"},
    {"debezium.format.value=avro\ndebezium.format.schema.registry.url=http\\://r:8081", "avro",
     KEYS_DIFFER " (avro)"},
    {"debezium.format.value=avro\ndebezium.format.key=avro\n"
     "debezium.format.schema.registry.url=http\\://r:8081",
     "avro", NULL},
    {"debezium.format.value=protobuf", "json",
     "not carried over: value.converter: protobuf: millrace writes json, json-schema and avro"},
    {"debezium.format.value=cloudevents", "json", "not carried over: value.converter: cloudevents"},
    {"debezium.format.header=connect", "json-schema",
     "not carried over: header.converter: headers are texts"},
    {"debezium.format.schemas.enable=false\ndebezium.format.decimal.format=NUMERIC", "json",
     "not carried over: value.converter.decimal.format: "},
};

static void server_formats_are_carried_over(void **state)
{
    const struct server_case *c = *state;
    char text[2048], *encoding;
    struct options *options;
    struct run run;

    (void)snprintf(text, sizeof text, SERVER "%s\n", c->text);
    run = run_text(text);
    assert_int_equal(run.code, EXIT_OK);
    if (c->note != NULL && strstr(run.notes, c->note) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", run.notes, c->note);
    if (c->note == NULL &&
        (strstr(run.notes, "converter") != NULL || strstr(run.notes, "debezium.format") != NULL))
        fail_msg("\"%s\" tells of a format", run.notes);
    options = load(run.yaml);
    encoding = effective(options, "encoding");
    assert_string_equal(encoding, c->encoding);
    free(encoding);
    options_destroy(options);
    run_done(&run);
}

/* A flat envelope, once there is one. */
static void flat_rows_follow_the_table(void **state)
{
    struct run run = run_text(
        HEAD "transforms=u\ntransforms.u.type=io.debezium.transforms.ExtractNewRecordState\n"
             "transforms.u.add.fields=op,lsn\n"
             "transforms.u.delete.tombstone.handling.mode=rewrite\n");
    struct options *options = load(run.yaml);

    (void)state;
    if (option_find("envelope") == NULL) {
        assert_non_null(strstr(run.notes, "not carried over: transforms.u.type: "));
        assert_non_null(strstr(run.notes, "not carried over: transforms.u.add.fields: "));
    } else {
        char *envelope = effective(options, "envelope");

        assert_string_equal(envelope, "flat");
        free(envelope);
    }
    options_destroy(options);
    run_done(&run);
}

/* ---- the table of options ---- */

/* A value as Debezium writes it, other than the default. */
static const char *foreign_value(const struct option *option, char *out, size_t size)
{
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_PATH:
        return option->choices == NULL ? "word" : option->choices[1];
    case OPTION_BOOL:
        return option->by_default != NULL && strcmp(option->by_default, "true") == 0 ? "false"
                                                                                     : "true";
    case OPTION_INT32:
    case OPTION_INT64:
    case OPTION_DURATION:
    case OPTION_SIZE:
    case OPTION_SIZE64:
        (void)snprintf(out, size, "%lld", (long long)option->most);
        return out;
    case OPTION_ENUM:
        return option->choices[1];
    case OPTION_LIST:
        return "one,two";
    case OPTION_MAP:
        return NULL;
    }
    return NULL;
}

/* Those that are more than another name. */
static bool is_special(const char *known_as)
{
    static const char *const names[] = {
        "publication.autocreate.mode",
        "value.converter",
        "value.subject.name.strategy",
        "bearer.auth.token",
        "schema.registry.url",
        "topic.regex",
        "message.key.columns",
        "skipped.operations",
        "column.truncate.to.N.chars",
        "column.mask.with.N.chars",
        "max.batch.size",
        "column.mask.hash.v2.SHA-256.with.salt.S",
        "topic.prefix",
        "database.hostname",
        "database.dbname",
        "bootstrap.servers",
        "snapshot.mode",
        "schema.name.adjustment.mode",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], known_as) == 0)
            return true;
    return strncmp(known_as, "add.", 4) == 0 || strncmp(known_as, "delete.", 7) == 0 ||
           strncmp(known_as, "drop.", 5) == 0 || strncmp(known_as, "transforms", 10) == 0;
}

/* A new option that tells its Debezium name is imported without a line of code. */
static void whatever_is_known_is_imported(void **state)
{
    size_t count, tried = 0;
    const struct option *options = option_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const struct option *option = &options[i];
        char number[32], text[512], line[160];
        const char *value;
        struct run run;

        if (option->known_as == NULL || is_special(option->known_as))
            continue;
        value = foreign_value(option, number, sizeof number);
        if (value == NULL)
            continue;
        (void)snprintf(text, sizeof text, HEAD "%s=%s\n", option->known_as, value);
        run = run_text(text);
        (void)snprintf(line, sizeof line, "\n%s: ", option->path);
        if (strstr(run.yaml, line) == NULL)
            print_error("%s: %s is not imported:\n%s", option->path, option->known_as, run.notes);
        assert_non_null(strstr(run.yaml, line));
        run_done(&run);
        tried++;
    }
    assert_true(tried >= 20);
}

/* ---- bad input ---- */

#define CLASS "\"connector.class\":\"PostgresConnector\""

static struct bad_case {
    const char *text;
    size_t len; /* 0: of the text */
    const char *message;
} bad_cases[] = {
    {"", 0, "connector: it is empty"},
    {" \n\t\n", 0, "connector: it is empty"},
    {"a=b\0c", 5, "connector: byte 3 is no text: this is not a connector's configuration"},
    {"\x7f"
     "ELF\x02\x01",
     6, "connector: byte 4 is no text: this is not a connector's configuration"},
    {"a=\xff\xfe", 0,
     "connector: byte 2 is not UTF-8: is this a connector's configuration? Convert it with iconv "
     "-t UTF-8"},
    {"bootstrap.servers=x\nplugin.path=/y\n", 0,
     "connector: there is no connector.class: this is not the configuration of a connector (a "
     "worker's has none; give the connector's own)"},
    {"just some words\n", 0,
     "connector: there is no connector.class: this is not the configuration of a connector (a "
     "worker's has none; give the connector's own)"},
    {"connector.class=io.debezium.connector.mysql.MySqlConnector", 0,
     "connector: connector.class io.debezium.connector.mysql.MySqlConnector is not Debezium's "
     "PostgreSQL connector, the only one that millrace can take over"},
    {"a=1\n# b\nc=2\na : 3\n", 0,
     "connector:4: a is repeated (first on line 1): keep the one that is meant"},
    {"column.mask.hash.v2.SHA-256.with.salt.SECRET=a.b.c\n"
     "column.mask.hash.v2.SHA-256.with.salt.SECRET=a.b.d\n",
     0,
     "connector:2: column.mask.hash.v2.SHA-256 is repeated (first on line 1): keep the one that is "
     "meant"},
    {"a=1\n=2\n", 0, "connector:2: a value without a name in front of it"},
    {"a=1\n\nb=\\u00g0\n", 0, "connector:3: \\u wants four hexadecimal digits of a character"},
    {"a=\\ud800x", 0, "connector:1: \\u wants four hexadecimal digits of a character"},
    {"a=\\u12", 0, "connector:1: \\u wants four hexadecimal digits of a character"},
    {"a=\\u0000", 0, "connector:1: a NUL character: no property has one"},
    {"{", 0, "connector:1:1: the JSON ends too early: is the file whole?"},
    {"{\n\"database.password\": hunter2}", 0, "connector:2:27: this is no JSON"},
    {"{\"a\":\"1\",\"a\":\"2\"}", 0,
     "connector:1:12: a name is repeated in one object: keep the one that is meant"},
    {"{" CLASS "} {}", 0,
     "connector:1:41: something stands behind the JSON object: give one connector"},
    {"[{" CLASS "}]", 0, "connector: this is a list: give one connector"},
    {"{\"config\":[]}", 0, "connector: config must be an object"},
    {"{" CLASS ",\"slot.name\":{\"a\":1}}", 0,
     "connector: the value of slot.name must be a text, a number, true or false"},
    {"{" CLASS ",\"slot.name\":null}", 0,
     "connector: the value of slot.name must be a text, a number, true or false"},
    {"{\"config\":{}}", 0,
     "connector: there is no connector.class: this is not the configuration of a connector (a "
     "worker's has none; give the connector's own)"},
};

static void bad_input_is_refused(void **state)
{
    const struct bad_case *c = *state;
    struct run run;
    char want[512];

    write_file("connector", c->text, c->len > 0 ? c->len : strlen(c->text), 0600);
    run = run_import("connector", NULL);
    (void)snprintf(want, sizeof want, "millrace: %s\n", c->message);
    assert_string_equal(run.notes, want);
    assert_string_equal(run.yaml, "");
    assert_int_equal(run.code, EXIT_CONFIG);
    run_done(&run);
}

/* A file that was cut off anywhere is refused or read as what is left of it: no crash, no hang. */
static void every_truncation_is_read_or_refused(void **state)
{
    static const char *const samples[] = {SAMPLE("old.properties"), SAMPLE("patterns.json")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        char *whole = content_of(samples[i]);
        size_t len = strlen(whole);

        for (size_t cut = 0; cut < len; cut += 3) {
            struct run run;

            write_file("connector", whole, cut, 0600);
            run = run_import("connector", NULL);
            assert_true(run.code == EXIT_OK || run.code == EXIT_CONFIG);
            assert_int_equal(run.code == EXIT_OK, *run.yaml != '\0');
            run_done(&run);
        }
        free(whole);
    }
}

static void a_large_file_is_refused(void **state)
{
    size_t len = (size_t)2 << 20;
    char *text = malloc(len);
    struct run run;

    (void)state;
    assert_non_null(text);
    memset(text, '#', len);
    write_file("connector", text, len, 0600);
    free(text);
    run = run_import("connector", NULL);
    assert_string_equal(run.notes, "millrace: cannot read connector: it is larger than 1024 KiB\n");
    assert_int_equal(run.code, EXIT_CONFIG);
    run_done(&run);
}

static void a_missing_file_is_told(void **state)
{
    struct run run = run_import("nowhere", NULL);

    (void)state;
    assert_string_equal(run.notes, "millrace: cannot read nowhere: No such file or directory\n");
    assert_int_equal(run.code, EXIT_CONFIG);
    run_done(&run);
}

/* ---- the file that is written ---- */

static void the_file_is_what_is_printed(void **state)
{
    struct run printed = run_import(SAMPLE("registry.json"), NULL);
    struct run written;
    char *content;

    (void)state;
    (void)unlink("out.yaml");
    written = run_import(SAMPLE("registry.json"), "out.yaml");
    assert_int_equal(written.code, EXIT_OK);
    assert_string_equal(written.yaml, "");
    content = content_of("out.yaml");
    assert_string_equal(content, printed.yaml);
    free(content);
    run_done(&printed);
    run_done(&written);
}

static void a_file_is_not_overwritten(void **state)
{
    struct run run;
    char *content;

    (void)state;
    write_text("out.yaml", "precious");
    run = run_import(SAMPLE("registry.json"), "out.yaml");
    assert_string_equal(run.notes, "millrace: out.yaml is there already and is not overwritten: "
                                   "remove it, or choose another name\n");
    assert_int_equal(run.code, EXIT_CONFIG);
    content = content_of("out.yaml");
    assert_string_equal(content, "precious");
    free(content);
    run_done(&run);
}

static void nothing_is_left_behind(void **state)
{
    struct run run = run_import(SAMPLE("registry.json"), "no/such/folder.yaml");

    (void)state;
    assert_int_equal(run.code, EXIT_CONFIG);
    assert_non_null(strstr(run.notes, "millrace: cannot write no/such/folder.yaml"));
    assert_non_null(strstr(run.notes, "No such file or directory"));
    run_done(&run);
    (void)unlink("out.yaml");
    write_text("connector", "connector.class=x");
    run = run_import("connector", "out.yaml");
    assert_int_equal(run.code, EXIT_CONFIG);
    assert_int_not_equal(access("out.yaml", F_OK), 0);
    run_done(&run);
}

/* ---- patterns ---- */

static struct pattern_case {
    const char *java, *posix; /* posix NULL: refused */
    bool groups;
} pattern_cases[] = {
    {"public.orders", "public.orders", false},
    {"public\\.orders_\\d+", "public\\.orders_[0-9]+", false},
    {"\\w\\W\\s\\S\\D", "[A-Za-z0-9_][^A-Za-z0-9_][[:space:]][^[:space:]][^0-9]", false},
    {"[\\w.-]", "[A-Za-z0-9_.-]", false},
    {"[\\]a]", "[]a]", false},
    {"[a^]", "[a^]", false},
    {"[\\^]", "\\^", false},
    {"[\\^-]", "[-^]", false},
    {"[^\\^]", "[^^]", false},
    {"[-a]", "[a-]", false},
    {"[a-z0-9]", "[a-z0-9]", false},
    {"[\\\\]", "[\\]", false},
    {"\\Qa.b\\E.c", "a\\.b.c", false},
    {"\\Qa.b", "a\\.b", false},
    {"(?:a|b)c", "(a|b)c", false},
    {"(?:a|b)c", NULL, true},
    {"(a|b)c", "(a|b)c", true},
    {"a*?b+?c??d{1,2}?", "a*b+c?d{1,2}", false},
    {"a*?", NULL, true},
    {"\\-\\_\\$\\,", "-_\\$,", false},
    {"a]b}", "a\\]b\\}", false},
    {"(?i)a", NULL, false},
    {"(?=a)", NULL, false},
    {"(?!a)", NULL, false},
    {"(?<=a)", NULL, false},
    {"(?<n>a)", NULL, false},
    {"(?>a)", NULL, false},
    {"a++", NULL, false},
    {"(a)\\1", NULL, false},
    {"\\p{L}", NULL, false},
    {"\\bx", NULL, false},
    {"\\x41", NULL, false},
    {"[a-z&&[^b]]", NULL, false},
    {"[a[b]]", NULL, false},
    {"[\\D]", NULL, false},
    {"[\\.-z]", NULL, false},
    {"[]a]", NULL, false},
    {"[a", NULL, false},
    {"[a\\", NULL, false},
    {"[\xc3\xa4]", NULL, false},
    {"a{,2}", NULL, false},
    {"a{x}", NULL, false},
    {"a\\", NULL, false},
};

static void patterns_mean_the_same(void **state)
{
    const struct pattern_case *c = *state;
    const char *why = NULL;
    struct buf out;
    bool ok;

    buf_init(&out, 1024);
    ok = import_pattern(c->java, c->groups, &out, &why);
    assert_int_equal(ok, c->posix != NULL);
    if (ok) {
        buf_byte(&out, '\0');
        assert_string_equal((const char *)out.at, c->posix);
    } else {
        assert_non_null(why);
    }
    buf_done(&out);
}

/* ---- all ---- */

#define TEST_COUNT                                                                                 \
    (ARRAY_LEN(value_cases) + ARRAY_LEN(note_cases) + ARRAY_LEN(property_cases) +                  \
     ARRAY_LEN(server_cases) + ARRAY_LEN(bad_cases) + ARRAY_LEN(pattern_cases) + 9)

int main(void)
{
    static struct CMUnitTest tests[TEST_COUNT];
    char folder[] = "/tmp/millrace-import-XXXXXX";
    size_t n = 0;
    int failed;

    for (size_t i = 0; i < ARRAY_LEN(value_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = value_cases[i].path,
                                         .test_func = samples_say_the_same,
                                         .initial_state = &value_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(note_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = note_cases[i].note,
                                         .test_func = what_is_lost_is_told,
                                         .initial_state = &note_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(property_cases); i++)
        tests[n++] =
            (struct CMUnitTest){.name = property_cases[i].note != NULL ? property_cases[i].note
                                                                       : property_cases[i].path,
                                .test_func = properties_are_carried_over,
                                .initial_state = &property_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(server_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = server_cases[i].text,
                                         .test_func = server_formats_are_carried_over,
                                         .initial_state = &server_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = bad_cases[i].message,
                                         .test_func = bad_input_is_refused,
                                         .initial_state = &bad_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(pattern_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = pattern_cases[i].java,
                                         .test_func = patterns_mean_the_same,
                                         .initial_state = &pattern_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_secret_is_told);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(flat_rows_follow_the_table);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(whatever_is_known_is_imported);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_truncation_is_read_or_refused);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_large_file_is_refused);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_missing_file_is_told);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_file_is_what_is_printed);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_file_is_not_overwritten);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(nothing_is_left_behind);
    if (!enter_folder(folder))
        return 1;
    failed = cmocka_run_group_tests_name("import", tests, NULL, NULL);
    (void)unlink("connector");
    (void)unlink("out.yaml");
    return leave_folder(folder) ? failed : 1;
}
