#include "sinks/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "millrace/mem.h"
#include "sinks/log_format.h"
#include "sinks/log_reader.h"
#include "sinks/log_segment.h"

#define WRITE_BYTES ((size_t)256 * 1024) /* what is gathered before it is written out */
#define BUFFER_LIMIT_BYTES (2 * (size_t)LOG_PAYLOAD_MAX)
#define FOLDER_MODE 0750
#define FILE_MODE 0640

/*
 *     0            committed_bytes        written_bytes
 *     [ units .... | of this unit ....... ]  + buffer          -> next COMMIT
 *
 * Beyond committed_bytes nothing counts: recovery cuts it off.
 */
struct log_sink {
    struct sink base;
    const struct log_options *options;
    struct recorder *recorder;
    int dir_fd;
    int lock_fd;

    int fd;                /* the segment that is written; -1: the next frame begins one */
    bool is_unlisted;      /* its name is not yet durable in the folder */
    uint64_t first_offset; /* of that segment */
    uint64_t written_bytes;
    uint64_t committed_bytes;
    struct buf buffer;

    uint64_t next_offset;
    uint64_t committed_offset;

    uint64_t segment_serial; /* counts segments: tells which one a topic's id belongs to */
    uint32_t topic_count;
    struct log_topics recovered; /* named in the segment before this process began */

    int64_t now_us;
    bool has_committed; /* for reap() */
    bool is_broken;
};

/* Attached to each struct topic. */
struct topic_id {
    uint64_t segment_serial;
    uint32_t id;
};

static struct log_sink *log_of(struct sink *sink)
{
    return (struct log_sink *)sink;
}

/* Writing. */

static const char *advice(int os_errno)
{
    if (os_errno == ENOSPC || os_errno == EDQUOT)
        return "disk full, nothing is lost: free space and start again";
    if (os_errno == EFBIG)
        return "file size limit reached, nothing is lost: raise the limit and start again";
    return "nothing is lost: see to the disk and start again";
}

static bool write_failed(const struct log_sink *log, int os_errno, const char *what,
                         struct error *err)
{
    return error_os(err, os_errno, "segment %s: cannot %s: %s",
                    log_segment_name(log->first_offset).text, what, advice(os_errno));
}

static bool write_out(struct log_sink *log, struct slice bytes, struct error *err)
{
    ssize_t wrote;

    while (bytes.len > 0) {
        wrote = pwrite(log->fd, bytes.at, bytes.len, (off_t)log->written_bytes);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return write_failed(log, errno, "write", err);
        log->written_bytes += (uint64_t)wrote;
        bytes = slice_of(bytes.at + wrote, bytes.len - (size_t)wrote);
    }
    return true;
}

static bool flush(struct log_sink *log, struct error *err)
{
    if (log->buffer.failed)
        return error_set(err, ERROR_SYSTEM, "no memory for a record");
    if (!write_out(log, buf_view(&log->buffer), err))
        return false;
    buf_reset(&log->buffer, 2 * WRITE_BYTES);
    return true;
}

/* What is large is written from where it is, without a copy. */
static bool append_bytes(struct log_sink *log, struct slice bytes, struct error *err)
{
    if (bytes.len >= WRITE_BYTES)
        return flush(log, err) && write_out(log, bytes, err);
    buf_slice(&log->buffer, bytes);
    return true;
}

/* Makes sure that there is a segment to append to. */
static bool begin_segment(struct log_sink *log, struct error *err)
{
    struct log_segment_name name = log_segment_name(log->next_offset);
    struct log_head head = {LOG_VERSION, log->now_us, log->next_offset};

    if (log->fd >= 0)
        return true;
    log->first_offset = log->next_offset;
    log->fd = openat(log->dir_fd, name.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (log->fd < 0)
        return write_failed(log, errno, "create", err);
    log->is_unlisted = true;
    log->written_bytes = log->committed_bytes = 0;
    log_head_encode(&log->buffer, &head);
    return true;
}

/* A segment is named by its first record, so one without records is never left behind. */
static void end_segment_when_due(struct log_sink *log)
{
    if (log->committed_bytes <= log->options->segment_bytes ||
        log->committed_offset == log->first_offset)
        return;
    (void)close(log->fd); /* all of it is durable */
    log->fd = -1;
    log->segment_serial++;
    log->topic_count = 0;
    log_topics_done(&log->recovered);
}

/* Takes what no commit has made durable out of the file again: after a failed fdatasync it might be
 * readable and yet not be on the disk. */
static void drop_uncommitted(struct log_sink *log)
{
    int ignored = 0;

    if (log->fd < 0)
        return;
    if (log->written_bytes > log->committed_bytes)
        ignored |= ftruncate(log->fd, (off_t)log->committed_bytes);
    if (log->committed_bytes == 0)
        ignored |= unlinkat(log->dir_fd, log_segment_name(log->first_offset).text, 0);
    (void)ignored; /* recovery would do the same */
    (void)close(log->fd);
    log->fd = -1;
}

static void break_down(struct log_sink *log)
{
    log->is_broken = true;
    drop_uncommitted(log);
}

static bool refuse_broken(const struct log_sink *log, struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "log %s: not usable after an earlier failure",
                     log->options->directory);
}

/* Recovery. */

/* A new folder's name must be durable too, in the folder above. */
static bool sync_parent(const struct log_sink *log, struct error *err)
{
    int fd = openat(log->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (!ok)
        (void)error_os(err, errno, "cannot make the new folder durable");
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static bool open_folder(struct log_sink *log, struct error *err)
{
    const char *directory = log->options->directory;
    bool is_new = mkdir(directory, FOLDER_MODE) == 0;

    if (!is_new && errno == ENOENT)
        return error_set(err, ERROR_CONFIG,
                         "the folder above does not exist: create it, or correct the path");
    if (!is_new && errno != EEXIST)
        return error_os(err, errno, "cannot create the folder");
    if (!log_directory_open(directory, &log->dir_fd, err))
        return false;
    return !is_new || sync_parent(log, err);
}

static bool refuse_locked(const struct log_sink *log, struct error *err)
{
    char holder[24] = "";
    ssize_t got = pread(log->lock_fd, holder, sizeof holder - 1, 0);

    holder[got < 0 ? 0 : got] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    return error_set(
        err, ERROR_CONFIG,
        "process %s is writing to it: stop that one, or give this relay a folder of its "
        "own",
        holder[0] == '\0' ? "(unknown)" : holder);
}

static bool take_lock(struct log_sink *log, struct error *err)
{
    char pid[24];
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid()), ignored = 0;

    log->lock_fd = openat(log->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (log->lock_fd < 0)
        return error_os(err, errno, "cannot open its lock");
    if (flock(log->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? refuse_locked(log, err)
                                    : error_os(err, errno, "cannot lock it");
    ignored |= ftruncate(log->lock_fd, 0);
    ignored |= (int)pwrite(log->lock_fd, pid, (size_t)len, 0);
    (void)ignored; /* the pid is for people; the lock holds without it, on a full disk too */
    return true;
}

/* Reads to the end of what was committed; *out is the last position, if any. */
static bool read_through(struct log_segment *segment, struct position *out, struct error *err)
{
    struct log_entry entry;
    enum log_read got;

    while ((got = log_segment_next(segment, &entry, err)) == LOG_READ_RECORD ||
           got == LOG_READ_COMMIT)
        if (got == LOG_READ_COMMIT)
            *out = entry.position;
    return got == LOG_READ_END;
}

/* Opens the file again to append to, cuts what was not committed, and makes sure that what was is
 * on the disk: the process before may have been killed between its write and its fdatasync. */
static bool take_over_segment(struct log_sink *log, struct log_segment *segment, struct error *err)
{
    const struct log_segment_name name = log_segment_name(segment->first_offset);

    log->first_offset = segment->first_offset;
    log->next_offset = log->committed_offset = segment->next_offset;
    log->written_bytes = log->committed_bytes = segment->committed_bytes;
    log->topic_count = segment->topics.count;
    log->recovered = segment->topics;
    segment->topics = (struct log_topics){0};
    log->fd = openat(log->dir_fd, name.text, O_WRONLY | O_CLOEXEC);
    if (log->fd < 0)
        return write_failed(log, errno, "open", err);
    if (segment->size > segment->committed_bytes &&
        ftruncate(log->fd, (off_t)segment->committed_bytes) != 0)
        return write_failed(log, errno, "cut", err);
    if (fsync(log->fd) != 0 || fsync(log->dir_fd) != 0)
        return write_failed(log, errno, "sync", err);
    end_segment_when_due(log);
    return true;
}

enum tail { TAIL_TAKEN, TAIL_EMPTY, TAIL_FAILED };

/* Continues in the segment at `index`, or removes it when nothing was ever committed in it. */
static enum tail recover_segment(struct log_sink *log, const struct log_listing *listing,
                                 size_t index, struct position *out, struct error *err)
{
    struct log_segment segment;
    enum tail tail = TAIL_FAILED;
    bool missing;

    if (!log_segment_open(&segment, log->dir_fd, listing->first_offsets[index], &missing, err))
        return TAIL_FAILED;
    if (!read_through(&segment, out, err))
        goto out;
    if (segment.committed_bytes == 0) {
        if (unlinkat(log->dir_fd, log_segment_name(segment.first_offset).text, 0) == 0)
            tail = TAIL_EMPTY;
        else
            (void)error_os(err, errno, "cannot remove an empty segment");
        goto out;
    }
    if (index + 1 < listing->count &&
        !log_segment_joins(&segment, listing->first_offsets[index + 1], err))
        goto out;
    if (take_over_segment(log, &segment, err))
        tail = TAIL_TAKEN;
out:
    log_segment_close(&segment);
    return tail;
}

static bool recover_segments(struct log_sink *log, const struct log_listing *listing,
                             struct position *out, struct error *err)
{
    enum tail tail;

    if (listing->count == 0 && listing->stranger[0] != '\0')
        return error_set(err, ERROR_CONFIG,
                         "holds \"%s\" and no log: give the log a folder of its own",
                         listing->stranger);
    for (size_t i = listing->count; i > 0; i--) {
        tail = recover_segment(log, listing, i - 1, out, err);
        if (tail != TAIL_EMPTY)
            return tail == TAIL_TAKEN;
    }
    if (listing->count > 0 && listing->first_offsets[0] > 0)
        return error_set(err, ERROR_DATA,
                         "no commit is left, yet its oldest segment was the one of record %" PRIu64
                         ": put the segments back that were before it",
                         listing->first_offsets[0]);
    return true;
}

static bool recover_folder(struct log_sink *log, struct position *out, struct error *err)
{
    struct log_listing listing;
    bool ok;

    if (!open_folder(log, err) || !take_lock(log, err) ||
        !log_listing_read(log->dir_fd, &listing, err))
        return false;
    ok = recover_segments(log, &listing, out, err);
    log_listing_done(&listing);
    return ok;
}

static bool log_recover(struct sink *sink, struct position *out_position, struct error *err)
{
    struct log_sink *log = log_of(sink);
    struct position position = {0};

    assert(log->dir_fd < 0);
    if (!recover_folder(log, &position, err))
        return error_wrap(err, "log %s", log->options->directory);
    *out_position = position;
    return true;
}

/* Putting. */

static uint32_t topic_id(struct log_sink *log, struct topic *topic)
{
    struct topic_id *known = topic->attached;

    if (known == NULL)
        topic->attached = known = mem_new(struct topic_id);
    if (known->segment_serial == log->segment_serial)
        return known->id;
    known->segment_serial = log->segment_serial;
    if (!log_topics_find(&log->recovered, topic->name, &known->id)) {
        known->id = log->topic_count++;
        log_topic_encode(&log->buffer, known->id, topic->name);
    }
    return known->id;
}

static bool put_record(struct log_sink *log, const struct record *record, struct error *err)
{
    uint32_t id;

    if (!begin_segment(log, err))
        return false;
    id = topic_id(log, record->topic);
    if (!log_record_encode(&log->buffer, record, id, log->now_us))
        return error_set(err, ERROR_CONFIG,
                         "a record of topic %s is larger than the limit of %" PRIu32 " bytes",
                         record->topic->name, LOG_PAYLOAD_MAX);
    if (record->has_key && !append_bytes(log, record->key, err))
        return false;
    if (record->has_value && !append_bytes(log, record->value, err))
        return false;
    log->next_offset++;
    log->base.pending_records++;
    log->base.pending_bytes += record->key.len + record->value.len;
    return log->buffer.len < WRITE_BYTES || flush(log, err);
}

static bool put_records(struct log_sink *log, const struct event *event, struct error *err)
{
    struct records records;

    if (!recorder_make(log->recorder, event, &records, err))
        return false;
    for (size_t i = 0; i < records.count; i++)
        if (!put_record(log, &records.at[i], err))
            return error_wrap(err, "log %s", log->options->directory);
    recorder_taken(log->recorder);
    return true;
}

static enum put_outcome log_put(struct sink *sink, const struct event *event, struct error *err)
{
    struct log_sink *log = log_of(sink);

    if (log->is_broken) {
        (void)refuse_broken(log, err);
        return PUT_FAILED;
    }
    log->now_us = event->seen_ns != 0 ? event->seen_ns / 1000 : event->commit_us;
    if (put_records(log, event, err))
        return PUT_TAKEN;
    break_down(log);
    return PUT_FAILED;
}

/* Committing. */

static bool make_durable(struct log_sink *log, struct error *err)
{
    if (!flush(log, err))
        return false;
    if (fdatasync(log->fd) != 0)
        return write_failed(log, errno, "sync", err);
    if (log->is_unlisted && fsync(log->dir_fd) != 0)
        return write_failed(log, errno, "sync the folder of", err);
    log->is_unlisted = false;
    return true;
}

static bool write_commit(struct log_sink *log, const struct position *position, struct error *err)
{
    if (!begin_segment(log, err))
        return false;
    log_commit_encode(&log->buffer, log->next_offset, log->next_offset - log->committed_offset,
                      position);
    return make_durable(log, err);
}

static bool log_commit(struct sink *sink, const struct position *position, struct error *err)
{
    struct log_sink *log = log_of(sink);

    if (log->is_broken)
        return refuse_broken(log, err);
    if (!write_commit(log, position, err)) {
        break_down(log);
        return error_wrap(err, "log %s", log->options->directory);
    }
    log->committed_bytes = log->written_bytes;
    log->committed_offset = log->next_offset;
    log->base.pending_records = log->base.pending_bytes = 0;
    log->has_committed = true;
    end_segment_when_due(log);
    return true;
}

static enum reap_outcome log_reap(struct sink *sink, struct error *err)
{
    struct log_sink *log = log_of(sink);
    bool news = log->has_committed;

    if (log->is_broken) {
        (void)refuse_broken(log, err);
        return REAP_BROKEN;
    }
    log->has_committed = false;
    return news ? REAP_COMMITTED : REAP_PENDING;
}

static int log_fd(const struct sink *sink)
{
    (void)sink;
    return -1;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

static void free_attached(struct topic *topic, void *context)
{
    (void)context;
    free(topic->attached);
    topic->attached = NULL;
}

static void log_close(struct sink *sink)
{
    struct log_sink *log = log_of(sink);

    if (log == NULL)
        return;
    drop_uncommitted(log);
    close_fd(log->fd);
    close_fd(log->lock_fd);
    close_fd(log->dir_fd);
    log_topics_done(&log->recovered);
    buf_done(&log->buffer);
    recorder_each_topic(log->recorder, free_attached, NULL);
    recorder_destroy(log->recorder);
    free(log);
}

static const struct sink_ops log_ops = {
    .name = "log",
    .recover = log_recover,
    .put = log_put,
    .commit = log_commit,
    .reap = log_reap,
    .fd = log_fd,
    .close = log_close,
};

struct sink *log_sink_create(const struct log_options *options, struct recorder *recorder,
                             struct error *err)
{
    struct log_sink *log;

    if (options->directory == NULL || options->directory[0] == '\0') {
        (void)error_set(err, ERROR_CONFIG, "log: no directory is given");
        recorder_destroy(recorder);
        return NULL;
    }
    log = mem_new(struct log_sink);
    *log = (struct log_sink){.base.ops = &log_ops,
                             .options = options,
                             .recorder = recorder,
                             .dir_fd = -1,
                             .lock_fd = -1,
                             .fd = -1,
                             .segment_serial = 1};
    buf_init(&log->buffer, BUFFER_LIMIT_BYTES);
    return &log->base;
}

bool log_read_position(const char *directory, struct position *out, struct error *err)
{
    return log_reader_last_position(directory, out, err);
}
