#include "sinks/value_time.h"

#include <limits.h>

#define DAY_SECONDS INT64_C(86400)
#define MONTH_SECONDS INT64_C(2629800) /* 30.4375 days */
#define SECOND_US INT64_C(1000000)
#define DIGITS_MAX 12u /* of one number; no field of any of these types has more */

/* What is left of the text.  Each take_... moves on only when it returns true. */
struct cursor {
    const uint8_t *at, *end;
};

static struct cursor cursor_over(struct slice text)
{
    const uint8_t *at = text.at != NULL ? text.at : (const uint8_t *)"";

    return (struct cursor){at, at + text.len};
}

static bool at_end(const struct cursor *c)
{
    return c->at == c->end;
}

static bool at_digit(const struct cursor *c)
{
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static bool take_byte(struct cursor *c, char byte)
{
    if (at_end(c) || *c->at != (uint8_t)byte)
        return false;
    c->at++;
    return true;
}

static bool take_word(struct cursor *c, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
        return false;
    c->at += len;
    return true;
}

static bool take_number(struct cursor *c, int64_t *out_number)
{
    int64_t number = 0;
    unsigned digits = 0;

    for (; at_digit(c) && digits < DIGITS_MAX; digits++)
        number = number * 10 + (*c->at++ - '0');
    if (digits == 0 || at_digit(c))
        return false;
    *out_number = number;
    return true;
}

/* The number of two digits; beyond 99 when they are none. */
static inline unsigned two_digits(const uint8_t *at)
{
    unsigned tens = at[0] - (unsigned)'0', ones = at[1] - (unsigned)'0';

    return tens > 9 || ones > 9 ? UINT_MAX : tens * 10 + ones;
}

/* Exactly two digits, at most `max`; a third is what no field may be followed by. */
static bool take_two(struct cursor *c, int64_t max, int64_t *out_number)
{
    unsigned number;

    if (c->end - c->at < 2)
        return false;
    number = two_digits(c->at);
    if (number > max)
        return false;
    c->at += 2;
    *out_number = number;
    return true;
}

/* Nothing, or a point and one to six digits. */
static bool take_fraction(struct cursor *c, int64_t *out_micros)
{
    static const int64_t units[] = {0, 100000, 10000, 1000, 100, 10, 1};
    int64_t number = 0;
    unsigned digits = 0;

    *out_micros = 0;
    if (!take_byte(c, '.'))
        return true;
    for (; at_digit(c) && digits < 6; digits++)
        number = number * 10 + (*c->at++ - '0');
    *out_micros = number * units[digits];
    return digits > 0 && !at_digit(c);
}

/* 13:51:30, as nearly all clocks are.  False: look again. */
static inline bool take_short_clock(struct cursor *c, int64_t *out_seconds)
{
    const uint8_t *at = c->at;
    unsigned hours, minutes, seconds;

    if (c->end - at < 8 || at[2] != ':' || at[5] != ':')
        return false;
    hours = two_digits(at);
    minutes = two_digits(at + 3);
    seconds = two_digits(at + 6);
    if (hours > 99 || minutes > 59 || seconds > 59)
        return false;
    c->at += 8;
    *out_seconds = (hours * 60 + minutes) * 60 + seconds;
    return true;
}

/* 13:51:30.123456 with any number of hours. */
static bool take_clock(struct cursor *c, int64_t *out_seconds, int64_t *out_micros)
{
    int64_t hours = 0, minutes = 0, seconds = 0;

    if (take_short_clock(c, out_seconds))
        return take_fraction(c, out_micros);
    if (!take_number(c, &hours) || !take_byte(c, ':') || !take_two(c, 59, &minutes) ||
        !take_byte(c, ':') || !take_two(c, 59, &seconds) || !take_fraction(c, out_micros))
        return false;
    *out_seconds = (hours * 60 + minutes) * 60 + seconds;
    return true;
}

/* 00:00:00 to 24:00:00. */
static bool take_day_clock(struct cursor *c, int64_t *out_us)
{
    int64_t seconds = 0, micros = 0;

    if (!take_clock(c, &seconds, &micros) || seconds > DAY_SECONDS ||
        (seconds == DAY_SECONDS && micros > 0))
        return false;
    *out_us = seconds * SECOND_US + micros;
    return true;
}

/* +02, -05:30, +01:23:45: seconds east of UTC. */
static bool take_offset(struct cursor *c, int64_t *out_seconds)
{
    int64_t hours = 0, minutes = 0, seconds = 0;
    bool west = take_byte(c, '-');

    if ((!west && !take_byte(c, '+')) || !take_two(c, 15, &hours))
        return false;
    if (take_byte(c, ':') && !take_two(c, 59, &minutes))
        return false;
    if (take_byte(c, ':') && !take_two(c, 59, &seconds))
        return false;
    seconds += (hours * 60 + minutes) * 60;
    *out_seconds = west ? -seconds : seconds;
    return true;
}

/* Days from 1970-01-01 to a day of the proleptic Gregorian calendar; year 0 is 1 BC.  Years begin
 * in March here, so that the leap day is the last of its year; an era is 400 years, 146097 days. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    uint32_t eras_before = 25000; /* no year is further back than that: no sign to care for */
    uint32_t y = (uint32_t)(year + (int64_t)eras_before * 400 - (month <= 2 ? 1 : 0));
    uint32_t era = y / 400, of_era = y % 400;
    uint32_t days = of_era * 365 + of_era / 4 - of_era / 100;
    uint32_t of_year =
        (153 * ((uint32_t)month + (month > 2 ? 0 : 12) - 3) + 2) / 5 + (uint32_t)day - 1;

    return ((int64_t)era - eras_before) * 146097 + days + of_year - 719468;
}

static void civil_from_days(int64_t days, int64_t *out_year, int64_t *out_month, int64_t *out_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    *out_day = of_year - (153 * month + 2) / 5 + 1;
    *out_month = month < 10 ? month + 3 : month - 9;
    *out_year = year + era * 400 + (*out_month <= 2 ? 1 : 0);
}

struct civil {
    int64_t year, month, day; /* the year as written; BC follows at the end of the text */
};

/* 2016-11-04, as nearly all dates are.  False: look again. */
static inline bool take_short_civil(struct cursor *c, struct civil *out)
{
    const uint8_t *at = c->at;
    unsigned century, year, month, day;

    if (c->end - at < 10 || at[4] != '-' || at[7] != '-')
        return false;
    century = two_digits(at);
    year = two_digits(at + 2);
    month = two_digits(at + 5);
    day = two_digits(at + 8);
    if (century > 99 || year > 99 || century + year == 0 || month - 1 > 11 || day - 1 > 30)
        return false;
    c->at += 10;
    *out = (struct civil){century * 100 + year, month, day};
    return true;
}

static bool take_civil(struct cursor *c, struct civil *out)
{
    if (take_short_civil(c, out))
        return true;
    return take_number(c, &out->year) && out->year >= 1 && out->year <= 9999999 &&
           take_byte(c, '-') && take_two(c, 12, &out->month) && out->month >= 1 &&
           take_byte(c, '-') && take_two(c, 31, &out->day) && out->day >= 1;
}

/* Takes " BC" when it is there; true when nothing is left. */
static bool finish_civil(struct cursor *c, const struct civil *civil, int64_t *out_days)
{
    bool before_christ = !at_end(c) && take_word(c, " BC");

    if (!at_end(c))
        return false;
    *out_days =
        days_from_civil(before_christ ? 1 - civil->year : civil->year, civil->month, civil->day);
    return true;
}

static bool is_infinite(struct slice text)
{
    return text.len > 0 && (text.at[0] == '-' || text.at[0] == 'i') &&
           (slice_is(text, "infinity") || slice_is(text, "-infinity"));
}

bool time_read_date(struct slice text, int32_t *out_days)
{
    struct cursor c = cursor_over(text);
    struct civil civil = {0};
    int64_t days = 0;

    if (is_infinite(text)) {
        *out_days = text.at[0] == '-' ? INT32_MIN : INT32_MAX;
        return true;
    }
    if (!take_civil(&c, &civil) || !finish_civil(&c, &civil, &days) || days <= INT32_MIN ||
        days >= INT32_MAX)
        return false;
    *out_days = (int32_t)days;
    return true;
}

bool time_read_time(struct slice text, int64_t *out_us)
{
    struct cursor c = cursor_over(text);
    int64_t us = 0;

    if (!take_day_clock(&c, &us) || !at_end(&c))
        return false;
    *out_us = us;
    return true;
}

bool time_read_timetz(struct slice text, int64_t *out_us)
{
    struct cursor c = cursor_over(text);
    int64_t us = 0, offset = 0;

    if (!take_day_clock(&c, &us) || !take_offset(&c, &offset) || !at_end(&c))
        return false;
    us -= offset * SECOND_US;
    if (us < 0)
        us += TIME_DAY_US;
    else if (us > TIME_DAY_US || (us == TIME_DAY_US && offset != 0))
        us -= TIME_DAY_US;
    *out_us = us;
    return true;
}

static bool read_moment(struct slice text, bool zoned, struct moment *out)
{
    struct cursor c = cursor_over(text);
    struct civil civil = {0};
    int64_t us = 0, days = 0, offset = 0;

    if (is_infinite(text)) {
        *out = (struct moment){.kind = text.at[0] == '-' ? MOMENT_MINUS_INFINITY : MOMENT_INFINITY};
        return true;
    }
    if (!take_civil(&c, &civil) || !take_byte(&c, ' ') || !take_day_clock(&c, &us) ||
        (zoned && !take_offset(&c, &offset)) || !finish_civil(&c, &civil, &days))
        return false;
    *out = (struct moment){.kind = MOMENT_FINITE,
                           .seconds = days * DAY_SECONDS + us / SECOND_US - offset,
                           .micros = (int32_t)(us % SECOND_US)};
    return true;
}

bool time_read_timestamp(struct slice text, struct moment *out_moment)
{
    return read_moment(text, false, out_moment);
}

bool time_read_timestamptz(struct slice text, struct moment *out_moment)
{
    return read_moment(text, true, out_moment);
}

bool time_moment_us(const struct moment *m, int64_t *out_us)
{
    /* The second that holds INT64_MIN microseconds is left out: nobody stores a date there. */
    if (m->kind != MOMENT_FINITE || m->seconds < INT64_MIN / SECOND_US ||
        m->seconds >= INT64_MAX / SECOND_US)
        return false;
    *out_us = m->seconds * SECOND_US + m->micros;
    return true;
}

/* "2 mons" and the like; the number has been read. */
static bool take_unit(struct cursor *c, int64_t number, struct interval *out)
{
    int64_t *to;

    if (take_word(c, " year"))
        to = &out->years;
    else if (take_word(c, " mon"))
        to = &out->months;
    else if (take_word(c, " day"))
        to = &out->days;
    else
        return false;
    (void)take_byte(c, 's');
    if (number > INT32_MAX + INT64_C(1) || number < INT32_MIN) /* each field is an int32 */
        return false;
    *to += number;
    return true;
}

static bool take_interval_part(struct cursor *c, struct interval *out)
{
    int64_t sign = take_byte(c, '-') ? -1 : 1;
    struct cursor start;
    int64_t number = 0, seconds = 0, micros = 0;

    if (sign > 0)
        (void)take_byte(c, '+');
    start = *c;
    if (!take_number(c, &number))
        return false;
    if (at_end(c) || *c->at != ':')
        return take_unit(c, sign * number, out);
    *c = start;
    if (!take_clock(c, &seconds, &micros))
        return false;
    out->seconds += sign * seconds;
    out->micros += sign * micros;
    return true;
}

bool time_read_interval_parts(struct slice text, struct interval *out)
{
    struct cursor c = cursor_over(text);
    struct interval interval = {.kind = MOMENT_FINITE};

    if (is_infinite(text)) {
        *out =
            (struct interval){.kind = text.at[0] == '-' ? MOMENT_MINUS_INFINITY : MOMENT_INFINITY};
        return true;
    }
    /* At most years, months, days and a clock: four parts. */
    for (unsigned parts = 0; parts < 4; parts++) {
        if (!take_interval_part(&c, &interval))
            return false;
        if (at_end(&c)) {
            *out = interval;
            return true;
        }
        if (!take_byte(&c, ' '))
            return false;
    }
    return false;
}

static int64_t interval_us(const struct interval *i)
{
    int64_t seconds =
        (i->years * 12 + i->months) * MONTH_SECONDS + i->days * DAY_SECONDS + i->seconds;

    if (i->kind == MOMENT_INFINITY || seconds >= INT64_MAX / SECOND_US)
        return INT64_MAX;
    if (i->kind == MOMENT_MINUS_INFINITY || seconds <= INT64_MIN / SECOND_US)
        return INT64_MIN;
    return seconds * SECOND_US + i->micros;
}

bool time_read_interval(struct slice text, int64_t *out_us)
{
    struct interval interval;

    if (!time_read_interval_parts(text, &interval))
        return false;
    *out_us = interval_us(&interval);
    return true;
}

static void write_padded(struct buf *out, int64_t number, unsigned width)
{
    char digits[20];
    size_t at = sizeof digits;

    for (; number > 0 || sizeof digits - at < width; number /= 10)
        digits[--at] = (char)('0' + number % 10);
    buf_append(out, digits + at, sizeof digits - at);
}

/* Two digits at a time: timestamps are many. */
static uint8_t *put_two(uint8_t *to, uint32_t number)
{
    to[0] = (uint8_t)('0' + number / 10);
    to[1] = (uint8_t)('0' + number % 10);
    return to + 2;
}

static void write_clock(struct buf *out, int64_t seconds)
{
    uint32_t left = (uint32_t)seconds; /* of one day */
    uint8_t text[8], *to = put_two(text, left / 3600);

    *to++ = ':';
    to = put_two(to, left / 60 % 60);
    *to++ = ':';
    (void)put_two(to, left % 60);
    buf_append(out, text, sizeof text);
}

/* -11-04 */
static void write_month_and_day(struct buf *out, int64_t month, int64_t day)
{
    uint8_t text[6] = "-", *to = put_two(text + 1, (uint32_t)month);

    *to++ = '-';
    (void)put_two(to, (uint32_t)day);
    buf_append(out, text, sizeof text);
}

/* The first `digits` of six decimals. */
static void write_decimals(struct buf *out, int64_t micros, unsigned digits)
{
    if (digits == 0)
        return;
    for (unsigned cut = digits; cut < 6; cut++)
        micros /= 10;
    buf_byte(out, '.');
    write_padded(out, micros, digits);
}

/* -4712-01-01: years beyond 9999 with a plus sign. */
static void write_year(struct buf *out, int64_t year)
{
    if (year < 0)
        buf_byte(out, '-');
    else if (year > 9999)
        buf_byte(out, '+');
    write_padded(out, year < 0 ? -year : year, 4);
}

void time_write_zoned(struct buf *out, const struct moment *m, unsigned digits)
{
    int64_t of_day = (m->seconds % DAY_SECONDS + DAY_SECONDS) % DAY_SECONDS;
    int64_t year = 0, month = 0, day = 0;

    civil_from_days((m->seconds - of_day) / DAY_SECONDS, &year, &month, &day);
    write_year(out, year);
    write_month_and_day(out, month, day);
    buf_byte(out, 'T');
    write_clock(out, of_day);
    write_decimals(out, m->micros, digits);
    buf_byte(out, 'Z');
}

unsigned time_decimals(int64_t micros)
{
    unsigned digits = micros == 0 ? 0 : 6;

    for (; digits > 0 && micros % 10 == 0; micros /= 10)
        digits--;
    return digits;
}

void time_write_timetz(struct buf *out, int64_t us)
{
    int64_t micros = us % SECOND_US;

    write_clock(out, us / SECOND_US);
    write_decimals(out, micros, time_decimals(micros));
    buf_byte(out, 'Z');
}

void time_write_date(struct buf *out, int32_t days)
{
    int64_t year = 0, month = 0, day = 0;

    civil_from_days(days, &year, &month, &day);
    write_year(out, year);
    write_month_and_day(out, month, day);
    buf_byte(out, 'Z');
}

static void write_part(struct buf *out, int64_t number, char unit)
{
    if (number < 0)
        buf_byte(out, '-');
    write_padded(out, number < 0 ? -number : number, 1);
    buf_byte(out, (uint8_t)unit);
}

void time_write_interval(struct buf *out, const struct interval *i)
{
    bool negative = i->seconds < 0 || i->micros < 0;
    int64_t seconds = negative ? -(i->seconds % 60) : i->seconds % 60;
    int64_t micros = negative ? -i->micros : i->micros;

    buf_byte(out, 'P');
    write_part(out, i->years, 'Y');
    write_part(out, i->months, 'M');
    write_part(out, i->days, 'D');
    buf_byte(out, 'T');
    write_part(out, i->seconds / 3600, 'H');
    write_part(out, i->seconds / 60 % 60, 'M');
    if (negative && (seconds > 0 || micros > 0))
        buf_byte(out, '-');
    write_padded(out, seconds, 1);
    write_decimals(out, micros, time_decimals(micros));
    buf_byte(out, 'S');
}
