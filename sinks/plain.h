/* plain - two sinks that keep nothing: stdout (JSON lines, for pipes) and null (for measuring). */
#ifndef SINKS_PLAIN_H
#define SINKS_PLAIN_H

#include "millrace/error.h"
#include "millrace/sink.h"
#include "sinks/recorder.h"

/* Writes a line for each record to descriptor `fd`, in the spelling of record_json.h.  recover()
 * knows no position: every run begins anew.  commit() is done when the lines are written out.  A
 * reader that goes away is ERROR_SYSTEM (SIGPIPE must be ignored).  Takes over `recorder`. */
struct sink *stdout_sink_create(int fd, struct recorder *recorder);

/* Encodes and forgets.  Takes over `recorder`. */
struct sink *null_sink_create(struct recorder *recorder);

#endif
