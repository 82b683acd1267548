#include "sinks/murmur2.h"

#include <assert.h>

#define SEED UINT32_C(0x9747b28c)
#define MIX UINT32_C(0x5bd1e995)

static uint32_t word_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t mix_tail(uint32_t hash, const uint8_t *tail, size_t len)
{
    if (len == 0)
        return hash;
    for (size_t i = len; i > 0; i--)
        hash ^= (uint32_t)tail[i - 1] << (8 * (i - 1));
    return hash * MIX;
}

uint32_t murmur2(struct slice bytes)
{
    size_t whole = bytes.len / 4 * 4;
    uint32_t hash = SEED ^ (uint32_t)bytes.len;

    for (size_t i = 0; i < whole; i += 4) {
        uint32_t word = word_at(bytes.at + i) * MIX;

        word ^= word >> 24;
        hash = hash * MIX ^ word * MIX;
    }
    hash = mix_tail(hash, bytes.len == 0 ? NULL : bytes.at + whole, bytes.len - whole);
    hash ^= hash >> 13;
    hash *= MIX;
    return hash ^ hash >> 15;
}

int32_t murmur2_partition(struct slice key, int32_t partitions)
{
    assert(partitions > 0);
    return (int32_t)(murmur2(key) & UINT32_C(0x7fffffff)) % partitions;
}
