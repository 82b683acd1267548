#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/crc32c.h"
#include "tests/support/block.h"

/* RFC 3720, appendix B.4.  It shows the checksums as bytes on the wire, least significant first. */
static void vectors_of_the_rfc(void **state)
{
    uint8_t bytes[32];
    struct slice read_pdu = block_hex("01c00000 00000000 00000000 00000000"
                                      "14000000 00000400 00000014 00000018"
                                      "28000000 00000000 02000000 00000000");

    (void)state;
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x113fdb5c);
    assert_int_equal(crc32c(0, read_pdu.at, read_pdu.len), 0xd9963a56);
    block_free(read_pdu);
}

static void check_value(void **state)
{
    (void)state;
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
}

/* The table against the polynomial, bit by bit. */
static void every_byte(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        uint8_t byte = (uint8_t)value;
        uint32_t crc = ~(uint32_t)0 ^ byte;

        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
        assert_int_equal(crc32c(0, &byte, 1), (uint32_t)~crc);
    }
}

static void goes_on_from_every_place(void **state)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    uint32_t whole = crc32c(0, text, sizeof text);

    (void)state;
    for (size_t len = 0; len <= sizeof text; len++)
        assert_int_equal(crc32c(crc32c(0, text, len), text + len, sizeof text - len), whole);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc),
        cmocka_unit_test(check_value),
        cmocka_unit_test(every_byte),
        cmocka_unit_test(goes_on_from_every_place),
    };

    return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
