/*
 * log - one line for each thing an operator should know, on standard error.
 *
 *     2026-11-21T09:30:00.123Z info session_started slot=orders lsn=0/16B3748
 *
 * The event is a fixed word that can be searched for in the source; what follows is key=value
 * pairs. No line per row or per transaction above debug.  Never a row value or a secret.
 *
 * Level and format are the one mutable global of the program.
 */
#ifndef RELAY_LOG_H
#define RELAY_LOG_H

#include <stdbool.h>

#include "millrace/attr.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

void log_configure(enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);
/* `fmt` makes the key=value part; values with spaces, quotes or control characters are to be
 * written through log_quote().  In JSON format: {"time":...,"level":...,"event":...,"text":<that
 * part>}. */
void log_line(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define LOG_QUOTE_BYTES 1100
struct log_quoted {
    char text[LOG_QUOTE_BYTES];
};
/* "text" with quotes and backslashes escaped and control characters replaced; by value, for
 * arguments: log_quote(err.text).text */
struct log_quoted log_quote(const char *text);

#endif
