#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/mem.h"
#include "sinks/log_format.h"
#include "sinks/log_reader.h"
#include "tests/support/log_fixture.h"

/* The ordinary way. */

static void commits_and_recovers(void **state)
{
    struct log_fixture f = log_fixture_empty();

    (void)state;
    assert_int_equal(rmdir(f.directory), 0); /* the sink makes it */
    log_assert_position(f.directory, 0);
    assert_int_equal(log_open(&f), 0);
    log_put(&f, "a", "{\"id\":1}", "{\"v\":1}");
    log_put(&f, "b", NULL, "{}");
    fake_recorder_queue(f.recorder, "a", "{\"id\":2}", NULL);
    fake_recorder_header(f.recorder, "h", "x");
    log_put(&f, "a", "3", "{}");
    assert_int_equal(f.sink->pending_records, 4);
    assert_true(f.sink->pending_bytes > 0);
    log_commit(&f, 100);
    assert_int_equal(f.sink->pending_records, 0);
    assert_int_equal(f.sink->pending_bytes, 0);
    log_commit(&f, 200);
    log_close(&f);
    log_assert_position(f.directory, 200);
    assert_int_equal(log_open(&f), 200);
    log_put(&f, "b", "4", "{}");
    log_put(&f, "c", "5", "{}");
    log_commit(&f, 300);
    log_close(&f);
    log_assert_holds(f.directory,
                     "0 a {\"id\":1} {\"v\":1}\n1 b - {}\n2 a {\"id\":2} - h=x\n3 a 3 {}\n"
                     "= 100\n= 200\n4 b 4 {}\n5 c 5 {}\n= 300\n");
    log_fixture_done(&f);
}

static void reads_from_an_offset(void **state)
{
    struct log_fixture f = log_fixture_empty();
    char *got;

    (void)state;
    f.options.segment_bytes = 1;
    (void)log_open(&f);
    for (int i = 1; i <= 5; i++) {
        log_put(&f, "a", NULL, "1");
        log_put(&f, "a", NULL, "2");
        log_commit(&f, (uint64_t)i);
    }
    got = log_dump(f.directory, 7);
    assert_string_equal(got, "7 a - 2\n= 4\n8 a - 1\n9 a - 2\n= 5\n");
    free(got);
    log_fixture_done(&f);
}

static void rolls_over(void **state)
{
    struct log_fixture f = log_fixture_empty();

    (void)state;
    f.options.segment_bytes = 1;
    (void)log_open(&f);
    log_commit(&f, 1); /* no record yet: the same segment goes on */
    log_put(&f, "a", NULL, "1");
    log_put(&f, "b", NULL, "2");
    log_commit(&f, 2);
    log_commit(&f, 3);
    log_put(&f, "b", NULL, "3");
    log_commit(&f, 4);
    assert_true(log_file_exists(f.directory, FIRST));
    assert_true(log_file_exists(f.directory, "00000000000000000002.log"));
    assert_false(
        log_file_exists(f.directory, "00000000000000000003.log")); /* not before it is needed */
    log_close(&f);
    assert_int_equal(log_open(&f), 4);
    log_put(&f, "a", NULL, "4");
    log_commit(&f, 5);
    assert_true(log_file_exists(f.directory, "00000000000000000003.log"));
    log_assert_holds(f.directory, "= 1\n0 a - 1\n1 b - 2\n= 2\n= 3\n2 b - 3\n= 4\n3 a - 4\n= 5\n");
    log_fixture_done(&f);
}

/* More than the buffer holds: pieces on both sides of what is written without a copy. */
static void large_records(void **state)
{
    static const size_t sizes[] = {10, 307200, 71680, 204800, 3145728, 262144, 262143};
    struct log_fixture f = log_fixture_empty();
    struct error err = {0};
    struct log_reader *reader;
    struct log_entry entry;

    (void)state;
    (void)log_open(&f);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *value = mem_zero(1, sizes[i] + 1);

        memset(value, 'a' + (int)i, sizes[i]);
        log_put(&f, "t", value, value);
        free(value);
    }
    log_commit(&f, 1);
    reader = log_reader_open(f.directory, 0, &err);
    assert_non_null(reader);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        assert_int_equal(log_reader_next(reader, &entry, &err), LOG_READ_RECORD);
        assert_int_equal(entry.record.value.len, sizes[i]);
        assert_true(slice_equal(entry.record.key, entry.record.value));
        assert_int_equal(entry.record.value.at[sizes[i] - 1], 'a' + (int)i);
        assert_int_equal(entry.timestamp_us, 1785576600412345);
    }
    assert_int_equal(log_reader_next(reader, &entry, &err), LOG_READ_COMMIT);
    assert_int_equal(log_reader_next(reader, &entry, &err), LOG_READ_END);
    log_reader_close(reader);
    log_fixture_done(&f);
}

static size_t file_bytes(const struct log_fixture *f)
{
    struct buf bytes = log_file_read(f->directory, FIRST);
    size_t len = bytes.len;

    buf_done(&bytes);
    return len;
}

/* A topic costs its name once in a segment, not once in each process. */
static void names_topics_once(void **state)
{
    struct log_fixture f = log_fixture_empty();
    size_t before, same_process;

    (void)state;
    (void)log_open(&f);
    log_put(&f, "a", NULL, "1");
    log_commit(&f, 1);
    before = file_bytes(&f);
    log_put(&f, "a", NULL, "2");
    log_commit(&f, 2);
    same_process = file_bytes(&f);
    log_close(&f);
    (void)log_open(&f);
    log_put(&f, "a", NULL, "3");
    log_commit(&f, 3);
    assert_int_equal(file_bytes(&f) - same_process, same_process - before);
    log_fixture_done(&f);
}

static void uncommitted_is_dropped(void **state)
{
    struct log_fixture f = log_fixture_empty();
    struct buf whole, torn;

    (void)state;
    (void)log_open(&f);
    log_put(&f, "a", NULL, "1");
    log_commit(&f, 1);
    whole = log_file_read(f.directory, FIRST);
    log_put(&f, "b", NULL, "2");
    log_close(&f);
    log_assert_holds(f.directory, "0 a - 1\n= 1\n");

    /* As after a kill: whole frames, a topic among them, and no commit. */
    torn = whole;
    torn.at = mem_zero(1, whole.len + 200);
    torn.size = torn.limit_bytes = whole.len + 200;
    memcpy(torn.at, whole.at, whole.len);
    log_topic_encode(&torn, 1, "b");
    log_file_write(f.directory, FIRST, torn.at, torn.len);
    log_assert_holds(f.directory, "0 a - 1\n= 1\n");
    assert_int_equal(log_open(&f), 1);
    log_put(&f, "c", NULL, "3");
    log_put(&f, "a", NULL, "4");
    log_commit(&f, 2);
    log_assert_holds(f.directory, "0 a - 1\n= 1\n1 c - 3\n2 a - 4\n= 2\n");
    buf_done(&whole);
    buf_done(&torn);
    log_fixture_done(&f);
}

/* Refusals. */

static void second_writer(void **state)
{
    struct log_fixture f = log_fixture_empty(), second;
    char text[64];

    (void)state;
    (void)log_open(&f);
    second = f;
    (void)snprintf(text, sizeof text, "process %ld is writing to it", (long)getpid());
    log_assert_refused(&second, ERROR_CONFIG, text);
    log_put(&f, "a", NULL, "1"); /* the first is not disturbed */
    log_commit(&f, 1);
    log_close(&f);
    assert_int_equal(log_open(&f), 1);
    log_fixture_done(&f);
}

static void unknown_version(void **state)
{
    struct log_fixture f = log_fixture_empty();
    struct log_head head = {.version = 2};
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    log_head_encode(&b, &head);
    log_file_write(f.directory, FIRST, b.at, b.len);
    log_assert_refused(&f, ERROR_CONFIG,
                       "has format version 2, this program knows 1: run the version");
    assert_true(log_file_exists(f.directory, FIRST));
    buf_done(&b);
    log_fixture_done(&f);
}

static void foreign_files(void **state)
{
    struct log_fixture f = log_fixture_empty();

    (void)state;
    log_file_write(f.directory, FIRST, "hello", 5);
    log_assert_refused(&f, ERROR_CONFIG, "not a file of a millrace log");
    assert_true(log_file_exists(f.directory, FIRST));
    log_files_remove(f.directory);
    log_file_write(f.directory, "thesis.txt", "hello", 5);
    log_assert_refused(&f, ERROR_CONFIG, "holds \"thesis.txt\" and no log");
    log_fixture_done(&f);
}

static void renamed_segment(void **state)
{
    struct log_fixture f = log_fixture_empty();
    struct log_head head = {.version = LOG_VERSION, .first_offset = 5};
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    log_head_encode(&b, &head);
    log_file_write(f.directory, FIRST, b.at, b.len);
    log_assert_refused(&f, ERROR_DATA, "begins with record 5: it was renamed");
    buf_done(&b);
    log_fixture_done(&f);
}

static void no_folder_above(void **state)
{
    struct log_fixture f = log_fixture_empty(), missing = f;

    (void)state;
    (void)snprintf(missing.directory, sizeof missing.directory, "%.40s/no/log", f.directory);
    log_assert_refused(&missing, ERROR_CONFIG, "the folder above does not exist");
    log_fixture_done(&f);
}

static void no_directory_given(void **state)
{
    struct log_options options = {.directory = ""};
    struct error err = {0};

    (void)state;
    assert_null(log_sink_create(&options, fake_recorder_create(), &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
}

static void recorder_fails(void **state)
{
    struct log_fixture f = log_fixture_empty();
    struct event event = {.kind = EVENT_INSERT};
    struct position position = {.known = true, .end_lsn = 2};
    struct error err = {0}, later = {0}, last = {0};

    (void)state;
    (void)log_open(&f);
    log_put(&f, "a", NULL, "1");
    log_commit(&f, 1);
    log_put(&f, "a", NULL, "2");
    fake_recorder_fail(f.recorder, ERROR_DATA, "table public.t: column x");
    assert_int_equal(f.sink->ops->put(f.sink, &event, &err), PUT_FAILED);
    assert_int_equal(err.kind, ERROR_DATA);
    assert_false(f.sink->ops->commit(f.sink, &position, &later)); /* broken for good */
    assert_int_equal(f.sink->ops->reap(f.sink, &last), REAP_BROKEN);
    log_close(&f);
    assert_int_equal(log_open(&f), 1);
    log_fixture_done(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_and_recovers), cmocka_unit_test(reads_from_an_offset),
        cmocka_unit_test(rolls_over),           cmocka_unit_test(large_records),
        cmocka_unit_test(names_topics_once),    cmocka_unit_test(uncommitted_is_dropped),
        cmocka_unit_test(second_writer),        cmocka_unit_test(unknown_version),
        cmocka_unit_test(foreign_files),        cmocka_unit_test(renamed_segment),
        cmocka_unit_test(no_folder_above),      cmocka_unit_test(no_directory_given),
        cmocka_unit_test(recorder_fails),
    };

    return cmocka_run_group_tests_name("sink_log", tests, NULL, NULL);
}
