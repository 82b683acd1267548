/*
 * pg_export - what a snapshot stands on: locked tables, a slot, and the snapshot that it exports.
 *
 *     lock the tables  ->  make the slot  ->  (readers join the snapshot)
 *
 * In this order: a TRUNCATE or a rewriting ALTER between the slot's point and the first read would
 * make a table look empty, and the stream would not bring the rows.  ACCESS SHARE keeps those away
 * and nothing else.  The connection that made the slot is left alone until all is read: its next
 * command ends the exported snapshot.
 */
#ifndef RELAY_PG_EXPORT_H
#define RELAY_PG_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/error.h"
#include "relay/pg_catalog.h"
#include "relay/pg_session.h"
#include "relay/pg_slot.h"

/* Stays where it is while open. */
struct pg_export {
    struct pg_conn locker;    /* holds the locks in an open transaction */
    struct pg_conn temporary; /* holds the temporary slot, when the session's slot exists already */
    struct arena arena;       /* of the tables */
    struct pg_table *tables;
    size_t table_count;
    struct pg_slot slot;
};

/* `again`: the session's slot exists; the snapshot comes from a temporary one.  Otherwise the
 * session's slot is made here. */
bool pg_export_open(struct pg_export *e, struct pg_session *session, bool again,
                    struct error *err) MUST_CHECK;
/* The locks are still held. */
bool pg_export_check(struct pg_export *e, struct error *err) MUST_CHECK;
/* Lets go of locks and snapshot; the tables stay. */
void pg_export_release(struct pg_export *e);
void pg_export_close(struct pg_export *e); /* zeroed is fine */

#endif
