#include "relay/pg_visible.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "relay/clock.h"
#include "relay/log.h"

#define WAIT_US INT64_C(10000000)
#define WAIT_NAMED_US INT64_C(200000)
#define TELL_AFTER_US INT64_C(1000000)
#define PAUSE_MOST_MS 50

/*
 * The stream tells xids without their epoch, so both comparisons are of 32 bits.  What is not below
 * xmax has not ended, although it is not in the list.  Of a server in recovery the list is empty;
 * there the stream comes after what it tells can be seen.
 */
static const char question[] =
    "SELECT ($1::int8 - pg_catalog.txid_snapshot_xmax(s) & 4294967295) < 2147483648"
    "  OR EXISTS (SELECT FROM pg_catalog.txid_snapshot_xip(s) x"
    "   WHERE x & 4294967295 = $1::int8),"
    " n.names <> '' AND (pg_catalog.strpos(n.names, '*') > 0 OR pg_catalog.strpos(n.names,"
    "  pg_catalog.lower(pg_catalog.current_setting('application_name'))) > 0)"
    " FROM pg_catalog.txid_current_snapshot() s,"
    " (SELECT pg_catalog.lower(pg_catalog.current_setting('synchronous_standby_names'))) n (names)";

enum { Q_UNSEEN, Q_NAMED };

struct visibility {
    bool seen;
    bool named; /* among those whose answer a commit waits for */
};

static bool ask(struct pg_session *session, uint32_t xid, struct visibility *out, struct error *err)
{
    char text[16];
    const char *value = text;
    PGresult *row;

    (void)snprintf(text, sizeof text, "%" PRIu32, xid);
    row = pg_query_params(&session->sql, session->options->query_timeout_ms, err, question, 1,
                          &value);
    if (row == NULL)
        return false;
    out->seen = PQgetvalue(row, 0, Q_UNSEEN)[0] == 'f';
    out->named = PQgetvalue(row, 0, Q_NAMED)[0] == 't';
    PQclear(row);
    return true;
}

static bool pause_ms(const struct pg_session *session, int ms, struct error *err)
{
    struct pollfd stop = {.fd = session->stop_fd, .events = POLLIN};

    return poll(&stop, 1, ms) <= 0 ||
           error_set(err, ERROR_STOPPED, "stopped while waiting for a transaction to be seen");
}

static void tell(const struct pg_session *session, uint32_t xid)
{
    log_line(LOG_WARN, "transaction_unseen",
             "slot=%s xid=%" PRIu32 " (the stream has brought it, but other sessions do not see it "
             "committed yet: does it wait for a synchronous standby?)",
             session->options->slot, xid);
}

bool pg_visible_wait(struct pg_session *session, uint32_t xid, struct error *err)
{
    int64_t begun_us = clock_mono_us();
    bool told = false;

    for (int ms = 1;; ms = ms * 2 < PAUSE_MOST_MS ? ms * 2 : PAUSE_MOST_MS) {
        struct visibility its = {0};
        int64_t waited_us;

        if (!ask(session, xid, &its, err))
            return error_wrap(err, "asking whether transaction %" PRIu32 " can be seen", xid);
        waited_us = clock_mono_us() - begun_us;
        if (its.seen || (its.named && waited_us > WAIT_NAMED_US))
            return true;
        if (waited_us > WAIT_US)
            return error_set(err, ERROR_WAITING,
                             "transaction %" PRIu32 " was sent but is not seen as committed after "
                             "%d s, so the catalogue may show its tables as they were before; it "
                             "is asked for again (does a synchronous standby not answer?)",
                             xid, (int)(WAIT_US / 1000000));
        if (!told && waited_us > TELL_AFTER_US) {
            told = true;
            tell(session, xid);
        }
        if (!pause_ms(session, ms, err))
            return false;
    }
}
