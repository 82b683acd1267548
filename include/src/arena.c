#include "millrace/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define ORDINARY_BYTES ((size_t)64 * 1024)
#define ALIGNMENT alignof(max_align_t)

struct arena_chunk {
    struct arena_chunk *older;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t bytes[];
};

static void poison(void *at, size_t len)
{
#ifdef ARENA_ASAN
    __asan_poison_memory_region(at, len);
#else
    (void)at;
    (void)len;
#endif
}

static void unpoison(const void *at, size_t len)
{
#ifdef ARENA_ASAN
    __asan_unpoison_memory_region(at, len);
#else
    (void)at;
    (void)len;
#endif
}

void arena_init(struct arena *a, size_t limit_bytes)
{
    *a = (struct arena){.limit_bytes = limit_bytes};
}

static size_t ordinary_bytes(const struct arena *a)
{
    return a->chunk_bytes == 0 ? ORDINARY_BYTES : a->chunk_bytes;
}

/* Bigger requests get a chunk of their own size. */
static struct arena_chunk *add_chunk(struct arena *a, size_t want)
{
    size_t size = want > ordinary_bytes(a) ? want : ordinary_bytes(a);
    struct arena_chunk *chunk = malloc(sizeof *chunk + size);

    if (chunk == NULL)
        return NULL;
    *chunk = (struct arena_chunk){.older = a->chunks, .size = size};
    poison(chunk->bytes, size);
    a->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_chunk *chunk = a->chunks;
    size_t rounded;
    void *at;

    if (size > a->limit_bytes || size > SIZE_MAX / 2)
        return NULL;
    rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (a->used_bytes > a->limit_bytes || rounded > a->limit_bytes - a->used_bytes)
        return NULL;
    if (chunk == NULL || rounded > chunk->size - chunk->used)
        chunk = add_chunk(a, rounded);
    if (chunk == NULL)
        return NULL;
    at = chunk->bytes + chunk->used;
    unpoison(at, size);
    chunk->used += rounded;
    a->used_bytes += rounded;
    return at;
}

void *arena_array(struct arena *a, size_t count, size_t item_size)
{
    void *at;

    if (item_size != 0 && count > SIZE_MAX / item_size)
        return NULL;
    at = arena_alloc(a, count * item_size);
    if (at != NULL)
        memset(at, 0, count * item_size);
    return at;
}

bool arena_copy(struct arena *a, struct slice from, struct slice *out_copy)
{
    uint8_t *at = arena_alloc(a, from.len);

    if (at == NULL)
        return false;
    if (from.len > 0)
        memcpy(at, from.at, from.len);
    *out_copy = (struct slice){at, from.len};
    return true;
}

static void free_chunk(struct arena_chunk *chunk)
{
    unpoison(chunk->bytes, chunk->size);
    free(chunk);
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *keep = NULL, *chunk = a->chunks, *older;

    for (; chunk != NULL; chunk = older) {
        older = chunk->older;
        if (keep == NULL && chunk->size == ordinary_bytes(a))
            keep = chunk;
        else
            free_chunk(chunk);
    }
    if (keep != NULL) {
        keep->older = NULL;
        keep->used = 0;
        poison(keep->bytes, keep->size);
    }
    a->chunks = keep;
    a->used_bytes = 0;
}

void arena_done(struct arena *a)
{
    struct arena_chunk *chunk, *older;

    for (chunk = a->chunks; chunk != NULL; chunk = older) {
        older = chunk->older;
        free_chunk(chunk);
    }
    a->chunks = NULL;
    a->used_bytes = 0;
}
