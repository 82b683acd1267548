#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/reader.h"
#include "tests/support/block.h"

static void integers_are_big_endian(void **state)
{
    struct slice message = block_hex("81 8182 81828384 8182838485868788");
    struct reader r = reader_over(message);

    (void)state;
    assert_int_equal(reader_u8(&r), 0x81);
    assert_int_equal(reader_u16(&r), 0x8182);
    assert_int_equal(reader_u32(&r), 0x81828384);
    assert_true(reader_u64(&r) == 0x8182838485868788);
    assert_true(reader_finished(&r));
    assert_int_equal(reader_left(&r), 0);
    block_free(message);
}

/* Reads everything that there is to read once, from `len` bytes. */
static bool reads_all(const uint8_t *at, size_t len)
{
    struct slice message = block_copy(at, len);
    struct reader r = reader_over(message);
    bool finished;

    (void)reader_u8(&r);
    (void)reader_u16(&r);
    (void)reader_u32(&r);
    (void)reader_u64(&r);
    (void)reader_bytes(&r, 3);
    (void)reader_cstring(&r);
    finished = reader_finished(&r);
    block_free(message);
    return finished;
}

static void every_truncation_fails(void **state)
{
    static const uint8_t bytes[24] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0};

    (void)state;
    for (size_t len = 0; len <= sizeof bytes; len++)
        assert_int_equal(reads_all(bytes, len), len == 23); /* 24: a byte left over */
}

static void failure_is_sticky(void **state)
{
    struct slice message = block_hex("01020304");
    struct reader r = reader_over(message);

    (void)state;
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_int_equal(reader_u16(&r), 0);
    assert_int_equal(reader_u64(&r), 0);
    assert_null(reader_bytes(&r, 0).at);
    assert_null(reader_cstring(&r).at);
    assert_ptr_equal(r.at, message.at + 1); /* stays where it stopped */
    assert_false(reader_finished(&r));
    block_free(message);
}

static void huge_lengths_do_not_wrap(void **state)
{
    static const size_t lengths[] = {5, INT32_MAX, UINT32_MAX, SIZE_MAX - 1, SIZE_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct slice message = block_hex("01020304");
        struct reader r = reader_over(message);

        assert_null(reader_bytes(&r, lengths[i]).at);
        assert_true(r.failed);
        block_free(message);
    }
}

static void texts_end_inside(void **state)
{
    struct slice message = block_hex("'ab'00 00 'cd'");
    struct reader r = reader_over(message);

    (void)state;
    assert_true(slice_is(reader_cstring(&r), "ab"));
    assert_true(slice_is(reader_cstring(&r), ""));
    assert_false(r.failed);
    assert_null(reader_cstring(&r).at);
    assert_true(r.failed);
    block_free(message);
}

static void nothing_at_all(void **state)
{
    struct reader r = reader_over((struct slice){NULL, 0});

    (void)state;
    assert_true(reader_finished(&r));
    assert_non_null(reader_bytes(&r, 0).at);
    assert_true(reader_finished(&r));
    assert_null(reader_cstring(&r).at);
    assert_true(r.failed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_big_endian), cmocka_unit_test(every_truncation_fails),
        cmocka_unit_test(failure_is_sticky),       cmocka_unit_test(huge_lengths_do_not_wrap),
        cmocka_unit_test(texts_end_inside),        cmocka_unit_test(nothing_at_all),
    };

    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
