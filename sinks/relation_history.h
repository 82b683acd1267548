/*
 * relation_history - how tables looked, so that a change of one can be told.
 *
 * A description is a JSON object (side_schema.c has its schema):
 *
 *     {"oid":16385,"replica_identity":"default","key":["id"],"columns":[
 *         {"name":"id","type_schema":"pg_catalog","type":"int4","type_oid":23,"typmod":-1,
 *          "not_null":true,"identity":true,"default":null,"labels":null,"generated":false},...]}
 *
 * typmod is pg_attribute.atttypmod, labels are an enum's in sort order, default is pg_get_expr's
 * text.  Columns that the configuration leaves out are not described.
 *
 * The history is of one session: a table is described when its first event comes, and whenever a
 * description differs from the last one of that name.
 */
#ifndef SINKS_RELATION_HISTORY_H
#define SINKS_RELATION_HISTORY_H

#include <stdbool.h>

#include "millrace/buf.h"
#include "millrace/event.h"
#include "millrace/relation.h"
#include "sinks/table.h"

struct relation_history {
    struct table known; /* of struct known_relation, by name */
};

/* A zeroed one is empty. */
void relation_history_done(struct relation_history *h);

/* Appends the key and value of a change's record as JSON.  False, and nothing is appended: it looks
 * as it did. */
bool relation_history_tell(const struct relation_history *h, const struct event *event,
                           const struct relation *relation, struct buf *key, struct buf *value);
/* From now on the table looks like that. */
void relation_history_keep(struct relation_history *h, const struct relation *relation);

/* Appends the description. */
void relation_history_describe(const struct relation *relation, struct buf *out);

#endif
