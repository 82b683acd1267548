#include "tests/support/log_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sinks/log_reader.h"

/* In memory fsync costs nothing, and some tests need thousands. */
#define MEMORY_FOLDER "/dev/shm"

void log_files_remove(const char *directory)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    assert_int_equal(closedir(dir), 0);
}

struct log_fixture log_fixture_on_disk(void)
{
    struct log_fixture f = {.directory = "test-log-XXXXXX", .options.segment_bytes = 1 << 30};

    assert_non_null(mkdtemp(f.directory));
    return f;
}

struct log_fixture log_fixture_empty(void)
{
    struct log_fixture f = {.directory = MEMORY_FOLDER "/millrace-log-XXXXXX",
                            .options.segment_bytes = 1 << 30};

    return mkdtemp(f.directory) != NULL ? f : log_fixture_on_disk();
}

void log_close(struct log_fixture *f)
{
    if (f->sink != NULL)
        f->sink->ops->close(f->sink);
    f->sink = NULL;
}

void log_fixture_done(struct log_fixture *f)
{
    log_close(f);
    log_files_remove(f->directory);
    assert_int_equal(rmdir(f->directory), 0);
}

static bool log_try_open(struct log_fixture *f, struct position *out, struct error *err)
{
    f->options.directory = f->directory;
    f->recorder = fake_recorder_create();
    f->sink = log_sink_create(&f->options, f->recorder, err);
    assert_non_null(f->sink);
    return f->sink->ops->recover(f->sink, out, err);
}

uint64_t log_open(struct log_fixture *f)
{
    struct position position = {.known = true, .end_lsn = 999};
    struct error err = {0};

    if (!log_try_open(f, &position, &err))
        fail_msg("%s", err.text);
    assert_int_equal(position.known, position.end_lsn != 0);
    assert_int_equal(f->sink->ops->fd(f->sink), -1);
    return position.end_lsn;
}

void log_assert_refused(struct log_fixture *f, enum error_kind kind, const char *part)
{
    struct position position;
    struct error err = {0};

    assert_false(log_try_open(f, &position, &err));
    if (err.kind != kind || strstr(err.text, part) == NULL ||
        strstr(err.text, f->directory) == NULL)
        fail_msg("%s: %s", error_kind_name(err.kind), err.text);
    log_close(f);
}

void log_put(struct log_fixture *f, const char *topic, const char *key, const char *value)
{
    struct event event = {.kind = EVENT_INSERT, .seen_ns = 1785576600412345000};
    struct error err = {0};

    fake_recorder_queue(f->recorder, topic, key, value);
    if (f->sink->ops->put(f->sink, &event, &err) != PUT_TAKEN)
        fail_msg("%s", err.text);
}

void log_commit(struct log_fixture *f, uint64_t end_lsn)
{
    struct position position = {
        .known = true, .end_lsn = end_lsn, .slot = "orders", .database = "app"};
    struct error err = {0};

    assert_int_equal(f->sink->ops->reap(f->sink, &err), REAP_PENDING);
    if (!f->sink->ops->commit(f->sink, &position, &err))
        fail_msg("%s", err.text);
    assert_int_equal(f->sink->ops->reap(f->sink, &err), REAP_COMMITTED);
    assert_int_equal(f->sink->ops->reap(f->sink, &err), REAP_PENDING);
}

static void append_entry(struct buf *out, const struct log_entry *entry)
{
    const struct record *r = &entry->record;

    buf_printf(out, "%" PRIu64 " %s %.*s %.*s", entry->offset, r->topic->name,
               r->has_key ? (int)r->key.len : 1, r->has_key ? (const char *)r->key.at : "-",
               r->has_value ? (int)r->value.len : 1,
               r->has_value ? (const char *)r->value.at : "-");
    for (size_t i = 0; i < r->header_count; i++)
        buf_printf(out, " %s=%.*s", r->headers[i].name, SLICE_ARGS(r->headers[i].value));
    buf_byte(out, '\n');
}

char *log_dump(const char *directory, uint64_t from_offset)
{
    struct error err = {0};
    struct log_reader *reader = log_reader_open(directory, from_offset, &err);
    struct log_entry entry;
    enum log_read got = LOG_READ_FAILED;
    struct buf out;

    buf_init(&out, 1 << 20);
    while (reader != NULL && ((got = log_reader_next(reader, &entry, &err)) == LOG_READ_RECORD ||
                              got == LOG_READ_COMMIT))
        if (got == LOG_READ_RECORD)
            append_entry(&out, &entry);
        else
            buf_printf(&out, "= %" PRIu64 "\n", entry.position.end_lsn);
    log_reader_close(reader);
    if (got == LOG_READ_FAILED)
        buf_text(&out, err.text);
    buf_byte(&out, '\0');
    assert_false(out.failed);
    return (char *)out.at;
}

void log_assert_holds(const char *directory, const char *expect)
{
    char *got = log_dump(directory, 0);

    assert_string_equal(got, expect);
    free(got);
}

void log_assert_position(const char *directory, uint64_t end_lsn)
{
    struct position position;
    struct error err = {0};

    if (!log_read_position(directory, &position, &err))
        fail_msg("%s", err.text);
    assert_int_equal(position.end_lsn, end_lsn);
    assert_int_equal(position.known, end_lsn != 0);
}

struct buf log_file_read(const char *directory, const char *name)
{
    char path[128];
    struct buf bytes;
    uint8_t *room;
    FILE *file;
    size_t got;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    buf_init(&bytes, 64 << 20);
    do {
        room = buf_room(&bytes, 65536);
        assert_non_null(room);
        got = fread(room, 1, 65536, file);
        bytes.len += got;
    } while (got > 0);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

void log_file_write(const char *directory, const char *name, const void *bytes, size_t len)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

bool log_file_exists(const char *directory, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}
