/*
 * pg_visible - waits until what a transaction did can be seen from the side connection.
 *
 * A walsender sends a transaction as soon as its commit is on disk.  To other sessions it is
 * committed a moment later; under synchronous replication only when the standbys have answered
 * (PostgreSQL manual, "Synchronous Replication"; RecordTransactionCommit() comes before
 * ProcArrayEndTransaction()).  Until then the catalogue shows a table as it was before the
 * transaction's own ALTER TABLE.  Changes of other transactions need no wait: their lock on the
 * table is held until they can be seen.
 */
#ifndef RELAY_PG_VISIBLE_H
#define RELAY_PG_VISIBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "relay/pg_session.h"

/* Returns true once snapshots that session->sql takes hold the transaction `xid`, which the stream
 * has brought.  Waits 10 s at most: then ERROR_WAITING, which says why.  When the server's
 * synchronous_standby_names has the relay itself (or everybody), the commit may be waiting for us:
 * then true after 0.2 s whatever is seen.  Otherwise fails as pg_query_params() does. */
bool pg_visible_wait(struct pg_session *session, uint32_t xid, struct error *err) MUST_CHECK;

#endif
