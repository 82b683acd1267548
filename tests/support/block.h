/*
 * block - test input in heap blocks of exactly its size, so that ASan sees the first byte read past
 * it.
 */
#ifndef TESTS_SUPPORT_BLOCK_H
#define TESTS_SUPPORT_BLOCK_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/slice.h"

static inline struct slice block_copy(const void *at, size_t len)
{
    uint8_t *copy;

    if (len == 0) /* a block of no bytes would have one under ASan; no address has none */
        return (struct slice){NULL, 0};
    copy = malloc(len);
    assert(copy != NULL);
    memcpy(copy, at, len);
    return slice_of(copy, len);
}

static inline uint8_t block_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = memchr(digits, c, 16);

    assert(found != NULL);
    return (uint8_t)(found - digits);
}

/* Hexadecimal digits in lower case; spaces are for the reader; 'text' stands for its bytes. */
static inline struct slice block_hex(const char *hex)
{
    uint8_t bytes[4096];
    size_t len = 0;

    while (*hex != '\0') {
        assert(len < sizeof bytes);
        if (*hex == ' ') {
            hex++;
        } else if (*hex == '\'') {
            for (hex++; *hex != '\''; hex++)
                bytes[len++] = (uint8_t)*hex;
            hex++;
        } else {
            bytes[len++] = (uint8_t)(block_digit(hex[0]) << 4 | block_digit(hex[1]));
            hex += 2;
        }
    }
    return block_copy(bytes, len);
}

/* The bytes, to be changed by the test that owns them. */
static inline uint8_t *block_bytes(struct slice block)
{
    return (uint8_t *)(uintptr_t)block.at;
}

static inline void block_free(struct slice block)
{
    free(block_bytes(block));
}

#endif
