/*
 *     value TAB \N TAB value with \t and \\ in it NEWLINE
 *
 * A tab inside a value is always written \t, so a bare tab is always a separator.  The whole row is
 * searched once for a backslash; fields in front of the next one are lent out as they are.
 */
#include "decoder/copytext.h"

#include <string.h>

/* What COPY TO writes behind a backslash inside a value, and the byte it stands for; octal and
 * hexadecimal escapes are for COPY FROM only.  0: none. */
static uint8_t unescaped(uint8_t letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'v':
        return '\v';
    case '\\':
        return '\\';
    default:
        return 0;
    }
}

/* NULL: there is none. */
static const uint8_t *find(const uint8_t *at, const uint8_t *end, int byte)
{
    return at == end ? NULL : memchr(at, byte, (size_t)(end - at));
}

/* Copies [at, end) to `out` without its escapes; returns the end of the copy, or NULL with *out_bad
 * at a backslash that begins no escape. */
static uint8_t *unescape(const uint8_t *at, const uint8_t *end, uint8_t *out,
                         const uint8_t **out_bad)
{
    const uint8_t *slash;

    while ((slash = find(at, end, '\\')) != NULL) {
        uint8_t byte = end - slash < 2 ? 0 : unescaped(slash[1]);

        if (byte == 0) {
            *out_bad = slash;
            return NULL;
        }
        memcpy(out, at, (size_t)(slash - at));
        out += slash - at;
        *out++ = byte;
        at = slash + 2;
    }
    if (at < end)
        memcpy(out, at, (size_t)(end - at));
    return out + (end - at);
}

/* A field with a backslash in it. */
static bool read_escaped(struct slice line, struct slice field, struct arena *scratch,
                         struct cell *out_cell, struct error *err)
{
    const uint8_t *bad;
    uint8_t *copy, *copy_end;

    if (slice_is(field, "\\N")) {
        *out_cell = (struct cell){.kind = CELL_NULL};
        return true;
    }
    copy = arena_alloc(scratch, field.len);
    if (copy == NULL)
        return error_set(err, ERROR_DATA,
                         "COPY row of %zu bytes passes the limit of %zu for one row", line.len,
                         scratch->limit_bytes);
    copy_end = unescape(field.at, field.at + field.len, copy, &bad);
    if (copy_end == NULL)
        return error_set(err, ERROR_DATA, "COPY row has a bad escape at byte %zu of %zu",
                         (size_t)(bad - line.at), line.len);
    *out_cell = (struct cell){CELL_TEXT, {copy, (size_t)(copy_end - copy)}};
    return true;
}

/* `end` is where the newline stands; column_count is at least 1. */
static bool read_cells(struct slice line, const uint8_t *end, uint16_t column_count,
                       struct arena *scratch, struct cell *cells, struct error *err)
{
    const uint8_t *at = line.at, *slash = find(at, end, '\\');

    for (uint16_t i = 0; i < column_count; i++) {
        const uint8_t *tab = find(at, end, '\t'), *stop = tab == NULL ? end : tab;

        if ((tab == NULL) != (i + 1 == column_count))
            return error_set(err, ERROR_DATA, "COPY row has %s columns than the %u expected",
                             tab == NULL ? "fewer" : "more", (unsigned)column_count);
        if (slash == NULL || slash >= stop) {
            cells[i] = (struct cell){CELL_TEXT, {at, (size_t)(stop - at)}};
        } else {
            struct slice field = {at, (size_t)(stop - at)};

            if (!read_escaped(line, field, scratch, &cells[i], err))
                return false;
            slash = find(stop, end, '\\');
        }
        at = stop + 1;
    }
    return true;
}

bool copytext_row(struct slice line, uint16_t column_count, struct arena *scratch,
                  struct row *out_row, struct error *err)
{
    const uint8_t *newline = line.len == 0 ? NULL : memchr(line.at, '\n', line.len);
    struct cell *cells;

    if (newline == NULL || newline + 1 != line.at + line.len)
        return error_set(err, ERROR_DATA, "COPY row of %zu bytes does not end in its only newline",
                         line.len);
    if (column_count == 0 && line.len > 1)
        return error_set(err, ERROR_DATA, "COPY row has more columns than the 0 expected");
    cells = arena_alloc(scratch, column_count * sizeof *cells);
    if (cells == NULL)
        return error_set(err, ERROR_DATA,
                         "COPY row of %u columns passes the limit of %zu for one row",
                         (unsigned)column_count, scratch->limit_bytes);
    if (column_count > 0 && !read_cells(line, newline, column_count, scratch, cells, err))
        return false;
    *out_row = (struct row){cells, column_count};
    return true;
}
