#include "relay/pg_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder/pgoutput.h"
#include "decoder/walmsg.h"
#include "millrace/arena.h"
#include "millrace/buf.h"
#include "millrace/lsn.h"
#include "millrace/mem.h"
#include "relay/clock.h"
#include "relay/log.h"
#include "relay/pg_feedback.h"
#include "relay/pg_quote.h"
#include "relay/pg_slot.h"
#include "relay/pg_visible.h"
#include "relay/pg_window.h"

#define START_TIMEOUT_MS 20000
#define CLOSE_US 1000000
/* Messages that come in so few bytes at a time are what the server has written one by one. */
#define TRICKLE_BYTES 4096
/* A Unix socket is full after some 270 messages; behind a small window, megabytes have room. */
#define GATHER_US 1000
#define GATHER_NARROW_US 6000
/* After this much silence we look whether a long message is trickling in. */
#define QUIET_US 1000000
#define CELLS_BYTES ((size_t)1024 * 1024) /* scratch beside the message: the cells of two rows */
#ifdef MILLRACE_MUTANT_DROP_EVENT
#define MUTANT_PERIOD 1000
#endif

struct pg_stream {
    struct pg_session *session;
    struct pgoutput *decoder;
    struct pg_feedback feedback;
    struct arena scratch; /* of one message */
    char *message;        /* what the last event borrows from; libpq's */
    int64_t now_us;       /* of the last tick */
    uint32_t seen_xid;    /* the transaction that the side connection was last waiting to see */

    uint64_t start_lsn;
    uint64_t reread_lsn;
    /* The transaction of which the first `ordinal` events are durable; ordinal 0: none. */
    struct {
        uint64_t commit_lsn, ordinal, last_lsn;
    } resume;

    size_t came_bytes; /* in whole messages, since the last SOURCE_IDLE */
    int64_t gather_us; /* as of then */
    bool narrowed;     /* by pg_window */

    bool announce;    /* the start is to be told as progress */
    bool reading;     /* the loop asks for input: silence counts */
    bool unsent;      /* libpq holds bytes that the socket did not take */
    bool status_owed; /* a status could not go out because of that */
#ifdef MILLRACE_MUTANT_DROP_EVENT
    uint64_t changes;
#endif
};

/* What became of a message. */
enum taken {
    TAKEN_EVENT,
    TAKEN_NOTHING,
    TAKEN_FAILED,
};

/* ---- start ---- */

/* In milliseconds; 0: switched off. */
static bool read_sender_timeout(struct pg_session *session, int64_t *out_ms, struct error *err)
{
    PGresult *result =
        pg_query(&session->sql, session->options->query_timeout_ms, err,
                 "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'");

    if (result == NULL)
        return false;
    *out_ms = PQntuples(result) == 1 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return true;
}

/* publication_names is a list of identifiers inside a literal: quoted twice.  A missing publication
 * is looked up by the server only at the first change; `messages` exists from 14 on. */
static void write_command(struct buf *out, const struct pg_session *session, uint64_t start_lsn)
{
    bool has_messages = session->replication.server_version >= 140000;
    struct buf name;

    buf_init(&name, PG_STATEMENT_BYTES);
    pg_quote_identifier(&name, slice_text(session->options->publication));
    buf_text(out, "START_REPLICATION SLOT ");
    pg_quote_identifier(out, slice_text(session->options->slot));
    buf_printf(out, " LOGICAL %s (proto_version '%s', publication_names ",
               lsn_format(start_lsn).text, has_messages ? "2" : "1");
    pg_quote_literal(out, buf_view(&name));
    buf_text(out, has_messages ? ", messages 'true')" : ")");
    buf_byte(out, '\0');
    buf_done(&name);
}

/* An error that a lost slot explains becomes the gap that it is. */
static bool explain(struct pg_session *session, struct error *err)
{
    struct pg_slot_loss loss = {""};

    if (err->kind == ERROR_CONFIG)
        loss = pg_slot_lost(session);
    if (loss.reason[0] == '\0')
        return false;
    err->kind = ERROR_GAP;
    err->gap = GAP_SLOT_INVALIDATED;
    return error_wrap(err,
                      "slot \"%s\" is lost (%s): the server has removed WAL that was not relayed "
                      "yet; drop the slot, delete the stored position and take a new snapshot",
                      session->options->slot, loss.reason);
}

static bool start_replication(struct pg_session *session, uint64_t start_lsn, struct error *err)
{
    struct buf command;
    bool started;

    if (session->replication.link == NULL ||
        PQstatus(session->replication.link) != CONNECTION_OK) { /* broke during the snapshot */
        pg_conn_close(&session->replication);
        if (!pg_conn_open(&session->replication, session->options, PG_CONN_REPLICATION,
                          session->stop_fd, err))
            return false;
    }
    buf_init(&command, PG_STATEMENT_BYTES);
    write_command(&command, session, start_lsn);
    started = !command.failed &&
              pg_begin_copy(&session->replication, START_TIMEOUT_MS, err, (const char *)command.at);
    buf_done(&command);
    if (started || explain(session, err) || err->kind == ERROR_GAP)
        return started;
    return error_wrap(err, "slot \"%s\": streaming from %s", session->options->slot,
                      lsn_format(start_lsn).text);
}

struct pg_stream *pg_stream_open(struct pg_session *session, const struct position *start,
                                 uint64_t durable_lsn, struct error *err)
{
    const struct postgres_options *options = session->options;
    int64_t sender_timeout_ms = 0;
    struct pg_stream *s;

    if (!read_sender_timeout(session, &sender_timeout_ms, err) ||
        !start_replication(session, start->end_lsn, err))
        return NULL;
    s = mem_new(struct pg_stream);
    s->session = session;
    s->decoder =
        pgoutput_create(&session->relation_ids, start->commit_lsn != 0 ? start->end_lsn : 0,
                        options->relation_limit_bytes);
    arena_init(&s->scratch, options->message_limit_bytes + CELLS_BYTES);
    s->now_us = clock_mono_us();
    pg_feedback_init(&s->feedback, start->end_lsn, durable_lsn, sender_timeout_ms,
                     options->silence_timeout_ms, s->now_us);
    s->start_lsn = start->end_lsn;
    s->reread_lsn = start->reread_lsn;
    s->resume.commit_lsn = start->commit_lsn;
    s->resume.ordinal = start->ordinal;
    s->resume.last_lsn = start->last_lsn;
    s->narrowed = pg_window_narrow(PQsocket(session->replication.link));
    s->announce = durable_lsn == 0;
    s->reading = true;
    log_line(LOG_INFO, "streaming", "slot=%s publication=%s lsn=%s", options->slot,
             options->publication, lsn_format(start->end_lsn).text);
    return s;
}

/* ---- status updates ---- */

static bool flush(struct pg_stream *s, struct error *err)
{
    return pg_flush(&s->session->replication, &s->unsent, err);
}

/* Never queues behind a status that the socket has not taken yet: that would only grow. */
static bool send_status(struct pg_stream *s, bool ask, struct error *err)
{
    PGconn *link = s->session->replication.link;
    uint64_t durable = pg_feedback_flush(&s->feedback);
    uint8_t status[WALMSG_STATUS_BYTES];

    s->status_owed = s->unsent;
    if (s->unsent)
        return true;
    walmsg_status(s->feedback.received, durable, durable, clock_wall_ns() / 1000, ask, status);
    if (PQputCopyData(link, (const char *)status, (int)sizeof status) != 1) {
        (void)pg_error(&s->session->replication, NULL, err);
        err->kind = ERROR_LINK;
        return false;
    }
    pg_feedback_sent(&s->feedback, s->now_us, ask);
    return flush(s, err);
}

bool pg_stream_confirm(struct pg_stream *s, uint64_t end_lsn, struct error *err)
{
    uint64_t before = s->feedback.durable;

    if (!pg_feedback_confirm(&s->feedback, end_lsn))
        return error_set(err, ERROR_DATA, "%s was to be confirmed, but only %s was ever read",
                         lsn_format(end_lsn).text, lsn_format(s->feedback.received).text);
    return s->feedback.durable == before || send_status(s, false, err);
}

/* Silence counts only while we listen, and not while bytes wait to be read. */
static void listen_for_life(struct pg_stream *s)
{
    if (!s->reading ||
        (s->now_us - s->feedback.heard_us > QUIET_US && pg_readable(&s->session->replication)))
        pg_feedback_heard(&s->feedback, s->now_us);
}

bool pg_stream_tick(struct pg_stream *s, int64_t now_us, struct error *err)
{
    s->now_us = now_us;
    listen_for_life(s);
    if (s->unsent && !flush(s, err))
        return false;
    switch (pg_feedback_due(&s->feedback, now_us)) {
    case PG_FEEDBACK_NOTHING:
        return !s->status_owed || send_status(s, false, err);
    case PG_FEEDBACK_STATUS:
        return send_status(s, false, err);
    case PG_FEEDBACK_ASK:
        return send_status(s, true, err);
    case PG_FEEDBACK_DEAD:
        break;
    }
    return error_set(err, ERROR_LINK, "the server has sent nothing for %" PRId64 " ms",
                     s->feedback.silence_us / 1000);
}

size_t pg_stream_poll(struct pg_stream *s, struct pollfd *out, bool want_input)
{
    s->reading = want_input;
    if (!want_input && !s->unsent)
        return 0;
    *out =
        (struct pollfd){.fd = PQsocket(s->session->replication.link),
                        .events = (short)((want_input ? POLLIN : 0) | (s->unsent ? POLLOUT : 0))};
    return 1;
}

/* ---- what is dropped ---- */

static bool differs(const struct pg_stream *s, struct error *err)
{
    return error_set(err, ERROR_DATA,
                     "transaction %s is durable up to its event %" PRIu64
                     " at %s, but the server sent "
                     "it differently this time (were publication or slot changed?): the rest of it "
                     "cannot be told from what was relayed; take a new snapshot",
                     lsn_format(s->resume.commit_lsn).text, s->resume.ordinal,
                     lsn_format(s->resume.last_lsn).text);
}

/* The transaction that was cut comes again.  Its BEGIN and COMMIT are returned again; so are the
 * changes that are durable, as repeated. */
static bool mark_durable(struct pg_stream *s, struct event *event, struct error *err)
{
    if (s->resume.ordinal == 0 || event->commit_lsn < s->resume.commit_lsn)
        return true;
    if (event->commit_lsn > s->resume.commit_lsn || event->kind == EVENT_COMMIT)
        return differs(s, err);
    if (event->kind == EVENT_BEGIN)
        return true;
    event->repeated = true;
    if (event->ordinal < s->resume.ordinal)
        return true;
    if (event->ordinal > s->resume.ordinal || event->lsn != s->resume.last_lsn)
        return differs(s, err);
    s->resume.ordinal = 0;
    return true;
}

/* Left out by the configuration; or without a key and read again after this change had been made.
 */
static bool unwanted(const struct pg_stream *s, const struct event *event,
                     const struct relation *relation)
{
    return relation->ignored || (relation->key_count == 0 && event->commit_lsn < s->reread_lsn);
}

static bool drop_truncated(struct pg_stream *s, struct event *event, bool *out_drop,
                           struct error *err)
{
    const struct relation **kept =
        arena_array(&s->scratch, event->truncated_count, sizeof(const struct relation *));
    uint32_t count = 0;

    if (kept == NULL)
        return error_set(err, ERROR_DATA, "TRUNCATE of %" PRIu32 " relations passes the limit",
                         event->truncated_count);
    for (uint32_t i = 0; i < event->truncated_count; i++)
        if (!unwanted(s, event, event->truncated[i]))
            kept[count++] = event->truncated[i];
    event->truncated = kept;
    event->truncated_count = count;
    *out_drop = count == 0;
    return true;
}

static bool filter(struct pg_stream *s, struct event *event, bool *out_drop, struct error *err)
{
    uint64_t at = event->commit_lsn != 0 ? event->commit_lsn : event->end_lsn;

    *out_drop = event->commit_lsn != 0 ? at < s->start_lsn : at <= s->start_lsn;
    if (*out_drop)
        return true;
    if (!mark_durable(s, event, err))
        return false;
    if (event->relation != NULL)
        *out_drop = unwanted(s, event, event->relation);
    else if (event->kind == EVENT_TRUNCATE)
        return drop_truncated(s, event, out_drop, err);
#ifdef MILLRACE_MUTANT_DROP_EVENT
    if (event->relation != NULL && ++s->changes % MUTANT_PERIOD == 0)
        *out_drop = true; /* tests only: the checkers must notice */
#endif
    return true;
}

/* ---- messages ---- */

static bool ask_catalogue(struct pg_stream *s, struct relation *relation, struct arena *arena,
                          struct error *err)
{
    uint32_t xid = pgoutput_xid(s->decoder);

    if (s->seen_xid != xid && !pg_visible_wait(s->session, xid, err))
        return false;
    s->seen_xid = xid;
    return pg_catalog_describe(s->session->catalog, relation, arena,
                               pgoutput_replaced_relation(s->decoder), err);
}

/* The R message just decoded.  The side connection may have been idle for long: a new one, once. */
static bool describe(struct pg_stream *s, struct error *err)
{
    struct arena *arena = NULL;
    struct relation *relation = pgoutput_new_relation(s->decoder, &arena);

    if (s->session->sql.link != NULL && ask_catalogue(s, relation, arena, err))
        return true;
    if (err->kind == ERROR_NONE || err->kind == ERROR_LINK) {
        *err = (struct error){.kind = ERROR_NONE};
        if (pg_session_reopen_sql(s->session, err) && ask_catalogue(s, relation, arena, err))
            return true;
    }
    if (err->kind == ERROR_WAITING)
        err->kind = ERROR_LINK; /* the transaction comes again with a new session */
    return error_wrap(err, "relation %.*s.%.*s", SLICE_ARGS(relation->schema),
                      SLICE_ARGS(relation->name));
}

/* A label that is not among those of the enum was added since, or is gone since: once more is
 * enough to tell, and then the relation stays as it is until its next R message. */
static bool check_labels(struct pg_stream *s, struct event *event, struct error *err)
{
    struct arena *arena = NULL;
    struct relation *renewed;

    if (event->relation == NULL || !event->relation->has_labels ||
        pg_catalog_knows_labels(event->relation, &event->row))
        return true;
    if (!pgoutput_renew_relation(s->decoder, event->relation->oid, err) || !describe(s, err))
        return false;
    renewed = pgoutput_new_relation(s->decoder, &arena);
    renewed->has_labels = pg_catalog_knows_labels(renewed, &event->row);
    event->relation = renewed;
    return true;
}

/* libpq has taken it whole already; the limit protects what comes behind us. */
static bool check_size(const struct pg_stream *s, const struct event *event, size_t len,
                       struct error *err)
{
    size_t limit = s->session->options->message_limit_bytes;
    const struct relation *r = event->relation;

    if (len <= limit)
        return true;
    if (r == NULL)
        return error_set(err, ERROR_DATA, "%s of %zu bytes passes the limit of %zu for one message",
                         event_kind_name(event->kind), len, limit);
    return error_set(err, ERROR_DATA,
                     "relation %.*s.%.*s: %s of %zu bytes passes the limit of %zu for one message",
                     SLICE_ARGS(r->schema), SLICE_ARGS(r->name), event_kind_name(event->kind), len,
                     limit);
}

static enum taken take_data(struct pg_stream *s, const struct walmsg *wal, struct event *out,
                            struct error *err)
{
    bool drop = false;

    switch (pgoutput_decode(s->decoder, wal->wal_start, wal->payload, &s->scratch, out, err)) {
    case DECODED_FAILED:
        return TAKEN_FAILED;
    case DECODED_NOTHING:
        return TAKEN_NOTHING;
    case DECODED_RELATION:
        return describe(s, err) ? TAKEN_NOTHING : TAKEN_FAILED;
    case DECODED_EVENT:
        break;
    }
    if (!filter(s, out, &drop, err))
        return TAKEN_FAILED;
    if (drop)
        return TAKEN_NOTHING;
    if (!check_size(s, out, wal->payload.len, err) || !check_labels(s, out, err))
        return TAKEN_FAILED;
    if (out->commit_lsn == 0)
        out->commit_us = wal->send_us; /* a message outside any transaction has no other time */
    pg_feedback_returned(&s->feedback, out->end_lsn);
    return TAKEN_EVENT;
}

static enum taken take_keepalive(struct pg_stream *s, const struct walmsg *wal, struct event *out,
                                 struct error *err)
{
    uint64_t end_lsn = 0;
    bool tell = false;

    if (!pgoutput_in_transaction(s->decoder)) {
        if (s->resume.ordinal > 0 && wal->wal_end > s->resume.commit_lsn)
            return differs(s, err) ? TAKEN_NOTHING : TAKEN_FAILED;
        tell = pg_feedback_keepalive(&s->feedback, wal->wal_end, wal->reply_requested, &end_lsn);
    }
    if (wal->reply_requested && !send_status(s, false, err))
        return TAKEN_FAILED;
    if (!tell)
        return TAKEN_NOTHING;
    *out = (struct event){.kind = EVENT_PROGRESS,
                          .lsn = end_lsn,
                          .end_lsn = end_lsn,
                          .commit_us = wal->send_us,
                          .urgent = wal->reply_requested};
    return TAKEN_EVENT;
}

static enum taken take_message(struct pg_stream *s, struct slice message, struct event *out,
                               struct error *err)
{
    struct walmsg wal;

    arena_reset(&s->scratch);
    pg_feedback_heard(&s->feedback, s->now_us);
    if (!walmsg_decode(message, &wal, err))
        return TAKEN_FAILED;
    return wal.kind == WALMSG_DATA ? take_data(s, &wal, out, err)
                                   : take_keepalive(s, &wal, out, err);
}

/* ---- the end ---- */

static bool publication_missing(const struct pg_stream *s, struct error *err)
{
    err->kind = ERROR_GAP;
    err->gap = GAP_PUBLICATION_MISSING;
    return error_wrap(
        err,
        "publication \"%s\" does not exist at this place of the log, and making it now "
        "does not bring back what was not published: drop the slot, delete the stored "
        "position and take a new snapshot",
        s->session->options->publication);
}

/* The server has ended the stream, or the connection is gone. */
static bool stream_ended(struct pg_stream *s, struct error *err)
{
    struct pg_conn *conn = &s->session->replication;
    PGresult *result = PQisBusy(conn->link) ? NULL : PQgetResult(conn->link);
    ExecStatusType status = PQresultStatus(result);

    if (result != NULL && (status == PGRES_COMMAND_OK || status == PGRES_COPY_IN)) {
        PQclear(result);
        return error_set(err, ERROR_LINK, "the server has ended the stream: it is shutting down");
    }
    (void)pg_error(conn, result, err);
    if (strcmp(pg_sqlstate(result), "42704") == 0)
        (void)publication_missing(s, err);
    else
        (void)explain(s->session, err);
    PQclear(result);
    return false;
}

/* ---- next ---- */

static void release(struct pg_stream *s)
{
    PQfreemem(s->message);
    s->message = NULL;
}

/* A message of which only a part has come is no trickle. */
static enum source_outcome rest(struct pg_stream *s)
{
    bool trickles = s->came_bytes > 0 && s->came_bytes < TRICKLE_BYTES;

    s->came_bytes = 0;
    s->gather_us = !trickles ? 0 : s->narrowed ? GATHER_NARROW_US : GATHER_US;
    return SOURCE_IDLE;
}

static enum source_outcome announce(struct pg_stream *s, struct event *out)
{
    s->announce = false;
    *out = (struct event){
        .kind = EVENT_PROGRESS, .lsn = s->start_lsn, .end_lsn = s->start_lsn, .urgent = true};
    return SOURCE_EVENT;
}

enum source_outcome pg_stream_next(struct pg_stream *s, struct event *out_event, struct error *err)
{
    struct pg_conn *conn = &s->session->replication;
    bool consumed = false, broken = false;

    if (s->announce)
        return announce(s, out_event);
    for (;;) {
        enum taken taken = TAKEN_NOTHING;
        int len;

        release(s);
        len = PQgetCopyData(conn->link, &s->message, 1);
        if (conn->skipped_publication[0] != '\0') {
            (void)error_set(err, ERROR_GAP, "PostgreSQL: %s", conn->skipped_publication);
            return publication_missing(s, err) ? SOURCE_IDLE : SOURCE_FAILED;
        }
        if (len > 0) {
            s->came_bytes += (size_t)len;
            taken = take_message(s, slice_of(s->message, (size_t)len), out_event, err);
        }
        if (taken != TAKEN_NOTHING)
            return taken == TAKEN_EVENT ? SOURCE_EVENT : SOURCE_FAILED;
        if (len > 0)
            continue;
        if (len < 0 || broken)
            return stream_ended(s, err) ? SOURCE_IDLE : SOURCE_FAILED;
        if (consumed)
            return rest(s);
        listen_for_life(s);
        broken = !pg_consume(conn);
        consumed = true;
    }
}

int64_t pg_stream_gather_us(const struct pg_stream *s)
{
    return s->gather_us;
}

/* ---- close ---- */

/* What still comes is thrown away: it is not confirmed, and so comes again. */
static void drain(struct pg_stream *s)
{
    struct pg_conn *conn = &s->session->replication;
    int64_t until_us = clock_mono_us() + CLOSE_US, now_us;
    int len = 0;

    while (len >= 0 && (now_us = clock_mono_us()) < until_us) {
        struct pollfd fd = {.fd = PQsocket(conn->link), .events = POLLIN};

        release(s);
        len = PQgetCopyData(conn->link, &s->message, 1);
        if (len != 0)
            continue;
        if (PQflush(conn->link) > 0)
            fd.events |= POLLOUT;
        if (poll(&fd, 1, (int)((until_us - now_us) / 1000)) <= 0 || !pg_consume(conn))
            break;
    }
}

void pg_stream_close(struct pg_stream *s)
{
    struct error ignored = {0};

    if (s == NULL)
        return;
    release(s);
    if (s->session->replication.link != NULL &&
        PQstatus(s->session->replication.link) == CONNECTION_OK &&
        send_status(s, false, &ignored) && PQputCopyEnd(s->session->replication.link, NULL) == 1)
        drain(s);
    release(s);
    pgoutput_destroy(s->decoder);
    arena_done(&s->scratch);
    free(s);
}
