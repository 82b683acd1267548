/*
 * avro_json - a value that was written as JSON becomes Avro.
 *
 * The JSON writer knows every type in every mode.  Types that rows are full of have a writer of
 * their own (avro_cell.h); all others, and the constants of a plan, come this way.
 *
 *     {"scale":2,"value":"AQ=="}  as  struct {scale int32, value bytes}   ->   04 02 01
 */
#ifndef SINKS_AVRO_JSON_H
#define SINKS_AVRO_JSON_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"
#include "sinks/connect_schema.h"

/* Appends the value, the branch of its union included.  `scratch` holds one text at a time.  False:
 * the JSON is not of that schema, or scratch or `out` are full; some may have been appended. */
bool avro_json_write(struct slice json, const struct connect_schema *schema, struct buf *scratch,
                     struct buf *out) MUST_CHECK;

/* Bytes as Avro spells them in a schema's default: each as the character of its number.  `base64`
 * is a JSON string. */
void avro_json_bytes(struct slice base64, struct buf *out);

/* The branches of an optional schema's union. */
static inline uint8_t avro_null_branch(const struct connect_schema *schema)
{
    return schema->default_json.at != NULL ? 2 : 0; /* 1 and 0 as long */
}
static inline uint8_t avro_value_branch(const struct connect_schema *schema)
{
    return schema->default_json.at != NULL ? 0 : 2;
}

#endif
