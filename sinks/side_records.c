#include "sinks/side_records.h"

#include "sinks/encoding.h"
#include "sinks/json_write.h"
#include "sinks/topic_name.h"

void side_records_init(struct side_records *s, const struct recorder_options *options,
                       struct encoding *encoding, struct topics *topics)
{
    *s = (struct side_records){
        .options = options, .encoding = encoding, .topics_of_recorder = topics};
    transactions_init(&s->transactions);
    for (int kind = 0; kind < SIDE_KINDS; kind++) {
        buf_init(&s->topics[kind].key_head, SIZE_MAX);
        buf_init(&s->topics[kind].value_head, SIZE_MAX);
    }
    buf_init(&s->told, SIZE_MAX);
    buf_init(&s->told_relations, SIZE_MAX);
    arena_init(&s->arena, SIZE_MAX);
    buf_init(&s->key_json, options->record_limit_bytes);
    buf_init(&s->value_json, options->record_limit_bytes);
    buf_init(&s->key, options->record_limit_bytes);
    buf_init(&s->value, options->record_limit_bytes);
}

void side_records_done(struct side_records *s)
{
    transactions_done(&s->transactions);
    relation_history_done(&s->history);
    for (int kind = 0; kind < SIDE_KINDS; kind++) {
        buf_done(&s->topics[kind].key_head);
        buf_done(&s->topics[kind].value_head);
    }
    buf_done(&s->told);
    buf_done(&s->told_relations);
    arena_done(&s->arena);
    buf_done(&s->key_json);
    buf_done(&s->value_json);
    buf_done(&s->key);
    buf_done(&s->value);
}

static void undo_last(struct side_records *s)
{
    struct plan **plans = (struct plan **)(void *)s->told.at;

    transactions_undo(&s->transactions);
    for (size_t i = 0; i < s->told.len / sizeof(struct plan *); i++)
        plans[i]->described = false;
    s->told.len = s->told_relations.len = 0;
}

void side_records_reset(struct side_records *s, bool undo)
{
    if (undo)
        undo_last(s);
    s->encoding->transaction = NULL;
    if (s->arena.used_bytes > 0)
        arena_reset(&s->arena);
}

/* ---- topics */

/* The option that asks for them: what is named when a table has the topic's name. */
static const char *option_of(enum side_kind kind)
{
    switch (kind) {
    case SIDE_TRANSACTION:
        return "transactions.metadata";
    case SIDE_HEARTBEAT:
        return "heartbeat.interval";
    case SIDE_RELATION:
        break;
    }
    return "topics.relations";
}

static bool name_of(const struct side_records *s, enum side_kind kind, struct topic_name *out,
                    struct error *err)
{
    const struct recorder_options *o = s->options;

    switch (kind) {
    case SIDE_TRANSACTION:
        return topic_name_of_parts(o->topic_prefix, o->topic_delimiter, o->transaction_topic, out,
                                   err);
    case SIDE_HEARTBEAT:
        return topic_name_of_parts(o->heartbeat_prefix, o->topic_delimiter, o->topic_prefix, out,
                                   err);
    case SIDE_RELATION:
        break;
    }
    return topic_name_of_parts(o->topic_prefix, o->topic_delimiter, "relations", out, err);
}

static struct side_topic *topic_of(struct side_records *s, enum side_kind kind, struct error *err)
{
    struct side_topic *t = &s->topics[kind];
    struct topic_name name;

    if (t->topic != NULL)
        return t;
    if (!name_of(s, kind, &name, err))
        return NULL;
    t->topic = topics_get(s->topics_of_recorder, &name, slice_text("option"),
                          slice_text(option_of(kind)), err);
    if (t->topic == NULL)
        return NULL;
    t->topic->is_single = true;
    if (s->encoding->ops->side_heads(s->encoding, &side_schemas[kind], t, err))
        return t;
    t->topic = NULL;
    return NULL;
}

/* ---- records */

static bool copy_out(struct side_records *s, const struct side_topic *t, struct record *out)
{
    *out = (struct record){.topic = t->topic, .has_key = true, .has_value = true};
    if (s->key.failed || s->value.failed || !arena_copy(&s->arena, buf_view(&s->key), &out->key) ||
        !arena_copy(&s->arena, buf_view(&s->value), &out->value))
        return false;
    out->partition_key =
        slice_of(out->key.at + t->frame.head, out->key.len - t->frame.head - t->frame.tail);
    return true;
}

/* The record of what stands in key_json and value_json. */
static bool add(struct side_records *s, enum side_kind kind, struct buf *records, struct error *err)
{
    struct side_topic *t = topic_of(s, kind, err);
    struct record record;
    bool written;

    if (t == NULL)
        return false;
    buf_reset(&s->key, SIZE_MAX);
    buf_reset(&s->value, SIZE_MAX);
    written = !s->key_json.failed && !s->value_json.failed &&
              s->encoding->ops->side(s->encoding, &side_schemas[kind], t, &s->key_json,
                                     &s->value_json, &s->key, &s->value) &&
              copy_out(s, t, &record);
    if (!written)
        return error_set(err, ERROR_CONFIG,
                         "a record for topic %s is larger than the limit of %zu bytes: raise "
                         "limits.record, or switch %s off",
                         t->topic->name, s->options->record_limit_bytes, option_of(kind));
    buf_append(records, &record, sizeof record);
    return true;
}

static void begin_json(struct side_records *s)
{
    buf_reset(&s->key_json, SIZE_MAX);
    buf_reset(&s->value_json, SIZE_MAX);
}

static bool add_begin(struct side_records *s, const struct event *event, struct buf *records,
                      struct error *err)
{
    begin_json(s);
    transactions_write_key(&s->transactions, &s->key_json);
    transactions_write_begin(&s->transactions, event, &s->value_json);
    return add(s, SIDE_TRANSACTION, records, err);
}

static bool count(struct side_records *s, const struct event *event, struct collection *collection,
                  struct buf *records, struct error *err)
{
    bool first = transactions_count(&s->transactions, event, collection, &s->block);

    s->encoding->transaction = &s->block;
    return !first || add_begin(s, event, records, err);
}

static bool tell_relation(struct side_records *s, const struct event *event,
                          const struct relation *relation, struct plan *plan, struct buf *records,
                          struct error *err)
{
    begin_json(s);
    plan->described = true;
    buf_append(&s->told, &plan, sizeof(struct plan *));
    buf_append(&s->told_relations, &relation, sizeof(const struct relation *));
    return !relation_history_tell(&s->history, event, relation, &s->key_json, &s->value_json) ||
           add(s, SIDE_RELATION, records, err);
}

bool side_records_change(struct side_records *s, const struct event *event,
                         const struct relation *relation, struct plan *plan, struct buf *records,
                         struct error *err)
{
    if (s->options->relation_changes && !event->repeated && !plan->described &&
        !tell_relation(s, event, relation, plan, records, err))
        return false;
    if (!s->options->transaction_metadata || event->commit_lsn == 0)
        return true;
    if (plan->collection == NULL)
        plan->collection =
            transactions_collection(&s->transactions, relation->schema, relation->name);
    return count(s, event, plan->collection, records, err);
}

bool side_records_message(struct side_records *s, const struct event *event, struct buf *records,
                          struct error *err)
{
    if (!s->options->transaction_metadata || event->commit_lsn == 0)
        return true;
    if (s->messages == NULL)
        s->messages = transactions_collection(&s->transactions, (struct slice){NULL, 0},
                                              slice_text("message"));
    return count(s, event, s->messages, records, err);
}

bool side_records_commit(struct side_records *s, const struct event *event, struct buf *records,
                         struct error *err)
{
    if (!s->options->transaction_metadata || !transactions_began(&s->transactions, event))
        return true;
    begin_json(s);
    transactions_write_key(&s->transactions, &s->key_json);
    transactions_write_end(&s->transactions, event, &s->value_json);
    return add(s, SIDE_TRANSACTION, records, err);
}

bool side_records_heartbeat(struct side_records *s, const struct event *event, struct buf *records,
                            struct error *err)
{
    begin_json(s);
    JSON_CONSTANT(&s->key_json, "{\"serverName\":");
    json_text(&s->key_json, slice_text(s->options->topic_prefix));
    buf_byte(&s->key_json, '}');
    JSON_CONSTANT(&s->value_json, "{\"ts_ms\":");
    json_i64(&s->value_json, event->seen_ns / 1000000);
    buf_byte(&s->value_json, '}');
    return add(s, SIDE_HEARTBEAT, records, err);
}

void side_records_keep(struct side_records *s)
{
    const struct relation **relations = (const struct relation **)(void *)s->told_relations.at;

    transactions_keep(&s->transactions);
    for (size_t i = 0; i < s->told_relations.len / sizeof(const struct relation *); i++)
        relation_history_keep(&s->history, relations[i]);
    s->told.len = s->told_relations.len = 0;
}
