/* pg_catalog_private - what the files that make up pg_catalog share. */
#ifndef RELAY_PG_CATALOG_PRIVATE_H
#define RELAY_PG_CATALOG_PRIVATE_H

#include "millrace/arena.h"
#include "millrace/relation.h"
#include "relay/pg_catalog.h"

#define PG_TYPE_CHAINS 256

/* A type as some description saw it; an older one of the same oid may stand behind it. */
struct known_type {
    struct type type;
    struct known_type *next;
};

struct pg_catalog {
    struct pg_conn *conn;
    const struct postgres_options *options;
    const struct pg_selection *selection;
    struct arena types; /* everything that a `type` of ours points to */
    struct known_type *chains[PG_TYPE_CHAINS];
};

/* Describes many relations, a few hundred with each question. */
bool pg_catalog_describe_all(struct pg_catalog *catalog, struct relation *const *relations,
                             size_t count, struct arena *arena, struct error *err) MUST_CHECK;

#endif
