/*
 * name_adjust - makes names legal where Avro's rules hold: [A-Za-z_][A-Za-z0-9_]*.
 *
 * As Debezium's SchemaNameAdjuster (schema.name.adjustment.mode and field.name.adjustment.mode),
 * character for character:
 *
 *     avro           "a b" -> a_b         "1a" -> _1a        "a_b" -> a_b
 *     avro_unicode   "a b" -> a_u0020b    "1a" -> _u0031a    "a_b" -> a_u005fb
 *
 * Characters beyond U+FFFF count as two, as in Java.  Names may meet, whatever the mode.  But a
 * name may have several parts with dots between them, and to Debezium only the first character of
 * all begins something; here a part that begins with a digit gets a `_` in front in either mode:
 * only Java's Avro takes it as it is.
 */
#ifndef SINKS_NAME_ADJUST_H
#define SINKS_NAME_ADJUST_H

#include "millrace/buf.h"
#include "millrace/slice.h"

enum name_adjustment { NAMES_AS_THEY_ARE, NAMES_AVRO, NAMES_AVRO_UNICODE };

/* Appends the name; dots stay only in a name of several parts (of a schema, not of a field). */
void name_adjust(struct slice name, enum name_adjustment how, bool has_parts, struct buf *out);

#endif
