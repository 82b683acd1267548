#include <stdlib.h>

#include "millrace/mem.h"
#include "sinks/avro_cell.h"
#include "sinks/avro_envelope.h"
#include "sinks/avro_json.h"
#include "sinks/avro_schema.h"
#include "sinks/avro_write.h"
#include "sinks/encoding.h"
#include "sinks/schema_registry.h"
#include "sinks/side_records.h"

#define HEAD_BYTES 5u /* 00, then the schema's id, big-endian */
#define SCRATCH_BYTES ((size_t)1 << 16)

struct avro_encoding {
    struct encoding base;
    struct avro_cell value;
    enum avro_types types;
    enum subject_strategy subjects;
    struct schema_registry *registry;
    struct avro_envelope envelope;
    struct buf text; /* while compiling */
    bool knows_messages;
    uint32_t message_key_id, message_id;
};

static struct avro_encoding *avro_of(struct encoding *e)
{
    return (struct avro_encoding *)e;
}

/* A constant of a column from its JSON; at NULL where the schema cannot hold it. */
static bool keep_json(struct avro_encoding *a, struct arena *arena, struct slice json,
                      const struct connect_schema *schema, struct slice *out)
{
    a->text.len = 0;
    *out = (struct slice){NULL, 0};
    if (!avro_json_write(json, schema, &a->value.scratch, &a->text))
        return !a->text.failed;
    return arena_copy(arena, buf_view(&a->text), out);
}

static bool avro_column(struct encoding *e, struct arena *arena, const struct column_texts *texts,
                        struct plan_column *out)
{
    static const uint8_t branches[] = {0, 2};
    struct avro_encoding *a = avro_of(e);
    const struct connect_schema *schema = out->schema;

    if (schema->optional) {
        out->lead = slice_of(&branches[avro_value_branch(schema) / 2], 1);
        out->null = slice_of(&branches[avro_null_branch(schema) / 2], 1);
    }
    if (!keep_json(a, arena, texts->absent, schema, &out->absent))
        return false;
    if (texts->unknown.at == NULL)
        return true;
    if (!keep_json(a, arena, texts->unknown, schema, &out->unknown))
        return false;
    if (out->unknown.at == NULL) /* null in a column that is NOT NULL */
        out->unknown = out->absent;
    return true;
}

static bool subject_of(const struct avro_encoding *a, const struct topic *topic,
                       const struct connect_schema *schema, const char *part, struct buf *out)
{
    buf_reset(out, SIZE_MAX);
    if (a->subjects != SUBJECT_RECORD)
        buf_text(out, topic->name);
    if (a->subjects == SUBJECT_TOPIC)
        buf_text(out, part);
    if (a->subjects == SUBJECT_TOPIC_RECORD)
        buf_byte(out, '-');
    if (a->subjects != SUBJECT_TOPIC)
        buf_slice(out, schema->name);
    buf_byte(out, '\0');
    return !out->failed;
}

/* Looks the schema up, or registers it. */
static bool id_of(struct avro_encoding *a, const struct topic *topic,
                  const struct connect_schema *schema, const char *part, uint32_t *out_id,
                  struct error *err)
{
    struct buf subject, text;
    bool found;

    if (a->registry == NULL)
        return error_set(err, ERROR_CONFIG,
                         "encoding avro needs a schema registry: set schema_registry.url or "
                         "schema_registry.directory");
    buf_init(&subject, SIZE_MAX);
    buf_init(&text, SIZE_MAX);
    avro_schema_write(schema, a->types, &text);
    if (!subject_of(a, topic, schema, part, &subject) || text.failed)
        found = error_set(err, ERROR_SYSTEM, "no memory for the schema of topic %s", topic->name);
    else
        found = a->registry->ops->id_of(a->registry, (const char *)subject.at, buf_view(&text),
                                        out_id, err);
    buf_done(&subject);
    buf_done(&text);
    return found;
}

static bool keep_head(struct arena *arena, uint32_t id, struct slice *out)
{
    const uint8_t head[HEAD_BYTES] = {0, (uint8_t)(id >> 24), (uint8_t)(id >> 16),
                                      (uint8_t)(id >> 8), (uint8_t)id};

    return arena_copy(arena, slice_of(head, sizeof head), out);
}

/* Both names as Avro. */
static bool keep_table(struct avro_encoding *a, struct plan *plan)
{
    a->text.len = 0;
    avro_write_bytes(&a->text, plan->schema);
    avro_write_bytes(&a->text, plan->table);
    return !a->text.failed && arena_copy(&plan->arena, buf_view(&a->text), &plan->source_table);
}

static bool avro_heads(struct encoding *e, struct plan *plan, struct error *err)
{
    struct avro_encoding *a = avro_of(e);
    uint32_t key = 0, value = 0;

    if ((plan->key_schema != NULL && !id_of(a, plan->topic, plan->key_schema, "-key", &key, err)) ||
        !id_of(a, plan->topic, plan->value_schema, "-value", &value, err))
        return error_wrap(err, "table %.*s.%.*s", SLICE_ARGS(plan->schema),
                          SLICE_ARGS(plan->table));
    plan->key_frame = (struct key_frame){HEAD_BYTES, 0};
    return (keep_head(&plan->arena, key, &plan->key_head) &&
            keep_head(&plan->arena, value, &plan->value_head) && keep_table(a, plan)) ||
           error_set(err, ERROR_CONFIG, "table %.*s.%.*s: its description is too large",
                     SLICE_ARGS(plan->schema), SLICE_ARGS(plan->table));
}

static enum encode_outcome avro_write_value(struct encoding *e, const struct plan_column *column,
                                            struct slice text, struct buf *out)
{
    return avro_cell_write(&avro_of(e)->value, &column->semantic, column->schema, text, out);
}

static void avro_tail(struct encoding *e, const struct plan *plan, const struct event *event,
                      char op, struct buf *out)
{
    avro_envelope_write_source(&avro_of(e)->envelope, event, plan->source_table, out);
    avro_envelope_write_tail(&avro_of(e)->envelope, event, op, e->transaction, out);
}

/* Avro's fields have no names. */
static void avro_told_lead(struct slice name, struct buf *out)
{
    (void)name;
    (void)out;
}

static void avro_told_value(const struct told *told, struct buf *out)
{
    buf_byte(out, told->kind == TOLD_NULL ? AVRO_BRANCH_NULL : AVRO_BRANCH_VALUE);
    if (told->kind == TOLD_NUMBER)
        avro_write_long(out, told->number);
    else if (told->kind == TOLD_TEXT)
        avro_write_bytes(out, told->text);
}

static void write_head(uint32_t id, struct buf *out)
{
    buf_byte(out, 0);
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_byte(out, (uint8_t)(id >> shift));
}

/* Bytes, or the JSON string of them without its quotes. */
static void write_content(struct encoding *e, struct slice content, struct buf *out)
{
    struct buf *text = &e->json.work;

    if (e->types.binary == BINARY_BYTES) {
        avro_write_bytes(out, content);
        return;
    }
    text->len = 0;
    json_bytes(text, content, e->types.binary);
    if (text->failed)
        out->failed = true; /* larger than any record may be */
    else
        avro_write_bytes(out, slice_of(text->at + 1, text->len - 2));
}

static bool avro_message(struct encoding *e, const struct topic *topic, const struct event *event,
                         struct buf *key, struct buf *value, struct key_frame *out_frame,
                         struct error *err)
{
    static const uint8_t no_table[] = {0, 0}; /* two empty strings */
    struct avro_encoding *a = avro_of(e);

    if (!a->knows_messages &&
        (!id_of(a, topic, &connect_message_key, "-key", &a->message_key_id, err) ||
         !id_of(a, topic, connect_message_value(e->types.binary != BINARY_BYTES), "-value",
                &a->message_id, err)))
        return false;
    a->knows_messages = true;
    *out_frame = (struct key_frame){HEAD_BYTES, 0};
    write_head(a->message_key_id, key);
    buf_byte(key, AVRO_BRANCH_VALUE);
    avro_write_bytes(key, event->prefix);
    write_head(a->message_id, value);
    avro_write_bytes(value, slice_text("m"));
    avro_write_optional_long(value, true, event->seen_ns / 1000000);
    avro_envelope_write_source(&a->envelope, event, slice_of(no_table, sizeof no_table), value);
    avro_envelope_write_transaction(e->transaction, value);
    buf_byte(value, AVRO_BRANCH_VALUE);
    avro_write_bytes(value, event->prefix);
    buf_byte(value, AVRO_BRANCH_VALUE);
    write_content(e, event->content, value);
    return true;
}

static bool avro_side_heads(struct encoding *e, const struct side_schema *schema,
                            struct side_topic *t, struct error *err)
{
    struct avro_encoding *a = avro_of(e);
    uint32_t key = 0, value = 0;

    if (!id_of(a, t->topic, schema->key, "-key", &key, err) ||
        !id_of(a, t->topic, schema->value, "-value", &value, err))
        return false;
    write_head(key, &t->key_head);
    write_head(value, &t->value_head);
    t->frame = (struct key_frame){HEAD_BYTES, 0};
    return true;
}

static bool avro_side(struct encoding *e, const struct side_schema *schema,
                      const struct side_topic *t, const struct buf *key_json,
                      const struct buf *value_json, struct buf *key, struct buf *value)
{
    struct buf *scratch = &avro_of(e)->value.scratch;

    buf_slice(key, buf_view(&t->key_head));
    buf_slice(value, buf_view(&t->value_head));
    return avro_json_write(buf_view(key_json), schema->key, scratch, key) &&
           avro_json_write(buf_view(value_json), schema->value, scratch, value);
}

static void avro_destroy(struct encoding *e)
{
    struct avro_encoding *a = avro_of(e);

    encoding_destroy(e->text);
    avro_cell_done(&a->value);
    avro_envelope_done(&a->envelope);
    buf_done(&a->text);
    encoding_done(e);
    free(a);
}

static const struct encoding_ops avro_ops = {
    .name = "avro",
    .column = avro_column,
    .heads = avro_heads,
    .value = avro_write_value,
    .tail = avro_tail,
    .told_lead = avro_told_lead,
    .told_value = avro_told_value,
    .message = avro_message,
    .side_heads = avro_side_heads,
    .side = avro_side,
    .destroy = avro_destroy,
};

struct encoding *avro_encoding_create(const struct recorder_options *options)
{
    static const uint8_t branches[] = {AVRO_BRANCH_NULL, AVRO_BRANCH_VALUE};
    struct avro_encoding *a = mem_new(struct avro_encoding);
    size_t limit = options->record_limit_bytes;

    encoding_init(&a->base, &avro_ops, options);
    a->base.has_schemas = a->base.types.strict = true;
    a->base.row_null = slice_of(&branches[0], 1);
    a->base.row_head = slice_of(&branches[1], 1);
    if (a->base.names == NAMES_AS_THEY_ARE)
        a->base.names = NAMES_AVRO;
    a->base.text = json_encoding_create(options, false);
    a->base.text->names = a->base.names;
    a->types = options->avro_types;
    a->base.types.standard = a->types == AVRO_TYPES_STANDARD;
    a->subjects = options->subjects;
    a->registry = options->registry;
    avro_cell_init(&a->value, &a->base.json,
                   limit > SIZE_MAX / 2 - SCRATCH_BYTES ? limit : 2 * limit + SCRATCH_BYTES);
    avro_envelope_init(&a->envelope, options->topic_prefix, options->database);
    buf_init(&a->text, SIZE_MAX);
    return &a->base;
}
