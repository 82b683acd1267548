/* Vectors of Kafka's own test of Utils.murmur2(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/murmur2.h"

struct hash_case {
    const char *key;
    int32_t hash;
};

static struct hash_case hash_cases[] = {
    {"21", -973932308},
    {"abc", 479470107},
    {"foobar", -790332482},
    {"a-little-bit-long-string", -985981536},
    {"a-little-bit-longer-string", -1486304829},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
    {"", 275646681},
};

/* A block of just this size on the heap, so that a read beyond it is seen. */
static struct slice exact_copy(const char *text)
{
    size_t len = strlen(text);
    uint8_t *block = malloc(len == 0 ? 1 : len);

    assert_non_null(block);
    memcpy(block, text, len);
    return slice_of(block, len);
}

static void hashes(void **state)
{
    const struct hash_case *c = *state;
    struct slice key = exact_copy(c->key);

    assert_int_equal((int32_t)murmur2(key), c->hash);
    free((void *)(uintptr_t)key.at);
}

/* toPositive() takes the sign bit away; it does not negate. */
static void partitions_like_java(void **state)
{
    (void)state;
    assert_int_equal(murmur2_partition(slice_text("21"), 12), (-973932308 & 0x7fffffff) % 12);
    assert_int_equal(murmur2_partition(slice_text("abc"), 12), 479470107 % 12);
    assert_int_equal(murmur2_partition(slice_text("foobar"), 1), 0);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(hash_cases) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(hash_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = hash_cases[i].key, .test_func = hashes, .initial_state = &hash_cases[i]};
    tests[n++] = (struct CMUnitTest){.name = "partition", .test_func = partitions_like_java};
    return cmocka_run_group_tests_name("murmur2", tests, NULL, NULL);
}
