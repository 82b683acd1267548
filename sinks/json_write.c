#include "sinks/json_write.h"

#include <stdbool.h>
#include <string.h>

#include "millrace/attr.h"

#define SHORT_TEXT_BYTES ((size_t)512)
#define ESCAPE_MAX ((size_t)6) /* output bytes for one input byte at most: \u00XX */

/* True when one of the eight bytes needs a look: below 0x20, `"`, `\`, or the lead of a four-byte
 * UTF-8 sequence (0xF0 and above). */
static bool word_special(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
    uint64_t control = (w - ones * 0x20) & ~w;
    uint64_t four = w & w << 1 & w << 2 & w << 3;

    return ((((quote - ones) & ~quote) | ((slash - ones) & ~slash) | control | four) & tops) != 0;
}

static bool byte_special(uint8_t c)
{
    return c < 0x20 || c == '"' || c == '\\' || c >= 0xF0;
}

/* How many bytes from the start stand for themselves. */
static size_t plain_length(const uint8_t *at, size_t len)
{
    size_t i = 0;

    while (len - i >= sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, at + i, sizeof word);
        if (word_special(word))
            break;
        i += sizeof word;
    }
    while (i < len && !byte_special(at[i]))
        i++;
    return i;
}

/* The character of a valid four-byte sequence, else 0. */
static uint32_t four_byte_character(const uint8_t *at, size_t len)
{
    uint32_t c;

    if (len < 4 || (at[0] & 0xF8) != 0xF0)
        return 0;
    for (size_t i = 1; i < 4; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    c = (uint32_t)(at[0] & 0x07) << 18 | (uint32_t)(at[1] & 0x3F) << 12 |
        (uint32_t)(at[2] & 0x3F) << 6 | (uint32_t)(at[3] & 0x3F);
    return c >= 0x10000 && c <= 0x10FFFF ? c : 0;
}

/* The letter behind the backslash, 0 when there is no short form. */
static char short_escape(uint8_t c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\f':
        return 'f';
    case '\r':
        return 'r';
    default:
        return 0;
    }
}

static uint8_t *write_unit(uint8_t *to, uint32_t unit)
{
    static const char digits[] = "0123456789ABCDEF";

    *to++ = '\\';
    *to++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *to++ = (uint8_t)digits[unit >> shift & 0xF];
    return to;
}

/* Writes the special character at `at`; *out_read says how many bytes it took. */
static uint8_t *write_special(uint8_t *to, const uint8_t *at, size_t len, size_t *out_read)
{
    char letter = short_escape(at[0]);
    uint32_t c;

    *out_read = 1;
    if (letter != 0) {
        *to++ = '\\';
        *to++ = (uint8_t)letter;
        return to;
    }
    if (at[0] < 0x20)
        return write_unit(to, at[0]);
    c = four_byte_character(at, len);
    if (c == 0) { /* not UTF-8: PostgreSQL never sends it; passed on as it is */
        *to++ = at[0];
        return to;
    }
    *out_read = 4;
    to = write_unit(to, 0xD800 + ((c - 0x10000) >> 10));
    return write_unit(to, 0xDC00 + ((c - 0x10000) & 0x3FF));
}

static size_t escaped_length(struct slice text)
{
    size_t total = 0;
    uint8_t scratch[2 * ESCAPE_MAX];

    for (size_t i = 0; i < text.len;) {
        size_t plain = plain_length(text.at + i, text.len - i), took = 0;

        total += plain;
        i += plain;
        if (i == text.len)
            break;
        total += (size_t)(write_special(scratch, text.at + i, text.len - i, &took) - scratch);
        i += took;
    }
    return total;
}

/* What to ask the buffer for: the most it can be while that is little, else exactly what it is. */
static size_t room_for(const struct buf *out, struct slice text)
{
    if (text.len <= SHORT_TEXT_BYTES && out->len <= out->limit_bytes &&
        text.len * ESCAPE_MAX <= out->limit_bytes - out->len)
        return text.len * ESCAPE_MAX;
    return escaped_length(text);
}

void json_string_body(struct buf *out, struct slice text)
{
    uint8_t *to = buf_room(out, room_for(out, text));
    const uint8_t *start = to;

    if (to == NULL)
        return;
    for (size_t i = 0; i < text.len;) {
        size_t plain = plain_length(text.at + i, text.len - i), took = 0;

        memcpy(to, text.at + i, plain);
        to += plain;
        i += plain;
        if (i == text.len)
            break;
        to = write_special(to, text.at + i, text.len - i, &took);
        i += took;
    }
    out->len += (size_t)(to - start);
}

void json_text(struct buf *out, struct slice text)
{
    buf_byte(out, '"');
    json_string_body(out, text);
    buf_byte(out, '"');
}

static const uint64_t powers[] = {UINT64_C(1),
                                  UINT64_C(10),
                                  UINT64_C(100),
                                  UINT64_C(1000),
                                  UINT64_C(10000),
                                  UINT64_C(100000),
                                  UINT64_C(1000000),
                                  UINT64_C(10000000),
                                  UINT64_C(100000000),
                                  UINT64_C(1000000000),
                                  UINT64_C(10000000000),
                                  UINT64_C(100000000000),
                                  UINT64_C(1000000000000),
                                  UINT64_C(10000000000000),
                                  UINT64_C(100000000000000),
                                  UINT64_C(1000000000000000),
                                  UINT64_C(10000000000000000),
                                  UINT64_C(100000000000000000),
                                  UINT64_C(1000000000000000000),
                                  UINT64_C(10000000000000000000)};

/* 1233 / 4096 is a little more than log10(2): at most one digit too few. */
static size_t digits_of(uint64_t number)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(number | 1);
    size_t digits = bits * 1233 >> 12;

    return digits + (digits < ARRAY_LEN(powers) && number >= powers[digits] ? 1 : 0);
}

static void put_pair(uint8_t *to, uint32_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

    memcpy(to, pairs + (size_t)number * 2, 2);
}

/* All eight; the divisions do not wait for each other. */
static void put_eight(uint8_t *to, uint32_t number)
{
    uint32_t high = number / 10000, low = number % 10000;

    put_pair(to, high / 100);
    put_pair(to + 2, high % 100);
    put_pair(to + 4, low / 100);
    put_pair(to + 6, low % 100);
}

uint8_t *json_put_u64(uint8_t *to, uint64_t number)
{
    const uint64_t eight = UINT64_C(100000000);
    size_t digits = number == 0 ? 1 : digits_of(number);
    uint8_t *at = to + digits;
    uint32_t rest;

    while (number >= eight) {
        at -= 8;
        put_eight(at, (uint32_t)(number % eight));
        number /= eight;
    }
    for (rest = (uint32_t)number; rest >= 100; rest /= 100) {
        at -= 2;
        put_pair(at, rest % 100);
    }
    if (rest >= 10)
        put_pair(at - 2, rest);
    else
        at[-1] = (uint8_t)('0' + rest);
    return to + digits;
}

void json_u64(struct buf *out, uint64_t number)
{
    uint8_t *to = buf_room(out, JSON_NUMBER_MAX);

    if (to != NULL)
        out->len += (size_t)(json_put_u64(to, number) - to);
}

void json_i64(struct buf *out, int64_t number)
{
    if (number >= 0) {
        json_u64(out, (uint64_t)number);
        return;
    }
    buf_byte(out, '-');
    json_u64(out, 0 - (uint64_t)number);
}

static uint8_t *write_base64(uint8_t *to, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = bytes.at;

    for (size_t left = bytes.len; left > 0;) {
        size_t take = left < 3 ? left : 3;
        uint32_t group = (uint32_t)p[0] << 16;

        if (take > 1)
            group |= (uint32_t)p[1] << 8;
        if (take > 2)
            group |= p[2];
        *to++ = (uint8_t)digits[group >> 18];
        *to++ = (uint8_t)digits[group >> 12 & 0x3F];
        *to++ = take > 1 ? (uint8_t)digits[group >> 6 & 0x3F] : '=';
        *to++ = take > 2 ? (uint8_t)digits[group & 0x3F] : '=';
        p += take;
        left -= take;
    }
    return to;
}

void json_base64(struct buf *out, struct slice bytes)
{
    /* More than a third of the address space can be asked for by nobody: no overflow here. */
    size_t len = (bytes.len / 3 + (bytes.len % 3 != 0)) * 4;
    uint8_t *to;

    buf_byte(out, '"');
    to = buf_room(out, len);
    if (to == NULL)
        return;
    write_base64(to, bytes);
    out->len += len;
    buf_byte(out, '"');
}
