#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/lsn.h"
#include "relay/pg_check.h"
#include "relay/pg_conn.h"
#include "relay/postgres.h"

static uint64_t read_lsn(const PGresult *row, int column)
{
    uint64_t lsn = 0;

    return lsn_parse(slice_text(PQgetvalue(row, 0, column)), &lsn) ? lsn : 0;
}

/* ---- status ---- */

/* On a standby there is no current end of WAL; what it has received stands for it. */
static const char status_sql[] =
    "SELECT c.system_identifier, k.timeline_id,"
    " CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()"
    "  ELSE pg_catalog.pg_current_wal_lsn() END,"
    " s.slot_name, s.active, s.wal_status, s.restart_lsn, s.confirmed_flush_lsn,"
    " (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::int8"
    " FROM pg_catalog.pg_control_system() c"
    " CROSS JOIN pg_catalog.pg_control_checkpoint() k"
    " LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = $1";

enum {
    SYSTEM_ID,
    TIMELINE,
    WAL_LSN,
    SLOT,
    ACTIVE,
    WAL_STATUS,
    RESTART,
    CONFIRMED,
    NOW,
};

static bool query_status(struct pg_conn *conn, const struct postgres_options *options,
                         struct postgres_status *out, struct error *err)
{
    PGresult *row =
        pg_query_params(conn, options->query_timeout_ms, err, status_sql, 1, &options->slot);

    if (row == NULL)
        return false;
    *out = (struct postgres_status){0};
    (void)snprintf(out->database, sizeof out->database, "%s", PQdb(conn->link));
    out->system_id = strtoull(PQgetvalue(row, 0, SYSTEM_ID), NULL, 10);
    out->timeline = (uint32_t)strtoul(PQgetvalue(row, 0, TIMELINE), NULL, 10);
    out->wal_lsn = read_lsn(row, WAL_LSN);
    out->slot_exists = !PQgetisnull(row, 0, SLOT);
    out->slot_active = PQgetvalue(row, 0, ACTIVE)[0] == 't';
    (void)snprintf(out->wal_status, sizeof out->wal_status, "%s", PQgetvalue(row, 0, WAL_STATUS));
    out->restart_lsn = read_lsn(row, RESTART);
    out->confirmed_flush_lsn = read_lsn(row, CONFIRMED);
    if (out->restart_lsn != 0 && out->wal_lsn > out->restart_lsn)
        out->retained_bytes = (int64_t)(out->wal_lsn - out->restart_lsn);
    out->now_us = strtoll(PQgetvalue(row, 0, NOW), NULL, 10);
    PQclear(row);
    return true;
}

bool postgres_read_status(const struct postgres_options *options, int stop_fd,
                          struct postgres_status *out, struct error *err)
{
    struct pg_conn conn;
    bool ok;

    if (!pg_conn_open(&conn, options, PG_CONN_SQL, stop_fd, err))
        return false;
    ok = query_status(&conn, options, out, err);
    pg_conn_close(&conn);
    return ok;
}

/* ---- check ---- */

struct checking {
    const struct postgres_options *options;
    int stop_fd;
    void (*line)(void *context, bool ok, const char *text);
    void *context;
    struct error *err; /* the first failure */
    struct pg_conn sql, replication;
    struct pg_facts facts;
};

static void report(struct checking *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void report(struct checking *c, const char *fmt, ...)
{
    char text[ERROR_TEXT_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->line(c->context, true, text);
}

static bool report_failure(struct checking *c, const struct error *failure)
{
    c->line(c->context, false, failure->text);
    if (c->err->kind == ERROR_NONE)
        *c->err = *failure;
    return false;
}

static bool check_connection(struct checking *c)
{
    struct error failure = {0};

    if (!pg_conn_open(&c->sql, c->options, PG_CONN_SQL, c->stop_fd, &failure))
        return report_failure(c, &failure);
    report(c, "connected to PostgreSQL %d.%d at %s:%s, database \"%s\", encoding UTF8, %s",
           c->sql.server_version / 10000, c->sql.server_version % 10000, PQhost(c->sql.link),
           PQport(c->sql.link), PQdb(c->sql.link),
           PQsslInUse(c->sql.link) ? "with TLS" : "without TLS");
    (void)snprintf(c->facts.database, sizeof c->facts.database, "%s", PQdb(c->sql.link));
    return true;
}

static bool check_replication(struct checking *c)
{
    struct error failure = {0};

    if (!pg_conn_open(&c->replication, c->options, PG_CONN_REPLICATION, c->stop_fd, &failure)) {
        (void)error_wrap(&failure, "replication connection");
        return report_failure(c, &failure);
    }
    report(c, "a replication connection can be made");
    return true;
}

static void report_retained(struct checking *c)
{
    const struct pg_facts *f = &c->facts;
    uint64_t retained = f->slot_restart_lsn != 0 && f->wal_lsn > f->slot_restart_lsn
                            ? f->wal_lsn - f->slot_restart_lsn
                            : 0;

    report(c,
           "slot \"%s\" exists, %s, wal_status %s, confirmed up to %s, keeps %" PRIu64
           " MiB of WAL",
           c->options->slot, f->slot_active ? "in use" : "free", f->slot_wal_status,
           lsn_format(f->slot_confirmed_lsn).text, retained >> 20);
}

/* The rules of a start are asked with a position that fits the slot, since the sink's is not known
 * here: what they refuse then is the slot's own fault.  That it is in use right now is none. */
static void check_slot(struct checking *c)
{
    struct position fitting = {.known = c->facts.slot_exists,
                               .system_id = c->facts.system_id,
                               .timeline = c->facts.timeline,
                               .end_lsn = c->facts.slot_confirmed_lsn};
    struct pg_facts facts = c->facts;
    struct error failure = {0};
    enum pg_start how;

    (void)snprintf(fitting.slot, sizeof fitting.slot, "%s", c->options->slot);
    (void)snprintf(fitting.database, sizeof fitting.database, "%s", facts.database);
    facts.slot_active = false;
    facts.publication_exists = true; /* looked at later */
    if (!pg_decide(&facts, c->options, &fitting, &how, &failure))
        (void)report_failure(c, &failure);
    else if (facts.slot_exists)
        report_retained(c);
    else
        report(c, "slot \"%s\" does not exist and will be created", c->options->slot);
}

static void check_facts(struct checking *c)
{
    const struct position nothing = {0};
    struct error failure = {0};

    if (!pg_gather(&c->sql, &c->replication, c->options, &nothing, &c->facts, &failure)) {
        (void)report_failure(c, &failure);
        return;
    }
    report(c, "system identifier %" PRIu64 ", timeline %" PRIu32 ", WAL up to %s",
           c->facts.system_id, c->facts.timeline, lsn_format(c->facts.wal_lsn).text);
    check_slot(c);
}

static void check_all(struct checking *c, const struct pg_selection *selection)
{
    bool will_copy = c->options->snapshot_mode != SNAPSHOT_NEVER;

    if (!check_connection(c))
        return;
    if (check_replication(c))
        check_facts(c);
    (void)!pg_preflight_report(&c->sql, &c->facts, c->options, selection, will_copy, c->line,
                               c->context, c->err);
}

bool postgres_check(const struct postgres_options *options, int stop_fd,
                    void (*line)(void *context, bool ok, const char *text), void *context,
                    struct error *err)
{
    struct checking c = {
        .options = options, .stop_fd = stop_fd, .line = line, .context = context, .err = err};
    struct pg_selection *selection = pg_selection_create(options, err);

    if (selection == NULL) {
        line(context, false, err->text);
        return false;
    }
    check_all(&c, selection);
    pg_conn_close(&c.replication);
    pg_conn_close(&c.sql);
    pg_selection_destroy(selection);
    return err->kind == ERROR_NONE;
}
