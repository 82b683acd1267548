#include "support/fake_world.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "millrace/mem.h"

#define LSN_STEP UINT64_C(8)
#define WORLD_TICKS_MAX 100000 /* no test takes more turns */

void world_init(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->next_lsn = 1000;
    w->signals = 1;
}

static struct event *add(struct world *w, enum event_kind kind)
{
    struct event *event = &w->log[w->log_count++];

    assert(w->log_count <= WORLD_EVENTS_MAX);
    *event = (struct event){.kind = kind, .lsn = w->next_lsn};
    w->next_lsn += LSN_STEP;
    return event;
}

uint64_t world_add_transaction(struct world *w, unsigned changes)
{
    uint64_t commit_lsn = w->next_lsn + (changes + 1) * LSN_STEP;

    add(w, EVENT_BEGIN)->commit_lsn = commit_lsn;
    for (unsigned i = 1; i <= changes; i++) {
        struct event *event = add(w, EVENT_INSERT);

        event->commit_lsn = commit_lsn;
        event->ordinal = i;
    }
    *add(w, EVENT_COMMIT) = (struct event){
        .kind = EVENT_COMMIT, .commit_lsn = commit_lsn, .end_lsn = commit_lsn + LSN_STEP};
    return commit_lsn;
}

void world_add_progress(struct world *w, bool urgent)
{
    struct event *event = add(w, EVENT_PROGRESS);

    event->end_lsn = w->next_lsn;
    event->urgent = urgent;
}

/* ---- the source ---- */

struct fake_source {
    struct source source;
    struct world *world;
    size_t at;
    unsigned returned;
    struct position start;
    bool unsent, polled; /* see writes_first */
    int ready_fd;        /* always readable and writable */
};

static bool source_start(struct source *source, struct position *position, struct error *err)
{
    struct fake_source *s = (struct fake_source *)source;

    (void)err;
    s->start = *position;
    position->known = true;
    return true;
}

/* One of a cut transaction that is durable. */
static bool is_repeated(const struct fake_source *s, const struct event *event)
{
    return event->kind == EVENT_INSERT && s->start.ordinal > 0 &&
           event->commit_lsn == s->start.commit_lsn && event->ordinal <= s->start.ordinal;
}

/* As the server does: a transaction is skipped when its commit LSN is below the start; as a source
 * may do: the events of a cut transaction that are durable are skipped. */
static bool is_skipped(const struct fake_source *s, const struct event *event)
{
    if (event->kind == EVENT_PROGRESS)
        return event->end_lsn <= s->start.end_lsn;
    if (event->commit_lsn < s->start.end_lsn)
        return true;
    return !s->world->repeats && is_repeated(s, event);
}

static enum source_outcome source_next(struct source *source, struct event *out, struct error *err)
{
    struct fake_source *s = (struct fake_source *)source;
    struct world *w = s->world;

    while (s->at < w->log_count && is_skipped(s, &w->log[s->at]))
        s->at++;
    if (w->fail_next_after > 0 && s->returned >= w->fail_next_after) {
        w->fail_next_after = 0;
        (void)error_set(err, ERROR_LINK, "the server went away");
        return SOURCE_FAILED;
    }
    if (w->signal_after > 0 && s->returned >= w->signal_after) {
        w->signal_after = 0;
        w->signal_ticks = w->ticks;
        for (unsigned i = 0; i < w->signals; i++)
            (void)kill(getpid(), i == 0 ? SIGTERM : SIGINT); /* two of one kind would be one */
    }
    if (w->writes_first && !s->polled && s->at == 0) {
        s->unsent = true;
        return SOURCE_IDLE;
    }
    s->unsent = false;
    if (s->at == w->log_count && w->awaits_durable && w->confirmed_lsn < w->log[s->at - 1].end_lsn)
        return SOURCE_IDLE;
    if (s->at == w->log_count)
        return w->endless ? SOURCE_IDLE : SOURCE_ENDED;
    s->returned++;
    source->gather_us = w->large_pieces ? 0 : 1000;
    if (w->idle_every > 0 && s->returned % w->idle_every == 0)
        return SOURCE_IDLE;
    *out = w->log[s->at++];
    out->repeated = is_repeated(s, out);
    w->repeated += out->repeated;
    return SOURCE_EVENT;
}

static bool source_confirm(struct source *source, const struct position *durable, struct error *err)
{
    struct fake_source *s = (struct fake_source *)source;

    (void)err;
    if (durable->end_lsn > s->world->position.end_lsn || durable->end_lsn < s->world->confirmed_lsn)
        s->world->confirmed_too_much = true;
    s->world->confirmed_lsn = durable->end_lsn;
    return true;
}

static bool source_tick(struct source *source, int64_t now_us, struct error *err)
{
    struct world *w = ((struct fake_source *)source)->world;

    (void)now_us;
    if (w->ticks++ < WORLD_TICKS_MAX)
        return true;
    return error_set(err, ERROR_DATA, "the loop goes round and round");
}

static size_t source_poll_fds(struct source *source, struct pollfd *out, bool want_input)
{
    struct fake_source *s = (struct fake_source *)source;

    *out = (struct pollfd){.fd = s->ready_fd, .events = want_input ? POLLIN : 0};
    s->polled = s->unsent;
    s->world->unread_polls += !want_input;
    if (s->unsent)
        out->events = POLLOUT;
    if (s->world->awaits_durable && s->at == s->world->log_count)
        return 0;
    return 1;
}

static void source_close(struct source *source)
{
    (void)close(((struct fake_source *)source)->ready_fd);
    free(source);
}

static const struct source_ops fake_source_ops = {
    .name = "fake",
    .start = source_start,
    .next = source_next,
    .confirm = source_confirm,
    .tick = source_tick,
    .poll_fds = source_poll_fds,
    .close = source_close,
};

struct source *world_source(struct world *w)
{
    struct fake_source *s = mem_new(struct fake_source);

    *s = (struct fake_source){.source = {&fake_source_ops}, .world = w, .ready_fd = eventfd(1, 0)};
    return &s->source;
}

/* ---- the sink ---- */

struct fake_sink {
    struct sink sink;
    struct world *world;
    struct event pending[WORLD_EVENTS_MAX];
    size_t pending_count;
    size_t flying_count; /* of pending, from its start: what the commit in flight holds */
    struct position next_position;
    bool in_flight;
    bool refused; /* the last put was refused: the next is taken */
    unsigned polls;
    int news_fd; /* always readable; with commit_ms a timer: when a commit has ended */
};

static bool sink_recover(struct sink *sink, struct position *out_position, struct error *err)
{
    (void)err;
    *out_position = ((struct fake_sink *)sink)->world->position;
    return true;
}

static enum put_outcome sink_put(struct sink *sink, const struct event *event, struct error *err)
{
    struct fake_sink *s = (struct fake_sink *)sink;
    struct world *w = s->world;

    sink->waiting.kind = ERROR_NONE;
    if (s->in_flight && !w->pipelined)
        return PUT_FULL;
    if (event->kind == EVENT_INSERT && w->waits > 0) {
        w->waits--;
        (void)error_set(err, ERROR_WAITING, "the registry is asleep");
        return sink_put_failed(sink, err);
    }
    if (w->full_every > 0 && (w->puts + 1) % w->full_every == 0 && !s->refused) {
        s->refused = true;
        return PUT_FULL;
    }
    s->refused = false;
    w->puts++;
    if (w->fail_put_after > 0 && w->puts >= w->fail_put_after) {
        w->fail_put_after = 0;
        (void)error_set(err, ERROR_LINK, "the broker went away");
        return PUT_FAILED;
    }
    if (event->kind == EVENT_HEARTBEAT) {
        sink->pending_records++;
        if (++w->heartbeats == w->signal_after_heartbeats)
            (void)kill(getpid(), SIGTERM);
    }
    if (event->kind == EVENT_INSERT && !event->repeated) {
        s->pending[s->pending_count++] = *event;
        sink->pending_records++;
        sink->pending_bytes += 100;
    }
    return PUT_TAKEN;
}

/* 0: it is stopped, and no longer readable. */
static void set_timer(const struct fake_sink *s, int64_t ms)
{
    const struct itimerspec when = {.it_value = {ms / 1000, ms % 1000 * 1000000}};
    int failed = timerfd_settime(s->news_fd, 0, &when, NULL);

    assert(failed == 0);
    (void)failed;
}

static bool is_over(const struct fake_sink *s)
{
    struct pollfd news = {s->news_fd, POLLIN, 0};

    if (s->world->commit_ms == 0)
        return true;
    if (poll(&news, 1, 0) != 1)
        return false;
    set_timer(s, 0);
    return true;
}

static bool sink_commit(struct sink *sink, const struct position *position, struct error *err)
{
    struct fake_sink *s = (struct fake_sink *)sink;

    (void)err;
    assert(!s->in_flight);
    s->next_position = *position;
    s->flying_count = s->pending_count;
    s->in_flight = true;
    s->polls = 0;
    sink->pending_records = 0;
    sink->pending_bytes = 0;
    if (s->world->commit_ms > 0)
        set_timer(s, s->world->commit_ms);
    return true;
}

static void make_durable(struct fake_sink *s)
{
    struct world *w = s->world;

    memcpy(w->committed + w->committed_count, s->pending, s->flying_count * sizeof *s->pending);
    w->committed_count += s->flying_count;
    w->position = s->next_position;
}

static enum reap_outcome sink_reap(struct sink *sink, struct error *err)
{
    struct fake_sink *s = (struct fake_sink *)sink;
    enum fate fate;

    if (!s->in_flight || s->polls++ < s->world->slow_commit_polls || !is_over(s))
        return REAP_PENDING;
    fate = ++s->world->commits == s->world->commit_number ? s->world->fate : FATE_DURABLE;
    if (fate != FATE_LOST)
        make_durable(s);
    s->pending_count -= s->flying_count;
    memmove(s->pending, s->pending + s->flying_count, s->pending_count * sizeof *s->pending);
    s->in_flight = false;
    if (fate == FATE_DURABLE)
        return REAP_COMMITTED;
    (void)error_set(err, ERROR_LINK, "the commit's outcome is not known");
    return REAP_BROKEN;
}

static int sink_fd(const struct sink *sink)
{
    return ((const struct fake_sink *)sink)->news_fd;
}

static void sink_close(struct sink *sink)
{
    (void)close(((struct fake_sink *)sink)->news_fd);
    free(sink);
}

static const struct sink_ops fake_sink_ops = {
    .name = "fake",
    .recover = sink_recover,
    .put = sink_put,
    .commit = sink_commit,
    .reap = sink_reap,
    .fd = sink_fd,
    .close = sink_close,
};

struct sink *world_sink(struct world *w)
{
    struct fake_sink *s = mem_new(struct fake_sink);

    s->sink.ops = &fake_sink_ops;
    s->world = w;
    s->news_fd = w->commit_ms > 0 ? timerfd_create(CLOCK_MONOTONIC, 0) : eventfd(1, 0);
    return &s->sink;
}

bool world_is_exact(const struct world *w, size_t *out_index)
{
    size_t n = 0;

    for (size_t i = 0; i < w->log_count; i++) {
        if (w->log[i].kind != EVENT_INSERT)
            continue;
        if (n >= w->committed_count || w->committed[n].lsn != w->log[i].lsn) {
            *out_index = n;
            return false;
        }
        n++;
    }
    *out_index = n;
    return n == w->committed_count;
}
