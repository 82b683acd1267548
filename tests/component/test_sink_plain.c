#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "millrace/mem.h"
#include "sinks/plain.h"
#include "tests/support/fake_recorder.h"

struct record_case {
    const char *name;
    const char *topic;
    const char *key;
    const char *value;
    const char *header;
    const char *expect;
};

static struct record_case record_cases[] = {
    {"change", "shop.public.t", "{\"id\":1}", "{\"op\":\"c\"}", NULL,
     "{\"topic\":\"shop.public.t\",\"key\":{\"id\":1},\"value\":{\"op\":\"c\"},\"headers\":{}}\n"},
    {"tombstone", "t", "{\"id\":1}", NULL, NULL,
     "{\"topic\":\"t\",\"key\":{\"id\":1},\"value\":null,\"headers\":{}}\n"},
    {"no key", "t", NULL, "7", NULL, "{\"topic\":\"t\",\"key\":null,\"value\":7,\"headers\":{}}\n"},
    {"header", "t", NULL, NULL, "{\"id\":2}\n\x1f\\",
     "{\"topic\":\"t\",\"key\":null,\"value\":null,"
     "\"headers\":{\"h\":\"{\\\"id\\\":2}\\u000a\\u001f\\\\\"}}\n"},
};

static struct event some_event = {.kind = EVENT_INSERT};
static const struct position some_position = {.known = true, .end_lsn = 7};

static void assert_committed(struct sink *sink)
{
    struct error err = {0};

    assert_int_equal(sink->ops->reap(sink, &err), REAP_PENDING);
    assert_true(sink->ops->commit(sink, &some_position, &err));
    assert_int_equal(sink->ops->reap(sink, &err), REAP_COMMITTED);
    assert_int_equal(sink->ops->reap(sink, &err), REAP_PENDING);
    assert_int_equal(sink->pending_records, 0);
    assert_int_equal(sink->pending_bytes, 0);
}

static void assert_starts_anew(struct sink *sink)
{
    struct position position = {.known = true, .end_lsn = 9};
    struct error err = {0};

    assert_true(sink->ops->recover(sink, &position, &err));
    assert_false(position.known);
    assert_int_equal(position.end_lsn, 0);
    assert_int_equal(sink->ops->fd(sink), -1);
}

static void prints_a_line(void **state)
{
    const struct record_case *c = *state;
    struct recorder *recorder = fake_recorder_create();
    struct error err = {0};
    struct sink *sink;
    char got[1000];
    int ends[2];
    ssize_t len;

    assert_int_equal(pipe(ends), 0);
    sink = stdout_sink_create(ends[1], recorder);
    assert_starts_anew(sink);
    fake_recorder_queue(recorder, c->topic, c->key, c->value);
    if (c->header != NULL)
        fake_recorder_header(recorder, "h", c->header);
    assert_int_equal(sink->ops->put(sink, &some_event, &err), PUT_TAKEN);
    assert_int_equal(sink->pending_records, 1);
    assert_committed(sink);
    len = read(ends[0], got, sizeof got - 1);
    assert_true(len > 0);
    got[len] = '\0';
    assert_string_equal(got, c->expect);
    sink->ops->close(sink);
    assert_int_equal(close(ends[0]) | close(ends[1]), 0);
}

/* Counts what arrives, in a child, so that a pipe that is full does not block for good. */
static pid_t count_lines(int from, int to_close, unsigned expect_lines, size_t expect_bytes)
{
    char bytes[5000];
    size_t total = 0;
    unsigned lines = 0;
    ssize_t len;
    pid_t child = fork();

    if (child != 0)
        return child;
    (void)close(to_close);
    while ((len = read(from, bytes, sizeof bytes)) > 0) {
        total += (size_t)len;
        for (ssize_t i = 0; i < len; i++)
            lines += bytes[i] == '\n';
    }
    _exit(lines == expect_lines && total == expect_bytes ? 0 : 1);
}

/* Far more than a pipe holds, through a descriptor that does not block. */
static void prints_much(void **state)
{
    static const char frame[] = "{\"topic\":\"t\",\"key\":null,\"value\":,\"headers\":{}}\n";
    const size_t value_len = 100000, lines = 20;
    struct recorder *recorder = fake_recorder_create();
    char *value = mem_zero(1, value_len + 1);
    struct error err = {0};
    struct sink *sink;
    int ends[2], status;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = count_lines(ends[0], ends[1], (unsigned)lines, lines * (value_len + sizeof frame - 1));
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    sink = stdout_sink_create(ends[1], recorder);
    memset(value, '1', value_len);
    for (size_t i = 0; i < lines; i++) {
        fake_recorder_queue(recorder, "t", NULL, value);
        assert_int_equal(sink->ops->put(sink, &some_event, &err), PUT_TAKEN);
    }
    assert_committed(sink);
    sink->ops->close(sink);
    assert_int_equal(close(ends[0]) | close(ends[1]), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free(value);
}

struct failing_case {
    const char *name;
    const char *device; /* NULL: a pipe without a reader */
    const char *expect;
};

static struct failing_case failing_cases[] = {
    {"reader went away", NULL, "the reader of standard output went away"},
    {"device is full", "/dev/full", "cannot write to standard output: No space left on device"},
};

static void says_why_it_cannot_write(void **state)
{
    const struct failing_case *c = *state;
    struct recorder *recorder = fake_recorder_create();
    struct error err = {0}, later = {0}, last = {0};
    struct sink *sink;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(close(ends[0]), 0);
    if (c->device != NULL) {
        assert_int_equal(close(ends[1]), 0);
        ends[1] = open(c->device, O_WRONLY | O_CLOEXEC);
        assert_true(ends[1] >= 0);
    }
    sink = stdout_sink_create(ends[1], recorder);
    fake_recorder_queue(recorder, "t", NULL, "1");
    assert_int_equal(sink->ops->put(sink, &some_event, &err), PUT_TAKEN);
    assert_false(sink->ops->commit(sink, &some_position, &err));
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_string_equal(err.text, c->expect);
    assert_int_equal(sink->ops->reap(sink, &later), REAP_BROKEN);
    assert_int_equal(sink->ops->put(sink, &some_event, &last), PUT_FAILED);
    sink->ops->close(sink);
    assert_int_equal(close(ends[1]), 0);
}

static void null_counts_and_forgets(void **state)
{
    struct recorder *recorder = fake_recorder_create();
    struct sink *sink = null_sink_create(recorder);
    struct error err = {0};

    (void)state;
    assert_string_equal(sink->ops->name, "null");
    assert_starts_anew(sink);
    fake_recorder_queue(recorder, "t", "12", "345");
    fake_recorder_queue(recorder, "t", NULL, "6");
    assert_int_equal(sink->ops->put(sink, &some_event, &err), PUT_TAKEN);
    assert_int_equal(sink->ops->put(sink, &some_event, &err), PUT_TAKEN);
    assert_int_equal(sink->pending_records, 2);
    assert_int_equal(sink->pending_bytes, 6);
    assert_committed(sink);
    sink->ops->close(sink);
}

static void null_fails_as_its_recorder_does(void **state)
{
    struct recorder *recorder = fake_recorder_create();
    struct sink *sink = null_sink_create(recorder);
    struct error err = {0}, later = {0};

    (void)state;
    fake_recorder_fail(recorder, ERROR_DATA, "table public.t: column x");
    assert_int_equal(sink->ops->put(sink, &some_event, &err), PUT_FAILED);
    assert_int_equal(err.kind, ERROR_DATA);
    assert_false(sink->ops->commit(sink, &some_position, &later));
    sink->ops->close(sink);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(prints_much),
        cmocka_unit_test(null_counts_and_forgets),
        cmocka_unit_test(null_fails_as_its_recorder_does),
    };
    struct CMUnitTest tests[ARRAY_LEN(record_cases) + ARRAY_LEN(failing_cases) + ARRAY_LEN(others)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(record_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = record_cases[i].name,
                                         .test_func = prints_a_line,
                                         .initial_state = &record_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(failing_cases); i++)
        tests[n++] = (struct CMUnitTest){.name = failing_cases[i].name,
                                         .test_func = says_why_it_cannot_write,
                                         .initial_state = &failing_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        tests[n++] = others[i];
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("sink_plain", tests, NULL, NULL);
}
