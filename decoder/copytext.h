/*
 * copytext - a row of COPY ... TO STDOUT in text format, as cells.
 *
 * PostgreSQL manual, COPY, "Text Format": tab between columns, \N for NULL, backslash escapes.
 */
#ifndef DECODER_COPYTEXT_H
#define DECODER_COPYTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/slice.h"

/* `line` is one CopyData message: the row with its newline.  The cells borrow from `line` where
 * there was nothing to unescape, else from `scratch`.  A table without columns gives an empty line.
 * False with ERROR_DATA: another number of columns than column_count, a bad escape, no newline, or
 * a row beyond the scratch arena's limit. */
bool copytext_row(struct slice line, uint16_t column_count, struct arena *scratch,
                  struct row *out_row, struct error *err) MUST_CHECK;

#endif
