/*
 * options - everything that can be configured, filled once at the start and const ever after.
 *
 * One table (option_table.c) describes every option: dotted path, type, default, unit, one-sentence
 * help, where it is stored, whether it is secret.  The parser of the file, --set, `millrace help
 * options`, the example file and the manual page are all made from it.  Every path is an error if
 * it is unknown or repeated; the error names file, line and column and suggests the nearest path.
 */
#ifndef RELAY_OPTIONS_H
#define RELAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "relay/log.h"
#include "relay/loop.h"
#include "relay/postgres.h"
#include "sinks/kafka.h"
#include "sinks/log.h"
#include "sinks/recorder.h"
#include "sinks/registry_client.h"

enum sink_type { SINK_KAFKA, SINK_LOG, SINK_STDOUT, SINK_NULL };

/* With whose consumers, beyond what holds for both. */
enum compatibility { COMPATIBILITY_NONE, COMPATIBILITY_DEBEZIUM_3 };

struct retry_options {
    int64_t first_ms;   /* back-off after a lost link: first wait ... */
    int64_t most_ms;    /* ... doubling up to this ... */
    int64_t give_up_ms; /* ... and exit 1 after this long without a session; 0: never */
};

struct options {
    const char *name; /* of the relay: of its position, transactions; default of slot and prefix */
    enum log_level log_level;
    enum log_format log_format;
    enum sink_type sink;
    struct postgres_options postgres;
    struct recorder_options records;
    struct registry_options registry;
    enum compatibility compatibility;
    bool context_headers; /* records.run_id is made when the relay starts */
    struct kafka_options kafka;
    struct log_options log;
    struct loop_options loop;
    struct retry_options retry;

    void *memory; /* owns every text above; see options_destroy */
};

struct option_setting {
    const char *path;
    const char *value;
};

/* Reads the YAML file (NULL: no file), then applies the --set settings in order, then defaults that
 * depend on other options (slot, topic prefix and publication from the name...), then checks what
 * belongs together.  `${NAME}` in a value is replaced by the environment's; a value "file:PATH" of
 * a secret option is replaced by that file's first line.  NULL with ERROR_CONFIG on any fault. */
struct options *options_load(const char *path, const struct option_setting *settings,
                             size_t setting_count, struct error *err) MUST_CHECK;
void options_destroy(struct options *options); /* NULL is fine */

/* Made from the table. */
void options_write_help(FILE *out);
void options_write_example(FILE *out);
void options_write_manual(FILE *out); /* the OPTIONS part of the manual page, in man(7) macros */
/* What is in force, secrets as ***. */
void options_write_effective(const struct options *options, FILE *out);

#endif
