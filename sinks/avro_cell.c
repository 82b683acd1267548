#include "sinks/avro_cell.h"

#include "sinks/avro_json.h"
#include "sinks/avro_write.h"
#include "sinks/value_array.h"
#include "sinks/value_bytes.h"
#include "sinks/value_numeric.h"
#include "sinks/value_time.h"

#define KEEP_BYTES ((size_t)1 << 20)

/* What Debezium writes for timestamp(0..3) infinity, in milliseconds. */
#define INFINITY_MS INT64_C(9223372036825200000)
#define MINUS_INFINITY_MS INT64_C(-9223372036832400000)

typedef enum encode_outcome (*write_function)(struct avro_cell *w, const struct semantic *s,
                                              struct slice text, struct buf *out);

void avro_cell_init(struct avro_cell *w, struct json_value *json, size_t limit_bytes)
{
    w->json = json;
    buf_init(&w->text, limit_bytes);
    buf_init(&w->scratch, limit_bytes);
}

void avro_cell_done(struct avro_cell *w)
{
    buf_done(&w->text);
    buf_done(&w->scratch);
}

static enum encode_outcome write_bool(struct avro_cell *w, const struct semantic *s,
                                      struct slice text, struct buf *out)
{
    (void)w;
    (void)s;
    if (text.len != 1 || (text.at[0] != 't' && text.at[0] != 'f'))
        return ENCODE_MALFORMED;
    buf_byte(out, text.at[0] == 't');
    return ENCODE_DONE;
}

/* An empty varbit(1) has no boolean. */
static enum encode_outcome write_bit(struct avro_cell *w, const struct semantic *s,
                                     struct slice text, struct buf *out)
{
    (void)w;
    (void)s;
    if (text.len == 0)
        return ENCODE_UNFIT;
    if (text.len != 1 || (text.at[0] != '0' && text.at[0] != '1'))
        return ENCODE_MALFORMED;
    buf_byte(out, text.at[0] == '1');
    return ENCODE_DONE;
}

static bool read_integer(struct slice text, int64_t *out)
{
    const uint8_t *at = text.at, *end;
    bool negative;
    uint64_t number = 0;

    if (text.len == 0)
        return false;
    end = at + text.len;
    negative = *at == '-';
    at += negative ? 1 : 0;
    if (at == end || end - at > 19) /* 19 digits never pass 64 bits */
        return false;
    for (; at < end; at++) {
        unsigned digit = *at - (unsigned)'0';

        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    if (number > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *out = negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

static enum encode_outcome write_integer(struct avro_cell *w, const struct semantic *s,
                                         struct slice text, struct buf *out)
{
    int64_t number;

    (void)w;
    if (!read_integer(text, &number))
        return ENCODE_MALFORMED;
    if ((s->base == CONNECT_INT16 && (number < INT16_MIN || number > INT16_MAX)) ||
        (s->base == CONNECT_INT32 && (number < INT32_MIN || number > INT32_MAX)))
        return ENCODE_MALFORMED;
    avro_write_long(out, number);
    return ENCODE_DONE;
}

static enum encode_outcome write_float(struct avro_cell *w, const struct semantic *s,
                                       struct slice text, struct buf *out)
{
    float number;

    (void)w;
    (void)s;
    if (!float_read_single(text, &number))
        return ENCODE_MALFORMED;
    avro_write_float(out, number);
    return ENCODE_DONE;
}

static enum encode_outcome write_double(struct avro_cell *w, const struct semantic *s,
                                        struct slice text, struct buf *out)
{
    double number;

    (void)w;
    (void)s;
    if (!float_read(text, &number))
        return ENCODE_MALFORMED;
    avro_write_double(out, number);
    return ENCODE_DONE;
}

static enum encode_outcome write_unscaled(struct avro_cell *w, const struct numeric *n,
                                          int64_t scale, struct buf *out)
{
    struct slice bytes;

    if (!numeric_unscaled(n, scale, &w->json->work, &bytes))
        return ENCODE_MALFORMED;
    avro_write_bytes(out, bytes);
    return ENCODE_DONE;
}

static enum encode_outcome write_decimal(struct avro_cell *w, const struct semantic *s,
                                         struct slice text, struct buf *out)
{
    struct short_numeric few;
    struct numeric n;
    struct slice bytes;
    uint8_t word[8];

    if (numeric_read_short(text, &few) && numeric_unscaled_short(&few, s->scale, word, &bytes)) {
        avro_write_bytes(out, bytes);
        return ENCODE_DONE;
    }
    if (numeric_is_special(text))
        return ENCODE_UNFIT;
    return numeric_read(text, &n) ? write_unscaled(w, &n, s->scale, out) : ENCODE_MALFORMED;
}

static enum encode_outcome write_any_decimal(struct avro_cell *w, const struct semantic *s,
                                             struct slice text, struct buf *out)
{
    struct numeric n;
    int64_t scale;

    (void)s;
    if (numeric_is_special(text))
        return ENCODE_UNFIT;
    if (!numeric_read(text, &n))
        return ENCODE_MALFORMED;
    scale = (int64_t)numeric_decimals(&n);
    avro_write_long(out, scale);
    return write_unscaled(w, &n, scale, out);
}

static enum encode_outcome write_text(struct avro_cell *w, const struct semantic *s,
                                      struct slice text, struct buf *out)
{
    (void)w;
    (void)s;
    avro_write_bytes(out, text);
    return ENCODE_DONE;
}

static enum encode_outcome write_date(struct avro_cell *w, const struct semantic *s,
                                      struct slice text, struct buf *out)
{
    int32_t days;

    (void)w;
    if (!time_read_date(text, &days))
        return ENCODE_MALFORMED;
    if (s->finite && (days == INT32_MAX || days == INT32_MIN))
        return ENCODE_UNFIT;
    avro_write_long(out, days);
    return ENCODE_DONE;
}

static enum encode_outcome write_time(struct avro_cell *w, const struct semantic *s,
                                      struct slice text, struct buf *out)
{
    int64_t us;

    (void)w;
    if (!time_read_time(text, &us))
        return ENCODE_MALFORMED;
    if (s->finite && us == TIME_DAY_US)
        return ENCODE_UNFIT;
    avro_write_long(out, s->value == VALUE_TIME_MS ? us / 1000 : us);
    return ENCODE_DONE;
}

static enum encode_outcome write_timestamp_ms(struct avro_cell *w, const struct semantic *s,
                                              struct slice text, struct buf *out)
{
    struct moment m;

    (void)w;
    (void)s;
    if (!time_read_timestamp(text, &m))
        return ENCODE_MALFORMED;
    switch (m.kind) {
    case MOMENT_FINITE:
        avro_write_long(out, m.seconds * 1000 + m.micros / 1000);
        break;
    case MOMENT_INFINITY:
        avro_write_long(out, INFINITY_MS);
        break;
    case MOMENT_MINUS_INFINITY:
        avro_write_long(out, MINUS_INFINITY_MS);
        break;
    }
    return ENCODE_DONE;
}

static enum encode_outcome write_timestamp_us(struct avro_cell *w, const struct semantic *s,
                                              struct slice text, struct buf *out)
{
    bool zoned = s->value == VALUE_TIMESTAMPTZ_US;
    struct moment m;
    int64_t us = 0;

    (void)w;
    if (!(zoned ? time_read_timestamptz(text, &m) : time_read_timestamp(text, &m)))
        return ENCODE_MALFORMED;
    if (m.kind != MOMENT_FINITE && s->finite)
        return ENCODE_UNFIT;
    if (m.kind == MOMENT_INFINITY)
        us = INT64_MAX;
    else if (m.kind == MOMENT_MINUS_INFINITY)
        us = INT64_MIN;
    else if (!time_moment_us(&m, &us))
        return ENCODE_UNFIT;
    avro_write_long(out, us);
    return ENCODE_DONE;
}

/* Forty bytes at most: the length takes one, filled in afterwards. */
static enum encode_outcome write_timestamptz(struct avro_cell *w, const struct semantic *s,
                                             struct slice text, struct buf *out)
{
    size_t from = out->len;
    struct moment m;

    if (!time_read_timestamptz(text, &m))
        return ENCODE_MALFORMED;
    if (m.kind != MOMENT_FINITE)
        return write_text(w, s, text, out);
    buf_byte(out, 0);
    time_write_zoned(out, &m, s->digits);
    if (!out->failed)
        out->at[from] = (uint8_t)((out->len - from - 1) << 1);
    return ENCODE_DONE;
}

static enum encode_outcome write_interval(struct avro_cell *w, const struct semantic *s,
                                          struct slice text, struct buf *out)
{
    int64_t us;

    (void)w;
    (void)s;
    if (!time_read_interval(text, &us))
        return ENCODE_MALFORMED;
    avro_write_long(out, us);
    return ENCODE_DONE;
}

static enum encode_outcome write_bytes(struct avro_cell *w, const struct semantic *s,
                                       struct slice text, struct buf *out)
{
    bool read = s->value == VALUE_BITS ? bytes_read_bits(text, &w->json->work)
                                       : bytes_read_hex(text, &w->json->work);

    if (!read)
        return ENCODE_MALFORMED;
    avro_write_bytes(out, buf_view(&w->json->work));
    return ENCODE_DONE;
}

/* Kinds that are not here go by way of JSON. */
static const write_function writers[VALUE_ARRAY + 1] = {
    [VALUE_BOOL] = write_bool,
    [VALUE_INTEGER] = write_integer,
    [VALUE_FLOAT] = write_float,
    [VALUE_DOUBLE] = write_double,
    [VALUE_DECIMAL] = write_decimal,
    [VALUE_ANY_DECIMAL] = write_any_decimal,
    [VALUE_TEXT] = write_text,
    [VALUE_DATE] = write_date,
    [VALUE_TIME_MS] = write_time,
    [VALUE_TIME_US] = write_time,
    [VALUE_TIMESTAMP_MS] = write_timestamp_ms,
    [VALUE_TIMESTAMP_US] = write_timestamp_us,
    [VALUE_TIMESTAMPTZ] = write_timestamptz,
    [VALUE_TIMESTAMPTZ_US] = write_timestamp_us,
    [VALUE_INTERVAL] = write_interval,
    [VALUE_BYTES] = write_bytes,
    [VALUE_BITS] = write_bytes,
    [VALUE_BIT] = write_bit,
};

enum encode_outcome avro_cell_write_json(struct avro_cell *w, const struct semantic *s,
                                         const struct connect_schema *schema, struct slice text,
                                         struct buf *out)
{
    struct connect_schema required = *schema;
    size_t start = out->len;

    required.optional = false;
    buf_reset(&w->text, KEEP_BYTES);
    buf_reset(&w->scratch, KEEP_BYTES);
    if (!json_value_write(w->json, s, text, &w->text))
        return json_value_was_unfit(w->json) ? ENCODE_UNFIT : ENCODE_MALFORMED;
    if (avro_json_write(buf_view(&w->text), &required, &w->scratch, out))
        return ENCODE_DONE;
    if (w->text.failed || w->scratch.failed)
        out->failed = true; /* larger than any record may be */
    out->len = start;
    return ENCODE_UNFIT;
}

static enum encode_outcome write_scalar(struct avro_cell *w, const struct semantic *s,
                                        const struct connect_schema *schema, struct slice text,
                                        struct buf *out)
{
    write_function write = writers[s->value];

    if (write != NULL)
        return write(w, s, text, out);
    return avro_cell_write_json(w, s, schema, text, out);
}

static enum encode_outcome count_elements(const struct semantic *s, struct slice text,
                                          int64_t *out_count)
{
    struct array_reader r = array_reader_over(text, s->delimiter);
    unsigned depth = 0;

    *out_count = 0;
    for (;;) {
        switch (array_reader_next(&r)) {
        case ARRAY_OPEN:
            if (++depth > 1)
                return ENCODE_UNFIT;
            break;
        case ARRAY_CLOSE:
            break;
        case ARRAY_ELEMENT:
        case ARRAY_NULL:
            ++*out_count;
            break;
        case ARRAY_END:
            return ENCODE_DONE;
        case ARRAY_MALFORMED:
            return ENCODE_MALFORMED;
        }
    }
}

static enum encode_outcome write_element(struct avro_cell *w, const struct semantic *s,
                                         const struct connect_schema *schema,
                                         const struct array_reader *r, struct buf *out)
{
    struct slice text = r->element;
    size_t start = out->len;
    enum encode_outcome outcome;

    if (r->escaped) {
        array_unescape(r->element, &w->json->element);
        if (w->json->element.failed)
            return ENCODE_MALFORMED;
        text = buf_view(&w->json->element);
    }
    if (schema->optional)
        buf_byte(out, avro_value_branch(schema));
    outcome = write_scalar(w, s, schema, text, out);
    if (outcome != ENCODE_UNFIT || !s->debezium || !schema->optional)
        return outcome;
    out->len = start;
    buf_byte(out, avro_null_branch(schema));
    return ENCODE_DONE;
}

/* One block of all elements, then the empty block. */
static enum encode_outcome write_array(struct avro_cell *w, const struct semantic *s,
                                       const struct connect_schema *schema, struct slice text,
                                       struct buf *out)
{
    struct array_reader r = array_reader_over(text, s->delimiter);
    enum encode_outcome outcome;
    size_t start = out->len;
    int64_t count;

    outcome = count_elements(s, text, &count);
    if (outcome == ENCODE_UNFIT && s->debezium)
        return avro_cell_write_json(w, s, schema, text, out); /* nulls for what is nested */
    if (outcome == ENCODE_DONE && count > 0)
        avro_write_long(out, count);
    for (int64_t left = count; outcome == ENCODE_DONE && left > 0;) {
        enum array_token token = array_reader_next(&r);

        if (token == ARRAY_ELEMENT) {
            outcome = write_element(w, s->element, schema->items, &r, out);
            left--;
        } else if (token == ARRAY_NULL) {
            buf_byte(out, avro_null_branch(schema->items));
            outcome = schema->items->optional ? ENCODE_DONE : ENCODE_UNFIT;
            left--;
        }
    }
    avro_write_long(out, 0);
    if (outcome == ENCODE_UNFIT)
        out->len = start;
    return outcome;
}

NOINLINE static enum encode_outcome write_other(struct avro_cell *w, const struct semantic *s,
                                                const struct connect_schema *schema,
                                                struct slice text, struct buf *out)
{
    if (s->value == VALUE_ARRAY)
        return write_array(w, s, schema, text, out);
    return avro_cell_write_json(w, s, schema, text, out);
}

enum encode_outcome avro_cell_write(struct avro_cell *w, const struct semantic *s,
                                    const struct connect_schema *schema, struct slice text,
                                    struct buf *out)
{
    write_function write = writers[s->value];

    if (write != NULL) /* the short way, with nothing that would have to be saved on it */
        return write(w, s, text, out);
    return write_other(w, s, schema, text, out);
}
