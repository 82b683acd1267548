#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "decoder/walmsg.h"
#include "tests/support/block.h"

struct decode_case {
    const char *name;
    const char *hex;
    const char *expect; /* the message as one line, or the error text */
};

/* Zero on PostgreSQL's clock is 946684800000000. */
static struct decode_case decode_cases[] = {
    {"data", "77 0000000100000002 0000000100000002 0000000000000001 49aabb",
     "data start=0000000100000002 us=946684800000001 payload=3"},
    {"data without payload", "77 0000000000000000 0000000000000000 0000000000000000",
     "data start=0000000000000000 us=946684800000000 payload=0"},
    {"data from before 2000", "77 0000000000000000 0000000000000000 ffffffffffffffff",
     "data start=0000000000000000 us=946684799999999 payload=0"},
    {"the earliest time", "77 0000000000000000 0000000000000000 8000000000000000",
     "data start=0000000000000000 us=-9222425352054775808 payload=0"},
    {"the latest time", "77 0000000000000000 0000000000000000 7ffca2fec4c81fff",
     "data start=0000000000000000 us=9223372036854775807 payload=0"},
    {"a time beyond that", "77 0000000000000000 0000000000000000 7ffca2fec4c82000",
     "XLogData malformed at byte 25 of 25"},
    {"keepalive", "6b 00000000deadbeef 0000000000000002 00",
     "keepalive end=00000000deadbeef us=946684800000002 reply=0"},
    {"keepalive that wants a reply", "6b 00000000deadbeef 0000000000000002 01",
     "keepalive end=00000000deadbeef us=946684800000002 reply=1"},
    {"keepalive with another flag", "6b 00000000deadbeef 0000000000000002 02",
     "keepalive malformed at byte 18 of 18"},
    {"keepalive with bytes left over", "6b 00000000deadbeef 0000000000000002 01 00",
     "keepalive malformed at byte 18 of 19"},
    {"keepalive cut short", "6b 00000000deadbeef 00000000", "keepalive malformed at byte 13 of 13"},
    {"data cut short", "77 0000000100000002 00", "XLogData malformed at byte 9 of 10"},
    {"empty", "", "replication message is empty"},
    {"our own kind", "72 00", "replication message of unknown type 0x72"},
};

static void render(const struct walmsg *m, char *out, size_t size)
{
    if (m->kind == WALMSG_DATA)
        (void)snprintf(out, size, "data start=%016" PRIx64 " us=%" PRId64 " payload=%zu",
                       m->wal_start, m->send_us, m->payload.len);
    else
        (void)snprintf(out, size, "keepalive end=%016" PRIx64 " us=%" PRId64 " reply=%d",
                       m->wal_end, m->send_us, m->reply_requested);
}

static void decodes(void **state)
{
    const struct decode_case *c = *state;
    struct slice message = block_hex(c->hex);
    struct error err = {0};
    struct walmsg m;
    char got[ERROR_TEXT_BYTES];

    if (walmsg_decode(message, &m, &err))
        render(&m, got, sizeof got);
    else
        (void)snprintf(got, sizeof got, "%s", err.text);
    assert_string_equal(got, c->expect);
    block_free(message);
}

static bool accepted(const uint8_t *at, size_t len)
{
    struct slice message = block_copy(at, len);
    struct error err = {0};
    struct walmsg m;
    bool ok = walmsg_decode(message, &m, &err);

    assert_int_equal(err.kind, ok ? ERROR_NONE : ERROR_DATA);
    block_free(message);
    return ok;
}

static void every_length(void **state)
{
    uint8_t bytes[64] = {0};

    (void)state;
    for (size_t len = 0; len <= sizeof bytes; len++) {
        bytes[0] = 'k';
        assert_int_equal(accepted(bytes, len), len == 18);
        bytes[0] = 'w';
        assert_int_equal(accepted(bytes, len), len >= 25);
    }
}

static void every_tag(void **state)
{
    uint8_t bytes[18] = {0};

    (void)state;
    for (unsigned tag = 0; tag < 256; tag++) {
        bytes[0] = (uint8_t)tag;
        assert_int_equal(accepted(bytes, sizeof bytes), tag == 'k');
    }
}

static void payload_is_borrowed(void **state)
{
    struct slice message =
        block_hex("77 0000000100000002 0000000100000002 0000000000000001 49aabb");
    struct error err = {0};
    struct walmsg m;

    (void)state;
    assert_true(walmsg_decode(message, &m, &err));
    assert_ptr_equal(m.payload.at, message.at + 25);
    block_free(message);
}

static void status_bytes(void **state)
{
    struct slice expect = block_hex("72 0102030405060708 1112131415161718 2122232425262728"
                                    " 0000000000000001 01");
    uint8_t got[WALMSG_STATUS_BYTES];

    (void)state;
    walmsg_status(0x0102030405060708, 0x1112131415161718, 0x2122232425262728, 946684800000001, true,
                  got);
    assert_int_equal(expect.len, sizeof got);
    assert_memory_equal(got, expect.at, sizeof got);
    block_free(expect);
}

static void status_before_2000(void **state)
{
    struct slice expect = block_hex("72 0000000000000000 0000000000000000 0000000000000000"
                                    " fffca2fec4c82000 00");
    uint8_t got[WALMSG_STATUS_BYTES];

    (void)state;
    walmsg_status(0, 0, 0, 0, false, got);
    assert_memory_equal(got, expect.at, sizeof got);
    block_free(expect);
}

int main(void)
{
    static const struct CMUnitTest loops[] = {
        cmocka_unit_test(every_length),        cmocka_unit_test(every_tag),
        cmocka_unit_test(payload_is_borrowed), cmocka_unit_test(status_bytes),
        cmocka_unit_test(status_before_2000),
    };
    struct CMUnitTest tests[ARRAY_LEN(decode_cases) + ARRAY_LEN(loops)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(decode_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = decode_cases[i].name, .test_func = decodes, .initial_state = &decode_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(loops); i++)
        tests[n++] = loops[i];
    return cmocka_run_group_tests_name("walmsg", tests, NULL, NULL);
}
