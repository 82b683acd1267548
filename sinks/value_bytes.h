/*
 * value_bytes - reads PostgreSQL's text of bytea (hex) and of bit strings.
 *
 *     bytea   \x00ff10        bit   100000001
 */
#ifndef SINKS_VALUE_BYTES_H
#define SINKS_VALUE_BYTES_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"

/* All replace the content of `out`; false for anything else, or when `out` is too small
 * (out->failed). */
bool bytes_read_hex(struct slice text, struct buf *out) MUST_CHECK;
/* The digits alone, as PostGIS prints its values. */
bool bytes_read_digits(struct slice text, struct buf *out) MUST_CHECK;
/* Little-endian, the last digit being bit 0 of the first byte, up to the highest bit that is set.
 */
bool bytes_read_bits(struct slice text, struct buf *out) MUST_CHECK;

#endif
