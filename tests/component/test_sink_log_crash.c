#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/mem.h"
#include "sinks/log_format.h"
#include "sinks/log_reader.h"
#include "tests/support/log_fixture.h"

/* Torn tails and damage. */

/* Two transactions in one segment; where each ends. */
static struct buf two_transactions(struct log_fixture *f, size_t *out_first_end)
{
    struct buf bytes;

    (void)log_open(f);
    log_put(f, "a", "1", "{\"v\":1}");
    log_commit(f, 100);
    bytes = log_file_read(f->directory, FIRST);
    *out_first_end = bytes.len;
    buf_done(&bytes);
    log_put(f, "b", "2", "{\"v\":2}");
    log_commit(f, 200);
    log_close(f);
    return log_file_read(f->directory, FIRST);
}

static const char one[] = "0 a 1 {\"v\":1}\n= 100\n";
static const char both[] = "0 a 1 {\"v\":1}\n= 100\n1 b 2 {\"v\":2}\n= 200\n";

static void assert_recovers_torn(struct log_fixture *f, const struct buf *whole, size_t len,
                                 size_t first_end)
{
    uint64_t expect = len == whole->len ? 200 : len >= first_end ? 100 : 0;
    struct buf left;

    log_file_write(f->directory, FIRST, whole->at, len);
    log_assert_position(f->directory, expect);
    log_assert_holds(f->directory, expect == 200 ? both : expect == 100 ? one : "");
    assert_int_equal(log_open(f), expect);
    log_close(f);
    assert_int_equal(log_file_exists(f->directory, FIRST), expect != 0);
    if (expect != 0) {
        left = log_file_read(f->directory, FIRST);
        assert_int_equal(left.len, expect == 200 ? whole->len : first_end);
        buf_done(&left);
    }
}

static void torn_at_every_byte(void **state)
{
    struct log_fixture f = log_fixture_empty();
    size_t first_end;
    struct buf whole = two_transactions(&f, &first_end);

    (void)state;
    for (size_t len = 0; len <= whole.len; len++)
        assert_recovers_torn(&f, &whole, len, first_end);
    buf_done(&whole);
    log_fixture_done(&f);
}

/* A file system may have grown the file before it wrote the data. */
static void torn_into_zeros(void **state)
{
    struct log_fixture f = log_fixture_empty();
    size_t first_end;
    struct buf whole = two_transactions(&f, &first_end);
    uint8_t *copy = mem_zero(1, whole.len + 5000);

    (void)state;
    for (size_t len = first_end; len < whole.len; len += 7) {
        memset(copy, 0, whole.len + 5000);
        memcpy(copy, whole.at, len);
        log_file_write(f.directory, FIRST, copy, whole.len + 5000);
        assert_int_equal(log_open(&f), 100);
        log_close(&f);
        log_assert_holds(f.directory, one);
    }
    free(copy);
    buf_done(&whole);
    log_fixture_done(&f);
}

/* The commit reached the disk, a sector before it did not: only possible for the very last unit. */
static void lost_sector(void **state)
{
    struct log_fixture f = log_fixture_empty();
    char value[4096];
    struct buf first, whole;

    (void)state;
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    (void)log_open(&f);
    log_put(&f, "a", "1", "{\"v\":1}");
    log_commit(&f, 100);
    first = log_file_read(f.directory, FIRST);
    log_put(&f, "b", "2", value);
    log_commit(&f, 200);
    log_close(&f);
    whole = log_file_read(f.directory, FIRST);
    memset(whole.at + 2048, 0, 511);
    log_file_write(f.directory, FIRST, whole.at, whole.len);
    log_assert_refused(&f, ERROR_DATA, "damaged at byte"); /* not a whole sector: that is damage */
    memset(whole.at + 2048, 0, 512);
    log_file_write(f.directory, FIRST, whole.at, whole.len);
    assert_int_equal(log_open(&f), 100);
    log_assert_holds(f.directory, one);
    log_commit(&f, 300);
    log_close(&f);

    /* Anything behind that commit says that it had been durable. */
    log_file_write(f.directory, FIRST, whole.at, whole.len);
    buf_slice(&whole, slice_text("x"));
    log_file_write(f.directory, FIRST, whole.at, whole.len);
    log_assert_refused(&f, ERROR_DATA, "put the file back from a copy");
    buf_done(&first);
    buf_done(&whole);
    log_fixture_done(&f);
}

static void damaged_middle(void **state)
{
    struct log_fixture f = log_fixture_empty();
    size_t first_end;
    struct buf whole = two_transactions(&f, &first_end);
    struct position position;
    char *got;

    (void)state;
    for (size_t at = 0; at < first_end; at++) {
        struct error err = {0};

        whole.at[at] ^= 0x20;
        log_file_write(f.directory, FIRST, whole.at, whole.len);
        log_assert_refused(&f, at < 8 ? ERROR_CONFIG : ERROR_DATA, "segment " FIRST ": ");
        assert_false(log_read_position(f.directory, &position, &err));
        got = log_dump(f.directory, 0);
        assert_non_null(strstr(got, "segment " FIRST));
        free(got);
        whole.at[at] ^= 0x20;
    }
    log_file_write(f.directory, FIRST, whole.at, whole.len);
    log_assert_holds(f.directory, both); /* nothing was touched */
    buf_done(&whole);
    log_fixture_done(&f);
}

static void damage_is_located(void **state)
{
    struct log_fixture f = log_fixture_empty();
    size_t first_end;
    struct buf whole = two_transactions(&f, &first_end);

    (void)state;
    whole.at[LOG_HEAD_BYTES + 12] ^= 1; /* in the first frame */
    log_file_write(f.directory, FIRST, whole.at, whole.len);
    log_assert_refused(&f, ERROR_DATA, "segment " FIRST ": damaged at byte 32, before a commit");
    buf_done(&whole);
    log_fixture_done(&f);
}

static void torn_new_segment(void **state)
{
    static const char second[] = "00000000000000000001.log";
    struct log_fixture f = log_fixture_empty();
    struct buf bytes;

    (void)state;
    f.options.segment_bytes = 1;
    (void)log_open(&f);
    log_put(&f, "a", NULL, "1");
    log_commit(&f, 1);
    log_put(&f, "a", NULL, "2");
    log_commit(&f, 2);
    log_close(&f);
    bytes = log_file_read(f.directory, second);
    for (size_t len = 0; len < bytes.len; len += 5) {
        log_file_write(f.directory, second, bytes.at, len);
        log_assert_position(f.directory, 1);
        log_assert_holds(f.directory, "0 a - 1\n= 1\n");
        assert_int_equal(log_open(&f), 1);
        assert_false(log_file_exists(f.directory, second));
        log_close(&f);
    }
    assert_int_equal(log_open(&f), 1);
    log_put(&f, "a", NULL, "3");
    log_commit(&f, 3);
    log_assert_holds(f.directory, "0 a - 1\n= 1\n1 a - 3\n= 3\n");
    buf_done(&bytes);
    log_fixture_done(&f);
}

static void missing_segment(void **state)
{
    struct log_fixture f = log_fixture_empty();
    char path[128], *got;

    (void)state;
    f.options.segment_bytes = 1;
    (void)log_open(&f);
    for (uint64_t i = 1; i <= 3; i++) {
        log_put(&f, "a", NULL, "1");
        log_commit(&f, i);
    }
    log_close(&f);
    (void)snprintf(path, sizeof path, "%s/%s", f.directory, "00000000000000000001.log");
    assert_int_equal(unlink(path), 0);
    got = log_dump(f.directory, 0);
    assert_non_null(strstr(got, "a segment is missing"));
    free(got);
    (void)snprintf(path, sizeof path, "%s/%s", f.directory, FIRST);
    assert_int_equal(unlink(path), 0); /* from the front they may go */
    log_assert_holds(f.directory, "2 a - 1\n= 3\n");
    assert_int_equal(log_open(&f), 3);
    log_fixture_done(&f);
}

/* A full disk, as the limit on a file's size. */

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void assert_disk_full(const struct error *err)
{
    assert_int_equal(err->kind, ERROR_SYSTEM);
    assert_non_null(strstr(err->text, "nothing is lost"));
    assert_non_null(strstr(err->text, "start again"));
}

static void disk_full_in_put(void **state)
{
    struct log_fixture f = log_fixture_empty();
    struct event event = {.kind = EVENT_INSERT};
    struct error err = {0};
    enum put_outcome outcome = PUT_TAKEN;
    char *value = mem_zero(1, 100001);
    struct buf before, after;

    (void)state;
    memset(value, 'x', 100000);
    (void)log_open(&f);
    log_put(&f, "a", "1", "{\"v\":1}");
    log_commit(&f, 100);
    before = log_file_read(f.directory, FIRST);
    limit_file_size(400000);
    for (int i = 0; i < 20 && outcome == PUT_TAKEN; i++) {
        fake_recorder_queue(f.recorder, "a", NULL, value);
        outcome = f.sink->ops->put(f.sink, &event, &err);
    }
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(outcome, PUT_FAILED);
    assert_disk_full(&err);
    after = log_file_read(f.directory, FIRST); /* what was written for nothing is given back */
    assert_int_equal(after.len, before.len);
    log_close(&f);
    assert_int_equal(log_open(&f), 100);
    log_put(&f, "b", "2", "{\"v\":2}");
    log_commit(&f, 200);
    log_assert_holds(f.directory, both);
    free(value);
    buf_done(&before);
    buf_done(&after);
    log_fixture_done(&f);
}

/* At each byte of the commit: never reported, never there afterwards. */
static void disk_full_in_commit(void **state)
{
    struct log_fixture f = log_fixture_empty();
    size_t first_end;
    struct buf whole = two_transactions(&f, &first_end);

    (void)state;
    for (size_t len = first_end; len < whole.len; len += 3) {
        struct position position = {
            .known = true, .end_lsn = 200, .slot = "orders", .database = "app"};
        struct error err = {0}, later = {0};
        bool committed;

        log_file_write(f.directory, FIRST, whole.at, first_end);
        assert_int_equal(log_open(&f), 100);
        log_put(&f, "b", "2", "{\"v\":2}");
        limit_file_size(len);
        committed = f.sink->ops->commit(f.sink, &position, &err);
        limit_file_size(RLIM_INFINITY);
        assert_false(committed);
        assert_disk_full(&err);
        assert_int_equal(f.sink->ops->reap(f.sink, &later), REAP_BROKEN);
        log_close(&f);
        log_assert_holds(f.directory, one);
    }
    buf_done(&whole);
    log_fixture_done(&f);
}

/* Crashes. */

#define CRASH_ROUNDS 30
#define COMMITS_WHILE_READ 500

#define CRASH_COMMITS_AHEAD                                                                        \
    40 /* that the child may write beyond those that the parent waits for                          \
        */

/* Writes transactions of one to seven records; says each commit that was reported. */
static void write_until_killed(struct log_fixture *f, int reports, unsigned commits)
{
    uint64_t done = log_open(f);
    char value[3000];

    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    for (; commits > 0; commits--) {
        for (uint64_t count = 1 + done % 7; count > 0; count--) {
            char key[32];

            (void)snprintf(key, sizeof key, "%" PRIu64, ++done);
            log_put(f, done % 3 == 0 ? "three" : "other", key, value + done * 37 % sizeof value);
        }
        log_commit(f, done);
        if (write(reports, &done, sizeof done) != (ssize_t)sizeof done)
            _exit(1);
    }
    for (;;)
        (void)pause();
}

/* Keys are 1, 2, 3...; a commit's end_lsn is the last key of its transaction. */
static uint64_t assert_unbroken(const char *directory)
{
    struct error err = {0};
    struct log_reader *reader = log_reader_open(directory, 0, &err);
    struct log_entry entry;
    enum log_read got;
    uint64_t last = 0, committed = 0;

    assert_non_null(reader);
    while ((got = log_reader_next(reader, &entry, &err)) == LOG_READ_RECORD ||
           got == LOG_READ_COMMIT) {
        if (got == LOG_READ_RECORD) {
            assert_int_equal(entry.offset, last++);
            assert_int_equal(strtoull((const char *)entry.record.key.at, NULL, 10), last);
        } else {
            committed = entry.position.end_lsn;
            assert_int_equal(committed, last);
        }
    }
    if (got != LOG_READ_END)
        fail_msg("%s", err.text);
    assert_int_equal(committed, last);
    log_reader_close(reader);
    return committed;
}

static void crash_once(struct log_fixture *f, unsigned reports_wanted)
{
    uint64_t reported = 0;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        write_until_killed(f, ends[1], reports_wanted + CRASH_COMMITS_AHEAD);
    }
    assert_int_equal(close(ends[1]), 0);
    for (unsigned i = 0; i < reports_wanted; i++)
        assert_int_equal(read(ends[0], &reported, sizeof reported), sizeof reported);
    if (reports_wanted % 3 == 0)
        (void)assert_unbroken(f->directory); /* while it writes */
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(ends[0], &reported, sizeof reported) == (ssize_t)sizeof reported)
        continue;
    assert_int_equal(close(ends[0]), 0);
    assert_true(assert_unbroken(f->directory) >= reported);
}

static void killed_many_times(void **state)
{
    struct log_fixture f = log_fixture_empty();

    (void)state;
    f.options.segment_bytes = 20000;
    for (unsigned round = 0; round < CRASH_ROUNDS; round++)
        crash_once(&f, 1 + round * 7 % 11);
    (void)log_open(&f);
    (void)assert_unbroken(f.directory);
    log_fixture_done(&f);
}

/* A segment for each commit, so that the folder changes all the time while it is listed. */
static void read_while_written(void **state)
{
    struct log_fixture f = log_fixture_on_disk();
    int status;
    pid_t child;

    (void)state;
    f.options.segment_bytes = 1;
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)log_open(&f);
        for (uint64_t done = 1; done <= COMMITS_WHILE_READ; done++) {
            char key[32];

            (void)snprintf(key, sizeof key, "%" PRIu64, done);
            log_put(&f, "t", key, "null");
            log_commit(&f, done);
        }
        _exit(0);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        struct position position;
        struct error err = {0};

        (void)assert_unbroken(f.directory);
        if (!log_read_position(f.directory, &position, &err))
            fail_msg("%s", err.text);
    }
    assert_int_equal(status, 0);
    assert_int_equal(assert_unbroken(f.directory), COMMITS_WHILE_READ);
    log_fixture_done(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(torn_at_every_byte),  cmocka_unit_test(torn_into_zeros),
        cmocka_unit_test(lost_sector),         cmocka_unit_test(damaged_middle),
        cmocka_unit_test(damage_is_located),   cmocka_unit_test(torn_new_segment),
        cmocka_unit_test(missing_segment),     cmocka_unit_test(disk_full_in_put),
        cmocka_unit_test(disk_full_in_commit), cmocka_unit_test(killed_many_times),
        cmocka_unit_test(read_while_written),
    };

    (void)signal(SIGXFSZ, SIG_IGN); /* so that a write beyond the limit fails instead */
    return cmocka_run_group_tests_name("sink_log_crash", tests, NULL, NULL);
}
