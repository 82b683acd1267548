/*
 * sink - somewhere durable to put events, together with the position.
 *
 * The contract every sink keeps:
 *   - recover() fences any older writer, then says how far the sink durably is;
 *   - put() takes what it needs before it returns, or refuses; it never blocks, except for a
 *     tenth of a second where `waiting` says so;
 *   - commit() makes everything taken since the last commit durable in one atomic
 *     step with `position`; reap() tells when that is so;
 *   - between commit() and the reap() that reports it, put() may answer PUT_FULL;
 *   - REAP_BROKEN is for good: the relay throws the sink away, makes a new one and
 *     recovers, as after a crash.  There is no "log and go on".
 */
#ifndef MILLRACE_SINK_H
#define MILLRACE_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/position.h"

enum put_outcome {
    PUT_TAKEN,
    PUT_FULL,   /* not now: the same event again after reap() had news, or after a commit */
    PUT_FAILED, /* err says why; the sink is broken for good */
};

enum reap_outcome {
    REAP_PENDING,   /* no commit has finished since the last call */
    REAP_COMMITTED, /* the last commit() is durable */
    REAP_BROKEN,    /* err says why */
};

struct sink;

struct sink_ops {
    const char *name;
    /* Blocks, with a deadline; gives up with ERROR_STOPPED soon after the stop descriptor that the
     * constructor was given becomes readable.  A sink that has nothing leaves out_position->known
     * false. */
    bool (*recover)(struct sink *sink, struct position *out_position, struct error *err);
    /* Called for every kind of event; a sink ignores (takes) the kinds that mean nothing to it. */
    enum put_outcome (*put)(struct sink *sink, const struct event *event, struct error *err);
    /* Never called again before reap() has reported the one before. */
    bool (*commit)(struct sink *sink, const struct position *position, struct error *err);
    /* To be called whenever fd() is readable, and after commit() when fd() is -1. */
    enum reap_outcome (*reap)(struct sink *sink, struct error *err);
    /* Readable when reap() has news; -1: reap() answers at once. */
    int (*fd)(const struct sink *sink);
    /* What a commit, or an event that was refused, has been waiting for, for an operator who
     * wonders: sets out, which is of kind ERROR_WAITING.  NULL: nothing is ever waited for. */
    void (*explain)(struct sink *sink, struct error *out);
    /* What is not committed is dropped; NULL is fine. */
    void (*close)(struct sink *sink);
};

/* Embedded as the first member of every sink. */
struct sink {
    const struct sink_ops *ops;
    /* Taken since the last commit(); kept by the sink, read by the loop. */
    uint64_t pending_records;
    uint64_t pending_bytes;
    /* After PUT_FULL: what put() waits for that fd() does not tell of (a schema registry); it is to
     * be called again at once.  ERROR_NONE: for nothing of the kind. */
    struct error waiting;
    /* Values sent as text since the sink was made, since they could not be read as their type
     * (types.on_bad_value), and where the last one stood: valid until the next call. */
    uint64_t bad_values;
    const char *bad_value_at;
};

/* What put() answers when an event could not be made into records: PUT_FULL for ERROR_WAITING,
 * which then stands in `waiting`, not in err. */
static inline enum put_outcome sink_put_failed(struct sink *sink, struct error *err)
{
    if (err->kind != ERROR_WAITING)
        return PUT_FAILED;
    sink->waiting = *err;
    *err = (struct error){.kind = ERROR_NONE};
    return PUT_FULL;
}

#endif
