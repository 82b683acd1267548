#include "sinks/json_time.h"

#include "sinks/json_write.h"
#include "sinks/value_time.h"

/* What Debezium writes for the infinities: in milliseconds, and as text. */
#define INFINITY_MS INT64_C(9223372036825200000)
#define MINUS_INFINITY_MS INT64_C(-9223372036832400000)
#define INFINITY_DATE "+5877611-06-21Z"
#define MINUS_INFINITY_DATE "-5877611-06-22Z"
#define INFINITY_TIMESTAMP "+292278994-08-16T23:00:00Z"
#define MINUS_INFINITY_TIMESTAMP "-292275055-05-16T23:00:00Z"

static bool write_date(struct json_value *w, const struct semantic *s, struct slice text,
                       struct buf *out)
{
    int32_t days;

    if (!time_read_date(text, &days))
        return false;
    if (s->finite && (days == INT32_MAX || days == INT32_MIN))
        return json_write_beyond(w, s, text, out);
    json_i64(out, days);
    return true;
}

static bool write_date_iso(const struct semantic *s, struct slice text, struct buf *out)
{
    int32_t days;

    if (!time_read_date(text, &days))
        return false;
    if ((days == INT32_MAX || days == INT32_MIN) && !s->debezium) {
        json_text(out, text);
        return true;
    }
    buf_byte(out, '"');
    if (days == INT32_MAX)
        JSON_CONSTANT(out, INFINITY_DATE);
    else if (days == INT32_MIN)
        JSON_CONSTANT(out, MINUS_INFINITY_DATE);
    else
        time_write_date(out, days);
    buf_byte(out, '"');
    return true;
}

static bool write_time_ms(struct slice text, struct buf *out)
{
    int64_t us;

    if (!time_read_time(text, &us))
        return false;
    json_i64(out, us / 1000);
    return true;
}

static bool write_clock(struct json_value *w, const struct semantic *s, struct slice text,
                        int64_t units_in_us, struct buf *out)
{
    int64_t us;

    if (!time_read_time(text, &us))
        return false;
    if (s->finite && us == TIME_DAY_US)
        return json_write_beyond(w, s, text, out);
    json_i64(out, us * units_in_us);
    return true;
}

/* 24:00 is the next day's midnight to Java, which it has no name for. */
static bool write_time_iso(const struct semantic *s, struct slice text, struct buf *out)
{
    int64_t us;

    if (!time_read_time(text, &us))
        return false;
    buf_byte(out, '"');
    time_write_timetz(out, s->debezium ? us % TIME_DAY_US : us);
    buf_byte(out, '"');
    return true;
}

static bool write_timetz(struct slice text, struct buf *out)
{
    int64_t us;

    if (!time_read_timetz(text, &us))
        return false;
    buf_byte(out, '"');
    time_write_timetz(out, us);
    buf_byte(out, '"');
    return true;
}

static bool write_timestamp_ms(struct slice text, struct buf *out)
{
    struct moment m;

    if (!time_read_timestamp(text, &m))
        return false;
    switch (m.kind) {
    case MOMENT_FINITE:
        json_i64(out, m.seconds * 1000 + m.micros / 1000);
        break;
    case MOMENT_INFINITY:
        json_i64(out, INFINITY_MS);
        break;
    case MOMENT_MINUS_INFINITY:
        json_i64(out, MINUS_INFINITY_MS);
        break;
    }
    return true;
}

/* The last weeks of PostgreSQL's range, from the year 294247 on, are too far for microseconds;
 * nanoseconds reach from 1677 to 2262. */
static bool write_timestamp(struct json_value *w, const struct semantic *s, struct slice text,
                            int64_t units_in_us, struct buf *out)
{
    bool zoned = s->value == VALUE_TIMESTAMPTZ_US;
    struct moment m;
    int64_t us = 0;

    if (!(zoned ? time_read_timestamptz(text, &m) : time_read_timestamp(text, &m)))
        return false;
    if (m.kind != MOMENT_FINITE && s->finite)
        return json_write_beyond(w, s, text, out);
    if (m.kind == MOMENT_INFINITY)
        json_i64(out, INT64_MAX);
    else if (m.kind == MOMENT_MINUS_INFINITY)
        json_i64(out, INT64_MIN);
    else if (time_moment_us(&m, &us) && us <= INT64_MAX / units_in_us &&
             us >= INT64_MIN / units_in_us)
        json_i64(out, us * units_in_us);
    else
        return json_write_beyond(w, s, text, out);
    return true;
}

static bool write_timestamp_iso(const struct semantic *s, struct slice text, struct buf *out)
{
    struct moment m;

    if (!time_read_timestamp(text, &m))
        return false;
    if (m.kind != MOMENT_FINITE) {
        if (!s->debezium)
            json_text(out, text);
        else if (m.kind == MOMENT_INFINITY)
            JSON_CONSTANT(out, "\"" INFINITY_TIMESTAMP "\"");
        else
            JSON_CONSTANT(out, "\"" MINUS_INFINITY_TIMESTAMP "\"");
        return true;
    }
    buf_byte(out, '"');
    time_write_zoned(out, &m, time_decimals(m.micros));
    buf_byte(out, '"');
    return true;
}

static bool write_timestamptz(struct slice text, unsigned digits, struct buf *out)
{
    struct moment m;

    if (!time_read_timestamptz(text, &m))
        return false;
    if (m.kind != MOMENT_FINITE) {
        json_text(out, text);
        return true;
    }
    buf_byte(out, '"');
    time_write_zoned(out, &m, digits);
    buf_byte(out, '"');
    return true;
}

static bool write_interval(struct slice text, struct buf *out)
{
    int64_t us;

    if (!time_read_interval(text, &us))
        return false;
    json_i64(out, us);
    return true;
}

static bool write_interval_iso(struct slice text, struct buf *out)
{
    struct interval interval;

    if (!time_read_interval_parts(text, &interval))
        return false;
    if (interval.kind != MOMENT_FINITE) {
        json_text(out, text);
        return true;
    }
    buf_byte(out, '"');
    time_write_interval(out, &interval);
    buf_byte(out, '"');
    return true;
}

bool json_write_time(struct json_value *w, const struct semantic *s, struct slice text,
                     struct buf *out)
{
    if (s->value == VALUE_TIMESTAMPTZ)
        return write_timestamptz(text, s->digits, out);
    if (s->value == VALUE_TIMESTAMP_US || s->value == VALUE_TIMESTAMPTZ_US)
        return write_timestamp(w, s, text, 1, out);
    if (s->value == VALUE_TIMESTAMP_MS)
        return write_timestamp_ms(text, out);
    if (s->value == VALUE_TIMESTAMP_NS)
        return write_timestamp(w, s, text, 1000, out);
    if (s->value == VALUE_TIMESTAMP_ISO)
        return write_timestamp_iso(s, text, out);
    if (s->value == VALUE_DATE)
        return write_date(w, s, text, out);
    if (s->value == VALUE_DATE_ISO)
        return write_date_iso(s, text, out);
    if (s->value == VALUE_TIME_MS)
        return write_time_ms(text, out);
    if (s->value == VALUE_TIME_US)
        return write_clock(w, s, text, 1, out);
    if (s->value == VALUE_TIME_NS)
        return write_clock(w, s, text, 1000, out);
    if (s->value == VALUE_TIME_ISO)
        return write_time_iso(s, text, out);
    if (s->value == VALUE_TIMETZ)
        return write_timetz(text, out);
    if (s->value == VALUE_INTERVAL)
        return write_interval(text, out);
    return s->value == VALUE_INTERVAL_ISO && write_interval_iso(text, out);
}
