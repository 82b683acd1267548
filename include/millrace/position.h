/*
 * position - how far a sink durably is in a source.
 *
 * The unit of progress is the source transaction; the place to resume at is the byte behind its
 * commit record (end_lsn).  A change's own LSN is never a position: several changes share one.
 * When one source transaction is spread over several sink transactions, (commit_lsn, ordinal) names
 * the last event that is durable; the server sends the transaction again and the source skips
 * `ordinal` events of it.
 *
 * Every sink stores the position in one atomic step with the events, in this text form:
 *
 *     millrace-position 1\n          format and version: any other version is refused
 *     system_id 7293847561029384756\n
 *     timeline 1\n
 *     slot orders\n
 *     end_lsn 0/16B3748\n
 *     commit_lsn 0/16B3718\n
 *     ordinal 0\n
 *     last_lsn 0/16B36E0\n
 *     commit_us 1785576600412345\n
 *     snapshot none|running|done\n
 *     consistent_point 0/16B0000\n
 *     reread_lsn 0/0\n
 *     database app\n                 last, since it may hold any byte but NUL and newline
 *     crc32c 8f3b21aa\n              over every byte before this line
 *
 * Exactly these lines in exactly this order.
 */
#ifndef MILLRACE_POSITION_H
#define MILLRACE_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/slice.h"

#define POSITION_NAME_BYTES 64 /* NAMEDATALEN: 63 bytes and a NUL */

enum snapshot_state {
    SNAPSHOT_NONE,    /* not wanted; streaming from the slot's consistent point */
    SNAPSHOT_RUNNING, /* rows are being copied; a restart reads the tables again, from the same slot
                       */
    SNAPSHOT_DONE,
};

struct position {
    bool known; /* false: the sink holds nothing; every other field is then zero */
    uint64_t system_id;
    uint32_t timeline;
    char slot[POSITION_NAME_BYTES];
    char database[POSITION_NAME_BYTES];
    uint64_t end_lsn; /* where START_REPLICATION resumes; what may be confirmed to the slot */
    uint64_t
        commit_lsn;   /* of the last transaction that is durable in whole (ordinal 0) or in part */
    uint64_t ordinal; /* > 0: that many events of commit_lsn are durable, the rest is not */
    uint64_t
        last_lsn; /* LSN of the last durable change; checked when `ordinal` events are skipped */
    int64_t commit_us; /* commit time of that transaction, microseconds since 1970 */
    enum snapshot_state snapshot;
    uint64_t consistent_point; /* of the slot: the snapshot shows what committed before it */
    /* > 0: the snapshot was begun again after a crash, under a later consistent point.  Changes to
     * tables without a key whose commit_lsn is below it are already in the rows read again, and are
     * skipped; tables with a key take them again and converge. */
    uint64_t reread_lsn;
};

/* Nothing but the intention to make the slot is durable: whoever finds a slot along with it knows
 * that the slot is ours and that nothing was read from it yet. */
static inline bool position_is_intention(const struct position *p)
{
    return p->known && p->consistent_point == 0 && p->end_lsn == 0;
}

/* What the position is after `event` was taken by the sink.  Events that are no progress (BEGIN,
 * READ, RELATION, HEARTBEAT, and all that are repeated) leave it as it is. */
void position_advance(struct position *p, const struct event *event);

/* Appends the text form. */
void position_encode(const struct position *p, struct buf *out);
/* Reads the text form.  False with ERROR_GAP/GAP_POSITION_UNREADABLE when it is damaged or of
 * another version; *out is written only on success, with known = true. */
bool position_decode(struct slice text, struct position *out, struct error *err) MUST_CHECK;

/* Every field the same? */
bool position_equal(const struct position *a, const struct position *b);

const char *snapshot_state_name(enum snapshot_state state);

#endif
