#include "relay/command_line.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "millrace/mem.h"

#include "relay/suggest.h"

static const struct {
    const char *name;
    enum command_kind kind;
} commands[] = {
    {"run", COMMAND_RUN},   {"check", COMMAND_CHECK},     {"status", COMMAND_STATUS},
    {"plan", COMMAND_PLAN}, {"schema", COMMAND_SCHEMA},   {"import", COMMAND_IMPORT},
    {"log", COMMAND_LOG},   {"version", COMMAND_VERSION}, {"help", COMMAND_HELP},
};

enum flag {
    FLAG_CONFIG,
    FLAG_SET,
    FLAG_PRINT_CONFIG,
    FLAG_JSON,
    FLAG_KEY,
    FLAG_VALUE,
    FLAG_OUTPUT,
    FLAG_HELP
};

/* The commands that take a flag, a bit each. */
enum {
    ON_RUN = 1 << COMMAND_RUN,
    ON_CHECK = 1 << COMMAND_CHECK,
    ON_STATUS = 1 << COMMAND_STATUS,
    ON_PLAN = 1 << COMMAND_PLAN,
    ON_SCHEMA = 1 << COMMAND_SCHEMA,
    ON_IMPORT = 1 << COMMAND_IMPORT,
    ON_CONFIGURED = ON_RUN | ON_CHECK | ON_STATUS | ON_PLAN | ON_SCHEMA,
};

static const struct {
    const char *name;
    char letter; /* 0: none */
    bool takes_value;
    enum flag flag;
    unsigned commands;
    const char *value; /* what the value is called */
} flags[] = {
    {"--config", 'c', true, FLAG_CONFIG, ON_CONFIGURED, "FILE"},
    {"--set", 0, true, FLAG_SET, ON_CONFIGURED, "PATH=VALUE"},
    {"--print-config", 0, false, FLAG_PRINT_CONFIG, ON_CONFIGURED, NULL},
    {"--json", 0, false, FLAG_JSON, ON_PLAN, NULL},
    {"--key", 0, false, FLAG_KEY, ON_SCHEMA, NULL},
    {"--value", 0, false, FLAG_VALUE, ON_SCHEMA, NULL},
    {"--output", 'o', true, FLAG_OUTPUT, ON_IMPORT, "FILE"},
    {"--help", 'h', false, FLAG_HELP, ON_CONFIGURED | ON_IMPORT, NULL},
};

static bool takes_flag(enum command_kind kind, size_t i)
{
    return (flags[i].commands >> kind & 1U) != 0;
}

/* The words that are left to be read. */
struct words {
    const char *const *at;
    size_t left;
};

static const char *take_word(struct words *words)
{
    words->left--;
    return *words->at++;
}

const char *command_name(enum command_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (commands[i].kind == kind)
            return commands[i].name;
    return "";
}

static bool unknown_command(const char *word, struct error *err)
{
    struct suggestion meant = {.word = word};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        suggest_offer(&meant, commands[i].name, commands[i].name);
    if (meant.best != NULL)
        return error_set(err, ERROR_CONFIG, "unknown command '%.100s': did you mean '%s'?", word,
                         meant.best);
    if (*word == '-')
        return error_set(err, ERROR_CONFIG,
                         "the command comes first, as in 'millrace run --config FILE'");
    return error_set(err, ERROR_CONFIG, "unknown command '%.100s': see millrace help", word);
}

static bool find_command(const char *word, enum command_kind *out_kind, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, word) == 0) {
            *out_kind = commands[i].kind;
            return true;
        }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        *out_kind = COMMAND_HELP;
        return true;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        *out_kind = COMMAND_VERSION;
        return true;
    }
    return unknown_command(word, err);
}

static bool unknown_flag(const char *word, enum command_kind kind, struct error *err)
{
    size_t len = strcspn(word, "=");
    char name[64];
    struct suggestion meant = {.word = name};

    (void)snprintf(name, sizeof name, "%.*s", (int)(len < 60 ? len : 60), word);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (takes_flag(kind, i))
            suggest_offer(&meant, flags[i].name, flags[i].name);
    if (meant.best != NULL)
        return error_set(err, ERROR_CONFIG, "unknown flag '%s': did you mean '%s'?", name,
                         meant.best);
    return error_set(err, ERROR_CONFIG, "unknown flag '%s': see millrace help %s", name,
                     command_name(kind));
}

/* Does `word` name flags[i]?  The value that is part of the word (--set=a=b, -cFILE) goes to
 * out_value, else NULL does. */
static bool is_flag(size_t i, const char *word, const char **out_value)
{
    size_t len = strlen(flags[i].name);

    *out_value = NULL;
    if (strcmp(word, flags[i].name) == 0)
        return true;
    if (flags[i].takes_value && strncmp(word, flags[i].name, len) == 0 && word[len] == '=') {
        *out_value = word + len + 1;
        return true;
    }
    if (flags[i].letter == 0 || word[0] != '-' || word[1] != flags[i].letter)
        return false;
    if (word[2] != '\0' && flags[i].takes_value)
        *out_value = word + 2;
    return word[2] == '\0' || flags[i].takes_value;
}

static bool add_setting(struct command *command, const char *value, struct error *err)
{
    const char *equals = strchr(value, '=');
    size_t len;
    char *path;

    if (equals == NULL || equals == value)
        return error_set(err, ERROR_CONFIG, "--set wants PATH=VALUE, as in --set log.level=debug");
    len = (size_t)(equals - value);
    path = mem_zero(len + 1, 1);
    memcpy(path, value, len);
    command->settings[command->setting_count++] =
        (struct option_setting){.path = path, .value = equals + 1};
    return true;
}

static bool set_config(struct command *command, const char *value, struct error *err)
{
    if (command->config != NULL)
        return error_set(err, ERROR_CONFIG, "--config is given twice");
    if (*value == '\0')
        return error_set(err, ERROR_CONFIG, "--config wants FILE");
    command->config = value;
    return true;
}

static bool set_output(struct command *command, const char *value, struct error *err)
{
    if (command->output != NULL)
        return error_set(err, ERROR_CONFIG, "--output is given twice");
    if (*value == '\0')
        return error_set(err, ERROR_CONFIG, "--output wants FILE");
    command->output = value;
    return true;
}

static bool set_half(struct command *command, enum flag flag, struct error *err)
{
    command->key_only = command->key_only || flag == FLAG_KEY;
    command->value_only = command->value_only || flag == FLAG_VALUE;
    if (command->key_only && command->value_only)
        return error_set(err, ERROR_CONFIG,
                         "--key and --value: choose one of them, or leave both out");
    return true;
}

/* `millrace run --help` is `millrace help run`. */
static void ask_for_help(struct command *command, const char *const *name)
{
    command->kind = COMMAND_HELP;
    command->rest = name;
    command->rest_count = 1;
}

static bool apply_flag(struct command *command, enum flag flag, const char *value,
                       struct error *err)
{
    switch (flag) {
    case FLAG_CONFIG:
        return set_config(command, value, err);
    case FLAG_SET:
        return add_setting(command, value, err);
    case FLAG_PRINT_CONFIG:
        command->print_config = true;
        return true;
    case FLAG_JSON:
        command->json = true;
        return true;
    case FLAG_KEY:
    case FLAG_VALUE:
        return set_half(command, flag, err);
    case FLAG_OUTPUT:
        return set_output(command, value, err);
    case FLAG_HELP: /* parse_flags has seen to it */
        return true;
    }
    return false;
}

static bool parse_flag(struct command *command, const char *word, struct words *words,
                       struct error *err)
{
    const char *value;
    size_t i = 0;

    while (i < ARRAY_LEN(flags) && !(takes_flag(command->kind, i) && is_flag(i, word, &value)))
        i++;
    if (i == ARRAY_LEN(flags))
        return unknown_flag(word, command->kind, err);
    if (!flags[i].takes_value)
        return apply_flag(command, flags[i].flag, "", err);
    if (value == NULL && words->left == 0)
        return error_set(err, ERROR_CONFIG, "%s wants %s", flags[i].name, flags[i].value);
    return apply_flag(command, flags[i].flag, value != NULL ? value : take_word(words), err);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* A word that is no flag. */
static bool take_operand(struct command *command, const char *word, size_t most, struct error *err)
{
    if (command->word_count == most)
        return error_set(err, ERROR_CONFIG, "'%.100s' is one word too many: see millrace help %s",
                         word, command_name(command->kind));
    command->words[command->word_count++] = word;
    return true;
}

/* Flags, and at most `most` other words. */
static bool parse_flags(struct command *command, const char *const *name, struct words words,
                        size_t most, struct error *err)
{
    command->settings = mem_zero(words.left, sizeof *command->settings);
    command->words = mem_zero(words.left, sizeof *command->words);
    while (words.left > 0) {
        const char *word = take_word(&words);

        if (is_help(word)) {
            ask_for_help(command, name);
            return true;
        }
        if (word[0] != '-' || word[1] == '\0' ? !take_operand(command, word, most, err)
                                              : !parse_flag(command, word, &words, err))
            return false;
    }
    return true;
}

static bool parse_import(struct command *command, const char *const *name, struct words words,
                         struct error *err)
{
    if (!parse_flags(command, name, words, 1, err))
        return false;
    if (command->kind == COMMAND_IMPORT && command->word_count == 0)
        return error_set(err, ERROR_CONFIG,
                         "import wants the file of a connector: millrace import FILE [-o FILE]");
    return true;
}

/* The words behind `help`, `version` and `log`. */
static bool take_rest(struct command *command, const char *const *name, struct words words,
                      size_t most, struct error *err)
{
    if (words.left > 0 && is_help(words.at[0])) {
        ask_for_help(command, name);
        return true;
    }
    if (words.left > most)
        return error_set(err, ERROR_CONFIG, "'%.100s' is one word too many: see millrace help",
                         words.at[most]);
    command->rest = words.at;
    command->rest_count = words.left;
    return true;
}

bool command_parse(int argc, const char *const *argv, struct command *out, struct error *err)
{
    const char *const *name = argv + 1;
    struct words words;

    *out = (struct command){.kind = COMMAND_HELP};
    if (argc < 2)
        return error_set(err, ERROR_CONFIG, "no command: try 'millrace help'");
    if (!find_command(*name, &out->kind, err))
        return false;
    words = (struct words){argv + 2, (size_t)argc - 2};
    switch (out->kind) {
    case COMMAND_RUN:
    case COMMAND_CHECK:
    case COMMAND_STATUS:
    case COMMAND_PLAN:
        return parse_flags(out, name, words, 0, err);
    case COMMAND_SCHEMA:
        return parse_flags(out, name, words, words.left, err);
    case COMMAND_IMPORT:
        return parse_import(out, name, words, err);
    case COMMAND_LOG:
        return take_rest(out, name, words, words.left, err);
    case COMMAND_VERSION:
        return take_rest(out, name, words, 0, err);
    case COMMAND_HELP:
        return take_rest(out, name, words, 1, err);
    }
    return false;
}

void command_done(struct command *command)
{
    for (size_t i = 0; i < command->setting_count; i++)
        free((void *)(uintptr_t)command->settings[i].path); /* add_setting allocated it */
    free(command->settings);
    free(command->words);
    *command = (struct command){.kind = COMMAND_HELP};
}

const char *command_config(const struct command *command)
{
    static const char here[] = "./millrace.yaml", system_wide[] = "/etc/millrace/millrace.yaml";

    if (command->config != NULL)
        return command->config;
    if (access(here, F_OK) == 0)
        return here;
    if (command->setting_count > 0 && access(system_wide, F_OK) != 0)
        return NULL;
    return system_wide;
}
