#include <dirent.h>
#include <fcntl.h>
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
#include "relay/command_log.h"
#include "sinks/log.h"
#include "tests/support/fake_recorder.h"

/* What the command said; DIR in an argument stands for the log's folder. */
struct run {
    enum exit_code code;
    char *out;
    char *err;
};

static struct run run(const char *directory, const char *const *words)
{
    struct run r = {0};
    size_t out_len, err_len;
    const char *argv[8];
    int argc = 0;
    FILE *out = open_memstream(&r.out, &out_len), *err = open_memstream(&r.err, &err_len);

    for (; words[argc] != NULL; argc++)
        argv[argc] = strcmp(words[argc], "DIR") == 0 ? directory : words[argc];
    r.code = command_log(argc, argv, out, err);
    assert_int_equal(fclose(out) | fclose(err), 0);
    return r;
}

static void run_done(struct run *r)
{
    free(r->out);
    free(r->err);
}

static void must(bool ok, const struct error *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static void put(struct sink *sink, struct recorder *recorder, const char *topic, const char *key,
                const char *value)
{
    struct event event = {.kind = EVENT_INSERT};
    struct error err = {0};

    fake_recorder_queue(recorder, topic, key, value);
    must(sink->ops->put(sink, &event, &err) == PUT_TAKEN, &err);
}

/* Three records and two commits in two segments. */
static void write_log(const char *directory)
{
    struct log_options options = {.directory = directory, .segment_bytes = 1};
    struct recorder *recorder = fake_recorder_create();
    struct position position = {.known = true,
                                .system_id = 7293847561029384756,
                                .timeline = 1,
                                .slot = "orders",
                                .database = "app",
                                .end_lsn = 0x16B3748,
                                .commit_lsn = 0x16B3718,
                                .commit_us = 1785576600412345,
                                .snapshot = SNAPSHOT_DONE};
    struct error err = {0};
    struct sink *sink = log_sink_create(&options, recorder, &err);
    struct position recovered;

    must(sink->ops->recover(sink, &recovered, &err), &err);
    put(sink, recorder, "shop.b", "{\"id\":1}", "{\"op\":\"c\"}");
    put(sink, recorder, "shop.a", NULL, "{\"op\":\"r\"}");
    must(sink->ops->commit(sink, &position, &err), &err);
    put(sink, recorder, "shop.b", "{\"id\":1}", NULL);
    position.end_lsn = 0x16B3800;
    must(sink->ops->commit(sink, &position, &err), &err);
    sink->ops->close(sink);
}

static void change_byte(const char *directory, const char *name, long at)
{
    char path[128];
    FILE *file;
    int byte;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
}

static void folder_done(const char *directory)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    assert_int_equal(closedir(dir), 0);
    assert_int_equal(rmdir(directory), 0);
}

#define LINE0                                                                                      \
    "{\"offset\":0,\"topic\":\"shop.b\",\"key\":{\"id\":1},\"value\":{\"op\":\"c\"},"              \
    "\"headers\":{}}\n"
#define LINE1                                                                                      \
    "{\"offset\":1,\"topic\":\"shop.a\",\"key\":null,\"value\":{\"op\":\"r\"},\"headers\":{}}\n"
#define LINE2                                                                                      \
    "{\"offset\":2,\"topic\":\"shop.b\",\"key\":{\"id\":1},\"value\":null,\"headers\":{}}\n"
#define FIRST "00000000000000000000.log"
#define SECOND "00000000000000000002.log"

enum damage { DAMAGE_NONE, DAMAGE_FIRST };

struct run_case {
    const char *name;
    const char *words[8];
    enum exit_code code;
    enum damage damage;
    const char *out; /* all of it when it ends in a newline, else a part */
    const char *err; /* a part */
};

static struct run_case run_cases[] = {
    {"cat", {"cat", "DIR"}, EXIT_OK, DAMAGE_NONE, LINE0 LINE1 LINE2, ""},
    {"cat a topic", {"cat", "DIR", "--topic", "shop.b"}, EXIT_OK, DAMAGE_NONE, LINE0 LINE2, ""},
    {"cat from", {"cat", "--from", "1", "DIR"}, EXIT_OK, DAMAGE_NONE, LINE1 LINE2, ""},
    {"cat from beyond", {"cat", "--from", "3", "DIR"}, EXIT_OK, DAMAGE_NONE, "", ""},
    {"cat damaged",
     {"cat", "DIR"},
     EXIT_DATA,
     DAMAGE_FIRST,
     "",
     "segment " FIRST ": damaged at byte"},
    {"verify",
     {"verify", "DIR"},
     EXIT_OK,
     DAMAGE_NONE,
     "\nwhole: 2 segments, 3 records, 2 commits",
     ""},
    {"verify says each", {"verify", "DIR"}, EXIT_OK, DAMAGE_NONE, SECOND " ok: ", ""},
    {"verify damaged",
     {"verify", "DIR"},
     EXIT_DATA,
     DAMAGE_FIRST,
     FIRST " BAD: segment " FIRST,
     ""},
    {"verify goes on", {"verify", "DIR"}, EXIT_DATA, DAMAGE_FIRST, SECOND " ok: ", ""},
    {"verify closes",
     {"verify", "DIR"},
     EXIT_DATA,
     DAMAGE_FIRST,
     "NOT WHOLE: 1 bad of 2 segments",
     ""},
    {"stat",
     {"stat", "DIR"},
     EXIT_OK,
     DAMAGE_NONE,
     "records           3\noffsets           0 to 2\ncommits           2\n"
     "system_id         7293847561029384756\ntimeline          1\ndatabase          app\n"
     "slot              orders\nend_lsn           0/16B3800\ncommit_lsn        0/16B3718\n"
     "ordinal           0\ncommit_time       2026-08-01T09:30:00.412345Z\n"
     "snapshot          done\nconsistent_point  0/0\n"
     "topic             shop.a 1\ntopic             shop.b 2",
     ""},
    {"stat damaged", {"stat", "DIR"}, EXIT_DATA, DAMAGE_FIRST, "", "segment " FIRST ": damaged"},
    {"no such folder",
     {"cat", "no-such-folder"},
     EXIT_CONFIG,
     DAMAGE_NONE,
     "",
     "there is no such folder"},
    {"no such folder to verify",
     {"verify", "no-such-folder"},
     EXIT_CONFIG,
     DAMAGE_NONE,
     "",
     "log no-such-folder: there is no such folder"},
    {"no verb", {NULL}, EXIT_CONFIG, DAMAGE_NONE, "", "usage: millrace log cat DIR"},
    {"unknown verb", {"dog", "DIR"}, EXIT_CONFIG, DAMAGE_NONE, "", "usage:"},
    {"no folder", {"cat"}, EXIT_CONFIG, DAMAGE_NONE, "", "usage:"},
    {"two folders", {"cat", "DIR", "DIR"}, EXIT_CONFIG, DAMAGE_NONE, "", "usage:"},
    {"no offset", {"cat", "DIR", "--from"}, EXIT_CONFIG, DAMAGE_NONE, "", "usage:"},
    {"bad offset", {"cat", "DIR", "--from", "1x"}, EXIT_CONFIG, DAMAGE_NONE, "", "usage:"},
    {"offset too large",
     {"cat", "DIR", "--from", "18446744073709551616"},
     EXIT_CONFIG,
     DAMAGE_NONE,
     "",
     "usage:"},
    {"option of another verb",
     {"stat", "DIR", "--from", "1"},
     EXIT_CONFIG,
     DAMAGE_NONE,
     "",
     "usage:"},
};

static void assert_has(const char *got, const char *expect)
{
    size_t len = strlen(expect);

    if (len == 0 || expect[len - 1] == '\n')
        assert_string_equal(got, expect);
    else if (strstr(got, expect) == NULL)
        fail_msg("\"%s\" is not in: %s", expect, got);
}

static void runs(void **state)
{
    const struct run_case *c = *state;
    char directory[] = "test-command-log-XXXXXX";
    struct run r;

    assert_non_null(mkdtemp(directory));
    write_log(directory);
    if (c->damage == DAMAGE_FIRST)
        change_byte(directory, FIRST, 50);
    r = run(directory, c->words);
    assert_int_equal(r.code, c->code);
    assert_has(r.out, c->out);
    assert_has(r.err, c->err);
    run_done(&r);
    folder_done(directory);
}

static void empty_folder(void **state)
{
    char directory[] = "test-command-log-XXXXXX";
    struct run r;

    (void)state;
    assert_non_null(mkdtemp(directory));
    r = run(directory, (const char *const[]){"stat", "DIR", NULL});
    assert_int_equal(r.code, EXIT_OK);
    assert_string_equal(r.out, "segments          0\nbytes             0\nrecords           0\n"
                               "commits           0\nposition          none\n");
    run_done(&r);
    r = run(directory, (const char *const[]){"verify", "DIR", NULL});
    assert_int_equal(r.code, EXIT_OK);
    assert_string_equal(r.out, "whole: 0 segments, 0 records, 0 commits\n");
    run_done(&r);
    folder_done(directory);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(run_cases) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(run_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = run_cases[i].name, .test_func = runs, .initial_state = &run_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(empty_folder);
    return cmocka_run_group_tests_name("command_log", tests, NULL, NULL);
}
