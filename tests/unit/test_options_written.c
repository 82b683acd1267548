/* What is written from the table reads back; what is garbage is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "millrace/attr.h"
#include "relay/options.h"
#include "tests/support/options_folder.h"

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

int main(void)
{
    struct CMUnitTest tests[6];
    char folder[] = "/tmp/millrace-options-XXXXXX";
    size_t n = 0;
    int failed;

    tests[n++] = (struct CMUnitTest)cmocka_unit_test(what_is_in_force_reads_back_as_the_same);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_example_loads);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_sample_in_the_example_is_good);
    tests[n++] =
        (struct CMUnitTest)cmocka_unit_test(every_truncation_of_the_example_is_an_error_or_good);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_byte_may_be_garbage);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(help_and_manual_tell_of_every_option);
    if (!enter_folder(folder))
        return 1;
    failed = cmocka_run_group_tests_name("options_written", tests, NULL, NULL);
    return leave_folder(folder) ? failed : 1;
}
