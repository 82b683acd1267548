/*
 * side_records - the records that events make beside those of rows and messages.
 *
 *     <prefix>.transaction                BEGIN and END of source transactions     transactions.h
 *     __debezium-heartbeat.<prefix>       a sign of life
 *     <prefix>.relations                  a table's description, old and new relation_history.h
 *
 * They are few and not hot: each is written as JSON, which the encoding frames or translates by the
 * schema (side_schema.h).  All of these topics have one partition: their order is what they are
 * read for.
 *
 * An event may be made several times before a sink takes it: see side_records_reset().
 */
#ifndef SINKS_SIDE_RECORDS_H
#define SINKS_SIDE_RECORDS_H

#include <stdbool.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "sinks/plan.h"
#include "sinks/recorder.h"
#include "sinks/relation_history.h"
#include "sinks/side_schema.h"
#include "sinks/topics.h"
#include "sinks/transactions.h"

struct encoding;

/* Where the records of one kind go to, and what stands in front of them; see encoding.h. */
struct side_topic {
    struct topic *topic;             /* NULL: not made yet */
    struct buf key_head, value_head; /* the encoding's */
    struct key_frame frame;
};

struct side_records {
    const struct recorder_options *options;
    struct encoding *encoding;
    struct topics *topics_of_recorder;
    struct side_topic topics[SIDE_KINDS];
    struct transactions transactions;
    struct transaction_block block; /* of the record being made */
    struct collection *messages;
    struct relation_history history;
    struct buf told;           /* of struct plan *: told since the last keep */
    struct buf told_relations; /* of const struct relation *: theirs */
    struct arena arena;        /* keys and values of one event */
    struct buf key_json, value_json, key, value;
};

/* All of these must outlive it. */
void side_records_init(struct side_records *s, const struct recorder_options *options,
                       struct encoding *encoding, struct topics *topics);
void side_records_done(struct side_records *s);

/* Before anything is made of an event.  With `undo` the event before was refused, and what making
 * it has changed is undone. */
void side_records_reset(struct side_records *s, bool undo);

/* In front of each record of a table's change: counts it, lets the encoding know its place in the
 * transaction, and appends to `records` (of struct record) what has to be told before it. */
bool side_records_change(struct side_records *s, const struct event *event,
                         const struct relation *relation, struct plan *plan, struct buf *records,
                         struct error *err) MUST_CHECK;
/* The same of a logical message. */
bool side_records_message(struct side_records *s, const struct event *event, struct buf *records,
                          struct error *err) MUST_CHECK;
bool side_records_commit(struct side_records *s, const struct event *event, struct buf *records,
                         struct error *err) MUST_CHECK;
bool side_records_heartbeat(struct side_records *s, const struct event *event, struct buf *records,
                            struct error *err) MUST_CHECK;

/* The event is the sink's: what making it has changed is for good. */
void side_records_keep(struct side_records *s);

#endif
