/*
 * pg_conn - libpq connections: opened with the pinned session settings, queries with a deadline.
 *
 * Every wait is a poll on the connection's socket and on the stop descriptor, so that a signal ends
 * it with ERROR_STOPPED.  libpq's blocking calls are never used.
 *
 * Pinned on every connection, so that a value copied and a value streamed are the same bytes:
 * client_encoding=UTF8 datestyle=ISO,YMD intervalstyle=postgres extra_float_digits=3 timezone=UTC
 * bytea_output=hex search_path= lc_monetary=C quote_all_identifiers=off row_security=off
 * statement_timeout=0 lock_timeout=0 idle_in_transaction_session_timeout=0 (and
 * idle_session_timeout, transaction_timeout where known).
 */
#ifndef RELAY_PG_CONN_H
#define RELAY_PG_CONN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "relay/postgres.h"

/* Stays where it is while open: libpq hands notices to its address. */
struct pg_conn {
    PGconn *link; /* NULL: closed */
    int stop_fd;
    int server_version; /* PQserverVersion: 150018 */
    /* Set by the notice processor when the server says that it skips a publication (PostgreSQL 18
     * does that with a mere notice): the text of the notice; "" as long as all is well. */
    char skipped_publication[256];
};

enum pg_conn_kind {
    PG_CONN_SQL,         /* ordinary session; names itself "millrace <slot>" */
    PG_CONN_REPLICATION, /* replication=database */
};

/* Connects within options->connect_timeout_ms.  ERROR_LINK when the server cannot be reached or is
 * starting up or shutting down; ERROR_CONFIG for a wrong password, database, role or TLS setting,
 * and for a database whose encoding is not UTF8. */
bool pg_conn_open(struct pg_conn *conn, const struct postgres_options *options,
                  enum pg_conn_kind kind, int stop_fd, struct error *err) MUST_CHECK;
void pg_conn_close(struct pg_conn *conn); /* zeroed or closed is fine */

/* One statement (simple protocol; also replication commands that return a result), to its last
 * result. timeout_ms 0: no limit.  The result is to be cleared with PQclear. NULL with:
 * ERROR_STOPPED (the statement may still be running: close the connection); ERROR_LINK when the
 * connection broke or time ran out (the connection is then closed); else as pg_error() says. */
PGresult *pg_query(struct pg_conn *conn, int64_t timeout_ms, struct error *err,
                   const char *sql) MUST_CHECK;
/* The same with text parameters ($1...), by the extended protocol; not on replication connections.
 */
PGresult *pg_query_params(struct pg_conn *conn, int64_t timeout_ms, struct error *err,
                          const char *sql, int count, const char *const *values) MUST_CHECK;
/* Statement without rows of interest. */
bool pg_execute(struct pg_conn *conn, int64_t timeout_ms, struct error *err,
                const char *sql) MUST_CHECK;
/* Begins COPY ... TO STDOUT or START_REPLICATION: true once the server has answered
 * CopyOut/CopyBoth. */
bool pg_begin_copy(struct pg_conn *conn, int64_t timeout_ms, struct error *err,
                   const char *sql) MUST_CHECK;

/* Turns a failed result (or, with NULL, the connection's own error) into err: message, detail and
 * hint in one line, and the kind by SQLSTATE: classes 08, 40, 53, 58, 57P01-57P03, 57014, 55006
 * (slot active) and a bare EOF are ERROR_LINK; everything else ERROR_CONFIG.  What quotes a value
 * (classes 22 and 23) is told by its SQLSTATE only.  Returns false. */
bool pg_error(struct pg_conn *conn, const PGresult *result, struct error *err);

/* SQLSTATE of a failed result, "" when there is none. */
const char *pg_sqlstate(const PGresult *result);

#endif
