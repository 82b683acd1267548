#include "support/random_value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "millrace/attr.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define DIGITS_MAX 40
#define BYTES_MAX 128
#define POINTS_MAX 6

uint64_t random_next(struct random_values *r)
{
    r->seed ^= r->seed << 13;
    r->seed ^= r->seed >> 7;
    r->seed ^= r->seed << 17;
    return r->seed;
}

int64_t random_between(struct random_values *r, int64_t least, int64_t most)
{
    uint64_t count = (uint64_t)(most - least) + 1;

    return least + (int64_t)(count == 0 ? random_next(r) : random_next(r) % count);
}

static bool one_in(struct random_values *r, unsigned count)
{
    return random_next(r) % count == 0;
}

/* Small ones as often as huge ones. */
static int64_t number(struct random_values *r, unsigned bits)
{
    int64_t n = (int64_t)(random_next(r) >> (64 - bits)) >> random_next(r) % bits;

    return one_in(r, 2) ? n : -n - 1;
}

static void set_text(struct random_values *r, const char *text)
{
    (void)snprintf(r->text, sizeof r->text, "%s", text);
}

static json_t *bytes_tree(const uint8_t *bytes, size_t len)
{
    char hex[2 * BYTES_MAX + 1] = "";

    for (size_t i = 0; i < len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return json_pack("{s:s}", "hex", hex);
}

/* ---- numbers */

static json_t *make_bool(struct random_values *r)
{
    bool on = one_in(r, 2);

    set_text(r, on ? "t" : "f");
    return json_boolean(on);
}

static json_t *make_integer(struct random_values *r, unsigned bits)
{
    int64_t n = number(r, bits);

    (void)snprintf(r->text, sizeof r->text, "%lld", (long long)n);
    return json_integer(n);
}

static json_t *make_oid(struct random_values *r)
{
    int64_t n = random_between(r, 0, UINT32_MAX);

    (void)snprintf(r->text, sizeof r->text, "%lld", (long long)n);
    return json_integer(n);
}

static json_t *make_special_float(struct random_values *r)
{
    static const char *const names[] = {"NaN", "Infinity", "-Infinity"};

    set_text(r, names[random_next(r) % ARRAY_LEN(names)]);
    return json_string(r->text);
}

/* Any bits that are a number. */
static json_t *make_double(struct random_values *r)
{
    uint64_t bits = random_next(r);
    double d;

    if (one_in(r, 20))
        return make_special_float(r);
    memcpy(&d, &bits, sizeof d);
    if (!isfinite(d) || one_in(r, 2))
        d = (double)number(r, 60) / 4096.0;
    (void)snprintf(r->text, sizeof r->text, "%.*g", one_in(r, 2) ? 17 : 9, d);
    return json_real(strtod(r->text, NULL));
}

static json_t *make_float(struct random_values *r)
{
    uint32_t bits = (uint32_t)random_next(r);
    float f;

    if (one_in(r, 20))
        return make_special_float(r);
    memcpy(&f, &bits, sizeof f);
    if (!isfinite(f) || one_in(r, 2))
        f = (float)number(r, 40) / 1024.0f;
    (void)snprintf(r->text, sizeof r->text, "%.9g", (double)f);
    return json_real((double)f);
}

/* Divides the decimal number by 256 in place; returns the remainder. */
static unsigned divide(char *digits)
{
    unsigned rest = 0;

    for (; *digits != '\0'; digits++) {
        rest = rest * 10 + (unsigned)(*digits - '0');
        *digits = (char)('0' + rest / 256);
        rest %= 256;
    }
    return rest;
}

/* The fewest bytes of two's complement, as Java's BigInteger has them. */
static json_t *unscaled_tree(const char *digits, bool negative)
{
    uint8_t little[BYTES_MAX] = {0}, big[BYTES_MAX];
    char left[2 * DIGITS_MAX];
    size_t len = 0, most = strlen(digits) / 2 + 2;
    unsigned carry = 1;

    (void)snprintf(left, sizeof left, "%s", digits);
    for (size_t i = 0; i < most; i++) {
        unsigned byte = divide(left);

        if (negative) {
            byte = (byte ^ 0xFF) + carry;
            carry = byte >> 8;
        }
        little[i] = (uint8_t)byte;
    }
    for (len = most; len > 1; len--)
        if (little[len - 1] != (little[len - 2] >= 0x80 ? 0xFF : 0x00))
            break;
    for (size_t i = 0; i < len; i++)
        big[i] = little[len - 1 - i];
    return bytes_tree(big, len);
}

/* `count` digits, of which the last is not zero where it must not be. */
static void random_digits(struct random_values *r, char *to, size_t count, bool ends_in_zero)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (char)('0' + random_next(r) % 10);
    if (count > 0 && !ends_in_zero && to[count - 1] == '0')
        to[count - 1] = '7';
    to[count] = '\0';
}

/* Without zeros in front, but for the last one. */
static const char *trimmed(const char *digits)
{
    while (digits[0] == '0' && digits[1] != '\0')
        digits++;
    return digits;
}

static json_t *decimal_text_or_double(struct random_values *r)
{
    if (r->modes.decimal == DECIMAL_STRING)
        return json_string(r->text);
    return json_real(strtod(r->text, NULL));
}

/* numeric(p,s) */
static json_t *make_decimal(struct random_values *r, int precision, int scale)
{
    char digits[2 * DIGITS_MAX], all[3 * DIGITS_MAX], whole[3 * DIGITS_MAX];
    int written = scale < 0 ? 0 : scale, most = precision > written ? precision : written;
    int count = (int)random_between(r, 1, precision);
    bool negative = one_in(r, 2);

    random_digits(r, digits, (size_t)count, true);
    if (strspn(digits, "0") == (size_t)count)
        negative = false;
    if (scale < 0)
        (void)snprintf(all, sizeof all, "%s%0*d", digits, -scale, 0);
    else
        (void)snprintf(all, sizeof all, "%0*d%s", most + 1 - count, 0, digits);
    (void)snprintf(whole, sizeof whole, "%.*s", (int)strlen(all) - written, all);
    (void)snprintf(r->text, sizeof r->text, "%s%s%s%s", negative ? "-" : "", trimmed(whole),
                   written > 0 ? "." : "", all + strlen(all) - written);
    if (r->modes.decimal != DECIMAL_PRECISE)
        return decimal_text_or_double(r);
    return unscaled_tree(scale < 0 && !r->modes.standard ? digits : all, negative);
}

/* numeric: its last decimal is not zero, so that their number is the scale. */
static json_t *make_any_decimal(struct random_values *r)
{
    char whole[DIGITS_MAX], fraction[DIGITS_MAX], all[2 * DIGITS_MAX];
    bool negative = one_in(r, 2);
    int scale = (int)random_between(r, 1, 15);

    random_digits(r, whole, (size_t)random_between(r, 1, 25), false);
    random_digits(r, fraction, (size_t)scale, false);
    (void)snprintf(r->text, sizeof r->text, "%s%s.%s", negative ? "-" : "", trimmed(whole),
                   fraction);
    (void)snprintf(all, sizeof all, "%s%s", whole, fraction);
    if (r->modes.decimal == DECIMAL_DOUBLE || (r->modes.decimal == DECIMAL_STRING))
        return decimal_text_or_double(r);
    if (r->modes.standard)
        return json_string(r->text);
    return json_pack("{s:i,s:o}", "scale", scale, "value", unscaled_tree(all, negative));
}

/* $1,234.56 */
static json_t *make_money(struct random_values *r)
{
    int64_t cents = number(r, 62);
    uint64_t all = cents < 0 ? (uint64_t)-cents : (uint64_t)cents;
    char digits[DIGITS_MAX], plain[2 * DIGITS_MAX];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)(all / 100)),
           at = 0;

    at += (size_t)snprintf(r->text, sizeof r->text, "%s$", cents < 0 ? "-" : "");
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            r->text[at++] = ',';
        r->text[at++] = digits[i];
    }
    (void)snprintf(r->text + at, 8, ".%02u", (unsigned)(all % 100));
    (void)snprintf(plain, sizeof plain, "%s%s.%02u", cents < 0 ? "-" : "", digits,
                   (unsigned)(all % 100));
    if (r->modes.decimal == DECIMAL_STRING)
        return json_string(plain);
    if (r->modes.decimal == DECIMAL_DOUBLE)
        return json_real(strtod(plain, NULL));
    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)all);
    return unscaled_tree(digits, cents < 0);
}

/* ---- texts and bytes */

static void random_text(struct random_values *r, size_t most)
{
    static const char *const pieces[] = {
        "a", "Z", " ", "\"", "\\", "\t", ",", "{", "\303\251", "\360\237\230\200", "}", "\n"};
    size_t count = (size_t)random_between(r, 0, (int64_t)most), len = 0;

    r->text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(r->text + len, sizeof r->text - len, "%s",
                                pieces[random_next(r) % ARRAY_LEN(pieces)]);
}

static json_t *make_text(struct random_values *r)
{
    random_text(r, one_in(r, 10) ? 300 : 20);
    return json_string(r->text);
}

static json_t *make_label(struct random_values *r, const struct type *type)
{
    struct slice label = type->labels[random_next(r) % type->label_count];

    (void)snprintf(r->text, sizeof r->text, "%.*s", SLICE_ARGS(label));
    return json_string(r->text);
}

static json_t *make_uuid(struct random_values *r)
{
    (void)snprintf(r->text, sizeof r->text, "%08x-%04x-%04x-%04x-%012llx", (unsigned)random_next(r),
                   (unsigned)(random_next(r) & 0xFFFF), (unsigned)(random_next(r) & 0xFFFF),
                   (unsigned)(random_next(r) & 0xFFFF),
                   (unsigned long long)(random_next(r) & UINT64_C(0xFFFFFFFFFFFF)));
    return json_string(r->text);
}

/* RFC 4648, bit by bit. */
static json_t *base64_tree(const uint8_t *bytes, size_t len, const char *last_two)
{
    char text[2 * BYTES_MAX] = "";
    size_t at = 0;

    for (size_t bit = 0; bit < 8 * len; bit += 6) {
        unsigned digit = 0;

        for (size_t i = bit; i < bit + 6; i++)
            digit = digit << 1 | (i < 8 * len ? ((unsigned)bytes[i / 8] >> (7 - i % 8) & 1) : 0);
        text[at++] = (char)(digit < 26   ? 'A' + digit
                            : digit < 52 ? 'a' + digit - 26
                            : digit < 62 ? '0' + digit - 52
                                         : (unsigned char)last_two[digit - 62]);
    }
    while (at % 4 != 0)
        text[at++] = '=';
    return json_stringn(text, at);
}

static json_t *make_bytea(struct random_values *r)
{
    uint8_t bytes[BYTES_MAX];
    size_t len = (size_t)random_between(r, 0, BYTES_MAX - 28);

    set_text(r, "\\x");
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)random_next(r);
        (void)snprintf(r->text + 2 + 2 * i, 3, "%02x", bytes[i]);
    }
    if (r->modes.binary == BINARY_BASE64)
        return base64_tree(bytes, len, "+/");
    if (r->modes.binary == BINARY_BASE64_URL_SAFE)
        return base64_tree(bytes, len, "-_");
    return r->modes.binary == BINARY_HEX ? json_string(r->text + 2) : bytes_tree(bytes, len);
}

/* Little-endian up to the highest bit that is set. */
static json_t *make_bits(struct random_values *r, int32_t length, bool varies)
{
    size_t count = length > 0 && !varies ? (size_t)length : (size_t)random_between(r, 0, 70);
    uint8_t bytes[9] = {0};
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        size_t bit = count - 1 - i;
        bool on = one_in(r, 2);

        r->text[i] = on ? '1' : '0';
        bytes[bit / 8] |= (uint8_t)((unsigned)on << bit % 8);
        if (on && bit / 8 + 1 > len)
            len = bit / 8 + 1;
    }
    r->text[count] = '\0';
    if (r->modes.standard)
        return json_string(r->text);
    return length == 1 ? json_boolean(r->text[0] == '1') : bytes_tree(bytes, len);
}

/* "k0"=>"v", "k1"=>NULL */
static json_t *make_hstore(struct random_values *r)
{
    static const char *const values[][2] = {
        {"v", "v"}, {"a \\\"b\\\"", "a \"b\""}, {"\\\\", "\\"}, {"", ""}, {"\303\251", "\303\251"}};
    int64_t count = random_between(r, 0, 5);
    json_t *map = json_object(), *text;
    size_t at = 0;
    char *dump;

    r->text[0] = '\0';
    for (int64_t i = 0; i < count; i++) {
        size_t which = random_next(r) % (ARRAY_LEN(values) + 1);
        bool null = which == ARRAY_LEN(values);
        char key[8];

        (void)snprintf(key, sizeof key, "k%d", (int)i);
        at += (size_t)snprintf(r->text + at, sizeof r->text - at, "%s\"%s\"=>%s%s%s",
                               i > 0 ? ", " : "", key, null ? "" : "\"",
                               null ? "NULL" : values[which][0], null ? "" : "\"");
        json_object_set_new(map, key, null ? json_null() : json_string(values[which][1]));
    }
    if (r->modes.hstore == HSTORE_MAP)
        return map;
    dump = json_dumps(map, JSON_COMPACT);
    text = json_string(dump);
    free(dump);
    json_decref(map);
    return text;
}

/* ---- times */

static struct tm calendar(int64_t seconds)
{
    time_t at = (time_t)seconds;
    struct tm tm = {0};

    if (gmtime_r(&at, &tm) == NULL)
        abort();
    return tm;
}

/* ".120" of 120000 with three digits */
static const char *decimals(char to[8], int64_t us, unsigned digits)
{
    (void)snprintf(to, 8, ".%06d", (int)us);
    to[digits == 0 ? 0 : digits + 1] = '\0';
    return to;
}

/* As many digits as are needed, as PostgreSQL and Java write them. */
static const char *few_decimals(char to[8], int64_t us)
{
    unsigned digits = us == 0 ? 0 : 6;

    for (; digits > 0 && us % 10 == 0; us /= 10)
        digits--;
    for (unsigned i = digits; i < 6 && digits > 0; i++)
        us *= 10;
    return decimals(to, us, digits);
}

static json_t *make_date(struct random_values *r)
{
    int64_t days = random_between(r, -719162, 2932896); /* years 1 to 9999 */
    struct tm tm = calendar(days * 86400);

    (void)snprintf(r->text, sizeof r->text, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday);
    if (r->modes.time == TIME_ISOSTRING)
        return json_sprintf("%sZ", r->text);
    return json_integer(days);
}

/* In units of the column's precision; -1 is six digits. */
static int64_t round_to(int64_t us, int32_t typmod)
{
    int64_t unit = 1;

    for (int32_t i = typmod < 0 ? 6 : typmod; i < 6; i++)
        unit *= 10;
    return us / unit * unit;
}

static bool is_milliseconds(const struct random_values *r, int32_t typmod)
{
    if (r->modes.standard)
        return false;
    return r->modes.time == TIME_CONNECT ||
           (r->modes.time == TIME_ADAPTIVE && typmod >= 0 && typmod <= 3);
}

static json_t *make_time(struct random_values *r, int32_t typmod)
{
    int64_t us = round_to(random_between(r, 0, DAY_US - 1), typmod);
    char few[8];

    (void)snprintf(r->text, sizeof r->text, "%02d:%02d:%02d%s", (int)(us / 3600 / SECOND_US),
                   (int)(us / 60 / SECOND_US % 60), (int)(us / SECOND_US % 60),
                   few_decimals(few, us % SECOND_US));
    if (r->modes.time == TIME_ISOSTRING)
        return json_sprintf("%sZ", r->text);
    if (is_milliseconds(r, typmod))
        return json_integer(us / 1000);
    return json_integer(r->modes.time == TIME_NANOSECONDS ? us * 1000 : us);
}

static json_t *make_timetz(struct random_values *r)
{
    int64_t us = random_between(r, 0, DAY_US - 1),
            minutes = random_between(r, INT64_C(-900), INT64_C(900));
    int64_t utc = (us - minutes * 60 * SECOND_US + 2 * DAY_US) % DAY_US;
    int64_t east = minutes < 0 ? -minutes : minutes;
    char few[8];

    (void)snprintf(r->text, sizeof r->text, "%02d:%02d:%02d%s%c%02d:%02d",
                   (int)(us / 3600 / SECOND_US), (int)(us / 60 / SECOND_US % 60),
                   (int)(us / SECOND_US % 60), few_decimals(few, us % SECOND_US),
                   minutes < 0 ? '-' : '+', (int)(east / 60), (int)(east % 60));
    if (r->modes.standard)
        return json_string(r->text);
    return json_sprintf("%02d:%02d:%02d%sZ", (int)(utc / 3600 / SECOND_US),
                        (int)(utc / 60 / SECOND_US % 60), (int)(utc / SECOND_US % 60),
                        few_decimals(few, utc % SECOND_US));
}

/* Years 1 to 9999; as far as nanoseconds reach where those are what is asked for. */
static int64_t random_second(struct random_values *r)
{
    if (r->modes.time == TIME_NANOSECONDS)
        return random_between(r, INT64_C(-9223372036), INT64_C(9223372035));
    return random_between(r, INT64_C(-62135596800), INT64_C(253402300799));
}

static void write_moment(char *to, int64_t seconds, char between, const char *tail)
{
    struct tm tm = calendar(seconds);

    (void)snprintf(to, 48, "%04d-%02d-%02d%c%02d:%02d:%02d%s", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday, between, tm.tm_hour, tm.tm_min, tm.tm_sec, tail);
}

static json_t *make_timestamp(struct random_values *r, int32_t typmod)
{
    int64_t seconds = random_second(r), us = round_to(random_between(r, 0, 999999), typmod);
    char few[8], iso[64];

    write_moment(r->text, seconds, ' ', few_decimals(few, us));
    write_moment(iso, seconds, 'T', few);
    if (r->modes.time == TIME_ISOSTRING)
        return json_sprintf("%sZ", iso);
    if (!r->modes.standard &&
        (r->modes.time == TIME_CONNECT ||
         ((r->modes.time == TIME_ADAPTIVE || r->modes.time == TIME_ADAPTIVE_MICROSECONDS) &&
          typmod >= 0 && typmod <= 3)))
        return json_integer(seconds * 1000 + us / 1000);
    us += seconds * SECOND_US;
    return json_integer(r->modes.time == TIME_NANOSECONDS ? us * 1000 : us);
}

static json_t *make_timestamptz(struct random_values *r, int32_t typmod)
{
    int64_t seconds = random_second(r), us = round_to(random_between(r, 0, 999999), typmod);
    char tail[8], text[64];

    write_moment(r->text, seconds, ' ', few_decimals(tail, us));
    (void)snprintf(r->text + strlen(r->text), 4, "+00");
    if (r->modes.standard && r->modes.time != TIME_ISOSTRING)
        return json_integer(seconds * SECOND_US + us);
    write_moment(text, seconds, 'T', decimals(tail, us, typmod < 0 ? 6 : (unsigned)typmod));
    return json_sprintf("%sZ", text);
}

/* 1 year -2 mons 3 days -04:05:06.78 */
static json_t *make_interval(struct random_values *r)
{
    int64_t years = random_between(r, -300, 300), months = random_between(r, -11, 11),
            days = random_between(r, -1000, 1000), hours = random_between(r, 0, 500),
            minutes = random_between(r, 0, 59), seconds = random_between(r, 0, 59),
            us = one_in(r, 2) ? 0 : random_between(r, 0, 999999), clock;
    int sign = one_in(r, 2) ? -1 : 1;
    char few[8];

    (void)snprintf(r->text, sizeof r->text, "%d years %d mons %d days %s%02d:%02d:%02d%s",
                   (int)years, (int)months, (int)days, sign < 0 ? "-" : "+", (int)hours,
                   (int)minutes, (int)seconds, few_decimals(few, us));
    if (r->modes.standard || r->modes.interval == INTERVAL_STRING)
        return json_sprintf("P%dY%dM%dDT%dH%dM%s%d%sS", (int)years, (int)months, (int)days,
                            sign * (int)hours, sign * (int)minutes,
                            sign < 0 && (seconds > 0 || us > 0) ? "-" : "", (int)seconds, few);
    clock = ((hours * 60 + minutes) * 60 + seconds) * SECOND_US + us;
    return json_integer((years * 12 + months) * 2629800 * SECOND_US + days * DAY_US + sign * clock);
}

/* ---- shapes */

struct wkb {
    uint8_t bytes[BYTES_MAX];
    size_t len;
};

static void put_u32(struct wkb *w, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        w->bytes[w->len++] = (uint8_t)(n >> 8 * i);
}

static void put_double(struct wkb *w, double d)
{
    uint64_t bits;

    memcpy(&bits, &d, sizeof bits);
    put_u32(w, (uint32_t)bits);
    put_u32(w, (uint32_t)(bits >> 32));
}

static double coordinate(struct random_values *r)
{
    return (double)number(r, 30) / 1024.0;
}

static json_t *point_tree(double x, double y)
{
    struct wkb w = {{1}, 1};

    put_u32(&w, 1);
    put_double(&w, x);
    put_double(&w, y);
    return json_pack("{s:f,s:f,s:o,s:n}", "x", x, "y", y, "wkb", bytes_tree(w.bytes, w.len),
                     "srid");
}

static json_t *make_point(struct random_values *r)
{
    double x = coordinate(r), y = coordinate(r);

    (void)snprintf(r->text, sizeof r->text, "(%.17g,%.17g)", x, y);
    return point_tree(x, y);
}

static json_t *make_line(struct random_values *r)
{
    double a = coordinate(r), b = coordinate(r), c = coordinate(r);

    (void)snprintf(r->text, sizeof r->text, "{%.17g,%.17g,%.17g}", a, b, c);
    return json_pack("{s:f,s:f,s:f}", "a", a, "b", b, "c", c);
}

static json_t *make_circle(struct random_values *r)
{
    double x = coordinate(r), y = coordinate(r), radius = fabs(coordinate(r));

    (void)snprintf(r->text, sizeof r->text, "<(%.17g,%.17g),%.17g>", x, y, radius);
    return json_pack("{s:o,s:f}", "center", point_tree(x, y), "radius", radius);
}

/* A line of points in brackets; returns how many. */
static uint32_t random_points(struct random_values *r, uint32_t least, double xy[POINTS_MAX][2])
{
    uint32_t count = (uint32_t)random_between(r, least, 4);
    size_t at = 1;

    for (uint32_t i = 0; i < count; i++) {
        xy[i][0] = coordinate(r);
        xy[i][1] = coordinate(r) + i * 1e7; /* no two the same */
        at += (size_t)snprintf(r->text + at, sizeof r->text - at, "%s(%.17g,%.17g)",
                               i > 0 ? "," : "", xy[i][0], xy[i][1]);
    }
    r->text[0] = '(';
    r->text[at] = ')';
    r->text[at + 1] = '\0';
    return count;
}

static json_t *shape_tree(uint32_t wkb_type, double xy[POINTS_MAX][2], uint32_t count,
                          json_t *extensions)
{
    struct wkb w = {{1}, 1};

    put_u32(&w, wkb_type);
    if (wkb_type == 3)
        put_u32(&w, 1);
    put_u32(&w, count + (wkb_type == 3 ? 1 : 0));
    for (uint32_t i = 0; i < count + (wkb_type == 3 ? 1 : 0); i++) {
        put_double(&w, xy[i % count][0]);
        put_double(&w, xy[i % count][1]);
    }
    return json_pack("{s:o,s:n,s:o}", "wkb", bytes_tree(w.bytes, w.len), "srid", "extensions",
                     extensions);
}

static json_t *make_path(struct random_values *r)
{
    double xy[POINTS_MAX][2];
    uint32_t count = random_points(r, 1, xy);
    bool open = one_in(r, 2);

    if (open) {
        r->text[0] = '[';
        r->text[strlen(r->text) - 1] = ']';
    }
    return shape_tree(2, xy, count,
                      json_pack("{s:s,s:s}", "type", "path", "closed", open ? "false" : "true"));
}

static json_t *make_lseg(struct random_values *r)
{
    double xy[POINTS_MAX][2];
    uint32_t count;

    do
        count = random_points(r, 2, xy);
    while (count != 2);
    r->text[0] = '[';
    r->text[strlen(r->text) - 1] = ']';
    return shape_tree(2, xy, 2, json_pack("{s:s}", "type", "lseg"));
}

/* Its corners by way of the lower right one. */
static json_t *make_box(struct random_values *r)
{
    double low[2] = {coordinate(r), coordinate(r)};
    double high[2] = {low[0] + 1.5, low[1] + 2.5};
    double xy[POINTS_MAX][2] = {
        {high[0], high[1]}, {high[0], low[1]}, {low[0], low[1]}, {low[0], high[1]}};

    (void)snprintf(r->text, sizeof r->text, "(%.17g,%.17g),(%.17g,%.17g)", high[0], high[1], low[0],
                   low[1]);
    return shape_tree(3, xy, 4, json_pack("{s:s}", "type", "box"));
}

static json_t *make_polygon(struct random_values *r)
{
    double xy[POINTS_MAX][2];
    uint32_t count = random_points(r, 3, xy);

    return shape_tree(3, xy, count, json_pack("{s:s}", "type", "polygon"));
}

/* PostGIS' hexadecimal text of a point with an SRID, or without. */
static json_t *make_postgis(struct random_values *r, bool extensions)
{
    bool has_srid = one_in(r, 2);
    struct wkb w = {{1}, 1};
    json_t *tree;

    put_u32(&w, has_srid ? UINT32_C(0x20000001) : 1);
    if (has_srid)
        put_u32(&w, 4326);
    put_double(&w, coordinate(r));
    put_double(&w, coordinate(r));
    for (size_t i = 0; i < w.len; i++)
        (void)snprintf(r->text + 2 * i, 3, "%02X", w.bytes[i]);
    tree = json_pack("{s:o,s:o}", "wkb", bytes_tree(w.bytes, w.len), "srid",
                     has_srid ? json_integer(4326) : json_null());
    if (extensions)
        json_object_set_new(tree, "extensions", json_null());
    return tree;
}

/* Numbers of few bits: the same in either width. */
static json_t *make_vector(struct random_values *r)
{
    int64_t count = random_between(r, 1, 8);
    json_t *list = json_array();
    size_t at = 1;

    set_text(r, "[");
    for (int64_t i = 0; i < count; i++) {
        double d = (double)number(r, 20) / 64.0;

        at += (size_t)snprintf(r->text + at, sizeof r->text - at, "%s%.17g", i > 0 ? "," : "", d);
        json_array_append_new(list, json_real(d));
    }
    (void)snprintf(r->text + at, sizeof r->text - at, "]");
    return list;
}

/* ---- by type */

static json_t *make_array(struct random_values *r, const struct type *type, int32_t typmod)
{
    char text[RANDOM_TEXT_MAX];
    size_t at = 0;
    int64_t count = random_between(r, 0, 6);
    json_t *list = json_array();

    text[at++] = '{';
    for (int64_t i = 0; i < count; i++) {
        if (i > 0)
            text[at++] = ',';
        if (one_in(r, 4)) {
            at += (size_t)snprintf(text + at, sizeof text - at, "NULL");
            json_array_append_new(list, json_null());
            continue;
        }
        json_array_append_new(list, random_value(r, type->element, typmod));
        text[at++] = '"';
        for (const char *c = r->text; *c != '\0' && at < sizeof text - 8; c++) {
            if (*c == '"' || *c == '\\')
                text[at++] = '\\';
            text[at++] = *c;
        }
        text[at++] = '"';
    }
    text[at++] = '}';
    text[at] = '\0';
    memcpy(r->text, text, at + 1);
    return list;
}

static json_t *make_numeric(struct random_values *r, int32_t typmod)
{
    uint32_t bits = (uint32_t)typmod - 4;

    if (typmod < 4)
        return make_any_decimal(r);
    return make_decimal(r, (int)(bits >> 16), (int)((bits & 0x7FF) ^ 0x400) - 0x400);
}

static json_t *make_temporal(struct random_values *r, struct slice name, int32_t typmod)
{
    if (slice_is(name, "date"))
        return make_date(r);
    if (slice_is(name, "time"))
        return make_time(r, typmod);
    if (slice_is(name, "timetz"))
        return make_timetz(r);
    if (slice_is(name, "timestamp"))
        return make_timestamp(r, typmod);
    if (slice_is(name, "timestamptz"))
        return make_timestamptz(r, typmod);
    return slice_is(name, "interval") ? make_interval(r) : NULL;
}

static json_t *make_shape(struct random_values *r, struct slice name)
{
    static const struct {
        const char *name;
        json_t *(*make)(struct random_values *r);
    } rows[] = {{"point", make_point}, {"line", make_line},       {"circle", make_circle},
                {"path", make_path},   {"polygon", make_polygon}, {"lseg", make_lseg},
                {"box", make_box}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (slice_is(name, rows[i].name))
            return rows[i].make(r);
    if (slice_is(name, "geometry") || slice_is(name, "geography"))
        return make_postgis(r, slice_is(name, "geometry"));
    if (slice_is(name, "vector") || slice_is(name, "halfvec"))
        return make_vector(r);
    return NULL;
}

static json_t *make_plain(struct random_values *r, struct slice name, int32_t typmod)
{
    if (slice_is(name, "bool"))
        return make_bool(r);
    if (slice_is(name, "int2"))
        return make_integer(r, 15);
    if (slice_is(name, "int4"))
        return make_integer(r, 31);
    if (slice_is(name, "int8"))
        return make_integer(r, 63);
    if (slice_is(name, "oid"))
        return make_oid(r);
    if (slice_is(name, "float4"))
        return make_float(r);
    if (slice_is(name, "float8"))
        return make_double(r);
    if (slice_is(name, "numeric"))
        return make_numeric(r, typmod);
    if (slice_is(name, "money"))
        return make_money(r);
    if (slice_is(name, "uuid"))
        return make_uuid(r);
    if (slice_is(name, "bytea"))
        return make_bytea(r);
    if (slice_is(name, "bit") || slice_is(name, "varbit"))
        return make_bits(r, typmod, slice_is(name, "varbit"));
    return slice_is(name, "hstore") ? make_hstore(r) : make_text(r);
}

json_t *random_value(struct random_values *r, const struct type *type, int32_t typmod)
{
    json_t *made;

    for (; type->kind == TYPE_DOMAIN; type = type->base)
        if (type->base_typmod >= 0)
            typmod = type->base_typmod;
    if (type->kind == TYPE_ENUM)
        return make_label(r, type);
    if (type->element != NULL && slice_is(type->name, "_array"))
        return make_array(r, type, typmod);
    made = make_temporal(r, type->name, typmod);
    if (made == NULL)
        made = make_shape(r, type->name);
    return made != NULL ? made : make_plain(r, type->name, typmod);
}
