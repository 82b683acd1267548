/*
 * random_value - random values of every type: PostgreSQL's text of one, and what a reader of Avro
 * must find.
 *
 * What is expected is a tree of jansson's, worked out from numbers with nothing of the writer's:
 * bytes are {"hex":"00ff"}, NaN and the infinities strings.
 */
#ifndef SUPPORT_RANDOM_VALUE_H
#define SUPPORT_RANDOM_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "millrace/relation.h"
#include "sinks/type_modes.h"

#define RANDOM_TEXT_MAX 4096

struct random_values {
    uint64_t seed; /* not 0 */
    struct type_modes modes;
    char text[RANDOM_TEXT_MAX]; /* of the last value */
};

uint64_t random_next(struct random_values *r);
int64_t random_between(struct random_values *r, int64_t least, int64_t most);

/* A value of that type, which may be an array, a domain or an enum; its text is r->text. */
json_t *random_value(struct random_values *r, const struct type *type, int32_t typmod);

#endif
