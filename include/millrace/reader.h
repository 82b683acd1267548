/*
 * reader - walks a message and cannot leave it.
 *
 * After the first read that does not fit, every read returns zero or an empty
 * slice and `failed` stays set.  So: read straight through, then check once,
 * before acting on anything that was read.  Loops driven by a count from the
 * message must also stop on `failed`.  All integers are big-endian.
 */
#ifndef MILLRACE_READER_H
#define MILLRACE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "millrace/slice.h"

struct reader {
    const uint8_t *start, *at, *end;
    bool failed;
};

static inline struct reader reader_over(struct slice message)
{
    /* An empty message may have no address at all. */
    const uint8_t *at = message.at != NULL ? message.at : (const uint8_t *)"";

    return (struct reader){at, at, at + message.len, false};
}

static inline struct slice reader_bytes(struct reader *r, size_t len)
{
    struct slice got = {NULL, 0};

    if (r->failed ||
        len > (size_t)(r->end - r->at)) { /* compare with what is left; never add first */
        r->failed = true;
        return got;
    }
    got = (struct slice){r->at, len};
    r->at += len;
    return got;
}

static inline uint8_t reader_u8(struct reader *r)
{
    const uint8_t *p = reader_bytes(r, 1).at;

    return p == NULL ? 0 : p[0];
}

static inline uint16_t reader_u16(struct reader *r)
{
    const uint8_t *p = reader_bytes(r, 2).at;

    if (p == NULL)
        return 0;
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t reader_u32(struct reader *r)
{
    const uint8_t *p = reader_bytes(r, 4).at;

    if (p == NULL)
        return 0;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline uint64_t reader_u64(struct reader *r)
{
    uint64_t high = reader_u32(r);

    return high << 32 | reader_u32(r);
}

/* A text that ends in a NUL inside the message; the NUL is consumed and not part of the slice. */
static inline struct slice reader_cstring(struct reader *r)
{
    const uint8_t *nul = r->failed ? NULL : memchr(r->at, 0, (size_t)(r->end - r->at));
    struct slice got = {NULL, 0};

    if (nul == NULL) {
        r->failed = true;
        return got;
    }
    got = (struct slice){r->at, (size_t)(nul - r->at)};
    r->at = nul + 1;
    return got;
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/* True when everything fitted and nothing is left over. */
static inline bool reader_finished(const struct reader *r)
{
    return !r->failed && r->at == r->end;
}

#endif
