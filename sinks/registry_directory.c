#include "sinks/registry_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "millrace/buf.h"
#include "millrace/mem.h"

#define INDEX_LIMIT_BYTES ((size_t)64 << 20)
#define SCHEMA_LIMIT_BYTES ((size_t)16 << 20)
#define NAME_BYTES 32u

struct directory_entry {
    struct directory_entry *next;
    uint32_t id;
    char *subject;
    struct buf schema;
};

struct registry_directory {
    struct schema_registry base;
    char *path;
    int folder;
    struct directory_entry *entries;
    uint32_t last_id;
};

static struct registry_directory *directory_of(struct schema_registry *registry)
{
    return (struct registry_directory *)registry;
}

static bool fail(const struct registry_directory *d, const char *what, const char *name,
                 struct error *err)
{
    return error_os(err, errno, "schema_registry.directory %s: cannot %s %s", d->path, what, name);
}

static bool read_file(const struct registry_directory *d, const char *name, struct buf *out,
                      struct error *err)
{
    int file = openat(d->folder, name, O_RDONLY | O_CLOEXEC);
    ssize_t got = 1;

    if (file < 0)
        return fail(d, "open", name, err);
    while (got > 0) {
        uint8_t *room = buf_room(out, 65536);

        got = room == NULL ? 0 : read(file, room, 65536);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            out->len += (size_t)got;
    }
    if (got < 0)
        (void)fail(d, "read", name, err);
    (void)close(file);
    if (out->failed)
        return error_set(err, ERROR_CONFIG, "schema_registry.directory %s: %s is too large",
                         d->path, name);
    return got == 0;
}

static bool write_file(const struct registry_directory *d, const char *name, int flags,
                       struct slice bytes, struct error *err)
{
    int file = openat(d->folder, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    bool wrote = true;

    if (file < 0)
        return fail(d, "open", name, err);
    while (wrote && bytes.len > 0) {
        ssize_t done = write(file, bytes.at, bytes.len);

        if (done >= 0)
            bytes = slice_of(bytes.at + done, bytes.len - (size_t)done);
        else
            wrote = errno == EINTR;
    }
    wrote = wrote && fsync(file) == 0 && fsync(d->folder) == 0;
    if (!wrote)
        (void)fail(d, "write", name, err);
    (void)close(file);
    return wrote;
}

static struct directory_entry *add_entry(struct registry_directory *d, uint32_t id,
                                         struct slice subject)
{
    struct directory_entry *entry = mem_new(struct directory_entry);

    entry->id = id;
    entry->subject = mem_zero(subject.len + 1, 1);
    memcpy(entry->subject, subject.at, subject.len);
    buf_init(&entry->schema, SCHEMA_LIMIT_BYTES);
    entry->next = d->entries;
    d->entries = entry;
    if (id > d->last_id)
        d->last_id = id;
    return entry;
}

static void file_name(uint32_t id, char name[NAME_BYTES])
{
    (void)snprintf(name, NAME_BYTES, "%lu.avsc", (unsigned long)id);
}

/* 7 orders.public.t-value */
static bool read_line(struct registry_directory *d, struct slice line, struct error *err)
{
    char name[NAME_BYTES];
    uint64_t id = 0;
    size_t at = 0;

    for (; at < line.len && at < 10 && line.at[at] >= '0' && line.at[at] <= '9'; at++)
        id = id * 10 + (uint64_t)(line.at[at] - '0');
    if (at == 0 || at + 1 >= line.len || line.at[at] != ' ' || id == 0 || id > INT32_MAX)
        return error_set(err, ERROR_CONFIG,
                         "schema_registry.directory %s: a line of subjects makes no sense",
                         d->path);
    file_name((uint32_t)id, name);
    return read_file(
        d, name, &add_entry(d, (uint32_t)id, slice_of(line.at + at + 1, line.len - at - 1))->schema,
        err);
}

/* What stands behind the last line's end was being written when the machine went down. */
static bool read_index(struct registry_directory *d, struct error *err)
{
    struct buf text;
    const uint8_t *at, *end;
    bool read;

    if (faccessat(d->folder, "subjects", F_OK, 0) != 0)
        return write_file(d, "subjects", 0, slice_text(""), err);
    buf_init(&text, INDEX_LIMIT_BYTES);
    read = read_file(d, "subjects", &text, err);
    at = text.at;
    while (read && text.at != NULL &&
           (end = memchr(at, '\n', (size_t)(text.at + text.len - at))) != NULL) {
        read = read_line(d, slice_of(at, (size_t)(end - at)), err);
        at = end + 1;
    }
    if (read && text.at != NULL && at < text.at + text.len) {
        int file = openat(d->folder, "subjects", O_WRONLY | O_CLOEXEC);

        read = file >= 0 && ftruncate(file, at - text.at) == 0 && fsync(file) == 0;
        if (!read)
            (void)fail(d, "shorten", "subjects", err);
        if (file >= 0)
            (void)close(file);
    }
    buf_done(&text);
    return read;
}

/* The id of a schema that is there under whatever subject; a new file otherwise. */
static bool keep_schema(struct registry_directory *d, struct slice schema, uint32_t *out_id,
                        struct error *err)
{
    char name[NAME_BYTES];

    for (const struct directory_entry *e = d->entries; e != NULL; e = e->next) {
        if (slice_equal(buf_view(&e->schema), schema)) {
            *out_id = e->id;
            return true;
        }
    }
    *out_id = d->last_id + 1;
    file_name(*out_id, name);
    return write_file(d, name, O_TRUNC, schema, err);
}

static bool directory_id_of(struct schema_registry *registry, const char *subject,
                            struct slice schema, uint32_t *out_id, struct error *err)
{
    struct registry_directory *d = directory_of(registry);
    struct directory_entry *entry;
    struct buf line;
    uint32_t id;
    bool kept;

    for (entry = d->entries; entry != NULL; entry = entry->next) {
        if (strcmp(entry->subject, subject) == 0 && slice_equal(buf_view(&entry->schema), schema)) {
            *out_id = entry->id;
            return true;
        }
    }
    buf_init(&line, SIZE_MAX);
    kept = keep_schema(d, schema, &id, err);
    buf_printf(&line, "%lu %s\n", (unsigned long)id, subject);
    kept = kept && write_file(d, "subjects", O_APPEND, buf_view(&line), err);
    buf_done(&line);
    if (!kept)
        return false;
    entry = add_entry(d, id, slice_text(subject));
    buf_slice(&entry->schema, schema);
    *out_id = id;
    return true;
}

static void directory_destroy(struct schema_registry *registry)
{
    struct registry_directory *d = directory_of(registry);

    while (d->entries != NULL) {
        struct directory_entry *entry = d->entries;

        d->entries = entry->next;
        free(entry->subject);
        buf_done(&entry->schema);
        free(entry);
    }
    if (d->folder >= 0)
        (void)close(d->folder);
    free(d->path);
    free(d);
}

static const struct schema_registry_ops directory_ops = {
    .name = "directory", .id_of = directory_id_of, .destroy = directory_destroy};

struct schema_registry *registry_directory_create(const char *path, struct error *err)
{
    struct registry_directory *d = mem_new(struct registry_directory);

    d->base.ops = &directory_ops;
    d->path = mem_text(path);
    d->folder = -1;
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        (void)error_os(err, errno, "schema_registry.directory %s: cannot make it", path);
    } else {
        d->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (d->folder < 0)
            (void)error_os(err, errno, "schema_registry.directory %s: cannot open it", path);
        else if (read_index(d, err))
            return &d->base;
    }
    directory_destroy(&d->base);
    return NULL;
}
