/*
 * pg_copy - one reader of the snapshot: a connection in the snapshot's transaction, one COPY at a
 * time.
 *
 *     idle -> asked -> rows -> ending -> idle
 *
 * Nothing blocks but pg_copy_open().
 */
#ifndef RELAY_PG_COPY_H
#define RELAY_PG_COPY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "relay/pg_conn.h"
#include "relay/pg_session.h"

enum pg_copy_state { PG_COPY_IDLE, PG_COPY_ASKED, PG_COPY_ROWS, PG_COPY_ENDING };

/* Stays where it is while open. */
struct pg_copy {
    struct pg_conn conn;
    enum pg_copy_state state;
    bool unsent;
};

/* One row as COPY wrote it, with its newline; libpq's memory, to be given back by pg_line_free().
 */
struct pg_line {
    char *at; /* NULL: no row */
    size_t len;
};
void pg_line_free(struct pg_line *line); /* leaves it empty; empty is fine */

/* Connects and joins the exported snapshot, which must still be held. */
bool pg_copy_open(struct pg_copy *copy, const struct pg_session *session, const char *snapshot,
                  struct error *err) MUST_CHECK;
void pg_copy_close(struct pg_copy *copy); /* zeroed is fine */

/* Sends a COPY ... TO STDOUT; only when idle. */
bool pg_copy_ask(struct pg_copy *copy, const char *sql, struct error *err) MUST_CHECK;

enum pg_copy_outcome {
    PG_COPY_ROW,  /* *out_line is the next row, now the caller's */
    PG_COPY_WAIT, /* poll before asking again */
    PG_COPY_DONE, /* the COPY is through: idle again */
    PG_COPY_FAILED,
};
enum pg_copy_outcome pg_copy_next(struct pg_copy *copy, struct pg_line *out_line,
                                  struct error *err) MUST_CHECK;
/* Returns how many of `out` are filled: 0 or 1. */
size_t pg_copy_poll(const struct pg_copy *copy, struct pollfd *out, bool want_input);

#endif
