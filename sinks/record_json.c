#include "sinks/record_json.h"

#include <inttypes.h>

#include "sinks/json_write.h"

#define AVRO_HEAD_BYTES 5u

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

/* No JSON begins with a zero byte: 00, the schema's id, big-endian, Avro's bytes. */
static bool is_avro(struct slice bytes)
{
    return bytes.len >= AVRO_HEAD_BYTES && bytes.at[0] == 0;
}

static void append_avro(struct buf *out, struct slice bytes)
{
    unsigned long id = 0;

    for (size_t i = 1; i < AVRO_HEAD_BYTES; i++)
        id = id << 8 | bytes.at[i];
    buf_printf(out, "{\"avro_id\":%lu,\"base64\":", id);
    json_base64(out, slice_of(bytes.at + AVRO_HEAD_BYTES, bytes.len - AVRO_HEAD_BYTES));
    buf_byte(out, '}');
}

static void append_value(struct buf *out, bool present, struct slice bytes)
{
    if (!present)
        buf_text(out, "null");
    else if (is_avro(bytes))
        append_avro(out, bytes);
    else
        buf_slice(out, bytes);
}

void record_json_append(struct buf *out, const struct record *record, const uint64_t *offset)
{
    buf_byte(out, '{');
    if (offset != NULL)
        buf_printf(out, "\"offset\":%" PRIu64 ",", *offset);
    buf_text(out, "\"topic\":");
    append_string(out, slice_text(record->topic->name));
    buf_text(out, ",\"key\":");
    append_value(out, record->has_key, record->key);
    buf_text(out, ",\"value\":");
    append_value(out, record->has_value, record->value);
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
