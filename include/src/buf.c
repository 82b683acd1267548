#include "millrace/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES ((size_t)256)
#define BIG_BYTES ((size_t)1 << 20) /* sizes double up to here; then a quarter is added */

void buf_init(struct buf *b, size_t limit_bytes)
{
    *b = (struct buf){.limit_bytes = limit_bytes};
}

void buf_done(struct buf *b)
{
    free(b->at);
    *b = (struct buf){.limit_bytes = b->limit_bytes};
}

void buf_reset(struct buf *b, size_t keep_bytes)
{
    if (b->size > keep_bytes)
        buf_done(b);
    b->len = 0;
    b->failed = false;
}

static size_t next_size(const struct buf *b, size_t need)
{
    size_t size = b->size < FIRST_BYTES ? FIRST_BYTES : b->size;

    if (need > BIG_BYTES)
        size = need > SIZE_MAX - need / 4 ? need : need + need / 4;
    while (size < need)
        size *= 2;
    return size > b->limit_bytes ? b->limit_bytes : size;
}

uint8_t *buf_grow(struct buf *b, size_t more)
{
    uint8_t *moved;
    size_t size;

    if (b->failed || b->len > b->limit_bytes || more > b->limit_bytes - b->len) {
        b->failed = true;
        return NULL;
    }
    if (b->at != NULL && more <= b->size - b->len)
        return b->at + b->len;
    size = next_size(b, b->len + more);
    moved = realloc(b->at, size == 0 ? 1 : size);
    if (moved == NULL) {
        b->failed = true;
        return NULL;
    }
    b->at = moved;
    b->size = size;
    return b->at + b->len;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    uint8_t *room;
    int len;

    va_start(args, fmt);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    /* One byte more than it keeps, for vsnprintf's NUL: a limit may refuse the very last byte. */
    room = len < 0 ? NULL : buf_room(b, (size_t)len + 1);
    if (room != NULL) {
        (void)vsnprintf((char *)room, (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    }
    va_end(again);
}
