#include "relay/option_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)16 * 1024)
#define SECRET_MAX_BYTES ((size_t)64 * 1024)

static bool cannot_read(struct error *err, const char *path, int os_errno)
{
    char reason[128] = "";

    if (strerror_r(os_errno, reason, sizeof reason) != 0)
        return error_set(err, ERROR_CONFIG, "cannot read %s: error %d", path, os_errno);
    return error_set(err, ERROR_CONFIG, "cannot read %s: %s", path, reason);
}

/* Reads to the end, or to the first byte beyond most_bytes. */
static bool read_all(int fd, const char *path, size_t most_bytes, struct buf *out,
                     struct error *err)
{
    for (;;) {
        uint8_t *room = buf_room(out, CHUNK_BYTES);
        ssize_t got;

        if (room == NULL)
            return error_set(err, ERROR_CONFIG, "cannot read %s: out of memory", path);
        got = read(fd, room, CHUNK_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot_read(err, path, errno);
        if (got == 0)
            return true;
        out->len += (size_t)got;
        if (out->len > most_bytes)
            return error_set(err, ERROR_CONFIG, "cannot read %s: it is larger than %zu KiB", path,
                             most_bytes / 1024);
    }
}

static bool may_read(const char *path, const struct stat *about, bool secret, struct error *err)
{
    if (S_ISDIR(about->st_mode))
        return error_set(err, ERROR_CONFIG, "cannot read %s: it is a directory", path);
    if (!secret)
        return true;
    if (!S_ISREG(about->st_mode))
        return error_set(err, ERROR_CONFIG, "cannot read %s: it is no ordinary file", path);
    if ((about->st_mode & (S_IROTH | S_IWOTH)) != 0)
        return error_set(err, ERROR_CONFIG,
                         "will not use %s: everybody may read or write it: chmod o-rw %s", path,
                         path);
    return true;
}

/* On failure too, `out` may hold something. */
static bool read_file(const char *path, bool secret, size_t most_bytes, struct buf *out,
                      struct error *err)
{
    int fd =
        open(path, O_RDONLY | O_CLOEXEC | (secret ? O_NONBLOCK : 0)); /* a pipe must not hang us */
    struct stat about;
    bool ok;

    if (fd < 0)
        return cannot_read(err, path, errno);
    if (fstat(fd, &about) != 0)
        ok = cannot_read(err, path, errno);
    else
        ok = may_read(path, &about, secret, err) && read_all(fd, path, most_bytes, out, err);
    (void)close(fd);
    return ok;
}

bool option_text_read_file(const char *path, struct buf *out, struct error *err)
{
    buf_init(out, OPTION_FILE_MAX_BYTES + 2 * CHUNK_BYTES);
    return read_file(path, false, OPTION_FILE_MAX_BYTES, out, err);
}

/* Copies into the arena, with a NUL behind. */
static bool keep(struct slice text, struct arena *memory, const char **out, struct error *err)
{
    char *copy = arena_alloc(memory, text.len + 1);

    if (copy == NULL)
        return error_set(err, ERROR_CONFIG, "the configuration is too large");
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    *out = copy;
    return true;
}

static size_t name_len(const char *at)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

    return *at >= '0' && *at <= '9' ? 0 : strspn(at, letters);
}

/* `*text` is at a "${"; left behind the "}". */
static bool expand_variable(const char **text, struct buf *out, struct error *err)
{
    const char *name = *text + 2;
    size_t len = name_len(name);
    char copy[256];
    const char *value;

    if (strchr(name, '}') == NULL)
        return error_set(err, ERROR_CONFIG, "'${' without a '}' ('$$' is a literal dollar)");
    if (len == 0 || len >= sizeof copy || name[len] != '}')
        return error_set(
            err, ERROR_CONFIG,
            "'${...}' must hold the name of an environment variable ('$$' is a literal "
            "dollar)");
    memcpy(copy, name, len);
    copy[len] = '\0';
    value = getenv(copy);
    if (value == NULL)
        return error_set(err, ERROR_CONFIG, "environment variable %s is not set", copy);
    buf_text(out, value);
    *text = name + len + 1;
    return true;
}

static bool expand(const char *text, struct buf *out, struct error *err)
{
    while (*text != '\0') {
        if (text[0] == '$' && text[1] == '{') {
            if (!expand_variable(&text, out, err))
                return false;
            continue;
        }
        if (text[0] == '$' && text[1] == '$')
            text++;
        buf_byte(out, (uint8_t)*text++);
    }
    if (out->failed)
        return error_set(err, ERROR_CONFIG, "the value is longer than %zu KiB",
                         OPTION_FILE_MAX_BYTES / 1024);
    return true;
}

bool option_text_expand(const char *text, struct arena *memory, const char **out, struct error *err)
{
    struct buf expanded;
    bool ok;

    buf_init(&expanded, OPTION_FILE_MAX_BYTES);
    ok = expand(text, &expanded, err) && keep(buf_view(&expanded), memory, out, err);
    buf_done(&expanded);
    return ok;
}

static struct slice first_line(struct slice text)
{
    const uint8_t *end = text.len == 0 ? NULL : memchr(text.at, '\n', text.len);

    if (end != NULL)
        text.len = (size_t)(end - text.at);
    if (text.len > 0 && text.at[text.len - 1] == '\r')
        text.len--;
    return text;
}

static bool keep_first_line(const char *path, struct slice text, struct arena *memory,
                            const char **out, struct error *err)
{
    struct slice line = first_line(text);

    if (line.len == 0)
        return error_set(err, ERROR_CONFIG, "the first line of %s is empty", path);
    if (memchr(line.at, '\0', line.len) != NULL)
        return error_set(err, ERROR_CONFIG, "the first line of %s holds a NUL byte", path);
    return keep(line, memory, out, err);
}

static bool read_secret(const char *path, struct arena *memory, const char **out, struct error *err)
{
    struct buf whole;
    bool ok;

    buf_init(&whole, SECRET_MAX_BYTES + 2 * CHUNK_BYTES);
    ok = read_file(path, true, SECRET_MAX_BYTES, &whole, err) &&
         keep_first_line(path, buf_view(&whole), memory, out, err);
    buf_done(&whole);
    return ok;
}

bool option_text_expand_secret(const char *text, struct arena *memory, const char **out,
                               struct error *err)
{
    static const char scheme[] = "file:";
    const char *path = "";

    if (strncmp(text, scheme, sizeof scheme - 1) != 0)
        return option_text_expand(text, memory, out, err);
    return option_text_expand(text + sizeof scheme - 1, memory, &path, err) &&
           read_secret(path, memory, out, err);
}
