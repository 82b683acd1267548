/* pg_catalog_private - what the files that make up pg_catalog share. */
#ifndef RELAY_PG_CATALOG_PRIVATE_H
#define RELAY_PG_CATALOG_PRIVATE_H

#include <libpq-fe.h>

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

/* What the catalogue has answered: see pg_catalog.c. */
struct pg_answers {
    PGresult *tables, *types;
};

/* The pure half of pg_catalog_describe(): what is made of the answers. */
bool pg_catalog_apply(struct pg_catalog *catalog, const struct pg_answers *answers,
                      struct relation *relation, struct arena *arena,
                      const struct relation *replaced, struct error *err) MUST_CHECK;

/* Describes many relations, a few hundred with each question. */
bool pg_catalog_describe_all(struct pg_catalog *catalog, struct relation *const *relations,
                             size_t count, struct arena *arena, struct error *err) MUST_CHECK;

#endif
