#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "millrace/crc32c.h"
#include "millrace/position.h"
#include "tests/support/block.h"

static const struct position sample = {
    .known = true,
    .system_id = UINT64_C(7293847561029384756),
    .timeline = 1,
    .slot = "orders",
    .database = "app",
    .end_lsn = 0x16B3748,
    .commit_lsn = 0x16B3718,
    .ordinal = 3,
    .last_lsn = 0x16B36E0,
    .commit_us = 1785576600412345,
    .snapshot = SNAPSHOT_DONE,
    .consistent_point = 0x16B0000,
    .reread_lsn = 0x10000,
};

static const char sample_body[] = "millrace-position 1\n"
                                  "system_id 7293847561029384756\n"
                                  "timeline 1\n"
                                  "slot orders\n"
                                  "end_lsn 0/16B3748\n"
                                  "commit_lsn 0/16B3718\n"
                                  "ordinal 3\n"
                                  "last_lsn 0/16B36E0\n"
                                  "commit_us 1785576600412345\n"
                                  "snapshot done\n"
                                  "consistent_point 0/16B0000\n"
                                  "reread_lsn 0/10000\n"
                                  "database app\n";

static void assert_same(const struct position *a, const struct position *b)
{
    assert_int_equal(a->known, b->known);
    assert_true(a->system_id == b->system_id);
    assert_int_equal(a->timeline, b->timeline);
    assert_string_equal(a->slot, b->slot);
    assert_string_equal(a->database, b->database);
    assert_true(a->end_lsn == b->end_lsn);
    assert_true(a->commit_lsn == b->commit_lsn);
    assert_true(a->ordinal == b->ordinal);
    assert_true(a->last_lsn == b->last_lsn);
    assert_true(a->commit_us == b->commit_us);
    assert_int_equal(a->snapshot, b->snapshot);
    assert_true(a->consistent_point == b->consistent_point);
    assert_true(a->reread_lsn == b->reread_lsn);
}

/* `body` with the line of its checksum behind it. */
static struct slice with_crc(const char *body)
{
    char text[2048];
    int len = snprintf(text, sizeof text, "%scrc32c %08" PRIx32 "\n", body,
                       crc32c(0, body, strlen(body)));

    return block_copy(text, (size_t)len);
}

static bool accepted(struct slice text)
{
    struct position p = {0};
    struct error err = {0};
    bool ok = position_decode(text, &p, &err);

    assert_int_equal(err.kind, ok ? ERROR_NONE : ERROR_GAP);
    assert_int_equal(err.gap, ok ? GAP_NONE : GAP_POSITION_UNREADABLE);
    assert_int_equal(p.known, ok);
    return ok;
}

static void round_trip(const struct position *p)
{
    struct position again;
    struct error err = {0};
    struct slice text;
    struct buf b;

    buf_init(&b, 4096);
    position_encode(p, &b);
    assert_false(b.failed);
    text = block_copy(b.at, b.len);
    assert_true(position_decode(text, &again, &err));
    assert_same(p, &again);
    block_free(text);
    buf_done(&b);
}

static void text_form(void **state)
{
    struct slice expect = with_crc(sample_body);
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    position_encode(&sample, &b);
    assert_true(slice_equal(buf_view(&b), expect));
    block_free(expect);
    buf_done(&b);
}

static void comes_back(void **state)
{
    struct position extreme = {
        .known = true,
        .system_id = UINT64_MAX,
        .timeline = UINT32_MAX,
        .end_lsn = UINT64_MAX,
        .commit_lsn = UINT64_MAX,
        .ordinal = UINT64_MAX,
        .last_lsn = UINT64_MAX,
        .commit_us = INT64_MIN,
        .snapshot = SNAPSHOT_RUNNING,
        .consistent_point = UINT64_MAX,
        .reread_lsn = UINT64_MAX,
    };
    struct position none = {.known = true};

    (void)state;
    memset(extreme.slot, 's', POSITION_NAME_BYTES - 1);
    memset(extreme.database, 'd', POSITION_NAME_BYTES - 1);
    round_trip(&sample);
    round_trip(&none);
    round_trip(&extreme);
    extreme.commit_us = INT64_MAX;
    (void)snprintf(extreme.database, sizeof extreme.database, " odd \t name\xc3\xa9 ");
    round_trip(&extreme);
}

/* Each field by itself makes a difference. */
static void equal_in_every_field(void **state)
{
    struct position other[13];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        other[i] = sample;
    assert_true(position_equal(&sample, &other[0]));
    other[n++].known = false;
    other[n++].system_id++;
    other[n++].timeline++;
    other[n++].slot[0] = 'x';
    other[n++].database[0] = 'x';
    other[n++].end_lsn++;
    other[n++].commit_lsn++;
    other[n++].ordinal++;
    other[n++].last_lsn++;
    other[n++].commit_us++;
    other[n++].snapshot = SNAPSHOT_RUNNING;
    other[n++].consistent_point++;
    other[n++].reread_lsn++;
    for (size_t i = 0; i < n; i++)
        assert_false(position_equal(&sample, &other[i]));
}

static void appends_behind_what_is_there(void **state)
{
    struct position again;
    struct error err = {0};
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    buf_text(&b, "before");
    position_encode(&sample, &b);
    assert_true(position_decode(slice_of(b.at + 6, b.len - 6), &again, &err));
    assert_same(&sample, &again);
    buf_done(&b);
}

static void too_small_a_buffer_fails(void **state)
{
    struct buf whole;

    (void)state;
    buf_init(&whole, 4096);
    position_encode(&sample, &whole);
    for (size_t limit = 0; limit < whole.len; limit++) {
        struct buf b;

        buf_init(&b, limit);
        position_encode(&sample, &b);
        assert_true(b.failed);
        buf_done(&b);
    }
    buf_done(&whole);
}

static void every_truncation_is_refused(void **state)
{
    struct slice whole = with_crc(sample_body);

    (void)state;
    assert_true(accepted(whole));
    for (size_t len = 0; len < whole.len; len++) {
        struct slice part = block_copy(whole.at, len);

        assert_false(accepted(part));
        block_free(part);
    }
    block_free(whole);
}

static void every_change_of_a_byte_is_refused(void **state)
{
    struct slice text = with_crc(sample_body);

    (void)state;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t was = text.at[i];

        for (unsigned value = 0; value < 256; value++) {
            block_bytes(text)[i] = (uint8_t)value;
            if (value != was)
                assert_false(accepted(text));
        }
        block_bytes(text)[i] = was;
    }
    block_free(text);
}

static void bytes_left_over_are_refused(void **state)
{
    struct slice whole = with_crc(sample_body);
    uint8_t *room = malloc(whole.len + 1);

    (void)state;
    assert_non_null(room);
    memcpy(room, whole.at, whole.len);
    room[whole.len] = '\n';
    assert_false(accepted(slice_of(room, whole.len + 1)));
    free(room);
    block_free(whole);
}

/* Well-formed but for one line; the checksum is right each time. */
struct line_case {
    const char *was;
    const char *now;
    const char *name; /* NULL: what it is now */
};

static struct line_case line_cases[] = {
    {"system_id 7293847561029384756", "system_id 18446744073709551616", NULL},
    {"system_id 7293847561029384756", "system_id -1", NULL},
    {"system_id 7293847561029384756", "system_id ", NULL},
    {"system_id 7293847561029384756", "system_id", NULL},
    {"system_id 7293847561029384756", "system_id 0x10", NULL},
    {"system_id 7293847561029384756", "system_id  1", NULL},
    {"timeline 1", "timeline 4294967296", NULL},
    {"timeline 1", "timeline 1 ", NULL},
    {"timeline 1", "Timeline 1", NULL},
    {"timeline 1\n", "", "no timeline"},
    {"timeline 1\n", "timeline 1\ntimeline 1\n", "two timelines"},
    {"slot orders", "slot 1234567890123456789012345678901234567890123456789012345678901234", NULL},
    {"slot orders\n", "", "no slot"},
    {"end_lsn 0/16B3748", "end_lsn 16B3748", NULL},
    {"end_lsn 0/16B3748", "end_lsn 0/16B3748 ", NULL},
    {"end_lsn 0/16B3748", "end_lsn 0/123456789", NULL},
    {"ordinal 3", "ordinal three", NULL},
    {"ordinal 3", "ordinal +3", NULL},
    {"commit_us 1785576600412345", "commit_us 9223372036854775808", NULL},
    {"commit_us 1785576600412345", "commit_us -9223372036854775809", NULL},
    {"commit_us 1785576600412345", "commit_us  1", NULL},
    {"commit_us 1785576600412345", "commit_us +1", NULL},
    {"commit_us 1785576600412345", "commit_us 1.5", NULL},
    {"commit_us 1785576600412345", "commit_us ", NULL},
    {"snapshot done", "snapshot finished", NULL},
    {"snapshot done", "snapshot ", NULL},
    {"database app\n", "database app\nmore 1\n", "a line more"},
    {"millrace-position 1", "millrace-position 0", NULL},
    {"millrace-position 1", "millrace-position 10", NULL},
    {"millrace-position 1", "millrace-position ", NULL},
    {"millrace-position 1", "millrace 1", NULL},
};

static void malformed_line_is_refused(void **state)
{
    const struct line_case *c = *state;
    const char *at = strstr(sample_body, c->was);
    struct slice text;
    char body[1024];

    assert_non_null(at);
    (void)snprintf(body, sizeof body, "%.*s%s%s", (int)(at - sample_body), sample_body, c->now,
                   at + strlen(c->was));
    text = with_crc(body);
    assert_false(accepted(text));
    block_free(text);
}

static void other_version_is_named(void **state)
{
    struct slice text = block_copy("millrace-position 2\nwhatever\n", 29);
    struct position p;
    struct error err = {0};

    (void)state;
    assert_false(position_decode(text, &p, &err));
    assert_string_equal(err.text, "stored position has format version 2, this program knows 1: run "
                                  "the version of millrace that wrote it, or a newer one");
    block_free(text);
}

static const struct position before = {
    .known = false,
    .slot = "orders",
    .end_lsn = 0x100,
    .commit_lsn = 0x90,
    .ordinal = 4,
    .last_lsn = 0x88,
    .commit_us = 9,
    .snapshot = SNAPSHOT_NONE,
};

struct advance_case {
    const char *name;
    struct event event;
    struct position after;
};

#define IN_TRANSACTION .commit_lsn = 0x200, .lsn = 0x180, .ordinal = 2, .commit_us = 77
#define IN_THE_MIDDLE                                                                              \
    {                                                                                              \
        .known = true, .slot = "orders", .end_lsn = 0x100, .commit_lsn = 0x200, .ordinal = 2,      \
        .last_lsn = 0x180, .commit_us = 77                                                         \
    }
#define AS_BEFORE(end)                                                                             \
    {                                                                                              \
        .known = true, .slot = "orders", .end_lsn = (end), .commit_lsn = 0x90, .ordinal = 4,       \
        .last_lsn = 0x88, .commit_us = 9                                                           \
    }

static struct advance_case advance_cases[] = {
    {"begin", {.kind = EVENT_BEGIN, IN_TRANSACTION}, AS_BEFORE(0x100)},
    {"read", {.kind = EVENT_READ, .lsn = 0x300}, AS_BEFORE(0x100)},
    {"insert", {.kind = EVENT_INSERT, IN_TRANSACTION}, IN_THE_MIDDLE},
    {"update", {.kind = EVENT_UPDATE, IN_TRANSACTION}, IN_THE_MIDDLE},
    {"delete", {.kind = EVENT_DELETE, IN_TRANSACTION}, IN_THE_MIDDLE},
    {"truncate", {.kind = EVENT_TRUNCATE, IN_TRANSACTION}, IN_THE_MIDDLE},
    {"message", {.kind = EVENT_MESSAGE, IN_TRANSACTION, .transactional = true}, IN_THE_MIDDLE},
    {"message outside", {.kind = EVENT_MESSAGE, .lsn = 0x150, .end_lsn = 0x150}, AS_BEFORE(0x150)},
    {"message outside, older", {.kind = EVENT_MESSAGE, .end_lsn = 0x50}, AS_BEFORE(0x100)},
    {"relation", {.kind = EVENT_RELATION, .lsn = 0x500, .end_lsn = 0x500}, AS_BEFORE(0x100)},
    {"progress", {.kind = EVENT_PROGRESS, .end_lsn = 0x400}, AS_BEFORE(0x400)},
    {"heartbeat", {.kind = EVENT_HEARTBEAT, .end_lsn = 0x400}, AS_BEFORE(0x100)},
    {"repeated",
     {.kind = EVENT_INSERT, .commit_lsn = 0x300, .ordinal = 1, .repeated = true},
     {.slot = "orders",
      .end_lsn = 0x100,
      .commit_lsn = 0x90,
      .ordinal = 4,
      .last_lsn = 0x88,
      .commit_us = 9}},
    {"progress, older", {.kind = EVENT_PROGRESS, .end_lsn = 0xff}, AS_BEFORE(0x100)},
    {"commit",
     {.kind = EVENT_COMMIT, .commit_lsn = 0x200, .end_lsn = 0x230, .commit_us = 77, .ordinal = 0},
     {.known = true, .slot = "orders", .end_lsn = 0x230, .commit_lsn = 0x200, .commit_us = 77}},
    {"snapshot begins",
     {.kind = EVENT_SNAPSHOT_BEGIN, .consistent_point = 0x300, .reread_lsn = 0x320},
     {.known = true,
      .slot = "orders",
      .end_lsn = 0x300,
      .commit_lsn = 0x90,
      .ordinal = 4,
      .last_lsn = 0x88,
      .commit_us = 9,
      .snapshot = SNAPSHOT_RUNNING,
      .consistent_point = 0x300,
      .reread_lsn = 0x320}},
    {"snapshot ends",
     {.kind = EVENT_SNAPSHOT_END, .consistent_point = 0x300},
     {.known = true,
      .slot = "orders",
      .end_lsn = 0x100,
      .commit_lsn = 0x90,
      .ordinal = 4,
      .last_lsn = 0x88,
      .commit_us = 9,
      .snapshot = SNAPSHOT_DONE}},
};

static void advances(void **state)
{
    const struct advance_case *c = *state;
    struct position p = before;

    position_advance(&p, &c->event);
    assert_same(&p, &c->after);
}

static size_t add_rows(struct CMUnitTest *tests)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(line_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = line_cases[i].name != NULL ? line_cases[i].name
                                                                            : line_cases[i].now,
                                         .test_func = malformed_line_is_refused,
                                         .initial_state = &line_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(advance_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = advance_cases[i].name,
                                         .test_func = advances,
                                         .initial_state = &advance_cases[i]};
    return n;
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(text_form),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(equal_in_every_field),
        cmocka_unit_test(appends_behind_what_is_there),
        cmocka_unit_test(too_small_a_buffer_fails),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_change_of_a_byte_is_refused),
        cmocka_unit_test(bytes_left_over_are_refused),
        cmocka_unit_test(other_version_is_named),
    };
    struct CMUnitTest tests[ARRAY_LEN(line_cases) + ARRAY_LEN(advance_cases) + ARRAY_LEN(others)];
    size_t n = add_rows(tests);

    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests_name("position", tests, NULL, NULL);
}
