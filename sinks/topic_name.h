/*
 * topic_name - which topic a table's records go to.
 *
 *     <prefix> <delimiter> <schema> <delimiter> <table>          e.g. shop.public.orders
 *
 * Kafka allows [A-Za-z0-9._-] and 249 bytes; every other UTF-16 unit becomes `_`, as Debezium does
 * it (a character beyond U+FFFF becomes two of them).
 */
#ifndef SINKS_TOPIC_NAME_H
#define SINKS_TOPIC_NAME_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/slice.h"

#define TOPIC_NAME_MAX 249

struct topic_name {
    char text[TOPIC_NAME_MAX + 1];
    size_t len;
};

/* ERROR_CONFIG when it is too long. */
bool topic_name_of_table(const char *prefix, const char *delimiter, struct slice schema,
                         struct slice table, struct topic_name *out, struct error *err) MUST_CHECK;
/* The text with `_` for what Kafka does not allow.  False when it is empty or too long. */
bool topic_name_of_text(struct slice text, struct topic_name *out) MUST_CHECK;
/* <prefix> <delimiter> <last>: where logical messages go, and records beside those of rows. */
bool topic_name_of_parts(const char *prefix, const char *delimiter, const char *last,
                         struct topic_name *out, struct error *err) MUST_CHECK;

#endif
