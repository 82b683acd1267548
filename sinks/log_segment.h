/*
 * log_segment - reading one segment file of the event log, up to its last whole commit.
 *
 *     0        at            unit_end                     size
 *     [ head | read | ...... COMMIT | ... torn or being written ... ]
 *
 * A unit is returned only after its COMMIT was found and every frame up to it checked, so a caller
 * never sees a record that is not committed.  Only a window of the file is in memory, or one frame
 * when that is longer.  No lock is taken: a writer may be appending.
 *
 * A frame that is not whole ends the log there (a torn tail) when no whole COMMIT follows it
 * anywhere in the file.  When one follows, the frame was damaged after it had been durable, with
 * one exception: the COMMIT is the file's very end and the unit has a sector of zeros.  The machine
 * lost power before fdatasync returned, and of that last unit later pages had reached the disk
 * before earlier ones.
 */
#ifndef SINKS_LOG_SEGMENT_H
#define SINKS_LOG_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"
#include "millrace/position.h"
#include "sinks/log_format.h"
#include "sinks/recorder.h"

/* The segments in a folder, ascending. */
struct log_listing {
    uint64_t *first_offsets;
    size_t count;
    char stranger[256]; /* some entry that no log has; empty: there is none */
};

/* Opens a log's folder to read; ERROR_CONFIG when there is none. */
bool log_directory_open(const char *directory, int *out_fd, struct error *err) MUST_CHECK;
bool log_listing_read(int dir_fd, struct log_listing *out, struct error *err) MUST_CHECK;
void log_listing_done(struct log_listing *listing);

/* The topics of one segment, by id. */
struct log_topics {
    struct arena names;
    struct topic **at;
    uint32_t count;
    uint32_t room;
};

/* The id of the topic of that name; false: it has none yet. */
bool log_topics_find(const struct log_topics *topics, const char *name,
                     uint32_t *out_id) MUST_CHECK;
void log_topics_done(struct log_topics *topics);

struct log_segment {
    int fd; /* -1: closed */
    uint64_t first_offset;
    uint64_t size; /* when it was opened */
    int64_t created_us;
    uint64_t at;              /* the next frame */
    uint64_t unit_end;        /* behind the COMMIT of the unit that `at` is in */
    uint64_t committed_bytes; /* behind the last COMMIT returned; 0: none yet */
    uint64_t next_offset;     /* of the next record */
    uint64_t unit_records;    /* returned since the last COMMIT */
    struct log_topics topics;
    struct buf window;
    uint64_t window_at; /* where in the file the window begins */
};

enum log_read {
    LOG_READ_RECORD,
    LOG_READ_COMMIT,
    LOG_READ_END, /* nothing committed follows */
    LOG_READ_FAILED,
};

/* Borrows from the segment; valid until the next call. */
struct log_entry {
    uint64_t offset;          /* RECORD: its own; COMMIT: the next record's */
    int64_t timestamp_us;     /* RECORD */
    struct record record;     /* RECORD; its topic lives as long as the segment is open */
    uint64_t record_count;    /* COMMIT: since the one before */
    struct position position; /* COMMIT; known == false: it holds none */
};

/* Opens a segment of the folder.  False: ERROR_CONFIG (not a segment, or of a version that we do
 * not know), ERROR_DATA (damaged head), ERROR_SYSTEM; *out_missing tells when there is no such file
 * (deleted since it was listed), which is ERROR_SYSTEM too. */
bool log_segment_open(struct log_segment *s, int dir_fd, uint64_t first_offset, bool *out_missing,
                      struct error *err) MUST_CHECK;
/* The next record or commit.  LOG_READ_FAILED: err names the segment and the byte. */
enum log_read log_segment_next(struct log_segment *s, struct log_entry *out, struct error *err);
/* For a segment read to its LOG_READ_END and followed by another: ERROR_DATA unless it is whole and
 * the other begins with the record that comes next. */
bool log_segment_joins(const struct log_segment *s, uint64_t next_first_offset,
                       struct error *err) MUST_CHECK;
/* Closed or zeroed with fd -1 is fine. */
void log_segment_close(struct log_segment *s);

#endif
