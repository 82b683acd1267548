#include "millrace/error.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static void set(struct error *err, enum error_kind kind, const char *fmt, va_list args)
    PRINTF_LIKE(3, 0);

static void set(struct error *err, enum error_kind kind, const char *fmt, va_list args)
{
    assert(err->kind == ERROR_NONE); /* the first failure is the one to report */
    err->kind = kind;
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    make_printable(err->text);
}

bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set(err, kind, fmt, args);
    va_end(args);
    return false;
}

bool error_gap(struct error *err, enum gap gap, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set(err, ERROR_GAP, fmt, args);
    va_end(args);
    err->gap = gap;
    return false;
}

bool error_os(struct error *err, int os_errno, const char *fmt, ...)
{
    char reason[128] = "";
    size_t len;
    va_list args;

    va_start(args, fmt);
    set(err, ERROR_SYSTEM, fmt, args);
    va_end(args);
    if (strerror_r(os_errno, reason, sizeof reason) != 0)
        (void)snprintf(reason, sizeof reason, "error %d", os_errno);
    len = strlen(err->text);
    (void)snprintf(err->text + len, sizeof err->text - len, ": %s", reason);
    return false;
}

bool error_wrap(struct error *err, const char *fmt, ...)
{
    char inner[ERROR_TEXT_BYTES];
    size_t len;
    va_list args;

    memcpy(inner, err->text, sizeof inner);
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    make_printable(err->text);
    len = strlen(err->text);
    (void)snprintf(err->text + len, sizeof err->text - len, ": %s", inner);
    return false;
}

const char *error_kind_name(enum error_kind kind)
{
    switch (kind) {
    case ERROR_NONE:
        return "none";
    case ERROR_CONFIG:
        return "config";
    case ERROR_LINK:
        return "link";
    case ERROR_DATA:
        return "data";
    case ERROR_SYSTEM:
        return "system";
    case ERROR_GAP:
        return "gap";
    case ERROR_FENCED:
        return "fenced";
    case ERROR_STOPPED:
        return "stopped";
    case ERROR_WAITING:
        return "waiting";
    }
    return "unknown";
}
