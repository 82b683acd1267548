#include "support/record_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

const char UNCHANGED[] = "(unchanged)";

static struct cell cell_of(const char *text)
{
    if (text == NULL)
        return (struct cell){.kind = CELL_NULL};
    if (text == UNCHANGED)
        return (struct cell){.kind = CELL_UNCHANGED};
    return (struct cell){.kind = CELL_TEXT, .text = slice_text(text)};
}

struct row record_text_row(const char *const *texts, struct cell *cells, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        cells[i] = cell_of(texts[i]);
    return (struct row){cells, count};
}

void record_text_hex(struct slice bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(out, "%02x", bytes.at[i]);
}

/* Avro is behind a zero byte and the schema's id, which no JSON begins with. */
static void write_bytes(bool present, struct slice bytes, struct buf *out)
{
    if (!present)
        buf_byte(out, '-');
    else if (bytes.len > 0 && bytes.at[0] == 0)
        record_text_hex(bytes, out);
    else
        buf_slice(out, bytes);
}

void record_text_whole(const struct record *record, struct buf *out)
{
    write_bytes(record->has_key, record->key, out);
    buf_byte(out, ' ');
    write_bytes(record->has_value, record->value, out);
}

void record_text_write(const struct records *records, record_writer *write, struct buf *out)
{
    for (size_t i = 0; i < records->count; i++) {
        const struct record *record = &records->at[i];

        write(record, out);
        for (size_t h = 0; h < record->header_count; h++) {
            buf_printf(out, " %s=", record->headers[h].name);
            buf_slice(out, record->headers[h].value);
        }
        buf_byte(out, '\n');
    }
    buf_byte(out, 0);
    assert_false(out->failed);
}

void record_text_assert(struct recorder *recorder, const struct event *event, record_writer *write,
                        const char *expect)
{
    struct records records;
    struct error err = {0};
    struct buf got;

    if (!recorder_make(recorder, event, &records, &err))
        fail_msg("%s", err.text);
    buf_init(&got, SIZE_MAX);
    record_text_write(&records, write, &got);
    assert_string_equal((const char *)got.at, expect);
    buf_done(&got);
}
