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
    {"run", COMMAND_RUN}, {"check", COMMAND_CHECK},     {"status", COMMAND_STATUS},
    {"log", COMMAND_LOG}, {"version", COMMAND_VERSION}, {"help", COMMAND_HELP},
};

enum flag { FLAG_CONFIG, FLAG_SET, FLAG_PRINT_CONFIG, FLAG_HELP };

static const struct {
    const char *name;
    char letter; /* 0: none */
    bool takes_value;
    enum flag flag;
    const char *value; /* what the value is called */
} flags[] = {
    {"--config", 'c', true, FLAG_CONFIG, "FILE"},
    {"--set", 0, true, FLAG_SET, "PATH=VALUE"},
    {"--print-config", 0, false, FLAG_PRINT_CONFIG, NULL},
    {"--help", 'h', false, FLAG_HELP, NULL},
};

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

    while (i < ARRAY_LEN(flags) && !is_flag(i, word, &value))
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

static bool parse_flags(struct command *command, const char *const *name, struct words words,
                        struct error *err)
{
    while (words.left > 0) {
        const char *word = take_word(&words);

        if (is_help(word)) {
            ask_for_help(command, name);
            return true;
        }
        if (word[0] != '-' || word[1] == '\0')
            return error_set(err, ERROR_CONFIG,
                             "'%.100s' is one word too many: see millrace help %s", word,
                             command_name(command->kind));
        if (!parse_flag(command, word, &words, err))
            return false;
    }
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
        out->settings = mem_zero(words.left, sizeof *out->settings);
        return parse_flags(out, name, words, err);
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
