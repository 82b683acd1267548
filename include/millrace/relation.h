/*
 * relation - a table as PostgreSQL described it at one moment.
 *
 * The stream's R message fills the first half (names, types, identity flags); the catalogue, read
 * on a side connection, the second (primary key, NOT NULL, what the types are).  A relation is
 * never changed after it was described: a later description of the same table is another struct
 * with another `id`, and events bind to the one in force at their place in the log.
 *
 * All memory belongs to the arena of whoever made the relation (the decoder's relation cache, or
 * the snapshot).  A pointer to it is valid until that relation is replaced or the session ends.
 */
#ifndef MILLRACE_RELATION_H
#define MILLRACE_RELATION_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/slice.h"

/* pg_type.typtype, manual section 53.64. */
enum type_kind {
    TYPE_BASE,
    TYPE_COMPOSITE,
    TYPE_DOMAIN,
    TYPE_ENUM,
    TYPE_RANGE,
    TYPE_MULTIRANGE,
    TYPE_PSEUDO,
};

struct type {
    uint32_t oid;
    struct slice schema; /* "pg_catalog", "public"... */
    struct slice name;   /* pg_type.typname: "int4", "_int4", "mood"... */
    enum type_kind kind;
    char delimiter;             /* between array elements: ',' (';' for box) */
    const struct type *element; /* an array's element type, else NULL */
    const struct type *base;    /* of a domain (may be one itself); a range's subtype; else NULL */
    int32_t base_typmod;        /* a domain's typmod on its base type, else -1 */
    const struct slice *labels; /* an enum's labels in sort order */
    uint32_t label_count;
};

struct column {
    struct slice name;
    uint32_t type_oid;
    int32_t typmod; /* pg_attribute.atttypmod; -1: none */
    bool identity; /* part of the replica identity (R message flag 1); under FULL every column is */

    /* From the catalogue; see relation.described. */
    bool not_null;
    bool generated;
    bool hidden; /* left out by the configuration: never in a value, though it may be in the key */
    const struct type *type;   /* NULL while not described */
    struct slice default_expr; /* pg_get_expr text of the column default; at == NULL: none */
};

enum replica_identity {
    IDENTITY_DEFAULT = 'd',
    IDENTITY_NOTHING = 'n',
    IDENTITY_FULL = 'f',
    IDENTITY_INDEX = 'i',
};

struct relation {
    uint64_t id; /* unique among all relations of one source; never 0 */
    uint32_t oid;
    struct slice schema;
    struct slice name;
    enum replica_identity identity;
    uint16_t column_count;
    struct column *columns;

    /* From the catalogue. */
    bool described;
    /* Columns that identify a row, as indexes into columns, in index order: the primary key; else
     * the replica identity's index; else the first unique index over NOT NULL columns; else none.
     * A key any column of which is not among `columns` counts as none, and so does one that the
     * replica identity does not cover: the deletes do not carry it. */
    const uint16_t *key;
    uint16_t key_count;
    bool key_is_primary;
    bool ignored;    /* left out by the configuration: the source drops its events */
    bool has_labels; /* some column is of enums, whose new labels the stream does not announce */
};

/* True when both describe the same table in the same way: everything but `id` and what came from
 * the catalogue.  For telling a repeated R message from a changed one. */
bool relation_same_wire(const struct relation *a, const struct relation *b);

/* "default", "full"...; constant. */
const char *replica_identity_name(enum replica_identity identity);

#endif
