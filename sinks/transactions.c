#include "sinks/transactions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"
#include "sinks/envelope.h"
#include "sinks/json_write.h"
#include "sinks/murmur2.h"

struct collection {
    uint64_t commit_lsn; /* of the transaction that count is of */
    uint64_t count;
    struct slice name;
    uint8_t text[];
};

void transactions_init(struct transactions *t)
{
    *t = (struct transactions){0};
    buf_init(&t->members, SIZE_MAX);
    buf_init(&t->counted, SIZE_MAX);
}

void transactions_done(struct transactions *t)
{
    for (size_t i = 0; i < t->collections.size; i++)
        free(t->collections.slots[i].item);
    table_done(&t->collections);
    buf_done(&t->members);
    buf_done(&t->counted);
}

static bool has_name(const void *item, const void *key)
{
    const struct collection *collection = item;
    const struct slice *name = key;

    return slice_equal(collection->name, *name);
}

struct collection *transactions_collection(struct transactions *t, struct slice schema,
                                           struct slice table)
{
    struct collection *found;
    struct slice name;
    uint64_t hash;
    struct buf text;

    buf_init(&text, SIZE_MAX);
    buf_slice(&text, schema);
    if (schema.len > 0)
        buf_byte(&text, '.');
    buf_slice(&text, table);
    name = buf_view(&text);
    hash = murmur2(name);
    found = table_find(&t->collections, hash, has_name, &name);
    if (found == NULL) {
        found = mem_zero(1, sizeof *found + name.len);
        memcpy(found->text, name.at, name.len);
        found->name = slice_of(found->text, name.len);
        table_add(&t->collections, hash, found);
    }
    buf_done(&text);
    return found;
}

static struct collection **list_of(const struct buf *b, size_t *out_count)
{
    *out_count = b->len / sizeof(struct collection *);
    return (struct collection **)(void *)b->at;
}

static void begin(struct transactions *t, const struct event *event)
{
    int len = snprintf(t->id, sizeof t->id, "%" PRIu32 ":%" PRIu64, event->xid, event->commit_lsn);

    t->id_len = (size_t)len;
    t->commit_lsn = event->commit_lsn;
    t->total = t->kept_total = 0;
    t->members.len = t->kept_members = t->counted.len = 0;
}

bool transactions_count(struct transactions *t, const struct event *event,
                        struct collection *collection, struct transaction_block *out)
{
    if (t->commit_lsn != event->commit_lsn)
        begin(t, event);
    if (collection->commit_lsn != event->commit_lsn) {
        collection->commit_lsn = event->commit_lsn;
        collection->count = 0;
        buf_append(&t->members, &collection, sizeof(struct collection *));
    }
    buf_append(&t->counted, &collection, sizeof(struct collection *));
    *out = (struct transaction_block){
        {(const uint8_t *)t->id, t->id_len}, ++t->total, ++collection->count};
    return t->total == 1;
}

bool transactions_began(const struct transactions *t, const struct event *event)
{
    return t->commit_lsn == event->commit_lsn && t->total > 0;
}

void transactions_keep(struct transactions *t)
{
    t->kept_total = t->total;
    t->kept_members = t->members.len;
    t->counted.len = 0;
}

void transactions_undo(struct transactions *t)
{
    size_t counted, members;
    struct collection **list = list_of(&t->counted, &counted);

    for (size_t i = 0; i < counted; i++)
        list[i]->count--;
    list = list_of(&t->members, &members);
    for (size_t i = t->kept_members / sizeof(struct collection *); i < members; i++)
        list[i]->commit_lsn = 0; /* no member again */
    t->total = t->kept_total;
    t->members.len = t->kept_members;
    t->counted.len = 0;
}

void transactions_write_key(const struct transactions *t, struct buf *out)
{
    buf_printf(out, "{\"id\":\"%s\"}", t->id);
}

static void write_head(const struct transactions *t, const char *status, struct buf *out)
{
    buf_printf(out, "{\"status\":\"%s\",\"id\":\"%s\"", status, t->id);
}

static void write_tail(const struct event *event, struct buf *out)
{
    JSON_CONSTANT(out, ",\"ts_ms\":");
    json_i64(out, envelope_floor_divide(event->commit_us, 1000));
    buf_byte(out, '}');
}

void transactions_write_begin(const struct transactions *t, const struct event *event,
                              struct buf *out)
{
    write_head(t, "BEGIN", out);
    JSON_CONSTANT(out, ",\"event_count\":null,\"data_collections\":null");
    write_tail(event, out);
}

void transactions_write_end(const struct transactions *t, const struct event *event,
                            struct buf *out)
{
    size_t count;
    struct collection **members = list_of(&t->members, &count);

    write_head(t, "END", out);
    JSON_CONSTANT(out, ",\"event_count\":");
    json_u64(out, t->total);
    JSON_CONSTANT(out, ",\"data_collections\":[");
    for (size_t i = 0; i < count; i++) {
        buf_text(out, i > 0 ? ",{\"data_collection\":" : "{\"data_collection\":");
        json_text(out, members[i]->name);
        JSON_CONSTANT(out, ",\"event_count\":");
        json_u64(out, members[i]->count);
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
    write_tail(event, out);
    out->failed = out->failed || t->members.failed || t->counted.failed; /* not all were counted */
}
