/*
 * schema_registry - where readers find the schema that a record's id stands for.
 *
 * Asked when a relation's plan is compiled, never for an event.
 */
#ifndef SINKS_SCHEMA_REGISTRY_H
#define SINKS_SCHEMA_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/slice.h"

struct schema_registry;

struct schema_registry_ops {
    const char *name;
    /* The id of that schema under that subject, registered now if it is new there.  ERROR_WAITING
     * after a fraction of a second without an answer: ask the same again.  ERROR_CONFIG when it is
     * refused (not compatible with what is there, no permission), ERROR_SYSTEM when it cannot be
     * kept. */
    bool (*id_of)(struct schema_registry *registry, const char *subject, struct slice schema,
                  uint32_t *out_id, struct error *err);
    void (*destroy)(struct schema_registry *registry);
};

/* Embedded as the first member of every registry. */
struct schema_registry {
    const struct schema_registry_ops *ops;
};

static inline void schema_registry_destroy(struct schema_registry *registry) /* NULL is fine */
{
    if (registry != NULL)
        registry->ops->destroy(registry);
}

#endif
