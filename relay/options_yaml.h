/*
 * options_yaml - the configuration file, flattened: one entry for each value, in the file's order.
 *
 *     kafka:                              kafka.bootstrap_servers  "b1:9092"   2:3
 *       bootstrap_servers: b1:9092   ->   kafka.properties.linger.ms  "5"      3:16
 *       properties: {linger.ms: 5}
 *
 * Nothing here knows which options there are.  Nesting and dots in keys are the same thing.
 */
#ifndef RELAY_OPTIONS_YAML_H
#define RELAY_OPTIONS_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/slice.h"

enum option_entry_kind {
    ENTRY_TEXT,
    ENTRY_LIST,    /* of texts */
    ENTRY_NOTHING, /* a key without a value */
    ENTRY_MAPPING, /* an empty mapping: others are flattened */
};

struct option_entry {
    struct option_entry *next;
    enum option_entry_kind kind;
    int line, column; /* of its key, from 1 */
    const char *path;
    const char *text;         /* ENTRY_TEXT */
    const char *const *texts; /* ENTRY_LIST */
    size_t text_count;
};

/* False with ERROR_CONFIG "<name>:<line>:<column>: ..." for anything but one YAML document in UTF-8
 * that is a mapping of texts, lists of texts and mappings.  Everything lives in `memory`. */
bool options_yaml_read(const char *name, struct slice file, struct arena *memory,
                       struct option_entry **out_entries, struct error *err) MUST_CHECK;

#endif
