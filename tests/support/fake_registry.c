#include "support/fake_registry.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool fake_id_of(struct schema_registry *registry, const char *subject, struct slice schema,
                       uint32_t *out_id, struct error *err)
{
    struct fake_registry *f = (struct fake_registry *)registry;

    if (f->fails != ERROR_NONE)
        return error_set(err, f->fails, "subject %s: refused", subject);
    assert(f->count < FAKE_REGISTRY_MAX);
    (void)snprintf(f->kept[f->count].subject, sizeof f->kept[0].subject, "%s", subject);
    buf_slice(&f->kept[f->count].schema, schema);
    buf_byte(&f->kept[f->count].schema, '\0');
    *out_id = (uint32_t)++f->count;
    return true;
}

static void fake_destroy(struct schema_registry *registry)
{
    struct fake_registry *f = (struct fake_registry *)registry;

    for (size_t i = 0; i < FAKE_REGISTRY_MAX; i++)
        buf_done(&f->kept[i].schema);
}

static const struct schema_registry_ops fake_ops = {
    .name = "fake", .id_of = fake_id_of, .destroy = fake_destroy};

struct schema_registry *fake_registry_init(struct fake_registry *f)
{
    memset(f, 0, sizeof *f);
    f->base.ops = &fake_ops;
    for (size_t i = 0; i < FAKE_REGISTRY_MAX; i++)
        buf_init(&f->kept[i].schema, SIZE_MAX);
    return &f->base;
}

const char *fake_registry_schema(const struct fake_registry *f, const char *subject)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->kept[i].subject, subject) == 0)
            return (const char *)f->kept[i].schema.at;
    return NULL;
}
