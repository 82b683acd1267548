/*
 * envelope - the parts of a change event around its rows.
 *
 *     {"before":ROW,"after":ROW,"source":{...},"transaction":null,"op":"c","ts_ms":..,"ts_us":..,"ts_ns":..}
 *
 * What never changes is put together once; what changes from transaction to transaction, or from
 * one turn of the loop to the next, when it does:
 *
 *     "source":{ ... [P,  LSN  ],"ts_us":..,"ts_ns":..  TABLE  ,"txId":X,"lsn":  LSN  ,"xmin" ... }
 *     \____ before ____/     \________ times ________/         \__ number ___/
 *     ","ts_ms":..,"ts_us":..,"ts_ns":..}
 *     \_____________ seen ______________/
 */
#ifndef SINKS_ENVELOPE_H
#define SINKS_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/buf.h"
#include "millrace/event.h"
#include "millrace/slice.h"
#include "sinks/transactions.h"

#define ENVELOPE_MARKS 6 /* enum snapshot_mark */

struct envelope {
    struct buf head;                  /* "source":{ up to the commit time */
    struct buf marks[ENVELOPE_MARKS]; /* from behind it up to the sequence */

    struct { /* what the pieces below were made of */
        enum snapshot_mark mark;
        int64_t commit_us;
        uint64_t prior_end_lsn;
        uint32_t xid;
        int64_t seen_ns;
    } made_of;
    struct buf before, times, number, seen; /* empty: not made yet */
    bool failed;                            /* no memory for one of them: so does every record */
};

void envelope_init(struct envelope *e, const char *name, const char *database);
void envelope_done(struct envelope *e);

/* Appends "source":{...}; table_json is ,"schema":"..","table":"..". */
void envelope_write_source(struct envelope *e, const struct event *event, struct slice table_json,
                           struct buf *out);
/* Appends ,"transaction":{...}; NULL makes it null. */
void envelope_write_transaction(const struct transaction_block *block, struct buf *out);
/* Appends everything from `,"transaction"` to the end of a change event. */
void envelope_write_tail(struct envelope *e, const struct event *event, char op,
                         const struct transaction_block *block, struct buf *out);

/* What source.snapshot says. */
const char *envelope_mark_name(enum snapshot_mark mark);
/* Rounds down, also below zero. */
int64_t envelope_floor_divide(int64_t number, int64_t by);
/* Of microseconds; ends where 64 bits end. */
int64_t envelope_nanoseconds(int64_t us);

#endif
