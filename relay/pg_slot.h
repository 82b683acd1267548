/*
 * pg_slot - makes and drops the replication slot.
 *
 * Making one waits until every transaction that is open anywhere in the cluster has ended, however
 * long that takes.  A connection closed while it waits would leave the server to finish, and to
 * keep WAL for a slot that nobody knows of: so a wait that is given up is cancelled first.
 */
#ifndef RELAY_PG_SLOT_H
#define RELAY_PG_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "relay/pg_conn.h"
#include "relay/pg_session.h"

enum pg_slot_kind {
    PG_SLOT_PLAIN,     /* no snapshot */
    PG_SLOT_EXPORTING, /* with a snapshot of its consistent point, valid until the next command */
    PG_SLOT_TEMPORARY, /* exporting, and gone with the connection */
};

struct pg_slot {
    uint64_t consistent_point; /* commits before it are in the snapshot, the others in the stream */
    char snapshot[64];         /* name of the exported snapshot; "" for PG_SLOT_PLAIN */
};

/* On `conn`, a replication connection.  Gives up with ERROR_STOPPED when the stop descriptor is
 * readable; then, and on any other failure, no slot is left. */
bool pg_slot_create(struct pg_session *session, struct pg_conn *conn, enum pg_slot_kind kind,
                    const char *name, struct pg_slot *out, struct error *err) MUST_CHECK;

/* Drops the session's slot through `sql`, within about two seconds, whatever the stop descriptor
 * says (it takes a new connection, which is longer, when that one broke); logs it when that fails.
 */
void pg_slot_drop(struct pg_session *session);

/* "" when the session's slot is as it should be; else why the server threw its WAL away
 * ("wal_removed", "lost"...).  A question that cannot be asked is answered by "". */
struct pg_slot_loss {
    char reason[64];
};
struct pg_slot_loss pg_slot_lost(struct pg_session *session);

#endif
