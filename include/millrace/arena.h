/*
 * arena - memory that is given back all at once.
 *
 * Every block is aligned for any type; asking for zero bytes is fine.  Returns NULL
 * once limit_bytes would be passed: callers turn that into an error naming
 * the thing that was too big.  Under ASan the unused tail and everything
 * after a reset are poisoned, so a slice kept too long is caught.
 *
 *     chunks -> [header | used ....... | free ]  -> older chunk -> ...
 */
#ifndef MILLRACE_ARENA_H
#define MILLRACE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "millrace/attr.h"
#include "millrace/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used_bytes;          /* handed out since the last reset, rounding included */
    size_t limit_bytes;
    size_t chunk_bytes; /* an ordinary chunk; 0: 64 KiB, which serves most messages */
};

/* A zeroed struct arena with only limit_bytes set is ready for use; this does that. */
void arena_init(struct arena *a, size_t limit_bytes);
void *arena_alloc(struct arena *a, size_t size) MUST_CHECK;
/* Zeroed; NULL too when the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t item_size) MUST_CHECK;
bool arena_copy(struct arena *a, struct slice from, struct slice *out_copy) MUST_CHECK;
/* Keeps one chunk of ordinary size for reuse; frees the others. */
void arena_reset(struct arena *a);
/* Frees everything; a zeroed arena is fine. */
void arena_done(struct arena *a);

#endif
