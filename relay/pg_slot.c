#include "relay/pg_slot.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "millrace/buf.h"
#include "millrace/lsn.h"
#include "relay/clock.h"
#include "relay/log.h"
#include "relay/pg_quote.h"

#define TELL_AFTER_US 3000000 /* an open transaction is waited for: say so once */
#define POLL_MS 500
#define CLEAN_UP_MS INT64_C(2000) /* of one step of giving up */
#define DROP_TRIES 10

/* ---- the command ---- */

static void write_command(struct buf *out, const struct pg_session *session, enum pg_slot_kind kind,
                          const char *name)
{
    bool failover =
        session->options->slot_failover && session->replication.server_version >= 170000;
    bool temporary = kind == PG_SLOT_TEMPORARY;
    bool exporting = kind != PG_SLOT_PLAIN;

    buf_text(out, "CREATE_REPLICATION_SLOT ");
    pg_quote_identifier(out, slice_text(name));
    buf_text(out, temporary ? " TEMPORARY LOGICAL pgoutput" : " LOGICAL pgoutput");
    if (failover && !temporary)
        buf_printf(out, " (SNAPSHOT '%s', FAILOVER)", exporting ? "export" : "nothing");
    else /* understood by every version */
        buf_text(out, exporting ? " EXPORT_SNAPSHOT" : " NOEXPORT_SNAPSHOT");
    buf_byte(out, '\0');
}

/* ---- waiting for the answer ---- */

/* Which session is waited for: the one with the oldest open transaction. */
static void tell_waiting(struct pg_session *session, const char *name)
{
    static const char question[] =
        "SELECT count(*), (array_agg(pid ORDER BY xact_start))[1] FROM pg_catalog.pg_stat_activity "
        "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()";
    struct error ignored = {0};
    PGresult *result = pg_query(&session->sql, CLEAN_UP_MS, &ignored, question);

    log_line(
        LOG_WARN, "slot_waiting",
        "slot=%s for=open_transactions count=%s oldest_pid=%s (making a slot waits until every "
        "transaction that is open now has ended)",
        name, result == NULL ? "?" : PQgetvalue(result, 0, 0),
        result == NULL ? "?" : PQgetvalue(result, 0, 1));
    PQclear(result);
}

/* One step of waiting.  *out_done: the answer is complete, or the connection has ended. */
static bool wait_step(struct pg_conn *conn, int stop_fd, bool *out_done, struct error *err)
{
    struct pollfd fds[] = {{.fd = PQsocket(conn->link), .events = POLLIN},
                           {.fd = stop_fd, .events = POLLIN}};
    bool unsent;

    if (!pg_flush(conn, &unsent, err))
        return false;
    *out_done = !pg_consume(conn) || !PQisBusy(conn->link);
    if (*out_done)
        return true;
    if (unsent)
        fds[0].events = POLLIN | POLLOUT;
    if (poll(fds, ARRAY_LEN(fds), POLL_MS) > 0 && fds[1].revents != 0)
        return error_set(err, ERROR_STOPPED, "stopped while waiting for open transactions to end");
    return true;
}

static bool wait_answer(struct pg_session *session, struct pg_conn *conn, const char *name,
                        struct error *err)
{
    int64_t begun_us = clock_mono_us();
    bool told = false, done = false;

    while (!done) {
        if (!wait_step(conn, session->stop_fd, &done, err))
            return false;
        if (!done && !told && clock_mono_us() - begun_us > TELL_AFTER_US) {
            told = true;
            tell_waiting(session, name);
        }
    }
    return true;
}

/* ---- giving up ---- */

/* Runs on `sql` whatever the stop descriptor says. */
static void ask_server(struct pg_session *session, const char *function, int pid)
{
    struct error ignored = {0};
    char sql[96];
    int stop_fd = session->sql.stop_fd;

    (void)snprintf(sql, sizeof sql, "SELECT pg_catalog.%s(%d)", function, pid);
    session->sql.stop_fd = -1;
    PQclear(pg_query(&session->sql, CLEAN_UP_MS, &ignored, sql));
    session->sql.stop_fd = stop_fd;
}

static bool ends_soon(struct pg_conn *conn)
{
    int64_t until_us = clock_mono_us() + CLEAN_UP_MS * 1000;
    struct error ignored = {0};
    bool done = false;

    while (!done && clock_mono_us() < until_us)
        if (!wait_step(conn, -1, &done, &ignored))
            return true;
    return done;
}

/* The server may be in the middle of making it, or may have made it. */
static void abandon(struct pg_session *session, struct pg_conn *conn, enum pg_slot_kind kind)
{
    int pid = PQbackendPID(conn->link);

    ask_server(session, "pg_cancel_backend", pid);
    if (!ends_soon(conn))
        ask_server(session, "pg_terminate_backend", pid);
    pg_conn_close(conn);
    if (kind != PG_SLOT_TEMPORARY)
        pg_slot_drop(session);
}

/* ---- the answer ---- */

static bool read_answer(const PGresult *result, struct pg_slot *out, struct error *err)
{
    if (PQntuples(result) != 1 || PQnfields(result) < 3 ||
        !lsn_parse(slice_text(PQgetvalue(result, 0, 1)), &out->consistent_point))
        return error_set(err, ERROR_DATA, "the answer to CREATE_REPLICATION_SLOT makes no sense");
    (void)snprintf(out->snapshot, sizeof out->snapshot, "%s", PQgetvalue(result, 0, 2));
    return true;
}

static bool take_answer(struct pg_conn *conn, struct pg_slot *out, struct error *err)
{
    PGresult *result = PQgetResult(conn->link);
    bool good = PQresultStatus(result) == PGRES_TUPLES_OK ? read_answer(result, out, err)
                                                          : pg_error(conn, result, err);

    for (PQclear(result); (result = PQgetResult(conn->link)) != NULL;)
        PQclear(result);
    return good;
}

bool pg_slot_create(struct pg_session *session, struct pg_conn *conn, enum pg_slot_kind kind,
                    const char *name, struct pg_slot *out, struct error *err)
{
    struct buf command;
    bool sent;

    buf_init(&command, PG_STATEMENT_BYTES);
    write_command(&command, session, kind, name);
    sent = !command.failed && PQsendQuery(conn->link, (const char *)command.at) == 1;
    buf_done(&command);
    if (!sent) {
        (void)pg_error(conn, NULL, err);
        return error_wrap(err, "slot \"%s\" cannot be made", name);
    }
    if (!wait_answer(session, conn, name, err)) {
        abandon(session, conn, kind);
        return error_wrap(err, "slot \"%s\"", name);
    }
    if (!take_answer(conn, out, err)) {
        if (PQstatus(conn->link) == CONNECTION_BAD)
            abandon(session, conn, kind);
        return error_wrap(err, "slot \"%s\" cannot be made", name);
    }
    if (kind != PG_SLOT_TEMPORARY)
        session->slot_made = true;
    return true;
}

/* ---- the slot afterwards ---- */

/* 1: dropped or not there, 0: still in use, -1: cannot be asked. */
static int try_drop(struct pg_session *session)
{
    const char *values[] = {session->options->slot};
    struct error ignored = {0};
    PGresult *result = pg_query_params(
        &session->sql, CLEAN_UP_MS, &ignored,
        "SELECT CASE WHEN active THEN 0 ELSE 1 END, "
        "CASE WHEN NOT active THEN pg_catalog.pg_drop_replication_slot(slot_name) END "
        "FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
        1, values);
    int outcome = -1;

    if (result != NULL)
        outcome = PQntuples(result) == 0 || PQgetvalue(result, 0, 0)[0] == '1';
    PQclear(result);
    return outcome;
}

void pg_slot_drop(struct pg_session *session)
{
    int stop_fd = session->sql.stop_fd, outcome = 0;
    struct error ignored = {0};

    session->sql.stop_fd = -1;
    for (int i = 0; i < DROP_TRIES && outcome == 0; i++) {
        outcome = try_drop(session);
        if (outcome < 0 && session->sql.link == NULL && pg_session_reopen_sql(session, &ignored))
            outcome = try_drop(session); /* the link had broken, as the other one may have */
        if (outcome == 0)
            (void)poll(NULL, 0, 100);
    }
    session->sql.stop_fd = stop_fd;
    if (outcome != 1)
        log_line(LOG_WARN, "slot_left_behind",
                 "slot=%s (it keeps WAL: drop it with SELECT pg_drop_replication_slot('%s'))",
                 session->options->slot, session->options->slot);
}

struct pg_slot_loss pg_slot_lost(struct pg_session *session)
{
    static const char old[] = "SELECT wal_status FROM pg_catalog.pg_replication_slots "
                              "WHERE slot_name = $1 AND wal_status = 'lost'";
    static const char since_17[] =
        "SELECT coalesce(invalidation_reason, wal_status) FROM pg_catalog.pg_replication_slots "
        "WHERE slot_name = $1 AND (wal_status = 'lost' OR invalidation_reason IS NOT NULL)";
    const char *values[] = {session->options->slot};
    struct pg_slot_loss loss = {""};
    struct error ignored = {0};
    PGresult *result;

    if (session->sql.link == NULL && !pg_session_reopen_sql(session, &ignored))
        return loss;
    result = pg_query_params(&session->sql, session->options->query_timeout_ms, &ignored,
                             session->sql.server_version >= 170000 ? since_17 : old, 1, values);
    if (result != NULL && PQntuples(result) == 1)
        (void)snprintf(loss.reason, sizeof loss.reason, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return loss;
}
