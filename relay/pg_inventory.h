/*
 * pg_inventory - which tables there are, which are published, and which would be.
 *
 *     sales.orders (partitioned) <- parent - sales.orders_2025 <- parent - sales.orders_2025_q1
 *
 * A publication may hold a table itself or a partitioned table above it.  Under what name its
 * changes come depends on publish_via_partition_root: the partition's own, or the published root's.
 * That name is the one that the patterns select by.
 */
#ifndef RELAY_PG_INVENTORY_H
#define RELAY_PG_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"
#include "millrace/slice.h"
#include "relay/pg_catalog.h"
#include "relay/pg_conn.h"
#include "relay/postgres.h"

/* An ordinary or partitioned table of the database that can be published.  Slices borrow from the
 * inventory. */
struct inventory_table {
    uint32_t oid;
    struct slice schema, name;
    bool partitioned;
    struct inventory_table *parent; /* that this is a partition of, else NULL */
    bool has_children;
    bool may_select; /* we, including USAGE of the schema */
    bool row_security_active;
    bool has_identity; /* a usable replica identity: updates and deletes can be published */
    bool has_key;      /* columns that identify a row, see struct relation */

    bool selected;  /* by the patterns */
    bool published; /* its changes come under this name */
    bool to_add;    /* inventory_plan(): to be named in CREATE PUBLICATION */
};

struct inventory {
    PGresult *rows;
    struct inventory_table *tables; /* ordered by oid */
    size_t count;
    bool publication_exists;
    bool to_be_made; /* inventory_plan(): taken as existing, though it does not yet */
    bool via_root;
    bool publishes_changes; /* updates or deletes */
};

/* To be freed with inventory_done(), which takes a zeroed one too. */
bool inventory_load(struct inventory *inventory, struct pg_conn *sql,
                    const struct postgres_options *options, const struct pg_selection *selection,
                    struct error *err) MUST_CHECK;
void inventory_done(struct inventory *inventory);

/* Marks what a publication that is to be made would hold (to_add) and so what would be published:
 * every selected table, but no partition whose parent, or an ancestor, is selected as well. */
void inventory_plan(struct inventory *inventory, bool via_root);

/* Selected, but its changes do not come, neither under its own name nor under that of a table above
 * or below it. */
bool inventory_is_missing(const struct inventory *inventory, const struct inventory_table *table);

/* Its updates and deletes would fail in the application, and we would be to blame: rows are stored
 * in it, they are published under a selected name, and it has no replica identity. */
bool inventory_lacks_identity(const struct inventory *inventory,
                              const struct inventory_table *table);

/* Appends "schema"."name". */
void inventory_write_name(struct buf *out, const struct inventory_table *table);

#endif
