/*
 * pg_feedback - what the server is told about how far we are, and when.  Pure: no I/O, no clock.
 *
 *     received   end of the last thing that next() returned      -> "write": for people to look at
 *     durable    what the sink holds for good, by confirm()      -> "flush": moves the slot
 *
 * The rules:
 *   - flush is only ever a durable position: never one merely received, and it never goes back;
 *   - nothing beyond what was received is ever confirmed: the server would skip it for ever;
 *   - a keepalive outside a transaction says that everything up to its wal_end has been sent: an
 * idle position, to be stored and confirmed like any other, or WAL is kept although nothing
 * happens, and a fast shutdown of the server waits for us;
 *   - the server gets a status when something became durable, when it asks, and at a quarter of
 *     wal_sender_timeout, whether or not anything is read;
 *   - a server that says nothing is asked at half of the silence timeout and given up at the whole.
 */
#ifndef RELAY_PG_FEEDBACK_H
#define RELAY_PG_FEEDBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"

struct pg_feedback {
    uint64_t received;
    uint64_t durable; /* 0: nothing yet; a flush of 0/0 is ignored by the server */
    uint64_t urgent;  /* the received end that the sink was last told to hurry for */
    int64_t status_every_us;
    int64_t silence_us; /* 0: wait for ever */
    int64_t sent_us;    /* when the last status went out */
    int64_t heard_us;   /* when the server last said anything */
    bool asked;         /* a reply was requested since then */
};

/* Streaming from start_lsn, of which `durable` is in the sink already (0: nothing).
 * wal_sender_timeout_ms is the server's setting, 0 for none. */
void pg_feedback_init(struct pg_feedback *f, uint64_t start_lsn, uint64_t durable,
                      int64_t wal_sender_timeout_ms, int64_t silence_timeout_ms, int64_t now_us);

/* Something was returned by next() that ends at end_lsn (0: nothing that could be confirmed). */
void pg_feedback_returned(struct pg_feedback *f, uint64_t end_lsn);

/* A keepalive outside a transaction, everything before it returned.  True when it is to be passed
 * on as EVENT_PROGRESS up to *out_end_lsn: it is beyond what was returned before; or the server
 * waits for an answer while something returned is not durable. */
bool pg_feedback_keepalive(struct pg_feedback *f, uint64_t wal_end, bool reply_requested,
                           uint64_t *out_end_lsn);

/* The sink holds everything up to end_lsn.  False: beyond what was returned, and nothing is
 * changed. */
bool pg_feedback_confirm(struct pg_feedback *f, uint64_t end_lsn) MUST_CHECK;

/* The server said something, or we do not listen (back-pressure). */
void pg_feedback_heard(struct pg_feedback *f, int64_t now_us);
void pg_feedback_sent(struct pg_feedback *f, int64_t now_us, bool asked);

enum pg_feedback_due {
    PG_FEEDBACK_NOTHING,
    PG_FEEDBACK_STATUS, /* send a status */
    PG_FEEDBACK_ASK,    /* send a status that requests a reply */
    PG_FEEDBACK_DEAD,   /* silent for too long */
};

enum pg_feedback_due pg_feedback_due(const struct pg_feedback *f, int64_t now_us);

/* The flush (and apply) position of a status sent now. */
uint64_t pg_feedback_flush(const struct pg_feedback *f);

#endif
