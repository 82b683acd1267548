/*
 * avro_envelope - the parts of an Avro change event around its rows.
 *
 * As envelope.h has them, in the order of connect_schema.c:source_fields.  What lies between the
 * pieces changes from event to event: the LSN, twice, and the length of the sequence.
 *
 *     version .. db, 1 | length | ["P"," | LSN | "] ts_us ts_ns | table | txId, 1 | LSN | xmin ..
 *     \___ before ____/          \ sequence /   \____ times ____/         \ number /
 *     transaction, op | ts_ms ts_us ts_ns
 *                     \______ seen ______/
 */
#ifndef SINKS_AVRO_ENVELOPE_H
#define SINKS_AVRO_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/buf.h"
#include "millrace/event.h"
#include "millrace/slice.h"
#include "sinks/envelope.h"
#include "sinks/transactions.h"

struct avro_envelope {
    struct buf head;                  /* version, connector, name */
    struct buf marks[ENVELOPE_MARKS]; /* from behind the commit time up to the sequence */
    struct envelope_made made;        /* what the pieces below were made of */
    struct buf before, sequence, times, number, seen;
    bool failed; /* no memory for one of them: so does every record */
};

void avro_envelope_init(struct avro_envelope *e, const char *name, const char *database);
void avro_envelope_done(struct avro_envelope *e);

/* Appends the source; `table` is its schema and table as Avro. */
void avro_envelope_write_source(struct avro_envelope *e, const struct event *event,
                                struct slice table, struct buf *out);
/* Appends an event.block, or null. */
void avro_envelope_write_transaction(const struct transaction_block *block, struct buf *out);
/* Appends everything behind the source of a change event; `block` may be NULL. */
void avro_envelope_write_tail(struct avro_envelope *e, const struct event *event, char op,
                              const struct transaction_block *block, struct buf *out);

/* Branches of ["null",T], as the long that they are in the bytes. */
enum { AVRO_BRANCH_NULL = 0, AVRO_BRANCH_VALUE = 2 };

/* The branch too. */
void avro_write_optional_long(struct buf *out, bool present, int64_t number);

#endif
