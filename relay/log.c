#include "relay/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "relay/utf8.h"

/* A line of at most PIPE_BUF bytes is written to a pipe in one piece, so the lines of several
 * threads and processes never mix (POSIX, write). */
#define LINE_BYTES ((size_t)4096)
#define TEXT_BYTES ((size_t)3072)
#define TIME_BYTES 32

_Static_assert(LINE_BYTES <= PIPE_BUF, "a line must fit into one write to a pipe");

/* The one mutable global of the program; set once, before the first thread is made. */
static struct {
    enum log_level level;
    enum log_format format;
} settings = {LOG_INFO, LOG_TEXT};

/* A line being made: what does not fit is cut off, always with room left for its end. */
struct line {
    char at[LINE_BYTES];
    size_t len;
};

void log_configure(enum log_level level, enum log_format format)
{
    settings.level = level;
    settings.format = format;
}

bool log_enabled(enum log_level level)
{
    return level >= settings.level;
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARN:
        return "warn";
    case LOG_ERROR:
        return "error";
    }
    return "error";
}

static bool add(struct line *line, const char *text, size_t len, size_t reserve)
{
    if (len > sizeof line->at - line->len - reserve)
        return false;
    memcpy(line->at + line->len, text, len);
    line->len += len;
    return true;
}

static void add_text(struct line *line, const char *text)
{
    (void)add(line, text, strlen(text),
              2); /* 2: the end of a JSON line, "} and the newline aside */
}

/* Makes `text` printable UTF-8 in place: no control character can begin a new line, no cut or
 * foreign byte can spoil the JSON. */
static void make_clean(char *text)
{
    size_t len = strlen(text), at = 0;

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    while ((at += utf8_span(slice_of(text + at, len - at))) < len)
        text[at] = '?';
}

/* `text` is clean already: only the quote and the backslash are left to be escaped. */
static void add_json(struct line *line, const char *text)
{
    size_t len = strlen(text), size;

    for (size_t at = 0; at < len; at += size) {
        size = 1;
        while (at + size < len && ((unsigned char)text[at + size] & 0xc0) == 0x80)
            size++; /* a character is added whole or not at all */
        if (text[at] == '"' || text[at] == '\\') {
            char escaped[2] = {'\\', text[at]};

            if (!add(line, escaped, sizeof escaped, 4))
                return;
        } else if (!add(line, text + at, size, 4)) {
            return;
        }
    }
}

static void add_time(struct line *line)
{
    struct timespec now = {0};
    struct tm utc = {0};
    char text[TIME_BYTES];
    size_t len;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + len, sizeof text - len, ".%03dZ", (int)(now.tv_nsec / 1000000));
    add_text(line, text);
}

static void make_text_line(struct line *line, const char *level, const char *event,
                           const char *text)
{
    add_time(line);
    add_text(line, " ");
    add_text(line, level);
    add_text(line, " ");
    add_text(line, event);
    if (*text != '\0') {
        add_text(line, " ");
        add_text(line, text);
    }
    (void)add(line, "\n", 1, 0);
}

static void make_json_line(struct line *line, const char *level, const char *event,
                           const char *text)
{
    add_text(line, "{\"time\":\"");
    add_time(line);
    add_text(line, "\",\"level\":\"");
    add_text(line, level);
    add_text(line, "\",\"event\":\"");
    add_json(line, event);
    add_text(line, "\",\"text\":\"");
    add_json(line, text);
    (void)add(line, "\"}\n", 3, 0);
}

/* Nobody can be told that standard error is gone: what cannot be written is dropped. */
static void write_all(const char *at, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(STDERR_FILENO, at, len);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return;
        at += wrote;
        len -= (size_t)wrote;
    }
}

void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
    struct line line = {.len = 0};
    char text[TEXT_BYTES];
    int kept_errno = errno;
    va_list args;

    if (!log_enabled(level))
        return;
    va_start(args, fmt);
    if (vsnprintf(text, sizeof text, fmt, args) < 0)
        text[0] = '\0';
    va_end(args);
    make_clean(text);
    if (settings.format == LOG_JSON)
        make_json_line(&line, level_name(level), event, text);
    else
        make_text_line(&line, level_name(level), event, text);
    write_all(line.at, line.len);
    errno = kept_errno;
}

struct log_quoted log_quote(const char *text)
{
    struct log_quoted quoted;
    size_t len = 0,
           last = sizeof quoted.text - 3; /* room for an escaped byte's second, quote and NUL */

    quoted.text[len++] = '"';
    for (; *text != '\0' && len < last; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            quoted.text[len++] = '\\';
        quoted.text[len++] = (char)(byte < 0x20 || byte == 0x7f ? '?' : byte);
    }
    quoted.text[len++] = '"';
    quoted.text[len] = '\0';
    return quoted;
}
