/* The configuration as an operator meets it: a file, --set and the environment in; options or one
 * line of error out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "millrace/attr.h"
#include "relay/options.h"
#include "tests/support/block.h"

#define FILE_NAME "millrace.yaml"

/* The least that is needed, one line each, so that what a case adds begins at line 4. */
#define BASE                                                                                       \
    "name: a-b\n"                                                                                  \
    "source.postgres: {host: h, database: d}\n"                                                    \
    "kafka.bootstrap_servers: k:9092\n"

static void write_file(const char *name, const void *bytes, size_t len, mode_t mode)
{
    FILE *file = fopen(name, "wb");

    assert_non_null(file);
    assert_true(len == 0 || fwrite(bytes, 1, len, file) == len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(name, mode), 0);
}

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text), 0600);
}

/* What options_write_effective says of one path: the text behind "path: "; to be freed. */
static char *effective(const struct options *options, const char *path)
{
    char *all = NULL, *at, *found = NULL;
    size_t size = 0, len = strlen(path);
    FILE *out = open_memstream(&all, &size);

    assert_non_null(out);
    options_write_effective(options, out);
    assert_int_equal(fclose(out), 0);
    for (at = all; at != NULL && *at != '\0' && found == NULL; at = strchr(at, '\n') + 1)
        if (strncmp(at, path, len) == 0 && at[len] == ':')
            found = strndup(at + len + 2, strcspn(at + len + 2, "\n"));
    free(all);
    return found;
}

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
    {"", "log.level", "info"},
    {"", "commit.records", "50000"},
    {"", "commit.bytes", "8MiB"},
    {"", "commit.interval", "100ms"},
    {"", "commit.idle_interval", "5s"},
    {"", "limits.message", "256MiB"},
    {"", "limits.record", "64MiB"},
    {"", "kafka.message_max", "64MiB"},
    {"", "kafka.queue_max", "32MiB"},
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

/* ---- whole files --------------------------------------------------------------------------------
 */

struct whole_case {
    const char *name;
    const char *text;
    const char *error; /* "": none */
};

static struct whole_case whole_cases[] = {
    {"empty", "", FILE_NAME ":1:1: the file is empty: it must set at least the option 'name'"},
    {"a comment", "# x\n",
     FILE_NAME ":1:1: the file is empty: it must set at least the option 'name'"},
    {"an empty document", "---\n...\n",
     FILE_NAME ":1:1: the file is empty: it must set at least the option 'name'"},
    {"only a mark", "\xef\xbb\xbf",
     FILE_NAME ":1:1: the file is empty: it must set at least the option 'name'"},
    {"a list", "- a\n",
     FILE_NAME ":1:1: the file must be a mapping of options to values, such as \"name: orders\""},
    {"a text", "name\n",
     FILE_NAME ":1:1: the file must be a mapping of options to values, such as \"name: orders\""},
    {"an empty mapping", "{}\n", FILE_NAME ": name is missing: every relay needs one of its own"},
    {"no name", "log.level: info\n",
     FILE_NAME ": name is missing: every relay needs one of its own"},
    {"no sink", "name: a\n",
     FILE_NAME ": nothing says where the records go: set kafka.bootstrap_servers, "
               "event_log.directory, or sink.type (stdout or null)"},
    {"no host", "name: a\nsink.type: null\n",
     FILE_NAME ": source.postgres.host is missing (or give source.postgres.url)"},
    {"no database", "name: a\nsink.type: null\nsource.postgres.host: h\n",
     FILE_NAME ": source.postgres.database is missing"},
    {"kafka without brokers",
     "name: a\nsink.type: kafka\nsource.postgres: {host: h, database: d}\n",
     FILE_NAME ": kafka.bootstrap_servers is missing: sink.type kafka needs it"},
    {"a mark in front", "\xef\xbb\xbf" BASE, ""},
    {"one document with dashes", "---\n" BASE "...\n", ""},
    {"lines of DOS", "name: a\r\nsink.type: null\r\nsource.postgres.url: x\r\n", ""},
    {"two documents", BASE "---\nlog.level: debug\n",
     FILE_NAME ":3:1: a second document begins behind this: the file must hold one"},
    {"Latin 1", "name: a\ntopics.prefix: Z\xfcrich\n",
     FILE_NAME ":2:17: the file is not UTF-8 text"},
    {"half a character", "name: \xc3", FILE_NAME ":1:7: the file is not UTF-8 text"},
    {"a surrogate", "name: \xed\xa0\x80\n", FILE_NAME ":1:7: the file is not UTF-8 text"},
    {"an overlong slash", "name: \xc0\xaf\n", FILE_NAME ":1:7: the file is not UTF-8 text"},
    {"UTF-16", "\xff\xfen", FILE_NAME ":1:1: the file is not UTF-8 text"},
    {"a log", "name: a\nsource.postgres.url: x\nevent_log: {directory: /x}\n", ""},
};

static void reads_whole_file(void **state)
{
    const struct whole_case *c = *state;
    struct error err = {0};
    struct options *options;

    write_text(FILE_NAME, c->text);
    options = options_load(FILE_NAME, NULL, 0, &err);
    assert_string_equal(err.text, c->error);
    assert_int_equal(options == NULL, *c->error != '\0');
    options_destroy(options);
}

static void a_nul_byte_is_refused(void **state)
{
    static const char text[] = "name: a\n\0name: b\n";
    struct error err = {0};

    (void)state;
    write_file(FILE_NAME, text, sizeof text - 1, 0600);
    assert_null(options_load(FILE_NAME, NULL, 0, &err));
    assert_string_equal(err.text, FILE_NAME ":2:1: the file holds a NUL byte");
}

static void a_missing_file_is_told(void **state)
{
    struct error err = {0};

    (void)state;
    assert_null(options_load("none.yaml", NULL, 0, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_string_equal(err.text, "cannot read none.yaml: No such file or directory");
}

static void a_folder_is_told(void **state)
{
    struct error err = {0};

    (void)state;
    assert_null(options_load(".", NULL, 0, &err));
    assert_string_equal(err.text, "cannot read .: it is a directory");
}

static void a_huge_file_is_told(void **state)
{
    size_t len = (size_t)1024 * 1024 + 1;
    char *blanks = malloc(len);
    struct error err = {0};

    (void)state;
    assert_non_null(blanks);
    memset(blanks, '\n', len);
    write_file("huge.yaml", blanks, len, 0600);
    assert_null(options_load("huge.yaml", NULL, 0, &err));
    assert_string_equal(err.text, "cannot read huge.yaml: it is larger than 1024 KiB");
    memcpy(blanks, BASE, strlen(BASE));
    write_file("huge.yaml", blanks, len - 1, 0600);
    err = (struct error){0};
    options_destroy(options_load("huge.yaml", NULL, 0, &err));
    assert_string_equal(err.text, "");
    free(blanks);
}

/* Both are quadratic or worse when they are taken at their word. */
static void a_bomb_ends_soon(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct error err = {0};

    (void)state;
    (void)fputs("a: &a [x, x]\n", out);
    for (char c = 'b'; c < 'p'; c++)
        (void)fprintf(out, "%c: &%c {p: *%c, q: *%c, r: *%c}\n", c, c, c - 1, c - 1, c - 1);
    assert_int_equal(fclose(out), 0);
    write_text(FILE_NAME, text);
    free(text);
    assert_null(options_load(FILE_NAME, NULL, 0, &err));
    assert_non_null(strstr(err.text, "too many options"));

    out = open_memstream(&text, &size);
    for (unsigned i = 0; i < 60000; i++)
        (void)fprintf(out, "k%u: 1\n", i);
    assert_int_equal(fclose(out), 0);
    write_text(FILE_NAME, text);
    free(text);
    err = (struct error){0};
    assert_null(options_load(FILE_NAME, NULL, 0, &err));
    assert_string_equal(err.text, FILE_NAME ":1:1: too many options");
}

/* ---- secrets in files ---------------------------------------------------------------------------
 */

struct secret_case {
    const char *name;
    const char *content; /* of the file "secret"; NULL: there is none */
    mode_t mode;
    const char *error;  /* behind the place and the option's name; NULL: none */
    const char *secret; /* what is made of it */
};

static struct secret_case secret_cases[] = {
    {"one line", "geheim\n", 0600, NULL, "geheim"},
    {"no newline", "geheim", 0400, NULL, "geheim"},
    {"a line of DOS", "geheim\r\nx\n", 0600, NULL, "geheim"},
    {"two lines", "geheim\nmore\n", 0640, NULL, "geheim"},
    {"dollars stand for themselves", "g${MR_USER}$$\n", 0600, NULL, "g${MR_USER}$$"},
    {"missing", NULL, 0, "cannot read secret: No such file or directory", NULL},
    {"empty", "", 0600, "the first line of secret is empty", NULL},
    {"empty line", "\ngeheim\n", 0600, "the first line of secret is empty", NULL},
    {"readable by all", "geheim\n", 0644,
     "will not use secret: everybody may read or write it: chmod o-rw secret", NULL},
    {"writable by all", "geheim\n", 0602,
     "will not use secret: everybody may read or write it: chmod o-rw secret", NULL},
};

static void reads_secret(void **state)
{
    const struct secret_case *c = *state;
    struct error err = {0};
    struct options *options;
    char expected[512] = "";

    write_text(FILE_NAME, BASE "source.postgres.password: file:${MR_SECRET}\n"
                               "kafka.properties: {sasl.password: 'file:secret'}\n");
    (void)unlink("secret");
    if (c->content != NULL)
        write_file("secret", c->content, strlen(c->content), c->mode);
    options = options_load(FILE_NAME, NULL, 0, &err);
    if (c->error != NULL)
        (void)snprintf(expected, sizeof expected, FILE_NAME ":4:1: source.postgres.password: %s",
                       c->error);
    assert_string_equal(err.text, expected);
    assert_int_equal(options == NULL, c->error != NULL);
    if (options != NULL) {
        assert_string_equal(options->postgres.password, c->secret);
        assert_string_equal(options->kafka.properties[0].value, c->secret);
    }
    options_destroy(options);
}

static void a_folder_or_pipe_is_no_secret(void **state)
{
    struct error err = {0};

    (void)state;
    write_text(FILE_NAME, BASE "source.postgres.password: file:.\n");
    assert_null(options_load(FILE_NAME, NULL, 0, &err));
    assert_non_null(strstr(err.text, "cannot read .: it is a directory"));
    assert_int_equal(mkfifo("pipe", 0600), 0);
    write_text(FILE_NAME, BASE "source.postgres.password: file:pipe\n");
    err = (struct error){0};
    assert_null(options_load(FILE_NAME, NULL, 0, &err));
    assert_non_null(strstr(err.text, "cannot read pipe: it is no ordinary file"));
}

static void a_secret_has_a_limit(void **state)
{
    struct error err = {0};
    char *text = malloc(70000);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 70000);
    write_file("secret", text, 70000, 0600);
    free(text);
    write_text(FILE_NAME, BASE "source.postgres.password: file:secret\n");
    assert_null(options_load(FILE_NAME, NULL, 0, &err));
    assert_non_null(strstr(err.text, "cannot read secret: it is larger than 64 KiB"));
}

/* ---- --set --------------------------------------------------------------------------------------
 */

struct set_case {
    const char *path, *value;
    const char *in_force; /* NULL: see error */
    const char *error;
};

static struct set_case set_cases[] = {
    {"log.level", "warn", "warn", NULL},
    {"name", "other", "\"other\"", NULL},
    {"topics.prefix", "${MR_USER}", "\"anna\"", NULL},
    {"commit.bytes", "1MiB", "1MiB", NULL},
    {"slot.create", "false", "false", NULL},
    {"tables.exclude", "a,b", "[\"a\", \"b\"]", NULL},
    {"tables.exclude", "a\\,b", "[\"a,b\"]", NULL},
    {"tables.exclude", "public\\.a,b\\\\,c", "[\"public\\\\.a\", \"b\\\\\", \"c\"]", NULL},
    {"tables.exclude", "x{1\\,2}", "[\"x{1,2}\"]", NULL},
    {"tables.exclude", "a\\", "[\"a\\\\\"]", NULL},
    {"tables.exclude", "", "[]", NULL},
    {"tables.exclude", "a,,b", NULL, "--set: tables.exclude: item 2 is empty"},
    {"kafka.properties.linger.ms", "5", "\"5\"", NULL},
    {"kafka.properties.ssl.key.password", "geheim", "\"***\"", NULL},
    {"kafka.properties.sasl.jaas.config", "geheim", "\"***\"", NULL},
    {"kafka.properties", "x", NULL,
     "--set: kafka.properties is a mapping: set kafka.properties.NAME=value"},
    {"kafka.properties.", "x", NULL,
     "--set: unknown option 'kafka.properties.': did you mean 'kafka.properties'?"},
    {"kafka", "x", NULL, "--set: kafka is a section: name one of its options"},
    {"log.levle", "x", NULL, "--set: unknown option 'log.levle': did you mean 'log.level'?"},
    {"log.level.x", "x", NULL, "--set: log.level must be a single value, not a mapping"},
    {"log.level", "loud", NULL, "--set: log.level must be one of debug, info, warn, error"},
    {"log.level", "", NULL, "--set: log.level must be one of debug, info, warn, error"},
    {"", "x", NULL, "--set: unknown option '': see millrace help options"},
    {"source.postgres.url", "postgresql://u:geheim@h/d", NULL,
     FILE_NAME
     ":2:19: source.postgres.host cannot stand beside source.postgres.url: put it into the "
     "url, or leave the url out"},
    {"retry.first", "20s", NULL, "--set: retry.first must not be longer than retry.most"},
    {"source.postgres.password", "file:none", NULL,
     "--set: source.postgres.password: cannot read none: No such file or directory"},
};

static void sets(void **state)
{
    const struct set_case *c = *state;
    struct option_setting setting = {c->path, c->value};
    struct error err = {0};
    struct options *options;
    char *value;

    write_text(FILE_NAME, BASE "log.level: debug\ntables.exclude: [z]\n");
    options = options_load(FILE_NAME, &setting, 1, &err);
    assert_string_equal(err.text, c->error == NULL ? "" : c->error);
    if (options == NULL)
        return;
    value = effective(options, c->path);
    assert_string_equal(value, c->in_force);
    free(value);
    options_destroy(options);
}

static void settings_apply_in_order_without_a_file(void **state)
{
    static const struct option_setting settings[] = {
        {"name", "first"},
        {"name", "second"},
        {"source.postgres.url", "postgresql://u:geheim@h/d"},
        {"event_log.directory", "/x"},
        {"kafka.properties.a", "1"},
        {"kafka.properties.b", "2"},
        {"kafka.properties.a", "3"},
    };
    struct error err = {0};
    struct options *options = options_load(NULL, settings, ARRAY_LEN(settings), &err);

    (void)state;
    assert_string_equal(err.text, "");
    assert_string_equal(options->name, "second");
    assert_string_equal(options->postgres.slot, "second");
    assert_int_equal(options->sink, SINK_LOG);
    assert_null(options->postgres.port); /* the url says it */
    assert_null(options->records.database);
    assert_int_equal(options->kafka.property_count, 2);
    assert_string_equal(options->kafka.properties[0].value, "3");
    assert_string_equal(options->kafka.properties[1].value, "2");
    options_destroy(options);
}

static void nothing_at_all_is_told(void **state)
{
    struct error err = {0};

    (void)state;
    assert_null(options_load(NULL, NULL, 0, &err));
    assert_string_equal(err.text, "options: name is missing: every relay needs one of its own");
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

/* ---- what we write is what we read --------------------------------------------------------------
 */

static char *written(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    write(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static char *all_in_force(const struct options *options)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    options_write_effective(options, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static char *load_and_show(const char *text)
{
    struct error err = {0};
    struct options *options;
    char *shown;

    write_text(FILE_NAME, text);
    options = options_load(FILE_NAME, NULL, 0, &err);
    assert_string_equal(err.text, "");
    shown = all_in_force(options);
    options_destroy(options);
    return shown;
}

static void what_is_in_force_reads_back_as_the_same(void **state)
{
    char *once = load_and_show(BASE "tables.include: ['a\\.\"$', '\xc3\xbc']\nretry.give_up: 90s\n"
                                    "kafka.properties: {x: \"tab\\tquote\\\" $${y}\"}\n");
    char *again = load_and_show(once);

    (void)state;
    assert_string_equal(again, once);
    free(once);
    free(again);
}

static void the_example_loads(void **state)
{
    char *example = written(options_write_example), *shown = load_and_show(example);

    (void)state;
    assert_null(strstr(shown, "geheim"));
    assert_non_null(strstr(shown, "source.postgres.password: \"***\""));
    free(shown);
    free(example);
}

/* Takes the comment sign from every sample that is commented out. */
static void uncomment(char *text)
{
    char *to = text;
    bool at_start = true;

    for (const char *at = text; *at != '\0'; at++) {
        if (at_start && *at == '#' && at[1] != ' ' && at[1] != '\n')
            continue;
        at_start = *at == '\n' || (at_start && *at == ' ');
        *to++ = *at;
    }
    *to = '\0';
}

/* Everything at once contradicts itself, and that is the only fault to be found. */
static void every_sample_in_the_example_is_good(void **state)
{
    char *example = written(options_write_example);
    struct error err = {0};

    (void)state;
    uncomment(example);
    write_text(FILE_NAME, example);
    assert_null(options_load(FILE_NAME, NULL, 0, &err));
    assert_non_null(strstr(err.text, "cannot stand beside source.postgres.url"));
    free(example);
}

static void load_garbage(const char *bytes, size_t len)
{
    struct error err = {0};
    struct options *options;

    write_file(FILE_NAME, bytes, len, 0600);
    options = options_load(FILE_NAME, NULL, 0, &err);
    if (options == NULL) {
        assert_int_equal(err.kind, ERROR_CONFIG);
        assert_int_equal(strncmp(err.text, FILE_NAME ":", strlen(FILE_NAME ":")), 0);
    }
    options_destroy(options);
}

/* Keeps what is not a comment; the example is mostly comments, and cutting those is all the same.
 */
static void drop_comments(char *text)
{
    char *to = text;

    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n") + 1;

        if (line[strspn(line, " ")] != '#' && len > 1) {
            memmove(to, line, len);
            to += len;
        }
        line += len;
    }
    *to = '\0';
}

static void every_truncation_of_the_example_is_an_error_or_good(void **state)
{
    char *example = written(options_write_example);

    (void)state;
    for (const char *at = example; *at != '\0'; at += strcspn(at, "\n") + 1)
        load_garbage(example, (size_t)(at - example));
    uncomment(example);
    drop_comments(example);
    for (size_t cut = 0, len = strlen(example); cut < len; cut++)
        load_garbage(example, cut);
    free(example);
}

static void every_byte_may_be_garbage(void **state)
{
    static const char text[] =
        "name: a\nlog: {level: info}\ntables:\n  include: [\"a\", 'b']\n"
        "kafka:\n  properties: &p\n    x: |\n      y\n  bootstrap_servers: *p\n";
    static const char garbage[] = "{}[]:&*!|>'\"%@`#-?,.$\\\t\n\r ~0\x01\x7f\x80\xc3\xed\xff";
    char copy[sizeof text];

    (void)state;
    for (size_t at = 0; at < sizeof text - 1; at++)
        for (size_t i = 0; i < sizeof garbage; i++) {
            memcpy(copy, text, sizeof text);
            copy[at] = garbage[i];
            load_garbage(copy, sizeof text - 1);
        }
}

static void help_and_manual_tell_of_every_option(void **state)
{
    char *help = written(options_write_help), *manual = written(options_write_manual);

    (void)state;
    assert_non_null(strstr(help, "\n  kafka.transaction_timeout\n"));
    assert_non_null(strstr(help, "default 60s"));
    assert_non_null(strstr(manual, ".B source.postgres.sslmode\n"));
    assert_null(strstr(manual, "\n'"));
    for (const char *at = help; *at != '\0'; at += strcspn(at, "\n") + 1)
        assert_true(strcspn(at, "\n") <= 100);
    free(help);
    free(manual);
}

/* Not a fixture of the group: its state would hide the rows'. */
static bool enter_folder(char *template)
{
    if (mkdtemp(template) == NULL || chdir(template) != 0)
        return false;
    return unsetenv("MR_NONE") == 0 && setenv("MR_USER", "anna", 1) == 0 &&
           setenv("MR_ODD", "\"${MR_USER}: \\\n#", 1) == 0 && setenv("MR_COUNT", "3", 1) == 0 &&
           setenv("MR_SECRET", "secret", 1) == 0 && setenv("MR_EMPTY", "", 1) == 0 &&
           setenv("MILLRACE_PASSWORD", "geheim", 1) == 0 && setenv("PGPASSWORD", "geheim", 1) == 0;
}

static bool leave_folder(const char *folder)
{
    static const char *const names[] = {FILE_NAME, "huge.yaml", "secret", "pipe"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)unlink(names[i]);
    return chdir("/") == 0 && rmdir(folder) == 0;
}

#define ROWS                                                                                       \
    (ARRAY_LEN(value_cases) + ARRAY_LEN(fault_cases) + ARRAY_LEN(whole_cases) +                    \
     ARRAY_LEN(secret_cases) + ARRAY_LEN(set_cases))

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

static size_t add_rows(struct CMUnitTest *tests, size_t n, char (*names)[NAME_BYTES])
{
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
    for (size_t i = 0; i < ARRAY_LEN(whole_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = whole_cases[i].name,
                                         .test_func = reads_whole_file,
                                         .initial_state = &whole_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(secret_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = secret_cases[i].name,
                                         .test_func = reads_secret,
                                         .initial_state = &secret_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(set_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = set_cases[i].path, .test_func = sets, .initial_state = &set_cases[i]};
    return n;
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(a_missing_file_is_told),
        cmocka_unit_test(a_folder_is_told),
        cmocka_unit_test(a_huge_file_is_told),
        cmocka_unit_test(a_bomb_ends_soon),
        cmocka_unit_test(a_folder_or_pipe_is_no_secret),
        cmocka_unit_test(a_secret_has_a_limit),
        cmocka_unit_test(settings_apply_in_order_without_a_file),
        cmocka_unit_test(nothing_at_all_is_told),
        cmocka_unit_test(every_kind_reaches_its_field),
        cmocka_unit_test(what_is_in_force_reads_back_as_the_same),
        cmocka_unit_test(the_example_loads),
        cmocka_unit_test(every_sample_in_the_example_is_good),
        cmocka_unit_test(every_truncation_of_the_example_is_an_error_or_good),
        cmocka_unit_test(every_byte_may_be_garbage),
        cmocka_unit_test(help_and_manual_tell_of_every_option),
    };
    struct CMUnitTest tests[ROWS + ARRAY_LEN(others)];
    char folder[] = "/tmp/millrace-options-XXXXXX";
    char names[ROWS][NAME_BYTES];
    size_t n = add_rows(tests, 0, names);
    int failed;

    memcpy(tests + n, others, sizeof others);
    if (!enter_folder(folder))
        return 1;
    failed = cmocka_run_group_tests_name("options", tests, NULL, NULL);
    return leave_folder(folder) ? failed : 1;
}
