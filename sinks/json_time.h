/*
 * json_time - dates, times and intervals as JSON: numbers, or ISO 8601 in quotes.
 */
#ifndef SINKS_JSON_TIME_H
#define SINKS_JSON_TIME_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"
#include "sinks/json_value.h"
#include "sinks/semantic.h"

/* Of the kinds from VALUE_DATE to VALUE_INTERVAL_ISO.  False as of json_value_write(). */
bool json_write_time(struct json_value *w, const struct semantic *s, struct slice text,
                     struct buf *out) MUST_CHECK;

#endif
