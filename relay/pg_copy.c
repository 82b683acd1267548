#include "relay/pg_copy.h"

#include <stdio.h>

#define JOIN_TIMEOUT_MS 20000

void pg_line_free(struct pg_line *line)
{
    PQfreemem(line->at);
    *line = (struct pg_line){NULL, 0};
}

bool pg_copy_open(struct pg_copy *copy, const struct pg_session *session, const char *snapshot,
                  struct error *err)
{
    char join[128];

    /* A snapshot's name is two or three hexadecimal numbers. */
    (void)snprintf(join, sizeof join, "SET TRANSACTION SNAPSHOT '%s'", snapshot);
    copy->state = PG_COPY_IDLE;
    copy->unsent = false;
    if (!pg_conn_open(&copy->conn, session->options, PG_CONN_SQL, session->stop_fd, err))
        return false;
    return pg_execute(&copy->conn, JOIN_TIMEOUT_MS, err,
                      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") &&
           pg_execute(&copy->conn, JOIN_TIMEOUT_MS, err, join);
}

void pg_copy_close(struct pg_copy *copy)
{
    pg_conn_close(&copy->conn);
}

bool pg_copy_ask(struct pg_copy *copy, const char *sql, struct error *err)
{
    if (PQsendQuery(copy->conn.link, sql) != 1) {
        (void)pg_error(&copy->conn, NULL, err);
        err->kind = ERROR_LINK;
        return false;
    }
    copy->state = PG_COPY_ASKED;
    return pg_flush(&copy->conn, &copy->unsent, err);
}

/* A result is there: the beginning or the end of the copy, or an error.  The end is followed by "no
 * more results". */
static bool take_result(struct pg_copy *copy, struct error *err)
{
    PGresult *result = PQgetResult(copy->conn.link);
    ExecStatusType status = PQresultStatus(result);
    bool good = true;

    if (result == NULL && copy->state == PG_COPY_ENDING)
        copy->state = PG_COPY_IDLE;
    else if (status == PGRES_COPY_OUT && copy->state == PG_COPY_ASKED)
        copy->state = PG_COPY_ROWS;
    else if (status != PGRES_COMMAND_OK || copy->state != PG_COPY_ENDING)
        good = pg_error(&copy->conn, result, err);
    PQclear(result);
    return good;
}

/* One step without reading from the socket; PG_COPY_WAIT: it takes more bytes. */
static enum pg_copy_outcome step(struct pg_copy *copy, struct pg_line *out_line, struct error *err)
{
    while (copy->state != PG_COPY_IDLE) {
        int len;

        if (copy->state != PG_COPY_ROWS) {
            if (PQisBusy(copy->conn.link))
                return PG_COPY_WAIT;
            if (!take_result(copy, err))
                return PG_COPY_FAILED;
            continue;
        }
        len = PQgetCopyData(copy->conn.link, &out_line->at, 1);
        if (len == 0)
            return PG_COPY_WAIT;
        if (len > 0) {
            out_line->len = (size_t)len;
            return PG_COPY_ROW;
        }
        copy->state = PG_COPY_ENDING; /* well or not: the result says */
    }
    return PG_COPY_DONE;
}

enum pg_copy_outcome pg_copy_next(struct pg_copy *copy, struct pg_line *out_line, struct error *err)
{
    enum pg_copy_outcome outcome;
    bool alive;

    *out_line = (struct pg_line){NULL, 0};
    outcome = step(copy, out_line, err);
    if (outcome != PG_COPY_WAIT)
        return outcome;
    if (copy->unsent && !pg_flush(&copy->conn, &copy->unsent, err))
        return PG_COPY_FAILED;
    alive = pg_consume(&copy->conn);
    outcome = step(copy, out_line, err);
    if (outcome != PG_COPY_WAIT || alive)
        return outcome;
    (void)pg_error(&copy->conn, NULL, err);
    err->kind = ERROR_LINK;
    return PG_COPY_FAILED;
}

size_t pg_copy_poll(const struct pg_copy *copy, struct pollfd *out, bool want_input)
{
    if (!want_input || copy->state == PG_COPY_IDLE)
        return 0;
    *out = (struct pollfd){.fd = PQsocket(copy->conn.link),
                           .events = (short)(POLLIN | (copy->unsent ? POLLOUT : 0))};
    return 1;
}
