/*
 * error - what went wrong, in words an operator can act on.
 *
 * The caller owns a struct error, starts it at {0}, and passes it down.
 * It is written only on failure and never cleared by the callee.  Text grows
 * outwards: the innermost function says what failed, callers say during what:
 *
 *     slot "orders": relation public.users: INSERT malformed at byte 13 of 14
 *
 * Never put a row value, a password or a connection string into an error.  Table and column names,
 * LSNs, host names and ports are fine.
 */
#ifndef MILLRACE_ERROR_H
#define MILLRACE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#include "millrace/attr.h"

/* What to do about it, not where it came from. */
enum error_kind {
    ERROR_NONE,
    ERROR_CONFIG,  /* the operator must change something: exit, do not retry      */
    ERROR_LINK,    /* the other end went away: start the session again            */
    ERROR_DATA,    /* the bytes make no sense: stop, never skip                   */
    ERROR_SYSTEM,  /* memory, disk, descriptors: exit                             */
    ERROR_GAP,     /* going on would publish past a gap: stop; see enum gap       */
    ERROR_FENCED,  /* another instance of this relay has taken over: stop         */
    ERROR_STOPPED, /* the operator asked us to stop while we waited: not a fault  */
    ERROR_WAITING, /* nothing was done: ask the same again; sinks never let it out */
};

/* Why going on would lose changes.  Each has an exit code of its own (relay/exit_code.h). */
enum gap {
    GAP_NONE,
    GAP_SLOT_MISSING,     /* a position is stored, the slot is gone                              */
    GAP_SLOT_INVALIDATED, /* the server has thrown away WAL that the slot still needed           */
    GAP_SLOT_FOREIGN,     /* other plugin, other database, or two-phase                          */
    GAP_SLOT_AHEAD,       /* somebody else consumed or recreated it: confirmed > stored position */
    GAP_SLOT_WITHOUT_POSITION, /* the slot exists, no position is stored: whose is it? */
    GAP_PUBLICATION_MISSING,   /* or lacks a table that is configured   */
    GAP_OTHER_CLUSTER,  /* system identifier differs from the stored one                       */
    GAP_OTHER_TIMELINE, /* the stored position is not in the server's history                  */
    GAP_BEYOND_WAL,     /* the server's WAL ends before the stored position                    */
    GAP_POSITION_UNREADABLE, /* the stored position is damaged or of a version that we do not know
                              */
};

#define ERROR_TEXT_BYTES 1024

struct error {
    enum error_kind kind;
    enum gap gap; /* only with ERROR_GAP */
    char text[ERROR_TEXT_BYTES];
};

/* All of these return false, so that failing is one statement:
 *     return error_set(err, ERROR_DATA, "row has %u columns", count);
 * Control characters in the text are replaced by '?', so that a name from outside cannot forge a
 * log line. */
bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool error_gap(struct error *err, enum gap gap, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Like error_set(ERROR_SYSTEM) with ": " and the system's text for os_errno behind. */
bool error_os(struct error *err, int os_errno, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Puts the given text and ": " in front of what is there. */
bool error_wrap(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "config", "link"... for log lines; never NULL. */
const char *error_kind_name(enum error_kind kind);

#endif
