#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "millrace/arena.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

static void blocks_are_aligned_and_apart(void **state)
{
    struct arena a;
    uint8_t *blocks[200];

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        blocks[i] = arena_alloc(&a, i);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        memset(blocks[i], (int)i, i);
    }
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        for (size_t k = 0; k < i; k++)
            assert_int_equal(blocks[i][k], i);
    arena_done(&a);
}

static void limit_holds_to_the_byte(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 64);
    assert_non_null(arena_alloc(&a, 48));
    assert_null(arena_alloc(&a, 17));
    assert_non_null(arena_alloc(&a, 16));
    assert_null(arena_alloc(&a, 1));
    assert_non_null(arena_alloc(&a, 0));
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 64));
    arena_done(&a);
}

static void sizes_that_overflow_are_refused(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 8));
    assert_null(arena_array(&a, SIZE_MAX / 2, 3));
    assert_null(arena_array(&a, SIZE_MAX, SIZE_MAX));
    assert_non_null(arena_array(&a, SIZE_MAX, 0));
    arena_done(&a);
}

static void arrays_are_zero(void **state)
{
    struct arena a;
    uint8_t *bytes;

    (void)state;
    arena_init(&a, 1 << 20);
    bytes = arena_alloc(&a, 100);
    assert_non_null(bytes);
    memset(bytes, 0xff, 100);
    arena_reset(&a);
    bytes = arena_array(&a, 10, 10);
    assert_non_null(bytes);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(bytes[i], 0);
    arena_done(&a);
}

static void copies_are_copies(void **state)
{
    struct arena a;
    struct slice from = slice_text("text"), copy, empty;

    (void)state;
    arena_init(&a, 32);
    assert_true(arena_copy(&a, from, &copy));
    assert_true(slice_equal(from, copy));
    assert_ptr_not_equal(from.at, copy.at);
    assert_true(arena_copy(&a, (struct slice){NULL, 0}, &empty));
    assert_int_equal(empty.len, 0);
    assert_false(arena_copy(&a, slice_text("seventeen bytes.."), &copy));
    assert_true(slice_is(copy, "text"));
    arena_done(&a);
}

static void big_blocks_do_not_stay(void **state)
{
    struct arena a;
    void *first;

    (void)state;
    arena_init(&a, 1 << 24);
    first = arena_alloc(&a, 8);
    assert_non_null(arena_alloc(&a, 1 << 23));
    assert_int_equal(a.used_bytes, (1 << 23) + 16);
    arena_reset(&a);
    assert_int_equal(a.used_bytes, 0);
    assert_ptr_equal(arena_alloc(&a, 8), first); /* the chunk of ordinary size was kept */
    arena_done(&a);
}

static void small_chunks_grow_and_reset(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    a.chunk_bytes = 64;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            assert_non_null(arena_alloc(&a, 48));
        assert_non_null(arena_alloc(&a, 1000));
        arena_reset(&a);
    }
    arena_done(&a);
}

static void a_zeroed_arena_can_be_done(void **state)
{
    struct arena a = {0};

    (void)state;
    arena_reset(&a);
    arena_done(&a);
    assert_null(arena_alloc(&a, 1));
}

static void memory_is_poisoned(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    struct arena a;
    uint8_t *bytes;

    arena_init(&a, 1 << 20);
    bytes = arena_alloc(&a, 10);
    assert_non_null(bytes);
    assert_false(__asan_address_is_poisoned(bytes + 9));
    assert_true(__asan_address_is_poisoned(bytes + 10));
    arena_reset(&a);
    assert_true(__asan_address_is_poisoned(bytes));
    arena_done(&a);
#else
    skip();
#endif
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_apart),
        cmocka_unit_test(limit_holds_to_the_byte),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(arrays_are_zero),
        cmocka_unit_test(copies_are_copies),
        cmocka_unit_test(big_blocks_do_not_stay),
        cmocka_unit_test(small_chunks_grow_and_reset),
        cmocka_unit_test(a_zeroed_arena_can_be_done),
        cmocka_unit_test(memory_is_poisoned),
    };

    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
