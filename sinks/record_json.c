#include "sinks/record_json.h"

#include <inttypes.h>

static void append_escaped(struct buf *out, uint8_t byte)
{
    if (byte == '"' || byte == '\\') {
        buf_byte(out, '\\');
        buf_byte(out, byte);
    } else if (byte < 0x20) {
        buf_printf(out, "\\u%04x", (unsigned)byte);
    } else {
        buf_byte(out, byte);
    }
}

static void append_string(struct buf *out, struct slice text)
{
    buf_byte(out, '"');
    for (size_t i = 0; i < text.len; i++)
        append_escaped(out, text.at[i]);
    buf_byte(out, '"');
}

static void append_json(struct buf *out, bool present, struct slice json)
{
    buf_slice(out, present ? json : slice_text("null"));
}

void record_json_append(struct buf *out, const struct record *record, const uint64_t *offset)
{
    buf_byte(out, '{');
    if (offset != NULL)
        buf_printf(out, "\"offset\":%" PRIu64 ",", *offset);
    buf_text(out, "\"topic\":");
    append_string(out, slice_text(record->topic->name));
    buf_text(out, ",\"key\":");
    append_json(out, record->has_key, record->key);
    buf_text(out, ",\"value\":");
    append_json(out, record->has_value, record->value);
    buf_text(out, ",\"headers\":{");
    for (size_t i = 0; i < record->header_count; i++) {
        if (i > 0)
            buf_byte(out, ',');
        append_string(out, slice_text(record->headers[i].name));
        buf_byte(out, ':');
        append_string(out, record->headers[i].value);
    }
    buf_text(out, "}}\n");
}
