/* option_value - one option's value: from text into its field, and back. */
#ifndef RELAY_OPTION_VALUE_H
#define RELAY_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"

#include "relay/option_table.h"
#include "relay/options.h"

/* What a value of that option is, as in "must be a duration such as 500ms, 5s, 2m or 1h, between
 * 1ms and 1m": appended to out, without an article's "must be". */
void option_value_describe(const struct option *option, struct buf *out);

/* Stores a value into its field; `text` and what is made of it must live as long as the options.
 * Not for lists and maps.  ERROR_CONFIG: "<path> must be ...", without the value. */
bool option_value_store(const struct option *option, const char *text, struct options *into,
                        struct error *err) MUST_CHECK;
/* Stores a list; the array is kept, not copied. */
bool option_value_store_list(const struct option *option, const char *const *texts, size_t count,
                             struct options *into, struct error *err) MUST_CHECK;
/* Adds an entry to the map, or replaces the one of that name. */
bool option_value_store_entry(const char *name, const char *text, struct options *into,
                              struct arena *memory, struct error *err) MUST_CHECK;

/* False when it is a text that is not set. */
bool option_value_is_set(const struct option *option, const struct options *from);
/* Appends the value as YAML that reads back as the same: texts quoted, numbers with their unit. Not
 * for maps, and secrets are the caller's care. */
void option_value_print(const struct option *option, const struct options *from, struct buf *out);
/* Appends a text in YAML's double quotes. */
void option_value_print_quoted(const char *text, struct buf *out);

#endif
