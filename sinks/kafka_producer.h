/*
 * kafka_producer - librdkafka's producers, what they still owe, and the first thing that went
 * wrong.
 *
 * Exactly once there are two, the lanes, which take turns: while the broker ends the transaction of
 * the one, the next is begun on the other.  So nobody waits until the broker has written a
 * transaction's markers (a transaction begun behind another on the same id is refused until then,
 * on which librdkafka waits for 20 ms).  Records stay in order: a lane is filled only when all of
 * the other are delivered.
 *
 * Records go in from the loop's thread; delivery reports come back on whichever thread polls (the
 * helper of kafka_transaction).  A failure is for good: the first one is kept, the rest follows
 * from it.
 */
#ifndef SINKS_KAFKA_PRODUCER_H
#define SINKS_KAFKA_PRODUCER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/slice.h"
#include "sinks/kafka.h"
#include "sinks/kafka_fault.h"
#include "sinks/kafka_topics.h"
#include "sinks/recorder.h"

struct kafka_lane {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue; /* rk's main queue, to wake who polls it */
    bool open; /* a transaction; touched by one thread at a time, see kafka_transaction */
    atomic_int_fast64_t begun_ms; /* when the last transaction was begun */
};

struct kafka_producer {
    struct kafka_notes notes; /* first: librdkafka's opaque pointer is that of both */
    const struct kafka_options *options;
    struct kafka_lane lanes[KAFKA_LANES];
    size_t lane_count;
    atomic_size_t filling; /* the lane that records go to; moved by the helper, while it commits */
    int wake_fd;           /* eventfd: readable when the loop should look again */

    atomic_size_t owed_bytes; /* handed over and not yet reported on */
    atomic_size_t room_mark;  /* wake the loop once no more than this is owed ... */
    atomic_bool wants_room;   /* ... after somebody was refused for want of room */

    pthread_mutex_t lock; /* guards `failure` */
    struct error failure;
    atomic_bool failed;
};

/* Connects to nobody yet.  False: ERROR_CONFIG or ERROR_SYSTEM; done() is to be called all the
 * same. */
bool kafka_producer_init(struct kafka_producer *p, const struct kafka_options *options,
                         struct error *err) MUST_CHECK;
/* Drops what is not delivered. */
void kafka_producer_done(struct kafka_producer *p);

struct kafka_lane *kafka_producer_filling(struct kafka_producer *p);
/* Begins the transaction of the lane that is filled, unless it is open. */
bool kafka_producer_begin(struct kafka_producer *p, struct error *err) MUST_CHECK;

/* What a record weighs in owed_bytes: its bytes and librdkafka's own. */
size_t kafka_producer_weight(size_t record_bytes);
/* True when `weight` more may be handed over; a record too heavy for the whole queue passes alone.
 * False: wake_fd will tell when to ask again. */
bool kafka_producer_has_room(struct kafka_producer *p, size_t weight);
/* Copies the record (once, librdkafka's own copy), or takes a big value over from its buffer.
 * `bytes` is what it weighs without overhead. */
bool kafka_producer_send(struct kafka_producer *p, const struct kafka_topic *topic,
                         int32_t partition, const struct record *record, size_t bytes,
                         struct error *err) MUST_CHECK;

/* Counts a record that is going to be handed over in a batch; the value is for its _private. */
void *kafka_producer_owe(struct kafka_producer *p, size_t bytes);
/* Records of one partition, each with its _private; they are copied.  One that is not taken fails
 * all of them. */
bool kafka_producer_send_batch(struct kafka_producer *p, const struct kafka_topic *topic,
                               int32_t partition, rd_kafka_message_t *records, size_t count,
                               struct error *err) MUST_CHECK;

/* Sets err for a librdkafka error that ends the lane: fencing is told apart from a transaction
 * that timed out, a fatal error from what followed from it. */
bool kafka_producer_fault(struct kafka_producer *p, const struct kafka_lane *lane,
                          rd_kafka_resp_err_t code, const char *detail, const char *what,
                          struct error *err);
/* Keeps `failure` if it is the first, and wakes the loop. */
void kafka_producer_fail(struct kafka_producer *p, const struct error *failure);
/* True, with a copy in err, once something has failed. */
bool kafka_producer_has_failed(struct kafka_producer *p, struct error *err);

void kafka_producer_wake(struct kafka_producer *p);
void kafka_producer_drain_wake(struct kafka_producer *p);

#endif
