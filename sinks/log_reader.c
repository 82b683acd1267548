#include "sinks/log_reader.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "millrace/mem.h"

/* How often a folder is listed again when a segment in it was gone before it could be opened. */
#define LISTING_ATTEMPTS 5

struct log_reader {
    char *directory;
    int dir_fd;
    struct log_listing listing;
    size_t index; /* of the open segment in the listing */
    struct log_segment segment;
    uint64_t from_offset;
};

/* The last segment that begins at or before from_offset; else the first. */
static size_t first_index(const struct log_listing *listing, uint64_t from_offset)
{
    size_t index = listing->count > 0 ? listing->count - 1 : 0;

    while (index > 0 && listing->first_offsets[index] > from_offset)
        index--;
    return index;
}

static bool begin(struct log_reader *r, struct error *err)
{
    return log_directory_open(r->directory, &r->dir_fd, err) &&
           log_listing_read(r->dir_fd, &r->listing, err);
}

struct log_reader *log_reader_open(const char *directory, uint64_t from_offset, struct error *err)
{
    struct log_reader *r = mem_new(struct log_reader);

    *r = (struct log_reader){.directory = mem_text(directory),
                             .dir_fd = -1,
                             .segment.fd = -1,
                             .from_offset = from_offset};
    if (!begin(r, err)) {
        (void)error_wrap(err, "log %s", directory);
        log_reader_close(r);
        return NULL;
    }
    r->index = first_index(&r->listing, from_offset);
    return r;
}

/* Opens the segment at `index`.  LOG_READ_END: the last one, with nothing in it that was committed,
 * has been taken away by a writer that recovers. */
static enum log_read open_segment(struct log_reader *r, struct error *err)
{
    bool is_last = r->index + 1 == r->listing.count, missing;
    struct error opening = {0};

    if (log_segment_open(&r->segment, r->dir_fd, r->listing.first_offsets[r->index], &missing,
                         &opening))
        return LOG_READ_RECORD;
    if (missing && is_last)
        return LOG_READ_END;
    *err = opening;
    return LOG_READ_FAILED;
}

enum log_read log_reader_next(struct log_reader *r, struct log_entry *out, struct error *err)
{
    enum log_read got;

    while (r->index < r->listing.count) {
        got = r->segment.fd >= 0 ? LOG_READ_RECORD : open_segment(r, err);
        if (got == LOG_READ_RECORD)
            got = log_segment_next(&r->segment, out, err);
        if (got == LOG_READ_RECORD && out->offset < r->from_offset)
            continue;
        if (got == LOG_READ_FAILED)
            (void)error_wrap(err, "log %s", r->directory);
        if (got != LOG_READ_END)
            return got;
        if (r->index + 1 < r->listing.count &&
            !log_segment_joins(&r->segment, r->listing.first_offsets[r->index + 1], err)) {
            (void)error_wrap(err, "log %s", r->directory);
            return LOG_READ_FAILED;
        }
        log_segment_close(&r->segment);
        r->index++;
    }
    return LOG_READ_END;
}

void log_reader_close(struct log_reader *r)
{
    if (r == NULL)
        return;
    log_segment_close(&r->segment);
    log_listing_done(&r->listing);
    if (r->dir_fd >= 0)
        (void)close(r->dir_fd);
    free(r->directory);
    free(r);
}

/* The last position in the segment at `index`; *out stays as it is when nothing was committed
 * there. *out_missing: no such file any more. */
static bool last_in_segment(int dir_fd, uint64_t first_offset, struct position *out,
                            bool *out_found, bool *out_missing, struct error *err)
{
    struct log_segment segment;
    struct log_entry entry;
    enum log_read got;

    *out_found = false;
    if (!log_segment_open(&segment, dir_fd, first_offset, out_missing, err))
        return false;
    while ((got = log_segment_next(&segment, &entry, err)) == LOG_READ_RECORD ||
           got == LOG_READ_COMMIT)
        if (got == LOG_READ_COMMIT) {
            *out = entry.position;
            *out_found = true;
        }
    log_segment_close(&segment);
    return got == LOG_READ_END;
}

/* Searches from the newest segment; *out_missing: one was deleted meanwhile. */
static bool last_in_folder(int dir_fd, struct position *out, bool *out_missing, struct error *err)
{
    struct log_listing listing;
    bool found = false, ok = true;

    *out_missing = false;
    if (!log_listing_read(dir_fd, &listing, err))
        return false;
    for (size_t i = listing.count; i > 0 && ok && !found; i--)
        ok = last_in_segment(dir_fd, listing.first_offsets[i - 1], out, &found, out_missing, err);
    log_listing_done(&listing);
    return ok;
}

bool log_reader_last_position(const char *directory, struct position *out, struct error *err)
{
    struct position position = {0};
    struct error trouble = {0};
    bool missing = true, ok = false;
    int dir_fd = -1;

    if (!log_directory_open(directory, &dir_fd, &trouble)) {
        ok = trouble.kind == ERROR_CONFIG; /* no folder yet: the relay never ran */
        missing = false;
    }
    for (int attempt = 0; attempt < LISTING_ATTEMPTS && !ok && missing; attempt++) {
        trouble = (struct error){0};
        ok = last_in_folder(dir_fd, &position, &missing, &trouble);
    }
    if (dir_fd >= 0)
        (void)close(dir_fd);
    if (!ok) {
        *err = trouble;
        return error_wrap(err, "log %s", directory);
    }
    *out = position;
    return true;
}
