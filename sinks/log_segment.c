#include "sinks/log_segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_BYTES ((size_t)256 * 1024)
#define TOPIC_MEMORY_BYTES ((size_t)64 * 1024 * 1024)
#define SECTOR_BYTES 512 /* a disk writes a sector in whole or not at all */

/* The folder. */

bool log_directory_open(const char *directory, int *out_fd, struct error *err)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return error_set(err, ERROR_CONFIG, "there is no such folder");
    if (fd < 0)
        return error_os(err, errno, "cannot open the folder");
    *out_fd = fd;
    return true;
}

static int compare_offsets(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* File systems and backup tools keep entries of their own; those are nobody's data. */
static bool is_expected(const char *name)
{
    return name[0] == '.' || strcmp(name, "lock") == 0 || strcmp(name, "lost+found") == 0;
}

static bool list_entry(struct log_listing *listing, const char *name)
{
    uint64_t first_offset, *moved;

    if (!log_segment_parse(name, &first_offset)) {
        if (!is_expected(name))
            (void)snprintf(listing->stranger, sizeof listing->stranger, "%s", name);
        return true;
    }
    moved = realloc(listing->first_offsets, (listing->count + 1) * sizeof *moved);
    if (moved == NULL)
        return false;
    listing->first_offsets = moved;
    moved[listing->count++] = first_offset;
    return true;
}

static bool list_entries(DIR *dir, struct log_listing *listing, struct error *err)
{
    const struct dirent *entry;

    while ((void)(errno = 0), (entry = readdir(dir)) != NULL)
        if (!list_entry(listing, entry->d_name))
            return error_set(err, ERROR_SYSTEM, "no memory to list the log's segments");
    if (errno != 0)
        return error_os(err, errno, "cannot list the log's folder");
    return true;
}

static bool list_folder(int dir_fd, struct log_listing *out, struct error *err)
{
    struct log_listing listing = {0};
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    bool ok;

    if (dir == NULL) {
        (void)error_os(err, errno, "cannot list the log's folder");
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    ok = list_entries(dir, &listing, err);
    (void)closedir(dir);
    if (!ok) {
        log_listing_done(&listing);
        return false;
    }
    if (listing.count > 0)
        qsort(listing.first_offsets, listing.count, sizeof *listing.first_offsets, compare_offsets);
    *out = listing;
    return true;
}

/* While a writer adds segments, a listing may miss one and yet show a later one.  Segments are made
 * in order, so whatever comes before the last one of a first listing was there for all of a second.
 */
bool log_listing_read(int dir_fd, struct log_listing *out, struct error *err)
{
    struct log_listing first, second;
    size_t count = 0;

    if (!list_folder(dir_fd, &first, err))
        return false;
    if (!list_folder(dir_fd, &second, err)) {
        log_listing_done(&first);
        return false;
    }
    while (first.count > 0 && count < second.count &&
           second.first_offsets[count] <= first.first_offsets[first.count - 1])
        count++;
    second.count = count;
    log_listing_done(&first);
    *out = second;
    return true;
}

void log_listing_done(struct log_listing *listing)
{
    free(listing->first_offsets);
    *listing = (struct log_listing){0};
}

/* Topics. */

static bool topics_room(struct log_topics *topics)
{
    uint32_t room = topics->room == 0 ? 16 : topics->room * 2;
    struct topic **moved;

    if (topics->count < topics->room)
        return true;
    moved = room <= topics->room ? NULL : realloc(topics->at, room * sizeof(struct topic *));
    if (moved == NULL)
        return false;
    topics->at = moved;
    topics->room = room;
    return true;
}

static bool topics_add(struct log_topics *topics, struct slice name)
{
    struct topic *topic = arena_alloc(&topics->names, sizeof *topic);
    char *text = topic == NULL ? NULL : arena_alloc(&topics->names, name.len + 1);

    if (text == NULL || !topics_room(topics))
        return false;
    memcpy(text, name.at, name.len);
    text[name.len] = '\0';
    *topic = (struct topic){.name = text};
    topics->at[topics->count++] = topic;
    return true;
}

bool log_topics_find(const struct log_topics *topics, const char *name, uint32_t *out_id)
{
    for (uint32_t id = 0; id < topics->count; id++)
        if (strcmp(topics->at[id]->name, name) == 0) {
            *out_id = id;
            return true;
        }
    return false;
}

void log_topics_done(struct log_topics *topics)
{
    arena_done(&topics->names);
    free(topics->at);
    *topics = (struct log_topics){.names.limit_bytes = topics->names.limit_bytes};
}

/* The window. */

static bool fill(struct log_segment *s, size_t want, struct error *err)
{
    uint8_t *room;
    ssize_t got;

    buf_reset(&s->window, 4 * WINDOW_BYTES);
    room = buf_room(&s->window, want);
    if (room == NULL)
        return error_set(err, ERROR_SYSTEM, "segment %s: no memory for a frame of %zu bytes",
                         log_segment_name(s->first_offset).text, want);
    while (s->window.len < want) {
        got = pread(s->fd, room + s->window.len, want - s->window.len,
                    (off_t)(s->window_at + s->window.len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_os(err, errno, "segment %s: cannot read at byte %" PRIu64,
                            log_segment_name(s->first_offset).text, s->window_at + s->window.len);
        if (got == 0)
            break; /* cut by a writer that is recovering */
        s->window.len += (size_t)got;
    }
    return true;
}

/* The bytes from `at` on: at least `len`, unless the file ends before. */
static bool fetch(struct log_segment *s, uint64_t at, size_t len, struct slice *out,
                  struct error *err)
{
    uint64_t left = s->size - at, skip;

    if (len > left)
        len = (size_t)left;
    if (at < s->window_at || at + len > s->window_at + s->window.len) {
        size_t want = len > WINDOW_BYTES ? len : WINDOW_BYTES;

        s->window_at = at;
        if (!fill(s, want > left ? (size_t)left : want, err))
            return false;
    }
    skip = at - s->window_at;
    *out = skip > s->window.len ? (struct slice){NULL, 0}
                                : slice_of(s->window.at + skip, s->window.len - (size_t)skip);
    return true;
}

static void forget_window(struct log_segment *s)
{
    s->window.len = 0;
}

/* False only when the file cannot be read. */
static bool frame_at(struct log_segment *s, uint64_t at, struct log_frame *out,
                     enum log_frame_outcome *out_outcome, struct error *err)
{
    struct slice bytes;

    if (!fetch(s, at, LOG_FRAME_HEAD_BYTES, &bytes, err))
        return false;
    *out_outcome = log_frame_decode(bytes, out);
    if (*out_outcome != LOG_FRAME_SHORT || out->frame_bytes > s->size - at)
        return true;
    if (!fetch(s, at, out->frame_bytes, &bytes, err))
        return false;
    *out_outcome = log_frame_decode(bytes, out);
    return true;
}

/* Torn or damaged? */

/* Whether a COMMIT frame may begin here; cheap, since it is asked at every byte. */
static bool may_be_commit(struct slice bytes)
{
    return bytes.len >= LOG_FRAME_HEAD_BYTES + LOG_COMMIT_PAYLOAD_MIN &&
           bytes.at[4] == LOG_COMMIT && bytes.at[0] == 0 && bytes.at[1] == 0 &&
           bytes.at[2] <= LOG_COMMIT_PAYLOAD_MAX >> 8;
}

/* Finds the first whole COMMIT that begins at `at` or any byte behind; *out_end 0: there is none.
 */
static bool find_commit(struct log_segment *s, uint64_t at, uint64_t *out_end, struct error *err)
{
    const size_t whole = LOG_FRAME_HEAD_BYTES + LOG_COMMIT_PAYLOAD_MAX + 256;
    struct log_frame frame;
    struct slice bytes;

    *out_end = 0;
    for (; at < s->size; at++) {
        if (!fetch(s, at, whole, &bytes, err))
            return false;
        if (bytes.len == 0)
            break; /* cut meanwhile */
        if (may_be_commit(bytes) && log_frame_decode(bytes, &frame) == LOG_FRAME_WHOLE) {
            *out_end = at + frame.frame_bytes;
            return true;
        }
    }
    return true;
}

/* Whether one of the file's sectors within [at, end) is all zeros. */
static bool has_empty_sector(struct log_segment *s, uint64_t at, uint64_t end, bool *out_empty,
                             struct error *err)
{
    static const uint8_t zeros[SECTOR_BYTES];
    struct slice bytes;

    *out_empty = false;
    for (at = (at + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
         end > at && end - at >= SECTOR_BYTES; at += SECTOR_BYTES) {
        if (!fetch(s, at, SECTOR_BYTES, &bytes, err))
            return false;
        if (bytes.len >= SECTOR_BYTES && memcmp(bytes.at, zeros, SECTOR_BYTES) == 0) {
            *out_empty = true;
            return true;
        }
    }
    return true;
}

/* What is not whole begins at byte `at`: true when the log just ends there. */
static bool ends_at(struct log_segment *s, uint64_t at, struct error *err)
{
    uint64_t commit_end;
    bool unwritten = false;

    if (!find_commit(s, at, &commit_end, err))
        return false;
    if (commit_end == 0)
        return true;
    if (commit_end == s->size && !has_empty_sector(s, at, commit_end, &unwritten, err))
        return false;
    if (unwritten)
        return true;
    return error_set(
        err, ERROR_DATA,
        "segment %s: damaged at byte %" PRIu64 ", before a commit that ends at byte %" PRIu64
        ": committed records are unreadable; put the file back from a copy, or move the "
        "whole log away and start anew with a snapshot",
        log_segment_name(s->first_offset).text, at, commit_end);
}

/* Units. */

enum unit { UNIT_FOUND, UNIT_NONE, UNIT_BROKEN, UNIT_FAILED };

/* Checks the frames from `at` to the next COMMIT; *out_end is behind it, or at the frame that is
 * not whole (UNIT_BROKEN). */
static enum unit scan_unit(struct log_segment *s, uint64_t *out_end, struct error *err)
{
    enum log_frame_outcome outcome;
    struct log_frame frame;
    uint64_t at = s->at;

    while (at < s->size) {
        if (!frame_at(s, at, &frame, &outcome, err))
            return UNIT_FAILED;
        if (outcome != LOG_FRAME_WHOLE) {
            *out_end = at;
            return UNIT_BROKEN;
        }
        at += frame.frame_bytes;
        if (frame.type == LOG_COMMIT) {
            *out_end = at;
            return UNIT_FOUND;
        }
    }
    return UNIT_NONE;
}

static enum unit find_unit(struct log_segment *s, struct error *err)
{
    uint64_t end = 0;
    enum unit found = scan_unit(s, &end, err);

    /* Once more from the file: a writer that recovers may have cut and rewritten the tail
     * meanwhile. */
    if (found == UNIT_BROKEN) {
        forget_window(s);
        found = scan_unit(s, &end, err);
    }
    if (found == UNIT_BROKEN)
        return ends_at(s, end, err) ? UNIT_NONE : UNIT_FAILED;
    if (found == UNIT_FOUND)
        s->unit_end = end;
    return found;
}

/* Opening. */

static bool read_head(struct log_segment *s, struct error *err)
{
    const struct log_segment_name name = log_segment_name(s->first_offset);
    struct log_head head = {0};
    struct slice bytes;

    if (!fetch(s, 0, LOG_HEAD_BYTES, &bytes, err))
        return false;
    bytes.len = bytes.len > LOG_HEAD_BYTES ? LOG_HEAD_BYTES : bytes.len;
    switch (log_head_decode(bytes, &head)) {
    case LOG_HEAD_WHOLE:
        if (head.first_offset != s->first_offset)
            return error_set(err, ERROR_DATA,
                             "segment %s: begins with record %" PRIu64 ": it was renamed",
                             name.text, head.first_offset);
        s->created_us = head.created_us;
        s->at = s->unit_end = LOG_HEAD_BYTES;
        return true;
    case LOG_HEAD_UNWRITTEN:
    case LOG_HEAD_DAMAGED:
        s->at = s->unit_end = s->size; /* its first write never finished: there is nothing in it */
        return ends_at(s, 0, err);
    case LOG_HEAD_FOREIGN:
        return error_set(
            err, ERROR_CONFIG,
            "segment %s: not a file of a millrace log: give the log a folder of its own",
            name.text);
    case LOG_HEAD_VERSION:
        return error_set(err, ERROR_CONFIG,
                         "segment %s: has format version %" PRIu32
                         ", this program knows %d: run the "
                         "version of millrace that wrote it, or a newer one",
                         name.text, head.version, LOG_VERSION);
    }
    return false;
}

static bool open_file(struct log_segment *s, int dir_fd, bool *out_missing, struct error *err)
{
    const struct log_segment_name name = log_segment_name(s->first_offset);
    struct stat status;

    s->fd = openat(dir_fd, name.text, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0) {
        *out_missing = errno == ENOENT;
        return error_os(err, errno, "segment %s: cannot open", name.text);
    }
    if (fstat(s->fd, &status) != 0)
        return error_os(err, errno, "segment %s: cannot find its size", name.text);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_CONFIG, "segment %s: not a file", name.text);
    s->size = (uint64_t)status.st_size;
    return true;
}

bool log_segment_open(struct log_segment *s, int dir_fd, uint64_t first_offset, bool *out_missing,
                      struct error *err)
{
    *s = (struct log_segment){.fd = -1, .first_offset = first_offset, .next_offset = first_offset};
    *out_missing = false;
    buf_init(&s->window, LOG_FRAME_HEAD_BYTES + (size_t)LOG_PAYLOAD_MAX);
    arena_init(&s->topics.names, TOPIC_MEMORY_BYTES);
    if (open_file(s, dir_fd, out_missing, err) && read_head(s, err))
        return true;
    log_segment_close(s);
    return false;
}

void log_segment_close(struct log_segment *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
    buf_done(&s->window);
    log_topics_done(&s->topics);
}

/* Reading. */

static bool malformed(const struct log_segment *s, const char *what, struct error *err)
{
    return error_set(err, ERROR_DATA,
                     "segment %s: %s at byte %" PRIu64 ": written by a newer millrace, or damaged",
                     log_segment_name(s->first_offset).text, what, s->at);
}

static bool learn_topic(struct log_segment *s, struct slice payload, struct error *err)
{
    struct slice name;
    uint32_t id;

    if (!log_topic_decode(payload, &id, &name) || id != s->topics.count)
        return malformed(s, "malformed TOPIC", err);
    if (!topics_add(&s->topics, name))
        return error_set(err, ERROR_SYSTEM, "segment %s: no memory for its topics",
                         log_segment_name(s->first_offset).text);
    return true;
}

static bool read_record(struct log_segment *s, struct slice payload, struct log_entry *out,
                        struct error *err)
{
    uint32_t topic_id;

    if (!log_record_decode(payload, &out->record, &topic_id, &out->timestamp_us))
        return malformed(s, "malformed RECORD", err);
    if (topic_id >= s->topics.count)
        return malformed(s, "RECORD of a topic that was never named", err);
    out->record.topic = s->topics.at[topic_id];
    out->offset = s->next_offset++;
    s->unit_records++;
    return true;
}

static bool read_commit(struct log_segment *s, const struct log_frame *frame, struct log_entry *out,
                        struct error *err)
{
    struct log_commit commit;
    struct position position = {0};

    if (!log_commit_decode(frame->payload, &commit))
        return malformed(s, "malformed COMMIT", err);
    if (commit.next_offset != s->next_offset || commit.record_count != s->unit_records)
        return malformed(s, "COMMIT that counts other records than there are", err);
    if (commit.position.len > 0 && !position_decode(commit.position, &position, err))
        return error_wrap(err, "segment %s: COMMIT at byte %" PRIu64,
                          log_segment_name(s->first_offset).text, s->at);
    out->offset = s->next_offset;
    out->record_count = commit.record_count;
    out->position = position;
    s->unit_records = 0;
    s->committed_bytes = s->at + frame->frame_bytes;
    return true;
}

/* The frame at `at`, which find_unit() has seen whole. */
static bool unit_frame(struct log_segment *s, struct log_frame *out, struct error *err)
{
    enum log_frame_outcome outcome;

    if (!frame_at(s, s->at, out, &outcome, err))
        return false;
    return outcome == LOG_FRAME_WHOLE || malformed(s, "frame that changed while it was read", err);
}

enum log_read log_segment_next(struct log_segment *s, struct log_entry *out, struct error *err)
{
    struct log_frame frame;
    enum unit unit;
    enum log_read got;
    bool ok;

    do {
        unit = s->at < s->unit_end ? UNIT_FOUND : find_unit(s, err);
        if (unit != UNIT_FOUND)
            return unit == UNIT_NONE ? LOG_READ_END : LOG_READ_FAILED;
        if (!unit_frame(s, &frame, err))
            return LOG_READ_FAILED;
        got = frame.type == LOG_COMMIT ? LOG_READ_COMMIT : LOG_READ_RECORD;
        if (frame.type == LOG_TOPIC)
            ok = learn_topic(s, frame.payload, err);
        else if (frame.type == LOG_RECORD)
            ok = read_record(s, frame.payload, out, err);
        else if (frame.type == LOG_COMMIT)
            ok = read_commit(s, &frame, out, err);
        else
            ok = malformed(s, "frame of an unknown type", err);
        s->at += frame.frame_bytes;
    } while (ok && frame.type == LOG_TOPIC);
    return ok ? got : LOG_READ_FAILED;
}

bool log_segment_joins(const struct log_segment *s, uint64_t next_first_offset, struct error *err)
{
    const struct log_segment_name name = log_segment_name(s->first_offset);

    if (s->committed_bytes != s->size)
        return error_set(
            err, ERROR_DATA,
            "segment %s: damaged at byte %" PRIu64 ": what follows is not whole, and "
            "another segment follows: put the file back from a copy, or move the whole "
            "log away and start anew with a snapshot",
            name.text, s->committed_bytes);
    if (s->next_offset != next_first_offset)
        return error_set(
            err, ERROR_DATA,
            "segment %s: ends before record %" PRIu64 ", the next one begins with %" PRIu64
            ": a segment is missing: put it back, or move the whole log away and start "
            "anew with a snapshot",
            name.text, s->next_offset, next_first_offset);
    return true;
}
