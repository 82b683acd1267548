/* Input: one byte with the number of columns, then the row. */
#include <string.h>

#include "decoder/copytext.h"
#include "millrace/buf.h"
#include "tests/fuzz/fuzz.h"

/* The value of a field, byte by byte and without any haste. */
static void unescape_plainly(struct slice field, struct buf *out)
{
    static const char letters[] = "bfnrtv\\", bytes[] = "\b\f\n\r\t\v\\";

    for (size_t i = 0; i < field.len; i++) {
        if (field.at[i] == '\\')
            buf_byte(out, (uint8_t)bytes[strchr(letters, field.at[++i]) - letters]);
        else
            buf_byte(out, field.at[i]);
    }
}

static void check_cell(const struct cell *cell, struct slice field)
{
    struct buf plain;

    if (slice_is(field, "\\N")) {
        require(cell->kind == CELL_NULL);
        return;
    }
    buf_init(&plain, field.len + 1);
    unescape_plainly(field, &plain);
    require(cell->kind == CELL_TEXT && slice_equal(cell->text, buf_view(&plain)));
    buf_done(&plain);
}

/* Every cell against its field; the row was accepted, so there are as many of them. */
static void check_row(const struct row *row, struct slice line)
{
    size_t start = 0;
    uint16_t column = 0;

    for (size_t i = 0; i < line.len && row->count > 0; i++) {
        if (line.at[i] != '\t' && line.at[i] != '\n')
            continue;
        require(column < row->count);
        check_cell(&row->cells[column++], slice_of(line.at + start, i - start));
        start = i + 1;
    }
    require(column == row->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena scratch;
    struct error err = {0};
    struct row row;
    struct slice line;

    if (size == 0)
        return 0;
    line = slice_of(data + 1, size - 1);
    arena_init(&scratch, 1 << 16);
    if (copytext_row(line, data[0], &scratch, &row, &err)) {
        require(err.kind == ERROR_NONE && row.cells != NULL && row.count == data[0]);
        check_row(&row, line);
    } else {
        require_refusal(&err, ERROR_DATA);
    }
    arena_done(&scratch);
    return 0;
}
