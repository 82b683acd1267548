#include "relay/command_status.h"

#include <inttypes.h>

#include "millrace/lsn.h"
#include "relay/registry.h"

static enum exit_code fail(const struct error *err)
{
    (void)fprintf(stderr, "millrace: %s\n", err->text);
    return exit_code_of(err);
}

static void print_lsn(FILE *out, const char *name, uint64_t lsn)
{
    (void)fprintf(out, "%-22s %s\n", name, lsn_format(lsn).text);
}

static void print_position(FILE *out, const struct position *p)
{
    if (!p->known) {
        (void)fprintf(out, "%-22s %s\n", "position:", "none stored");
        return;
    }
    (void)fprintf(out, "%-22s %s\n", "snapshot:", snapshot_state_name(p->snapshot));
    print_lsn(out, "position end_lsn:", p->end_lsn);
    print_lsn(out, "position commit_lsn:", p->commit_lsn);
    if (p->ordinal > 0)
        (void)fprintf(out, "%-22s %" PRIu64 " events of the transaction at commit_lsn\n",
                      "position inside:", p->ordinal);
}

static void print_server(FILE *out, const struct postgres_status *s)
{
    print_lsn(out, "server wal_lsn:", s->wal_lsn);
    if (!s->slot_exists) {
        (void)fprintf(out, "%-22s %s\n", "slot:", "missing");
        return;
    }
    (void)fprintf(out, "%-22s %s, wal_status %s\n",
                  "slot:", s->slot_active ? "active" : "not active", s->wal_status);
    print_lsn(out, "slot confirmed_flush:", s->confirmed_flush_lsn);
    print_lsn(out, "slot restart_lsn:", s->restart_lsn);
    (void)fprintf(out, "%-22s %" PRId64 " bytes\n", "retained WAL:", s->retained_bytes);
}

/* Lag: WAL between the stored position and the server's end; and the age of the last transaction
 * relayed, which says something only while there is WAL to be relayed. */
static void print_lag(FILE *out, const struct position *p, const struct postgres_status *s)
{
    uint64_t lag = p->known && s->wal_lsn > p->end_lsn ? s->wal_lsn - p->end_lsn : 0;

    if (!p->known)
        return;
    (void)fprintf(out, "%-22s %" PRIu64 " bytes\n", "lag:", lag);
    if (lag == 0 || p->commit_us == 0)
        (void)fprintf(out, "%-22s %s\n",
                      "lag seconds:", lag == 0 ? "0.0" : "unknown: nothing relayed yet");
    else
        (void)fprintf(out, "%-22s at most %.1f\n",
                      "lag seconds:", (double)(s->now_us - p->commit_us) / 1e6);
}

enum exit_code command_status(const struct options *options, int stop_fd, FILE *out)
{
    struct error err = {0};
    struct position position = {0};
    struct postgres_status server = {0};

    if (!registry_read_position(options, &position, &err) ||
        !postgres_read_status(&options->postgres, stop_fd, &server, &err))
        return fail(&err);
    (void)fprintf(out, "%-22s %s\n%-22s %s\n", "relay:", options->name,
                  "slot name:", options->postgres.slot);
    print_position(out, &position);
    print_server(out, &server);
    print_lag(out, &position, &server);
    return EXIT_OK;
}

static void print_check(void *context, bool ok, const char *text)
{
    (void)fprintf(context, "%s %s\n", ok ? "ok    " : "not ok", text);
}

enum exit_code command_check(const struct options *options, int stop_fd, FILE *out)
{
    struct error sink_err = {0}, source_err = {0};
    struct position position = {0};
    bool sink_ok = registry_check_options(options, &sink_err) &&
                   registry_read_position(options, &position, &sink_err);
    bool source_ok;

    print_check(out, sink_ok,
                sink_ok ? "sink: reachable, stored position readable" : sink_err.text);
    source_ok = postgres_check(&options->postgres, stop_fd, print_check, out, &source_err);
    if (!sink_ok)
        return fail(&sink_err);
    return source_ok ? EXIT_OK : fail(&source_err);
}
