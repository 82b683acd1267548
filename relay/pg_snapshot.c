#include "relay/pg_snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder/copytext.h"
#include "millrace/arena.h"
#include "millrace/buf.h"
#include "millrace/lsn.h"
#include "millrace/mem.h"
#include "relay/clock.h"
#include "relay/log.h"
#include "relay/pg_copy.h"
#include "relay/pg_export.h"
#include "relay/pg_progress.h"
#include "relay/pg_quote.h"

#define RANGE_BLOCKS 1024     /* 8 MiB: some ten milliseconds of work */
#define TID_RANGE_SCAN 140000 /* before it, a condition on ctid read the whole table each time */
#define READERS_MAX (SOURCE_POLL_MAX - 8)
#define CELLS_BYTES ((size_t)1024 * 1024)
#define QUESTION_TIMEOUT_MS 20000

enum phase { PHASE_BEGIN, PHASE_RELATIONS, PHASE_TRUNCATE, PHASE_ROWS, PHASE_END, PHASE_DONE };

/* What is known of one table while it is read; beside its struct pg_table. */
struct reading {
    struct pg_line held;  /* its latest row, not yet returned: it may be the last */
    uint64_t rows;        /* returned */
    uint32_t ranges_open; /* asked for and not finished */
    bool all_asked;
};

struct reader {
    struct pg_copy copy;
    size_t table;    /* of the range that is being read */
    uint32_t blocks; /* of that range */
};

struct pg_snapshot {
    struct pg_session *session;
    struct pg_export export;
    struct reading *readings; /* as many as tables */
    struct reader *readers;
    size_t reader_count;
    size_t current; /* the reader that is asked first */

    size_t next_table; /* the next range to be asked for */
    uint32_t next_block;

    enum phase phase;
    size_t announced;    /* tables told of in PHASE_RELATIONS */
    size_t truncated;    /* tables looked at in PHASE_TRUNCATE */
    struct pg_line last; /* last row of the table that ended last; it may be the last of all */
    size_t last_table;
    struct pg_line lent; /* what the last event borrows from */
    struct arena scratch;
    const struct relation *truncate_of;

    uint64_t stream_lsn, reread_lsn;
    int64_t taken_us; /* when the snapshot was taken, by the server's clock */
    uint32_t xid;     /* the first that the snapshot cannot see */
    struct pg_progress progress;
};

static const struct pg_table *table_at(const struct pg_snapshot *s, size_t i)
{
    return &s->export.tables[i];
}

/* ---- ranges ---- */

static bool is_cut(const struct pg_snapshot *s, const struct pg_table *table)
{
    return !table->partitioned_root && table->block_count > RANGE_BLOCKS &&
           s->session->sql.server_version >= TID_RANGE_SCAN;
}

static size_t count_ranges(const struct pg_snapshot *s)
{
    size_t ranges = 0;

    for (size_t i = 0; i < s->export.table_count; i++)
        ranges += is_cut(s, table_at(s, i)) ? table_at(s, i)->block_count / RANGE_BLOCKS : 1;
    return ranges;
}

/* COPY (SELECT "a", "b" FROM ONLY "s"."t" WHERE ctid >= '(0,0)' AND ctid < '(1024,0)' AND (x > 1))
 * TO STDOUT.  The last range is open: the table may have grown since its blocks were counted. */
static void write_copy(struct buf *sql, const struct pg_table *table, uint32_t from, uint32_t to)
{
    const struct relation *r = table->relation;
    const char *glue = " WHERE ";

    buf_text(sql, "COPY (SELECT ");
    for (uint16_t i = 0; i < r->column_count; i++) {
        buf_text(sql, i > 0 ? ", " : "");
        pg_quote_identifier(sql, r->columns[i].name);
    }
    buf_text(sql, table->partitioned_root ? " FROM " : " FROM ONLY ");
    pg_quote_table(sql, r->schema, r->name);
    if (from > 0) {
        buf_printf(sql, "%sctid >= '(%" PRIu32 ",0)'", glue, from);
        glue = " AND ";
    }
    if (to > 0) {
        buf_printf(sql, "%sctid < '(%" PRIu32 ",0)'", glue, to);
        glue = " AND ";
    }
    if (table->row_filter.at != NULL)
        buf_printf(sql, "%s(%.*s)", glue, SLICE_ARGS(table->row_filter));
    buf_text(sql, ") TO STDOUT");
    buf_byte(sql, '\0');
}

static bool ask_range(struct reader *reader, const struct pg_table *table, uint32_t from,
                      uint32_t to, struct error *err)
{
    struct buf sql;
    bool asked;

    buf_init(&sql, PG_STATEMENT_BYTES);
    write_copy(&sql, table, from, to);
    asked = sql.failed ? error_set(err, ERROR_DATA, "the statement that copies it is too long")
                       : pg_copy_ask(&reader->copy, (const char *)sql.at, err);
    buf_done(&sql);
    return asked || error_wrap(err, "copying %.*s.%.*s", SLICE_ARGS(table->relation->schema),
                               SLICE_ARGS(table->relation->name));
}

/* Gives the reader the next range; when there is none, it stays idle. */
static bool assign(struct pg_snapshot *s, struct reader *reader, struct error *err)
{
    const struct pg_table *table;
    struct reading *reading;
    uint32_t from = s->next_block, to = 0;

    if (s->next_table == s->export.table_count)
        return true;
    table = table_at(s, s->next_table);
    reading = &s->readings[s->next_table];
    if (is_cut(s, table) && table->block_count - from >= 2U * RANGE_BLOCKS)
        to = from + RANGE_BLOCKS;
    reader->table = s->next_table;
    reader->blocks = (to > 0 ? to : table->block_count) - from;
    reading->ranges_open++;
    s->next_block = to;
    if (to == 0) {
        reading->all_asked = true;
        s->next_table++;
    }
    return ask_range(reader, table, from, to, err);
}

/* ---- start ---- */

/* The time and the transaction horizon of the snapshot. */
static bool ask_snapshot(struct pg_snapshot *s, struct error *err)
{
    PGresult *result =
        pg_query(&s->readers[0].copy.conn, QUESTION_TIMEOUT_MS, err,
                 "SELECT (extract(epoch FROM now()) * 1000000)::bigint, "
                 "pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())");

    if (result == NULL)
        return false;
    s->taken_us = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    s->xid = (uint32_t)strtoull(PQgetvalue(result, 0, 1), NULL, 10); /* without its epoch */
    PQclear(result);
    return true;
}

static bool open_readers(struct pg_snapshot *s, struct error *err)
{
    size_t wanted = (size_t)s->session->options->snapshot_workers, ranges = count_ranges(s);

    wanted = wanted > ranges ? ranges : wanted;
    wanted = wanted > READERS_MAX ? READERS_MAX : wanted;
    wanted = wanted < 1 ? 1 : wanted;
    s->readers = mem_zero(wanted, sizeof *s->readers);
    for (; s->reader_count < wanted; s->reader_count++)
        if (!pg_copy_open(&s->readers[s->reader_count].copy, s->session, s->export.slot.snapshot,
                          err)) {
            pg_copy_close(&s->readers[s->reader_count].copy);
            return error_wrap(err, "snapshot reader %zu of %zu", s->reader_count + 1, wanted);
        }
    return ask_snapshot(s, err);
}

static bool open_all(struct pg_snapshot *s, bool again, struct error *err)
{
    uint64_t blocks = 0;

    if (!pg_export_open(&s->export, s->session, again, err))
        return false;
    if (again)
        s->reread_lsn = s->export.slot.consistent_point;
    else
        s->stream_lsn = s->export.slot.consistent_point;
    s->readings = mem_zero(s->export.table_count + 1, sizeof *s->readings);
    if (!open_readers(s, err))
        return false;
    for (size_t i = 0; i < s->export.table_count; i++)
        blocks += table_at(s, i)->block_count;
    pg_progress_init(&s->progress, s->export.table_count, blocks, clock_mono_us());
    return true;
}

struct pg_snapshot *pg_snapshot_open(struct pg_session *session, uint64_t stream_lsn,
                                     struct error *err)
{
    struct pg_snapshot *s = mem_new(struct pg_snapshot);

    s->session = session;
    s->stream_lsn = stream_lsn;
    arena_init(&s->scratch, session->options->message_limit_bytes + CELLS_BYTES);
    if (!open_all(s, stream_lsn != 0, err)) {
        pg_snapshot_close(s);
        return NULL;
    }
    log_line(LOG_INFO, "snapshot_started", "slot=%s tables=%zu readers=%zu lsn=%s reread=%s",
             session->options->slot, s->export.table_count, s->reader_count,
             lsn_format(s->export.slot.consistent_point).text, s->reread_lsn != 0 ? "yes" : "no");
    return s;
}

uint64_t pg_snapshot_stream_lsn(const struct pg_snapshot *s)
{
    return s->stream_lsn;
}

uint64_t pg_snapshot_reread_lsn(const struct pg_snapshot *s)
{
    return s->reread_lsn;
}

/* ---- events ---- */

/* As Debezium ranks them: last of all, first of all, last of its table, first of its table. */
static enum snapshot_mark mark_of(const struct pg_snapshot *s, size_t table, bool last_of_table,
                                  bool last_of_all)
{
    if (last_of_all)
        return MARK_LAST;
    if (s->progress.rows == 0)
        return MARK_FIRST;
    if (last_of_table)
        return MARK_LAST_IN_TABLE;
    return s->readings[table].rows == 0 ? MARK_FIRST_IN_TABLE : MARK_TRUE;
}

static void fill(const struct pg_snapshot *s, enum event_kind kind, struct event *out)
{
    *out = (struct event){
        .kind = kind, .lsn = s->export.slot.consistent_point, .commit_us = s->taken_us};
}

/* Takes the line over: the event borrows from it until the next call. */
static enum source_outcome give_row(struct pg_snapshot *s, struct pg_line *line, size_t table,
                                    enum snapshot_mark mark, struct event *out, struct error *err)
{
    const struct relation *r = table_at(s, table)->relation;
    size_t limit = s->session->options->message_limit_bytes;
    bool good;

    s->lent = *line;
    *line = (struct pg_line){NULL, 0};
    arena_reset(&s->scratch);
    fill(s, EVENT_READ, out);
    out->mark = mark;
    out->xid = s->xid;
    out->relation = r;
    if (s->lent.len > limit)
        good = error_set(err, ERROR_DATA, "a row of %zu bytes passes the limit of %zu for one row",
                         s->lent.len, limit);
    else
        good = copytext_row(slice_of(s->lent.at, s->lent.len), r->column_count, &s->scratch,
                            &out->row, err);
    if (!good) {
        (void)error_wrap(err, "relation %.*s.%.*s", SLICE_ARGS(r->schema), SLICE_ARGS(r->name));
        return SOURCE_FAILED;
    }
    s->readings[table].rows++;
    s->progress.rows++;
    return SOURCE_EVENT;
}

/* The reader's range is through.  True when that was the last one of its table. */
static bool finish_range(struct pg_snapshot *s, struct reader *reader)
{
    struct reading *reading = &s->readings[reader->table];
    bool done = --reading->ranges_open == 0 && reading->all_asked;

    s->progress.blocks_done += reader->blocks;
    s->progress.tables_done += done;
    return done;
}

/* Gives the row that ended another table, now that it is known not to be the last of all.  False
 * when there is none. */
static bool give_last(struct pg_snapshot *s, struct pg_line *last, size_t table, struct event *out,
                      enum source_outcome *out_outcome, struct error *err)
{
    if (last->at == NULL)
        return false;
    *out_outcome = give_row(s, last, table, mark_of(s, table, true, false), out, err);
    return true;
}

/* A table is through: its held row may be the last of all, so that the one before it is not.  True
 * when an event was given. */
static bool end_table(struct pg_snapshot *s, size_t table, struct event *out,
                      enum source_outcome *out_outcome, struct error *err)
{
    struct pg_line before = s->last;
    size_t before_table = s->last_table;

    if (s->readings[table].held.at == NULL)
        return false; /* empty */
    s->last = s->readings[table].held;
    s->last_table = table;
    s->readings[table].held = (struct pg_line){NULL, 0};
    return give_last(s, &before, before_table, out, out_outcome, err);
}

/* A row has come and is held; the one before it in its table is given, or the one that ended
 * another table.  False when there is neither. */
static bool hold_row(struct pg_snapshot *s, size_t table, struct pg_line line, struct event *out,
                     enum source_outcome *out_outcome, struct error *err)
{
    struct pg_line before = s->readings[table].held;

    s->readings[table].held = line;
    if (before.at == NULL)
        return give_last(s, &s->last, s->last_table, out, out_outcome, err);
    *out_outcome = give_row(s, &before, table, mark_of(s, table, false, false), out, err);
    return true;
}

/* Asks one reader until it gives an event, or must wait, or has nothing left to do (both
 * SOURCE_IDLE). */
static enum source_outcome read_on(struct pg_snapshot *s, struct reader *reader, struct event *out,
                                   struct error *err)
{
    enum source_outcome outcome = SOURCE_IDLE;
    struct pg_line line;

    while (reader->copy.state != PG_COPY_IDLE) {
        size_t table = reader->table;
        const struct relation *r = table_at(s, table)->relation;
        bool given = false;

        switch (pg_copy_next(&reader->copy, &line, err)) {
        case PG_COPY_ROW:
            given = hold_row(s, table, line, out, &outcome, err);
            break;
        case PG_COPY_WAIT:
            return SOURCE_IDLE;
        case PG_COPY_DONE:
            if (finish_range(s, reader))
                given = end_table(s, table, out, &outcome, err);
            if (given && outcome == SOURCE_FAILED)
                return outcome;
            if (!assign(s, reader, err))
                return SOURCE_FAILED;
            break;
        case PG_COPY_FAILED:
            (void)error_wrap(err, "copying %.*s.%.*s", SLICE_ARGS(r->schema), SLICE_ARGS(r->name));
            return SOURCE_FAILED;
        }
        if (given)
            return outcome;
    }
    return SOURCE_IDLE;
}

static bool all_idle(const struct pg_snapshot *s)
{
    for (size_t i = 0; i < s->reader_count; i++)
        if (s->readers[i].copy.state != PG_COPY_IDLE)
            return false;
    return s->next_table == s->export.table_count;
}

/* All is read; the very last row may be left. */
static enum source_outcome end_rows(struct pg_snapshot *s, struct event *out, struct error *err)
{
    if (s->last.at != NULL)
        return give_row(s, &s->last, s->last_table, MARK_LAST, out, err);
    if (!pg_export_check(&s->export, err))
        return SOURCE_FAILED;
    s->phase = PHASE_DONE;
    pg_progress_end(&s->progress, clock_mono_us());
    fill(s, EVENT_SNAPSHOT_END, out);
    out->consistent_point = s->stream_lsn;
    return SOURCE_EVENT;
}

/* Stays with one reader as long as it has rows, then goes round. */
static enum source_outcome next_row(struct pg_snapshot *s, struct event *out, struct error *err)
{
    for (size_t tried = 0; tried < s->reader_count; tried++) {
        struct reader *reader = &s->readers[s->current];
        enum source_outcome outcome;

        if (reader->copy.state == PG_COPY_IDLE && !assign(s, reader, err))
            return SOURCE_FAILED;
        outcome = read_on(s, reader, out, err);
        if (outcome != SOURCE_IDLE)
            return outcome;
        s->current = (s->current + 1) % s->reader_count;
    }
    if (!all_idle(s))
        return pg_export_check(&s->export, err) ? SOURCE_IDLE : SOURCE_FAILED;
    s->phase = PHASE_END;
    return end_rows(s, out, err);
}

static enum source_outcome begin(struct pg_snapshot *s, struct event *out)
{
    fill(s, EVENT_SNAPSHOT_BEGIN, out);
    out->consistent_point = s->stream_lsn;
    out->reread_lsn = s->reread_lsn;
    s->phase = PHASE_RELATIONS;
    return SOURCE_EVENT;
}

static bool next_relation(struct pg_snapshot *s, struct event *out)
{
    if (s->announced < s->export.table_count) {
        fill(s, EVENT_RELATION, out);
        out->relation = table_at(s, s->announced++)->relation;
        return true;
    }
    s->phase = s->reread_lsn != 0 ? PHASE_TRUNCATE : PHASE_ROWS;
    return false;
}

/* A table without a key that is read again: what a follower has of it is thrown away first, since
 * its rows cannot be told from the ones that come. */
static bool next_truncate(struct pg_snapshot *s, struct event *out)
{
    while (s->truncated < s->export.table_count) {
        s->truncate_of = table_at(s, s->truncated++)->relation;
        if (s->truncate_of->key_count > 0)
            continue;
        fill(s, EVENT_TRUNCATE, out);
        out->truncated = &s->truncate_of;
        out->truncated_count = 1;
        return true;
    }
    s->phase = PHASE_ROWS;
    return false;
}

enum source_outcome pg_snapshot_next(struct pg_snapshot *s, struct event *out_event,
                                     struct error *err)
{
    pg_line_free(&s->lent);
    if ((s->phase == PHASE_RELATIONS && next_relation(s, out_event)) ||
        (s->phase == PHASE_TRUNCATE && next_truncate(s, out_event)))
        return SOURCE_EVENT;
    switch (s->phase) {
    case PHASE_BEGIN:
        return begin(s, out_event);
    case PHASE_RELATIONS:
    case PHASE_TRUNCATE:
    case PHASE_ROWS:
        return next_row(s, out_event, err);
    case PHASE_END:
        return end_rows(s, out_event, err);
    case PHASE_DONE:
        break;
    }
    return SOURCE_ENDED;
}

/* ---- the rest ---- */

void pg_snapshot_tick(struct pg_snapshot *s, int64_t now_us)
{
    if (s->phase == PHASE_ROWS)
        pg_progress_tick(&s->progress, now_us);
}

size_t pg_snapshot_poll(struct pg_snapshot *s, struct pollfd *out, bool want_input)
{
    size_t count = 0;

    for (size_t i = 0; i < s->reader_count; i++)
        count += pg_copy_poll(&s->readers[i].copy, out + count, want_input);
    return count;
}

void pg_snapshot_release(struct pg_snapshot *s)
{
    pg_line_free(&s->lent);
    pg_line_free(&s->last);
    for (size_t i = 0; s->readings != NULL && i < s->export.table_count; i++)
        pg_line_free(&s->readings[i].held);
    for (size_t i = 0; i < s->reader_count; i++)
        pg_copy_close(&s->readers[i].copy);
    s->reader_count = 0;
    arena_done(&s->scratch);
    pg_export_release(&s->export);
}

void pg_snapshot_close(struct pg_snapshot *s)
{
    if (s == NULL)
        return;
    pg_snapshot_release(s);
    pg_export_close(&s->export);
    free(s->readings);
    free(s->readers);
    free(s);
}
