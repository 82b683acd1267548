/*
 * relation_cache - the relations that one session has described, found by oid.
 *
 *     chains[hash(oid)] -> entry{relation, its own arena} -> entry -> NULL
 *
 * A relation owns one arena and is replaced whole, never changed.
 */
#ifndef DECODER_RELATION_CACHE_H
#define DECODER_RELATION_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/reader.h"
#include "millrace/relation.h"

struct relation_entry {
    struct relation_entry *next; /* in the chain */
    struct arena arena;
    struct relation relation;
};

struct relation_cache {
    struct relation_entry **chains; /* a power of two of them */
    size_t chain_count;
    size_t entry_count;
};

/* The caller places it.  A zeroed cache is fine for done(). */
void relation_cache_init(struct relation_cache *cache);
void relation_cache_done(struct relation_cache *cache);

/* Empty, its arena ready to hold limit_bytes. */
struct relation_entry *relation_entry_create(size_t limit_bytes);
void relation_entry_destroy(struct relation_entry *entry); /* NULL is fine */
/* Reads an R message behind its tag; everything but relation.id and what the catalogue tells. False
 * with ERROR_DATA when there are too many columns or the arena is too small; bytes that make no
 * sense only fail the reader. */
bool relation_entry_read(struct relation_entry *entry, struct reader *r,
                         struct error *err) MUST_CHECK;

/* What an R message had told, anew, to be described again.  False when the arena is too small. */
bool relation_entry_copy(struct relation_entry *entry, const struct relation *from) MUST_CHECK;

/* NULL when the oid was never described. */
const struct relation *relation_cache_find(const struct relation_cache *cache, uint32_t oid);
/* Takes `entry`; gives back the one that it replaces, to be destroyed by the caller, or NULL. */
struct relation_entry *relation_cache_put(struct relation_cache *cache,
                                          struct relation_entry *entry);

#endif
