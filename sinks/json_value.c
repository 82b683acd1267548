#include "sinks/json_value.h"

#include "sinks/json_object.h"
#include "sinks/json_time.h"
#include "sinks/json_write.h"
#include "sinks/value_array.h"
#include "sinks/value_bytes.h"
#include "sinks/value_numeric.h"

#define INTEGER_TEXT_MAX 20u /* -9223372036854775808 */

void json_value_init(struct json_value *w, size_t limit_bytes)
{
    buf_init(&w->work, limit_bytes);
    buf_init(&w->element, limit_bytes);
    w->unfit = false;
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

bool json_value_was_unfit(struct json_value *w)
{
    bool unfit = w->unfit;

    w->unfit = false;
    return unfit;
}

bool json_write_beyond(struct json_value *w, const struct semantic *s, struct slice text,
                       struct buf *out)
{
    if (s->strict)
        w->unfit = true;
    else if (s->debezium)
        JSON_CONSTANT(out, "null");
    else
        json_text(out, text);
    return !s->strict;
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
    if (text.at[at] == '0' && text.len > at + 1) /* no number to JSON */
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

static bool write_decimal(struct json_value *w, const struct semantic *s, struct slice text,
                          struct buf *out)
{
    struct short_numeric few;
    struct numeric n;
    struct slice bytes;
    uint8_t word[8];

    if (numeric_read_short(text, &few) && numeric_unscaled_short(&few, s->scale, word, &bytes)) {
        json_base64(out, bytes);
        return true;
    }
    if (numeric_is_special(text))
        return json_write_beyond(w, s, text, out);
    return numeric_read(text, &n) && write_unscaled(w, &n, s->scale, out);
}

static bool write_any_decimal(struct json_value *w, const struct semantic *s, struct slice text,
                              struct buf *out)
{
    struct numeric n;
    size_t scale;

    if (numeric_is_special(text))
        return json_write_beyond(w, s, text, out);
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

/* Debezium calls them by the names of its enum. */
static const char *special_name(struct slice text)
{
    if (slice_is(text, "NaN"))
        return "NAN";
    return text.at[0] == '-' ? "NEGATIVE_INFINITY" : "POSITIVE_INFINITY";
}

static bool write_decimal_text(const struct semantic *s, struct slice text, struct buf *out)
{
    struct numeric n;

    if (numeric_is_special(text))
        json_text(out, s->debezium ? slice_text(special_name(text)) : text);
    else if (numeric_read(text, &n))
        json_text(out, text);
    else
        return false;
    return true;
}

static bool write_decimal_double(struct json_value *w, struct slice text, struct buf *out)
{
    double number;

    if (!numeric_read_double(text, &w->work, &number))
        return false;
    float_write_double(out, number);
    return true;
}

/* -1234.56 */
static bool money_plain(struct json_value *w, struct slice text)
{
    struct numeric n;
    struct buf *plain = &w->work;

    if (!money_read(text, &w->element, &n))
        return false;
    plain->len = 0;
    if (n.negative)
        buf_byte(plain, '-');
    buf_slice(plain, n.whole);
    buf_byte(plain, '.');
    buf_slice(plain, n.fraction);
    return !plain->failed;
}

static bool write_money_text(struct json_value *w, struct slice text, struct buf *out)
{
    if (!money_plain(w, text))
        return false;
    json_text(out, buf_view(&w->work));
    return true;
}

static bool write_money_double(struct json_value *w, struct slice text, struct buf *out)
{
    double number;

    if (!money_plain(w, text) || !float_read(buf_view(&w->work), &number))
        return false;
    float_write_double(out, number);
    return true;
}

static void write_base64_url(struct slice bytes, struct buf *out)
{
    size_t from = out->len;

    json_base64(out, bytes);
    for (size_t i = from; i < out->len && !out->failed; i++) {
        if (out->at[i] == '+')
            out->at[i] = '-';
        else if (out->at[i] == '/')
            out->at[i] = '_';
    }
}

static void write_hex(struct slice bytes, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";

    buf_byte(out, '"');
    for (size_t i = 0; i < bytes.len; i++) {
        buf_byte(out, (uint8_t)digits[bytes.at[i] >> 4]);
        buf_byte(out, (uint8_t)digits[bytes.at[i] & 0xF]);
    }
    buf_byte(out, '"');
}

void json_bytes(struct buf *out, struct slice bytes, enum binary_mode mode)
{
    switch (mode) {
    case BINARY_BYTES:
    case BINARY_BASE64:
        json_base64(out, bytes);
        break;
    case BINARY_BASE64_URL_SAFE:
        write_base64_url(bytes, out);
        break;
    case BINARY_HEX:
        write_hex(bytes, out);
        break;
    }
}

static bool write_bytes(struct json_value *w, enum binary_mode mode, struct slice text,
                        struct buf *out)
{
    if (!bytes_read_hex(text, &w->work))
        return false;
    json_bytes(out, buf_view(&w->work), mode);
    return true;
}

/* An empty varbit(1) has no boolean. */
static bool write_bit(struct json_value *w, const struct semantic *s, struct slice text,
                      struct buf *out)
{
    if (text.len == 0)
        return json_write_beyond(w, s, text, out);
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

static bool write_any_element(struct json_value *w, const struct semantic *element,
                              const struct array_reader *r, struct buf *out)
{
    if (!r->escaped)
        return write_scalar(w, element, r->element, out);
    array_unescape(r->element, &w->element);
    return !w->element.failed && write_scalar(w, element, buf_view(&w->element), out);
}

/* Any element may be null: Debezium's null has its place in every schema. */
static bool write_element(struct json_value *w, const struct semantic *element,
                          const struct array_reader *r, struct buf *out)
{
    size_t start = out->len;

    if (write_any_element(w, element, r, out))
        return true;
    if (!element->debezium || !json_value_was_unfit(w))
        return false;
    out->len = start;
    JSON_CONSTANT(out, "null");
    return true;
}

/* A nested array where Debezium can only have one without: null, and the text is checked all the
 * same. */
static bool skip_nested(struct json_value *w, const struct semantic *element,
                        struct array_reader *r, struct buf *out)
{
    size_t keep = out->len;
    enum array_token token = ARRAY_OPEN;

    while (r->depth > 1) {
        token = array_reader_next(r);
        if (token == ARRAY_MALFORMED)
            return false;
        if (token == ARRAY_ELEMENT && !write_element(w, element, r, out))
            return false;
    }
    out->len = keep;
    JSON_CONSTANT(out, "null");
    return true;
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
        comma = token != ARRAY_OPEN;
        switch (token) {
        case ARRAY_OPEN:
            if (r.depth > 1 && s->debezium) {
                comma = true;
                if (!skip_nested(w, s->element, &r, out))
                    return false;
            } else if (r.depth > 1 && s->strict) {
                w->unfit = true;
                return false;
            } else {
                buf_byte(out, '[');
            }
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
        return write_decimal(w, s, text, out);
    case VALUE_ANY_DECIMAL:
        return write_any_decimal(w, s, text, out);
    case VALUE_DECIMAL_TEXT:
        return write_decimal_text(s, text, out);
    case VALUE_DECIMAL_DOUBLE:
        return write_decimal_double(w, text, out);
    case VALUE_MONEY:
        return write_money(w, s->scale, text, out);
    case VALUE_MONEY_TEXT:
        return write_money_text(w, text, out);
    case VALUE_MONEY_DOUBLE:
        return write_money_double(w, text, out);
    case VALUE_TEXT:
        json_text(out, text);
        return true;
    case VALUE_DATE:
    case VALUE_DATE_ISO:
    case VALUE_TIME_MS:
    case VALUE_TIME_US:
    case VALUE_TIME_NS:
    case VALUE_TIME_ISO:
    case VALUE_TIMETZ:
    case VALUE_TIMESTAMP_MS:
    case VALUE_TIMESTAMP_US:
    case VALUE_TIMESTAMP_NS:
    case VALUE_TIMESTAMP_ISO:
    case VALUE_TIMESTAMPTZ:
    case VALUE_TIMESTAMPTZ_US:
    case VALUE_INTERVAL:
    case VALUE_INTERVAL_ISO:
        return json_write_time(w, s, text, out);
    case VALUE_BYTES:
    case VALUE_BYTES_BASE64:
        return write_bytes(w, BINARY_BYTES, text, out);
    case VALUE_BYTES_URL:
        return write_bytes(w, BINARY_BASE64_URL_SAFE, text, out);
    case VALUE_BYTES_HEX:
        return write_bytes(w, BINARY_HEX, text, out);
    case VALUE_BIT:
        return write_bit(w, s, text, out);
    case VALUE_BITS:
        return write_bits(w, text, out);
    case VALUE_HSTORE_JSON:
    case VALUE_HSTORE_MAP:
    case VALUE_POINT:
    case VALUE_LINE:
    case VALUE_LSEG:
    case VALUE_BOX:
    case VALUE_PATH:
    case VALUE_POLYGON:
    case VALUE_CIRCLE:
    case VALUE_GEOMETRY:
    case VALUE_GEOGRAPHY:
    case VALUE_VECTOR:
    case VALUE_SPARSE_VECTOR:
        return json_write_object(s, text, &w->work, out);
    case VALUE_ARRAY:
        break; /* an array's element is never an array itself: see semantic_of() */
    }
    return false;
}

bool json_value_write_short(const struct semantic *s, struct slice text, struct buf *out)
{
    if (s->value == VALUE_INTEGER)
        return write_integer(text, out);
    if (s->value != VALUE_TEXT)
        return false;
    json_text(out, text);
    return true;
}

bool json_value_write(struct json_value *w, const struct semantic *s, struct slice text,
                      struct buf *out)
{
    if (s->value == VALUE_ARRAY)
        return write_array(w, s, text, out);
    return write_scalar(w, s, text, out);
}
