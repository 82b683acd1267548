/*
 * side_schema - the shapes of records beside those of rows.
 *
 * The first two kinds are Debezium's, name for name (Debezium documentation, PostgreSQL connector,
 * "Transaction metadata" and "Heartbeats"); the third is ours.
 */
#ifndef SINKS_SIDE_SCHEMA_H
#define SINKS_SIDE_SCHEMA_H

#include "sinks/connect_schema.h"

enum side_kind { SIDE_TRANSACTION, SIDE_HEARTBEAT, SIDE_RELATION };

#define SIDE_KINDS 3

struct side_schema {
    const struct connect_schema *key, *value;
};

/* By enum side_kind; constant. */
extern const struct side_schema side_schemas[SIDE_KINDS];

#endif
