#include "sinks/topics.h"

#include <stdlib.h>

#include "millrace/mem.h"
#include "sinks/murmur2.h"

/* One block: the struct, then name and NUL, schema, table. */
struct topic_entry {
    struct topic topic; /* first: a topic is its entry */
    struct slice schema, table;
    char text[];
};

static bool has_name(const void *item, const void *key)
{
    const struct topic_entry *entry = item;

    return strcmp(entry->topic.name, key) == 0;
}

static struct slice copy_text(char **to, struct slice from)
{
    struct slice copied = slice_of(*to, from.len);

    if (from.len > 0)
        memcpy(*to, from.at, from.len);
    *to += from.len;
    return copied;
}

static struct topic_entry *make_entry(const struct topic_name *name, struct slice schema,
                                      struct slice table)
{
    struct topic_entry *entry = mem_zero(1, sizeof *entry + name->len + 1 + schema.len + table.len);
    char *to = entry->text + name->len + 1;

    memcpy(entry->text, name->text, name->len + 1);
    entry->topic.name = entry->text;
    entry->schema = copy_text(&to, schema);
    entry->table = copy_text(&to, table);
    return entry;
}

struct topic *topics_get(struct topics *t, const struct topic_name *name, struct slice schema,
                         struct slice table, struct error *err)
{
    uint64_t hash = murmur2(slice_of(name->text, name->len));
    struct topic_entry *entry = table_find(&t->table, hash, has_name, name->text);

    if (entry == NULL) {
        entry = make_entry(name, schema, table);
        table_add(&t->table, hash, entry);
        return &entry->topic;
    }
    if (slice_equal(entry->schema, schema) && slice_equal(entry->table, table))
        return &entry->topic;
    (void)error_set(err, ERROR_CONFIG,
                    "tables %.*s.%.*s and %.*s.%.*s both map to topic %s: leave one of them out, "
                    "rename it, or have both go there by topics.route",
                    SLICE_ARGS(entry->schema), SLICE_ARGS(entry->table), SLICE_ARGS(schema),
                    SLICE_ARGS(table), name->text);
    return NULL;
}

void topics_each(const struct topics *t, void (*visit)(struct topic *topic, void *context),
                 void *context)
{
    for (size_t i = 0; i < t->table.size; i++)
        if (t->table.slots[i].item != NULL)
            visit(t->table.slots[i].item, context);
}

void topics_done(struct topics *t)
{
    for (size_t i = 0; i < t->table.size; i++)
        free(t->table.slots[i].item);
    table_done(&t->table);
}
