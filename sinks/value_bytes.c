#include "sinks/value_bytes.h"

#include <string.h>

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool bytes_read_digits(struct slice text, struct buf *out)
{
    uint8_t *to;

    out->len = 0;
    if (text.len % 2 != 0)
        return false;
    to = buf_room(out, text.len / 2);
    if (to == NULL)
        return text.len == 0 && !out->failed;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_digit(text.at[i]), low = hex_digit(text.at[i + 1]);

        if (high < 0 || low < 0)
            return false;
        to[out->len++] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool bytes_read_hex(struct slice text, struct buf *out)
{
    out->len = 0;
    return text.len >= 2 && text.at[0] == '\\' && text.at[1] == 'x' &&
           bytes_read_digits(slice_of(text.at + 2, text.len - 2), out);
}

bool bytes_read_bits(struct slice text, struct buf *out)
{
    size_t len = (text.len + 7) / 8;
    uint8_t *to;

    out->len = 0;
    to = buf_room(out, len);
    if (to == NULL)
        return len == 0 && !out->failed;
    memset(to, 0, len);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[text.len - 1 - i];

        if (c != '0' && c != '1')
            return false;
        to[i / 8] = (uint8_t)(to[i / 8] | (c - '0') << i % 8);
    }
    while (len > 0 && to[len - 1] == 0)
        len--;
    out->len = len;
    return true;
}
