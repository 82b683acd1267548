#include "sinks/encoding.h"

/* More than the record limit: a value's text may be longer than what is made of it. */
#define SCRATCH_BYTES ((size_t)1 << 16)

void encoding_init(struct encoding *e, const struct encoding_ops *ops,
                   const struct recorder_options *options)
{
    size_t limit = options->record_limit_bytes;

    e->ops = ops;
    e->names = options->names;
    e->types = options->types;
    buf_init(&e->hidden, SIZE_MAX);
    buf_init(&e->loose, SIZE_MAX);
    e->unavailable_values = options->unavailable_values;
    buf_init(&e->unavailable, SIZE_MAX);
    placeholder_init(&e->placeholder, options->unavailable_value_placeholder);
    json_value_init(&e->json, limit > SIZE_MAX - SCRATCH_BYTES ? limit : limit + SCRATCH_BYTES);
}

void encoding_done(struct encoding *e)
{
    json_value_done(&e->json);
    buf_done(&e->hidden);
    buf_done(&e->loose);
    buf_done(&e->unavailable);
    placeholder_done(&e->placeholder);
}

struct encoding *encoding_create(const struct recorder_options *options)
{
    switch (options->encoding) {
    case ENCODING_JSON:
        return json_encoding_create(options, false);
    case ENCODING_JSON_SCHEMA:
        return json_encoding_create(options, true);
    case ENCODING_AVRO:
        break;
    }
    return avro_encoding_create(options);
}

void encoding_destroy(struct encoding *e)
{
    if (e != NULL)
        e->ops->destroy(e);
}

bool encoding_not_null(const struct encoding *e, const struct relation *relation, uint16_t column)
{
    const struct loose_column *loose = (const void *)e->loose.at;
    size_t count = e->loose.len / sizeof *loose;

    if (!relation->columns[column].not_null)
        return false;
    for (size_t i = 0; i < count; i++)
        if (loose[i].relation_id == relation->id && loose[i].column == column)
            return false;
    return true;
}

bool encoding_loosen(struct encoding *e, const struct relation *relation, uint16_t column)
{
    const struct loose_column loose = {.relation_id = relation->id, .column = column};

    if (!encoding_not_null(e, relation, column))
        return false;
    buf_append(&e->loose, &loose, sizeof loose);
    return !e->loose.failed;
}

struct slice encoding_hide(struct encoding *e, const struct column_rule *rule, struct slice text)
{
    rules_hide(e->rules, rule, text, &e->hidden);
    return buf_view(&e->hidden);
}
