/*
 * One turn, always in this order:
 *
 *     wait -> signals -> reap (sink -> position) -> confirm (position -> source) -> pump (source ->
 * sink)
 *          -> commit?
 *
 * Back-pressure is one bit: a held event.  While the sink refuses it we do not read; TCP does the
 * rest, and the source's tick() still sends status updates.
 *
 * When is a sink transaction committed?  It holds whole source transactions, so at a boundary:
 *     the source has nothing more to read          low latency when quiet
 *     commit_records, _bytes or _interval reached  throughput when busy
 * While a busy source draws breath (see BUSY_EVENTS), a commit waits until the transaction has been
 * open for COMMIT_SHARE times as long as events were refused behind the last one.
 * Only a source transaction that is far beyond those bounds, or open for cut_interval, is cut: the
 * position then names the last event sent, and a restart skips as many.
 */
#include "relay/loop.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "millrace/event.h"
#include "relay/clock.h"
#include "relay/log.h"

/* At most so many events in one turn, so that timers and signals are seen. */
#define EVENTS_PER_TURN 1024
/* A source transaction is cut at this multiple of commit_records and _bytes. */
#define CUT_FACTOR 4
/* A source that waits for our answer (the server is shutting down) gets it at most so often. */
#define URGENT_INTERVAL_US 20000
#define TICK_US 500000
/*
 * A server that is busy hands out message by message, and a reader as fast as it is woken for each:
 * most of what a row costs, on both sides.  So when BUSY_EVENTS have come within the window, and
 * the last of them trickled, the next are left to gather for a moment, the longer the more came;
 * and so on, until a window has brought fewer.
 */
#define BUSY_EVENTS 128
#define BUSY_WINDOW_US 4000
#define COMMIT_SHARE 16    /* so commits take a sixteenth of a busy source's time at most */
#define GATHER_EVENT_US 10 /* for each event of the window; no longer than the source has room */
/* What the sink waits for is told after so long, and again and again; likewise bad values. */
#define PATIENCE_US 2000000
#define SLOW_US 10000000 /* patience with what is only slow: back-pressure, a commit */
#define TELL_INTERVAL_US 30000000

/* Something that should be over soon. */
struct wait {
    int64_t since_us, told_us; /* 0: it is not waited for, not told */
};

struct loop {
    struct source *source;
    struct sink *sink;
    const struct loop_options *options;
    struct signals *signals;
    struct loop_stats *stats;

    struct position taken;      /* after the last event that the sink took */
    struct position committing; /* what the commit in flight will make durable */
    bool in_flight;
    bool moved;  /* taken is beyond what was last given to commit() */
    bool urgent; /* and the source waits to hear of it */

    struct event event;
    bool held;        /* event was refused: to be put again ... */
    bool again;       /* ... at once */
    bool source_more; /* set by input and confirm(), cleared only by SOURCE_IDLE and SOURCE_ENDED */
    bool source_ended;
    bool draining;

    int64_t now_us;         /* monotonic, of this turn */
    int64_t first_us;       /* when the first event since the last commit was put */
    int64_t last_commit_us; /* when commit() was last called */
    int64_t heartbeat_us;   /* when the next heartbeat is due; INT64_MAX: never */
    int64_t drain_until_us;
    int64_t window_us;             /* when the window was opened ... */
    unsigned window_events;        /* ... and what has come since */
    int64_t gather_us;             /* as that window or the one before told; 0: not busy */
    int64_t gather_until_us;       /* nothing is read before that */
    struct wait putting, settling; /* for the sink to take an event, to end a commit */
    bool behind_commit;            /* the event was refused while one was in flight */
    int64_t refused_us; /* the longest time of late for which events were refused behind a commit */
    int64_t bad_told_us;
    uint64_t bad_told; /* of sink->bad_values */

#ifdef MILLRACE_MUTANT_SKIP_POSITION
    struct position stale;
    unsigned mutant_commits;
#endif
};

static bool at_boundary(const struct loop *l)
{
    return l->taken.ordinal == 0;
}

static bool beyond(const struct loop *l, uint64_t factor)
{
    const struct loop_options *o = l->options;

    return l->sink->pending_records >= o->commit_records * factor ||
           l->sink->pending_bytes >= o->commit_bytes * factor;
}

static bool open_longer_than(const struct loop *l, int64_t interval_ms)
{
    return l->now_us - l->first_us >= interval_ms * 1000;
}

/* Nothing but the position has moved: no hurry, unless somebody waits for it. */
static bool idle_commit_is_due(const struct loop *l)
{
    int64_t since_us = l->now_us - l->last_commit_us;

    return since_us >= (l->urgent ? URGENT_INTERVAL_US : l->options->idle_interval_ms * 1000);
}

static int64_t sooner(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

/* Until when it is waited, at a boundary, for more to put into the transaction: a busy source that
 * has nothing to read just now is about to have, unless it has been quiet for a whole window. */
static int64_t collect_until_us(const struct loop *l)
{
    int64_t until_us = l->first_us + l->options->commit_interval_ms * 1000;

    if (l->source_more)
        return until_us;
    if (l->gather_us == 0)
        return l->now_us;
    until_us = sooner(until_us, l->first_us + COMMIT_SHARE * l->refused_us);
    return sooner(until_us, l->gather_until_us + BUSY_WINDOW_US);
}

static bool commit_is_due(const struct loop *l)
{
    if (l->in_flight || !l->moved)
        return false;
    if (l->draining || l->source_ended)
        return true;
    if (l->sink->pending_records == 0)
        return at_boundary(l) && idle_commit_is_due(l);
    if (beyond(l, CUT_FACTOR) || open_longer_than(l, l->options->cut_interval_ms))
        return true;
    return at_boundary(l) && (beyond(l, 1) || l->now_us >= collect_until_us(l));
}

static void wait_begin(struct wait *w, int64_t now_us)
{
    if (w->since_us == 0)
        w->since_us = now_us;
}

static void wait_end(struct wait *w, int64_t now_us)
{
    if (w->told_us != 0)
        log_line(LOG_INFO, "waited", "seconds=%" PRId64, (now_us - w->since_us) / 1000000);
    *w = (struct wait){0};
}

static bool begin_commit(struct loop *l, struct error *err)
{
    l->committing = l->taken;
#ifdef MILLRACE_MUTANT_SKIP_POSITION
    /* tests only: the checkers must notice */
    if (++l->mutant_commits % 2 == 0 && l->stale.snapshot == l->taken.snapshot)
        l->committing = l->stale;
    l->stale = l->taken;
#endif
    l->moved = false;
    l->urgent = false;
    l->last_commit_us = l->now_us;
    l->in_flight = true;
    l->refused_us /= 2;
    wait_begin(&l->settling, l->now_us);
    return l->sink->ops->commit(l->sink, &l->committing, err);
}

/* Asks the sink for news; one that has more makes its descriptor readable again. */
static bool reap(struct loop *l, struct error *err)
{
    switch (l->sink->ops->reap(l->sink, err)) {
    case REAP_PENDING:
        return true;
    case REAP_BROKEN:
        return false;
    case REAP_COMMITTED:
        break;
    }
    l->in_flight = false;
    wait_end(&l->settling, l->now_us);
    l->stats->commits++;
    l->source_more = !l->source_ended; /* it may have waited for this */
    return l->source->ops->confirm(l->source, &l->committing, err);
}

static bool is_progress_only(const struct event *event)
{
    return event->kind == EVENT_PROGRESS || event->kind == EVENT_BEGIN ||
           event->kind == EVENT_RELATION || event->kind == EVENT_HEARTBEAT || event->repeated;
}

/* What announces something, or is durable already, is nothing to commit.  A heartbeat is: it waits
 * for no other event, though the position that goes with it may be the one of before. */
static bool wants_position(const struct event *event)
{
    return event->kind != EVENT_BEGIN && event->kind != EVENT_RELATION && !event->repeated;
}

/* Events after which the position is committed soon even though there may be no record to commit.
 */
static bool wants_commit(const struct event *event)
{
    return (event->kind == EVENT_PROGRESS && event->urgent) ||
           event->kind == EVENT_SNAPSHOT_BEGIN || event->kind == EVENT_SNAPSHOT_END;
}

/* ---- what operators should know ---- */

static bool is_worth_telling(const struct wait *w, int64_t patience_us, int64_t now_us)
{
    return w->since_us != 0 && now_us - w->since_us >= patience_us &&
           (w->told_us == 0 || now_us - w->told_us >= TELL_INTERVAL_US);
}

static void wait_tell(struct wait *w, const struct error *reason, int64_t now_us)
{
    w->told_us = now_us;
    log_line(LOG_WARN, "waiting", "seconds=%" PRId64 " reason=%s", (now_us - w->since_us) / 1000000,
             log_quote(reason->text).text);
}

static void tell_waiting(struct loop *l)
{
    struct sink *sink = l->sink;
    bool named = l->held && sink->waiting.kind != ERROR_NONE;
    struct error reason = {0};
    struct wait *w;

    if (named && is_worth_telling(&l->putting, PATIENCE_US, l->now_us))
        wait_tell(&l->putting, &sink->waiting, l->now_us);
    if (named || sink->ops->explain == NULL)
        return;
    w = l->in_flight ? &l->settling
                     : &l->putting; /* behind a commit that hangs, events are refused */
    if (is_worth_telling(w, SLOW_US, l->now_us)) {
        sink->ops->explain(sink, &reason);
        wait_tell(w, &reason, l->now_us);
    }
}

static void tell_bad_values(struct loop *l, bool at_once)
{
    if (l->sink->bad_values == l->bad_told ||
        (!at_once && l->bad_told_us != 0 && l->now_us - l->bad_told_us < TELL_INTERVAL_US))
        return;
    l->bad_told = l->sink->bad_values;
    l->bad_told_us = l->now_us;
    log_line(LOG_WARN, "bad_values_sent_as_text", "count=%" PRIu64 " last=%s", l->bad_told,
             log_quote(l->sink->bad_value_at).text);
}

static void refused(struct loop *l)
{
    if (l->putting.since_us == 0)
        l->behind_commit = l->in_flight;
    l->held = true;
    wait_begin(&l->putting, l->now_us);
}

/* Offers the event in hand to the sink; `held` says whether it was refused. */
static bool put(struct loop *l, struct error *err)
{
    bool first = l->sink->pending_records == 0;

    switch (l->sink->ops->put(l->sink, &l->event, err)) {
    case PUT_FAILED:
        return false;
    case PUT_FULL:
        refused(l);
        return true;
    case PUT_TAKEN:
        break;
    }
    if (l->behind_commit && l->refused_us < l->now_us - l->putting.since_us)
        l->refused_us = l->now_us - l->putting.since_us;
    l->behind_commit = false;
    l->held = false;
    wait_end(&l->putting, l->now_us);
    l->stats->events += !is_progress_only(&l->event);
    if (first && l->sink->pending_records > 0)
        l->first_us = l->now_us;
    if (wants_position(&l->event)) {
        position_advance(&l->taken, &l->event);
        l->moved = true;
    }
    l->urgent = l->urgent || wants_commit(&l->event);
#ifdef MILLRACE_MUTANT_CONFIRM_EARLY
    if (l->event.kind == EVENT_COMMIT) /* tests only: the checkers must notice */
        return l->source->ops->confirm(l->source, &l->taken, err);
#endif
    return true;
}

/* Could one be put, if it were time? */
static bool may_beat(const struct loop *l)
{
    return !l->held && !l->draining && !l->source_ended;
}

/* One that the sink refuses is held like any event. */
static bool beat(struct loop *l, int64_t seen_ns, struct error *err)
{
    if (l->now_us < l->heartbeat_us || !may_beat(l))
        return true;
    l->heartbeat_us = l->now_us + l->options->heartbeat_interval_ms * 1000;
    l->event = (struct event){.kind = EVENT_HEARTBEAT, .seen_ns = seen_ns};
    return put(l, err);
}

/* How long a source that has brought so much in a window may be left alone. */
static int64_t gathering_us(unsigned events)
{
    return events < BUSY_EVENTS ? 0 : (int64_t)events * GATHER_EVENT_US;
}

/* The source has nothing more just now. */
static void rest(struct loop *l)
{
    bool window_over = l->now_us - l->window_us >= BUSY_WINDOW_US;
    int64_t told_us = gathering_us(l->window_events);
    int64_t most_us = l->source->gather_us;

    l->source_more = false;
    if (window_over || told_us > l->gather_us)
        l->gather_us = told_us;
    if (window_over) {
        l->window_us = l->now_us;
        l->window_events = 0;
    }
    l->gather_until_us = l->now_us + sooner(l->gather_us, most_us);
}

static bool is_gathering(const struct loop *l)
{
    return l->now_us < l->gather_until_us;
}

/* Moves events from source to sink, until one of them has had enough or the turn is full. */
static bool pump(struct loop *l, struct error *err)
{
    int64_t seen_ns = clock_wall_ns();

    if (l->held && !put(l, err))
        return false;
    if (!beat(l, seen_ns, err))
        return false;
    for (int i = 0; i < EVENTS_PER_TURN && !l->held && l->source_more; i++) {
        switch (l->source->ops->next(l->source, &l->event, err)) {
        case SOURCE_FAILED:
            return false;
        case SOURCE_IDLE:
            rest(l);
            break;
        case SOURCE_ENDED:
            l->source_more = false;
            l->source_ended = true;
            break;
        case SOURCE_EVENT:
            l->window_events++;
            l->event.seen_ns = seen_ns;
            if (!put(l, err))
                return false;
            break;
        }
        if (commit_is_due(l))
            break;
    }
    return true;
}

/* When a commit may be due without any input. */
static int64_t next_commit_us(const struct loop *l)
{
    const struct loop_options *o = l->options;

    if (l->sink->pending_records > 0)
        return at_boundary(l) ? collect_until_us(l) : l->first_us + o->cut_interval_ms * 1000;
    return l->last_commit_us + (l->urgent ? URGENT_INTERVAL_US : o->idle_interval_ms * 1000);
}

/* Milliseconds until something is due without any input. */
static int wait_ms(const struct loop *l)
{
    int64_t due_us = l->now_us + TICK_US;

    if (l->again || commit_is_due(l) || (l->source_more && !l->held && !l->draining))
        return 0;
    if (l->held && !l->draining && l->sink->waiting.kind != ERROR_NONE) /* put() waits by itself */
        return 0;
    if (is_gathering(l))
        due_us = l->gather_until_us;
    if (l->heartbeat_us < due_us && may_beat(l))
        due_us = l->heartbeat_us > l->now_us ? l->heartbeat_us : l->now_us;
    if (l->moved && !l->in_flight) {
        int64_t commit_us = next_commit_us(l);

        if (commit_us > l->now_us && commit_us < due_us)
            due_us = commit_us;
    }
    return (int)((due_us - l->now_us + 999) / 1000);
}

static bool wait_for_news(struct loop *l, struct error *err)
{
    struct pollfd fds[SOURCE_POLL_MAX + 2];
    bool may_read = !l->held && !l->draining && !l->source_ended;
    bool want_input = may_read && !is_gathering(l);
    size_t count = 0, source_from;

    fds[count++] = (struct pollfd){.fd = l->signals->fd, .events = POLLIN};
    fds[count++] = (struct pollfd){.fd = l->sink->ops->fd(l->sink), .events = POLLIN};
    source_from = count;
    count += l->source->ops->poll_fds(l->source, fds + count, want_input);
    if (poll(fds, (nfds_t)count, wait_ms(l)) < 0)
        memset(fds, 0, sizeof fds); /* EINTR: nothing is ready */
    l->again = false;
    for (size_t i = source_from; i < count && want_input; i++)
        if (fds[i].revents != 0) /* also when it may write: its answer waits for that */
            l->source_more = true;
    l->now_us = clock_mono_us();
    if (may_read && !want_input && !is_gathering(l))
        l->source_more = true; /* it may have gathered something */
    return l->source->ops->tick(l->source, l->now_us, err);
}

/* True when the loop is to be left now. */
static bool drained(struct loop *l, enum loop_end *out_end)
{
    if (signals_take(l->signals) && !l->draining) {
        l->draining = true;
        l->held = false; /* it was never taken: the source will send it again */
        wait_end(&l->putting, l->now_us);
        l->drain_until_us = l->now_us + l->options->drain_timeout_ms * 1000;
    }
    if (l->signals->received > 1 || (l->draining && l->now_us >= l->drain_until_us)) {
        *out_end = LOOP_INTERRUPTED;
        return true;
    }
    if ((!l->draining && !(l->source_ended && !l->held)) || l->in_flight || l->moved)
        return false;
    *out_end = l->draining ? LOOP_STOPPED : LOOP_ENDED;
    return true;
}

static bool turn(struct loop *l, struct error *err)
{
    if (!wait_for_news(l, err) || !reap(l, err))
        return false;
    if (!l->draining && !pump(l, err))
        return false;
    tell_waiting(l);
    tell_bad_values(l, false);
    if (!commit_is_due(l))
        return true;
    if (!begin_commit(l, err) || !reap(l, err))
        return false;
    l->again = l->held; /* the news that it was refused for may have come in between */
    return true;
}

enum loop_end loop_run(struct source *source, struct sink *sink, const struct position *start,
                       const struct loop_options *options, struct signals *signals,
                       struct loop_stats *stats, struct error *err)
{
    struct loop l = {.source = source,
                     .sink = sink,
                     .options = options,
                     .signals = signals,
                     .stats = stats,
                     .taken = *start,
                     .source_more = true};
    enum loop_end end = LOOP_FAILED;

    l.now_us = clock_mono_us();
    l.last_commit_us = l.now_us;
    l.heartbeat_us = options->heartbeat_interval_ms > 0
                         ? l.now_us + options->heartbeat_interval_ms * 1000
                         : INT64_MAX;
    while (!drained(&l, &end)) {
        if (!turn(&l, err)) {
            end = LOOP_FAILED;
            break;
        }
    }
    tell_bad_values(&l, true);
    return end;
}
