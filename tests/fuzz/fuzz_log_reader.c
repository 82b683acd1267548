#include "sinks/log_format.h"
#include "tests/fuzz/fuzz.h"

static void read_record(struct slice payload)
{
    struct record record;
    uint32_t topic_id;
    int64_t timestamp_us;

    if (!log_record_decode(payload, &record, &topic_id, &timestamp_us))
        return;
    require(record.header_count <= RECORD_HEADERS_MAX);
    for (size_t i = 0; i < record.header_count; i++) {
        touch(slice_text(record.headers[i].name));
        touch(record.headers[i].value);
    }
    require(record.has_key || record.key.len == 0);
    require(record.has_value || record.value.len == 0);
    touch(record.key);
    touch(record.value);
}

/* As every type: a fuzzer seldom finds a checksum, and what follows it must hold against any bytes.
 */
static void read_payload(struct slice payload)
{
    struct position position;
    struct log_commit commit;
    struct error err = {0};
    struct slice name;
    uint32_t id;

    read_record(payload);
    if (log_topic_decode(payload, &id, &name)) {
        require(name.len >= 1 && name.len <= LOG_TOPIC_NAME_MAX);
        touch(name);
    }
    if (log_commit_decode(payload, &commit) && !position_decode(commit.position, &position, &err))
        require_refusal(&err, ERROR_GAP);
}

static void walk(struct slice left)
{
    struct log_frame frame;

    while (log_frame_decode(left, &frame) == LOG_FRAME_WHOLE) {
        require(frame.frame_bytes >= LOG_FRAME_HEAD_BYTES && frame.frame_bytes <= left.len);
        read_payload(frame.payload);
        left = slice_of(left.at + frame.frame_bytes, left.len - frame.frame_bytes);
    }
}

/* A segment; or frames without a head; or one frame's payload. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = slice_of(data, size);
    struct log_head head;

    if (log_head_decode(all, &head) == LOG_HEAD_WHOLE)
        walk(slice_of(data + LOG_HEAD_BYTES, size - LOG_HEAD_BYTES));
    walk(all);
    read_payload(all);
    return 0;
}
