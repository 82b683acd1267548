/*
 * slice - bytes that belong to somebody else.
 *
 * Never assumed to end in a NUL.  Valid until the next call of whatever produced it.
 */
#ifndef MILLRACE_SLICE_H
#define MILLRACE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *at;
    size_t len;
};

/* Arguments for a "%.*s". */
#define SLICE_ARGS(s) (int)(s).len, (const char *)(s).at

static inline struct slice slice_of(const void *at, size_t len)
{
    return (struct slice){(const uint8_t *)at, len};
}

static inline struct slice slice_text(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_text(text));
}

/* Copies to `to`, which has room for it; returns where it ends. */
static inline uint8_t *slice_put(uint8_t *to, struct slice s)
{
    if (s.len > 0)
        memcpy(to, s.at, s.len);
    return to + s.len;
}

#endif
