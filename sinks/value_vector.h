/*
 * value_vector - walks the text of pgvector's types, number by number, without allocation.
 *
 *     vector, halfvec   [1,-2.5,3e-05]
 *     sparsevec         {1:1.5,3:-2}/5        index:number, from 1 on; behind them the dimensions
 */
#ifndef SINKS_VALUE_VECTOR_H
#define SINKS_VALUE_VECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/slice.h"

enum vector_token {
    VECTOR_NUMBER, /* reader.number, and reader.index of a sparse one */
    VECTOR_END,    /* all of it has been read, and it was well formed; reader.dimensions */
    VECTOR_MALFORMED,
};

struct vector_reader {
    const uint8_t *at, *end;
    bool sparse, started, failed, finished;
    struct slice number; /* its text, unchecked */
    int32_t index;
    int32_t dimensions;
};

struct vector_reader vector_reader_over(struct slice text, bool sparse);
/* VECTOR_END and VECTOR_MALFORMED stay for good. */
enum vector_token vector_reader_next(struct vector_reader *r) MUST_CHECK;

#endif
