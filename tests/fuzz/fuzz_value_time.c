/* Input: the value's text, read as every type.  A moment that is written and read again is the
 * same. */
#include <stdbool.h>
#include <string.h>

#include "sinks/value_time.h"
#include "tests/fuzz/fuzz.h"

/* 2016-11-04T11:51:30.123456Z as PostgreSQL prints it: 2016-11-04 11:51:30.123456+00 */
static void check_again(const struct moment *m)
{
    struct moment again;
    struct buf iso, text;

    buf_init(&iso, 64);
    buf_init(&text, 64);
    time_write_zoned(&iso, m, 6);
    require(!iso.failed);
    if (iso.at[0] != '-' && iso.at[0] != '+' && memcmp(iso.at, "0000", 4) != 0) {
        iso.at[10] = ' ';
        buf_append(&text, iso.at, iso.len - 1);
        buf_text(&text, "+00");
        require(time_read_timestamptz(buf_view(&text), &again));
        require(again.seconds == m->seconds && again.micros == m->micros);
    }
    buf_done(&iso);
    buf_done(&text);
}

static void check_timetz(struct slice text)
{
    struct buf out;
    int64_t us;

    if (!time_read_timetz(text, &us))
        return;
    require(us >= 0 && us <= TIME_DAY_US);
    buf_init(&out, 64);
    time_write_timetz(&out, us);
    require(!out.failed && out.len >= strlen("00:00:00Z"));
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct moment m;
    int32_t days;
    int64_t us;

    (void)!time_read_date(text, &days);
    (void)!time_read_interval(text, &us);
    if (time_read_time(text, &us))
        require(us >= 0 && us <= TIME_DAY_US);
    check_timetz(text);
    if (time_read_timestamp(text, &m))
        (void)!time_moment_us(&m, &us);
    if (time_read_timestamptz(text, &m) && m.kind == MOMENT_FINITE)
        check_again(&m);
    return 0;
}
