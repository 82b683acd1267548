#include "sinks/recorder.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/arena.h"
#include "millrace/buf.h"
#include "millrace/lsn.h"
#include "millrace/mem.h"
#include "sinks/encoding.h"
#include "sinks/plan.h"
#include "sinks/route.h"
#include "sinks/schema_registry.h"
#include "sinks/side_records.h"
#include "sinks/table.h"
#include "sinks/topics.h"

#define PLACE_BYTES 256 /* three names of 63 bytes, and words */
#define NUMBER_BYTES 24
#define KEEP_BYTES ((size_t)1 << 20) /* of each buffer, from event to event */

/*
 * The records of one event point into these; all are emptied by the next event.
 *
 *     keys[0]    the key, or the old key      values[0]    the change, or the delete
 *     keys[1]    the new key                  values[1]    the create behind a delete
 *     texts[0], texts[1]    the same keys as JSON, where the encoding is not
 */
struct recorder {
    struct recorder_options options;
    char *owned[7]; /* what options points to */
    struct encoding *encoding;
    struct flat *flat; /* NULL: rows in envelopes */
    struct rules *rules;
    struct routes *routes;
    struct topics topics;
    struct table plans;     /* of struct plan, by relation->oid */
    struct plan *last_plan; /* most events come in runs of one table */
    struct topic *messages; /* made with the first message */
    bool loosened; /* the plan in use is to be made again: it has NOT NULL where a NULL came */
    uint64_t bad_values,
        bad_values_taken; /* of the encoding; up to the last event that was taken */
    char bad_value_at[PLACE_BYTES];
    bool tells_deletes, tells_tombstones, tells_truncates; /* by records? */
    struct arena numbers; /* as text, of the headers of one event */
    struct side_records side;
    bool is_open;             /* made, and not taken yet */
    struct header context[4]; /* Debezium's context headers */
    size_t context_count;
    struct buf keys[2];
    struct buf texts[2];
    struct buf values[2];
    struct buf truncates; /* values of one event, as many as it has tables */
    struct buf records;   /* of struct record */
};

/* Which records a delete makes, and whether a truncate makes any. */
static void choose_records(struct recorder *r)
{
    const struct recorder_options *o = &r->options;
    struct error err = {0};

    r->tells_deletes = true;
    r->tells_tombstones = o->tombstones;
    r->tells_truncates = o->truncates;
    arena_init(&r->numbers, SIZE_MAX);
    if (o->envelope != ENVELOPE_FLAT)
        return;
    r->flat = flat_create(&o->flat, r->encoding->names, &err);
    assert(r->flat != NULL); /* whoever made the options has checked them */
    r->flat->topic_prefix = o->topic_prefix;
    r->flat->database = o->database;
    r->encoding->flat = r->flat;
    r->tells_deletes = flat_keeps_deletes(r->flat);
    r->tells_tombstones = flat_makes_tombstones(r->flat, o->tombstones);
    r->tells_truncates = o->truncates && flat_tells_op(r->flat);
}

/* As Kafka Connect's worker tells Debezium who it is. */
static void set_context(struct recorder *r)
{
    const struct header headers[] = {
        {"__debezium.context.connectorLogicalName", slice_text(r->options.topic_prefix)},
        {"__debezium.context.taskId", slice_text("0")},
        {"__debezium.context.connectorName", slice_text("postgresql")},
        {"__debezium.context.runId", slice_text(r->options.run_id)}};

    memcpy(r->context, headers, sizeof headers);
    r->context_count = ARRAY_LEN(headers);
}

struct recorder *recorder_create(const struct recorder_options *options)
{
    struct recorder *r = mem_new(struct recorder);
    struct error err = {0};
    size_t limit = options->record_limit_bytes;

    r->options = *options;
    r->options.topic_prefix = r->owned[0] = mem_text(options->topic_prefix);
    r->options.topic_delimiter = r->owned[1] = mem_text(options->topic_delimiter);
    r->options.database = r->owned[2] = mem_text(options->database);
    r->options.unavailable_value_placeholder = r->owned[3] =
        mem_text(options->unavailable_value_placeholder);
    r->options.transaction_topic = r->owned[4] = mem_text(options->transaction_topic);
    r->options.heartbeat_prefix = r->owned[5] = mem_text(options->heartbeat_prefix);
    r->options.run_id = r->owned[6] = mem_text(options->run_id);
    r->rules = rules_create(&options->rules, &err);
    r->routes = routes_create(&options->routes, &err);
    assert(r->rules != NULL && r->routes != NULL); /* whoever made the options has checked them */
    r->encoding = encoding_create(&r->options);
    r->encoding->rules = r->rules;
    choose_records(r);
    if (r->encoding->text != NULL)
        r->encoding->text->rules = r->rules;
    for (int i = 0; i < 2; i++) {
        buf_init(&r->keys[i], limit);
        buf_init(&r->texts[i], limit);
        buf_init(&r->values[i], limit);
    }
    buf_init(&r->truncates, SIZE_MAX);
    buf_init(&r->records, SIZE_MAX);
    side_records_init(&r->side, &r->options, r->encoding, &r->topics);
    if (r->options.run_id != NULL)
        set_context(r);
    return r;
}

static void destroy_plans(struct table *plans)
{
    for (size_t i = 0; i < plans->size; i++) {
        if (plans->slots[i].item != NULL)
            plan_done(plans->slots[i].item);
        free(plans->slots[i].item);
    }
    table_done(plans);
}

void recorder_destroy(struct recorder *r)
{
    if (r == NULL)
        return;
    for (int i = 0; i < 2; i++) {
        buf_done(&r->keys[i]);
        buf_done(&r->texts[i]);
        buf_done(&r->values[i]);
    }
    buf_done(&r->truncates);
    buf_done(&r->records);
    side_records_done(&r->side);
    destroy_plans(&r->plans);
    topics_done(&r->topics);
    encoding_destroy(r->encoding);
    flat_destroy(r->flat);
    arena_done(&r->numbers);
    rules_destroy(r->rules);
    routes_destroy(r->routes);
    schema_registry_destroy(r->options.registry);
    for (size_t i = 0; i < ARRAY_LEN(r->owned); i++)
        free(r->owned[i]);
    free(r);
}

static bool has_oid(const void *item, const void *key)
{
    const struct plan *plan = item;
    const uint32_t *oid = key;

    return plan->oid == *oid;
}

static struct topic *topic_of(struct recorder *r, const struct relation *relation,
                              struct error *err)
{
    struct topic_name name;
    const char *rule;

    if (!topic_name_of_table(r->options.topic_prefix, r->options.topic_delimiter, relation->schema,
                             relation->name, &name, err) ||
        !routes_apply(r->routes, &name, &rule, err))
        return NULL;
    if (rule != NULL) /* one for all tables that the rule leads there */
        return topics_get(&r->topics, &name, slice_text("topics.route"), slice_text(rule), err);
    return topics_get(&r->topics, &name, relation->schema, relation->name, err);
}

static struct plan *make_plan(struct recorder *r, const struct relation *relation,
                              struct plan *known, struct error *err)
{
    struct topic *topic = topic_of(r, relation, err);
    struct plan *plan = known;

    if (topic == NULL)
        return NULL;
    if (plan == NULL) {
        plan = mem_new(struct plan);
        plan->oid = relation->oid;
        table_add(&r->plans, relation->oid, plan);
    }
    if (!plan_compile(plan, relation, topic, r->encoding, err)) {
        plan->oid = relation->oid; /* stays findable; id 0 is no relation's */
        return NULL;
    }
    return plan;
}

static struct plan *plan_of(struct recorder *r, const struct relation *relation, struct error *err)
{
    struct plan *plan = r->last_plan;

    if (plan != NULL && plan->oid == relation->oid && plan->id == relation->id)
        return plan;
    plan = table_find(&r->plans, relation->oid, has_oid, &relation->oid);
    if (plan == NULL || plan->id != relation->id)
        plan = make_plan(r, relation, plan, err);
    r->last_plan = plan;
    return plan;
}

const struct plan *recorder_plan(struct recorder *r, const struct relation *relation,
                                 struct error *err)
{
    return plan_of(r, relation, err);
}

struct topic *recorder_topic(struct recorder *r, const struct relation *relation, struct error *err)
{
    struct plan *plan = plan_of(r, relation, err);

    return plan == NULL ? NULL : plan->topic;
}

void recorder_each_topic(struct recorder *r, void (*visit)(struct topic *topic, void *context),
                         void *context)
{
    topics_each(&r->topics, visit, context);
}

/* Forgets the records of the event before; undo: and that there were any beside those of rows. */
static void begin_event(struct recorder *r, bool undo)
{
    json_value_trim(&r->encoding->json, KEEP_BYTES);
    for (int i = 0; i < 2; i++) {
        buf_reset(&r->keys[i], KEEP_BYTES);
        buf_reset(&r->texts[i], KEEP_BYTES);
        buf_reset(&r->values[i], KEEP_BYTES);
    }
    buf_reset(&r->truncates, KEEP_BYTES);
    buf_reset(&r->records, KEEP_BYTES);
    buf_reset(&r->encoding->unavailable, KEEP_BYTES);
    if (r->flat != NULL)
        arena_reset(&r->numbers);
    side_records_reset(&r->side, undo);
    r->bad_values = r->encoding->bad_values = r->bad_values_taken;
}

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
        m->r->loosened = true; /* make_row() tries again */
        return false;
    }
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

/* Without what frames it. */
static struct slice partition_key(struct slice key, const struct key_frame *frame)
{
    return slice_of(key.at + frame->head, key.len - frame->head - frame->tail);
}

/* NULL without memory, which recorder_make() tells.  Headers are not zeroed: there is room for
 * many, and most records have none. */
static struct record *new_record(struct recorder *r, struct topic *topic,
                                 const struct relation *relation)
{
    struct record *record = (struct record *)(void *)buf_room(&r->records, sizeof *record);

    if (record == NULL)
        return NULL;
    r->records.len += sizeof *record;
    memset(record, 0, offsetof(struct record, headers));
    record->topic = topic;
    record->relation = relation;
    return record;
}

static struct record *add_record(const struct making *m, const struct buf *key, struct buf *value)
{
    struct record *record = new_record(m->r, m->plan->topic, m->relation);

    if (record == NULL)
        return NULL;
    if (key != NULL && m->plan->key.count > 0) {
        record->has_key = true;
        record->key = buf_view(key);
        record->partition_key = partition_key(record->key, &m->plan->key_frame);
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

static bool make_row(struct recorder *r, const struct event *event, struct error *err)
{
    struct making m = {r, event, event->relation, plan_of(r, event->relation, err), err};

    if (m.plan == NULL || !check_rows(&m))
        return false;
    while (!make_change(&m)) {
        if (!r->loosened)
            return false;
        r->loosened = false;
        begin_event(r, true);
        m.plan = make_plan(r, event->relation, m.plan, err);
        if (m.plan == NULL)
            return false;
    }
    note_bad_values(&m);
    return true;
}

/* One record for each table; their values stand one behind the other, so that each is cut out only
 * when none will move any more. */
static bool make_truncate(struct recorder *r, const struct event *event, struct error *err)
{
    struct buf *out = &r->truncates;
    struct record *records;
    size_t start = 0;

    for (uint32_t i = 0; i < event->truncated_count; i++) {
        const struct relation *relation = event->truncated[i];
        struct making m = {r, event, relation, plan_of(r, relation, err), err};

        if (m.plan == NULL || !write_change(&m, &no_image, &no_image, 't', out))
            return false;
        add_change(&m, 't', NULL, out, NULL);
    }
    records = (struct record *)(void *)r->records.at;
    for (size_t i = 0; i < r->records.len / sizeof *records; i++) {
        size_t end = records[i].value.len; /* of all so far */

        if (records[i].value_buf != out) /* a side record */
            continue;
        records[i].value = slice_of(out->at + start, end - start);
        records[i].value_buf = NULL;
        start = end;
    }
    return true;
}

static bool make_message(struct recorder *r, const struct event *event, struct error *err)
{
    const struct slice nobody = {NULL, 0};
    struct topic_name name;
    struct key_frame frame;
    struct record *record;

    if (r->messages == NULL) {
        if (!topic_name_of_parts(r->options.topic_prefix, r->options.topic_delimiter, "message",
                                 &name, err))
            return false;
        r->messages = topics_get(&r->topics, &name, nobody, nobody, err);
        if (r->messages == NULL)
            return false;
    }
    if (!side_records_message(&r->side, event, &r->records, err) ||
        !r->encoding->ops->message(r->encoding, r->messages, event, &r->keys[0], &r->values[0],
                                   &frame, err))
        return false;
    if (r->keys[0].failed || r->values[0].failed)
        return error_set(
            err, ERROR_CONFIG,
            "the logical message at LSN %s makes a record larger than the limit of %zu "
            "bytes: raise limits.record",
            lsn_format(event->lsn).text, r->options.record_limit_bytes);
    record = new_record(r, r->messages, NULL);
    if (record == NULL)
        return true;
    record->has_key = record->has_value = true;
    record->key = buf_view(&r->keys[0]);
    record->partition_key = partition_key(record->key, &frame);
    record->value = buf_view(&r->values[0]);
    return true;
}

static bool make(struct recorder *r, const struct event *event, struct error *err)
{
    if (rules_skip(r->rules, event))
        return true;
    switch (event->kind) {
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_DELETE:
    case EVENT_READ:
        return make_row(r, event, err);
    case EVENT_TRUNCATE:
        return !r->tells_truncates || make_truncate(r, event, err);
    case EVENT_MESSAGE:
        return make_message(r, event, err);
    case EVENT_COMMIT:
        return side_records_commit(&r->side, event, &r->records, err);
    case EVENT_HEARTBEAT:
        return side_records_heartbeat(&r->side, event, &r->records, err);
    case EVENT_BEGIN:
    case EVENT_SNAPSHOT_BEGIN:
    case EVENT_SNAPSHOT_END:
    case EVENT_RELATION:
    case EVENT_PROGRESS:
        break;
    }
    return true;
}

bool recorder_make(struct recorder *r, const struct event *event, struct records *out,
                   struct error *err)
{
    begin_event(r, r->is_open);
    r->is_open = true;
    *out = (struct records){.bad_values = r->bad_values, .bad_value_at = r->bad_value_at};
    if (event->repeated && !r->options.transaction_metadata)
        return true; /* nobody counts */
    if (!make(r, event, err))
        return false;
    if (r->records.failed || r->encoding->unavailable.failed)
        return error_set(err, ERROR_SYSTEM, "no memory for the records of an event");
    if (!event->repeated)
        *out = (struct records){(const struct record *)(const void *)r->records.at,
                                r->records.len / sizeof(struct record), r->bad_values,
                                r->bad_value_at};
    return true;
}

void recorder_taken(struct recorder *r)
{
    side_records_keep(&r->side);
    r->bad_values_taken = r->bad_values;
    r->is_open = false;
}
