#include "sinks/change_records.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "millrace/arena.h"
#include "millrace/lsn.h"
#include "sinks/encoding.h"
#include "sinks/recorder_state.h"

#define NUMBER_BYTES 24

/* One event on its way. */
struct making {
    struct recorder *r;
    const struct event *event;
    const struct relation *relation;
    struct plan *plan;
    struct error *err;
};

static bool fail_limit(const struct making *m)
{
    return error_set(m->err, ERROR_CONFIG,
                     "table %.*s.%.*s: a record at LSN %s is larger than the limit of %zu bytes: "
                     "raise limits.record",
                     SLICE_ARGS(m->relation->schema), SLICE_ARGS(m->relation->name),
                     lsn_format(m->event->lsn).text, m->r->options.record_limit_bytes);
}

static bool fail_write(const struct making *m, const struct buf *out,
                       const struct plan_fault *fault)
{
    const struct column *c = &m->relation->columns[fault->column];
    struct encoding *e = m->r->encoding;
    const char *type = c->type == NULL ? "?" : (const char *)c->type->name.at;
    int type_len = c->type == NULL ? 1 : (int)c->type->name.len;

    if (fault->null && encoding_loosen(e, m->relation, fault->column)) {
        m->r->loosened = true; /* recorder.c tries again */
        return false;
    }
    if (fault->unhidden)
        return error_set(m->err, ERROR_SYSTEM,
                         "table %.*s.%.*s, column %.*s: its value at LSN %s cannot be hashed: no "
                         "memory, or OpenSSL has failed",
                         SLICE_ARGS(m->relation->schema), SLICE_ARGS(m->relation->name),
                         SLICE_ARGS(c->name), lsn_format(m->event->lsn).text);
    if (out->failed || e->json.work.failed || e->json.element.failed)
        return fail_limit(m);
    if (fault->unfit)
        return error_set(
            m->err, ERROR_DATA,
            "table %.*s.%.*s, column %.*s: with encoding %s the schema of type %.*s (oid %lu) has "
            "no form for the value at LSN %s: make it text (types.decimal: string, types.time: "
            "isostring), leave the column out (columns.exclude), or use encoding json",
            SLICE_ARGS(m->relation->schema), SLICE_ARGS(m->relation->name), SLICE_ARGS(c->name),
            e->ops->name, type_len, type, (unsigned long)c->type_oid,
            lsn_format(m->event->lsn).text);
    return error_set(
        m->err, ERROR_DATA,
        "table %.*s.%.*s, column %.*s: cannot read its value of type %.*s (oid %lu) at "
        "LSN %s",
        SLICE_ARGS(m->relation->schema), SLICE_ARGS(m->relation->name), SLICE_ARGS(c->name),
        type_len, type, (unsigned long)c->type_oid, lsn_format(m->event->lsn).text);
}

static bool write_change(const struct making *m, const struct image *before,
                         const struct image *after, char op, struct buf *out)
{
    struct plan_fault fault = {0};

    if (!side_records_change(&m->r->side, m->event, m->relation, m->plan, &m->r->records, m->err))
        return false;
    if (!plan_write_change(m->plan, m->r->encoding, before, after, out, &fault))
        return fail_write(m, out, &fault);
    if (m->r->flat != NULL)
        plan_write_told(m->plan, m->r->encoding, m->event, op, out);
    else
        m->r->encoding->ops->tail(m->r->encoding, m->plan, m->event, op, out);
    return !out->failed || fail_limit(m);
}

static bool write_key(const struct making *m, const struct image *image, struct buf *out)
{
    struct plan_fault fault = {0};

    if (m->plan->key.count == 0)
        return true;
    return plan_write_key(m->plan, m->r->encoding, image, out, &fault) ||
           fail_write(m, out, &fault);
}

static struct record *add_record(const struct making *m, const struct buf *key, struct buf *value)
{
    struct record *record = recorder_add(m->r, m->plan->topic, m->relation);

    if (record == NULL)
        return NULL;
    if (key != NULL && m->plan->key.count > 0) {
        record->has_key = true;
        record->key = buf_view(key);
        record->partition_key = recorder_partition_key(record->key, &m->plan->key_frame);
    }
    if (value != NULL) {
        record->has_value = true;
        record->value = buf_view(value);
        record->value_buf = value;
    }
    return record;
}

static void add_header(struct record *record, const char *name, struct slice value)
{
    if (record == NULL)
        return;
    assert(record->header_count < RECORD_HEADERS_MAX);
    record->headers[record->header_count++] = (struct header){name, value};
}

/* Records of one event may differ in it: each has its own place in the transaction. */
static struct slice number_text(struct recorder *r, int64_t number)
{
    char *digits = arena_alloc(&r->numbers, NUMBER_BYTES);
    int len;

    if (digits == NULL) {
        r->records.failed = true; /* recorder_make() tells */
        return slice_text("");
    }
    len = snprintf(digits, NUMBER_BYTES, "%" PRId64, number);
    return slice_of(digits, (size_t)len);
}

/* What the options want told of every change, but for what is null. */
static void add_told_headers(const struct making *m, struct record *record, char op)
{
    const struct flat_subject subject = {m->plan->schema, m->plan->table, m->event, op,
                                         m->r->encoding->transaction};
    struct flat *flat = m->r->flat;

    for (size_t i = 0; i < flat->header_count; i++) {
        struct told told = flat_tell(flat, &flat->headers[i], &subject);

        if (told.kind == TOLD_NULL)
            continue;
        if (told.kind == TOLD_NUMBER)
            told.text = number_text(m->r, told.number);
        add_header(record, flat->headers[i].name, told.text);
    }
}

/* A record of a change with all its headers.  VALUE at NULL: the tombstone behind a delete; moved:
 * the header of a key change, NULL: it is none. */
static void add_change(const struct making *m, char op, const struct buf *key, struct buf *value,
                       const struct header *moved)
{
    struct record *record = add_record(m, key, value);
    struct buf *names = &m->r->encoding->unavailable;

    if (moved != NULL)
        add_header(record, moved->name, moved->value);
    for (size_t i = 0; i < m->r->context_count; i++)
        add_header(record, m->r->context[i].name, m->r->context[i].value);
    if (m->r->flat != NULL)
        add_told_headers(m, record, op);
    if (names->len > 0 && op != 'd') { /* only a new row may lack something */
        buf_byte(names, ']');
        add_header(record, RECORD_HEADER_UNAVAILABLE, buf_view(names));
    }
}

static const struct image no_image = {0};

static bool make_insert(const struct making *m, char op)
{
    struct recorder *r = m->r;
    struct image after = {.row = &m->event->row};

    if (!write_key(m, &after, &r->keys[0]) ||
        !write_change(m, &no_image, &after, op, &r->values[0]))
        return false;
    add_change(m, op, &r->keys[0], &r->values[0], NULL);
    return true;
}

static struct image old_image(const struct event *event)
{
    return (struct image){.row = &event->old, .key_only = event->old_kind == OLD_KEY};
}

static bool write_delete(const struct making *m, const struct image *before)
{
    struct recorder *r = m->r;

    if (r->tells_deletes)
        return write_change(m, before, &no_image, 'd', &r->values[0]);
    return !r->tells_tombstones || /* which then are the change */
           side_records_change(&r->side, m->event, m->relation, m->plan, &r->records, m->err);
}

/* What was written, and the tombstone. */
static void add_delete(const struct making *m, const struct header *moved)
{
    struct recorder *r = m->r;

    if (r->tells_deletes)
        add_change(m, 'd', &r->keys[0], &r->values[0], moved);
    if (r->tells_tombstones)
        add_change(m, 'd', &r->keys[0], NULL, moved);
}

static bool make_delete(const struct making *m)
{
    struct image before = old_image(m->event);

    if (!write_key(m, &before, &m->r->keys[0]) || !write_delete(m, &before))
        return false;
    add_delete(m, NULL);
    return true;
}

/* Both keys as JSON, whatever the encoding is. */
static bool write_key_texts(const struct making *m, const struct image *before,
                            const struct image *after, struct slice out_texts[2])
{
    struct recorder *r = m->r;
    const struct image *images[2] = {before, after};
    struct plan_fault fault = {0};

    for (int i = 0; i < 2; i++)
        if (!plan_key_text(m->plan, r->encoding, images[i], buf_view(&r->keys[i]), &r->texts[i],
                           &out_texts[i], &fault))
            return fail_write(m, &r->texts[i], &fault);
    return true;
}

/* The same row under another key: gone there, new here.  Headers tell the other key, for followers
 * that want to rename instead of removing and adding. */
static bool make_key_change(const struct making *m, const struct image *before,
                            const struct image *after)
{
    struct recorder *r = m->r;
    struct slice texts[2]; /* of the old key and the new one */

    if (!write_key_texts(m, before, after, texts) || !write_delete(m, before))
        return false;
    add_delete(m, &(struct header){"__debezium.newkey", texts[1]});
    if (!write_change(m, &no_image, after, 'c', &r->values[1]))
        return false;
    add_change(m, 'c', &r->keys[1], &r->values[1], &(struct header){"__debezium.oldkey", texts[0]});
    return true;
}

/* An OLD_KEY row of the same key tells something new only of an index that holds more than the key.
 */
static bool tells_before(const struct making *m)
{
    return m->event->old_kind == OLD_FULL ||
           (m->event->old_kind == OLD_KEY && m->relation->identity == IDENTITY_INDEX);
}

static bool make_update(const struct making *m)
{
    struct recorder *r = m->r;
    bool has_old = m->event->old_kind != OLD_NONE;
    struct image before = has_old ? old_image(m->event) : no_image;
    struct image after = {.row = &m->event->row,
                          .older = has_old ? &m->event->old : NULL,
                          .older_key_only = m->event->old_kind == OLD_KEY};

    if (!write_key(m, &after, &r->keys[1]))
        return false;
    if (has_old && m->plan->key.count > 0) {
        if (!write_key(m, &before, &r->keys[0]))
            return false;
        if (!slice_equal(buf_view(&r->keys[0]), buf_view(&r->keys[1])))
            return make_key_change(m, &before, &after);
    }
    if (!write_change(m, tells_before(m) ? &before : &no_image, &after, 'u', &r->values[0]))
        return false;
    add_change(m, 'u', &r->keys[1], &r->values[0], NULL);
    return true;
}

/* Rows as wide as their relation, old rows where the kind says so: the source's promise. */
static bool check_rows(const struct making *m)
{
    const struct event *e = m->event;
    bool wants_row = e->kind != EVENT_DELETE;
    bool wants_old =
        e->kind == EVENT_DELETE || (e->kind == EVENT_UPDATE && e->old_kind != OLD_NONE);
    uint16_t columns = m->relation->column_count;

    if ((wants_row && (e->row.count != columns || (e->row.cells == NULL && columns > 0))) ||
        (wants_old && (e->old.count != columns || (e->old.cells == NULL && columns > 0))) ||
        (e->kind == EVENT_DELETE && e->old_kind == OLD_NONE))
        return error_set(m->err, ERROR_DATA, "table %.*s.%.*s: %s at LSN %s lacks columns",
                         SLICE_ARGS(m->relation->schema), SLICE_ARGS(m->relation->name),
                         event_kind_name(e->kind), lsn_format(e->lsn).text);
    return true;
}

/* Never the value itself. */
static void note_bad_values(const struct making *m)
{
    struct recorder *r = m->r;
    const struct encoding *e = r->encoding;

    if (r->bad_values == e->bad_values)
        return;
    r->bad_values = e->bad_values;
    (void)snprintf(r->bad_value_at, sizeof r->bad_value_at, "%.*s.%.*s.%.*s",
                   SLICE_ARGS(m->relation->schema), SLICE_ARGS(m->relation->name),
                   SLICE_ARGS(m->relation->columns[e->bad_column].name));
}

static bool make_change(const struct making *m)
{
    if (m->event->kind == EVENT_UPDATE)
        return make_update(m);
    if (m->event->kind == EVENT_DELETE)
        return make_delete(m);
    return make_insert(m, m->event->kind == EVENT_READ ? 'r' : 'c');
}

bool change_records_row(struct recorder *r, const struct event *event, struct plan *plan,
                        struct error *err)
{
    const struct making m = {r, event, event->relation, plan, err};

    if (!check_rows(&m) || !make_change(&m))
        return false;
    note_bad_values(&m);
    return true;
}

bool change_records_truncate(struct recorder *r, const struct event *event,
                             const struct relation *relation, struct plan *plan, struct error *err)
{
    const struct making m = {r, event, relation, plan, err};

    if (!write_change(&m, &no_image, &no_image, 't', &r->truncates))
        return false;
    add_change(&m, 't', NULL, &r->truncates, NULL);
    return true;
}

void change_records_part(struct recorder *r)
{
    struct record *records = (struct record *)(void *)r->records.at;
    size_t start = 0;

    for (size_t i = 0; i < r->records.len / sizeof *records; i++) {
        size_t end = records[i].value.len; /* of all so far */

        if (records[i].value_buf != &r->truncates) /* a side record */
            continue;
        records[i].value = slice_of(r->truncates.at + start, end - start);
        records[i].value_buf = NULL;
        start = end;
    }
}
