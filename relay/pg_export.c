#include "relay/pg_export.h"

#include <stdio.h>
#include <string.h>

#include "millrace/buf.h"
#include "relay/log.h"
#include "relay/pg_quote.h"

#define TABLES_BYTES ((size_t)512 * 1024 * 1024) /* limit of the descriptions of all tables */
#define TABLES_PER_LOCK 100
#define LOCK_ROUNDS 5
#define SLOT_NAME_BYTES 64

/* A partitioned root is locked with its partitions, a plain table without its children. */
static void write_lock(struct buf *sql, const struct pg_table *tables, size_t count)
{
    buf_text(sql, "LOCK TABLE ");
    for (size_t i = 0; i < count; i++) {
        buf_text(sql, i > 0 ? ", " : "");
        buf_text(sql, tables[i].partitioned_root ? "" : "ONLY ");
        pg_quote_table(sql, tables[i].relation->schema, tables[i].relation->name);
    }
    buf_text(sql, " IN ACCESS SHARE MODE");
    buf_byte(sql, '\0');
}

static bool lock_batch(struct pg_export *e, const struct pg_table *tables, size_t count,
                       struct error *err)
{
    struct buf sql;
    bool locked;

    buf_init(&sql, PG_STATEMENT_BYTES);
    write_lock(&sql, tables, count);
    locked = sql.failed ? error_set(err, ERROR_DATA, "the names of %zu tables are too long", count)
                        : pg_execute(&e->locker, 0, err, (const char *)sql.at);
    buf_done(&sql);
    return locked;
}

/* What to do about a lock that was not granted. */
static bool explain(const struct pg_export *e, struct error *err)
{
    if (strstr(err->text, "max_locks_per_transaction") != NULL) {
        err->kind = ERROR_CONFIG; /* 53200 would be tried again */
        return error_wrap(err,
                          "%zu tables must be locked while they are copied: raise "
                          "max_locks_per_transaction on the server and restart it",
                          e->table_count);
    }
    if (strstr(err->text, "SQLSTATE 42P01") != NULL)
        err->kind = ERROR_LINK; /* dropped since it was listed: list again */
    return error_wrap(err, "locking the tables to be copied");
}

static bool lock_all(struct pg_export *e, struct error *err)
{
    for (size_t i = 0; i < e->table_count; i += TABLES_PER_LOCK) {
        size_t left = e->table_count - i;

        if (!lock_batch(e, e->tables + i, left < TABLES_PER_LOCK ? left : TABLES_PER_LOCK, err))
            return explain(e, err);
    }
    return true;
}

/* The oids of the tables, to see whether another list is the same. */
static void remember(struct buf *oids, const struct pg_export *e)
{
    buf_reset(oids, SIZE_MAX);
    for (size_t i = 0; i < e->table_count; i++)
        buf_append(oids, &e->tables[i].relation->oid, sizeof e->tables[i].relation->oid);
}

static bool list(struct pg_export *e, struct pg_session *session, struct error *err)
{
    arena_reset(&e->arena);
    return pg_catalog_tables(session->catalog, &session->relation_ids, &e->arena, &e->tables,
                             &e->table_count, err);
}

/* What was listed before the locks may have changed until they were held: it is listed again, until
 * both lists name the same tables. */
static bool lock_tables(struct pg_export *e, struct pg_session *session, struct buf *locked,
                        struct buf *listed, struct error *err)
{
    if (!list(e, session, err))
        return false;
    for (int round = 0; round < LOCK_ROUNDS; round++) {
        remember(locked, e);
        if (!lock_all(e, err) || !list(e, session, err))
            return false;
        remember(listed, e);
        if (locked->failed || listed->failed)
            return error_set(err, ERROR_DATA, "%zu tables are too many", e->table_count);
        if (slice_equal(buf_view(locked), buf_view(listed)))
            return true;
    }
    return error_set(err, ERROR_LINK, "the tables of publication \"%s\" change all the time",
                     session->options->publication);
}

static bool open_locker(struct pg_export *e, struct pg_session *session, struct error *err)
{
    struct buf locked, listed;
    bool good;

    if (!pg_conn_open(&e->locker, session->options, PG_CONN_SQL, session->stop_fd, err) ||
        !pg_execute(&e->locker, session->options->query_timeout_ms, err, "BEGIN READ ONLY"))
        return false;
    buf_init(&locked, TABLES_BYTES);
    buf_init(&listed, TABLES_BYTES);
    good = lock_tables(e, session, &locked, &listed, err);
    buf_done(&locked);
    buf_done(&listed);
    return good;
}

static bool make_temporary(struct pg_export *e, struct pg_session *session, struct error *err)
{
    char name[SLOT_NAME_BYTES];

    if (!pg_conn_open(&e->temporary, session->options, PG_CONN_REPLICATION, session->stop_fd, err))
        return false;
    (void)snprintf(name, sizeof name, "millrace_snapshot_%d", PQbackendPID(e->temporary.link));
    return pg_slot_create(session, &e->temporary, PG_SLOT_TEMPORARY, name, &e->slot, err);
}

bool pg_export_open(struct pg_export *e, struct pg_session *session, bool again, struct error *err)
{
    arena_init(&e->arena, TABLES_BYTES);
    if (!open_locker(e, session, err))
        return false;
    log_line(LOG_INFO, "snapshot_locked", "slot=%s tables=%zu", session->options->slot,
             e->table_count);
    if (again)
        return make_temporary(e, session, err);
    return pg_slot_create(session, &session->replication, PG_SLOT_EXPORTING, session->options->slot,
                          &e->slot, err);
}

bool pg_export_check(struct pg_export *e, struct error *err)
{
    if (e->locker.link != NULL && pg_consume(&e->locker))
        return true;
    return error_set(
        err, ERROR_LINK,
        "the connection that locks the tables to be copied was lost: they may have been "
        "truncated or rewritten since");
}

void pg_export_release(struct pg_export *e)
{
    pg_conn_close(&e->locker);
    pg_conn_close(&e->temporary);
}

void pg_export_close(struct pg_export *e)
{
    pg_export_release(e);
    arena_done(&e->arena);
}
