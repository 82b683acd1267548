/* plain - two sinks that keep nothing: stdout (JSON lines, for pipes) and null (for measuring). */
#ifndef SINKS_PLAIN_H
#define SINKS_PLAIN_H

#include "millrace/error.h"
#include "millrace/sink.h"
#include "sinks/recorder.h"

/* Writes a line for each record to descriptor `fd`: {"topic":...,"key":...,"value":...}, keys and values
 * as the JSON they are, null where they are null.  recover() knows no position: every run begins anew.
 * commit() is done when the lines are written out.  Takes over `recorder`. */
struct sink *stdout_sink_create(int fd, struct recorder *recorder);

/* Encodes and forgets.  Takes over `recorder`. */
struct sink *null_sink_create(struct recorder *recorder);

#endif
