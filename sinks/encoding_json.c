#include <stdlib.h>

#include "millrace/attr.h"
#include "millrace/mem.h"
#include "sinks/encoding.h"
#include "sinks/envelope.h"
#include "sinks/json_write.h"
#include "sinks/side_records.h"

#define CONSTANT(text)                                                                             \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

struct json_encoding {
    struct encoding base;
    struct envelope envelope;
    struct buf text;                           /* while compiling */
    struct buf message_key_head, message_head; /* with schemas, where they are */
    struct key_frame message_frame;
};

static struct json_encoding *json_of(struct encoding *e)
{
    return (struct json_encoding *)e;
}

static bool keep_field(struct buf *text, struct arena *arena, const struct column_texts *texts,
                       struct slice value, struct slice *out)
{
    text->len = 0;
    if (!texts->first)
        buf_byte(text, ',');
    json_text(text, texts->name);
    buf_byte(text, ':');
    buf_slice(text, value);
    return !text->failed && arena_copy(arena, buf_view(text), out);
}

static bool json_column(struct encoding *e, struct arena *arena, const struct column_texts *texts,
                        struct plan_column *out)
{
    struct buf *text = &json_of(e)->text;
    const struct slice null = CONSTANT("null");

    if (!keep_field(text, arena, texts, null, &out->null))
        return false;
    out->lead = slice_of(out->null.at, out->null.len - null.len);
    out->absent = out->unknown = out->null;
    if (texts->unknown.len == 0) /* an error, or left out */
        out->unknown = texts->unknown;
    else if (!slice_equal(texts->unknown, null) &&
             !keep_field(text, arena, texts, texts->unknown, &out->unknown))
        return false;
    if (out->schema != NULL && !out->schema->optional)
        out->null = (struct slice){NULL, 0};
    return slice_equal(texts->absent, null) ||
           keep_field(text, arena, texts, texts->absent, &out->absent);
}

/* {"schema":{...},"payload": */
static void write_schema(const struct connect_schema *schema, struct buf *out)
{
    if (schema == NULL)
        return;
    JSON_CONSTANT(out, "{\"schema\":");
    connect_schema_write_json(schema, out);
    JSON_CONSTANT(out, ",\"payload\":");
}

static struct key_frame key_frame(const struct encoding *e, size_t schema_bytes)
{
    return (struct key_frame){schema_bytes, e->has_schemas ? 1 : 0};
}

/* ,"schema":"public","table":"t" */
static bool keep_table(struct buf *text, struct plan *plan)
{
    text->len = 0;
    JSON_CONSTANT(text, ",\"schema\":");
    json_text(text, plan->schema);
    JSON_CONSTANT(text, ",\"table\":");
    json_text(text, plan->table);
    return !text->failed && arena_copy(&plan->arena, buf_view(text), &plan->source_table);
}

static bool keep_heads(struct encoding *e, struct plan *plan)
{
    struct buf *text = &json_of(e)->text;

    if (!keep_table(text, plan))
        return false;
    text->len = 0;
    write_schema(plan->value_schema, text);
    buf_text(text, e->flat == NULL ? "{\"before\":" : "{");
    if (text->failed || !arena_copy(&plan->arena, buf_view(text), &plan->value_head))
        return false;
    text->len = 0;
    write_schema(plan->key_schema, text);
    plan->key_frame = key_frame(e, text->len);
    buf_byte(text, '{');
    plan->key_tail = slice_text(e->has_schemas ? "}}" : "}");
    return !text->failed && arena_copy(&plan->arena, buf_view(text), &plan->key_head);
}

static bool json_heads(struct encoding *e, struct plan *plan, struct error *err)
{
    return keep_heads(e, plan) ||
           error_set(err, ERROR_CONFIG, "table %.*s.%.*s: its schema is too large",
                     SLICE_ARGS(plan->schema), SLICE_ARGS(plan->table));
}

NOINLINE static enum encode_outcome any_value(struct encoding *e, const struct plan_column *column,
                                              struct slice text, struct buf *out)
{
    size_t start = out->len;

    if (json_value_write(&e->json, &column->semantic, text, out))
        return ENCODE_DONE;
    if (json_value_was_unfit(&e->json)) {
        out->len = start;
        return ENCODE_UNFIT;
    }
    if (e->types.on_bad_value == BAD_VALUE_STOPS || e->has_schemas || out->failed ||
        e->json.work.failed || e->json.element.failed)
        return ENCODE_MALFORMED;
    out->len = start;
    json_text(out, text);
    e->bad_values++;
    e->bad_column = column->index;
    return ENCODE_DONE;
}

static enum encode_outcome json_value(struct encoding *e, const struct plan_column *column,
                                      struct slice text, struct buf *out)
{
    if (json_value_write_short(&column->semantic, text, out))
        return ENCODE_DONE;
    return any_value(e, column, text, out);
}

static void json_tail(struct encoding *e, const struct plan *plan, const struct event *event,
                      char op, struct buf *out)
{
    buf_byte(out, ',');
    envelope_write_source(&json_of(e)->envelope, event, plan->source_table, out);
    envelope_write_tail(&json_of(e)->envelope, event, op, e->transaction, out);
    if (e->has_schemas)
        buf_byte(out, '}');
}

static void json_told_lead(struct slice name, struct buf *out)
{
    buf_byte(out, ',');
    json_text(out, name);
    buf_byte(out, ':');
}

static void json_told_value(const struct told *told, struct buf *out)
{
    switch (told->kind) {
    case TOLD_NULL:
        JSON_CONSTANT(out, "null");
        break;
    case TOLD_NUMBER:
        json_i64(out, told->number);
        break;
    case TOLD_TEXT:
        json_text(out, told->text);
        break;
    }
}

static bool json_message(struct encoding *e, const struct topic *topic, const struct event *event,
                         struct buf *key, struct buf *value, struct key_frame *out_frame,
                         struct error *err)
{
    struct json_encoding *j = json_of(e);

    (void)topic;
    (void)err;
    buf_slice(key, buf_view(&j->message_key_head));
    JSON_CONSTANT(key, "{\"prefix\":");
    json_text(key, event->prefix);
    buf_text(key, e->has_schemas ? "}}" : "}");
    *out_frame = j->message_frame;
    buf_slice(value, buf_view(&j->message_head));
    JSON_CONSTANT(value, "{\"op\":\"m\",\"ts_ms\":");
    json_i64(value, event->seen_ns / 1000000);
    buf_byte(value, ',');
    envelope_write_source(&j->envelope, event, slice_text(",\"schema\":\"\",\"table\":\"\""),
                          value);
    envelope_write_transaction(e->transaction, value);
    JSON_CONSTANT(value, ",\"message\":{\"prefix\":");
    json_text(value, event->prefix);
    JSON_CONSTANT(value, ",\"content\":");
    json_bytes(value, event->content, e->types.binary);
    buf_text(value, e->has_schemas ? "}}}" : "}}");
    return true;
}

static bool json_side_heads(struct encoding *e, const struct side_schema *schema,
                            struct side_topic *t, struct error *err)
{
    (void)err;
    if (e->has_schemas) {
        write_schema(schema->key, &t->key_head);
        write_schema(schema->value, &t->value_head);
    }
    t->frame = key_frame(e, t->key_head.len);
    return true;
}

static bool json_side(struct encoding *e, const struct side_schema *schema,
                      const struct side_topic *t, const struct buf *key_json,
                      const struct buf *value_json, struct buf *key, struct buf *value)
{
    (void)schema;
    buf_slice(key, buf_view(&t->key_head));
    buf_slice(key, buf_view(key_json));
    buf_slice(value, buf_view(&t->value_head));
    buf_slice(value, buf_view(value_json));
    if (e->has_schemas) {
        buf_byte(key, '}');
        buf_byte(value, '}');
    }
    return !key->failed && !value->failed;
}

static void json_destroy(struct encoding *e)
{
    struct json_encoding *j = json_of(e);

    envelope_done(&j->envelope);
    buf_done(&j->text);
    buf_done(&j->message_key_head);
    buf_done(&j->message_head);
    encoding_done(e);
    free(j);
}

#define JSON_OPS(text)                                                                             \
    {                                                                                              \
        .name = (text), .column = json_column, .heads = json_heads, .value = json_value,           \
        .tail = json_tail, .told_lead = json_told_lead, .told_value = json_told_value,             \
        .message = json_message, .side_heads = json_side_heads, .side = json_side,                 \
        .destroy = json_destroy                                                                    \
    }

static const struct encoding_ops json_ops = JSON_OPS("json");
static const struct encoding_ops json_schema_ops = JSON_OPS("json-schema");

struct encoding *json_encoding_create(const struct recorder_options *options, bool with_schemas)
{
    struct json_encoding *j = mem_new(struct json_encoding);

    encoding_init(&j->base, with_schemas ? &json_schema_ops : &json_ops, options);
    j->base.has_schemas = j->base.types.strict = with_schemas;
    j->base.has_commas = true;
    j->base.row_null = (struct slice)CONSTANT("null");
    j->base.row_head = (struct slice)CONSTANT("{");
    j->base.row_tail = (struct slice)CONSTANT("}");
    j->base.flat_tail = slice_text(with_schemas ? "}}" : "}");
    j->base.between = (struct slice)CONSTANT(",\"after\":");
    envelope_init(&j->envelope, options->topic_prefix, options->database);
    buf_init(&j->text, SIZE_MAX);
    buf_init(&j->message_key_head, SIZE_MAX);
    buf_init(&j->message_head, SIZE_MAX);
    if (with_schemas) {
        write_schema(&connect_message_key, &j->message_key_head);
        write_schema(connect_message_value(options->types.binary != BINARY_BYTES),
                     &j->message_head);
    }
    j->message_frame = key_frame(&j->base, j->message_key_head.len);
    return &j->base;
}
