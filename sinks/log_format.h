/*
 * log_format - the bytes of the local event log, and nothing but the bytes: no file is touched
 * here.
 *
 * A log is a folder:
 *
 *     lock                       flock'ed by the one writer; holds its pid
 *     00000000000000000000.log   segments, named by the offset of their first record
 *     00000000000000182733.log
 *
 * Records are numbered from 0 across all segments: the record offset.  Old segments may be deleted
 * from the front; a segment missing in between is damage.
 *
 *     segment   [ head | unit | unit | ... ]         unit   [ TOPIC | RECORD | RECORD | ... |
 * COMMIT ]
 *
 * A unit is what one commit made durable, and is there in whole or not at all: what follows the
 * last whole COMMIT is not part of the log.  The writer begins a unit only after fdatasync has
 * returned for the one before, so damage can only be an unfinished write (a torn tail) while
 * nothing but that unit follows it; see log_segment.h for how the two are told apart.
 *
 * All integers are big-endian; there is no padding.
 *
 *     head, 32 bytes, the same in every version
 *      0  magic          8   "MILLRLOG"
 *      8  version        u32 1: any other is refused
 *     12  created_us     i64 microseconds since 1970
 *     20  first_offset   u64 as in the file's name
 *     28  crc32c         u32 over the 28 bytes before
 *
 *     frame
 *      0  length         u32 of the payload, at most LOG_PAYLOAD_MAX
 *      4  type           u8  'T' 'R' 'C'
 *      5  crc32c         u32 over length, type and payload
 *      9  payload
 *
 *     'T' TOPIC: from here on, in this segment, `id` stands for this topic
 *      0  id             u32 0, 1, 2... in each segment
 *      4  name           the rest: 1 to 249 bytes, no NUL
 *
 *     'R' RECORD
 *      0  topic id       u32
 *      4  flags          u8  1: has a key, 2: has a value (else null)
 *      5  timestamp_us   i64 when the relay took the event, microseconds since 1970
 *     13  header count   u8  at most RECORD_HEADERS_MAX; each: name, NUL, u32 length, value
 *         key length     u32
 *         key
 *         value              the rest
 *
 *     'C' COMMIT
 *      0  next_offset    u64 offset of the record that comes next
 *      8  record count   u64 since the last COMMIT (0: only the position moved)
 *     16  position           the rest: text form of millrace/position.h; empty: none is known
 */
#ifndef SINKS_LOG_FORMAT_H
#define SINKS_LOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/position.h"
#include "millrace/slice.h"
#include "sinks/recorder.h"

#define LOG_VERSION 1
#define LOG_HEAD_BYTES 32
#define LOG_FRAME_HEAD_BYTES 9
#define LOG_PAYLOAD_MAX ((uint32_t)1 << 30)
#define LOG_TOPIC_NAME_MAX 249
/* No COMMIT is longer: the position's text has a bound. */
#define LOG_COMMIT_PAYLOAD_MAX 4096
#define LOG_COMMIT_PAYLOAD_MIN 16

struct log_segment_name {
    char text[25]; /* twenty digits, ".log", NUL */
};

/* By value, so that it can stand in an argument list. */
struct log_segment_name log_segment_name(uint64_t first_offset);
/* True when `name` is exactly a segment's name; *out_first_offset is written only then. */
bool log_segment_parse(const char *name, uint64_t *out_first_offset) MUST_CHECK;

struct log_head {
    uint32_t version;
    int64_t created_us;
    uint64_t first_offset;
};

enum log_head_outcome {
    LOG_HEAD_WHOLE,
    LOG_HEAD_UNWRITTEN, /* nothing but the beginning of a head, or zeros: its write never finished
                         */
    LOG_HEAD_DAMAGED,
    LOG_HEAD_FOREIGN, /* not a file of ours */
    LOG_HEAD_VERSION, /* a version that we do not know: out->version */
};

void log_head_encode(struct buf *out, const struct log_head *head);
/* `bytes`: the file's first LOG_HEAD_BYTES, or all of a shorter file. */
enum log_head_outcome log_head_decode(struct slice bytes, struct log_head *out);

enum log_frame_type { LOG_TOPIC = 'T', LOG_RECORD = 'R', LOG_COMMIT = 'C' };

struct log_frame {
    uint8_t type;
    struct slice payload;
    size_t frame_bytes; /* head and payload */
};

enum log_frame_outcome {
    LOG_FRAME_WHOLE,
    LOG_FRAME_SHORT,   /* out->frame_bytes are needed to tell, of which `bytes` are too few */
    LOG_FRAME_DAMAGED, /* the checksum does not match, or the length is beyond every bound */
};

/* The frame at the beginning of `bytes`; it borrows from them.  A whole frame's type may still be
 * unknown. */
enum log_frame_outcome log_frame_decode(struct slice bytes, struct log_frame *out);

void log_topic_encode(struct buf *out, uint32_t id, const char *name);
bool log_topic_decode(struct slice payload, uint32_t *out_id, struct slice *out_name) MUST_CHECK;

/* Appends a RECORD frame but for its last bytes: the record's key and then its value, which the
 * caller writes right behind (they may be large and need no copy).  False: it would pass
 * LOG_PAYLOAD_MAX; nothing was appended. */
bool log_record_encode(struct buf *out, const struct record *record, uint32_t topic_id,
                       int64_t timestamp_us) MUST_CHECK;
/* out->topic and out->relation stay NULL; the rest borrows from the payload. */
bool log_record_decode(struct slice payload, struct record *out, uint32_t *out_topic_id,
                       int64_t *out_timestamp_us) MUST_CHECK;

struct log_commit {
    uint64_t next_offset;
    uint64_t record_count;
    struct slice position; /* text form; empty: none */
};

void log_commit_encode(struct buf *out, uint64_t next_offset, uint64_t record_count,
                       const struct position *position);
bool log_commit_decode(struct slice payload, struct log_commit *out) MUST_CHECK;

#endif
