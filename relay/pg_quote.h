/*
 * pg_quote - names and texts as they stand in SQL and in replication commands.
 *
 * For statements that take no parameters.  The configuration and the catalogue may hold any
 * character.
 */
#ifndef RELAY_PG_QUOTE_H
#define RELAY_PG_QUOTE_H

#include "millrace/buf.h"
#include "millrace/slice.h"

#define PG_STATEMENT_BYTES ((size_t)1024 * 1024) /* limit of a buffer for one statement */

/* Appends "name", with its quotes doubled. */
void pg_quote_identifier(struct buf *out, struct slice name);
/* Appends "schema"."name". */
void pg_quote_table(struct buf *out, struct slice schema, struct slice name);
/* Appends 'text', with its quotes doubled.  For replication commands, where a backslash is a
 * backslash. */
void pg_quote_literal(struct buf *out, struct slice text);

#endif
