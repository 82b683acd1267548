/*
 * value_numeric - reads PostgreSQL's text of numeric and money exactly, whatever the number of
 * digits, and floating point text into Java's spelling.
 *
 *     numeric   -123.4500, 0.001, NaN, Infinity, -Infinity
 *     money     $1,234.56, -$1.01        (lc_monetary C)
 *     float     0.1, 1e+07, -1.5e-45, NaN, Infinity
 */
#ifndef SINKS_VALUE_NUMERIC_H
#define SINKS_VALUE_NUMERIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"

/* A finite number; the slices hold digits only and point into the text. */
struct numeric {
    bool negative;
    struct slice whole;
    struct slice fraction;
};

/* False for anything that is not a finite number: ask numeric_is_special() first. */
bool numeric_read(struct slice text, struct numeric *out) MUST_CHECK;
/* NaN, Infinity or -Infinity? */
bool numeric_is_special(struct slice text);
/* Decimals up to the last that is not zero. */
size_t numeric_decimals(const struct numeric *n);

/* The number times 10^scale as a big-endian two's complement integer of the fewest bytes (at least
 * one), as Java's BigInteger.toByteArray() has it.  *out_bytes lies in `work`, whose content is
 * replaced. False when a digit that is not zero would be lost, or `work` is too small
 * (work->failed). */
bool numeric_unscaled(const struct numeric *n, int64_t scale, struct buf *work,
                      struct slice *out_bytes) MUST_CHECK;

/* The same of short numbers, which most are, in one pass. */
struct short_numeric {
    bool negative;
    unsigned decimals; /* how many of the digits are behind the point; zeros at the end too */
    uint64_t digits;
};

/* False: it is long or no finite number. */
bool numeric_read_short(struct slice text, struct short_numeric *out) MUST_CHECK;
/* *out_bytes lies in `bytes`.  False: it takes numeric_unscaled() to tell. */
bool numeric_unscaled_short(const struct short_numeric *n, int64_t scale, uint8_t bytes[8],
                            struct slice *out_bytes) MUST_CHECK;

/* Reads money text into the same form, with two decimals. `work` receives the digits. */
bool money_read(struct slice text, struct buf *work, struct numeric *out) MUST_CHECK;

enum float_width { FLOAT_SINGLE, FLOAT_DOUBLE };

/* The number that floating point text stands for; NaN and the infinities too. */
bool float_read(struct slice text, double *out) MUST_CHECK;
bool float_read_single(struct slice text, float *out) MUST_CHECK;
/* The double nearest to the text of a numeric, however many digits it has.  `work` holds a copy of
 * it; false when that is too small (work->failed), too. */
bool numeric_read_double(struct slice text, struct buf *work, double *out) MUST_CHECK;
/* Appends the number as Double.toString() does; see below. */
void float_write_double(struct buf *out, double number);

/* Appends the number as Double.toString() or Float.toString() (Java 19 or later) writes it: 1.0E7,
 * 4.9E-324, -0.0; NaN and the infinities in quotes.  The text must hold the fewest digits that
 * read back as the same number, as PostgreSQL prints it with extra_float_digits above 0. */
bool float_write(struct buf *out, struct slice text, enum float_width width) MUST_CHECK;

#endif
