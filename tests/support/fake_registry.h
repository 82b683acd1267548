/* fake_registry - a schema registry in memory: ids from 1 on, in the order of asking. */
#ifndef SUPPORT_FAKE_REGISTRY_H
#define SUPPORT_FAKE_REGISTRY_H

#include "millrace/buf.h"
#include "sinks/schema_registry.h"

#define FAKE_REGISTRY_MAX 16

struct fake_registry {
    struct schema_registry base;
    size_t count;
    struct {
        char subject[256];
        struct buf schema; /* with a NUL behind it */
    } kept[FAKE_REGISTRY_MAX];
    enum error_kind fails; /* ERROR_NONE: it does not */
};

/* On the caller's memory; destroying it (as the recorder does) frees the texts only. */
struct schema_registry *fake_registry_init(struct fake_registry *f);
/* The schema text of a subject, or NULL. */
const char *fake_registry_schema(const struct fake_registry *f, const char *subject);

#endif
