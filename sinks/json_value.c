#include "sinks/json_value.h"

#include "sinks/json_write.h"
#include "sinks/value_array.h"
#include "sinks/value_bytes.h"
#include "sinks/value_numeric.h"
#include "sinks/value_time.h"

/* What Debezium writes for timestamp(0..3) infinity, in milliseconds. */
#define INFINITY_MS INT64_C(9223372036825200000)
#define MINUS_INFINITY_MS INT64_C(-9223372036832400000)

#define INTEGER_TEXT_MAX 20u /* -9223372036854775808 */

void json_value_init(struct json_value *w, size_t limit_bytes)
{
    buf_init(&w->work, limit_bytes);
    buf_init(&w->element, limit_bytes);
}

void json_value_trim(struct json_value *w, size_t keep_bytes)
{
    buf_reset(&w->work, keep_bytes);
    buf_reset(&w->element, keep_bytes);
}

void json_value_done(struct json_value *w)
{
    buf_done(&w->work);
    buf_done(&w->element);
}

static bool write_bool(struct slice text, struct buf *out)
{
    if (text.len != 1 || (text.at[0] != 't' && text.at[0] != 'f'))
        return false;
    buf_text(out, text.at[0] == 't' ? "true" : "false");
    return true;
}

/* PostgreSQL spells integers as JSON does. */
static bool write_integer(struct slice text, struct buf *out)
{
    size_t at = text.len > 0 && text.at[0] == '-' ? 1 : 0;

    if (text.len == at || text.len > INTEGER_TEXT_MAX)
        return false;
    for (; at < text.len; at++)
        if (text.at[at] < '0' || text.at[at] > '9')
            return false;
    buf_slice(out, text);
    return true;
}

static bool write_unscaled(struct json_value *w, const struct numeric *n, int64_t scale,
                           struct buf *out)
{
    struct slice bytes;

    if (!numeric_unscaled(n, scale, &w->work, &bytes))
        return false;
    json_base64(out, bytes);
    return true;
}

static bool write_decimal(struct json_value *w, int32_t scale, struct slice text, struct buf *out)
{
    struct numeric n;

    if (numeric_is_special(text)) {
        json_string(out, text);
        return true;
    }
    return numeric_read(text, &n) && write_unscaled(w, &n, scale, out);
}

static bool write_any_decimal(struct json_value *w, struct slice text, struct buf *out)
{
    struct numeric n;
    size_t scale;

    if (numeric_is_special(text)) {
        json_string(out, text);
        return true;
    }
    if (!numeric_read(text, &n))
        return false;
    scale = numeric_decimals(&n);
    JSON_CONSTANT(out, "{\"scale\":");
    json_u64(out, scale);
    JSON_CONSTANT(out, ",\"value\":");
    if (!write_unscaled(w, &n, (int64_t)scale, out))
        return false;
    buf_byte(out, '}');
    return true;
}

static bool write_money(struct json_value *w, int32_t scale, struct slice text, struct buf *out)
{
    struct buf *digits = &w->element; /* work is where the bytes go */
    struct numeric n;

    return money_read(text, digits, &n) && write_unscaled(w, &n, scale, out);
}

static bool write_date(struct slice text, struct buf *out)
{
    int32_t days;

    if (!time_read_date(text, &days))
        return false;
    json_i64(out, days);
    return true;
}

static bool write_time(struct slice text, int64_t unit_us, struct buf *out)
{
    int64_t us;

    if (!time_read_time(text, &us))
        return false;
    json_i64(out, us / unit_us);
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

static bool write_timestamp_us(struct slice text, struct buf *out)
{
    struct moment m;
    int64_t us = 0;

    if (!time_read_timestamp(text, &m))
        return false;
    if (m.kind == MOMENT_INFINITY)
        json_i64(out, INT64_MAX);
    else if (m.kind == MOMENT_MINUS_INFINITY)
        json_i64(out, INT64_MIN);
    else if (time_moment_us(&m, &us))
        json_i64(out, us);
    else
        json_string(out,
                    text); /* the last weeks of PostgreSQL's range, in the year 294247 and later */
    return true;
}

static bool write_timestamptz(struct slice text, unsigned digits, struct buf *out)
{
    struct moment m;

    if (!time_read_timestamptz(text, &m))
        return false;
    if (m.kind != MOMENT_FINITE) {
        json_string(out, text);
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

static bool write_bytes(struct json_value *w, struct slice text, struct buf *out)
{
    if (!bytes_read_hex(text, &w->work))
        return false;
    json_base64(out, buf_view(&w->work));
    return true;
}

/* An empty varbit(1) has no boolean: it stays the empty text. */
static bool write_bit(struct slice text, struct buf *out)
{
    if (text.len == 0) {
        JSON_CONSTANT(out, "\"\"");
        return true;
    }
    if (text.len != 1 || (text.at[0] != '0' && text.at[0] != '1'))
        return false;
    buf_text(out, text.at[0] == '1' ? "true" : "false");
    return true;
}

static bool write_bits(struct json_value *w, struct slice text, struct buf *out)
{
    if (!bytes_read_bits(text, &w->work))
        return false;
    json_base64(out, buf_view(&w->work));
    return true;
}

static bool write_scalar(struct json_value *w, const struct semantic *s, struct slice text,
                         struct buf *out);

static bool write_element(struct json_value *w, const struct semantic *element,
                          const struct array_reader *r, struct buf *out)
{
    if (!r->escaped)
        return write_scalar(w, element, r->element, out);
    array_unescape(r->element, &w->element);
    return !w->element.failed && write_scalar(w, element, buf_view(&w->element), out);
}

/* Brackets for braces, at every level; commas between items whatever the delimiter was. */
static bool write_array(struct json_value *w, const struct semantic *s, struct slice text,
                        struct buf *out)
{
    struct array_reader r = array_reader_over(text, s->delimiter);
    bool comma = false;

    for (;;) {
        enum array_token token = array_reader_next(&r);

        if (comma && (token == ARRAY_OPEN || token == ARRAY_ELEMENT || token == ARRAY_NULL))
            buf_byte(out, ',');
        switch (token) {
        case ARRAY_OPEN:
            buf_byte(out, '[');
            break;
        case ARRAY_CLOSE:
            buf_byte(out, ']');
            break;
        case ARRAY_NULL:
            JSON_CONSTANT(out, "null");
            break;
        case ARRAY_ELEMENT:
            if (!write_element(w, s->element, &r, out))
                return false;
            break;
        case ARRAY_END:
            return true;
        case ARRAY_MALFORMED:
            return false;
        }
        comma = token != ARRAY_OPEN;
    }
}

static bool write_scalar(struct json_value *w, const struct semantic *s, struct slice text,
                         struct buf *out)
{
    switch (s->value) {
    case VALUE_BOOL:
        return write_bool(text, out);
    case VALUE_INTEGER:
        return write_integer(text, out);
    case VALUE_FLOAT:
        return float_write(out, text, FLOAT_SINGLE);
    case VALUE_DOUBLE:
        return float_write(out, text, FLOAT_DOUBLE);
    case VALUE_DECIMAL:
        return write_decimal(w, s->scale, text, out);
    case VALUE_ANY_DECIMAL:
        return write_any_decimal(w, text, out);
    case VALUE_MONEY:
        return write_money(w, s->scale, text, out);
    case VALUE_TEXT:
        json_string(out, text);
        return true;
    case VALUE_DATE:
        return write_date(text, out);
    case VALUE_TIME_MS:
        return write_time(text, 1000, out);
    case VALUE_TIME_US:
        return write_time(text, 1, out);
    case VALUE_TIMETZ:
        return write_timetz(text, out);
    case VALUE_TIMESTAMP_MS:
        return write_timestamp_ms(text, out);
    case VALUE_TIMESTAMP_US:
        return write_timestamp_us(text, out);
    case VALUE_TIMESTAMPTZ:
        return write_timestamptz(text, s->digits, out);
    case VALUE_INTERVAL:
        return write_interval(text, out);
    case VALUE_BYTES:
        return write_bytes(w, text, out);
    case VALUE_BIT:
        return write_bit(text, out);
    case VALUE_BITS:
        return write_bits(w, text, out);
    case VALUE_ARRAY:
        break; /* an array's element is never an array itself: see semantic_of() */
    }
    return false;
}

bool json_value_write(struct json_value *w, const struct semantic *s, struct slice text,
                      struct buf *out)
{
    if (s->value == VALUE_ARRAY)
        return write_array(w, s, text, out);
    return write_scalar(w, s, text, out);
}
