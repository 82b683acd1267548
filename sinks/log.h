/*
 * log - the sink that appends records to a local, segmented event log; no server needed.
 *
 * Format, recovery and what fsync promises are drawn in log_format.h.
 */
#ifndef SINKS_LOG_H
#define SINKS_LOG_H

#include <stdint.h>

#include "millrace/error.h"
#include "millrace/sink.h"
#include "sinks/recorder.h"

struct log_options {
    const char *directory;
    uint64_t segment_bytes; /* a new segment is begun at the first commit beyond this */
};

/* Takes over `recorder`, also on failure.  Options must outlive the sink.  recover() makes the
 * folder, but none above it. */
struct sink *log_sink_create(const struct log_options *options, struct recorder *recorder,
                             struct error *err) MUST_CHECK;

/* The position of the last whole commit frame, without taking the writer's lock; a writer may be
 * appending.  known == false when nothing was ever committed, or there is no such folder. */
bool log_read_position(const char *directory, struct position *out, struct error *err) MUST_CHECK;

#endif
