#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decoder/copytext.h"
#include "millrace/buf.h"
#include "tests/support/block.h"

struct row_case {
    const char *name;
    const char *line;
    uint16_t column_count;
    const char *expect; /* cells as [text] or NULL, or the error text */
};

static struct row_case row_cases[] = {
    {"one column", "7\n", 1, "[7]"},
    {"two columns", "7\tnote\n", 2, "[7][note]"},
    {"empty texts", "\t\t\n", 3, "[][][]"},
    {"one empty text", "\n", 1, "[]"},
    {"no columns", "\n", 0, ""},
    {"null", "\\N\n", 1, "NULL"},
    {"nulls between texts", "a\t\\N\tb\t\\N\n", 4, "[a]NULL[b]NULL"},
    {"the word NULL", "NULL\n", 1, "[NULL]"},
    {"the text backslash N", "\\\\N\n", 1, "[\\N]"},
    {"every escape", "\\b\\f\\n\\r\\t\\v\\\\\n", 1, "[\b\f\n\r\t\v\\]"},
    {"escapes among bytes", "a\\tb\\nc\n", 1, "[a\tb\nc]"},
    {"escape at the start", "\\nx\n", 1, "[\nx]"},
    {"escape at the end", "x\\n\n", 1, "[x\n]"},
    {"backslash before t", "\\\\t\n", 1, "[\\t]"},
    {"bytea", "\\\\x00ff\t1\n", 2, "[\\x00ff][1]"},
    {"escape only in the first", "a\\\\b\tc\td\n", 3, "[a\\b][c][d]"},
    {"escape only in the last", "c\td\ta\\\\b\n", 3, "[c][d][a\\b]"},
    {"bytes above 127", "\xc3\xa9\t\xf0\x9f\x8c\x8a\n", 2, "[\xc3\xa9][\xf0\x9f\x8c\x8a]"},
    {"carriage return as it is", "a\rb\n", 1, "[a\rb]"},
    {"too few columns", "a\tb\n", 3, "COPY row has fewer columns than the 3 expected"},
    {"too many columns", "a\tb\n", 1, "COPY row has more columns than the 1 expected"},
    {"a column where none is", "a\n", 0, "COPY row has more columns than the 0 expected"},
    {"no newline", "a\tb", 2, "COPY row of 3 bytes does not end in its only newline"},
    {"newline inside", "a\nb\n", 1, "COPY row of 4 bytes does not end in its only newline"},
    {"nothing at all", "", 1, "COPY row of 0 bytes does not end in its only newline"},
    {"nothing at all for no columns", "", 0,
     "COPY row of 0 bytes does not end in its only newline"},
    {"lone backslash", "a\\\n", 1, "COPY row has a bad escape at byte 1 of 3"},
    {"backslash before the tab", "a\\\tb\n", 2, "COPY row has a bad escape at byte 1 of 5"},
    {"null with a tail", "x\t\\Nx\n", 2, "COPY row has a bad escape at byte 2 of 6"},
    {"null with a head", "x\\N\n", 1, "COPY row has a bad escape at byte 1 of 4"},
    {"octal", "\\101\n", 1, "COPY row has a bad escape at byte 0 of 5"},
    {"hexadecimal", "\\x41\n", 1, "COPY row has a bad escape at byte 0 of 5"},
    {"end of data", "\\.\n", 1, "COPY row has a bad escape at byte 0 of 3"},
};

static void render(const struct row *row, struct buf *out)
{
    for (uint16_t i = 0; i < row->count; i++) {
        if (row->cells[i].kind == CELL_NULL) {
            buf_text(out, "NULL");
            continue;
        }
        assert_int_equal(row->cells[i].kind, CELL_TEXT);
        buf_byte(out, '[');
        buf_slice(out, row->cells[i].text);
        buf_byte(out, ']');
    }
}

static void reads(void **state)
{
    const struct row_case *c = *state;
    struct slice line = block_copy(c->line, strlen(c->line));
    struct arena scratch;
    struct error err = {0};
    struct row row = {NULL, 0};
    struct buf got;

    arena_init(&scratch, 65536);
    buf_init(&got, 65536);
    if (copytext_row(line, c->column_count, &scratch, &row, &err)) {
        assert_non_null(row.cells);
        assert_int_equal(row.count, c->column_count);
        render(&row, &got);
    } else {
        assert_int_equal(err.kind, ERROR_DATA);
        assert_null(row.cells);
        buf_text(&got, err.text);
    }
    buf_byte(&got, '\0');
    assert_string_equal((const char *)got.at, c->expect);
    buf_done(&got);
    arena_done(&scratch);
    block_free(line);
}

static bool accepted(const char *at, size_t len, uint16_t column_count, size_t limit_bytes)
{
    struct slice line = block_copy(at, len);
    struct arena scratch;
    struct error err = {0};
    struct row row;
    bool ok;

    arena_init(&scratch, limit_bytes);
    ok = copytext_row(line, column_count, &scratch, &row, &err);
    assert_int_equal(err.kind, ok ? ERROR_NONE : ERROR_DATA);
    arena_done(&scratch);
    block_free(line);
    return ok;
}

static void every_truncation_fails(void **state)
{
    static const char line[] = "a\\\\b\t\\N\tc\\td\t\n";

    (void)state;
    for (size_t len = 0; len < sizeof line - 1; len++)
        assert_false(accepted(line, len, 4, 65536));
    assert_true(accepted(line, sizeof line - 1, 4, 65536));
}

static void every_escape_letter(void **state)
{
    char line[] = "a\\?b\n";

    (void)state;
    for (int letter = 0; letter < 256; letter++) {
        line[2] = (char)letter;
        assert_int_equal(accepted(line, 5, 1, 65536),
                         letter != 0 && strchr("bfnrtv\\", letter) != NULL);
    }
}

static void every_column_count(void **state)
{
    (void)state;
    for (unsigned count = 0; count < 2048; count++)
        assert_int_equal(accepted("a\tb\t\\N\n", 7, (uint16_t)count, SIZE_MAX), count == 3);
}

static void plain_cells_are_borrowed(void **state)
{
    struct slice line = block_copy("abc\tx\\ty\tdef\n", 13);
    struct arena scratch;
    struct error err = {0};
    struct row row;

    (void)state;
    arena_init(&scratch, 65536);
    assert_true(copytext_row(line, 3, &scratch, &row, &err));
    assert_ptr_equal(row.cells[0].text.at, line.at);
    assert_true(row.cells[1].text.at < line.at || row.cells[1].text.at >= line.at + line.len);
    assert_ptr_equal(row.cells[2].text.at, line.at + 9);
    arena_done(&scratch);
    block_free(line);
}

static void limit_is_named(void **state)
{
    struct slice line = block_copy("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\n\n", 55);
    struct arena scratch;
    struct error err = {0};
    struct row row;

    (void)state;
    arena_init(&scratch, 64);
    assert_false(copytext_row(line, 1, &scratch, &row, &err));
    assert_string_equal(err.text, "COPY row of 55 bytes passes the limit of 64 for one row");
    arena_done(&scratch);
    err = (struct error){0};
    arena_init(&scratch, 16);
    assert_false(copytext_row(line, 1, &scratch, &row, &err));
    assert_string_equal(err.text, "COPY row of 1 columns passes the limit of 16 for one row");
    arena_done(&scratch);
    block_free(line);
}

int main(void)
{
    static const struct CMUnitTest loops[] = {
        cmocka_unit_test(every_truncation_fails), cmocka_unit_test(every_escape_letter),
        cmocka_unit_test(every_column_count),     cmocka_unit_test(plain_cells_are_borrowed),
        cmocka_unit_test(limit_is_named),
    };
    struct CMUnitTest tests[ARRAY_LEN(row_cases) + ARRAY_LEN(loops)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(row_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = row_cases[i].name, .test_func = reads, .initial_state = &row_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(loops); i++)
        tests[n++] = loops[i];
    return cmocka_run_group_tests_name("copytext", tests, NULL, NULL);
}
