/* import_private - what the files of the importer share. */
#ifndef RELAY_IMPORT_PRIVATE_H
#define RELAY_IMPORT_PRIVATE_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "relay/import_debezium.h"
#include "relay/option_table.h"

struct importing {
    struct imported *out;
    struct property *properties;
    struct arena *memory;
    struct import_note **last_note;
    struct options scratch; /* values are tried out here */
    unsigned unwritten;     /* patterns that have no counterpart */
    bool full;              /* `memory` is */
};

/* ---- properties ---- */

/* The value, and the property counts as dealt with; NULL when it is not there. */
const char *import_take(struct importing *i, const char *name);
/* Its line's value without dealing with it. */
const char *import_peek(const struct importing *i, const char *name);
/* A formatted text in the importer's memory; "" when that is full. */
const char *import_text(struct importing *i, const char *fmt, ...) PRINTF_LIKE(2, 3);
char import_lower(char letter);
/* Without blanks around it. */
const char *import_trim(struct importing *i, const char *text, size_t len);

/* ---- notes ---- */

void import_lost(struct importing *i, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
void import_look(struct importing *i, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* ---- options ---- */

bool import_is_set(const struct importing *i, const char *path);
/* Sets the option to a value as Debezium writes it (milliseconds, TRUE, a comma list); says what is
 * wrong with it under the property's name.  False: it is not set. */
bool import_set(struct importing *i, const struct option *option, const char *name,
                const char *value);
/* The same by path; false, without a word, when there is no such option. */
bool import_set_path(struct importing *i, const char *path, const char *name, const char *value);
/* Makes it the value of an environment variable, whose name is returned. */
const char *import_set_variable(struct importing *i, const struct option *option);
/* The same for a secret that the property holds, which is told. */
void import_set_secret(struct importing *i, const struct option *option, const char *name);
/* Adds an item to a list option; it is written as our files have it: see import_literal. */
void import_add(struct importing *i, const char *path, const char *item);
/* A text that stands for itself in our files, where ${NAME} is a variable. */
const char *import_literal(struct importing *i, const char *text);
/* An entry of kafka.properties. */
void import_kafka(struct importing *i, const char *name, const char *value);
void import_kafka_secret(struct importing *i, const char *name, const char *variable,
                         const char *property);

/* A Java pattern as our files have it.  Where there is none, which is told, a variable that is not
 * set stands for it: what the pattern hides must not show because the pattern is gone. */
const char *import_converted(struct importing *i, const char *name, const char *java, bool groups);
/* Calls each(item) for the items between the separators, trimmed; "\," is a comma. */
void import_split(struct importing *i, const char *list, char separator, void *context,
                  void (*each)(struct importing *i, void *context, const char *item));

/* ---- parts ---- */

/* To begin with; of a connector's own configuration it leaves everything as it is. */
void import_server(struct importing *i);
void import_converters(struct importing *i);
void import_transforms(struct importing *i);
void import_producer(struct importing *i);
/* What is left: told as not carried over. */
void import_leftovers(struct importing *i);

#endif
