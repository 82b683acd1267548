/*
 * placeholder - what stands for an unchanged TOASTed value that nobody knows, in each form a column
 * may need.
 *
 *     text, json...    "__debezium_unavailable_value"
 *     bytea            its bytes, in base64
 *     text[]...        ["__debezium_unavailable_value"]
 *     bytea[]          one element of its bytes
 *     int4[], date[]   its bytes as numbers: [95,95,100...]
 *     uuid[]           the name-based UUID (version 3) of it
 *     hstore as a map  one pair of it and itself
 *     other types      null
 *
 * "hex:00ff10" stands for these bytes; as a text they are read as UTF-8.
 */
#ifndef SINKS_PLACEHOLDER_H
#define SINKS_PLACEHOLDER_H

#include "millrace/buf.h"
#include "millrace/slice.h"
#include "sinks/semantic.h"

struct placeholder {
    struct buf json; /* all forms, one behind the other */
    struct slice text, bytes, text_list, bytes_list, number_list, uuid_list, map;
};

void placeholder_init(struct placeholder *p, const char *text);
void placeholder_done(struct placeholder *p);
/* The form for a column; valid as long as the placeholder. */
struct slice placeholder_for(const struct placeholder *p, const struct semantic *s);

#endif
