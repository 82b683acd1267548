#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/value_time.h"
#include "tests/support/block.h"

/* Each reader and writer as one function: text in, one line out; NULL: malformed. */
struct line {
    char text[64];
};

static bool date_line(struct slice text, struct line *out)
{
    int32_t days;

    if (!time_read_date(text, &days))
        return false;
    (void)snprintf(out->text, sizeof out->text, "%" PRId32, days);
    return true;
}

static bool number_line(bool (*read)(struct slice, int64_t *), struct slice text, struct line *out)
{
    int64_t us;

    if (!read(text, &us))
        return false;
    (void)snprintf(out->text, sizeof out->text, "%" PRId64, us);
    return true;
}

static bool time_line(struct slice text, struct line *out)
{
    return number_line(time_read_time, text, out);
}

static bool interval_line(struct slice text, struct line *out)
{
    return number_line(time_read_interval, text, out);
}

static void take_written(struct buf *written, struct line *out)
{
    buf_byte(written, 0);
    assert_false(written->failed);
    assert_true(written->len <= sizeof out->text);
    memcpy(out->text, written->at, written->len);
    buf_done(written);
}

static bool timetz_line(struct slice text, struct line *out)
{
    struct buf written;
    int64_t us;

    if (!time_read_timetz(text, &us))
        return false;
    buf_init(&written, 64);
    time_write_timetz(&written, us);
    take_written(&written, out);
    return true;
}

static bool timestamp_line(struct slice text, struct line *out)
{
    struct moment m;
    int64_t us = 0;

    if (!time_read_timestamp(text, &m))
        return false;
    if (m.kind != MOMENT_FINITE)
        (void)snprintf(out->text, sizeof out->text, m.kind == MOMENT_INFINITY ? "+inf" : "-inf");
    else if (!time_moment_us(&m, &us))
        (void)snprintf(out->text, sizeof out->text, "too far");
    else
        (void)snprintf(out->text, sizeof out->text, "%" PRId64, us);
    return true;
}

static bool zoned_line(struct slice text, unsigned digits, struct line *out)
{
    struct buf written;
    struct moment m;

    if (!time_read_timestamptz(text, &m))
        return false;
    buf_init(&written, 64);
    if (m.kind == MOMENT_FINITE)
        time_write_zoned(&written, &m, digits);
    else
        buf_text(&written, m.kind == MOMENT_INFINITY ? "+inf" : "-inf");
    take_written(&written, out);
    return true;
}

static bool timestamptz_line(struct slice text, struct line *out)
{
    return zoned_line(text, 6, out);
}

static bool timestamptz3_line(struct slice text, struct line *out)
{
    return zoned_line(text, 3, out);
}

static bool timestamptz0_line(struct slice text, struct line *out)
{
    return zoned_line(text, 0, out);
}

struct time_case {
    bool (*read)(struct slice text, struct line *out);
    const char *text;
    const char *expect; /* NULL: malformed */
};

static struct time_case time_cases[] = {
    {date_line, "1970-01-01", "0"},
    {date_line, "2024-02-29", "19782"},
    {date_line, "1969-12-31", "-1"},
    {date_line, "0001-01-01", "-719162"},
    {date_line, "0044-03-15 BC", "-735160"},
    {date_line, "4713-01-01 BC", "-2440550"},
    {date_line, "10000-01-01", "2932897"},
    {date_line, "5874897-12-31", "2145042905"},
    {date_line, "1500-03-01", "-171605"},
    {date_line, "infinity", "2147483647"},
    {date_line, "-infinity", "-2147483648"},
    {date_line, "", NULL},
    {date_line, "2024-02", NULL},
    {date_line, "2024-13-01", NULL},
    {date_line, "2024-00-01", NULL},
    {date_line, "2024-1-01", NULL},
    {date_line, "2024-01-32", NULL},
    {date_line, "0000-01-01", NULL},
    {date_line, "2024-01-01 AD", NULL},
    {date_line, "2024-01-01 BC ", NULL},
    {date_line, "infinityx", NULL},
    {date_line, "9999999-01-01", NULL}, /* beyond 32 bits of days */
    {date_line, "9999999999999-01-01", NULL},
    {time_line, "00:00:00", "0"},
    {time_line, "13:51:30", "49890000000"},
    {time_line, "23:59:59.999999", "86399999999"},
    {time_line, "24:00:00", "86400000000"},
    {time_line, "00:00:00.1", "100000"},
    {time_line, "24:00:00.1", NULL},
    {time_line, "24:00:01", NULL},
    {time_line, "00:60:00", NULL},
    {time_line, "00:00:60", NULL},
    {time_line, "00:00", NULL},
    {time_line, "00:00:00.", NULL},
    {time_line, "00:00:00.1234567", NULL},
    {time_line, "00:00:00x", NULL},
    {timetz_line, "00:00:00+00", "00:00:00Z"},
    {timetz_line, "23:59:59.999-05:30", "05:29:59.999Z"},
    {timetz_line, "24:00:00+00", "24:00:00Z"},
    {timetz_line, "24:00:00+02", "22:00:00Z"},
    {timetz_line, "24:00:00-02", "02:00:00Z"},
    {timetz_line, "00:00:00-00:00:01", "00:00:01Z"},
    {timetz_line, "22:00:00-02", "00:00:00Z"},
    {timetz_line, "13:51:30.123789+02", "11:51:30.123789Z"},
    {timetz_line, "10:11:12.13+02", "08:11:12.13Z"},
    {timetz_line, "01:00:00+15:59", "09:01:00Z"},
    {timetz_line, "01:00:00-15:59", "16:59:00Z"},
    {timetz_line, "12:34:56+01:23:45", "11:11:11Z"},
    {timetz_line, "12:34:56", NULL},
    {timetz_line, "12:34:56+2", NULL},
    {timetz_line, "12:34:56+16", NULL},
    {timetz_line, "12:34:56+02:", NULL},
    {timetz_line, "12:34:56+02 ", NULL},
    {timestamp_line, "1970-01-01 00:00:00", "0"},
    {timestamp_line, "2016-11-04 13:51:30.123456", "1478267490123456"},
    {timestamp_line, "1936-10-25 22:10:12.608", "-1047174587392000"},
    {timestamp_line, "1969-12-31 23:59:59.999999", "-1"},
    {timestamp_line, "4713-12-31 23:59:59.999999 BC", "-210831897600000001"},
    {timestamp_line, "0001-12-31 23:59:59 BC", "-62135596801000000"},
    {timestamp_line, "294246-12-31 23:59:59.999999", "9223371244799999999"},
    {timestamp_line, "294276-12-31 23:59:59.999999", "too far"},
    {timestamp_line, "infinity", "+inf"},
    {timestamp_line, "-infinity", "-inf"},
    {timestamp_line, "1970-01-01", NULL},
    {timestamp_line, "1970-01-01T00:00:00", NULL},
    {timestamp_line, "1970-01-01 00:00:00+00", NULL},
    {timestamptz_line, "1970-01-01 00:00:00+00", "1970-01-01T00:00:00.000000Z"},
    {timestamptz_line, "2016-11-04 11:51:30.123456+00", "2016-11-04T11:51:30.123456Z"},
    {timestamptz_line, "2016-11-04 13:51:30.1+02", "2016-11-04T11:51:30.100000Z"},
    {timestamptz_line, "2020-01-01 00:00:00-05:30", "2020-01-01T05:30:00.000000Z"},
    {timestamptz_line, "0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000000Z"},
    {timestamptz_line, "0001-01-01 00:00:00+00 BC", "0000-01-01T00:00:00.000000Z"},
    {timestamptz_line, "294276-12-31 23:59:59.999999+00", "+294276-12-31T23:59:59.999999Z"},
    {timestamptz_line, "infinity", "+inf"},
    {timestamptz_line, "-infinity", "-inf"},
    {timestamptz_line, "1970-01-01 00:00:00", NULL},
    {timestamptz_line, "1970-01-01 00:00:00+00 AD", NULL},
    {timestamptz3_line, "2020-01-01 00:00:00.01+00", "2020-01-01T00:00:00.010Z"},
    {timestamptz3_line, "4713-12-31 23:59:59.999+00 BC", "-4712-12-31T23:59:59.999Z"},
    {timestamptz0_line, "0044-03-15 12:00:00+00 BC", "-0043-03-15T12:00:00Z"},
    {timestamptz0_line, "21016-11-04 06:51:30+00", "+21016-11-04T06:51:30Z"},
    {timestamptz0_line, "2000-02-29 23:59:59+00", "2000-02-29T23:59:59Z"},
    {interval_line, "00:00:00", "0"},
    {interval_line, "1 year 2 mons 3 days 04:05:06.78", "37091106780000"},
    {interval_line, "-1 years -2 mons -3 days -04:05:06.78", "-37091106780000"},
    {interval_line, "1 mon -1 days +00:00:00.000001", "2543400000001"},
    {interval_line, "178000000 years", "9223372036854775807"},
    {interval_line, "-178000000 years", "-9223372036854775808"},
    {interval_line, "100:00:00", "360000000000"},
    {interval_line, "2562047788:00:54.775807", "9223372036854775807"},
    {interval_line, "-1 days +23:59:00", "-60000000"},
    {interval_line, "infinity", "9223372036854775807"},
    {interval_line, "-infinity", "-9223372036854775808"},
    {interval_line, "", NULL},
    {interval_line, "1", NULL},
    {interval_line, "1 day ", NULL},
    {interval_line, "1 week", NULL},
    {interval_line, "1 day 2", NULL},
    {interval_line, "1 day 1 day 1 day 1 day 1 day", NULL},
    {interval_line, "99999999999 years", NULL},
};

static void reads(void **state)
{
    const struct time_case *c = *state;
    struct slice text = block_copy(c->text, strlen(c->text));
    struct line got;
    bool read = c->read(text, &got);

    assert_int_equal(read, c->expect != NULL);
    if (read)
        assert_string_equal(got.text, c->expect);
    block_free(text);
}

/* Some truncations are values of their own; none may be read past its end (ASan), and none that
 * cuts into the first ten bytes of a date, or the first eight of a time, is a value. */
static void every_truncation(void **state)
{
    const struct time_case *c = *state;

    for (size_t len = 0; len < strlen(c->text); len++) {
        struct slice text = block_copy(c->text, len);
        struct line got;
        bool read = c->read(text, &got);

        assert_false(read && len < 7);
        block_free(text);
    }
}

int main(void)
{
    struct CMUnitTest tests[2 * ARRAY_LEN(time_cases)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(time_cases); i++) {
        struct time_case *c = &time_cases[i];

        tests[n++] = (struct CMUnitTest){c->text, reads, NULL, NULL, c};
        if (c->expect != NULL && c->read != interval_line)
            tests[n++] = (struct CMUnitTest){"its truncations", every_truncation, NULL, NULL, c};
    }
    return _cmocka_run_group_tests("value_time", tests, n, NULL, NULL);
}
