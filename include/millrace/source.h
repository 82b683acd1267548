/*
 * source - where events come from.
 *
 * One thread calls all of this.  Nothing calls back.  No call but start() may block longer than a
 * fraction of a second; start() may take as long as the server does, but gives up with
 * ERROR_STOPPED soon after the stop descriptor that its constructor was given becomes readable.
 *
 *     start(position) -> next() ... next() -> SOURCE_IDLE -> poll -> next() ...
 *                 confirm(durable) whenever the sink has made something durable
 *                 tick(now) at least once a second, also when nobody calls next()
 */
#ifndef MILLRACE_SOURCE_H
#define MILLRACE_SOURCE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/position.h"

#define SOURCE_POLL_MAX 72 /* descriptors that a source may ask to be polled */

enum source_outcome {
    SOURCE_EVENT,  /* *out_event is filled; valid until the next call of next(): confirm(), tick()
                    * and  poll_fds() leave it alone, since the sink may refuse it for a while */
    SOURCE_IDLE,   /* everything received has been returned: poll or confirm() before calling
                    * again */
    SOURCE_ENDED,  /* a finite source (a snapshot only, a log) is through */
    SOURCE_FAILED, /* err says why; nothing but close() may follow */
};

struct source;

struct source_ops {
    const char *name;
    /* Continues exactly behind *position (known == false: from the beginning).  Fills in what the
     * position lacks: identity of the source, where it really starts. */
    bool (*start)(struct source *source, struct position *position, struct error *err);
    enum source_outcome (*next)(struct source *source, struct event *out_event, struct error *err);
    /* Everything up to *durable is durable in the sink: the source may forget it. */
    bool (*confirm)(struct source *source, const struct position *durable, struct error *err);
    /* Sends what is due whether or not anything is read (status updates), and notices a dead peer.
     * now_us: monotonic clock. */
    bool (*tick)(struct source *source, int64_t now_us, struct error *err);
    /* Fills `out` with the descriptors to poll, at most SOURCE_POLL_MAX; returns how many.  Without
     * want_input only what must be written is asked for (back-pressure: the sink is full). */
    size_t (*poll_fds)(struct source *source, struct pollfd *out, bool want_input);
    /* Ends politely when it can do so at once; frees everything.  NULL is fine. */
    void (*close)(struct source *source);
};

/* Embedded as the first member of every source. */
struct source {
    const struct source_ops *ops;
    /* Of the last SOURCE_IDLE: so long it may be left alone when much is to come.  Above 0 when
     * little had come since the one before: it is handed out piece by piece then, and read later it
     * costs both sides less.  As long as there is room for what gathers. */
    int64_t gather_us;
};

#endif
