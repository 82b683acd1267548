#include "sinks/value_array.h"

#include <string.h>

struct array_reader array_reader_over(struct slice text, char delimiter)
{
    const uint8_t *at = text.at != NULL ? text.at : (const uint8_t *)"";

    return (struct array_reader){.at = at, .end = at + text.len, .delimiter = delimiter};
}

static bool next_is(const struct array_reader *r, char byte)
{
    return r->at < r->end && *r->at == (uint8_t)byte;
}

/* [0:2] or [-1:0] */
static bool skip_bound(struct array_reader *r, char last)
{
    const uint8_t *start;

    if (next_is(r, '-'))
        r->at++;
    start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    if (r->at == start || !next_is(r, last))
        return false;
    r->at++;
    return true;
}

/* [0:2][1:1]= or nothing. */
static bool skip_bounds(struct array_reader *r)
{
    if (!next_is(r, '['))
        return true;
    while (next_is(r, '[')) {
        r->at++;
        if (!skip_bound(r, ':') || !skip_bound(r, ']'))
            return false;
    }
    if (!next_is(r, '='))
        return false;
    r->at++;
    return true;
}

static enum array_token malformed(struct array_reader *r)
{
    r->end = r->at; /* nothing is left to read: every later call comes here again */
    r->depth = 1;
    r->started = true;
    return ARRAY_MALFORMED;
}

static enum array_token quoted_element(struct array_reader *r)
{
    const uint8_t *start = ++r->at;

    r->escaped = false;
    while (r->at < r->end && *r->at != '"') {
        if (*r->at == '\\') {
            r->escaped = true;
            if (r->end - r->at < 2)
                return malformed(r);
            r->at++;
        }
        r->at++;
    }
    if (r->at == r->end)
        return malformed(r);
    r->element = slice_of(start, (size_t)(r->at - start));
    r->at++;
    r->after_item = true;
    return ARRAY_ELEMENT;
}

static bool ends_bare(const struct array_reader *r, uint8_t c)
{
    return c == (uint8_t)r->delimiter || c == '{' || c == '}' || c == '"' || c == '\\';
}

static enum array_token bare_element(struct array_reader *r)
{
    const uint8_t *start = r->at;

    while (r->at < r->end && !ends_bare(r, *r->at))
        r->at++;
    if (r->at == start || r->at == r->end || (*r->at != (uint8_t)r->delimiter && *r->at != '}'))
        return malformed(r);
    r->element = slice_of(start, (size_t)(r->at - start));
    r->escaped = false;
    r->after_item = true;
    return slice_is(r->element, "NULL") ? ARRAY_NULL : ARRAY_ELEMENT;
}

static enum array_token open_level(struct array_reader *r)
{
    if (r->depth == ARRAY_DEPTH_MAX)
        return malformed(r);
    r->at++;
    r->depth++;
    r->after_item = false;
    return ARRAY_OPEN;
}

static enum array_token close_level(struct array_reader *r)
{
    r->at++;
    r->depth--;
    r->after_item = true;
    return ARRAY_CLOSE;
}

/* Between items: a delimiter, or the end of the level. */
static enum array_token after_item(struct array_reader *r)
{
    if (next_is(r, '}'))
        return close_level(r);
    if (!next_is(r, r->delimiter))
        return malformed(r);
    r->at++;
    if (next_is(r, '{'))
        return open_level(r);
    return next_is(r, '"') ? quoted_element(r) : bare_element(r);
}

enum array_token array_reader_next(struct array_reader *r)
{
    if (!r->started) {
        r->started = true;
        if (!skip_bounds(r) || !next_is(r, '{'))
            return malformed(r);
        return open_level(r);
    }
    if (r->depth == 0)
        return r->at == r->end ? ARRAY_END : malformed(r);
    if (r->at == r->end)
        return malformed(r);
    if (r->after_item)
        return after_item(r);
    if (next_is(r, '{'))
        return open_level(r);
    if (next_is(r, '}')) /* only an array without any element has an empty level: {} */
        return close_level(r);
    return next_is(r, '"') ? quoted_element(r) : bare_element(r);
}

void array_unescape(struct slice element, struct buf *out)
{
    uint8_t *to;

    out->len = 0;
    to = buf_room(out, element.len);
    if (to == NULL)
        return;
    for (size_t i = 0; i < element.len; i++) {
        if (element.at[i] == '\\' && i + 1 < element.len)
            i++;
        to[out->len++] = element.at[i];
    }
}
