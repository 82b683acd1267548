#include "sinks/value_vector.h"

#define INDEX_DIGITS_MAX 9u /* pgvector allows 10^9 dimensions */

struct vector_reader vector_reader_over(struct slice text, bool sparse)
{
    const uint8_t *at = text.at != NULL ? text.at : (const uint8_t *)"";

    return (struct vector_reader){.at = at, .end = at + text.len, .sparse = sparse};
}

static bool take_byte(struct vector_reader *r, char byte)
{
    if (r->at == r->end || *r->at != (uint8_t)byte)
        return false;
    r->at++;
    return true;
}

static bool take_index(struct vector_reader *r, int32_t *out)
{
    int32_t number = 0;
    unsigned digits = 0;

    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9' && digits < INDEX_DIGITS_MAX; digits++)
        number = number * 10 + (*r->at++ - '0');
    *out = number;
    return digits > 0;
}

static bool take_number(struct vector_reader *r)
{
    const uint8_t *start = r->at;

    while (r->at < r->end && *r->at != ',' && *r->at != ']' && *r->at != '}')
        r->at++;
    r->number = slice_of(start, (size_t)(r->at - start));
    return r->at > start;
}

static enum vector_token malformed(struct vector_reader *r)
{
    r->failed = true;
    return VECTOR_MALFORMED;
}

/* Behind the bracket. */
static enum vector_token finish(struct vector_reader *r)
{
    if ((r->sparse && (!take_byte(r, '/') || !take_index(r, &r->dimensions))) || r->at != r->end)
        return malformed(r);
    r->finished = true;
    return VECTOR_END;
}

enum vector_token vector_reader_next(struct vector_reader *r)
{
    char last = r->sparse ? '}' : ']';

    if (r->failed)
        return VECTOR_MALFORMED;
    if (r->finished)
        return VECTOR_END;
    if (!r->started) {
        r->started = true;
        if (!take_byte(r, r->sparse ? '{' : '['))
            return malformed(r);
        if (take_byte(r, last))
            return finish(r);
    } else if (take_byte(r, last)) {
        return finish(r);
    } else if (!take_byte(r, ',')) {
        return malformed(r);
    }
    if (r->sparse && (!take_index(r, &r->index) || r->index < 1 || !take_byte(r, ':')))
        return malformed(r);
    return take_number(r) ? VECTOR_NUMBER : malformed(r);
}
