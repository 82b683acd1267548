/*
 * value_array - walks PostgreSQL's text of an array, element by element, without allocation.
 *
 *     {1,2,NULL}    {{a,"b c"},{NULL,"q\"uote"}}    [0:1]={7,8}    {(1,1),(0,0);(2,2),(0,0)}
 *
 * Manual, section 8.15.6.  Bounds in front are checked and passed over.
 */
#ifndef SINKS_VALUE_ARRAY_H
#define SINKS_VALUE_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"

#define ARRAY_DEPTH_MAX 6u /* MAXDIM of PostgreSQL */

enum array_token {
    ARRAY_OPEN,
    ARRAY_CLOSE,
    ARRAY_ELEMENT, /* reader.element, to be unescaped when reader.escaped */
    ARRAY_NULL,
    ARRAY_END, /* all of it has been read, and it was well formed */
    ARRAY_MALFORMED,
};

struct array_reader {
    const uint8_t *at, *end;
    char delimiter;
    unsigned depth;
    bool started, after_item;
    struct slice element; /* without quotes; points into the text */
    bool escaped;         /* holds backslashes */
};

struct array_reader array_reader_over(struct slice text, char delimiter);
/* ARRAY_END and ARRAY_MALFORMED stay for good.  Separators are checked and not reported. */
enum array_token array_reader_next(struct array_reader *r) MUST_CHECK;
/* Replaces the content of `out` by the element without its backslashes. */
void array_unescape(struct slice element, struct buf *out);

#endif
