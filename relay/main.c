/* main - the program: which command, with which options, ended by which exit code. */
#include <stdio.h>

#include "millrace/error.h"
#include "relay/command_import.h"
#include "relay/command_line.h"
#include "relay/command_log.h"
#include "relay/command_plan.h"
#include "relay/command_schema.h"
#include "relay/command_status.h"
#include "relay/exit_code.h"
#include "relay/heap.h"
#include "relay/log.h"
#include "relay/options.h"
#include "relay/registry.h"
#include "relay/session.h"
#include "relay/signals.h"

static enum exit_code complain(const struct error *err)
{
    (void)fprintf(stderr, "millrace: %s\n", err->text);
    return exit_code_of(err);
}

static enum exit_code run_with(const struct command *command, const struct options *options,
                               struct signals *signals)
{
    struct error err = {0};

    if (!registry_check_options(options, &err))
        return complain(&err);
    if (command->print_config) {
        options_write_effective(options, stdout);
        return EXIT_OK;
    }
    if (command->kind == COMMAND_CHECK)
        return command_check(options, signals->fd, stdout);
    if (command->kind == COMMAND_STATUS)
        return command_status(options, signals->fd, stdout);
    if (command->kind == COMMAND_PLAN)
        return command_plan(options, command->json, signals->fd, stdout);
    if (command->kind == COMMAND_SCHEMA)
        return command_schema(options, command->words, command->word_count,
                              command->key_only     ? SCHEMA_KEY
                              : command->value_only ? SCHEMA_VALUE
                                                    : SCHEMA_BOTH,
                              signals->fd, stdout);
    return session_run(options, signals);
}

/* Commands that need the configuration. */
static enum exit_code configured(const struct command *command)
{
    struct error err = {0};
    struct signals signals;
    struct options *options =
        options_load(command_config(command), command->settings, command->setting_count, &err);
    enum exit_code code;

    if (options == NULL)
        return complain(&err);
    log_configure(options->log_level, options->log_format);
    if (signals_open(&signals, &err)) {
        code = run_with(command, options, &signals);
        signals_close(&signals);
    } else {
        code = complain(&err);
    }
    options_destroy(options);
    return code;
}

static enum exit_code show_version(void)
{
    (void)printf("millrace %s\n", MILLRACE_VERSION);
    registry_write_versions(stdout);
    return EXIT_OK;
}

static enum exit_code show_help(const struct command *command)
{
    struct error err = {0};

    if (!command_write_help(command->rest_count > 0 ? command->rest[0] : NULL, stdout, &err))
        return complain(&err);
    return EXIT_OK;
}

static enum exit_code dispatch(const struct command *command)
{
    switch (command->kind) {
    case COMMAND_RUN:
    case COMMAND_CHECK:
    case COMMAND_STATUS:
    case COMMAND_PLAN:
    case COMMAND_SCHEMA:
        return configured(command);
    case COMMAND_IMPORT:
        return command_import(command->words[0], command->output, stdout, stderr);
    case COMMAND_LOG:
        return command_log((int)command->rest_count, command->rest, stdout, stderr);
    case COMMAND_VERSION:
        return show_version();
    case COMMAND_HELP:
        return show_help(command);
    }
    return EXIT_CONFIG;
}

int main(int argc, char **argv)
{
    struct error err = {0};
    struct command command;
    enum exit_code code;

    heap_return_what_is_big();
    if (!command_parse(argc, (const char *const *)argv, &command, &err))
        code = complain(&err);
    else
        code = dispatch(&command);
    command_done(&command);
    return (int)code;
}
