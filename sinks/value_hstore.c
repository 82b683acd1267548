#include "sinks/value_hstore.h"

#include <string.h>

struct hstore_reader hstore_reader_over(struct slice text)
{
    const uint8_t *at = text.at != NULL ? text.at : (const uint8_t *)"";

    return (struct hstore_reader){.at = at, .end = at + text.len};
}

static bool take(struct hstore_reader *r, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return false;
    r->at += len;
    return true;
}

static bool take_quoted(struct hstore_reader *r, struct slice *out)
{
    const uint8_t *start;

    if (!take(r, "\""))
        return false;
    start = r->at;
    while (r->at < r->end && *r->at != '"') {
        if (*r->at == '\\') {
            if (r->end - r->at < 2)
                return false;
            r->at++;
        }
        r->at++;
    }
    *out = slice_of(start, (size_t)(r->at - start));
    return take(r, "\"");
}

static bool take_pair(struct hstore_reader *r)
{
    if (!take_quoted(r, &r->key) || !take(r, "=>"))
        return false;
    r->has_value = !take(r, "NULL");
    return !r->has_value || take_quoted(r, &r->value);
}

enum hstore_token hstore_reader_next(struct hstore_reader *r)
{
    bool first = !r->started;

    r->started = true;
    if (!r->failed && r->at == r->end)
        return HSTORE_END;
    if (r->failed || (!first && !take(r, ", ")) || !take_pair(r)) {
        r->failed = true;
        return HSTORE_MALFORMED;
    }
    return HSTORE_PAIR;
}
