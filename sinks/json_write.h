/*
 * json_write - pieces of JSON text, spelt as Jackson spells them.
 *
 * Strings: `"` and `\` with a backslash; \b \t \n \f \r; other control characters \u00XX in upper
 * case; characters beyond U+FFFF as a pair of \uXXXX surrogates; everything else as it is.  `/` and
 * DEL are not escaped.  Bytes are standard base64 with padding.  All append to `out`; whether it
 * all fitted is out->failed.
 */
#ifndef SINKS_JSON_WRITE_H
#define SINKS_JSON_WRITE_H

#include <stdint.h>

#include "millrace/buf.h"
#include "millrace/slice.h"

/* Quotes included.  A long text is measured first, so that the buffer grows to what it needs, once.
 */
void json_text(struct buf *out, struct slice text);
/* The same without the quotes. */
void json_string_body(struct buf *out, struct slice text);

void json_i64(struct buf *out, int64_t number);
void json_u64(struct buf *out, uint64_t number);

#define JSON_NUMBER_MAX 20u /* bytes of the longest, sign included */

/* Writes to `to`, which has room for JSON_NUMBER_MAX; returns where it ends. */
uint8_t *json_put_u64(uint8_t *to, uint64_t number);

/* A string of base64, quotes included. */
void json_base64(struct buf *out, struct slice bytes);

/* A constant of the program; avoids strlen() where the compiler knows the length. */
#define JSON_CONSTANT(out, text) buf_append((out), (text), sizeof(text) - 1)

#endif
