/*
 * log_fixture - an event log in a folder of its own, for tests.
 *
 * Whatever does not go as it should fails the running test.
 */
#ifndef TESTS_SUPPORT_LOG_FIXTURE_H
#define TESTS_SUPPORT_LOG_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/buf.h"
#include "millrace/error.h"
#include "millrace/sink.h"
#include "sinks/log.h"
#include "tests/support/fake_recorder.h"

#define FIRST "00000000000000000000.log"

struct log_fixture {
    char directory[64];
    struct log_options options;
    struct recorder *recorder; /* while a sink is open */
    struct sink *sink;
};

/* In memory where there is such a folder. */
struct log_fixture log_fixture_empty(void);
/* Below the working directory. */
struct log_fixture log_fixture_on_disk(void);
/* Closes the sink and removes the folder. */
void log_fixture_done(struct log_fixture *f);

/* Makes the sink and recovers: the end_lsn that the log holds; 0: no position. */
uint64_t log_open(struct log_fixture *f);
/* The same, refused with that kind, and a text that has `part` and the folder's name. */
void log_assert_refused(struct log_fixture *f, enum error_kind kind, const char *part);
void log_close(struct log_fixture *f);

/* NULL: null. */
void log_put(struct log_fixture *f, const char *topic, const char *key, const char *value);
void log_commit(struct log_fixture *f, uint64_t end_lsn);

/* Every committed record from an offset on, a line each, and a line "= LSN" for each commit; then
 * the error's text, if any.  To be freed. */
char *log_dump(const char *directory, uint64_t from_offset);
void log_assert_holds(const char *directory, const char *expect);
void log_assert_position(const char *directory, uint64_t end_lsn);

void log_files_remove(const char *directory);
struct buf log_file_read(const char *directory, const char *name);
void log_file_write(const char *directory, const char *name, const void *bytes, size_t len);
bool log_file_exists(const char *directory, const char *name);

#endif
