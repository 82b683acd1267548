/*
 * registry_collect - a schema registry that registers nothing: it keeps what it was asked for.
 *
 * For whoever wants to see the schemas that a relay would register, exactly as it would.
 */
#ifndef SINKS_REGISTRY_COLLECT_H
#define SINKS_REGISTRY_COLLECT_H

#include <stddef.h>

#include "millrace/attr.h"
#include "millrace/slice.h"
#include "sinks/schema_registry.h"

struct collected_schema {
    const char *subject;
    struct slice schema; /* the text */
};

struct schema_registry *registry_collect_create(void) MUST_CHECK;

/* What was asked for since the last forget, in that order; borrowed from the registry until its
 * next call. */
const struct collected_schema *registry_collect_list(const struct schema_registry *registry,
                                                     size_t *out_count);
void registry_collect_forget(struct schema_registry *registry);

#endif
