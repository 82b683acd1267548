#include "sinks/default_literal.h"

#include <string.h>

/* Reads up to the closing quote; *at moves behind it. */
static bool take_quoted(struct slice text, size_t *at, bool escapes, struct buf *out)
{
    for (size_t i = *at; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool twin = i + 1 < text.len && text.at[i + 1] == c;

        if (c == '\'' && !twin) {
            *at = i + 1;
            return !out->failed;
        }
        if (c == '\'' || (escapes && c == '\\')) {
            if (!twin)
                return false; /* \n and the like: pg_get_expr() never writes them */
            i++;
        }
        buf_byte(out, c);
    }
    return false;
}

/* Nothing, or a cast to a type: no operator, no further value. */
static bool only_cast(struct slice rest)
{
    static const char others[] = "_ .\"()[],";

    if (rest.len == 0)
        return true;
    if (rest.len < 3 || memcmp(rest.at, "::", 2) != 0)
        return false;
    for (size_t i = 2; i < rest.len; i++) {
        uint8_t c = rest.at[i];
        bool word =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;

        if (!word && (c == 0 || strchr(others, c) == NULL))
            return false;
    }
    return true;
}

static bool is_number(struct slice text)
{
    bool digit = false;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] >= '0' && text.at[i] <= '9')
            digit = true;
        else if (text.at[i] != '.' && !(i == 0 && text.at[i] == '-'))
            return false;
    }
    return digit;
}

bool default_literal_read(struct slice expression, struct buf *out)
{
    bool escapes = expression.len > 1 && expression.at[0] == 'E' && expression.at[1] == '\'';
    size_t at = escapes ? 2 : 1;

    out->len = 0;
    if (slice_is(expression, "true") || slice_is(expression, "false"))
        buf_append(out, expression.at, 1); /* t, f: as the values come */
    else if (is_number(expression))
        buf_slice(out, expression);
    else if (escapes || (expression.len > 0 && expression.at[0] == '\''))
        return take_quoted(expression, &at, escapes, out) &&
               only_cast(slice_of(expression.at + at, expression.len - at));
    else
        return false;
    return !out->failed;
}
