/* Lines as they arrive at the other end of standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/log.h"

#define TIME_LEN (sizeof "2026-11-21T09:30:00.123Z" - 1)

/* Standard error, led into a pipe while a line is logged. */
struct capture {
    int kept, ends[2];
    char text[2 * PIPE_BUF];
    size_t len;
};

static void capture_begin(struct capture *c)
{
    (void)fflush(stderr);
    c->kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(c->ends), 0);
    assert_true(dup2(c->ends[1], STDERR_FILENO) >= 0);
}

/* What one read gives: all of a line that was written at once. */
static void capture_end(struct capture *c)
{
    ssize_t got;

    assert_true(dup2(c->kept, STDERR_FILENO) >= 0);
    (void)close(c->kept);
    (void)close(c->ends[1]);
    got = read(c->ends[0], c->text, sizeof c->text - 1);
    assert_true(got >= 0);
    c->len = (size_t)got;
    c->text[c->len] = '\0';
    (void)close(c->ends[0]);
}

static void assert_is_time(const char *text)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";

    for (size_t i = 0; i < TIME_LEN; i++)
        if (shape[i] == 'd')
            assert_in_range(text[i], '0', '9');
        else
            assert_int_equal(text[i], shape[i]);
}

struct line_case {
    const char *name;
    enum log_format format;
    const char *text;
    const char *line; /* behind, or around, the time */
};

static struct line_case line_cases[] = {
    {"plain", LOG_TEXT, "slot=orders lsn=0/16B3748", " warn tried slot=orders lsn=0/16B3748\n"},
    {"nothing more", LOG_TEXT, "", " warn tried\n"},
    {"newline", LOG_TEXT, "a=b\n2026 info forged", " warn tried a=b?2026 info forged\n"},
    {"terminal escape", LOG_TEXT, "a=\x1b[2J\r\t\x7f", " warn tried a=?[2J???\n"},
    {"UTF-8", LOG_TEXT, "a=Z\xc3\xbcrich", " warn tried a=Z\xc3\xbcrich\n"},
    {"Latin 1", LOG_TEXT, "a=Z\xfcrich\xc3", " warn tried a=Z?rich?\n"},
    {"json", LOG_JSON, "slot=orders",
     "\",\"level\":\"warn\",\"event\":\"tried\",\"text\":\"slot=orders\"}\n"},
    {"json empty", LOG_JSON, "", "\",\"level\":\"warn\",\"event\":\"tried\",\"text\":\"\"}\n"},
    {"json quotes", LOG_JSON, "a=\"b\\\"c\"",
     "\",\"level\":\"warn\",\"event\":\"tried\",\"text\":\"a=\\\"b\\\\\\\"c\\\"\"}\n"},
    {"json newline", LOG_JSON, "a\"}\nb\x01",
     "\",\"level\":\"warn\",\"event\":\"tried\",\"text\":\"a\\\"}?b?\"}\n"},
    {"json Latin 1", LOG_JSON, "Z\xfcrich\xe2\x82\xac",
     "\",\"level\":\"warn\",\"event\":\"tried\",\"text\":\"Z?rich\xe2\x82\xac\"}\n"},
};

static void writes_line(void **state)
{
    const struct line_case *c = *state;
    static const char json_start[] = "{\"time\":\"";
    struct capture captured;
    const char *at = captured.text;

    log_configure(LOG_DEBUG, c->format);
    capture_begin(&captured);
    log_line(LOG_WARN, "tried", "%s", c->text);
    capture_end(&captured);
    if (c->format == LOG_JSON) {
        assert_int_equal(strncmp(at, json_start, sizeof json_start - 1), 0);
        at += sizeof json_start - 1;
    }
    assert_is_time(at);
    assert_string_equal(at + TIME_LEN, c->line);
}

static void only_the_level_and_above(void **state)
{
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};

    (void)state;
    for (size_t set = 0; set < ARRAY_LEN(levels); set++)
        for (size_t used = 0; used < ARRAY_LEN(levels); used++) {
            struct capture captured;

            log_configure(levels[set], LOG_TEXT);
            capture_begin(&captured);
            log_line(levels[used], "tried", "%s", "");
            capture_end(&captured);
            assert_int_equal(captured.len > 0, used >= set);
            assert_int_equal(log_enabled(levels[used]), used >= set);
        }
}

/* Every length around the limits: one line, one newline, whole characters, nothing beyond a pipe's
 * atomic write; in JSON the end is there. */
static void a_long_text_is_cut_at_a_character(void **state)
{
    static const char *const fills[] = {"x", "\"", "\xc3\xbc", "\xf0\x9f\x90\x98",
                                        "\\\xe2\x82\xac"};
    char text[6000];

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(fills); f++)
        for (size_t shift = 0; shift < 5; shift++) {
            struct capture captured;
            size_t len = shift;

            memset(text, 'a', shift);
            for (; len + strlen(fills[f]) < sizeof text; len += strlen(fills[f]))
                memcpy(text + len, fills[f], strlen(fills[f]));
            text[len] = '\0';
            log_configure(LOG_INFO, LOG_JSON);
            capture_begin(&captured);
            log_line(LOG_ERROR, "long", "%s", text);
            capture_end(&captured);
            assert_in_range(captured.len, 2000, PIPE_BUF);
            assert_string_equal(captured.text + captured.len - 3, "\"}\n");
            assert_ptr_equal(strchr(captured.text, '\n'), captured.text + captured.len - 1);
        }
}

static void errno_survives(void **state)
{
    struct capture captured;

    (void)state;
    log_configure(LOG_INFO, LOG_TEXT);
    capture_begin(&captured);
    (void)close(STDERR_FILENO); /* nobody listens: the line is dropped */
    errno = ENOENT;
    log_line(LOG_ERROR, "lost", "%s", "x");
    assert_int_equal(errno, ENOENT);
    capture_end(&captured);
    assert_int_equal(captured.len, 0);
}

struct quote_case {
    const char *text, *quoted;
};

static struct quote_case quote_cases[] = {
    {"", "\"\""},
    {"a b", "\"a b\""},
    {"a\"b\\c", "\"a\\\"b\\\\c\""},
    {"a\nb\x1b\x7f", "\"a?b??\""},
    {"Z\xc3\xbcrich", "\"Z\xc3\xbcrich\""},
};

static void quotes(void **state)
{
    const struct quote_case *c = *state;

    assert_string_equal(log_quote(c->text).text, c->quoted);
}

static void a_long_quotation_keeps_its_end(void **state)
{
    char text[3 * LOG_QUOTE_BYTES];

    (void)state;
    for (size_t len = LOG_QUOTE_BYTES - 10; len < LOG_QUOTE_BYTES + 10; len++)
        for (size_t quotes_from = 0; quotes_from <= len; quotes_from += len / 7) {
            struct log_quoted quoted;
            size_t end;

            memset(text, 'x', quotes_from);
            memset(text + quotes_from, '"', len - quotes_from);
            text[len] = '\0';
            quoted = log_quote(text);
            end = strlen(quoted.text);
            assert_in_range(end, LOG_QUOTE_BYTES - 12, LOG_QUOTE_BYTES - 1);
            assert_int_equal(quoted.text[end - 1], '"');
        }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(line_cases) + ARRAY_LEN(quote_cases) + 4];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(line_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = line_cases[i].name, .test_func = writes_line, .initial_state = &line_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(quote_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = quote_cases[i].quoted, .test_func = quotes, .initial_state = &quote_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(only_the_level_and_above);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_long_text_is_cut_at_a_character);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(errno_survives);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_long_quotation_keeps_its_end);
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
