/*
 * value_time - reads PostgreSQL's text of dates, times and intervals; writes the ISO forms.
 *
 * Understood is what the pinned settings print (DateStyle ISO, IntervalStyle postgres):
 *
 *     date         2024-02-29, 0044-03-15 BC, 5874897-12-31, infinity, -infinity
 *     time         13:51:30.123456, 24:00:00
 *     timetz       13:51:30.123789+02, 12:34:56-05:30, 12:34:56+01:23:45
 *     timestamp    2016-11-04 13:51:30.123456, 0001-12-31 23:59:59 BC, infinity
 *     timestamptz  2016-11-04 11:51:30.123456+00, 0044-03-15 12:00:00+00 BC
 *     interval     1 year 2 mons -3 days +04:05:06.78
 *
 * Each reader returns false for anything else and then leaves its output as it was.
 */
#ifndef SINKS_VALUE_TIME_H
#define SINKS_VALUE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"

#define TIME_DAY_US INT64_C(86400000000)

enum moment_kind { MOMENT_FINITE, MOMENT_INFINITY, MOMENT_MINUS_INFINITY };

/* A timestamp, with or without zone; the whole of PostgreSQL's range, which 64 bits of microseconds
 * since 1970 are too narrow for. */
struct moment {
    enum moment_kind kind;
    int64_t seconds; /* since 1970-01-01 00:00 */
    int32_t micros;  /* 0 to 999999, towards the future, also before 1970 */
};

/* As PostgreSQL prints it; each part has its own sign. */
struct interval {
    enum moment_kind kind;
    int64_t years, months, days;
    int64_t seconds, micros; /* of the same sign: the clock */
};

/* Days since 1970-01-01; INT32_MAX and INT32_MIN for the infinities. */
bool time_read_date(struct slice text, int32_t *out_days) MUST_CHECK;
/* Microseconds since midnight; 24:00 is 86400000000. */
bool time_read_time(struct slice text, int64_t *out_us) MUST_CHECK;
/* The same in UTC.  24:00 in UTC stays 24:00; everything else is taken modulo a day. */
bool time_read_timetz(struct slice text, int64_t *out_us) MUST_CHECK;
bool time_read_timestamp(struct slice text, struct moment *out_moment) MUST_CHECK;
/* In UTC. */
bool time_read_timestamptz(struct slice text, struct moment *out_moment) MUST_CHECK;
bool time_read_interval_parts(struct slice text, struct interval *out) MUST_CHECK;
/* Microseconds; a month is 30.4375 days, a year twelve of them; what does not fit (and an infinite
 * interval) becomes INT64_MAX or INT64_MIN. */
bool time_read_interval(struct slice text, int64_t *out_us) MUST_CHECK;

/* False when the moment is infinite or does not fit. */
bool time_moment_us(const struct moment *m, int64_t *out_us) MUST_CHECK;

/* 2016-11-04T11:51:30.123Z with exactly `digits` (0 to 6) decimals; years beyond 9999 with a plus
 * sign, years before 1 with a minus sign (1 BC is 0000).  The moment is finite. */
void time_write_zoned(struct buf *out, const struct moment *m, unsigned digits);
/* How many of six decimals are left when the zeros at the end are dropped: 0 to 6. */
unsigned time_decimals(int64_t micros);
/* 2016-11-04Z, years as above. */
void time_write_date(struct buf *out, int32_t days);
/* P1Y2M3DT4H5M6.78S with all its parts, each with its sign.  The interval is finite. */
void time_write_interval(struct buf *out, const struct interval *i);
/* 11:51:30.12Z with as many decimals as are not zero. */
void time_write_timetz(struct buf *out, int64_t us);

#endif
