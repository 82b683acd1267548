/*
 * connect_literal - how constant schemas are spelled, for the files that hold them.
 */
#ifndef SINKS_CONNECT_LITERAL_H
#define SINKS_CONNECT_LITERAL_H

#include <stdint.h>

#include "sinks/connect_schema.h"

/* A struct slice of a literal. */
#define TEXT(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
/* A struct connect_field of a literal name and a pointer to its schema. */
#define FIELD(text, to)                                                                            \
    {                                                                                              \
        .name = TEXT(text), .schema = (to)                                                         \
    }

#endif
