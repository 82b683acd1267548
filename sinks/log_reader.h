/*
 * log_reader - the committed records of an event log, in order, without the writer's lock.
 *
 * Reads up to the last commit that was in the log when the reader came to it; a writer may go on
 * meanwhile.  A commit is visible a moment before it is durable.
 */
#ifndef SINKS_LOG_READER_H
#define SINKS_LOG_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "sinks/log_segment.h"

struct log_reader;

/* Begins with record `from_offset`, or with the oldest record when that one was deleted.  NULL:
 * ERROR_CONFIG when there is no such folder, or ERROR_SYSTEM. */
struct log_reader *log_reader_open(const char *directory, uint64_t from_offset,
                                   struct error *err) MUST_CHECK;
/* LOG_READ_END only once the whole log is read.  A COMMIT's record_count may count records that lie
 * before from_offset. */
enum log_read log_reader_next(struct log_reader *r, struct log_entry *out, struct error *err);
/* NULL is fine. */
void log_reader_close(struct log_reader *r);

/* The position of the last commit in the log, known == false when there is none (or no such
 * folder). */
bool log_reader_last_position(const char *directory, struct position *out,
                              struct error *err) MUST_CHECK;

#endif
