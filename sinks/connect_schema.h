/*
 * connect_schema - what a record looks like, as Kafka Connect describes it.
 *
 * A tree in somebody's arena, or constant.  Two texts are made of it: the `schema` member of
 * JSON records (below) and an Avro schema (avro_schema.h).
 *
 *     p.public.t.Envelope: before ─► p.public.t.Value: id int32, name string...
 *                          after  ─► the same
 *                          source, transaction, op, ts_ms, ts_us, ts_ns
 */
#ifndef SINKS_CONNECT_SCHEMA_H
#define SINKS_CONNECT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/relation.h"
#include "millrace/slice.h"
#include "sinks/semantic.h"

struct connect_parameter {
    const char *name;
    struct slice value;
};

struct connect_schema {
    enum connect_base base;
    bool optional;
    int version;               /* 0: none */
    struct slice name;         /* at NULL: none */
    struct slice doc;          /* at NULL: none */
    struct slice default_json; /* at NULL: none */
    const struct connect_parameter *parameters;
    size_t parameter_count;
    const struct connect_field *fields; /* of a struct */
    size_t field_count;
    const struct connect_schema
        *items; /* of an array; the values of a map, whose keys are strings */
};

struct connect_field {
    struct slice name;
    const struct connect_schema *schema;
};

/* "int32", "string"... */
const char *connect_base_name(enum connect_base base);

/* The schema of a column's values; what it points to is copied into `arena`.  NULL when that is
 * full.  default_json has no default when its `at` is NULL.  A sparse vector (VALUE_SPARSE_VECTOR)
 * has none, alone or in an array: its map has numbers as keys. */
const struct connect_schema *connect_schema_of(const struct semantic *s, bool optional,
                                               struct slice default_json,
                                               struct arena *arena) MUST_CHECK;

/* The same with one more parameter, of which name is constant and the value copied into `arena`.
 * NULL when that is full. */
const struct connect_schema *connect_schema_with(const struct connect_schema *schema,
                                                 const struct connect_parameter *parameter,
                                                 struct arena *arena) MUST_CHECK;

/* A struct of those fields, which must live in `arena` too. */
const struct connect_schema *connect_schema_struct(struct slice name,
                                                   const struct connect_field *fields,
                                                   size_t field_count, bool optional,
                                                   struct arena *arena) MUST_CHECK;

/* Debezium's envelope around a row. */
const struct connect_schema *connect_schema_envelope(struct slice name,
                                                     const struct connect_schema *row,
                                                     struct arena *arena) MUST_CHECK;

/* Of fields of the envelope that are told behind a flat row. */
extern const struct connect_schema connect_optional_string, connect_optional_int64,
    connect_optional_snapshot;

/* Of logical messages. */
extern const struct connect_schema connect_message_key;
/* Their content is bytes, or a text. */
const struct connect_schema *connect_message_value(bool text);

/* Appends the schema as Connect's JsonConverter spells it. */
void connect_schema_write_json(const struct connect_schema *schema, struct buf *out);

#endif
