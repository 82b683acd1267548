#include "sinks/registry_collect.h"

#include <stdlib.h>

#include "millrace/buf.h"
#include "millrace/mem.h"

struct registry_collect {
    struct schema_registry base;
    struct buf list; /* of struct collected_schema, which own their texts */
};

static const struct registry_collect *collect_in(const struct schema_registry *registry)
{
    return (const struct registry_collect *)registry;
}

static void free_texts(struct buf *list)
{
    struct collected_schema *entries = (struct collected_schema *)(void *)list->at;

    for (size_t i = 0; i < list->len / sizeof *entries; i++) {
        free((void *)(uintptr_t)entries[i].subject); /* id_of() allocated both */
        free((void *)(uintptr_t)entries[i].schema.at);
    }
    list->len = 0;
}

static bool collect_id_of(struct schema_registry *registry, const char *subject,
                          struct slice schema, uint32_t *out_id, struct error *err)
{
    struct buf *list = &((struct registry_collect *)registry)->list;
    struct buf text;
    struct collected_schema entry;

    buf_init(&text, SIZE_MAX);
    buf_slice(&text, schema);
    entry.schema = buf_view(&text);
    entry.subject = mem_text(subject);
    if (!text.failed)
        buf_append(list, &entry, sizeof entry);
    if (text.failed || list->failed) {
        free((void *)(uintptr_t)entry.subject);
        buf_done(&text);
        return error_set(err, ERROR_SYSTEM, "no memory for the schema of %s", subject);
    }
    *out_id = (uint32_t)(list->len / sizeof entry);
    return true;
}

static void collect_destroy(struct schema_registry *registry)
{
    struct registry_collect *collect = (struct registry_collect *)registry;

    free_texts(&collect->list);
    buf_done(&collect->list);
    free(collect);
}

static const struct schema_registry_ops collect_ops = {
    .name = "collect", .id_of = collect_id_of, .destroy = collect_destroy};

struct schema_registry *registry_collect_create(void)
{
    struct registry_collect *collect = mem_new(struct registry_collect);

    collect->base.ops = &collect_ops;
    buf_init(&collect->list, SIZE_MAX);
    return &collect->base;
}

const struct collected_schema *registry_collect_list(const struct schema_registry *registry,
                                                     size_t *out_count)
{
    const struct buf *list = &collect_in(registry)->list;

    *out_count = list->len / sizeof(struct collected_schema);
    return (const struct collected_schema *)(const void *)list->at;
}

void registry_collect_forget(struct schema_registry *registry)
{
    free_texts(&((struct registry_collect *)registry)->list);
}
