/* What each option of a file becomes, and what a file is refused for, word for word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "millrace/attr.h"
#include "relay/options.h"
#include "tests/support/options_folder.h"

/* ---- what a file makes of an option -------------------------------------------------------------
 */

struct value_case {
    const char *added; /* behind BASE */
    const char *path;
    const char *value; /* as in the configuration in force; NULL: not there */
};

static struct value_case value_cases[] = {
    {"", "name", "\"a-b\""},
    {"", "slot.name", "\"a_b\""},
    {"", "publication.name", "\"a_b\""},
    {"slot.name: s\n", "publication.name", "\"s\""},
    {"slot.name: s\npublication.name: P q\n", "publication.name", "\"P q\""},
    {"", "topics.prefix", "\"a-b\""},
    {"topics.prefix: Shop.eu\n", "topics.prefix", "\"Shop.eu\""},
    {"", "kafka.transactional_id", "\"a-b\""},
    {"", "kafka.position_topic", "\"__millrace.a-b.position\""},
    {"", "sink.type", "kafka"},
    {"", "topics.unavailable_values", "list"},
    {"topics.unavailable_value_placeholder: gone\n", "topics.unavailable_values", "placeholder"},
    {"compatibility: debezium-3\n", "topics.unavailable_values", "placeholder"},
    {"envelope: flat\n", "flat.deletes", "rewrite-with-tombstone"},
    {"compatibility: debezium-3\nenvelope: flat\n", "flat.deletes", "tombstone"},
    {"compatibility: debezium-3\nenvelope: flat\nflat.deletes: drop\n", "flat.deletes", "drop"},
    {"topics: {unavailable_value_placeholder: gone, unavailable_values: list}\n",
     "topics.unavailable_values", "list"},
    {"compatibility: debezium-3\ntopics.unavailable_values: list\n", "topics.unavailable_values",
     "list"},
    {"", "envelope", "debezium"},
    {"envelope: flat\n", "flat.add_fields", "[\"op\", \"lsn\", \"source.ts_us:commit_ts\"]"},
    {"envelope: flat\nflat.add_fields: []\n", "flat.add_fields", "[]"},
    {"envelope: flat\nflat: {add_fields: [op]}\n", "flat.add_fields", "[\"op\"]"},
    {"envelope: flat\n", "flat.prefix", "\"__\""},
    {"envelope: flat\nflat.prefix: ''\n", "flat.prefix", "\"\""},
    {"envelope: flat\n", "flat.deletes", "rewrite-with-tombstone"},
    {"", "log.level", "info"},
    {"", "commit.records", "200000"},
    {"", "commit.bytes", "32MiB"},
    {"", "commit.interval", "250ms"},
    {"", "commit.idle_interval", "5s"},
    {"", "limits.message", "256MiB"},
    {"", "limits.record", "64MiB"},
    {"", "kafka.message_max", "64MiB"},
    {"", "kafka.queue_max", "16MiB"},
    {"", "kafka.transaction_timeout", "1m"},
    {"", "kafka.timeout", "30s"},
    {"", "snapshot.workers", "2"},
    {"", "retry.first", "200ms"},
    {"", "retry.most", "10s"},
    {"", "retry.give_up", "1m"},
    {"", "source.postgres.silence_timeout", "5m"},
    {"", "source.postgres.query_timeout", "10s"},
    {"", "source.postgres.connect_timeout", "10s"},
    {"", "drain_timeout", "10s"},
    {"", "topics.replication_factor", "-1"},
    {"", "event_log.directory", NULL},
    {"log: {level: debug}\n", "log.level", "debug"},
    {"log:\n  level: debug\n", "log.level", "debug"},
    {"'log.level': \"debug\"\n", "log.level", "debug"},
    {"sink.type: null\n", "sink.type", "null"},
    {"sink: {type: null}\n", "sink.type", "null"},
    {"publication.create: no\n", "publication.create", "no"},
    {"slot.failover: true\n", "slot.failover", "true"},
    {"snapshot.workers: 64\n", "snapshot.workers", "64"},
    {"snapshot.workers: 007\n", "snapshot.workers", "7"},
    {"topics.replication_factor: 3\n", "topics.replication_factor", "3"},
    {"drain_timeout: 0\n", "drain_timeout", "0"},
    {"drain_timeout: 1500ms\n", "drain_timeout", "1500ms"},
    {"drain_timeout: 60000ms\n", "drain_timeout", "1m"},
    {"retry.give_up: 1d\n", "retry.give_up", "1d"},
    {"retry.give_up: 2h\n", "retry.give_up", "2h"},
    {"commit.bytes: 65536\n", "commit.bytes", "64KiB"},
    {"commit.bytes: 65537\n", "commit.bytes", "65537B"},
    {"commit.bytes: 1025B\n", "commit.bytes", "1025B"},
    {"limits.message: 1GiB\n", "limits.message", "1GiB"},
    {"topics.cleanup_policy: \"\"\n", "topics.cleanup_policy", "\"\""},
    {"topics.cleanup_policy: compact,delete\n", "topics.cleanup_policy", "\"compact,delete\""},
    {"tables.include: [public\\.a$, \"x\"]\n", "tables.include", "[\"public\\\\.a$$\", \"x\"]"},
    {"tables:\n  exclude:\n  - a\n  - b\n", "tables.exclude", "[\"a\", \"b\"]"},
    {"tables.include: []\n", "tables.include", "[]"},
    {"kafka.properties: {linger.ms: 5}\n", "kafka.properties.linger.ms", "\"5\""},
    {"kafka.properties.linger.ms: 5\n", "kafka.properties.linger.ms", "\"5\""},
    {"kafka:\n  properties:\n    linger:\n      ms: 5\n", "kafka.properties.linger.ms", "\"5\""},
    {"kafka.properties: {a: ''}\n", "kafka.properties.a", "\"\""},
    {"kafka.properties: {}\nlog: {}\nsnapshot:\n", "log.level", "info"},
    {"kafka.properties:\n", "kafka.properties", NULL},
    {"kafka.properties: {sasl.password: geheim}\n", "kafka.properties.sasl.password", "\"***\""},
    {"kafka.properties: {sasl.username: u}\n", "kafka.properties.sasl.username", "\"u\""},
    {"source.postgres.password: geheim\n", "source.postgres.password", "\"***\""},
    {"source.postgres.user: ${MR_USER}\n", "source.postgres.user", "\"anna\""},
    {"source.postgres.user: x${MR_USER}y${MR_USER}z\n", "source.postgres.user", "\"xannayannaz\""},
    {"source.postgres.user: $${MR_USER}\n", "source.postgres.user", "\"$${MR_USER}\""},
    {"source.postgres.user: a$b$\n", "source.postgres.user", "\"a$$b$$\""},
    {"source.postgres.user: \"${MR_ODD}\"\n", "source.postgres.user",
     "\"\\\"$${MR_USER}: \\\\\\x0a#\""},
    {"source.postgres.user: file:x\n", "source.postgres.user", "\"file:x\""},
    {"tables.include: [\"${MR_USER}\"]\n", "tables.include", "[\"anna\"]"},
    {"kafka.properties.x: ${MR_USER}\n", "kafka.properties.x", "\"anna\""},
    {"snapshot.workers: ${MR_COUNT}\n", "snapshot.workers", "3"},
    {"source.postgres.user: &u anna\ntopics.prefix: *u\n", "topics.prefix", "\"anna\""},
    {"slot: &s {create: false}\n", "slot.create", "false"},
    {"source.postgres.user: |\n  two\n  lines\n", "source.postgres.user", "\"two\\x0alines\\x0a\""},
    {"# only a comment\n", "name", "\"a-b\""},
    {"publication.name: 'Z\xc3\xbcrich'\n", "publication.name", "\"Z\xc3\xbcrich\""},
};

static void takes_value(void **state)
{
    const struct value_case *c = *state;
    struct error err = {0};
    struct options *options;
    char text[4096], *value;

    (void)snprintf(text, sizeof text, BASE "%s", c->added);
    write_text(FILE_NAME, text);
    options = options_load(FILE_NAME, NULL, 0, &err);
    assert_string_equal(err.text, "");
    assert_non_null(options);
    value = effective(options, c->path);
    if (c->value == NULL)
        assert_null(value);
    else
        assert_string_equal(value, c->value);
    free(value);
    options_destroy(options);
}

static void every_kind_reaches_its_field(void **state)
{
    struct error err = {0};
    struct options *o;

    (void)state;
    write_text(FILE_NAME, BASE "log: {level: error, format: json}\nsink.type: stdout\n"
                               "topics: {create: false, partitions: 7, tombstones: false}\n"
                               "limits.relation: 1MiB\ncommit: {records: 9, bytes: 2MiB}\n"
                               "event_log.segment_size: 1GiB\nsnapshot.mode: initial_only\n"
                               "columns.include: [a, b, c]\nretry.give_up: 3s\n");
    o = options_load(FILE_NAME, NULL, 0, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(o->log_level, LOG_ERROR);
    assert_int_equal(o->log_format, LOG_JSON);
    assert_int_equal(o->sink, SINK_STDOUT);
    assert_false(o->kafka.create_topics);
    assert_true(o->kafka.check_partitions);
    assert_int_equal(o->kafka.partitions, 7);
    assert_int_equal(o->kafka.replication_factor, -1);
    assert_false(o->records.tombstones);
    assert_int_equal(o->postgres.relation_limit_bytes, 1 << 20);
    assert_int_equal(o->loop.commit_records, 9);
    assert_int_equal(o->loop.commit_bytes, 2 << 20);
    assert_int_equal(o->log.segment_bytes, 1 << 30);
    assert_int_equal(o->postgres.snapshot_mode, SNAPSHOT_ONLY);
    assert_int_equal(o->postgres.columns_include.count, 3);
    assert_string_equal(o->postgres.columns_include.at[2], "c");
    assert_int_equal(o->retry.give_up_ms, 3000);
    assert_string_equal(o->records.database, "d");
    assert_string_equal(o->postgres.port, "5432");
    options_destroy(o);
}

/* ---- what a file is refused for -----------------------------------------------------------------
 */

struct fault_case {
    const char *added; /* behind BASE */
    const char *error;
};

static struct fault_case fault_cases[] = {
    {"kafka:\n  bootstrap_server: x\n", FILE_NAME
     ":5:3: unknown option 'kafka.bootstrap_server': did you mean 'kafka.bootstrap_servers'?"},
    {"bootstrap_servers: x\n",
     FILE_NAME ":4:1: unknown option 'bootstrap_servers': did you mean 'kafka.bootstrap_servers'?"},
    {"table.include.list: x\n",
     FILE_NAME ":4:1: unknown option 'table.include.list': did you mean 'tables.include'?"},
    {"database.hostname: x\n",
     FILE_NAME ":4:1: unknown option 'database.hostname': did you mean 'source.postgres.host'?"},
    {"kafak: {delivery: x}\n",
     FILE_NAME ":4:9: unknown option 'kafak.delivery': did you mean 'kafka.delivery'?"},
    {"wholly: 1\n", FILE_NAME ":4:1: unknown option 'wholly': see millrace help options"},
    {"  name: b\n", NULL}, /* the parser's own words differ between its versions */
    {"name: b\n", FILE_NAME ":4:1: name is repeated"},
    {"log: {level: info}\nlog.level: info\n", FILE_NAME ":5:1: log.level is repeated"},
    {"log: {level: info}\nlog: {format: text}\n", FILE_NAME ":5:1: log is repeated"},
    {"log: {level: info, level: info}\n", FILE_NAME ":4:20: log.level is repeated"},
    {"source.postgres.host: x\n", FILE_NAME ":4:1: source.postgres.host is repeated"},
    {"kafka.properties: {a: 1}\nkafka.properties.a: 2\n",
     FILE_NAME ":5:1: kafka.properties.a is repeated"},
    {"kafka.properties: 5\n", FILE_NAME ":4:1: kafka.properties must be a mapping"},
    {"kafka.properties: [a]\n", FILE_NAME ":4:1: kafka.properties must be a mapping"},
    {"kafka.properties: {a: [b]}\n", FILE_NAME ":4:20: kafka.properties.a must be a single text"},
    {"kafka.properties: {a: }\n", FILE_NAME ":4:20: kafka.properties.a must be a single text"},
    {"log: debug\n", FILE_NAME ":4:1: log must be a mapping"},
    {"log: [debug]\n", FILE_NAME ":4:1: log must be a mapping"},
    {"topics.prefix: {a: b}\n",
     FILE_NAME ":4:17: topics.prefix must be a single value, not a mapping"},
    {"topics.prefix: {}\n", FILE_NAME ":4:1: topics.prefix must be a single value"},
    {"topics.prefix: [a]\n", FILE_NAME ":4:1: topics.prefix must be a single value"},
    {"topics.prefix:\n",
     FILE_NAME ":4:1: topics.prefix has no value: give one, or remove the line"},
    {"tables.include: a\n", FILE_NAME ":4:1: tables.include must be a list, such as [a, b]"},
    {"tables.include: [a, [b]]\n", FILE_NAME ":4:1: tables.include must be a list of texts"},
    {"tables.include: [a, '']\n", FILE_NAME ":4:1: tables.include: item 2 is empty"},
    {"tables: {include: [a], exclude: [b]}\n",
     FILE_NAME ":4:24: tables.exclude cannot stand beside tables.include: choose one of them"},
    {"columns: {include: [a], exclude: [b]}\n",
     FILE_NAME ":4:25: columns.exclude cannot stand beside columns.include: choose one of them"},
    {"log.level: verbose\n", FILE_NAME ":4:1: log.level must be one of debug, info, warn, error"},
    {"log.level: INFO\n", FILE_NAME ":4:1: log.level must be one of debug, info, warn, error"},
    {"log.level: ''\n", FILE_NAME ":4:1: log.level must be one of debug, info, warn, error"},
    {"topics.cleanup_policy: none\n",
     FILE_NAME ":4:1: topics.cleanup_policy must be one of \"\", delete, compact, compact,delete"},
    {"slot.create: yes\n", FILE_NAME ":4:1: slot.create must be true or false"},
    {"slot.create: 1\n", FILE_NAME ":4:1: slot.create must be true or false"},
    {"snapshot.workers: 0\n",
     FILE_NAME ":4:1: snapshot.workers must be a whole number between 1 and 64"},
    {"snapshot.workers: 65\n",
     FILE_NAME ":4:1: snapshot.workers must be a whole number between 1 and 64"},
    {"snapshot.workers: -1\n",
     FILE_NAME ":4:1: snapshot.workers must be a whole number between 1 and 64"},
    {"snapshot.workers: 2.5\n",
     FILE_NAME ":4:1: snapshot.workers must be a whole number between 1 and 64"},
    {"snapshot.workers: ' 2'\n",
     FILE_NAME ":4:1: snapshot.workers must be a whole number between 1 and 64"},
    {"snapshot.workers: 18446744073709551618\n",
     FILE_NAME ":4:1: snapshot.workers must be a whole number between 1 and 64"},
    {"snapshot.workers: '-'\n",
     FILE_NAME ":4:1: snapshot.workers must be a whole number between 1 and 64"},
    {"topics.replication_factor: 0\n",
     FILE_NAME ":4:1: topics.replication_factor must be 1 or more, or -1 for the broker's default"},
    {"drain_timeout: 5\n",
     FILE_NAME ":4:1: drain_timeout must be a duration such as 500ms, 5s, 2m or "
               "1h between 0 and 10m"},
    {"drain_timeout: 5min\n",
     FILE_NAME ":4:1: drain_timeout must be a duration such as 500ms, 5s, 2m "
               "or 1h between 0 and 10m"},
    {"drain_timeout: 5 s\n",
     FILE_NAME ":4:1: drain_timeout must be a duration such as 500ms, 5s, 2m "
               "or 1h between 0 and 10m"},
    {"drain_timeout: 601s\n",
     FILE_NAME ":4:1: drain_timeout must be a duration such as 500ms, 5s, 2m "
               "or 1h between 0 and 10m"},
    {"drain_timeout: 9223372036854775807d\n", FILE_NAME
     ":4:1: drain_timeout must be a duration such as 500ms, 5s, 2m or 1h between 0 and 10m"},
    {"commit.bytes: 8MB\n",
     FILE_NAME ":4:1: commit.bytes must be a size such as 64KiB, 16MiB or 1GiB "
               "between 1KiB and 1GiB"},
    {"commit.bytes: 0\n",
     FILE_NAME ":4:1: commit.bytes must be a size such as 64KiB, 16MiB or 1GiB "
               "between 1KiB and 1GiB"},
    {"commit.bytes: 99999999TiB\n",
     FILE_NAME ":4:1: commit.bytes must be a size such as 64KiB, 16MiB "
               "or 1GiB between 1KiB and 1GiB"},
    {"slot.name: Orders\n", FILE_NAME ":4:1: slot.name must be a text of at most 63 bytes made of "
                                      "lower-case letters and digits, '_'"},
    {"slot.name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
     FILE_NAME ":4:1: slot.name must be a text of at most 63 bytes made of lower-case letters and "
               "digits, '_'"},
    {"topics.prefix: 'a b'\n",
     FILE_NAME ":4:1: topics.prefix must be a text of at most 120 bytes made "
               "of letters and digits, '.', '_', '-'"},
    {"topics.prefix: ''\n",
     FILE_NAME ":4:1: topics.prefix must be a text of at most 120 bytes made "
               "of letters and digits, '.', '_', '-'"},
    {"kafka.position_topic: ..\n",
     FILE_NAME ":4:1: kafka.position_topic must be a legal topic name"},
    {"event_log.directory: ''\n", FILE_NAME ":4:1: event_log.directory must be a path"},
    {"source.postgres.password: ''\n", FILE_NAME ":4:1: source.postgres.password must be a text"},
    {"event_log.directory: /x\n",
     FILE_NAME ": kafka.bootstrap_servers and event_log.directory are both set: say with sink.type "
               "which of them the records go to, kafka or log"},
    {"sink.type: log\n", FILE_NAME ": event_log.directory is missing: sink.type log needs it"},
    {"flat.deletes: drop\n", FILE_NAME ":4:1: flat.deletes needs envelope: flat"},
    {"flat.add_headers: [op]\n", FILE_NAME ":4:1: flat.add_headers needs envelope: flat"},
    {"flat.prefix: ''\n", FILE_NAME ":4:1: flat.prefix needs envelope: flat"},
    {"envelope: debezium\nflat: {add_fields: [op]}\n",
     FILE_NAME ":5:8: flat.add_fields needs envelope: flat"},
    {"encoding: avro\n", FILE_NAME ": schema_registry.url is missing: encoding avro needs it, or "
                                   "schema_registry.directory"},
    {"schema_registry: {url: 'http://r', directory: /s}\n",
     FILE_NAME ":4:36: schema_registry.directory cannot stand beside schema_registry.url: choose "
               "one of them"},
    {"schema_registry: {token: t, user: u}\n",
     FILE_NAME ":4:19: schema_registry.token cannot stand beside schema_registry.user: choose one "
               "of them"},
    {"schema_registry: {key: /k}\n",
     FILE_NAME ":4:19: schema_registry.key needs schema_registry.certificate"},
    {"source.postgres.url: postgresql://u:geheim@h/d\n", FILE_NAME
     ":2:19: source.postgres.host cannot stand beside source.postgres.url: put it into the "
     "url, or leave the url out"},
    {"retry.first: 20s\n", FILE_NAME ":4:1: retry.first must not be longer than retry.most"},
    {"commit.interval: 30s\n",
     FILE_NAME ":4:1: commit.interval must be less than half of kafka.transaction_timeout, or the "
               "broker aborts transactions that are still being filled"},
    {"source.postgres.user: ${MR_NONE}\n",
     FILE_NAME ":4:1: source.postgres.user: environment variable MR_NONE is not set"},
    {"source.postgres.user: ${MR_NONE\n",
     FILE_NAME ":4:1: source.postgres.user: '${' without a '}' ('$$' is a literal dollar)"},
    {"source.postgres.user: \"${}\"\n",
     FILE_NAME ":4:1: source.postgres.user: '${...}' must hold the name of an environment variable "
               "('$$' is a literal dollar)"},
    {"source.postgres.user: \"${MR_USER:-x}\"\n",
     FILE_NAME ":4:1: source.postgres.user: '${...}' must hold the name of an environment variable "
               "('$$' is a literal dollar)"},
    {"source.postgres.user: \"${1X}\"\n",
     FILE_NAME ":4:1: source.postgres.user: '${...}' must hold the name of an environment variable "
               "('$$' is a literal dollar)"},
    {"log.level: ${MR_USER}\n",
     FILE_NAME ":4:1: log.level must be one of debug, info, warn, error"},
    {"source.postgres.password: ${MR_EMPTY}\n",
     FILE_NAME ":4:1: source.postgres.password must be a text"},
    {"topics.prefix: *none\n",
     FILE_NAME ":4:1: the alias names an anchor that there is none of before it"},
    {"tables.include: [*none]\n",
     FILE_NAME ":4:1: the alias names an anchor that there is none of before it"},
    {"log: &l\n  x: *l\n", FILE_NAME ":5:3: mappings are nested too deep to hold an option"},
    {"<<: {log.level: info}\n",
     FILE_NAME ":4:6: unknown option '<<.log.level': did you mean 'log.level'?"},
    {"? [a]\n: b\n", FILE_NAME ":3:1: a key must be a plain text"},
    {"'': b\n", FILE_NAME ":4:2: a key must be a plain text"},
    {"name.: b\n", FILE_NAME ":4:1: name must be a single value, not a mapping"},
    {"log.: b\n", FILE_NAME ":4:1: unknown option 'log.': see millrace help options"},
    {"topics.prefix: \"a\\0b\"\n", FILE_NAME ":4:1: topics.prefix holds a NUL byte"},
    {"\"lo\\nx\": b\n", FILE_NAME ":4:2: unknown option 'lo?x': see millrace help options"},
    {"topics.prefix: [a\n", NULL},
    {"topics.prefix: \"a\n", NULL},
    {"topics.prefix: a: b\n", NULL},
    {"\ttopics.prefix: a\n", NULL},
    {"topics.prefix: @a\n", NULL},
};

/* NULL: any words, but a place in the file. */
static void assert_error(const struct error *err, const char *text)
{
    int line = 0, column = 0;

    assert_int_equal(err->kind, ERROR_CONFIG);
    if (text != NULL) {
        assert_string_equal(err->text, text);
        return;
    }
    assert_int_equal(sscanf(err->text, FILE_NAME ":%d:%d: ", &line, &column), 2);
    assert_true(line > 0 && column > 0);
}

static void refuses(void **state)
{
    const struct fault_case *c = *state;
    struct error err = {0};
    char text[4096];

    (void)snprintf(text, sizeof text, BASE "%s", c->added);
    write_text(FILE_NAME, text);
    assert_null(options_load(FILE_NAME, NULL, 0, &err));
    assert_error(&err, c->error);
    assert_null(strstr(err.text, "geheim"));
}

#define NAME_BYTES 60

/* What a case adds, as one line. */
static const char *name_row(char name[NAME_BYTES], const char *added)
{
    (void)snprintf(name, NAME_BYTES, "%s", added);
    for (char *at = name; *at != '\0'; at++)
        if ((unsigned char)*at < ' ')
            *at = '|';
    return name;
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(value_cases) + ARRAY_LEN(fault_cases) + 1];
    char names[ARRAY_LEN(value_cases) + ARRAY_LEN(fault_cases)][NAME_BYTES];
    char folder[] = "/tmp/millrace-options-XXXXXX";
    size_t n = 0;
    int failed;

    for (size_t i = 0; i < ARRAY_LEN(value_cases); i++) {
        const char *added = value_cases[i].added;

        tests[n] = (struct CMUnitTest){
            .name = name_row(names[n], *added != '\0' ? added : value_cases[i].path),
            .test_func = takes_value,
            .initial_state = &value_cases[i]};
        n++;
    }
    for (size_t i = 0; i < ARRAY_LEN(fault_cases); i++) {
        tests[n] = (struct CMUnitTest){.name = name_row(names[n], fault_cases[i].added),
                                       .test_func = refuses,
                                       .initial_state = &fault_cases[i]};
        n++;
    }
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_kind_reaches_its_field);
    if (!enter_folder(folder))
        return 1;
    failed = cmocka_run_group_tests_name("options", tests, NULL, NULL);
    return leave_folder(folder) ? failed : 1;
}
