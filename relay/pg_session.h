/*
 * pg_session - what one session with a server consists of; shared by the parts of the source.
 *
 *     sql           catalogue questions, all the time; opened again when it breaks
 *     replication   makes the slot and holds its exported snapshot, then carries the stream
 *
 * Stays where it is while open: the catalogue keeps the address of `sql`.
 */
#ifndef RELAY_PG_SESSION_H
#define RELAY_PG_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "relay/pg_catalog.h"
#include "relay/pg_conn.h"
#include "relay/postgres.h"

struct pg_session {
    const struct postgres_options *options;
    int stop_fd;
    struct pg_conn sql;
    struct pg_conn replication;
    struct pg_selection *selection;
    struct pg_catalog *catalog;
    uint64_t relation_ids; /* the counter that relation.id comes from */
    bool slot_made;        /* by this session, and nobody knows of it: close drops it again */
};

bool pg_session_open(struct pg_session *session, const struct postgres_options *options,
                     int stop_fd, struct error *err) MUST_CHECK;
void pg_session_close(struct pg_session *session); /* zeroed is fine */

/* After `sql` broke: opens it again. */
bool pg_session_reopen_sql(struct pg_session *session, struct error *err) MUST_CHECK;

/* Takes what the socket has, without waiting.  False when the connection is gone; what was received
 * before is still there to be read. */
bool pg_consume(struct pg_conn *conn) MUST_CHECK;
/* Sends what can be sent without waiting; *out_unsent says whether something is left.  False with
 * ERROR_LINK. */
bool pg_flush(struct pg_conn *conn, bool *out_unsent, struct error *err) MUST_CHECK;
/* True when bytes (or the end) wait to be read. */
bool pg_readable(const struct pg_conn *conn);

#endif
