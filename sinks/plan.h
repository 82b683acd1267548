/*
 * plan - how the rows of one relation become JSON: compiled once, run for every row.
 *
 * For each column the bytes that never change and the way to write what does:
 *
 *     lead           value            lead             value              end
 *     {"id":         integer          ,"name":         text               }
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
#include "millrace/event.h"
#include "millrace/relation.h"
#include "sinks/json_value.h"
#include "sinks/placeholder.h"
#include "sinks/recorder.h"
#include "sinks/semantic.h"

struct plan_column {
    uint16_t index; /* into the row's cells */
    bool identity;  /* told by an OLD_KEY row */
    struct slice lead;
    struct semantic semantic;
    struct slice absent;  /* JSON where the value was not told: null, or a zero for NOT NULL */
    struct slice unknown; /* JSON where an unchanged TOASTed value is not known */
};

struct plan {
    uint32_t oid;
    uint64_t id; /* relation->id that it was compiled for */
    struct topic *topic;
    struct plan_column *columns; /* of the row, in the relation's order; hidden ones left out */
    uint16_t column_count;
    struct plan_column *key; /* in the key's order */
    uint16_t key_count;      /* 0: records have no key */
    struct slice table_json; /* ,"schema":"public","table":"t" */
    struct arena arena;      /* holds all of the above */
};

/* Where a row's values come from. */
struct image {
    const struct row *row;
    bool key_only;           /* an OLD_KEY row: columns outside the replica identity are absent */
    const struct row *older; /* tells the cells of `row` that are unchanged; NULL: nobody does */
    bool older_key_only;
};

/* The relation's columns that make its record key; see recorder.h.  Returns how many were written
 * to `out`, which has room for relation->column_count. */
uint16_t plan_key_columns(const struct relation *relation, uint16_t *out);

/* Fills *p, a zeroed plan or one that was compiled before.  ERROR_CONFIG when the description is
 * larger than one megabyte of plan. */
bool plan_compile(struct plan *p, const struct relation *relation, struct topic *topic,
                  const struct placeholder *placeholder, struct json_value *w,
                  struct error *err) MUST_CHECK;
void plan_done(struct plan *p);

/* Appends the row, or the key, as a JSON object.  False: the value of *out_column (an index into
 * the relation's columns) cannot be read, or w or `out` is full, which their `failed` then tells.
 */
bool plan_write_row(const struct plan *p, struct json_value *w, const struct image *image,
                    struct buf *out, uint16_t *out_column) MUST_CHECK;
bool plan_write_key(const struct plan *p, struct json_value *w, const struct image *image,
                    struct buf *out, uint16_t *out_column) MUST_CHECK;

#endif
