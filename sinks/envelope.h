/*
 * envelope - the parts of a change event around its rows.
 *
 *     {"before":ROW,"after":ROW,"source":{...},"transaction":null,"op":"c","ts_ms":..,"ts_us":..,"ts_ns":..}
 *
 * What never changes is put together once.
 */
#ifndef SINKS_ENVELOPE_H
#define SINKS_ENVELOPE_H

#include "millrace/buf.h"
#include "millrace/event.h"
#include "millrace/slice.h"

#define ENVELOPE_MARKS 6 /* enum snapshot_mark */

struct envelope {
    struct buf head;                  /* "source":{ up to the commit time */
    struct buf marks[ENVELOPE_MARKS]; /* from behind it up to the sequence */
};

void envelope_init(struct envelope *e, const char *name, const char *database);
void envelope_done(struct envelope *e);

/* Appends "source":{...}; table_json is ,"schema":"..","table":"..". */
void envelope_write_source(const struct envelope *e, const struct event *event,
                           struct slice table_json, struct buf *out);
/* Appends everything from `,"transaction"` to the end of a change event. */
void envelope_write_tail(const struct event *event, char op, struct buf *out);

/* What source.snapshot says. */
const char *envelope_mark_name(enum snapshot_mark mark);
/* Rounds down, also below zero. */
int64_t envelope_floor_divide(int64_t number, int64_t by);

#endif
