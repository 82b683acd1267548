#include "sinks/value_numeric.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinks/json_write.h"

#define CHUNK_DIGITS 9u /* decimal digits that are multiplied in at a time: 10^9 < 2^32 */
#define WORD_DIGITS 18u /* decimal digits that surely fit in 64 bits with a sign */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* The digits from the start of `text`. */
static struct slice leading_digits(struct slice text)
{
    size_t len = 0;

    while (len < text.len && is_digit(text.at[len]))
        len++;
    return slice_of(text.at, len);
}

static struct slice after(struct slice text, size_t skip)
{
    return slice_of(skip == 0 ? text.at : text.at + skip, text.len - skip);
}

bool numeric_is_special(struct slice text)
{
    return slice_is(text, "NaN") || slice_is(text, "Infinity") || slice_is(text, "-Infinity");
}

bool numeric_read(struct slice text, struct numeric *out)
{
    struct numeric n = {0};

    if (text.len > 0 && text.at[0] == '-') {
        n.negative = true;
        text = after(text, 1);
    }
    n.whole = leading_digits(text);
    text = after(text, n.whole.len);
    if (text.len > 0 && text.at[0] == '.') {
        n.fraction = leading_digits(after(text, 1));
        text = after(text, 1 + n.fraction.len);
    }
    if (text.len > 0 || n.whole.len + n.fraction.len == 0)
        return false;
    *out = n;
    return true;
}

size_t numeric_decimals(const struct numeric *n)
{
    size_t len = n->fraction.len;

    while (len > 0 && n->fraction.at[len - 1] == '0')
        len--;
    return len;
}

/*
 * The digits of the unscaled number, most significant first, without building them:
 *
 *     whole | fraction | zeros          cut off or filled up with zeros to `count`
 */
struct digits {
    const struct numeric *n;
    size_t count;
};

static uint32_t digit_at(const struct digits *d, size_t i)
{
    if (i < d->n->whole.len)
        return (uint32_t)(d->n->whole.at[i] - '0');
    i -= d->n->whole.len;
    return i < d->n->fraction.len ? (uint32_t)(d->n->fraction.at[i] - '0') : 0;
}

/* False when a digit that is cut off is not zero. */
static bool digits_scaled(const struct numeric *n, int64_t scale, struct digits *out)
{
    size_t all = n->whole.len + n->fraction.len;
    size_t cut = scale < 0 ? (size_t)-scale : 0;

    out->n = n;
    out->count = cut > n->whole.len ? 0 : n->whole.len - cut;
    if (scale > 0)
        out->count += (size_t)scale;
    for (size_t i = out->count; i < all; i++)
        if (digit_at(out, i) != 0)
            return false;
    return true;
}

/* Drops leading bytes that only repeat the sign. */
static struct slice shortest(const uint8_t *at, size_t len)
{
    while (len > 1 && ((at[0] == 0x00 && at[1] < 0x80) || (at[0] == 0xFF && at[1] >= 0x80))) {
        at++;
        len--;
    }
    return slice_of(at, len);
}

static bool small_unscaled(const struct digits *d, struct buf *work, struct slice *out_bytes)
{
    uint64_t number = 0;
    uint8_t *to = buf_room(work, sizeof number);

    if (to == NULL)
        return false;
    for (size_t i = 0; i < d->count; i++)
        number = number * 10 + digit_at(d, i);
    if (d->n->negative)
        number = 0 - number;
    for (size_t i = 0; i < sizeof number; i++)
        to[i] = (uint8_t)(number >> (56 - 8 * i));
    *out_bytes = shortest(to, sizeof number);
    return true;
}

/* number = number * 10^digits + more, in words of 32 bits, least significant first. */
static size_t multiply_add(uint32_t *words, size_t count, uint32_t factor, uint32_t more)
{
    uint64_t carry = more;

    for (size_t i = 0; i < count; i++) {
        carry += (uint64_t)words[i] * factor;
        words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        words[count++] = (uint32_t)carry;
    return count;
}

static size_t words_of(const struct digits *d, uint32_t *words)
{
    size_t count = 0;

    for (size_t i = 0; i < d->count;) {
        uint32_t factor = 1, chunk = 0;

        for (unsigned n = 0; n < CHUNK_DIGITS && i < d->count; n++, i++) {
            chunk = chunk * 10 + digit_at(d, i);
            factor *= 10;
        }
        count = multiply_add(words, count, factor, chunk);
    }
    return count;
}

/* Big-endian with one byte for the sign in front; negated by inverting and adding one. */
static void store_signed(const uint32_t *words, size_t count, bool negative, uint8_t *to)
{
    size_t len = count * 4 + 1;
    unsigned carry = negative ? 1 : 0;

    to[0] = 0;
    for (size_t i = 0; i < count * 4; i++)
        to[len - 1 - i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
    for (size_t i = len; negative && i-- > 0;) {
        carry += (uint8_t)~to[i];
        to[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

static bool big_unscaled(const struct digits *d, struct buf *work, struct slice *out_bytes)
{
    size_t most = d->count / CHUNK_DIGITS + 1; /* words: each chunk adds less than 32 bits */
    uint32_t *words;
    size_t count;

    if (buf_room(work, most * 8 + 1) == NULL)
        return false;
    words = (uint32_t *)(void *)work->at; /* from malloc: aligned for anything */
    count = words_of(d, words);
    store_signed(words, count, d->n->negative, work->at + most * 4);
    *out_bytes = shortest(work->at + most * 4, count * 4 + 1);
    return true;
}

bool numeric_unscaled(const struct numeric *n, int64_t scale, struct buf *work,
                      struct slice *out_bytes)
{
    struct digits d;

    work->len = 0;
    if (!digits_scaled(n, scale, &d))
        return false;
    return d.count <= WORD_DIGITS ? small_unscaled(&d, work, out_bytes)
                                  : big_unscaled(&d, work, out_bytes);
}

/* Digits and the point of at most 19 of them go to `plain`; signs and ornaments are dropped. */
static size_t money_plain(struct slice text, char *plain, size_t size, bool *out_negative)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];

        if (c == '-' || c == '(')
            *out_negative = true;
        else if ((is_digit(c) || c == '.') && len < size)
            plain[len++] = (char)c;
        else if (c != '$' && c != ',' && c != ')')
            return 0;
    }
    return len;
}

bool money_read(struct slice text, struct buf *work, struct numeric *out)
{
    char plain[24];
    struct numeric n;
    bool negative = false;
    size_t len = money_plain(text, plain, sizeof plain, &negative);

    work->len = 0;
    buf_append(work, plain, len);
    if (work->failed || !numeric_read(slice_of(work->at, len), &n) || n.fraction.len != 2)
        return false;
    n.negative = negative;
    *out = n;
    return true;
}

#define FLOAT_DIGITS_MAX 40u
#define FLOAT_TEXT_MAX 64u

/* 0.d1 d2 d3... * 10^point, without leading or trailing zeros; no digits: zero. */
struct decimal {
    bool negative;
    char digits[FLOAT_DIGITS_MAX];
    size_t count;
    int64_t point;
};

static bool decimal_digits(const struct numeric *n, struct decimal *d)
{
    size_t all = n->whole.len + n->fraction.len;
    struct digits digits = {n, all};
    size_t first = 0;

    while (first < all && digit_at(&digits, first) == 0)
        first++;
    while (all > first && digit_at(&digits, all - 1) == 0)
        all--;
    if (all - first > FLOAT_DIGITS_MAX)
        return false;
    d->count = all - first;
    d->point = (int64_t)n->whole.len - (int64_t)first;
    for (size_t i = 0; i < d->count; i++)
        d->digits[i] = (char)('0' + digit_at(&digits, first + i));
    return true;
}

/* "e-45", "e+07" or nothing. */
static bool read_exponent(struct slice text, int64_t *out)
{
    bool negative = text.len > 1 && text.at[1] == '-';
    size_t at = text.len > 1 && (negative || text.at[1] == '+') ? 2 : 1;
    int64_t number = 0;

    *out = 0;
    if (text.len == 0)
        return true;
    if (text.len == at || text.len - at > 4)
        return false;
    for (; at < text.len; at++) {
        if (!is_digit(text.at[at]))
            return false;
        number = number * 10 + (text.at[at] - '0');
    }
    *out = negative ? -number : number;
    return true;
}

static bool decimal_read(struct slice text, struct decimal *out)
{
    const uint8_t *e = text.len == 0 ? NULL : memchr(text.at, 'e', text.len);
    size_t mantissa = e == NULL ? text.len : (size_t)(e - text.at);
    struct numeric n;
    int64_t exponent = 0;

    if (!numeric_read(slice_of(text.at, mantissa), &n) ||
        !read_exponent(after(text, mantissa), &exponent) || !decimal_digits(&n, out))
        return false;
    out->negative = n.negative;
    out->point += exponent;
    return true;
}

/* Where numbers lie so thinly that one digit is enough to tell them apart, Java still chooses the
 * closest of two digits: 4.9E-324, not 5.0E-324.  Nobody else needs the number itself. */
static bool closest_of_two_digits(struct slice text, enum float_width width, struct decimal *d)
{
    char number[FLOAT_TEXT_MAX], again[FLOAT_TEXT_MAX];
    double value;

    if (text.len >= sizeof number)
        return false;
    memcpy(number, text.at, text.len);
    number[text.len] = '\0';
    value = width == FLOAT_SINGLE ? (double)strtof(number, NULL) : strtod(number, NULL);
    (void)snprintf(again, sizeof again, "%.1e", value);
    return decimal_read(slice_text(again), d);
}

static bool read_special(struct slice text, double *out)
{
    if (slice_is(text, "NaN"))
        *out = strtod("NaN", NULL);
    else if (slice_is(text, "Infinity"))
        *out = HUGE_VAL;
    else if (slice_is(text, "-Infinity"))
        *out = -HUGE_VAL;
    else
        return false;
    return true;
}

bool float_read(struct slice text, double *out)
{
    char number[FLOAT_TEXT_MAX];
    struct decimal d;

    if (read_special(text, out))
        return true;
    if (text.len >= sizeof number || !decimal_read(text, &d))
        return false;
    memcpy(number, text.at, text.len);
    number[text.len] = '\0';
    *out = strtod(number, NULL);
    return true;
}

bool numeric_read_double(struct slice text, struct buf *work, double *out)
{
    struct numeric n;

    if (read_special(text, out))
        return true;
    if (!numeric_read(text, &n))
        return false;
    work->len = 0;
    buf_slice(work, text);
    buf_byte(work, '\0');
    if (work->failed)
        return false;
    *out = strtod((const char *)work->at, NULL);
    return true;
}

static void write_digits(struct buf *out, const struct decimal *d, int64_t from, int64_t to)
{
    if (from >= to) {
        buf_byte(out, '0');
        return;
    }
    for (int64_t i = from; i < to; i++)
        buf_byte(out, i >= 0 && i < (int64_t)d->count ? (uint8_t)d->digits[i] : '0');
}

/* Double.toString(): plain from 10^-3 to below 10^7, else d.dddE<exponent>. */
static void decimal_write(struct buf *out, const struct decimal *d)
{
    int64_t count = (int64_t)d->count;

    if (d->negative)
        buf_byte(out, '-');
    if (count == 0) {
        JSON_CONSTANT(out, "0.0");
    } else if (d->point > -3 && d->point <= 7) {
        write_digits(out, d, 0, d->point);
        buf_byte(out, '.');
        write_digits(out, d, d->point, d->point > count ? d->point : count);
    } else {
        write_digits(out, d, 0, 1);
        buf_byte(out, '.');
        write_digits(out, d, 1, count);
        buf_byte(out, 'E');
        json_i64(out, d->point - 1);
    }
}

bool float_write(struct buf *out, struct slice text, enum float_width width)
{
    int64_t thin = width == FLOAT_SINGLE ? -41 : -319; /* spacing above half a percent below this */
    struct decimal d;

    if (numeric_is_special(text)) {
        json_text(out, text);
        return true;
    }
    if (!decimal_read(text, &d))
        return false;
    if (d.count == 1 && d.point < thin && !closest_of_two_digits(text, width, &d))
        return false;
    decimal_write(out, &d);
    return true;
}

/* Decimals of up to 15 digits survive a double, unless it is so small that it has fewer bits; so
 * the first of these that reads back as the same number has the fewest digits. */
void float_write_double(struct buf *out, double number)
{
    char text[FLOAT_TEXT_MAX] = "NaN";
    bool written;

    if (isinf(number))
        (void)snprintf(text, sizeof text, number > 0 ? "Infinity" : "-Infinity");
    for (int digits = fabs(number) < DBL_MIN ? 1 : 15; isfinite(number) && digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, number);
        if (strtod(text, NULL) == number) /* NOLINT: the very same one */
            break;
    }
    written = float_write(out, slice_text(text), FLOAT_DOUBLE);
    (void)written; /* 17 digits and an exponent always fit */
}
