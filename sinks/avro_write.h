/* avro_write - pieces of Avro's binary encoding (Avro 1.11 specification, "Binary Encoding"). */
#ifndef SINKS_AVRO_WRITE_H
#define SINKS_AVRO_WRITE_H

#include <stdint.h>
#include <string.h>

#include "millrace/buf.h"
#include "millrace/slice.h"

#define AVRO_LONG_MAX 10u /* bytes of the longest */

/* int and long: zig-zag, seven bits to a byte, the lowest first. */
static inline void avro_write_long(struct buf *out, int64_t number)
{
    uint64_t bits = ((uint64_t)number << 1) ^ (number < 0 ? UINT64_MAX : 0);
    uint8_t *at = buf_room(out, AVRO_LONG_MAX);
    size_t len = 0;

    if (at == NULL)
        return;
    while (bits > 0x7F) {
        at[len++] = (uint8_t)(bits | 0x80);
        bits >>= 7;
    }
    at[len++] = (uint8_t)bits;
    out->len += len;
}

/* bytes and string */
static inline void avro_write_bytes(struct buf *out, struct slice bytes)
{
    avro_write_long(out, (int64_t)bytes.len);
    buf_slice(out, bytes);
}

/* The lower `len` bytes, little-endian: float and double. */
static inline void avro_write_fixed(struct buf *out, uint64_t bits, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_byte(out, (uint8_t)(bits >> 8 * i));
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
