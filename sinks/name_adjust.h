/*
 * name_adjust - makes names legal where Avro's rules hold: [A-Za-z_][A-Za-z0-9_]*.
 *
 * Debezium's schema.name.adjustment.mode and field.name.adjustment.mode: what is not allowed
 * becomes
 * `_`, or (unicode) `_u0020` with every `_` as `_u005f`.  Characters beyond U+FFFF count as
 * two, as in Java.  A name may have several parts with dots between them; each part that begins
 * with a digit gets a `_` in front.
 */
#ifndef SINKS_NAME_ADJUST_H
#define SINKS_NAME_ADJUST_H

#include "millrace/buf.h"
#include "millrace/slice.h"

enum name_adjustment { NAMES_AS_THEY_ARE, NAMES_AVRO, NAMES_AVRO_UNICODE };

/* Appends the name; dots stay only in a name of several parts (of a schema, not of a field). */
void name_adjust(struct slice name, enum name_adjustment how, bool has_parts, struct buf *out);

#endif
