#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "millrace/buf.h"

static void appends_in_order(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20);
    buf_text(&b, "one ");
    buf_slice(&b, slice_text("two "));
    buf_append(&b, "three ", 6);
    buf_byte(&b, '4');
    buf_printf(&b, " %s %d", "five", 6);
    buf_append(&b, NULL, 0);
    assert_false(b.failed);
    assert_true(slice_is(buf_view(&b), "one two three 4 five 6"));
    buf_done(&b);
}

static void grows_and_keeps_what_was(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < 100000; i++)
        buf_byte(&b, (uint8_t)i);
    assert_int_equal(b.len, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(b.at[i], (uint8_t)i);
    buf_done(&b);
}

static void every_limit(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 600; limit++) {
        struct buf b;

        buf_init(&b, limit);
        for (size_t i = 0; i < limit; i++)
            buf_byte(&b, 'x');
        assert_false(b.failed);
        assert_int_equal(b.len, limit);
        buf_byte(&b, 'x');
        assert_true(b.failed);
        assert_int_equal(b.len, limit);
        buf_done(&b);
    }
}

static void failure_is_sticky(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    buf_text(&b, "1234");
    buf_text(&b, "56789");
    assert_true(b.failed);
    buf_byte(&b, '5');
    buf_printf(&b, "%d", 5);
    assert_null(buf_room(&b, 0));
    assert_true(slice_is(buf_view(&b), "1234"));
    buf_reset(&b, SIZE_MAX);
    assert_false(b.failed);
    buf_text(&b, "12345678");
    assert_true(slice_is(buf_view(&b), "12345678"));
    buf_done(&b);
}

static void huge_requests_are_refused(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX / 4);
    buf_byte(&b, 'x');
    assert_null(buf_room(&b, SIZE_MAX));
    assert_true(b.failed);
    assert_int_equal(b.len, 1);
    buf_done(&b);
}

static void reset_keeps_or_frees(void **state)
{
    struct buf b;
    const uint8_t *at;

    (void)state;
    buf_init(&b, 1 << 20);
    buf_text(&b, "text");
    at = b.at;
    buf_reset(&b, b.size);
    assert_ptr_equal(b.at, at);
    assert_int_equal(b.len, 0);
    buf_reset(&b, b.size - 1);
    assert_null(b.at);
    assert_int_equal(b.size, 0);
    buf_text(&b, "again");
    assert_true(slice_is(buf_view(&b), "again"));
    buf_done(&b);
}

static void room_does_not_move_the_end(void **state)
{
    struct buf b;
    uint8_t *room;

    (void)state;
    buf_init(&b, 1 << 20);
    room = buf_room(&b, 1000);
    assert_non_null(room);
    assert_int_equal(b.len, 0);
    assert_true(b.size >= 1000);
    memset(room, 'y', 1000);
    b.len += 3;
    assert_true(slice_is(buf_view(&b), "yyy"));
    buf_done(&b);
}

static void taken_block_is_the_takers(void **state)
{
    struct buf b;
    char *block;

    (void)state;
    buf_init(&b, 100);
    buf_text(&b, "mine");
    block = buf_take(&b);
    assert_memory_equal(block, "mine", 4);
    assert_int_equal(b.len, 0);
    buf_text(&b, "another");
    assert_ptr_not_equal(b.at, block);
    assert_true(slice_is(buf_view(&b), "another"));
    free(block);
    buf_done(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_in_order),
        cmocka_unit_test(grows_and_keeps_what_was),
        cmocka_unit_test(every_limit),
        cmocka_unit_test(failure_is_sticky),
        cmocka_unit_test(huge_requests_are_refused),
        cmocka_unit_test(reset_keeps_or_frees),
        cmocka_unit_test(room_does_not_move_the_end),
        cmocka_unit_test(taken_block_is_the_takers),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
