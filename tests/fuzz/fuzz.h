/* fuzz - what every fuzz target needs. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "millrace/crc32c.h"
#include "millrace/error.h"
#include "millrace/slice.h"

/* libFuzzer calls this with one input after the other. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for any input; never compiled out. */
static inline void require(bool holds)
{
    if (!holds)
        abort();
}

/* Reads every byte, so that ASan sees a slice that points elsewhere. */
static inline void touch(struct slice s)
{
    (void)crc32c(0, s.at, s.len);
}

/* A refusal has a kind and says why. */
static inline void require_refusal(const struct error *err, enum error_kind kind)
{
    require(err->kind == kind && err->text[0] != '\0');
}

#endif
