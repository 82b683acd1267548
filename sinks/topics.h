/*
 * topics - the topics made so far, each of which belongs to one table.
 *
 * Illegal characters all become `_`, so two tables may come to the same name; their rows must not
 * be mixed, hence that is an error.
 */
#ifndef SINKS_TOPICS_H
#define SINKS_TOPICS_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/slice.h"
#include "sinks/recorder.h"
#include "sinks/table.h"
#include "sinks/topic_name.h"

struct topics {
    struct table table; /* of struct topic_entry, by name */
};

/* The topic of that name, made when it is new.  NULL with ERROR_CONFIG when another table has it;
 * an empty schema and table stand for logical messages. */
struct topic *topics_get(struct topics *t, const struct topic_name *name, struct slice schema,
                         struct slice table, struct error *err) MUST_CHECK;
void topics_each(const struct topics *t, void (*visit)(struct topic *topic, void *context),
                 void *context);
/* A zeroed one is fine. */
void topics_done(struct topics *t);

#endif
