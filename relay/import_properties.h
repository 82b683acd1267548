/*
 * import_properties - the configuration of a connector as names and values.
 *
 *     slot.name = orders \            {"name": "orders", "config": {"slot.name": "orders"}}
 *         # Java's .properties        or the inner object alone: Kafka Connect's JSON
 *
 * Which of the two it is, the first character tells.
 */
#ifndef RELAY_IMPORT_PROPERTIES_H
#define RELAY_IMPORT_PROPERTIES_H

#include <stdbool.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/slice.h"

struct property {
    struct property *next;
    const char *name, *value;
    int line;  /* from 1; 0: not known */
    bool used; /* the importer's */
};

/* In the file's order; everything lives in `memory`.  ERROR_CONFIG "<name>:<line>: ..." for what is
 * no text, no JSON object of plain values, or has a name twice; values are never quoted. */
bool import_properties_read(const char *name, struct slice file, struct arena *memory,
                            struct property **out, struct error *err) MUST_CHECK;

#endif
