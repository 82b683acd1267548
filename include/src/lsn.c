#include "millrace/lsn.h"

#include <inttypes.h>
#include <stdio.h>

struct lsn_text lsn_format(uint64_t lsn)
{
    struct lsn_text out;

    (void)snprintf(out.text, sizeof out.text, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn >> 32),
                   (uint32_t)lsn);
    return out;
}

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

/* One to eight hexadecimal digits, all of the slice. */
static bool parse_half(struct slice text, uint32_t *out)
{
    uint32_t value = 0;

    if (text.len < 1 || text.len > 8)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.at[i]);

        if (digit < 0)
            return false;
        value = value << 4 | (uint32_t)digit;
    }
    *out = value;
    return true;
}

bool lsn_parse(struct slice text, uint64_t *out_lsn)
{
    const uint8_t *slash = text.len == 0 ? NULL : memchr(text.at, '/', text.len);
    uint32_t high, low;
    size_t before;

    if (slash == NULL)
        return false;
    before = (size_t)(slash - text.at);
    if (!parse_half(slice_of(text.at, before), &high) ||
        !parse_half(slice_of(slash + 1, text.len - before - 1), &low))
        return false;
    *out_lsn = (uint64_t)high << 32 | low;
    return true;
}
