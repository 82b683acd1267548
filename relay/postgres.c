/*
 * The source: a snapshot if one is due, then the stream.
 *
 *     start() --+-- SNAPSHOT, REREAD --> snapshot --> stream
 *               |                            \--> ended     (a snapshot is all that is wanted)
 *               +-- FRESH, ADOPT, STREAM ------> stream
 */
#include "relay/postgres.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/lsn.h"
#include "millrace/mem.h"
#include "relay/log.h"
#include "relay/pg_check.h"
#include "relay/pg_session.h"
#include "relay/pg_slot.h"
#include "relay/pg_snapshot.h"
#include "relay/pg_stream.h"

enum stage { STAGE_NEW, STAGE_SNAPSHOT, STAGE_STREAM, STAGE_ENDED };

struct postgres_source {
    struct source base;
    const struct postgres_options *options;
    int stop_fd;
    enum stage stage;
    struct pg_session session;
    struct pg_snapshot *snapshot; /* kept after its end: relations of it may still be in use */
    struct pg_stream *stream;
    struct position start; /* where the stream begins */
    uint64_t durable_lsn;  /* as the sink told us; 0: nothing */
    bool snapshot_durable; /* all of it, likewise */
};

static struct postgres_source *source_of(struct source *base)
{
    return (struct postgres_source *)base;
}

/* ---- start ---- */

static bool will_copy(enum pg_start how)
{
    return how == PG_START_SNAPSHOT || how == PG_START_REREAD;
}

/* What the server says, what is to be done, and whether it can be.  The publication comes before
 * the slot: the server looks it up as of the place in the log that it decodes. */
static bool prepare(struct postgres_source *s, const struct position *stored,
                    struct pg_facts *out_facts, enum pg_start *out_how, struct error *err)
{
    struct pg_session *session = &s->session;

    return pg_session_open(session, s->options, s->stop_fd, err) &&
           pg_gather(&session->sql, &session->replication, s->options, stored, out_facts, err) &&
           pg_decide(out_facts, s->options, stored, out_how, err) &&
           pg_publication_ensure(&session->sql, out_facts, s->options, session->selection, err) &&
           pg_preflight(&session->sql, out_facts, s->options, session->selection,
                        will_copy(*out_how), err);
}

static void identify(struct position *position, const struct pg_facts *facts,
                     const struct postgres_options *options)
{
    position->system_id = facts->system_id;
    position->timeline = facts->timeline;
    (void)snprintf(position->slot, sizeof position->slot, "%s", options->slot);
    (void)snprintf(position->database, sizeof position->database, "%s", facts->database);
}

static bool open_stream(struct postgres_source *s, struct error *err)
{
    s->stream = pg_stream_open(&s->session, &s->start, s->durable_lsn, err);
    s->stage = STAGE_STREAM;
    return s->stream != NULL;
}

/* A snapshot that was begun before is done again, but the stream still begins where it would have.
 */
static bool open_snapshot(struct postgres_source *s, struct position *position, bool again,
                          struct error *err)
{
    s->snapshot = pg_snapshot_open(&s->session, again ? position->end_lsn : 0, err);
    if (s->snapshot == NULL)
        return false;
    position->snapshot = SNAPSHOT_RUNNING;
    position->end_lsn = pg_snapshot_stream_lsn(s->snapshot);
    position->consistent_point = position->end_lsn;
    position->reread_lsn = pg_snapshot_reread_lsn(s->snapshot);
    s->stage = STAGE_SNAPSHOT;
    return true;
}

static bool make_slot(struct postgres_source *s, struct position *position, struct error *err)
{
    struct pg_slot slot;

    if (!pg_slot_create(&s->session, &s->session.replication, PG_SLOT_PLAIN, s->options->slot,
                        &slot, err))
        return false;
    position->snapshot = SNAPSHOT_NONE;
    position->end_lsn = slot.consistent_point;
    position->consistent_point = slot.consistent_point;
    return true;
}

static bool begin(struct postgres_source *s, struct position *position,
                  const struct pg_facts *facts, enum pg_start how, struct error *err)
{
    bool anew = how == PG_START_SNAPSHOT || how == PG_START_FRESH;

    if (anew && facts->slot_exists)
        pg_slot_drop(&s->session); /* made after the intention was stored, and never read from */
    switch (how) {
    case PG_START_SNAPSHOT:
        return open_snapshot(s, position, false, err);
    case PG_START_REREAD:
        return open_snapshot(s, position, true, err);
    case PG_START_FRESH:
        if (!make_slot(s, position, err))
            return false;
        break;
    case PG_START_ADOPT:
        position->snapshot = SNAPSHOT_NONE; /* whatever was intended */
        position->end_lsn = facts->slot_confirmed_lsn;
        break;
    case PG_START_STREAM:
        break;
    }
    if (s->options->snapshot_mode == SNAPSHOT_ONLY) {
        s->stage = STAGE_ENDED;
        return true;
    }
    s->start = *position;
    return open_stream(s, err);
}

static bool start(struct source *base, struct position *position, struct error *err)
{
    struct postgres_source *s = source_of(base);
    enum pg_start how = PG_START_STREAM;
    struct pg_facts facts;
    bool intended = position->known; /* whatever happens, the sink knows that the slot is ours */

    assert(s->stage == STAGE_NEW);
    s->durable_lsn = position->known ? position->end_lsn : 0;
    if (!prepare(s, position, &facts, &how, err))
        return false;
    identify(position, &facts, s->options);
    if (!begin(s, position, &facts, how, err))
        return false;
    s->session.slot_made = s->session.slot_made && !intended;
    s->start = *position;
    return true;
}

/* ---- next ---- */

static enum source_outcome leave_snapshot(struct postgres_source *s, struct error *err)
{
    pg_snapshot_release(s->snapshot);
    if (s->options->snapshot_mode != SNAPSHOT_ONLY) {
        s->start.snapshot = SNAPSHOT_DONE;
        return open_stream(s, err) ? SOURCE_IDLE : SOURCE_FAILED;
    }
    log_line(
        LOG_WARN, "slot_keeps_wal",
        "slot=%s (the snapshot is through and nothing streams: run with snapshot mode \"initial\" "
        "to go on from here, or drop the slot)",
        s->options->slot);
    s->stage = STAGE_ENDED;
    return SOURCE_ENDED;
}

/* A slot that is found again is adopted, where the sink keeps no position: half a snapshot would be
 * taken for all of it. */
static bool would_be_cut_short(const struct postgres_source *s)
{
    return s->stage == STAGE_SNAPSHOT && s->options->slot_adopt;
}

static enum source_outcome next(struct source *base, struct event *out_event, struct error *err)
{
    struct postgres_source *s = source_of(base);
    enum source_outcome outcome = SOURCE_ENDED;

    if (s->stage == STAGE_SNAPSHOT) {
        outcome = pg_snapshot_next(s->snapshot, out_event, err);
        if (outcome == SOURCE_ENDED && !s->snapshot_durable)
            return SOURCE_IDLE; /* what comes next may fail: it must not be read twice for that */
        if (outcome == SOURCE_ENDED)
            outcome = leave_snapshot(s, err);
        if (outcome == SOURCE_FAILED)
            return outcome;
    }
    if (s->stage == STAGE_STREAM) {
        outcome = pg_stream_next(s->stream, out_event, err);
        base->gather_us = pg_stream_gather_us(s->stream);
    }
    if (outcome != SOURCE_FAILED && !would_be_cut_short(s))
        s->session.slot_made = false; /* the sink hears of it: from now on it is kept */
    return outcome;
}

/* ---- the other operations ---- */

static bool confirm(struct source *base, const struct position *durable, struct error *err)
{
    struct postgres_source *s = source_of(base);

    if (durable->end_lsn > s->durable_lsn)
        s->durable_lsn = durable->end_lsn;
    s->snapshot_durable = durable->snapshot == SNAPSHOT_DONE;
    return s->stage != STAGE_STREAM || pg_stream_confirm(s->stream, durable->end_lsn, err);
}

static bool tick(struct source *base, int64_t now_us, struct error *err)
{
    struct postgres_source *s = source_of(base);

    if (s->stage == STAGE_SNAPSHOT)
        pg_snapshot_tick(s->snapshot, now_us);
    return s->stage != STAGE_STREAM || pg_stream_tick(s->stream, now_us, err);
}

static size_t poll_fds(struct source *base, struct pollfd *out, bool want_input)
{
    struct postgres_source *s = source_of(base);

    if (s->stage == STAGE_SNAPSHOT)
        return pg_snapshot_poll(s->snapshot, out, want_input);
    return s->stage == STAGE_STREAM ? pg_stream_poll(s->stream, out, want_input) : 0;
}

static void close_source(struct source *base)
{
    struct postgres_source *s;

    if (base == NULL)
        return;
    s = source_of(base);
    pg_stream_close(s->stream);
    pg_snapshot_close(s->snapshot);
    if (s->session.slot_made) {
        pg_conn_close(&s->session.replication);
        pg_slot_drop(&s->session);
    }
    pg_session_close(&s->session);
    free(s);
}

static const struct source_ops postgres_ops = {
    .name = "postgres",
    .start = start,
    .next = next,
    .confirm = confirm,
    .tick = tick,
    .poll_fds = poll_fds,
    .close = close_source,
};

struct source *postgres_source_create(const struct postgres_options *options, int stop_fd)
{
    struct postgres_source *s = mem_new(struct postgres_source);

    s->base.ops = &postgres_ops;
    s->options = options;
    s->stop_fd = stop_fd;
    return &s->base;
}
