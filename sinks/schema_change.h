/* schema_change - what makes two texts of an Avro schema differ. */
#ifndef SINKS_SCHEMA_CHANGE_H
#define SINKS_SCHEMA_CHANGE_H

#include <stdbool.h>

#include "millrace/slice.h"

#define SCHEMA_CHANGE_BYTES 200

/* "column qty is new", "column qty is gone", "column qty has another type"; empty when the texts
 * tell nothing.  Looks at the row within an envelope, else at the record's own fields. */
void schema_change_describe(struct slice before, struct slice after, char out[SCHEMA_CHANGE_BYTES]);

/* Would the bytes that one of them wrote be read by the other?  The same types, names and fields in
 * the same order, as in Avro's parsing canonical form; registries write schemas in their own way,
 * so defaults, documentation and other properties do not count.  False for what is no schema. */
bool schema_change_same_layout(struct slice a, struct slice b);

#endif
