/*
 * buf - bytes that grow at the end, up to a stated maximum.
 *
 * `failed` is sticky: after an append that did not fit (limit or memory) every further append does
 * nothing.  So: append straight through, then check `failed` once.
 */
#ifndef MILLRACE_BUF_H
#define MILLRACE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "millrace/attr.h"
#include "millrace/slice.h"

struct buf {
    uint8_t *at;
    size_t len;
    size_t size;        /* allocated */
    size_t limit_bytes; /* len never passes this */
    bool failed;
};

/* Nothing is allocated until the first append. */
void buf_init(struct buf *b, size_t limit_bytes);
/* Empties it and clears `failed`; the memory is kept, except when it is more than keep_bytes. */
void buf_reset(struct buf *b, size_t keep_bytes);
void buf_done(struct buf *b);

/* Makes room for `more` bytes behind len; returns where they go, or NULL with `failed` set. */
uint8_t *buf_grow(struct buf *b, size_t more) MUST_CHECK;

/* Room for `more` bytes, without moving len: write there, then add to b->len what was written. */
static inline uint8_t *buf_room(struct buf *b, size_t more)
{
    if (b->at != NULL && !b->failed && more <= b->size - b->len)
        return b->at + b->len;
    return buf_grow(b, more);
}

static inline void buf_append(struct buf *b, const void *bytes, size_t len)
{
    uint8_t *room = buf_room(b, len);

    if (room == NULL || len == 0)
        return;
    memcpy(room, bytes, len);
    b->len += len;
}

static inline void buf_byte(struct buf *b, uint8_t byte)
{
    uint8_t *room = buf_room(b, 1);

    if (room == NULL)
        return;
    *room = byte;
    b->len++;
}

static inline void buf_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.at, s.len);
}

static inline void buf_text(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Hands the block over, to be freed with free(); the buffer begins anew. */
static inline void *buf_take(struct buf *b)
{
    void *block = b->at;

    *b = (struct buf){.limit_bytes = b->limit_bytes};
    return block;
}

/* What is in it; valid until the next append. */
static inline struct slice buf_view(const struct buf *b)
{
    return (struct slice){b->at, b->len};
}

#endif
