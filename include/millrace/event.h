/*
 * event - one thing that happened in the database, as every sink understands it.
 *
 * An event borrows all its memory from the source that returned it and is valid until the next call
 * of that source.  Order: BEGIN, changes, COMMIT, in commit order; never two transactions mixed.
 * MESSAGE may stand outside a transaction when it is not transactional.
 */
#ifndef MILLRACE_EVENT_H
#define MILLRACE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/relation.h"
#include "millrace/slice.h"

/*
 * A cell is what PostgreSQL would print under the pinned session settings: ISO dates, UTC, hex
 * bytea, postgres intervals, extra_float_digits 3 ... whether it came by COPY or by the stream.
 */
enum cell_kind {
    CELL_NULL,
    CELL_UNCHANGED, /* a TOASTed value that the update did not touch: not NULL, not known */
    CELL_TEXT,
};

struct cell {
    enum cell_kind kind;
    struct slice text; /* CELL_TEXT only */
};

struct row {
    const struct cell *cells; /* as many as relation->column_count; NULL: there is no row */
    uint16_t count;
};

enum event_kind {
    EVENT_BEGIN,
    EVENT_COMMIT,
    EVENT_INSERT,
    EVENT_UPDATE,
    EVENT_DELETE,
    EVENT_TRUNCATE,
    EVENT_MESSAGE,        /* pg_logical_emit_message */
    EVENT_READ,           /* a row of the snapshot */
    EVENT_SNAPSHOT_BEGIN, /* before the first row: the position learns the consistent point */
    EVENT_SNAPSHOT_END,   /* after the last row: the position moves to streaming */
    EVENT_RELATION,       /* rows of this table may follow: a sink may prepare for them */
    EVENT_PROGRESS,       /* nothing happened up to end_lsn; no transaction is open */
    EVENT_HEARTBEAT,      /* made by the loop, at any place: a sign of life at seen_ns */
};

/* What an update or delete tells of the old row. */
enum old_row {
    OLD_NONE,
    OLD_KEY,  /* only the replica identity's columns; the other cells are absent, not NULL */
    OLD_FULL, /* REPLICA IDENTITY FULL */
};

/* Where a snapshot row stands among its fellows, as Debezium's source.snapshot says it. */
enum snapshot_mark {
    MARK_NONE, /* not a snapshot row */
    MARK_FIRST,
    MARK_FIRST_IN_TABLE,
    MARK_TRUE,
    MARK_LAST_IN_TABLE,
    MARK_LAST,
};

struct event {
    enum event_kind kind;
    enum old_row old_kind;
    enum snapshot_mark mark;
    bool transactional;    /* MESSAGE */
    bool cascade;          /* TRUNCATE */
    bool restart_identity; /* TRUNCATE */
    bool urgent;           /* PROGRESS: the server waits for our answer */
    bool repeated; /* of a transaction that was cut: durable already, told once more to whoever
                    * counts what a transaction holds; makes no record and moves no position */

    uint64_t lsn;        /* of the change itself; of a snapshot row: the consistent point */
    uint64_t commit_lsn; /* of the transaction, known from its BEGIN on; 0 outside one */
    uint64_t end_lsn; /* COMMIT, PROGRESS, MESSAGE outside a transaction: where to resume; else 0 */
    uint64_t prior_end_lsn; /* end of the transaction committed before this one; 0: none yet */
    uint64_t ordinal;  /* 1 for a transaction's first change; I U D T and transactional M count */
    int64_t commit_us; /* source time, microseconds since 1970: the commit's; of a snapshot row:
                        * when the snapshot was taken; of a non-transactional message: send time */
    int64_t seen_ns;   /* wall clock of the relay when it took the event, nanoseconds since 1970;
                        * set by the loop, not by the source */

    struct slice origin; /* replication origin's name; len 0: none */
    uint64_t origin_lsn;

    const struct relation *relation; /* INSERT UPDATE DELETE READ RELATION; described */
    struct row row;                  /* the new row: INSERT UPDATE READ */
    struct row old;                  /* UPDATE DELETE, see old_kind */

    const struct relation *const *truncated; /* TRUNCATE: relations, all described */
    uint32_t truncated_count;
    uint32_t xid; /* 0: none (non-transactional message) */

    struct slice prefix; /* MESSAGE */
    struct slice content;

    uint64_t consistent_point; /* SNAPSHOT_BEGIN, SNAPSHOT_END */
    uint64_t reread_lsn;       /* SNAPSHOT_BEGIN: see struct position */
};

const char *event_kind_name(enum event_kind kind);

#endif
