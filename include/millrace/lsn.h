/*
 * lsn - a place in PostgreSQL's write-ahead log, as a number.
 *
 * Written "16/B374D848": the high and the low 32 bits in hexadecimal (manual, section 8.20 pg_lsn).
 * Compare LSNs as numbers only, never as text.  0 means "none".
 */
#ifndef MILLRACE_LSN_H
#define MILLRACE_LSN_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/slice.h"

#define LSN_TEXT_BYTES 18 /* "FFFFFFFF/FFFFFFFF" and a NUL */

struct lsn_text {
    char text[LSN_TEXT_BYTES];
};

/* By value, so that it can stand in an argument list: lsn_format(lsn).text */
struct lsn_text lsn_format(uint64_t lsn);
/* True when the whole of `text` is an LSN; *out_lsn is written only then. */
bool lsn_parse(struct slice text, uint64_t *out_lsn) MUST_CHECK;

#endif
