/*
 * pg_catalog - what the stream does not say about tables: read from the catalogue on a side
 * connection.
 *
 * The catalogue shows the present, not the moment in the log that is being decoded: a table may
 * have been changed or dropped since.  So a description that does not fit the columns of the R
 * message is only used as far as it fits, and what the stream says goes before it: under the
 * default identity the flagged columns were the primary key, and they and those of an identity
 * index were NOT NULL.  (A NULL in a column that is NOT NULL by now is the recorder's to take
 * back.)
 */
#ifndef RELAY_PG_CATALOG_H
#define RELAY_PG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/relation.h"
#include "relay/pg_conn.h"
#include "relay/postgres.h"

/* Compiled patterns: which tables and columns are wanted. */
struct pg_selection;

/* ERROR_CONFIG naming the pattern that is no regular expression. */
struct pg_selection *pg_selection_create(const struct postgres_options *options,
                                         struct error *err) MUST_CHECK;
void pg_selection_destroy(struct pg_selection *selection);
bool pg_selection_wants_table(const struct pg_selection *selection, struct slice schema,
                              struct slice table);
bool pg_selection_wants_column(const struct pg_selection *selection, struct slice schema,
                               struct slice table, struct slice column);

/*
 * Completes a relation made from an R message: types, NOT NULL, default expressions, key, hidden
 * and ignored; sets described.  `replaced` (may be NULL) is the former description of the same oid:
 * what the catalogue no longer knows (table dropped, column renamed since) is taken over from it
 * when relation_same_wire() holds, else the key is made from the identity flags (not under FULL).
 *
 * Types are kept for the life of the catalogue, and relations point there; what has an enum in it
 * is asked for anew each time, since it may have got labels.  A type that nobody knows any more is
 * described as pg_catalog.unknown, with the oid of the R message.
 */
struct pg_catalog;

struct pg_catalog *pg_catalog_create(struct pg_conn *conn, const struct postgres_options *options,
                                     const struct pg_selection *selection);
void pg_catalog_destroy(struct pg_catalog *catalog);
bool pg_catalog_describe(struct pg_catalog *catalog, struct relation *relation, struct arena *arena,
                         const struct relation *replaced, struct error *err) MUST_CHECK;

/* Are the row's enum labels, in arrays too, among those that the relation was described with?
 * ALTER TYPE ... ADD VALUE makes no R message. */
bool pg_catalog_knows_labels(const struct relation *relation, const struct row *row);

/* A table to be copied by the snapshot, described. */
struct pg_table {
    struct relation *relation; /* as R would describe it: columns that the publication publishes
                                * (column lists, generated columns of the server's version), in the
                                * stream's order, with their identity flags */
    uint32_t block_count;  /* of the heap when asked, for ctid ranges (leave the last one open: it
                            * may  have grown since); 0 for a partitioned root */
    double row_estimate;   /* pg_class.reltuples; -1: unknown */
    bool partitioned_root; /* published via its root: read with SELECT ... FROM root, no ctid ranges
                            */
    struct slice row_filter; /* publication's WHERE as SQL text; at == NULL: none (15+) */
};

/* The selected tables of the publication (pg_publication_tables / pg_get_publication_tables),
 * ordered by name, with described relations whose ids come from *relation_ids; all memory from
 * `arena`. */
bool pg_catalog_tables(struct pg_catalog *catalog, uint64_t *relation_ids, struct arena *arena,
                       struct pg_table **out_tables, size_t *out_count,
                       struct error *err) MUST_CHECK;
/* The same for tables by oid, "{16385,16390}", whether the publication publishes them or not; what
 * it does not publish is described as in a publication without column lists and filters. */
bool pg_catalog_tables_of(struct pg_catalog *catalog, const char *oids, uint64_t *relation_ids,
                          struct arena *arena, struct pg_table **out_tables, size_t *out_count,
                          struct error *err) MUST_CHECK;

#endif
