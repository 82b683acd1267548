/* utf8 - are these bytes text? */
#ifndef RELAY_UTF8_H
#define RELAY_UTF8_H

#include <stddef.h>

#include "millrace/slice.h"

/* How many bytes at the start of `text` are whole characters of UTF-8 (RFC 3629: no surrogates,
 * nothing overlong, nothing beyond U+10FFFF); text.len when all of it is. */
size_t utf8_span(struct slice text);

#endif
