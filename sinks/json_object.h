/*
 * json_object - values that are JSON objects, or arrays by themselves: geometries, vectors, hstore.
 *
 * PostgreSQL's text in, JSON out; the members are told in semantic.h.  A map with numbers as keys
 * stands as an array of pairs, as Kafka Connect writes it: [[1,1.5],[3,-2.0]].
 */
#ifndef SINKS_JSON_OBJECT_H
#define SINKS_JSON_OBJECT_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"
#include "sinks/semantic.h"

/* Of the kinds from VALUE_HSTORE_JSON to VALUE_SPARSE_VECTOR; `work` is scratch memory.  The
 * members of an hstore keep PostgreSQL's order.  False when the text is not of the type, or scratch
 * memory did not suffice; something may then have been appended. */
bool json_write_object(const struct semantic *s, struct slice text, struct buf *work,
                       struct buf *out) MUST_CHECK;

#endif
