/*
 * pg_describe - which tables would be relayed, and as what, by the catalogue alone.
 *
 * For `millrace plan` and `millrace schema`: nothing is made, nothing is changed, no replication
 * connection is opened.  A publication that does not exist yet is taken as the one that
 * publication.create: filtered would make.
 */
#ifndef RELAY_PG_DESCRIBE_H
#define RELAY_PG_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/relation.h"
#include "millrace/slice.h"
#include "relay/postgres.h"

struct described_column {
    struct slice name;
    struct slice type; /* "numeric(10,2)", as SQL spells it */
    bool generated;
    bool large; /* may be stored apart (TOAST), and so be left out of an update's row */
};

struct described_table {
    const struct relation *relation;  /* as the stream would describe it */
    bool partitioned;                 /* published in place of its partitions */
    struct slice partition_of;        /* "schema.table"; at NULL: of none */
    struct slice inherits;            /* likewise, tables with ", " between them */
    bool has_heirs;                   /* tables that inherit from it, other than partitions */
    bool may_select, row_security;    /* for the snapshot */
    bool lacks_identity;              /* PostgreSQL refuses updates and deletes of it */
    struct slice row_filter;          /* at NULL: none */
    struct slice key_index;           /* what relation->key was taken from; at NULL: nothing */
    struct slice identity_index;      /* chosen with REPLICA IDENTITY USING INDEX; at NULL: none */
    struct described_column *columns; /* all of the table, those that are not streamed too */
    size_t column_count;
};

/* What a pattern may select, though no change of it comes under that name. */
struct described_other {
    struct slice name; /* "schema.table" */
    const char *why;   /* in words */
};

struct description {
    struct arena arena; /* holds all of it */
    struct pg_describing *work;
    struct slice database;
    bool publication_exists, via_root;
    bool publishes_insert, publishes_update, publishes_delete, publishes_truncate;
    struct described_table *tables; /* by name */
    size_t table_count;
    struct described_other *others; /* selected, in no order */
    size_t other_count;
    struct slice *names; /* "schema.table" of everything that a pattern could mean */
    size_t name_count;
};

/* What would be captured.  To be ended with postgres_describe_done() in either case. */
bool postgres_describe(const struct postgres_options *options, int stop_fd, struct description *out,
                       struct error *err) MUST_CHECK;
/* The tables that options->tables_include selects, captured or not. */
bool postgres_describe_tables(const struct postgres_options *options, int stop_fd,
                              struct description *out, struct error *err) MUST_CHECK;
void postgres_describe_done(struct description *d);

#endif
