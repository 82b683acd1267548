#include "relay/pg_conn.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "relay/pg_error.h"

#define OLDEST_SERVER 130000
#define SETTINGS_BYTES 4096
#define PARAMETERS_MAX 32
#define INSUFFICIENT_PRIVILEGE "42501:" /* SQLSTATE in the text of a failed connection */

/* What every server from 13 on knows.  client_min_messages, so that no setting of the role can hide
 * the notice about a skipped publication. */
static const char pinned_settings[] =
    "-c datestyle=ISO,YMD -c intervalstyle=postgres -c extra_float_digits=3 -c timezone=UTC "
    "-c bytea_output=hex -c search_path= -c lc_monetary=C -c quote_all_identifiers=off "
    "-c row_security=off -c statement_timeout=0 -c lock_timeout=0 "
    "-c idle_in_transaction_session_timeout=0 -c client_min_messages=notice";

/* What would fail the connection to an older server, and so is set afterwards. */
static const struct {
    int since_version;
    const char *sql;
} later_settings[] = {
    {140000, "SET idle_session_timeout = 0"},
    {170000, "SET transaction_timeout = 0"},
};

/* ---- time and waiting ---- */

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* When `timeout_ms` from now will be over; 0 for never. */
struct deadline {
    int64_t at_ms;
    int64_t timeout_ms;
};

static struct deadline deadline_in(int64_t timeout_ms)
{
    if (timeout_ms <= 0)
        return (struct deadline){0, 0};
    return (struct deadline){now_ms() + timeout_ms, timeout_ms};
}

static int poll_timeout_ms(struct deadline deadline)
{
    int64_t left_ms = deadline.at_ms - now_ms();

    if (deadline.at_ms == 0)
        return -1;
    if (left_ms < 0)
        return 0;
    return left_ms < 60000 ? (int)left_ms : 60000;
}

/* Waits until the socket is ready.  Closes the connection when time runs out. */
static bool wait_socket(struct pg_conn *conn, short events, struct deadline deadline,
                        struct error *err)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = PQsocket(conn->link), .events = events},
                               {.fd = conn->stop_fd, .events = POLLIN}};
        int ready = poll(fds, ARRAY_LEN(fds), poll_timeout_ms(deadline));

        if (ready < 0 && errno != EINTR)
            return error_os(err, errno, "poll on the connection to PostgreSQL");
        if (ready > 0 && fds[1].revents != 0)
            return error_set(err, ERROR_STOPPED, "stopped while waiting for PostgreSQL");
        if (ready > 0)
            return true;
        if (deadline.at_ms != 0 && now_ms() >= deadline.at_ms) {
            (void)error_set(err, ERROR_LINK, "PostgreSQL at %s:%s did not answer within %lld ms",
                            PQhost(conn->link), PQport(conn->link), (long long)deadline.timeout_ms);
            pg_conn_close(conn);
            return false;
        }
    }
}

/* ---- connecting ---- */

/* libpq's connection parameters; a later value of the same keyword wins. */
struct parameters {
    const char *keywords[PARAMETERS_MAX];
    const char *values[PARAMETERS_MAX];
    size_t count;
};

static void add(struct parameters *p, const char *keyword, const char *value)
{
    if (value == NULL)
        return;
    assert(p->count + 1 < PARAMETERS_MAX);
    p->keywords[p->count] = keyword;
    p->values[p->count] = value;
    p->count++;
}

static const char *parsed_value(const PQconninfoOption *parsed, const char *keyword)
{
    for (; parsed != NULL && parsed->keyword != NULL; parsed++)
        if (strcmp(parsed->keyword, keyword) == 0)
            return parsed->val;
    return NULL;
}

/* In a URL, an '@' or '/' in the password that is not percent-encoded makes libpq take a piece of
 * the password for host, port or database, and name it in its messages. */
static bool url_splits_cleanly(const char *url)
{
    const char *start = strstr(url, "://");
    size_t authority_len, whole_len;

    if (start == NULL ||
        (strncmp(url, "postgresql://", 13) != 0 && strncmp(url, "postgres://", 11) != 0))
        return true; /* key=value words */
    start += 3;
    authority_len = strcspn(start, "/");
    whole_len = strcspn(start, "?");
    for (size_t i = 0, seen = 0; i < whole_len; i++)
        if (start[i] == '@' && (seen++ > 0 || i > authority_len))
            return false;
    return true;
}

static bool only_ports(const char *text)
{
    return text == NULL || text[strspn(text, "0123456789,")] == '\0';
}

/* libpq's own words are not used here: they quote the text, password and all. */
static bool parse_url(const char *url, PQconninfoOption **out_parsed, struct error *err)
{
    PQconninfoOption *parsed = PQconninfoParse(url, NULL);
    const char *host = parsed_value(parsed, "host");

    if (parsed != NULL && url_splits_cleanly(url) && only_ports(parsed_value(parsed, "port")) &&
        (host == NULL || strchr(host, '@') == NULL)) {
        *out_parsed = parsed;
        return true;
    }
    PQconninfoFree(parsed);
    return error_set(err, ERROR_CONFIG,
                     "the PostgreSQL url cannot be read: it must be "
                     "postgresql://user:password@host:port/database, with @ : / ? # %% in the "
                     "password percent-encoded, or key=value words");
}

/* What the configuration may override, through its url. */
struct defaults {
    char application_name[128];
    char tcp_user_timeout[32];
};

static void add_defaults(struct parameters *p, struct defaults *d,
                         const struct postgres_options *options)
{
    (void)snprintf(d->application_name, sizeof d->application_name, "millrace %s",
                   options->slot == NULL ? "" : options->slot);
    (void)snprintf(
        d->tcp_user_timeout, sizeof d->tcp_user_timeout, "%lld",
        (long long)(options->silence_timeout_ms > 0 ? options->silence_timeout_ms : 60000));
    add(p, "application_name", d->application_name);
    add(p, "keepalives_idle", "30");
    add(p, "keepalives_interval", "10");
    add(p, "keepalives_count", "3");
    add(p, "tcp_user_timeout", d->tcp_user_timeout);
}

static void add_target(struct parameters *p, const struct postgres_options *options,
                       const PQconninfoOption *parsed)
{
    add(p, "host", options->host);
    add(p, "port", options->port);
    add(p, "user", options->user);
    add(p, "password", options->password);
    add(p, "sslmode", options->sslmode);
    add(p, "sslrootcert", options->sslrootcert);
    add(p, "sslcert", options->sslcert);
    add(p, "sslkey", options->sslkey);
    add(p, "dbname", options->url); /* libpq takes a url apart that stands here */
    if (parsed_value(parsed, "dbname") == NULL)
        add(p, "dbname", options->database);
}

/* The url's own server settings are kept; the pinned ones come later and win. */
static bool settings_text(const PQconninfoOption *parsed, char *out, size_t size, struct error *err)
{
    const char *own = parsed_value(parsed, "options");
    int len = snprintf(out, size, "%s %s", own == NULL ? "" : own, pinned_settings);

    if (len < 0 || (size_t)len >= size)
        return error_set(err, ERROR_CONFIG, "the options in the PostgreSQL url are too long");
    return true;
}

static bool start_connecting(struct pg_conn *conn, const struct postgres_options *options,
                             enum pg_conn_kind kind, const PQconninfoOption *parsed,
                             struct error *err)
{
    struct parameters p = {.count = 0};
    struct defaults defaults;
    char settings[SETTINGS_BYTES];

    if (!settings_text(parsed, settings, sizeof settings, err))
        return false;
    add_defaults(&p, &defaults, options);
    add_target(&p, options, parsed);
    add(&p, "client_encoding", "UTF8");
    add(&p, "options", settings);
    add(&p, "gssencmode", "disable");
    add(&p, "replication", kind == PG_CONN_REPLICATION ? "database" : "false");
    conn->link = PQconnectStartParams(p.keywords, p.values, options->url != NULL);
    if (conn->link == NULL)
        return error_set(err, ERROR_SYSTEM, "out of memory while connecting to PostgreSQL");
    return true;
}

static bool finish_connecting(struct pg_conn *conn, struct deadline deadline, struct error *err)
{
    PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;

    if (PQstatus(conn->link) == CONNECTION_BAD)
        return pg_connect_error(conn, err);
    /* So that the SQLSTATE stands in the message: libpq tells it nowhere else while connecting. */
    (void)PQsetErrorVerbosity(conn->link, PQERRORS_VERBOSE);
    while (wanted != PGRES_POLLING_OK) {
        if (!wait_socket(conn, wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, err))
            return false;
        wanted = PQconnectPoll(conn->link);
        if (wanted == PGRES_POLLING_FAILED)
            return pg_connect_error(conn, err);
    }
    (void)PQsetErrorVerbosity(conn->link, PQERRORS_DEFAULT);
    if (PQsetnonblocking(conn->link, 1) != 0)
        return pg_error(conn, NULL, err);
    return true;
}

/* PostgreSQL 18 goes on without a publication that it cannot find, and only says so.  The
 * function's name is recognised, since the text may be in the server's language. */
static void take_notice(void *context, const PGresult *notice)
{
    struct pg_conn *conn = context;
    const char *function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
    struct pg_line line = {.len = 0};

    if (function == NULL || strcmp(function, "LoadPublications") != 0)
        return;
    pg_line_add_field(&line, notice, PG_DIAG_MESSAGE_PRIMARY, "");
    pg_line_add_field(&line, notice, PG_DIAG_MESSAGE_DETAIL, ": ");
    (void)snprintf(conn->skipped_publication, sizeof conn->skipped_publication, "%.*s",
                   (int)sizeof conn->skipped_publication - 1, line.text);
}

/* What can be seen only once connected: version and encoding; and the settings of newer versions.
 */
static bool prepare_session(struct pg_conn *conn, int64_t timeout_ms, struct error *err)
{
    const char *encoding = PQparameterStatus(conn->link, "server_encoding");

    conn->server_version = PQserverVersion(conn->link);
    if (conn->server_version < OLDEST_SERVER)
        return error_set(err, ERROR_CONFIG, "the server is PostgreSQL %d; 13 or newer is needed",
                         conn->server_version / 10000);
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return error_set(err, ERROR_CONFIG,
                         "the database's encoding is %s, only UTF8 can be relayed: dump it and "
                         "restore it into a database made with ENCODING 'UTF8'",
                         encoding == NULL ? "unknown" : encoding);
    for (size_t i = 0; i < ARRAY_LEN(later_settings); i++)
        if (conn->server_version >= later_settings[i].since_version &&
            !pg_execute(conn, timeout_ms, err, later_settings[i].sql))
            return false;
    return true;
}

static bool connect_and_prepare(struct pg_conn *conn, const struct postgres_options *options,
                                enum pg_conn_kind kind, struct error *err)
{
    struct deadline deadline = deadline_in(options->connect_timeout_ms);
    PQconninfoOption *parsed = NULL;
    bool started;

    if (options->url != NULL && !parse_url(options->url, &parsed, err))
        return false;
    if (!only_ports(options->port)) {
        PQconninfoFree(parsed);
        return error_set(err, ERROR_CONFIG, "the PostgreSQL port is not a number");
    }
    started = start_connecting(conn, options, kind, parsed, err);
    PQconninfoFree(parsed);
    if (!started)
        return false;
    (void)PQsetNoticeReceiver(conn->link, take_notice, conn);
    return finish_connecting(conn, deadline, err) &&
           prepare_session(conn, options->connect_timeout_ms, err);
}

/* An ordinary connection is made before, so what is lacking here is the right to replicate. */
static void advise_replication(const struct pg_conn *conn, struct error *err)
{
    if (strstr(err->text, INSUFFICIENT_PRIVILEGE) != NULL)
        (void)error_wrap(err, "ALTER ROLE \"%s\" REPLICATION gives the right that is lacking",
                         PQuser(conn->link));
}

bool pg_conn_open(struct pg_conn *conn, const struct postgres_options *options,
                  enum pg_conn_kind kind, int stop_fd, struct error *err)
{
    *conn = (struct pg_conn){.stop_fd = stop_fd};
    if (connect_and_prepare(conn, options, kind, err))
        return true;
    if (conn->link != NULL && kind == PG_CONN_REPLICATION && err->kind == ERROR_CONFIG)
        advise_replication(conn, err);
    if (conn->link != NULL && err->kind != ERROR_STOPPED)
        (void)error_wrap(err, "cannot connect to database \"%s\" as user \"%s\"",
                         PQdb(conn->link) == NULL ? "" : PQdb(conn->link),
                         PQuser(conn->link) == NULL ? "" : PQuser(conn->link));
    pg_conn_close(conn);
    return false;
}

void pg_conn_close(struct pg_conn *conn)
{
    PQfinish(conn->link);
    conn->link = NULL;
}

/* ---- statements ---- */

/* The connection is of no use any more once libpq says so. */
static bool lost(struct pg_conn *conn, struct error *err)
{
    (void)pg_error(conn, NULL, err);
    err->kind = ERROR_LINK;
    pg_conn_close(conn);
    return false;
}

/* Reads while it writes: the server may be blocked on sending to us.  A broken connection is left
 * to next_result(), which finds the server's last words. */
static bool flush_out(struct pg_conn *conn, struct deadline deadline, struct error *err)
{
    while (PQflush(conn->link) > 0) {
        if (!wait_socket(conn, POLLIN | POLLOUT, deadline, err))
            return false;
        if (PQconsumeInput(conn->link) == 0)
            return true;
    }
    return true;
}

/* *out_result is NULL when the statement has no more results. */
static bool next_result(struct pg_conn *conn, struct deadline deadline, PGresult **out_result,
                        struct error *err)
{
    while (PQisBusy(conn->link)) {
        if (!wait_socket(conn, POLLIN, deadline, err))
            return false;
        if (PQconsumeInput(conn->link) == 0)
            break;
    }
    *out_result = PQgetResult(conn->link);
    return true;
}

static bool result_is_copy(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH || status == PGRES_COPY_IN;
}

static bool result_is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || result_is_copy(result);
}

/* The last result, or the first that is an error or begins a copy. */
static PGresult *collect(struct pg_conn *conn, struct deadline deadline, struct error *err)
{
    PGresult *kept = NULL, *result;

    for (;;) {
        if (!next_result(conn, deadline, &result, err)) {
            PQclear(kept);
            return NULL;
        }
        if (result == NULL)
            return kept;
        if (kept != NULL && !result_is_good(kept)) {
            PQclear(result);
            continue;
        }
        PQclear(kept);
        kept = result;
        if (result_is_copy(kept))
            return kept;
    }
}

/* What was sent has been answered well, or err says why not. */
static PGresult *answer(struct pg_conn *conn, bool sent, int64_t timeout_ms, struct error *err)
{
    struct deadline deadline = deadline_in(timeout_ms);
    PGresult *result;

    if (!sent) {
        (void)lost(conn, err);
        return NULL;
    }
    if (!flush_out(conn, deadline, err))
        return NULL;
    result = collect(conn, deadline, err);
    if (result != NULL && result_is_good(result))
        return result;
    if (result != NULL || err->kind == ERROR_NONE)
        (void)pg_error(conn, result, err);
    PQclear(result);
    if (conn->link != NULL && PQstatus(conn->link) == CONNECTION_BAD) {
        err->kind = ERROR_LINK;
        pg_conn_close(conn);
    }
    return NULL;
}

static bool is_open(const struct pg_conn *conn, struct error *err)
{
    return conn->link != NULL ||
           error_set(err, ERROR_LINK, "the connection to PostgreSQL is closed");
}

static PGresult *refuse_copy(struct pg_conn *conn, PGresult *result, struct error *err)
{
    if (result == NULL || !result_is_copy(result))
        return result;
    PQclear(result);
    pg_conn_close(conn); /* it would have to be read to its end */
    (void)error_set(err, ERROR_LINK, "PostgreSQL began to copy where a result was expected");
    return NULL;
}

PGresult *pg_query(struct pg_conn *conn, int64_t timeout_ms, struct error *err, const char *sql)
{
    if (!is_open(conn, err))
        return NULL;
    return refuse_copy(conn, answer(conn, PQsendQuery(conn->link, sql) == 1, timeout_ms, err), err);
}

PGresult *pg_query_params(struct pg_conn *conn, int64_t timeout_ms, struct error *err,
                          const char *sql, int count, const char *const *values)
{
    bool sent;

    if (!is_open(conn, err))
        return NULL;
    sent = PQsendQueryParams(conn->link, sql, count, NULL, values, NULL, NULL, 0) == 1;
    return refuse_copy(conn, answer(conn, sent, timeout_ms, err), err);
}

bool pg_execute(struct pg_conn *conn, int64_t timeout_ms, struct error *err, const char *sql)
{
    PGresult *result = pg_query(conn, timeout_ms, err, sql);

    PQclear(result);
    return result != NULL;
}

bool pg_begin_copy(struct pg_conn *conn, int64_t timeout_ms, struct error *err, const char *sql)
{
    PGresult *result;
    bool copying;

    if (!is_open(conn, err))
        return false;
    result = answer(conn, PQsendQuery(conn->link, sql) == 1, timeout_ms, err);
    if (result == NULL)
        return false;
    copying = result_is_copy(result);
    PQclear(result);
    return copying || error_set(err, ERROR_LINK, "PostgreSQL did not begin to copy");
}

int postgres_library_version(void)
{
    return PQlibVersion();
}
