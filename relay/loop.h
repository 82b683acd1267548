/*
 * loop - joins a source to a sink: one thread, one poll.
 *
 * Nothing is confirmed to the source that is not durable in the sink: confirm() is called in one
 * place only, with the position of a commit that reap() has just reported.
 */
#ifndef RELAY_LOOP_H
#define RELAY_LOOP_H

#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/position.h"
#include "millrace/sink.h"
#include "millrace/source.h"
#include "relay/signals.h"

struct loop_options {
    uint64_t commit_records;       /* a sink transaction is committed at this many records ... */
    uint64_t commit_bytes;         /* ... or bytes ... */
    int64_t commit_interval_ms;    /* ... or this long after its first event, when the source never
                                      rests */
    int64_t cut_interval_ms;       /* a source transaction that takes longer is cut */
    int64_t idle_interval_ms;      /* at most so often is the position alone committed when nothing
                                      happens */
    int64_t heartbeat_interval_ms; /* so often a heartbeat is put; 0: never */
    int64_t drain_timeout_ms;      /* after SIGTERM: wait this long for the commit, then leave */
};

/* What the loop did, for log lines and tests. */
struct loop_stats {
    uint64_t events;
    uint64_t commits;
};

enum loop_end {
    LOOP_STOPPED,     /* a signal: everything taken was committed and confirmed */
    LOOP_ENDED,       /* the source is through: likewise */
    LOOP_INTERRUPTED, /* a second signal, or the drain took too long: left at once, which is always
                         safe */
    LOOP_FAILED,      /* err says why: throw source and sink away */
};

/* Runs until one of those.  `start` is the position that the source was started with, completed by
 * it. */
enum loop_end loop_run(struct source *source, struct sink *sink, const struct position *start,
                       const struct loop_options *options, struct signals *signals,
                       struct loop_stats *stats, struct error *err) MUST_CHECK;

#endif
