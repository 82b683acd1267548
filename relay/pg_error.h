/*
 * pg_error - what the server or libpq said, in one line, and what to do about it.
 *
 * pg_error() and pg_sqlstate(), for everybody, are in pg_conn.h.
 */
#ifndef RELAY_PG_ERROR_H
#define RELAY_PG_ERROR_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "millrace/error.h"
#include "relay/pg_conn.h"

#define PG_MESSAGE_BYTES (ERROR_TEXT_BYTES - 128) /* leaves room for what callers put in front */

/* A message on one line, cut off where it does not fit. */
struct pg_line {
    char text[PG_MESSAGE_BYTES];
    size_t len;
};

/* Appends with every run of white space as one space. */
void pg_line_add(struct pg_line *line, const char *text);
/* Appends a field of an error or notice, with `before` in front unless the line is empty. */
void pg_line_add_field(struct pg_line *line, const PGresult *result, int field, const char *before);

/* Why a connection could not be made; PQERRORS_VERBOSE is set on it.  Returns false. */
bool pg_connect_error(struct pg_conn *conn, struct error *err);

#endif
