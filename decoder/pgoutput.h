/*
 * pgoutput - one logical replication message in, at most one event out.  No I/O, no clock, no log.
 *
 * Message formats: PostgreSQL manual, section 55.9 "Logical Replication Message Formats"; protocol
 * versions 1 and 2 without streaming of open transactions (the formats are drawn in pgoutput.c).
 *
 * Holds the relation cache of one session: an R message always replaces what was known of its oid.
 * Checks the grammar as it goes: changes only between BEGIN and COMMIT, COMMIT that matches its
 * BEGIN, commit LSNs that only grow.  Whatever is unknown or malformed stops the stream; nothing is
 * guessed.
 *
 * A value that an update leaves unchanged is taken from the old row when that came along whole
 * (REPLICA IDENTITY FULL), so CELL_UNCHANGED is left only where nobody told the value.
 */
#ifndef DECODER_PGOUTPUT_H
#define DECODER_PGOUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/slice.h"

struct pgoutput;

enum decoded {
    DECODED_EVENT,    /* *out_event is filled and borrows from `message`, `scratch` and the relation
                         cache */
    DECODED_RELATION, /* R: pgoutput_new_relation() is to be described before the next message */
    DECODED_NOTHING,  /* understood and remembered, nothing to relay (Y, O) */
    DECODED_FAILED,   /* err (ERROR_DATA) says which message and which byte; give up */
};

/* `relation_ids` is the counter that relation.id comes from (shared with the snapshot; must outlive
 * this).  `prior_end_lsn` is what the first transaction's prior_end_lsn will be: 0 for none.
 * `relation_limit_bytes` bounds one relation's description. */
struct pgoutput *pgoutput_create(uint64_t *relation_ids, uint64_t prior_end_lsn,
                                 size_t relation_limit_bytes);
void pgoutput_destroy(struct pgoutput *p); /* NULL is fine */

/* `wal_start` is that of the XLogData message that carried `message`.  The event's seen_ns is left
 * 0, and commit_us of a message outside a transaction: the stream does not tell it. */
enum decoded pgoutput_decode(struct pgoutput *p, uint64_t wal_start, struct slice message,
                             struct arena *scratch, struct event *out_event,
                             struct error *err) MUST_CHECK;

/* The relation of the R message just decoded, to be completed from the catalogue, and the arena
 * that holds it, which lives as long as it does.  Only after DECODED_RELATION. */
struct relation *pgoutput_new_relation(struct pgoutput *p, struct arena **out_arena);

/* As if the R message of a relation that an event was just decoded for had come once more: it is to
 * be described, and the event bound to it.  False when it is too large. */
bool pgoutput_renew_relation(struct pgoutput *p, uint32_t oid, struct error *err) MUST_CHECK;

/* The relation that the R message just decoded took the place of; NULL when its oid was new.  Valid
 * until the next call of pgoutput_decode(), so that a description can be carried over. */
const struct relation *pgoutput_replaced_relation(const struct pgoutput *p);

/* Between BEGIN and COMMIT? */
bool pgoutput_in_transaction(const struct pgoutput *p);
/* The xid of the last BEGIN; 0 before the first. */
uint32_t pgoutput_xid(const struct pgoutput *p);

#endif
