/*
 * plan - how the rows of one relation become records: compiled once, run for every row.
 *
 * For each column the bytes that never change and the way to write what does; see encoding.h:
 *
 *     row_head   lead           value            lead             value              row_tail
 *     {          "id":          integer          ,"name":         text               }
 *
 * A plan may outlive its relation: it reads nothing of it after it was compiled.
 */
#ifndef SINKS_PLAN_H
#define SINKS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/relation.h"
#include "sinks/connect_schema.h"
#include "sinks/flat.h"
#include "sinks/recorder.h"
#include "sinks/semantic.h"

struct encoding;
struct collection;

struct plan_column {
    uint16_t index; /* into the row's cells */
    bool identity;  /* told by an OLD_KEY row */
    struct semantic semantic;
    struct column_rule rule;
    const struct connect_schema *schema; /* NULL where the encoding has none */
    struct slice lead;                   /* in front of a value */
    struct slice null;                   /* the whole field where it is NULL */
    struct slice absent;  /* ... where the value was not told: null, or a zero for NOT NULL */
    struct slice unknown; /* ... where an unchanged TOASTed value is not known; at NULL: an error */
    struct slice listed;  /* its name as JSON, to be told where it is not known; at NULL: is not */
};

struct plan_columns {
    struct plan_column *at;
    uint16_t count;
};

/* How many bytes around a key (a schema, its id) are no part of what picks the partition. */
struct key_frame {
    size_t head, tail;
};

/* Behind a flat row: a constant, and what changes from event to event. */
struct plan_told {
    struct slice lead;
    const struct flat_field *field;
};

struct plan {
    uint32_t oid;
    uint64_t id; /* relation->id that it was compiled for */
    struct topic *topic;
    bool described;                /* its relation was told of; side_records.h */
    struct collection *collection; /* in which its records are counted; NULL: not looked up yet */
    struct plan_columns row;       /* in the relation's order; hidden ones left out */
    struct plan_columns key;       /* in the key's order; none: records have no key */
    struct plan_columns key_text;  /* the key as JSON, where the encoding is not */
    struct slice value_head;
    struct slice key_head; /* up to its first column */
    struct slice key_tail;
    struct key_frame key_frame;
    struct plan_told *behind; /* flat: behind the row, where constants of a table are leads */
    size_t behind_count;
    struct slice behind_tail;   /* what is behind the last of them */
    struct slice schema, table; /* names */
    struct slice source_table;  /* both, as the encoding has them in the source */
    const struct connect_schema *value_schema, *key_schema; /* as plan_column.schema */
    struct arena arena;                                     /* holds all of the above */
};

/* Where a row's values come from. */
struct image {
    const struct row *row;   /* NULL: there is none */
    bool key_only;           /* an OLD_KEY row: columns outside the replica identity are absent */
    const struct row *older; /* tells the cells of `row` that are unchanged; NULL: nobody does */
    bool older_key_only;
};

/* The relation's columns that make its record key; see recorder.h.  Returns how many were written
 * to `out`, which has room for relation->column_count. */
uint16_t plan_key_columns(const struct relation *relation, uint16_t *out);

/* Fills *p, a zeroed plan or one that was compiled before.  ERROR_CONFIG when the description is
 * larger than eight megabytes of plan, when two columns come to the same name, or when the schema
 * registry refuses; ERROR_SYSTEM when a default cannot be hashed; ERROR_WAITING while the registry
 * has not answered. */
bool plan_compile(struct plan *p, const struct relation *relation, struct topic *topic,
                  struct encoding *encoding, struct error *err) MUST_CHECK;
void plan_done(struct plan *p);

/* What could not be written, and why. */
struct plan_fault {
    uint16_t column; /* index into the relation's columns */
    bool unfit;      /* the value is fine, the encoding has no form for it */
    bool null;       /* NULL, in a column that is described as NOT NULL: see encoding_loosen() */
    bool unhidden;   /* a rule is to hide the value, and could not */
};

/* These append.  False: see *out_fault; or scratch memory or `out` is full, which their `failed`
 * then tells. */
bool plan_write_key(const struct plan *p, struct encoding *encoding, const struct image *image,
                    struct buf *out, struct plan_fault *out_fault) MUST_CHECK;
/* The key as a JSON object without a schema, cut out of `key`, or written to `out`. */
bool plan_key_text(const struct plan *p, struct encoding *encoding, const struct image *image,
                   struct slice key, struct buf *out, struct slice *out_text,
                   struct plan_fault *out_fault) MUST_CHECK;
/* Head and rows of a change; flat: the new row, or else the old one. */
bool plan_write_change(const struct plan *p, struct encoding *encoding, const struct image *before,
                       const struct image *after, struct buf *out,
                       struct plan_fault *out_fault) MUST_CHECK;
/* Everything behind a flat row. */
void plan_write_told(const struct plan *p, struct encoding *encoding, const struct event *event,
                     char op, struct buf *out);

#endif
