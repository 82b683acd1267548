#include "sinks/recorder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/lsn.h"
#include "millrace/mem.h"
#include "sinks/change_records.h"
#include "sinks/recorder_state.h"
#include "sinks/schema_registry.h"

#define KEEP_BYTES ((size_t)1 << 20) /* of each buffer, from event to event */

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

/* Headers are not zeroed: there is room for many, and most records have none. */
struct record *recorder_add(struct recorder *r, struct topic *topic,
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

static bool make_row(struct recorder *r, const struct event *event, struct error *err)
{
    struct plan *plan = plan_of(r, event->relation, err);

    if (plan == NULL)
        return false;
    while (!change_records_row(r, event, plan, err)) {
        if (!r->loosened)
            return false;
        r->loosened = false;
        begin_event(r, true);
        plan = make_plan(r, event->relation, plan, err);
        if (plan == NULL)
            return false;
    }
    return true;
}

static bool make_truncate(struct recorder *r, const struct event *event, struct error *err)
{
    for (uint32_t i = 0; i < event->truncated_count; i++) {
        const struct relation *relation = event->truncated[i];
        struct plan *plan = plan_of(r, relation, err);

        if (plan == NULL || !change_records_truncate(r, event, relation, plan, err))
            return false;
    }
    change_records_part(r);
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
    record = recorder_add(r, r->messages, NULL);
    if (record == NULL)
        return true;
    record->has_key = record->has_value = true;
    record->key = buf_view(&r->keys[0]);
    record->partition_key = recorder_partition_key(record->key, &frame);
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
