#include "relay/utf8.h"

#include <stdint.h>

/* RFC 3629, section 4: by the first byte, how long the character is and what its second byte may
 * be. */
static const struct {
    uint8_t first, last;
    uint8_t len;
    uint8_t second_least, second_most;
} leads[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

/* The length of the character that `text` begins with; 0 when it begins with none. */
static size_t character_len(const uint8_t *text, size_t left)
{
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        size_t len = leads[i].len;

        if (text[0] < leads[i].first || text[0] > leads[i].last)
            continue;
        if (len > left)
            return 0;
        if (len > 1 && (text[1] < leads[i].second_least || text[1] > leads[i].second_most))
            return 0;
        for (size_t k = 2; k < len; k++)
            if ((text[k] & 0xc0) != 0x80)
                return 0;
        return len;
    }
    return 0;
}

size_t utf8_span(struct slice text)
{
    size_t at = 0;

    while (at < text.len) {
        size_t len = character_len(text.at + at, text.len - at);

        if (len == 0)
            break;
        at += len;
    }
    return at;
}
