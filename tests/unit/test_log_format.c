#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "sinks/log_format.h"
#include "tests/support/block.h"

/* Names. */

struct name_case {
    const char *name;
    bool is_segment;
    uint64_t first_offset;
};

static struct name_case name_cases[] = {
    {"00000000000000000000.log", true, 0},
    {"00000000000000182733.log", true, 182733},
    {"18446744073709551615.log", true, UINT64_MAX},
    {"18446744073709551616.log", false, 0},
    {"99999999999999999999.log", false, 0},
    {"0000000000000000000.log", false, 0},
    {"000000000000000000000.log", false, 0},
    {"0000000000000000000x.log", false, 0},
    {"00000000000000000000.lob", false, 0},
    {"+0000000000000000001.log", false, 0},
    {"lock", false, 0},
    {"", false, 0},
};

static void names(void **state)
{
    const struct name_case *c = *state;
    uint64_t first_offset = 77;

    assert_int_equal(log_segment_parse(c->name, &first_offset), c->is_segment);
    assert_int_equal(first_offset, c->is_segment ? c->first_offset : 77);
    if (c->is_segment)
        assert_string_equal(log_segment_name(first_offset).text, c->name);
}

/* Heads. */

static struct slice head_block(uint32_t version)
{
    struct log_head head = {version, 1785576600412345, 182733};
    struct buf b;
    struct slice block;

    buf_init(&b, 1000);
    log_head_encode(&b, &head);
    assert_int_equal(b.len, LOG_HEAD_BYTES);
    block = block_copy(b.at, b.len);
    buf_done(&b);
    return block;
}

static enum log_head_outcome decode_part(struct slice whole, size_t len, struct log_head *out)
{
    struct slice part = block_copy(whole.at, len);
    enum log_head_outcome outcome = log_head_decode(part, out);

    block_free(part);
    return outcome;
}

static void head_round_trip(void **state)
{
    struct slice block = head_block(LOG_VERSION);
    struct log_head got;

    (void)state;
    assert_int_equal(log_head_decode(block, &got), LOG_HEAD_WHOLE);
    assert_int_equal(got.created_us, 1785576600412345);
    assert_int_equal(got.first_offset, 182733);
    for (size_t len = 0; len < block.len; len++)
        assert_int_equal(decode_part(block, len, &got), LOG_HEAD_UNWRITTEN);
    block_free(block);
}

static void head_of_another_version(void **state)
{
    struct slice block = head_block(LOG_VERSION + 1);
    struct log_head got;

    (void)state;
    assert_int_equal(log_head_decode(block, &got), LOG_HEAD_VERSION);
    assert_int_equal(got.version, LOG_VERSION + 1);
    block_free(block);
}

static void head_flips(void **state)
{
    struct slice block = head_block(LOG_VERSION);
    struct log_head got;

    (void)state;
    for (size_t bit = 0; bit < block.len * 8; bit++) {
        block_bytes(block)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(log_head_decode(block, &got),
                         bit < 64 ? LOG_HEAD_FOREIGN : LOG_HEAD_DAMAGED);
        block_bytes(block)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    block_free(block);
}

static void head_foreign(void **state)
{
    static const char text[] = "2026-11-21 INFO this is the log file of something else entirely\n";
    struct slice all = slice_of(text, sizeof text - 1), zeros = block_copy((char[64]){0}, 64);
    struct log_head got;

    (void)state;
    for (size_t len = 1; len < all.len; len++)
        assert_int_equal(decode_part(all, len, &got), LOG_HEAD_FOREIGN);
    assert_int_equal(log_head_decode(zeros, &got), LOG_HEAD_UNWRITTEN);
    block_free(zeros);
}

/* Frames. */

static struct topic orders = {.name = "shop.public.orders"};

static struct record of_nulls = {.topic = &orders};
static struct record of_empty_key = {.topic = &orders, .has_key = true};
static struct record of_empty_value = {.topic = &orders, .has_value = true};
static struct record of_everything = {
    .topic = &orders,
    .has_key = true,
    .key = {(const uint8_t *)"{\"id\":7}", 8},
    .has_value = true,
    .value = {(const uint8_t *)"{\"after\":{\"id\":7}}", 18},
    .headers = {{"__debezium.newkey", {(const uint8_t *)"{\"id\":8}", 8}}, {"", {NULL, 0}}},
    .header_count = 2};
#define RECORDS 4

static struct record *const records[RECORDS] = {&of_nulls, &of_empty_key, &of_empty_value,
                                                &of_everything};

static struct slice record_block(const struct record *record)
{
    struct buf b;
    struct slice block;

    buf_init(&b, 10000);
    assert_true(log_record_encode(&b, record, 5, -12));
    buf_slice(&b, record->key);
    buf_slice(&b, record->value);
    assert_false(b.failed);
    block = block_copy(b.at, b.len);
    buf_done(&b);
    return block;
}

static struct slice topic_block(void)
{
    struct buf b;
    struct slice block;

    buf_init(&b, 1000);
    log_topic_encode(&b, 3, orders.name);
    block = block_copy(b.at, b.len);
    buf_done(&b);
    return block;
}

static struct slice commit_block(bool known)
{
    struct position p = {.known = known, .system_id = 7, .end_lsn = 0x16B3748, .slot = "orders"};
    struct buf b;
    struct slice block;

    buf_init(&b, 10000);
    log_commit_encode(&b, 100, 10, &p);
    block = block_copy(b.at, b.len);
    buf_done(&b);
    return block;
}

static void assert_record_equal(const struct record *a, const struct record *b)
{
    assert_int_equal(a->has_key, b->has_key);
    assert_true(slice_equal(a->key, b->key));
    assert_int_equal(a->has_value, b->has_value);
    assert_true(slice_equal(a->value, b->value));
    assert_int_equal(a->header_count, b->header_count);
    for (size_t i = 0; i < a->header_count; i++) {
        assert_string_equal(a->headers[i].name, b->headers[i].name);
        assert_true(slice_equal(a->headers[i].value, b->headers[i].value));
    }
}

static void record_round_trip(void **state)
{
    const struct record *record = *state;
    struct slice block = record_block(record);
    struct log_frame frame;
    struct record got;
    uint32_t topic_id;
    int64_t timestamp_us;

    assert_int_equal(log_frame_decode(block, &frame), LOG_FRAME_WHOLE);
    assert_int_equal(frame.type, LOG_RECORD);
    assert_int_equal(frame.frame_bytes, block.len);
    assert_true(log_record_decode(frame.payload, &got, &topic_id, &timestamp_us));
    assert_int_equal(topic_id, 5);
    assert_int_equal(timestamp_us, -12);
    assert_record_equal(&got, record);
    block_free(block);
}

static void topic_round_trip(void **state)
{
    struct slice block = topic_block(), name;
    struct log_frame frame;
    uint32_t id;

    (void)state;
    assert_int_equal(log_frame_decode(block, &frame), LOG_FRAME_WHOLE);
    assert_int_equal(frame.type, LOG_TOPIC);
    assert_true(log_topic_decode(frame.payload, &id, &name));
    assert_int_equal(id, 3);
    assert_true(slice_is(name, orders.name));
    block_free(block);
}

static void commit_round_trip(void **state)
{
    bool known = *state != NULL;
    struct slice block = commit_block(known);
    struct position position = {0};
    struct log_commit commit;
    struct log_frame frame;
    struct error err = {0};

    assert_int_equal(log_frame_decode(block, &frame), LOG_FRAME_WHOLE);
    assert_int_equal(frame.type, LOG_COMMIT);
    assert_true(log_commit_decode(frame.payload, &commit));
    assert_int_equal(commit.next_offset, 100);
    assert_int_equal(commit.record_count, 10);
    assert_int_equal(commit.position.len > 0, known);
    if (known) {
        assert_true(position_decode(commit.position, &position, &err));
        assert_int_equal(position.end_lsn, 0x16B3748);
    }
    block_free(block);
}

static struct slice block_number(size_t i)
{
    switch (i) {
    case 0:
        return topic_block();
    case 1:
        return commit_block(true);
    case 2:
        return commit_block(false);
    default:
        return record_block(records[i - 3]);
    }
}

#define BLOCKS (3 + RECORDS)

static void every_truncation_is_short(void **state)
{
    struct log_frame frame;

    (void)state;
    for (size_t i = 0; i < BLOCKS; i++) {
        struct slice whole = block_number(i);

        for (size_t len = 0; len < whole.len; len++) {
            struct slice part = block_copy(whole.at, len);

            assert_int_equal(log_frame_decode(part, &frame), LOG_FRAME_SHORT);
            assert_int_equal(frame.frame_bytes,
                             len < LOG_FRAME_HEAD_BYTES ? LOG_FRAME_HEAD_BYTES : whole.len);
            block_free(part);
        }
        block_free(whole);
    }
}

/* Each bit of each frame, that of the length included: never whole. */
static void every_flip_is_detected(void **state)
{
    struct log_frame frame;

    (void)state;
    for (size_t i = 0; i < BLOCKS; i++) {
        struct slice block = block_number(i);

        for (size_t bit = 0; bit < block.len * 8; bit++) {
            block_bytes(block)[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_not_equal(log_frame_decode(block, &frame), LOG_FRAME_WHOLE);
            block_bytes(block)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        block_free(block);
    }
}

static void length_beyond_the_bound(void **state)
{
    struct slice block = block_hex("40000001 52 00000000");
    struct log_frame frame;

    (void)state;
    assert_int_equal(log_frame_decode(block, &frame), LOG_FRAME_DAMAGED);
    block_free(block);
}

/* Payloads whose checksum would be right and whose content is not. */

enum payload_kind { PAYLOAD_TOPIC, PAYLOAD_RECORD, PAYLOAD_COMMIT };

struct payload_case {
    const char *name;
    enum payload_kind kind;
    bool good;
    const char *hex;
};

static struct payload_case payload_cases[] = {
    {"topic", PAYLOAD_TOPIC, true, "00000000 't'"},
    {"topic without a name", PAYLOAD_TOPIC, false, "00000000"},
    {"topic cut short", PAYLOAD_TOPIC, false, "000000"},
    {"topic with a NUL", PAYLOAD_TOPIC, false, "00000000 't' 00"},
    {"record of nulls", PAYLOAD_RECORD, true, "00000000 00 0000000000000000 00 00000000"},
    {"record", PAYLOAD_RECORD, true, "00000000 03 0000000000000000 00 00000001 'kv'"},
    {"record with a header", PAYLOAD_RECORD, true,
     "00000000 03 0000000000000000 01 'h' 00 00000001 'x' 00000001 'kv'"},
    {"record cut short", PAYLOAD_RECORD, false, "00000000 03 0000000000000000 00 000000"},
    {"key longer than the payload", PAYLOAD_RECORD, false,
     "00000000 03 0000000000000000 00 00000003 'kv'"},
    {"key of the largest length", PAYLOAD_RECORD, false,
     "00000000 03 0000000000000000 00 ffffffff 'kv'"},
    {"null key with bytes", PAYLOAD_RECORD, false, "00000000 02 0000000000000000 00 00000001 'kv'"},
    {"null value with bytes", PAYLOAD_RECORD, false,
     "00000000 01 0000000000000000 00 00000001 'kv'"},
    {"unknown flag", PAYLOAD_RECORD, false, "00000000 07 0000000000000000 00 00000001 'kv'"},
    {"too many headers", PAYLOAD_RECORD, false,
     "00000000 00 0000000000000000 09 00 00000000 00 00000000 00 00000000 00 00000000 00 00000000 "
     "00 00000000 00 00000000 00 00000000 00 00000000 00000000"},
    {"header name without an end", PAYLOAD_RECORD, false,
     "00000000 03 0000000000000000 01 'hhhhhhhh'"},
    {"header value too long", PAYLOAD_RECORD, false,
     "00000000 03 0000000000000000 01 'h' 00 000000ff 'x' 00000001 'kv'"},
    {"commit", PAYLOAD_COMMIT, true, "0000000000000001 0000000000000001"},
    {"commit cut short", PAYLOAD_COMMIT, false, "0000000000000001 00000000000000"},
};

static bool payload_decodes(enum payload_kind kind, struct slice payload)
{
    struct log_commit commit;
    struct record record;
    struct slice name;
    uint32_t id;
    int64_t timestamp_us;

    switch (kind) {
    case PAYLOAD_TOPIC:
        return log_topic_decode(payload, &id, &name);
    case PAYLOAD_RECORD:
        return log_record_decode(payload, &record, &id, &timestamp_us);
    case PAYLOAD_COMMIT:
        return log_commit_decode(payload, &commit);
    }
    return false;
}

static void payloads(void **state)
{
    const struct payload_case *c = *state;
    struct slice payload = block_hex(c->hex);

    assert_int_equal(payload_decodes(c->kind, payload), c->good);
    block_free(payload);
}

static void record_too_large(void **state)
{
    struct record record = {.topic = &orders, .has_value = true, .value = {NULL, LOG_PAYLOAD_MAX}};
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    assert_false(log_record_encode(&b, &record, 0, 0));
    assert_int_equal(b.len, 0);
}

int main(void)
{
    static const struct CMUnitTest loops[] = {
        cmocka_unit_test(topic_round_trip),
        cmocka_unit_test(commit_round_trip),
        cmocka_unit_test_prestate(commit_round_trip, &orders),
        cmocka_unit_test(head_round_trip),
        cmocka_unit_test(head_of_another_version),
        cmocka_unit_test(head_flips),
        cmocka_unit_test(head_foreign),
        cmocka_unit_test(every_truncation_is_short),
        cmocka_unit_test(every_flip_is_detected),
        cmocka_unit_test(length_beyond_the_bound),
        cmocka_unit_test(record_too_large),
    };
    struct CMUnitTest
        tests[ARRAY_LEN(name_cases) + ARRAY_LEN(payload_cases) + RECORDS + ARRAY_LEN(loops)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(name_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = name_cases[i].name, .test_func = names, .initial_state = &name_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(payload_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = payload_cases[i].name,
                                         .test_func = payloads,
                                         .initial_state = &payload_cases[i]};
    for (size_t i = 0; i < RECORDS; i++)
        tests[n++] = (struct CMUnitTest){.name = "record round trip",
                                         .test_func = record_round_trip,
                                         .initial_state = records[i]};
    for (size_t i = 0; i < ARRAY_LEN(loops); i++)
        tests[n++] = loops[i];
    return cmocka_run_group_tests_name("log_format", tests, NULL, NULL);
}
