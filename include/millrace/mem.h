/* mem - allocation of things whose size is fixed at compile time: they succeed or the process
 * aborts. */
#ifndef MILLRACE_MEM_H
#define MILLRACE_MEM_H

#include <stddef.h>

#include "millrace/attr.h"

/* Zeroed memory for `count` items of `size` bytes; aborts with a message when there is none or the
 * product overflows.  Free it with free().  Not for sizes that come from data: see arena and buf.
 */
void *mem_zero(size_t count, size_t size) MUST_CHECK;
/* A copy of a NUL-terminated text; aborts likewise; NULL stays NULL. */
char *mem_text(const char *text) MUST_CHECK;

#define mem_new(type) ((type *)mem_zero(1, sizeof(type)))

#endif
