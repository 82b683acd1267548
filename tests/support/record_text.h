/*
 * record_text - rows and records as tables of test cases write them.
 *
 * A record is a line: what the test tells of it, then its headers.
 *
 *     {"id":1} {"id":1,"v":"x"} __debezium.oldkey={"id":2}
 *
 * - is a null key or value, hexadecimal digits are Avro.
 */
#ifndef SUPPORT_RECORD_TEXT_H
#define SUPPORT_RECORD_TEXT_H

#include <stdint.h>

#include "millrace/buf.h"
#include "millrace/event.h"
#include "millrace/slice.h"
#include "sinks/recorder.h"

/* Stands in a row of texts for a TOASTed value that was not changed; compared by address. */
extern const char UNCHANGED[];

/* A row over `cells`, of `count` texts: NULL for NULL, UNCHANGED, or the text, which is borrowed.
 */
struct row record_text_row(const char *const *texts, struct cell *cells, uint16_t count);

/* Appends what a test tells of a record. */
typedef void record_writer(const struct record *record, struct buf *out);

/* Key and value as they are. */
record_writer record_text_whole;

void record_text_hex(struct slice bytes, struct buf *out);

/* Appends the lines of all records, and a NUL. */
void record_text_write(const struct records *records, record_writer *write, struct buf *out);

/* Makes the records of the event, and fails the test when their lines are others. */
void record_text_assert(struct recorder *recorder, const struct event *event, record_writer *write,
                        const char *expect);

#endif
