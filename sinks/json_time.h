/*
 * json_time - dates, times and intervals as JSON: numbers, or ISO 8601 in quotes.
 */
#ifndef SINKS_JSON_TIME_H
#define SINKS_JSON_TIME_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"
#include "sinks/semantic.h"

/* Of the kinds from VALUE_DATE to VALUE_INTERVAL_ISO.  False when the text is not of the type. */
bool json_write_time(const struct semantic *s, struct slice text, struct buf *out) MUST_CHECK;

/* What the type has no form for: PostgreSQL's text, where Debezium has null.  True. */
bool json_write_beyond(const struct semantic *s, struct slice text, struct buf *out);

#endif
