#include "relay/pg_session.h"

#include <poll.h>

#include "relay/log.h"

/* A TLS record holds up to 16 kB, a read takes at least 8: what is left of a record inside the TLS
 * library does not make the socket readable. */
#define TLS_READS 3

bool pg_session_open(struct pg_session *session, const struct postgres_options *options,
                     int stop_fd, struct error *err)
{
    session->options = options;
    session->stop_fd = stop_fd;
    session->selection = pg_selection_create(options, err);
    if (session->selection == NULL)
        return false;
    if (!pg_conn_open(&session->sql, options, PG_CONN_SQL, stop_fd, err) ||
        !pg_conn_open(&session->replication, options, PG_CONN_REPLICATION, stop_fd, err))
        return false;
    session->catalog = pg_catalog_create(&session->sql, options, session->selection);
    return true;
}

void pg_session_close(struct pg_session *session)
{
    pg_catalog_destroy(session->catalog);
    pg_selection_destroy(session->selection);
    pg_conn_close(&session->replication);
    pg_conn_close(&session->sql);
    session->catalog = NULL;
    session->selection = NULL;
}

bool pg_session_reopen_sql(struct pg_session *session, struct error *err)
{
    log_line(LOG_WARN, "side_connection_lost", "slot=%s", session->options->slot);
    pg_conn_close(&session->sql);
    return pg_conn_open(&session->sql, session->options, PG_CONN_SQL, session->stop_fd, err);
}

bool pg_consume(struct pg_conn *conn)
{
    int reads = PQsslInUse(conn->link) != 0 ? TLS_READS : 1;

    for (int i = 0; i < reads; i++)
        if (PQconsumeInput(conn->link) == 0)
            return false;
    return true;
}

bool pg_flush(struct pg_conn *conn, bool *out_unsent, struct error *err)
{
    int left = PQflush(conn->link);

    *out_unsent = left > 0;
    if (left >= 0)
        return true;
    (void)pg_error(conn, NULL, err);
    err->kind = ERROR_LINK;
    return false;
}

bool pg_readable(const struct pg_conn *conn)
{
    struct pollfd fd = {.fd = PQsocket(conn->link), .events = POLLIN};

    return poll(&fd, 1, 0) > 0;
}
