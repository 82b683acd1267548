/*
 * pg_snapshot - the rows that are there already, as events.
 *
 *     SNAPSHOT_BEGIN  [TRUNCATE of each table without a key, when read again]  READ ...
 * SNAPSHOT_END
 *
 * Every table is cut into ranges of blocks; as many readers as configured take one range after the
 * other, all in the same exported snapshot.  Rows of different tables may be mixed, those of one
 * range are not.
 *
 * The mark of a row says whether it is the first or last of its table or of all.  So one row of
 * each table that is being read is held back, and the last row of the table that ended last: in
 * libpq's memory, not copied.
 */
#ifndef RELAY_PG_SNAPSHOT_H
#define RELAY_PG_SNAPSHOT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/source.h"
#include "relay/pg_session.h"

struct pg_snapshot;

/* Locks, makes the slot, connects the readers; may wait for long (see pg_slot.h).
 * stream_lsn 0: the first time; the session's slot is made here, and its consistent point is where
 * the stream will begin.  Else a snapshot was begun before and the stream will begin at stream_lsn:
 * the rows are those of a later point, reread_lsn. */
struct pg_snapshot *pg_snapshot_open(struct pg_session *session, uint64_t stream_lsn,
                                     struct error *err) MUST_CHECK;
uint64_t pg_snapshot_stream_lsn(const struct pg_snapshot *snapshot);
uint64_t pg_snapshot_reread_lsn(const struct pg_snapshot *snapshot); /* 0: the first time */

/* SOURCE_ENDED: after EVENT_SNAPSHOT_END. */
enum source_outcome pg_snapshot_next(struct pg_snapshot *snapshot, struct event *out_event,
                                     struct error *err) MUST_CHECK;
/* Reports progress about once a second. */
void pg_snapshot_tick(struct pg_snapshot *snapshot, int64_t now_us);
size_t pg_snapshot_poll(struct pg_snapshot *snapshot, struct pollfd *out, bool want_input);

/* Ends the readers and the locks; the relations stay, since events of them may still be in use. */
void pg_snapshot_release(struct pg_snapshot *snapshot);
void pg_snapshot_close(struct pg_snapshot *snapshot); /* NULL is fine */

#endif
