/* pgtime - PostgreSQL's clock on the wire: microseconds since 2000-01-01, in UTC. */
#ifndef DECODER_PGTIME_H
#define DECODER_PGTIME_H

#include <stdint.h>

#include "millrace/reader.h"

#define PGTIME_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 in microseconds since 1970 */

/* Microseconds since 1970.  A time that cannot be told that way fails the reader. */
static inline int64_t pgtime_read(struct reader *r)
{
    int64_t since_2000_us = (int64_t)reader_u64(r);

    if (since_2000_us > INT64_MAX - PGTIME_EPOCH_US) {
        r->failed = true;
        return 0;
    }
    return since_2000_us + PGTIME_EPOCH_US;
}

#endif
