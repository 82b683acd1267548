#include "relay/command_import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "millrace/buf.h"
#include "millrace/error.h"
#include "millrace/mem.h"
#include "relay/import_debezium.h"
#include "relay/import_properties.h"
#include "relay/option_text.h"

#define MEMORY_BYTES ((size_t)64 << 20)
#define YAML_BYTES ((size_t)16 << 20)

static enum exit_code fail(const struct error *err, FILE *notes)
{
    (void)fprintf(notes, "millrace: %s\n", err->text);
    return exit_code_of(err);
}

/* ---- the file ---- */

static bool write_all(int file, struct slice text)
{
    while (text.len > 0) {
        ssize_t put = write(file, text.at, text.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        text = slice_of(text.at + put, text.len - (size_t)put);
    }
    return fsync(file) == 0;
}

static bool cannot_write(const char *path, struct error *err)
{
    char reason[128] = "";

    (void)strerror_r(errno, reason, sizeof reason);
    return error_set(err, ERROR_CONFIG, "cannot write %.300s: %s", path, reason);
}

/* Under another name first; a link is refused where there is something already. */
static bool put_file(const char *path, const char *draft, struct slice text, struct error *err)
{
    int file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool ok;

    if (file < 0)
        return cannot_write(draft, err);
    ok = write_all(file, text) || cannot_write(draft, err);
    if (close(file) != 0 && ok)
        ok = cannot_write(draft, err);
    if (ok && link(draft, path) != 0)
        ok = errno == EEXIST ? error_set(err, ERROR_CONFIG,
                                         "%.300s is there already and is not overwritten: remove "
                                         "it, or choose another name",
                                         path)
                             : cannot_write(path, err);
    (void)unlink(draft);
    return ok;
}

static bool write_file(const char *path, struct slice text, struct error *err)
{
    size_t size = strlen(path) + 32;
    char *draft = mem_zero(size, 1);
    bool ok;

    (void)snprintf(draft, size, "%s.%ld.draft", path, (long)getpid());
    ok = put_file(path, draft, text, err);
    free(draft);
    return ok;
}

static bool write_output(const char *path, FILE *out, const struct buf *text, struct error *err)
{
    if (text->failed)
        return error_set(err, ERROR_CONFIG, "the configuration is too large");
    if (path != NULL)
        return write_file(path, buf_view(text), err);
    if (fwrite(text->at, 1, text->len, out) != text->len || fflush(out) != 0)
        return error_set(err, ERROR_SYSTEM,
                         "the configuration cannot be written: is the disk full?");
    return true;
}

/* ---- notes ---- */

static void write_notes(const struct imported *imported, FILE *notes)
{
    size_t lost = 0, look = 0;

    for (const struct import_note *n = imported->notes; n != NULL; n = n->next) {
        (void)fprintf(notes, "millrace: %s: %s: %s\n", n->lost ? "not carried over" : "look at",
                      n->name, n->text);
        lost += n->lost;
        look += !n->lost;
    }
    (void)fprintf(notes, "millrace: %zu properties not carried over, %zu things to be looked at\n",
                  lost, look);
}

static bool import(const char *input, const char *output, struct arena *memory, struct buf *file,
                   FILE *out, FILE *notes, struct error *err)
{
    struct property *properties;
    struct imported imported;
    struct buf yaml;
    bool ok;

    if (!option_text_read_file(input, file, err) ||
        !import_properties_read(input, buf_view(file), memory, &properties, err))
        return false;
    if (!import_debezium(properties, memory, &imported, err))
        return error_wrap(err, "%.200s", input);
    buf_init(&yaml, YAML_BYTES);
    import_write(&imported, input, &yaml);
    ok = write_output(output, out, &yaml, err);
    buf_done(&yaml);
    if (ok)
        write_notes(&imported, notes);
    return ok;
}

enum exit_code command_import(const char *input, const char *output, FILE *out, FILE *notes)
{
    struct error err = {0};
    struct arena memory;
    struct buf file = {0};
    bool ok;

    arena_init(&memory, MEMORY_BYTES);
    buf_init(&file, SIZE_MAX);
    ok = import(input, output, &memory, &file, out, notes, &err);
    buf_done(&file);
    arena_done(&memory);
    return ok ? EXIT_OK : fail(&err, notes);
}
