#include "sinks/table.h"

#include <stdlib.h>

#include "millrace/mem.h"

#define FIRST_SLOTS ((size_t)64)

/* Spreads a hash whose low bits may be poor (an OID) over the slots. */
static size_t first_slot(uint64_t hash, size_t size)
{
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 32) & (size - 1);
}

void *table_find(const struct table *t, uint64_t hash,
                 bool (*same)(const void *item, const void *key), const void *key)
{
    if (t->size == 0)
        return NULL;
    for (size_t i = first_slot(hash, t->size); t->slots[i].item != NULL;
         i = (i + 1) & (t->size - 1))
        if (t->slots[i].hash == hash && same(t->slots[i].item, key))
            return t->slots[i].item;
    return NULL;
}

static void place(struct table *t, struct table_slot slot)
{
    size_t i = first_slot(slot.hash, t->size);

    while (t->slots[i].item != NULL)
        i = (i + 1) & (t->size - 1);
    t->slots[i] = slot;
}

static void grow(struct table *t)
{
    struct table old = *t;

    t->size = old.size == 0 ? FIRST_SLOTS : old.size * 2;
    t->slots = mem_zero(t->size, sizeof *t->slots);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].item != NULL)
            place(t, old.slots[i]);
    free(old.slots);
}

void table_add(struct table *t, uint64_t hash, void *item)
{
    if (t->count * 4 >= t->size * 3)
        grow(t);
    place(t, (struct table_slot){hash, item});
    t->count++;
}

void table_done(struct table *t)
{
    free(t->slots);
    *t = (struct table){0};
}
