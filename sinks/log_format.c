#include "sinks/log_format.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "millrace/crc32c.h"
#include "millrace/reader.h"

#define MAGIC "MILLRLOG"
#define MAGIC_BYTES 8
#define NAME_DIGITS 20
#define CRC_AT 5 /* in a frame */

enum { HAS_KEY = 1, HAS_VALUE = 2 };

struct log_segment_name log_segment_name(uint64_t first_offset)
{
    struct log_segment_name name;

    (void)snprintf(name.text, sizeof name.text, "%020" PRIu64 ".log", first_offset);
    return name;
}

bool log_segment_parse(const char *name, uint64_t *out_first_offset)
{
    uint64_t offset = 0;

    if (strlen(name) != NAME_DIGITS + 4 || strcmp(name + NAME_DIGITS, ".log") != 0)
        return false;
    for (int i = 0; i < NAME_DIGITS; i++) {
        unsigned digit = (unsigned)(unsigned char)name[i] - '0';

        if (digit > 9 || offset > (UINT64_MAX - digit) / 10)
            return false;
        offset = offset * 10 + digit;
    }
    *out_first_offset = offset;
    return true;
}

static void store_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void append_u32(struct buf *out, uint32_t value)
{
    uint8_t bytes[4];

    store_u32(bytes, value);
    buf_append(out, bytes, sizeof bytes);
}

static void append_u64(struct buf *out, uint64_t value)
{
    append_u32(out, (uint32_t)(value >> 32));
    append_u32(out, (uint32_t)value);
}

/* The head. */

void log_head_encode(struct buf *out, const struct log_head *head)
{
    size_t start = out->len;

    buf_append(out, MAGIC, MAGIC_BYTES);
    append_u32(out, head->version);
    append_u64(out, (uint64_t)head->created_us);
    append_u64(out, head->first_offset);
    if (!out->failed)
        append_u32(out, crc32c(0, out->at + start, out->len - start));
}

static bool is_unwritten(struct slice bytes)
{
    size_t zeros = 0, compared = bytes.len < MAGIC_BYTES ? bytes.len : MAGIC_BYTES;

    while (zeros < bytes.len && bytes.at[zeros] == 0)
        zeros++;
    if (zeros == bytes.len)
        return true;
    return bytes.len < LOG_HEAD_BYTES && memcmp(bytes.at, MAGIC, compared) == 0;
}

enum log_head_outcome log_head_decode(struct slice bytes, struct log_head *out)
{
    struct reader r = reader_over(bytes);
    struct slice magic = reader_bytes(&r, MAGIC_BYTES);
    struct log_head head;
    uint32_t crc;

    if (is_unwritten(bytes))
        return LOG_HEAD_UNWRITTEN;
    head.version = reader_u32(&r);
    head.created_us = (int64_t)reader_u64(&r);
    head.first_offset = reader_u64(&r);
    crc = reader_u32(&r);
    if (r.failed || !slice_is(magic, MAGIC))
        return LOG_HEAD_FOREIGN;
    if (crc != crc32c(0, bytes.at, LOG_HEAD_BYTES - 4))
        return LOG_HEAD_DAMAGED;
    *out = head;
    return head.version == LOG_VERSION ? LOG_HEAD_WHOLE : LOG_HEAD_VERSION;
}

/* Frames. */

/* Returns where the frame starts, for frame_end(). */
static size_t frame_begin(struct buf *out, enum log_frame_type type)
{
    size_t start = out->len;

    append_u32(out, 0);
    buf_byte(out, (uint8_t)type);
    append_u32(out, 0);
    return start;
}

/* Length and checksum of a payload that continues with `key` and `value` behind what is in the
 * buffer. */
static void frame_end(struct buf *out, size_t start, struct slice key, struct slice value)
{
    uint8_t *frame;
    size_t length;
    uint32_t crc;

    if (out->failed)
        return;
    frame = out->at + start;
    length = out->len - start - LOG_FRAME_HEAD_BYTES;
    store_u32(frame, (uint32_t)(length + key.len + value.len));
    crc = crc32c(0, frame, CRC_AT);
    crc = crc32c(crc, frame + LOG_FRAME_HEAD_BYTES, length);
    crc = crc32c(crc, key.at, key.len);
    store_u32(frame + CRC_AT, crc32c(crc, value.at, value.len));
}

enum log_frame_outcome log_frame_decode(struct slice bytes, struct log_frame *out)
{
    struct reader r = reader_over(bytes);
    uint32_t length = reader_u32(&r), crc;
    uint8_t type = reader_u8(&r);
    struct slice payload;

    crc = reader_u32(&r);
    if (r.failed) {
        out->frame_bytes = LOG_FRAME_HEAD_BYTES;
        return LOG_FRAME_SHORT;
    }
    if (length > LOG_PAYLOAD_MAX)
        return LOG_FRAME_DAMAGED;
    out->frame_bytes = LOG_FRAME_HEAD_BYTES + (size_t)length;
    payload = reader_bytes(&r, length);
    if (r.failed)
        return LOG_FRAME_SHORT;
    if (crc != crc32c(crc32c(0, bytes.at, CRC_AT), payload.at, payload.len))
        return LOG_FRAME_DAMAGED;
    out->type = type;
    out->payload = payload;
    return LOG_FRAME_WHOLE;
}

static const struct slice nothing = {NULL, 0};

void log_topic_encode(struct buf *out, uint32_t id, const char *name)
{
    size_t start = frame_begin(out, LOG_TOPIC);

    append_u32(out, id);
    buf_text(out, name);
    frame_end(out, start, nothing, nothing);
}

bool log_topic_decode(struct slice payload, uint32_t *out_id, struct slice *out_name)
{
    struct reader r = reader_over(payload);
    uint32_t id = reader_u32(&r);
    struct slice name = reader_bytes(&r, reader_left(&r));

    if (r.failed || name.len < 1 || name.len > LOG_TOPIC_NAME_MAX ||
        memchr(name.at, 0, name.len) != NULL)
        return false;
    *out_id = id;
    *out_name = name;
    return true;
}

static bool record_fits(const struct record *record)
{
    size_t left = LOG_PAYLOAD_MAX - 64; /* the fixed fields need less */

    for (size_t i = 0; i < record->header_count; i++) {
        size_t name = strlen(record->headers[i].name) + 5;

        if (name > left || record->headers[i].value.len > left - name)
            return false;
        left -= name + record->headers[i].value.len;
    }
    return record->key.len <= left && record->value.len <= left - record->key.len;
}

static void append_headers(struct buf *out, const struct record *record)
{
    assert(record->header_count <= RECORD_HEADERS_MAX);
    buf_byte(out, (uint8_t)record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        const struct header *h = &record->headers[i];

        buf_append(out, h->name, strlen(h->name) + 1);
        append_u32(out, (uint32_t)h->value.len);
        buf_slice(out, h->value);
    }
}

bool log_record_encode(struct buf *out, const struct record *record, uint32_t topic_id,
                       int64_t timestamp_us)
{
    struct slice key = record->has_key ? record->key : nothing;
    struct slice value = record->has_value ? record->value : nothing;
    size_t start;

    if (!record_fits(record))
        return false;
    start = frame_begin(out, LOG_RECORD);
    append_u32(out, topic_id);
    buf_byte(out, (uint8_t)((record->has_key ? HAS_KEY : 0) | (record->has_value ? HAS_VALUE : 0)));
    append_u64(out, (uint64_t)timestamp_us);
    append_headers(out, record);
    append_u32(out, (uint32_t)key.len);
    frame_end(out, start, key, value);
    return true;
}

static void read_headers(struct reader *r, struct record *out)
{
    uint8_t count = reader_u8(r);

    if (count > RECORD_HEADERS_MAX)
        r->failed = true;
    for (uint8_t i = 0; i < count && !r->failed; i++) {
        out->headers[i].name = (const char *)reader_cstring(r).at; /* its NUL is in the payload */
        out->headers[i].value = reader_bytes(r, reader_u32(r));
    }
    out->header_count = r->failed ? 0 : count;
}

bool log_record_decode(struct slice payload, struct record *out, uint32_t *out_topic_id,
                       int64_t *out_timestamp_us)
{
    struct reader r = reader_over(payload);
    struct record record = {0};
    uint32_t topic_id = reader_u32(&r);
    uint8_t flags = reader_u8(&r);
    int64_t timestamp_us = (int64_t)reader_u64(&r);

    read_headers(&r, &record);
    record.has_key = (flags & HAS_KEY) != 0;
    record.has_value = (flags & HAS_VALUE) != 0;
    record.key = reader_bytes(&r, reader_u32(&r));
    record.value = reader_bytes(&r, reader_left(&r));
    if (r.failed || flags > (HAS_KEY | HAS_VALUE) || (!record.has_key && record.key.len > 0) ||
        (!record.has_value && record.value.len > 0))
        return false;
    *out = record;
    *out_topic_id = topic_id;
    *out_timestamp_us = timestamp_us;
    return true;
}

void log_commit_encode(struct buf *out, uint64_t next_offset, uint64_t record_count,
                       const struct position *position)
{
    size_t start = frame_begin(out, LOG_COMMIT);

    append_u64(out, next_offset);
    append_u64(out, record_count);
    if (position->known)
        position_encode(position, out);
    assert(out->failed || out->len - start <= LOG_FRAME_HEAD_BYTES + LOG_COMMIT_PAYLOAD_MAX);
    frame_end(out, start, nothing, nothing);
}

bool log_commit_decode(struct slice payload, struct log_commit *out)
{
    struct reader r = reader_over(payload);
    struct log_commit commit = {.next_offset = reader_u64(&r)};

    commit.record_count = reader_u64(&r);
    commit.position = reader_bytes(&r, reader_left(&r));
    if (r.failed || payload.len > LOG_COMMIT_PAYLOAD_MAX)
        return false;
    *out = commit;
    return true;
}
