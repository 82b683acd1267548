/*
 * avro_cell - one value: PostgreSQL's text in, Avro's bytes out, as the semantic and its schema
 * say.
 *
 * The kinds that rows are full of are read straight; the rest goes through the JSON writer
 * (avro_json.h).  Both ways give the same bytes.
 */
#ifndef SINKS_AVRO_CELL_H
#define SINKS_AVRO_CELL_H

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"
#include "sinks/encoding.h"
#include "sinks/json_value.h"

struct avro_cell {
    struct json_value *json; /* its scratch memory serves here too */
    struct buf text;         /* JSON of one value */
    struct buf scratch;      /* of reading it */
};

void avro_cell_init(struct avro_cell *w, struct json_value *json, size_t limit_bytes);
void avro_cell_done(struct avro_cell *w);

/* Appends the value without the branch of its union.  ENCODE_UNFIT, and nothing appended: NaN as a
 * decimal, an array of several dimensions, a timestamp beyond 64 bits, infinity where the semantic
 * is finite: the schema cannot hold them.  In an array they are null with semantic.debezium. */
enum encode_outcome avro_cell_write(struct avro_cell *w, const struct semantic *s,
                                    const struct connect_schema *schema, struct slice text,
                                    struct buf *out) MUST_CHECK;

/* The same by way of JSON, for every kind; for tests to compare. */
enum encode_outcome avro_cell_write_json(struct avro_cell *w, const struct semantic *s,
                                         const struct connect_schema *schema, struct slice text,
                                         struct buf *out) MUST_CHECK;

#endif
