#include "relay/pg_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/lsn.h"

/* ---- what the server says ---- */

/* Columns that older versions lack (two_phase 14, invalidation_reason 17) read as NULL by way of
 * jsonb. */
static const char facts_sql[] =
    "SELECT pg_catalog.pg_is_in_recovery(),"
    " EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = $2),"
    " s.slot_name, s.active, s.active_pid, s.slot_type = 'logical', s.temporary,"
    " pg_catalog.to_jsonb(s) ->> 'two_phase', s.plugin, s.database, s.wal_status,"
    " pg_catalog.to_jsonb(s) ->> 'invalidation_reason', s.restart_lsn, s.confirmed_flush_lsn"
    " FROM (VALUES (1)) one (row)"
    " LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = $1";

enum {
    IN_RECOVERY,
    PUBLICATION,
    SLOT,
    ACTIVE,
    ACTIVE_PID,
    LOGICAL,
    TEMPORARY,
    TWO_PHASE,
    PLUGIN,
    SLOT_DATABASE,
    WAL_STATUS,
    INVALIDATION,
    RESTART,
    CONFIRMED,
};

static bool read_bool(const PGresult *result, int column)
{
    return PQgetvalue(result, 0, column)[0] == 't';
}

/* 0 when NULL. */
static uint64_t read_lsn(const PGresult *result, int column)
{
    uint64_t lsn = 0;

    return lsn_parse(slice_text(PQgetvalue(result, 0, column)), &lsn) ? lsn : 0;
}

static void read_text(const PGresult *result, int column, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", PQgetvalue(result, 0, column));
}

static void read_slot(const PGresult *result, struct pg_facts *out)
{
    out->slot_exists = !PQgetisnull(result, 0, SLOT);
    out->slot_active = read_bool(result, ACTIVE);
    out->slot_active_pid = (int32_t)strtol(PQgetvalue(result, 0, ACTIVE_PID), NULL, 10);
    out->slot_logical = read_bool(result, LOGICAL);
    out->slot_temporary = read_bool(result, TEMPORARY);
    out->slot_two_phase = read_bool(result, TWO_PHASE);
    read_text(result, PLUGIN, out->slot_plugin, sizeof out->slot_plugin);
    read_text(result, SLOT_DATABASE, out->slot_database, sizeof out->slot_database);
    read_text(result, WAL_STATUS, out->slot_wal_status, sizeof out->slot_wal_status);
    read_text(result, INVALIDATION, out->slot_invalidation, sizeof out->slot_invalidation);
    out->slot_restart_lsn = read_lsn(result, RESTART);
    out->slot_confirmed_lsn = read_lsn(result, CONFIRMED);
}

static bool gather_catalogue(struct pg_conn *sql, const struct postgres_options *options,
                             struct pg_facts *out, struct error *err)
{
    const char *values[] = {options->slot, options->publication};
    PGresult *result = pg_query_params(sql, options->query_timeout_ms, err, facts_sql, 2, values);

    if (result == NULL)
        return false;
    out->server_version = sql->server_version;
    out->in_recovery = read_bool(result, IN_RECOVERY);
    out->publication_exists = read_bool(result, PUBLICATION);
    read_slot(result, out);
    PQclear(result);
    return true;
}

static bool gather_system(struct pg_conn *replication, const struct postgres_options *options,
                          struct pg_facts *out, struct error *err)
{
    PGresult *result = pg_query(replication, options->query_timeout_ms, err, "IDENTIFY_SYSTEM");

    if (result == NULL)
        return false;
    out->system_id = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
    out->timeline = (uint32_t)strtoul(PQgetvalue(result, 0, 1), NULL, 10);
    out->wal_lsn = read_lsn(result, 2);
    read_text(result, 3, out->database, sizeof out->database);
    PQclear(result);
    return true;
}

/* The next line of `text`, without its newline. */
static struct slice take_line(struct slice *text)
{
    const uint8_t *newline = text->len == 0 ? NULL : memchr(text->at, '\n', text->len);
    size_t len = newline == NULL ? text->len : (size_t)(newline - text->at);
    struct slice line = slice_of(text->at, len);

    *text = newline == NULL ? slice_of(NULL, 0) : slice_of(newline + 1, text->len - len - 1);
    return line;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* The next word between blanks and tabs; empty at the end. */
static struct slice take_word(struct slice *line)
{
    size_t skip = 0, len = 0;
    struct slice word;

    if (line->len == 0)
        return *line;
    while (skip < line->len && is_blank(line->at[skip]))
        skip++;
    while (skip + len < line->len && !is_blank(line->at[skip + len]))
        len++;
    word = slice_of(line->at + skip, len);
    *line = slice_of(line->at + skip + len, line->len - skip - len);
    return word;
}

/* A line is "timeline<TAB>switch LSN<TAB>reason"; '#' begins a comment. */
uint64_t pg_timeline_left_at(struct slice history, uint32_t timeline)
{
    char wanted[16];
    uint64_t lsn;

    (void)snprintf(wanted, sizeof wanted, "%" PRIu32, timeline);
    while (history.len > 0) {
        struct slice line = take_line(&history);

        if (slice_is(take_word(&line), wanted) && lsn_parse(take_word(&line), &lsn))
            return lsn;
    }
    return 0;
}

/* The timelines before the current one, which the server keeps in a file; there is none before the
 * first. A file that the server cannot find leaves the stored timeline unknown. */
static bool gather_history(struct pg_conn *replication, const struct postgres_options *options,
                           const struct position *stored, struct pg_facts *out, struct error *err)
{
    struct error failure = {0};
    char command[64];
    PGresult *result;

    out->timeline_known = !stored->known || stored->timeline == out->timeline;
    if (out->timeline_known || out->timeline <= 1)
        return true;
    (void)snprintf(command, sizeof command, "TIMELINE_HISTORY %" PRIu32, out->timeline);
    result = pg_query(replication, options->query_timeout_ms, &failure, command);
    if (result == NULL && replication->link == NULL) {
        *err = failure;
        return false;
    }
    if (result == NULL)
        return true;
    if (PQnfields(result) == 2 && PQntuples(result) == 1)
        out->timeline_left_at =
            pg_timeline_left_at(slice_text(PQgetvalue(result, 0, 1)), stored->timeline);
    out->timeline_known = out->timeline_left_at != 0;
    PQclear(result);
    return true;
}

bool pg_gather(struct pg_conn *sql, struct pg_conn *replication,
               const struct postgres_options *options, const struct position *stored,
               struct pg_facts *out, struct error *err)
{
    struct pg_facts facts = {0};

    if (!gather_catalogue(sql, options, &facts, err) ||
        !gather_system(replication, options, &facts, err) ||
        !gather_history(replication, options, stored, &facts, err))
        return false;
    *out = facts;
    return true;
}

/* ---- the decision ---- */

/* What a decision is made from. */
struct deciding {
    const struct pg_facts *facts;
    const struct postgres_options *options;
    const struct position *stored;
    struct error *err;
};

/* A standby cannot carry our slot.  To be tried again: it may be promoted, or another host of the
 * url may answer next time. */
static bool is_primary(struct deciding *d)
{
    return !d->facts->in_recovery ||
           error_set(d->err, ERROR_LINK,
                     "the server is a standby (in recovery); millrace needs the primary: name all "
                     "hosts in the url and add target_session_attrs=read-write");
}

/* Does the stored position come from this slot, cluster and database at all? */
static bool position_is_ours(struct deciding *d)
{
    const struct position *stored = d->stored;

    if (stored->system_id != d->facts->system_id)
        return error_gap(d->err, GAP_OTHER_CLUSTER,
                         "the stored position belongs to the cluster with system identifier "
                         "%" PRIu64 ", this server's is %" PRIu64
                         ": connect to the server that the position was made from, or give this "
                         "relay another name to begin with a new snapshot",
                         stored->system_id, d->facts->system_id);
    if (strcmp(stored->database, d->facts->database) != 0)
        return error_gap(d->err, GAP_OTHER_CLUSTER,
                         "the stored position belongs to database \"%s\", this is \"%s\": connect "
                         "to the right one, or give this relay another name to begin with a new "
                         "snapshot",
                         stored->database, d->facts->database);
    if (strcmp(stored->slot, d->options->slot) != 0)
        return error_set(d->err, ERROR_CONFIG,
                         "the stored position belongs to slot \"%s\", slot.name is \"%s\": set it "
                         "back, or give this relay another name to begin with a new snapshot",
                         stored->slot, d->options->slot);
    return true;
}

/* Once there is a slot or a position, making the publication comes too late: the server looks it up
 * in the catalogue as it was at the place in the log that is decoded. */
static bool publication_is_there(struct deciding *d, bool may_be_made)
{
    if (d->facts->publication_exists ||
        (may_be_made && d->options->publication_create == PUBLICATION_FILTERED))
        return true;
    if (may_be_made)
        return error_gap(d->err, GAP_PUBLICATION_MISSING,
                         "publication \"%s\" does not exist in database \"%s\": create it there "
                         "(CREATE PUBLICATION ... FOR TABLE ...), or set publication.create to "
                         "filtered",
                         d->options->publication, d->facts->database);
    return error_gap(d->err, GAP_PUBLICATION_MISSING,
                     "publication \"%s\" is gone from database \"%s\", and changes written without "
                     "it are lost to slot \"%s\": create it again, drop the slot and delete the "
                     "stored position to begin with a new snapshot",
                     d->options->publication, d->facts->database, d->options->slot);
}

/* Only called when the slot exists. */
static bool slot_is_of_our_kind(struct deciding *d)
{
    const struct pg_facts *f = d->facts;
    const char *slot = d->options->slot;

    if (!f->slot_logical)
        return error_gap(d->err, GAP_SLOT_FOREIGN,
                         "slot \"%s\" is a physical one: choose another slot.name", slot);
    if (strcmp(f->slot_plugin, "pgoutput") != 0)
        return error_gap(d->err, GAP_SLOT_FOREIGN,
                         "slot \"%s\" decodes with plugin \"%s\", not with pgoutput: it belongs to "
                         "another program; choose another slot.name",
                         slot, f->slot_plugin);
    if (strcmp(f->slot_database, f->database) != 0)
        return error_gap(d->err, GAP_SLOT_FOREIGN,
                         "slot \"%s\" is of database \"%s\", this is \"%s\": choose another "
                         "slot.name, or connect to that database",
                         slot, f->slot_database, f->database);
    if (f->slot_two_phase || f->slot_temporary)
        return error_gap(d->err, GAP_SLOT_FOREIGN,
                         "slot \"%s\" is %s, as millrace makes none: choose another slot.name",
                         slot, f->slot_two_phase ? "two-phase" : "temporary");
    return true;
}

static bool slot_has_its_wal(struct deciding *d)
{
    const struct pg_facts *f = d->facts;

    if (f->slot_invalidation[0] == '\0' && strcmp(f->slot_wal_status, "lost") != 0)
        return true;
    return error_gap(
        d->err, GAP_SLOT_INVALIDATED,
        "slot \"%s\" is invalidated (%s): the server has thrown away changes that were "
        "not read; drop it (SELECT pg_drop_replication_slot('%s')), delete the stored "
        "position to begin with a new snapshot, and raise max_slot_wal_keep_size",
        d->options->slot, f->slot_invalidation[0] != '\0' ? f->slot_invalidation : "WAL lost",
        d->options->slot);
}

/* Is the stored position in the history that this server continues? */
static bool position_is_in_history(struct deciding *d)
{
    const struct pg_facts *f = d->facts;
    const struct position *stored = d->stored;

    if (!f->timeline_known)
        return error_gap(d->err, GAP_OTHER_TIMELINE,
                         "the stored position is of timeline %" PRIu32
                         ", which is not in the history of the server's timeline %" PRIu32
                         ": it descends from another server; compare the data, then delete the "
                         "stored position and drop the slot to begin with a new snapshot",
                         stored->timeline, f->timeline);
    if (stored->timeline != f->timeline && f->timeline_left_at < stored->end_lsn)
        return error_gap(d->err, GAP_OTHER_TIMELINE,
                         "the stored position %s of timeline %" PRIu32
                         " lies behind %s, where the server left that timeline: a failover lost "
                         "changes that were already published; compare the data, then delete the "
                         "stored position and drop the slot to begin with a new snapshot",
                         lsn_format(stored->end_lsn).text, stored->timeline,
                         lsn_format(f->timeline_left_at).text);
    if (f->wal_lsn < stored->end_lsn)
        return error_gap(d->err, GAP_BEYOND_WAL,
                         "the stored position %s lies behind the end of the server's WAL, %s: the "
                         "server was restored from a backup or lost writes in a crash; compare the "
                         "data, then delete the stored position and drop the slot to begin with a "
                         "new snapshot",
                         lsn_format(stored->end_lsn).text, lsn_format(f->wal_lsn).text);
    return true;
}

/* A slot is left by a dead connection within wal_sender_timeout; another relay holds it for longer.
 */
static bool slot_is_free(struct deciding *d)
{
    return !d->facts->slot_active ||
           error_set(d->err, ERROR_LINK,
                     "slot \"%s\" is in use by the server's process %" PRId32
                     " (another relay, or a connection that the server does not know to be dead)",
                     d->options->slot, d->facts->slot_active_pid);
}

/* We confirm only what is stored: a slot that is further was moved by somebody else. */
static bool slot_is_not_ahead(struct deciding *d)
{
    if (d->facts->slot_confirmed_lsn <= d->stored->end_lsn)
        return true;
    return error_gap(d->err, GAP_SLOT_AHEAD,
                     "slot \"%s\" is at %s, ahead of the stored position %s: somebody else read "
                     "from it, moved it or made it anew, and the changes between are lost to it; "
                     "drop the slot and delete the stored position to begin with a new snapshot",
                     d->options->slot, lsn_format(d->facts->slot_confirmed_lsn).text,
                     lsn_format(d->stored->end_lsn).text);
}

static bool decide_continue(struct deciding *d, enum pg_start *out_start)
{
    if (!position_is_ours(d))
        return false;
    if (!d->facts->slot_exists)
        return error_gap(d->err, GAP_SLOT_MISSING,
                         "a position is stored (%s), but slot \"%s\" does not exist: somebody "
                         "dropped it, or a failover left it behind, and changes since may be lost; "
                         "delete the stored position to begin with a new snapshot",
                         lsn_format(d->stored->end_lsn).text, d->options->slot);
    if (!slot_is_of_our_kind(d) || !slot_has_its_wal(d) || !publication_is_there(d, false) ||
        !position_is_in_history(d) || !slot_is_free(d) || !slot_is_not_ahead(d))
        return false;
    *out_start = d->stored->snapshot == SNAPSHOT_RUNNING ? PG_START_REREAD : PG_START_STREAM;
    return true;
}

static bool decide_adopt(struct deciding *d, enum pg_start *out_start)
{
    if (!slot_is_of_our_kind(d) || !slot_has_its_wal(d) || !slot_is_free(d))
        return false;
    if (!d->options->slot_adopt)
        return error_gap(
            d->err, GAP_SLOT_WITHOUT_POSITION,
            "slot \"%s\" exists, but no position is stored: it may belong to somebody "
            "else, or is left over; drop it (SELECT pg_drop_replication_slot('%s')) to "
            "begin with a snapshot, or set slot.adopt to stream from where it is",
            d->options->slot, d->options->slot);
    if (!publication_is_there(d, false))
        return false;
    *out_start = PG_START_ADOPT;
    return true;
}

static bool decide_first(struct deciding *d, enum pg_start *out_start)
{
    if (!publication_is_there(d, true))
        return false;
    if (!d->options->slot_create)
        return error_set(
            d->err, ERROR_CONFIG,
            "slot \"%s\" does not exist and slot.create is off: create it (SELECT "
            "pg_create_logical_replication_slot('%s', 'pgoutput')) and set slot.adopt, "
            "or turn slot.create on",
            d->options->slot, d->options->slot);
    *out_start = d->options->snapshot_mode == SNAPSHOT_NEVER ? PG_START_FRESH : PG_START_SNAPSHOT;
    return true;
}

/* We were about to make the slot when we were stopped: if it is there it is ours and unused, and is
 * made anew.  But with slot.create off it cannot be ours: it was made as we asked for. */
static bool decide_intended(struct deciding *d, enum pg_start *out_start)
{
    if (!position_is_ours(d))
        return false;
    if (!d->facts->slot_exists)
        return decide_first(d, out_start);
    if (!d->options->slot_create)
        return decide_adopt(d, out_start);
    return slot_is_of_our_kind(d) && slot_is_free(d) && decide_first(d, out_start);
}

bool pg_decide(const struct pg_facts *facts, const struct postgres_options *options,
               const struct position *stored, enum pg_start *out_start, struct error *err)
{
    struct deciding d = {.facts = facts, .options = options, .stored = stored, .err = err};

    if (!is_primary(&d))
        return false;
    if (position_is_intention(stored))
        return decide_intended(&d, out_start);
    if (stored->known)
        return decide_continue(&d, out_start);
    if (facts->slot_exists)
        return decide_adopt(&d, out_start);
    return decide_first(&d, out_start);
}
