/* schema_change - which column makes two versions of a table's Avro schema differ. */
#ifndef SINKS_SCHEMA_CHANGE_H
#define SINKS_SCHEMA_CHANGE_H

#include "millrace/slice.h"

#define SCHEMA_CHANGE_BYTES 200

/* "column qty is new", "column qty is gone", "column qty has another type"; empty when the texts
 * tell nothing.  Looks at the row within an envelope, else at the record's own fields. */
void schema_change_describe(struct slice before, struct slice after, char out[SCHEMA_CHANGE_BYTES]);

#endif
