#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/command_line.h"

#define WORDS_MAX 12

struct line_case {
    const char *words; /* behind "millrace", split at blanks */
    const char *meant; /* the command as one line, see tell() */
};

static struct line_case line_cases[] = {
    {"run", "run"},
    {"check", "check"},
    {"status", "status"},
    {"version", "version"},
    {"--version", "version"},
    {"-V", "version"},
    {"help", "help"},
    {"--help", "help"},
    {"-h", "help"},
    {"help options", "help rest=options"},
    {"help run", "help rest=run"},
    {"run -h", "help rest=run"},
    {"run --help", "help rest=run"},
    {"check -c x --help", "help config=x rest=check"},
    {"log -h", "help rest=log"},
    {"version --help", "help rest=version"},
    {"run -c f.yaml", "run config=f.yaml"},
    {"run -cf.yaml", "run config=f.yaml"},
    {"run --config f.yaml", "run config=f.yaml"},
    {"run --config=f.yaml", "run config=f.yaml"},
    {"run --print-config", "run print"},
    {"run --set a.b=c", "run a.b:c"},
    {"run --set=a.b=c=d", "run a.b:c=d"},
    {"run --set a= --set a=2 --set b=3", "run a: a:2 b:3"},
    {"status --set -x=1 -c -", "status config=- -x:1"},
    {"plan", "plan"},
    {"plan --json -c f", "plan config=f json"},
    {"plan --set a=b", "plan a:b"},
    {"schema", "schema"},
    {"schema a.b -c f c.d", "schema config=f word=a.b word=c.d"},
    {"schema --key a.b", "schema key word=a.b"},
    {"schema a.b --value", "schema value word=a.b"},
    {"schema a.b --help", "help word=a.b rest=schema"},
    {"import x", "import word=x"},
    {"import x -o y", "import output=y word=x"},
    {"import --output=y x", "import output=y word=x"},
    {"import -h", "help rest=import"},
    {"log cat /x", "log rest=cat rest=/x"},
    {"log verify --set x", "log rest=verify rest=--set rest=x"},
    {"log", "log"},
};

/* Splits into heap blocks of exactly their size. */
static int split(const char *text, char **words)
{
    char *copy = strdup(text), *rest = copy;
    int count = 0;

    words[count++] = strdup("millrace");
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        words[count++] = strdup(word);
    free(copy);
    return count;
}

static void drop(char **words, int count)
{
    for (int i = 0; i < count; i++)
        free(words[i]);
}

static void tell(const struct command *c, char *out, size_t size)
{
    FILE *text = fmemopen(out, size, "w");

    assert_non_null(text);
    (void)fputs(command_name(c->kind), text);
    if (c->config != NULL)
        (void)fprintf(text, " config=%s", c->config);
    if (c->print_config)
        (void)fputs(" print", text);
    for (size_t i = 0; i < c->setting_count; i++)
        (void)fprintf(text, " %s:%s", c->settings[i].path, c->settings[i].value);
    if (c->json)
        (void)fputs(" json", text);
    if (c->key_only)
        (void)fputs(" key", text);
    if (c->value_only)
        (void)fputs(" value", text);
    if (c->output != NULL)
        (void)fprintf(text, " output=%s", c->output);
    for (size_t i = 0; i < c->word_count; i++)
        (void)fprintf(text, " word=%s", c->words[i]);
    for (size_t i = 0; i < c->rest_count; i++)
        (void)fprintf(text, " rest=%s", c->rest[i]);
    (void)fputc('\0', text);
    assert_int_equal(fclose(text), 0);
}

static void understands(void **state)
{
    const struct line_case *c = *state;
    char *words[WORDS_MAX] = {0}, got[256];
    int count = split(c->words, words);
    struct command command;
    struct error err = {0};

    assert_true(command_parse(count, (const char *const *)words, &command, &err));
    tell(&command, got, sizeof got);
    assert_string_equal(got, c->meant);
    command_done(&command);
    drop(words, count);
}

static struct line_case fault_cases[] = {
    {"", "no command: try 'millrace help'"},
    {"rnu", "unknown command 'rnu': see millrace help"},
    {"ru", "unknown command 'ru': did you mean 'run'?"},
    {"chekc", "unknown command 'chekc': did you mean 'check'?"},
    {"statsu", "unknown command 'statsu': did you mean 'status'?"},
    {"versoin", "unknown command 'versoin': did you mean 'version'?"},
    {"frobnicate", "unknown command 'frobnicate': see millrace help"},
    {"-c", "the command comes first, as in 'millrace run --config FILE'"},
    {"--config x run", "the command comes first, as in 'millrace run --config FILE'"},
    {"run --confg x", "unknown flag '--confg': did you mean '--config'?"},
    {"run --conifg=geheim", "unknown flag '--conifg': did you mean '--config'?"},
    {"run --print-confg", "unknown flag '--print-confg': did you mean '--print-config'?"},
    {"run --print-config=yes", "unknown flag '--print-config': did you mean '--print-config'?"},
    {"run -x", "unknown flag '-x': see millrace help run"},
    {"run --wholly", "unknown flag '--wholly': see millrace help run"},
    {"run -c", "--config wants FILE"},
    {"run --config", "--config wants FILE"},
    {"run --config=", "--config wants FILE"},
    {"run -c a -c b", "--config is given twice"},
    {"run --set", "--set wants PATH=VALUE"},
    {"run --set x", "--set wants PATH=VALUE, as in --set log.level=debug"},
    {"run --set =x", "--set wants PATH=VALUE, as in --set log.level=debug"},
    {"run --json", "unknown flag '--json': see millrace help run"},
    {"plan a.b", "'a.b' is one word too many: see millrace help plan"},
    {"plan --key", "unknown flag '--key': did you mean '--set'?"},
    {"plan --jsno", "unknown flag '--jsno': did you mean '--json'?"},
    {"schema --key --value", "--key and --value: choose one of them, or leave both out"},
    {"schema --valeu a.b", "unknown flag '--valeu': did you mean '--value'?"},
    {"import", "import wants the file of a connector: millrace import FILE [-o FILE]"},
    {"import a b", "'b' is one word too many: see millrace help import"},
    {"import a -o", "--output wants FILE"},
    {"import a --output=", "--output wants FILE"},
    {"import a -o b -o c", "--output is given twice"},
    {"import -c a", "unknown flag '-c': see millrace help import"},
    {"run fast", "'fast' is one word too many: see millrace help run"},
    {"run -", "'-' is one word too many: see millrace help run"},
    {"version now", "'now' is one word too many: see millrace help"},
    {"help run now", "'now' is one word too many: see millrace help"},
};

static void refuses(void **state)
{
    const struct line_case *c = *state;
    char *words[WORDS_MAX] = {0};
    int count = split(c->words, words);
    struct command command;
    struct error err = {0};

    assert_false(command_parse(count, (const char *const *)words, &command, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_string_equal(err.text, c->meant);
    command_done(&command);
    drop(words, count);
}

struct help_case {
    const char *topic;
    const char *holds; /* or the error */
    bool known;
};

static struct help_case help_cases[] = {
    {NULL, "millrace run ", true},
    {"run", "--set PATH=VALUE", true},
    {"check", "--config FILE", true},
    {"status", "lag", true},
    {"log", "cat|verify|stat", true},
    {"version", "versions", true},
    {"help", "exit-codes", true},
    {"options", "\n  commit.idle_interval\n", true},
    {"exit-codes", "\n  21  slot_invalidated\n", true},
    {"example", "\nname: orders\n", true},
    {"manual", ".TH MILLRACE 1", true},
    {"option", "no help on 'option': did you mean 'options'?", false},
    {"exit_codes", "no help on 'exit_codes': did you mean 'exit-codes'?", false},
    {"wholly", "no help on 'wholly': see millrace help", false},
    {"", "no help on '': see millrace help", false},
};

static void helps(void **state)
{
    const struct help_case *c = *state;
    struct error err = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(command_write_help(c->topic, out, &err), c->known);
    assert_int_equal(fclose(out), 0);
    if (c->known)
        assert_non_null(strstr(text, c->holds));
    else
        assert_string_equal(err.text, c->holds);
    free(text);
}

static void the_file_is_looked_for_where_it_is_said(void **state)
{
    char folder[] = "/tmp/millrace-command-XXXXXX";
    struct command command = {.kind = COMMAND_RUN};
    struct option_setting setting = {"a", "b"};
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_string_equal(command_config(&command), "/etc/millrace/millrace.yaml");
    if (access("/etc/millrace/millrace.yaml", F_OK) != 0) {
        command.settings = &setting;
        command.setting_count = 1;
        assert_null(command_config(&command));
    }
    file = fopen("millrace.yaml", "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(command_config(&command), "./millrace.yaml");
    command.config = "x";
    assert_string_equal(command_config(&command), "x");
    assert_int_equal(unlink("millrace.yaml"), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    struct CMUnitTest
        tests[ARRAY_LEN(line_cases) + ARRAY_LEN(fault_cases) + ARRAY_LEN(help_cases) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(line_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = line_cases[i].words, .test_func = understands, .initial_state = &line_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(fault_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = fault_cases[i].words, .test_func = refuses, .initial_state = &fault_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(help_cases); i++)
        tests[n++] =
            (struct CMUnitTest){.name = help_cases[i].topic == NULL ? "help" : help_cases[i].topic,
                                .test_func = helps,
                                .initial_state = &help_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_file_is_looked_for_where_it_is_said);
    return cmocka_run_group_tests_name("command_line", tests, NULL, NULL);
}
