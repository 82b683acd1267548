/* avro_write - pieces of Avro's binary encoding (Avro 1.11 specification, "Binary Encoding"). */
#ifndef SINKS_AVRO_WRITE_H
#define SINKS_AVRO_WRITE_H

#include <stdint.h>
#include <string.h>

#include "millrace/buf.h"
#include "millrace/slice.h"

#define AVRO_LONG_MAX 10u /* bytes of the longest */

/* int and long: zig-zag, seven bits to a byte, the lowest first.  Writes to `to`, which has room
 * for AVRO_LONG_MAX; returns where it ends. */
static inline uint8_t *avro_put_long(uint8_t *to, int64_t number)
{
    uint64_t bits = ((uint64_t)number << 1) ^ (number < 0 ? UINT64_MAX : 0);

    while (bits > 0x7F) {
        *to++ = (uint8_t)(bits | 0x80);
        bits >>= 7;
    }
    *to++ = (uint8_t)bits;
    return to;
}

static inline void avro_write_long(struct buf *out, int64_t number)
{
    uint8_t *to = buf_room(out, AVRO_LONG_MAX);

    if (to != NULL)
        out->len += (size_t)(avro_put_long(to, number) - to);
}

/* bytes and string */
static inline void avro_write_bytes(struct buf *out, struct slice bytes)
{
    uint8_t *to = buf_room(out, AVRO_LONG_MAX + bytes.len), *end;

    if (to == NULL)
        return;
    end = avro_put_long(to, (int64_t)bytes.len);
    if (bytes.len > 0)
        memcpy(end, bytes.at, bytes.len);
    out->len += (size_t)(end - to) + bytes.len;
}

/* The lower `len` bytes, little-endian: float and double. */
static inline void avro_write_fixed(struct buf *out, uint64_t bits, size_t len)
{
    uint8_t *to = buf_room(out, len);

    if (to == NULL)
        return;
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(bits >> 8 * i);
    out->len += len;
}

static inline void avro_write_float(struct buf *out, float number)
{
    uint32_t bits;

    memcpy(&bits, &number, sizeof bits);
    avro_write_fixed(out, bits, sizeof bits);
}

static inline void avro_write_double(struct buf *out, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    avro_write_fixed(out, bits, sizeof bits);
}

#endif
