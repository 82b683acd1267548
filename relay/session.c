/*
 * The start order, which makes a crash at any point need no special case:
 *
 *     1 is the slot free?          else another instance lives: wait, do not fence it
 *     2 sink.recover()             fences any zombie, then says what is durable
 *     3 nothing durable, no slot:  make the intention to create the slot durable; whoever finds the
 *                                  intention and a slot knows that the slot is ours and unused
 *     4 source.start(position)     checks that slot, server and position belong together
 *     5 what start() has changed   is made durable before the first event
 *     6 the loop
 */
#include "relay/session.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "millrace/lsn.h"
#include "relay/clock.h"
#include "relay/log.h"
#include "relay/loop.h"
#include "relay/registry.h"

#define COMMIT_TIMEOUT_MS 60000

struct session {
    const struct options *options;
    struct signals *signals;
    struct postgres_status server; /* as it was at the start */
    struct sink *sink;
    struct source *source;
    struct position position;
    struct loop_stats stats;
    bool relayed; /* the loop was reached: the configuration is right, the links were there */
};

static bool check_slot_is_free(struct session *s, struct error *err)
{
    if (!postgres_read_status(&s->options->postgres, s->signals->fd, &s->server, err))
        return false;
    if (!s->server.slot_active)
        return true;
    return error_set(
        err, ERROR_LINK,
        "slot \"%s\" is in use by another connection (pg_replication_slots.active_pid): "
        "stop the other reader, or wait until the server notices that it is gone",
        s->options->postgres.slot);
}

/* commit() and wait for it: for the few positions that must be durable before anything else
 * happens. */
static bool commit_now(struct session *s, struct error *err)
{
    int64_t until_us = clock_mono_us() + (int64_t)COMMIT_TIMEOUT_MS * 1000;
    struct pollfd fds[2] = {{.fd = s->signals->fd, .events = POLLIN},
                            {.fd = s->sink->ops->fd(s->sink), .events = POLLIN}};

    if (!s->sink->ops->commit(s->sink, &s->position, err))
        return false;
    for (;;) {
        switch (s->sink->ops->reap(s->sink, err)) {
        case REAP_COMMITTED:
            return true;
        case REAP_BROKEN:
            return false;
        case REAP_PENDING:
            break;
        }
        if (clock_mono_us() >= until_us)
            return error_set(err, ERROR_LINK, "the sink did not make the position durable in time");
        if (poll(fds, 2, 1000) > 0 && fds[0].revents != 0)
            return error_set(err, ERROR_STOPPED, "stopped by a signal");
    }
}

static bool record_intention(struct session *s, struct error *err)
{
    struct position *p = &s->position;

    if (p->known || s->server.slot_exists || !registry_keeps_position(s->options))
        return true;
    p->known = true;
    p->system_id = s->server.system_id;
    p->timeline = s->server.timeline;
    memcpy(p->database, s->server.database, sizeof p->database);
    strncpy(p->slot, s->options->postgres.slot, sizeof p->slot - 1);
    p->snapshot = SNAPSHOT_RUNNING;
    return commit_now(s, err);
}

static bool start(struct session *s, struct error *err)
{
    struct position before;

    if (!check_slot_is_free(s, err))
        return false;
    s->sink = registry_make_sink(s->options, s->server.database, s->signals->fd, err);
    if (s->sink == NULL || !s->sink->ops->recover(s->sink, &s->position, err) ||
        !record_intention(s, err))
        return false;
    s->source = registry_make_source(s->options, s->signals->fd);
    before = s->position;
    if (!s->source->ops->start(s->source, &s->position, err))
        return false;
    if (position_equal(&before, &s->position))
        return true;
    return commit_now(s, err) && s->source->ops->confirm(s->source, &s->position, err);
}

static void finish(struct session *s)
{
    if (s->source != NULL)
        s->source->ops->close(s->source);
    if (s->sink != NULL)
        s->sink->ops->close(s->sink);
}

static enum loop_end relay(struct session *s, struct error *err)
{
    const struct position *p = &s->position;

    if (!start(s, err))
        return LOOP_FAILED;
    s->relayed = true;
    log_line(LOG_INFO, "session_started", "slot=%s database=%s sink=%s snapshot=%s end_lsn=%s",
             s->options->postgres.slot, log_quote(p->database).text, s->sink->ops->name,
             snapshot_state_name(p->snapshot), lsn_format(p->end_lsn).text);
    return loop_run(s->source, s->sink, p, &s->options->loop, s->signals, &s->stats, err);
}

/* How long to wait before the next try, and since when it has been failing. */
struct backoff {
    int64_t wait_ms;
    int64_t since_us; /* 0: not failing */
};

/* False when it is time to give up, or a signal came while waiting (*out_stopped). */
static bool wait_to_retry(struct backoff *b, const struct retry_options *o, struct signals *signals,
                          bool *out_stopped)
{
    struct pollfd fd = {.fd = signals->fd, .events = POLLIN};
    int64_t now_us = clock_mono_us();

    if (b->since_us == 0)
        b->since_us = now_us;
    if (b->wait_ms == 0)
        b->wait_ms = o->first_ms;
    if (o->give_up_ms > 0 && now_us - b->since_us >= o->give_up_ms * 1000)
        return false;
    *out_stopped = poll(&fd, 1, (int)b->wait_ms) > 0;
    b->wait_ms = b->wait_ms * 2 > o->most_ms ? o->most_ms : b->wait_ms * 2;
    return !*out_stopped;
}

static enum exit_code end_well(const struct session *s, enum loop_end end)
{
    log_line(LOG_INFO, end == LOOP_INTERRUPTED ? "interrupted" : "stopped",
             "events=%" PRIu64 " commits=%" PRIu64, s->stats.events, s->stats.commits);
    return end == LOOP_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_OK;
}

static enum exit_code end_badly(const struct error *err)
{
    if (err->kind == ERROR_STOPPED) {
        log_line(LOG_INFO, "stopped", "while=starting");
        return EXIT_OK;
    }
    log_line(LOG_ERROR, "failed", "kind=%s exit_code=%d reason=%s", error_kind_name(err->kind),
             (int)exit_code_of(err), log_quote(err->text).text);
    return exit_code_of(err);
}

enum exit_code session_run(const struct options *options, struct signals *signals)
{
    struct backoff backoff = {0};
    struct options effective = *options;
    bool stopped = false;

    /* A sink without a memory of its own can only go on where the slot is. */
    effective.postgres.slot_adopt |= !registry_keeps_position(options);
    for (;;) {
        struct session s = {.options = &effective, .signals = signals};
        struct error err = {0};
        int64_t started_us = clock_mono_us();
        enum loop_end end = relay(&s, &err);

        finish(&s);
        if (end != LOOP_FAILED)
            return end_well(&s, end);
        if (err.kind != ERROR_LINK)
            return end_badly(&err);
        if (s.relayed)
            backoff.since_us = 0;
        if (s.relayed && clock_mono_us() - started_us > options->retry.most_ms * 1000)
            backoff.wait_ms = 0;
        log_line(LOG_WARN, "session_lost", "events=%" PRIu64 " reason=%s", s.stats.events,
                 log_quote(err.text).text);
        if (signals->received > 0) /* it was draining; the signal will not be seen again */
            return end_well(&s, LOOP_INTERRUPTED);
        if (!wait_to_retry(&backoff, &options->retry, signals, &stopped)) {
            if (stopped)
                err = (struct error){.kind = ERROR_STOPPED};
            return end_badly(&err);
        }
    }
}
