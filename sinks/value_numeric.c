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

bool numeric_read_short(struct slice text, struct short_numeric *out)
{
    const uint8_t *at = text.at, *end, *point;
    bool negative;
    uint64_t number = 0;

    if (text.len == 0 || text.len > WORD_DIGITS + 1) /* a point, or a sign */
        return false;
    end = at + text.len;
    negative = *at == '-';
    at += negative ? 1 : 0;
    for (; at < end && is_digit(*at); at++)
        number = number * 10 + (uint64_t)(*at - '0');
    point = at;
    if (at < end && *at == '.')
        for (at++; at < end && is_digit(*at); at++)
            number = number * 10 + (uint64_t)(*at - '0');
    if (at < end || !is_digit(end[-1]))
        return false; /* a point at the end too */
    *out = (struct short_numeric){negative, point == end ? 0 : (unsigned)(end - point - 1), number};
    return true;
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

/* Big-endian; spelt out, so that the compiler sees that it is one instruction. */
static inline void store_word(uint8_t to[8], uint64_t number)
{
    to[0] = (uint8_t)(number >> 56);
    to[1] = (uint8_t)(number >> 48);
    to[2] = (uint8_t)(number >> 40);
    to[3] = (uint8_t)(number >> 32);
    to[4] = (uint8_t)(number >> 24);
    to[5] = (uint8_t)(number >> 16);
    to[6] = (uint8_t)(number >> 8);
    to[7] = (uint8_t)number;
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
    store_word(to, number);
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

bool numeric_unscaled_short(const struct short_numeric *n, int64_t scale, uint8_t bytes[8],
                            struct slice *out_bytes)
{
    static const uint64_t tens[] = {
        UINT64_C(1),         UINT64_C(10),         UINT64_C(100),         UINT64_C(1000),
        UINT64_C(10000),     UINT64_C(100000),     UINT64_C(1000000),     UINT64_C(10000000),
        UINT64_C(100000000), UINT64_C(1000000000), UINT64_C(10000000000), UINT64_C(100000000000)};
    int64_t more = scale - n->decimals;
    uint64_t number, sign;
    size_t skip;

    if (more < 0 || more >= (int64_t)ARRAY_LEN(tens) ||
        n->digits > (uint64_t)INT64_MAX / tens[more])
        return false;
    number = n->digits * tens[more];
    if (n->negative)
        number = 0 - number;
    sign = number >> 63 == 0 ? 0 : UINT64_MAX;
    skip = (size_t)(__builtin_clzll((number ^ sign) | 1) - 1) / 8; /* bytes that repeat the sign */
    store_word(bytes, number);
    *out_bytes = slice_of(bytes + skip, 8 - skip);
    return true;
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

/* Up to 2^53 a double is exact, and up to 10^22 so is a power of ten: one division or
 * multiplication of the two is rounded once, as it must be (Clinger 1990).  False: it takes more
 * than that. */
static bool read_exact(struct slice text, double *out)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct short_numeric n;
    double number;

    if (!numeric_read_short(text, &n) || n.digits > UINT64_C(1) << DBL_MANT_DIG)
        return false;
    number = (double)n.digits / tens[n.decimals];
    *out = n.negative ? -number : number;
    return true;
}

/* The text with a NUL behind it.  False: it is no number. */
static bool number_text(struct slice text, char number[FLOAT_TEXT_MAX])
{
    struct decimal d;

    if (text.len >= FLOAT_TEXT_MAX || !decimal_read(text, &d))
        return false;
    memcpy(number, text.at, text.len);
    number[text.len] = '\0';
    return true;
}

bool float_read(struct slice text, double *out)
{
    char number[FLOAT_TEXT_MAX];

    if (read_exact(text, out) || read_special(text, out))
        return true;
    if (!number_text(text, number))
        return false;
    *out = strtod(number, NULL);
    return true;
}

/* Would it be rounded twice: lies it in the middle between two of single width? */
static bool is_midway(double number)
{
    const uint64_t dropped = (UINT64_C(1) << (DBL_MANT_DIG - FLT_MANT_DIG)) - 1;
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    return (bits & dropped) == (dropped + 1) / 2;
}

bool float_read_single(struct slice text, float *out)
{
    char number[FLOAT_TEXT_MAX];
    double wide;

    if (read_special(text, &wide) ||
        (read_exact(text, &wide) && !is_midway(wide) && fabs(wide) > (double)FLT_MIN)) {
        *out = (float)wide;
        return true;
    }
    if (!number_text(text, number))
        return false;
    *out = strtof(number, NULL);
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

/* Is the text of a number between 10^-3 and 10^7 spelt as Java spells it, but for ".0"? */
static bool is_plain(const struct numeric *n)
{
    static const uint8_t zeros[] = "000";
    bool below_one = n->whole.len == 1 && n->whole.at[0] == '0';

    if (n->whole.len == 0 || n->whole.len > 7 || (n->whole.at[0] == '0' && !below_one))
        return false;
    if (n->fraction.len == 0)
        return true;
    if (n->fraction.at[n->fraction.len - 1] == '0' ||
        n->whole.len + n->fraction.len > FLOAT_DIGITS_MAX)
        return false;
    return !below_one || n->fraction.len < 3 || memcmp(n->fraction.at, zeros, 3) != 0;
}

/* The fewest digits are in it already.  PostgreSQL does not write "2.", which JSON has not. */
static bool write_plain(struct buf *out, struct slice text)
{
    struct numeric n;

    if (!numeric_read(text, &n) || !is_plain(&n) || text.at[text.len - 1] == '.')
        return false;
    buf_slice(out, text);
    if (n.fraction.len == 0)
        JSON_CONSTANT(out, ".0");
    return true;
}

bool float_write(struct buf *out, struct slice text, enum float_width width)
{
    int64_t thin = width == FLOAT_SINGLE ? -41 : -319; /* spacing above half a percent below this */
    struct decimal d;

    if (write_plain(out, text))
        return true;
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
