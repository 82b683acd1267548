#include "sinks/relation_history.h"

#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"
#include "sinks/envelope.h"
#include "sinks/json_write.h"
#include "sinks/murmur2.h"

/* A description has no limit of its own: 1600 columns, each with a default of any length. */
#define DESCRIPTION_BYTES ((size_t)64 << 20)

struct known_relation {
    struct buf description;
    size_t key_len;
    uint8_t key[]; /* JSON of the record's key */
};

void relation_history_done(struct relation_history *h)
{
    for (size_t i = 0; i < h->known.size; i++) {
        struct known_relation *known = h->known.slots[i].item;

        if (known != NULL)
            buf_done(&known->description);
        free(known);
    }
    table_done(&h->known);
}

static void write_boolean(struct buf *out, bool value)
{
    buf_text(out, value ? "true" : "false");
}

static void write_labels(const struct type *type, struct buf *out)
{
    if (type == NULL || type->kind != TYPE_ENUM) {
        JSON_CONSTANT(out, "null");
        return;
    }
    buf_byte(out, '[');
    for (uint32_t i = 0; i < type->label_count; i++) {
        if (i > 0)
            buf_byte(out, ',');
        json_text(out, type->labels[i]);
    }
    buf_byte(out, ']');
}

static void write_column(const struct column *column, struct buf *out)
{
    const struct type *type = column->type;

    JSON_CONSTANT(out, "{\"name\":");
    json_text(out, column->name);
    JSON_CONSTANT(out, ",\"type_schema\":");
    json_text(out, type == NULL ? slice_text("") : type->schema);
    JSON_CONSTANT(out, ",\"type\":");
    json_text(out, type == NULL ? slice_text("") : type->name);
    JSON_CONSTANT(out, ",\"type_oid\":");
    json_u64(out, column->type_oid);
    JSON_CONSTANT(out, ",\"typmod\":");
    json_i64(out, column->typmod);
    JSON_CONSTANT(out, ",\"not_null\":");
    write_boolean(out, column->not_null);
    JSON_CONSTANT(out, ",\"identity\":");
    write_boolean(out, column->identity);
    JSON_CONSTANT(out, ",\"default\":");
    if (column->default_expr.at == NULL)
        JSON_CONSTANT(out, "null");
    else
        json_text(out, column->default_expr);
    JSON_CONSTANT(out, ",\"labels\":");
    write_labels(type, out);
    JSON_CONSTANT(out, ",\"generated\":");
    write_boolean(out, column->generated);
    buf_byte(out, '}');
}

void relation_history_describe(const struct relation *relation, struct buf *out)
{
    bool first = true;

    JSON_CONSTANT(out, "{\"oid\":");
    json_u64(out, relation->oid);
    JSON_CONSTANT(out, ",\"replica_identity\":");
    json_text(out, slice_text(replica_identity_name(relation->identity)));
    JSON_CONSTANT(out, ",\"key\":[");
    for (uint16_t i = 0; i < relation->key_count; i++) {
        if (i > 0)
            buf_byte(out, ',');
        json_text(out, relation->columns[relation->key[i]].name);
    }
    JSON_CONSTANT(out, "],\"columns\":[");
    for (uint16_t i = 0; i < relation->column_count; i++) {
        if (relation->columns[i].hidden)
            continue;
        if (!first)
            buf_byte(out, ',');
        write_column(&relation->columns[i], out);
        first = false;
    }
    JSON_CONSTANT(out, "]}");
}

static void write_names(const struct relation *relation, struct buf *out)
{
    JSON_CONSTANT(out, "{\"schema\":");
    json_text(out, relation->schema);
    JSON_CONSTANT(out, ",\"table\":");
    json_text(out, relation->name);
}

static bool has_key(const void *item, const void *key)
{
    const struct known_relation *known = item;
    const struct slice *wanted = key;

    return slice_equal(slice_of(known->key, known->key_len), *wanted);
}

static struct known_relation *find(const struct relation_history *h, struct slice key)
{
    return table_find(&h->known, murmur2(key), has_key, &key);
}

static void write_change(const struct event *event, const struct relation *relation,
                         struct slice old, struct slice new, struct buf *out)
{
    write_names(relation, out);
    JSON_CONSTANT(out, ",\"lsn\":");
    json_u64(out, event->lsn);
    JSON_CONSTANT(out, ",\"txId\":");
    if (event->xid == 0)
        JSON_CONSTANT(out, "null");
    else
        json_u64(out, event->xid);
    JSON_CONSTANT(out, ",\"ts_ms\":");
    json_i64(out, envelope_floor_divide(event->commit_us, 1000));
    JSON_CONSTANT(out, ",\"old\":");
    buf_slice(out, old);
    JSON_CONSTANT(out, ",\"new\":");
    buf_slice(out, new);
    buf_byte(out, '}');
}

bool relation_history_tell(const struct relation_history *h, const struct event *event,
                           const struct relation *relation, struct buf *key, struct buf *value)
{
    size_t start = key->len;
    const struct known_relation *known;
    struct buf description;
    bool differs;

    write_names(relation, key);
    buf_byte(key, '}');
    known = find(h, slice_of(key->at + start, key->len - start));
    buf_init(&description, DESCRIPTION_BYTES);
    relation_history_describe(relation, &description);
    differs = known == NULL || !slice_equal(buf_view(&known->description), buf_view(&description));
    if (differs)
        write_change(event, relation,
                     known == NULL ? slice_text("null") : buf_view(&known->description),
                     buf_view(&description), value);
    else
        key->len = start;
    value->failed = value->failed || description.failed;
    buf_done(&description);
    return differs;
}

void relation_history_keep(struct relation_history *h, const struct relation *relation)
{
    struct known_relation *known;
    struct buf key;

    buf_init(&key, SIZE_MAX);
    write_names(relation, &key);
    buf_byte(&key, '}');
    known = find(h, buf_view(&key));
    if (known == NULL) {
        known = mem_zero(1, sizeof *known + key.len);
        buf_init(&known->description, DESCRIPTION_BYTES);
        memcpy(known->key, key.at, key.len);
        known->key_len = key.len;
        table_add(&h->known, murmur2(buf_view(&key)), known);
    }
    buf_done(&key);
    known->description.len = 0;
    relation_history_describe(relation, &known->description);
}
