/*
 * command_line - what the operator asked for.
 *
 *     millrace run|check|status [-c FILE] [--set PATH=VALUE]... [--print-config]
 *     millrace plan [-c FILE] [--set PATH=VALUE]... [--json]
 *     millrace schema [TABLE]... [-c FILE] [--set PATH=VALUE]... [--key|--value]
 *     millrace import FILE [-o FILE]
 *     millrace log cat|verify|stat DIR      (everything behind "log" is the subcommand's)
 *     millrace help [options|exit-codes|example|manual|COMMAND]
 *     millrace version
 */
#ifndef RELAY_COMMAND_LINE_H
#define RELAY_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "millrace/attr.h"
#include "millrace/error.h"

#include "relay/options.h"

enum command_kind {
    COMMAND_RUN,
    COMMAND_CHECK,
    COMMAND_STATUS,
    COMMAND_PLAN,
    COMMAND_SCHEMA,
    COMMAND_IMPORT,
    COMMAND_LOG,
    COMMAND_VERSION,
    COMMAND_HELP,
};

struct command {
    enum command_kind kind;
    const char *config;              /* --config; NULL: not given, see command_config */
    struct option_setting *settings; /* --set, in order */
    size_t setting_count;
    bool print_config;         /* print what is in force and end */
    bool json;                 /* PLAN: for machines */
    bool key_only, value_only; /* SCHEMA: that one alone; never both */
    const char *output;        /* IMPORT: -o; NULL: not given */
    const char **words;        /* SCHEMA: tables; IMPORT: the one file */
    size_t word_count;
    const char *const *rest; /* LOG: its own words; HELP: at most one topic */
    size_t rest_count;
};

/* Reads the command line, which must outlive the command.  ERROR_CONFIG with a suggestion for what
 * is misspelt.  To be ended with command_done in either case. */
bool command_parse(int argc, const char *const *argv, struct command *out,
                   struct error *err) MUST_CHECK;
void command_done(struct command *command);

/* The file to read: the one given; else ./millrace.yaml when there is one; else
 * /etc/millrace/millrace.yaml; but NULL, no file, when that is missing too and there are settings.
 */
const char *command_config(const struct command *command);

/* "run", "check"...; never NULL. */
const char *command_name(enum command_kind kind);

/* Writes what `millrace help [TOPIC]` shows; NULL: the overview.  ERROR_CONFIG for an unknown
 * topic. */
bool command_write_help(const char *topic, FILE *out, struct error *err) MUST_CHECK;
/* The whole manual page, millrace(1). */
void command_write_manual(FILE *out);

#endif
