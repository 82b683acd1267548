/*
 * table - a hash table of pointers, keyed by a 64-bit hash and a comparison of the caller's.
 *
 * Open addressing, at most three quarters full; items are never removed.
 */
#ifndef SINKS_TABLE_H
#define SINKS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t hash;
    void *item; /* NULL: free */
};

/* A zeroed one is empty. */
struct table {
    struct table_slot *slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
};

/* The item of this hash that `same` accepts, or NULL. */
void *table_find(const struct table *t, uint64_t hash,
                 bool (*same)(const void *item, const void *key), const void *key);
/* The item must not be in the table. */
void table_add(struct table *t, uint64_t hash, void *item);
/* Frees the table, not the items. */
void table_done(struct table *t);

#endif
