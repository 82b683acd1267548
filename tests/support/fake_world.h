/*
 * fake_world - a source and a sink that keep the written contracts, in memory, and fail on command.
 *
 * The world outlives source and sink, as a server outlives a relay: what was committed stays, the
 * position with it, and a new source starts where it says.  It watches the invariant that matters:
 * nothing is confirmed that is not durable.
 */
#ifndef TESTS_SUPPORT_FAKE_WORLD_H
#define TESTS_SUPPORT_FAKE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/event.h"
#include "millrace/position.h"
#include "millrace/sink.h"
#include "millrace/source.h"

#define WORLD_EVENTS_MAX 8192

/* How a commit ends. */
enum fate {
    FATE_DURABLE,
    FATE_LOST,              /* broken, nothing durable */
    FATE_DURABLE_BUT_BROKEN /* durable, then reported as broken: the answer was lost */
};

struct world {
    /* The database: a log of events, in commit order. */
    struct event log[WORLD_EVENTS_MAX];
    size_t log_count;
    uint64_t next_lsn;

    /* Durable in the sink. */
    struct event committed[WORLD_EVENTS_MAX * 2];
    size_t committed_count;
    struct position position;
    uint64_t confirmed_lsn;

    /* Orders.  0: never. */
    unsigned fail_next_after;   /* the source's link breaks after so many events */
    unsigned fail_put_after;    /* the sink breaks at that put */
    unsigned waits;             /* so many puts of its first record wait for somebody else */
    unsigned full_every;        /* every so many puts the sink refuses once */
    bool pipelined;             /* the sink takes events while a commit is in flight */
    unsigned slow_commit_polls; /* so many reaps say PENDING before a commit is done */
    int64_t commit_ms;          /* a commit takes so long, and nothing but its end is news */
    unsigned commit_number;     /* that commit (1, 2...) has ... */
    enum fate fate;             /* ... this fate */
    unsigned idle_every;        /* the source says IDLE after so many events */
    bool large_pieces;          /* and what then came is no trickle */
    unsigned signal_after;      /* SIGTERM to ourselves after so many events */
    unsigned signals;           /* how many */
    bool endless;               /* IDLE at the end of the log instead of ENDED */
    bool writes_first;          /* the source must write before there is anything to read */
    bool repeats;               /* durable events of a cut transaction come again, as repeated */
    unsigned signal_after_heartbeats; /* SIGTERM to ourselves at that heartbeat */
    bool awaits_durable;              /* IDLE at the end of the log until all of it is confirmed */

    /* What was seen. */
    unsigned commits, puts, ticks, heartbeats, repeated;
    unsigned signal_ticks; /* how many of the ticks were before the signal */
    unsigned unread_polls; /* in which the source was not to be read */
    bool confirmed_too_much;
};

void world_init(struct world *w);
/* Appends a transaction of `changes` inserts; returns its commit LSN. */
uint64_t world_add_transaction(struct world *w, unsigned changes);
void world_add_progress(struct world *w, bool urgent);

/* Sources and sinks of this world; freed by their close(). */
struct source *world_source(struct world *w);
struct sink *world_sink(struct world *w);

/* True when what is committed is the log's changes, each once, in order; else *out_index is the
 * first that differs. */
bool world_is_exact(const struct world *w, size_t *out_index);

#endif
