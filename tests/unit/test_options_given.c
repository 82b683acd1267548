/* Whole files, secrets in files of their own, and --set. */
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
#include "tests/support/options_folder.h"

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
    memmove(blanks, BASE, sizeof BASE - 1);
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
    for (int c = 'b'; c < 'p'; c++)
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

int main(void)
{
    struct CMUnitTest
        tests[ARRAY_LEN(whole_cases) + ARRAY_LEN(secret_cases) + ARRAY_LEN(set_cases) + 9];
    char folder[] = "/tmp/millrace-options-XXXXXX";
    size_t n = 0;
    int failed;

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
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_nul_byte_is_refused);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_missing_file_is_told);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_folder_is_told);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_huge_file_is_told);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_bomb_ends_soon);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_folder_or_pipe_is_no_secret);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_secret_has_a_limit);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(settings_apply_in_order_without_a_file);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(nothing_at_all_is_told);
    if (!enter_folder(folder))
        return 1;
    failed = cmocka_run_group_tests_name("options_given", tests, NULL, NULL);
    return leave_folder(folder) ? failed : 1;
}
