/*
 * recorder_state - what a recorder consists of: for recorder.c, which has it and decides what
 * becomes of which event, and change_records.c, which fills it with the records of a change.
 */
#ifndef SINKS_RECORDER_STATE_H
#define SINKS_RECORDER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/arena.h"
#include "millrace/buf.h"
#include "millrace/slice.h"
#include "sinks/encoding.h"
#include "sinks/flat.h"
#include "sinks/plan.h"
#include "sinks/recorder.h"
#include "sinks/route.h"
#include "sinks/rules.h"
#include "sinks/side_records.h"
#include "sinks/table.h"
#include "sinks/topics.h"

#define RECORDER_PLACE_BYTES 256 /* three names of 63 bytes, and words */

/*
 * The records of one event point into these; all are emptied by the next event.
 *
 *     keys[0]    the key, or the old key      values[0]    the change, or the delete
 *     keys[1]    the new key                  values[1]    the create behind a delete
 *     texts[0], texts[1]    the same keys as JSON, where the encoding is not
 */
struct recorder {
    struct recorder_options options;
    char *owned[7]; /* what options points to */
    struct encoding *encoding;
    struct flat *flat; /* NULL: rows in envelopes */
    struct rules *rules;
    struct routes *routes;
    struct topics topics;
    struct table plans;     /* of struct plan, by relation->oid */
    struct plan *last_plan; /* most events come in runs of one table */
    struct topic *messages; /* made with the first message */
    bool loosened; /* the plan in use is to be made again: it has NOT NULL where a NULL came */
    uint64_t bad_values,
        bad_values_taken; /* of the encoding; up to the last event that was taken */
    char bad_value_at[RECORDER_PLACE_BYTES];
    bool tells_deletes, tells_tombstones, tells_truncates; /* by records? */
    struct arena numbers; /* as text, of the headers of one event */
    struct side_records side;
    bool is_open;             /* made, and not taken yet */
    struct header context[4]; /* Debezium's context headers */
    size_t context_count;
    struct buf keys[2];
    struct buf texts[2];
    struct buf values[2];
    struct buf truncates; /* values of one event, as many as it has tables */
    struct buf records;   /* of struct record */
};

/* Appends a record without key and value.  NULL without memory, which recorder_make() tells. */
struct record *recorder_add(struct recorder *r, struct topic *topic,
                            const struct relation *relation);

/* What of a key picks the partition: it without what frames it. */
static inline struct slice recorder_partition_key(struct slice key, const struct key_frame *frame)
{
    return slice_of(key.at + frame->head, key.len - frame->head - frame->tail);
}

#endif
