#include "decoder/relation_cache.h"

#include <stdlib.h>

#include "millrace/mem.h"

#define FIRST_CHAINS ((size_t)64)
/* Most relations fit into one of these; ten thousand of them must not cost gigabytes. */
#define CHUNK_BYTES ((size_t)2048)
#define COLUMNS_MAX 1600 /* MaxHeapAttributeNumber */

void relation_cache_init(struct relation_cache *cache)
{
    *cache = (struct relation_cache){
        .chains = mem_zero(FIRST_CHAINS, sizeof(struct relation_entry *)),
        .chain_count = FIRST_CHAINS,
    };
}

void relation_cache_done(struct relation_cache *cache)
{
    for (size_t i = 0; i < cache->chain_count; i++) {
        struct relation_entry *entry = cache->chains[i];

        while (entry != NULL) {
            struct relation_entry *next = entry->next;

            relation_entry_destroy(entry);
            entry = next;
        }
    }
    free(cache->chains);
    *cache = (struct relation_cache){0};
}

struct relation_entry *relation_entry_create(size_t limit_bytes)
{
    struct relation_entry *entry = mem_new(struct relation_entry);

    arena_init(&entry->arena, limit_bytes);
    entry->arena.chunk_bytes = CHUNK_BYTES;
    return entry;
}

void relation_entry_destroy(struct relation_entry *entry)
{
    if (entry == NULL)
        return;
    arena_done(&entry->arena);
    free(entry);
}

/* Oids are handed out one after the other: multiplying spreads them, the high bits are the best. */
static size_t chain_of(const struct relation_cache *cache, uint32_t oid)
{
    return (size_t)((oid * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (cache->chain_count - 1);
}

const struct relation *relation_cache_find(const struct relation_cache *cache, uint32_t oid)
{
    const struct relation_entry *entry = cache->chains[chain_of(cache, oid)];

    while (entry != NULL && entry->relation.oid != oid)
        entry = entry->next;
    return entry == NULL ? NULL : &entry->relation;
}

static void push(struct relation_cache *cache, struct relation_entry *entry)
{
    struct relation_entry **chain = &cache->chains[chain_of(cache, entry->relation.oid)];

    entry->next = *chain;
    *chain = entry;
}

static void grow(struct relation_cache *cache)
{
    struct relation_entry **old = cache->chains;
    size_t old_count = cache->chain_count;

    cache->chain_count = old_count * 2;
    cache->chains = mem_zero(cache->chain_count, sizeof(struct relation_entry *));
    for (size_t i = 0; i < old_count; i++) {
        while (old[i] != NULL) {
            struct relation_entry *entry = old[i];

            old[i] = entry->next;
            push(cache, entry);
        }
    }
    free(old);
}

struct relation_entry *relation_cache_put(struct relation_cache *cache,
                                          struct relation_entry *entry)
{
    uint32_t oid = entry->relation.oid;
    struct relation_entry **link = &cache->chains[chain_of(cache, oid)], *replaced;

    while (*link != NULL && (*link)->relation.oid != oid)
        link = &(*link)->next;
    replaced = *link;
    if (replaced != NULL) {
        entry->next = replaced->next;
        replaced->next = NULL;
        *link = entry;
        return replaced;
    }
    if (cache->entry_count == cache->chain_count)
        grow(cache);
    push(cache, entry);
    cache->entry_count++;
    return NULL;
}

static bool identity_known(uint8_t letter)
{
    return letter == IDENTITY_DEFAULT || letter == IDENTITY_NOTHING || letter == IDENTITY_FULL ||
           letter == IDENTITY_INDEX;
}

static bool read_column(struct reader *r, struct arena *arena, struct column *column)
{
    uint8_t flags = reader_u8(r);
    struct slice name;

    if (flags > 1)
        r->failed = true;
    name = reader_cstring(r);
    column->identity = flags == 1;
    column->type_oid = reader_u32(r);
    column->typmod = (int32_t)reader_u32(r);
    return arena_copy(arena, name, &column->name);
}

/* False when the arena is full. */
static bool read_body(struct reader *r, struct arena *arena, struct slice schema, struct slice name,
                      struct relation *relation)
{
    if (!arena_copy(arena, schema, &relation->schema) || !arena_copy(arena, name, &relation->name))
        return false;
    relation->columns = arena_array(arena, relation->column_count, sizeof *relation->columns);
    if (relation->columns == NULL)
        return false;
    for (uint16_t i = 0; i < relation->column_count && !r->failed; i++)
        if (!read_column(r, arena, &relation->columns[i]))
            return false;
    return true;
}

bool relation_entry_read(struct relation_entry *entry, struct reader *r, struct error *err)
{
    struct relation *relation = &entry->relation;
    uint32_t oid = reader_u32(r);
    struct slice schema = reader_cstring(r), name = reader_cstring(r);
    uint8_t identity = reader_u8(r);
    uint16_t column_count = reader_u16(r);

    if (!identity_known(identity))
        r->failed = true;
    if (r->failed)
        return true;
    if (schema.len == 0)
        schema = slice_text("pg_catalog");
    if (column_count > COLUMNS_MAX)
        return error_set(err, ERROR_DATA, "RELATION %.*s.%.*s has %u columns, more than %d",
                         SLICE_ARGS(schema), SLICE_ARGS(name), (unsigned)column_count, COLUMNS_MAX);
    *relation = (struct relation){
        .oid = oid, .identity = (enum replica_identity)identity, .column_count = column_count};
    if (!read_body(r, &entry->arena, schema, name, relation))
        return error_set(err, ERROR_DATA,
                         "RELATION %.*s.%.*s: its description passes the limit of %zu bytes",
                         SLICE_ARGS(schema), SLICE_ARGS(name), entry->arena.limit_bytes);
    return true;
}

static bool copy_column(struct arena *arena, const struct column *from, struct column *to)
{
    to->type_oid = from->type_oid;
    to->typmod = from->typmod;
    to->identity = from->identity;
    return arena_copy(arena, from->name, &to->name);
}

bool relation_entry_copy(struct relation_entry *entry, const struct relation *from)
{
    struct relation *to = &entry->relation;
    struct arena *arena = &entry->arena;

    *to = (struct relation){
        .oid = from->oid, .identity = from->identity, .column_count = from->column_count};
    to->columns = arena_array(arena, to->column_count, sizeof *to->columns);
    if (to->columns == NULL || !arena_copy(arena, from->schema, &to->schema) ||
        !arena_copy(arena, from->name, &to->name))
        return false;
    for (uint16_t i = 0; i < to->column_count; i++)
        if (!copy_column(arena, &from->columns[i], &to->columns[i]))
            return false;
    return true;
}
