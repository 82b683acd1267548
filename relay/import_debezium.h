/*
 * import_debezium - the configuration of Debezium's PostgreSQL connector as ours.
 *
 * A property that an option of option_table.c says it is known as goes there, its value turned into
 * the option's type (milliseconds into a duration, a comma list of Java's regular expressions into
 * a list of ours...).  Only what differs in more than its name has code here.  Nothing is dropped
 * silently: whatever is not carried over is told, with the reason.
 */
#ifndef RELAY_IMPORT_DEBEZIUM_H
#define RELAY_IMPORT_DEBEZIUM_H

#include <stdbool.h>
#include <stdio.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"
#include "relay/import_properties.h"
#include "relay/options.h"

/* Something to be told. */
struct import_note {
    struct import_note *next;
    bool lost;        /* not carried over; else: to be looked at */
    const char *name; /* of the property, without what may be secret in it */
    const char *text;
};

/* An entry of kafka.properties. */
struct import_entry {
    struct import_entry *next;
    const char *name;
    const char *yaml;
};

struct imported {
    const char **yaml; /* by the option's place in the table: its value; NULL: not set */
    struct import_entry *kafka;
    struct import_note *notes; /* in the order of their finding */
    struct arena *memory;
};

/* ERROR_CONFIG when it is not the configuration of a PostgreSQL connector of Debezium.  Everything
 * lives in `memory`, and borrows from the properties. */
bool import_debezium(struct property *properties, struct arena *memory, struct imported *out,
                     struct error *err) MUST_CHECK;

/* Appends the YAML file, with the notes as comments; `from` names the file it was made from. */
void import_write(const struct imported *imported, const char *from, struct buf *out);

#endif
