#include "sinks/md5.h"

struct state {
    uint32_t a, b, c, d;
};

/* floor(2^32 * |sin(i + 1)|) */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const uint8_t shifts[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t word_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

/* The round's function, and which word of the block step `i` takes. */
static uint32_t mix(const struct state *s, unsigned i, unsigned *out_word)
{
    switch (i / 16) {
    case 0:
        *out_word = i;
        return (s->b & s->c) | (~s->b & s->d);
    case 1:
        *out_word = (5 * i + 1) % 16;
        return (s->d & s->b) | (~s->d & s->c);
    case 2:
        *out_word = (3 * i + 5) % 16;
        return s->b ^ s->c ^ s->d;
    default:
        *out_word = 7 * i % 16;
        return s->c ^ (s->b | ~s->d);
    }
}

static void take_block(struct state *sum, const uint8_t *block)
{
    struct state s = *sum;

    for (unsigned i = 0; i < 64; i++) {
        unsigned word = 0;
        uint32_t f = mix(&s, i, &word) + s.a + sines[i] + word_at(block + (size_t)4 * word);

        s = (struct state){s.d, s.b + rotate(f, shifts[i / 16][i % 4]), s.b, s.c};
    }
    sum->a += s.a;
    sum->b += s.b;
    sum->c += s.c;
    sum->d += s.d;
}

void md5(struct slice bytes, uint8_t out_digest[16])
{
    struct state sum = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    size_t whole = bytes.len / 64 * 64, rest = bytes.len - whole;
    size_t tail = rest < 56 ? 64 : 128; /* the rest, 0x80, zeros, the length in bits */
    uint8_t last[128] = {0};
    uint64_t bits = (uint64_t)bytes.len * 8;
    const uint32_t *const words[4] = {&sum.a, &sum.b, &sum.c, &sum.d};

    for (size_t i = 0; i < whole; i += 64)
        take_block(&sum, bytes.at + i);
    if (rest > 0)
        memcpy(last, bytes.at + whole, rest);
    last[rest] = 0x80;
    for (size_t i = 0; i < 8; i++)
        last[tail - 8 + i] = (uint8_t)(bits >> (8 * i));
    for (size_t i = 0; i < tail; i += 64)
        take_block(&sum, last + i);
    for (size_t i = 0; i < 16; i++)
        out_digest[i] = (uint8_t)(*words[i / 4] >> (8 * (i % 4)));
}
