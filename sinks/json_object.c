#include "sinks/json_object.h"

#include "sinks/json_write.h"
#include "sinks/value_geometry.h"
#include "sinks/value_hstore.h"
#include "sinks/value_numeric.h"
#include "sinks/value_vector.h"

static void put_point(const struct geometry_point *point, const struct buf *wkb, struct buf *out)
{
    JSON_CONSTANT(out, "{\"x\":");
    float_write_double(out, point->x);
    JSON_CONSTANT(out, ",\"y\":");
    float_write_double(out, point->y);
    JSON_CONSTANT(out, ",\"wkb\":");
    json_base64(out, buf_view(wkb));
    JSON_CONSTANT(out, ",\"srid\":null}");
}

static bool write_point(struct slice text, struct buf *work, struct buf *out)
{
    struct geometry_point point;

    if (!geometry_read_point(text, &point, work))
        return false;
    put_point(&point, work, out);
    return true;
}

static bool write_line(struct slice text, struct buf *out)
{
    double abc[3];

    if (!geometry_read_line(text, abc))
        return false;
    JSON_CONSTANT(out, "{\"a\":");
    float_write_double(out, abc[0]);
    JSON_CONSTANT(out, ",\"b\":");
    float_write_double(out, abc[1]);
    JSON_CONSTANT(out, ",\"c\":");
    float_write_double(out, abc[2]);
    buf_byte(out, '}');
    return true;
}

static bool write_circle(struct slice text, struct buf *work, struct buf *out)
{
    struct geometry_point center;
    double radius;

    if (!geometry_read_circle(text, &center, &radius, work))
        return false;
    JSON_CONSTANT(out, "{\"center\":");
    put_point(&center, work, out);
    JSON_CONSTANT(out, ",\"radius\":");
    float_write_double(out, radius);
    buf_byte(out, '}');
    return true;
}

static const char *extensions_of(enum geometry_kind kind, bool closed)
{
    switch (kind) {
    case GEOMETRY_LSEG:
        return "{\"type\":\"lseg\"}";
    case GEOMETRY_BOX:
        return "{\"type\":\"box\"}";
    case GEOMETRY_POLYGON:
        return "{\"type\":\"polygon\"}";
    case GEOMETRY_PATH:
        break;
    }
    return closed ? "{\"type\":\"path\",\"closed\":\"true\"}"
                  : "{\"type\":\"path\",\"closed\":\"false\"}";
}

static bool write_shape(struct slice text, enum geometry_kind kind, struct buf *work,
                        struct buf *out)
{
    bool closed = false;

    if (!geometry_read_shape(text, kind, work, &closed))
        return false;
    JSON_CONSTANT(out, "{\"wkb\":");
    json_base64(out, buf_view(work));
    JSON_CONSTANT(out, ",\"srid\":null,\"extensions\":");
    buf_text(out, extensions_of(kind, closed));
    buf_byte(out, '}');
    return true;
}

static bool write_ewkb(struct slice text, bool extensions, struct buf *work, struct buf *out)
{
    bool has_srid;
    int32_t srid = 0;

    if (!geometry_read_ewkb(text, work, &has_srid, &srid))
        return false;
    JSON_CONSTANT(out, "{\"wkb\":");
    json_base64(out, buf_view(work));
    JSON_CONSTANT(out, ",\"srid\":");
    if (has_srid)
        json_i64(out, srid);
    else
        JSON_CONSTANT(out, "null");
    if (extensions)
        JSON_CONSTANT(out, ",\"extensions\":null");
    buf_byte(out, '}');
    return true;
}

static bool write_vector(const struct semantic *element, struct slice text, struct buf *out)
{
    enum float_width width = element->value == VALUE_FLOAT ? FLOAT_SINGLE : FLOAT_DOUBLE;
    struct vector_reader r = vector_reader_over(text, false);
    enum vector_token token;
    bool comma = false;

    buf_byte(out, '[');
    while ((token = vector_reader_next(&r)) == VECTOR_NUMBER) {
        if (comma)
            buf_byte(out, ',');
        if (!float_write(out, r.number, width))
            return false;
        comma = true;
    }
    buf_byte(out, ']');
    return token == VECTOR_END;
}

/* The dimensions come last in the text and first in the struct, hence `work`. */
static bool write_sparse_vector(struct slice text, struct buf *work, struct buf *out)
{
    struct vector_reader r = vector_reader_over(text, true);
    enum vector_token token;

    work->len = 0;
    while ((token = vector_reader_next(&r)) == VECTOR_NUMBER) {
        buf_byte(work, work->len == 0 ? '[' : ',');
        buf_byte(work, '[');
        json_i64(work, r.index);
        buf_byte(work, ',');
        if (r.index > INT16_MAX || !float_write(work, r.number, FLOAT_DOUBLE))
            return false;
        buf_byte(work, ']');
    }
    if (token != VECTOR_END || r.dimensions > INT16_MAX || work->failed)
        return false;
    JSON_CONSTANT(out, "{\"dimensions\":");
    json_i64(out, r.dimensions);
    JSON_CONSTANT(out, ",\"vector\":");
    buf_slice(out, work->len == 0 ? slice_text("[") : buf_view(work));
    JSON_CONSTANT(out, "]}");
    return true;
}

typedef void string_writer(struct buf *out, struct slice text);

/* What lies between backslashes; each hides the byte behind it, which is the first of a run. */
static void write_unescaped(struct slice text, string_writer *write, struct buf *out)
{
    size_t from = 0;

    buf_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '\\')
            continue;
        write(out, slice_of(text.at + from, i - from));
        from = ++i;
    }
    write(out, slice_of(text.at + from, text.len - from));
    buf_byte(out, '"');
}

/* As Jackson writes to a string: characters beyond U+FFFF stay, since the string around this one
 * escapes them. */
static void write_inner(struct buf *out, struct slice text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_append(out, text.at + from, i - from);
        json_string_body(out, slice_of(text.at + i, 1));
        from = i + 1;
    }
    buf_append(out, text.at + from, text.len - from);
}

static bool write_pairs(struct slice text, string_writer *write, struct buf *out)
{
    struct hstore_reader r = hstore_reader_over(text);
    enum hstore_token token;
    bool comma = false;

    buf_byte(out, '{');
    while ((token = hstore_reader_next(&r)) == HSTORE_PAIR) {
        if (comma)
            buf_byte(out, ',');
        write_unescaped(r.key, write, out);
        buf_byte(out, ':');
        if (r.has_value)
            write_unescaped(r.value, write, out);
        else
            JSON_CONSTANT(out, "null");
        comma = true;
    }
    buf_byte(out, '}');
    return token == HSTORE_END;
}

static bool write_hstore(struct slice text, bool quoted, struct buf *work, struct buf *out)
{
    if (!quoted)
        return write_pairs(text, json_string_body, out);
    work->len = 0;
    if (!write_pairs(text, write_inner, work) || work->failed)
        return false;
    json_text(out, buf_view(work));
    return true;
}

static bool write_any_shape(enum value_kind value, struct slice text, struct buf *work,
                            struct buf *out)
{
    if (value == VALUE_LSEG)
        return write_shape(text, GEOMETRY_LSEG, work, out);
    if (value == VALUE_BOX)
        return write_shape(text, GEOMETRY_BOX, work, out);
    if (value == VALUE_PATH)
        return write_shape(text, GEOMETRY_PATH, work, out);
    return write_shape(text, GEOMETRY_POLYGON, work, out);
}

bool json_write_object(const struct semantic *s, struct slice text, struct buf *work,
                       struct buf *out)
{
    if (s->value == VALUE_HSTORE_JSON || s->value == VALUE_HSTORE_MAP)
        return write_hstore(text, s->value == VALUE_HSTORE_JSON, work, out);
    if (s->value == VALUE_VECTOR)
        return write_vector(s->element, text, out);
    if (s->value == VALUE_SPARSE_VECTOR)
        return write_sparse_vector(text, work, out);
    if (s->value == VALUE_GEOMETRY || s->value == VALUE_GEOGRAPHY)
        return write_ewkb(text, s->value == VALUE_GEOMETRY, work, out);
    if (s->value == VALUE_POINT)
        return write_point(text, work, out);
    if (s->value == VALUE_LINE)
        return write_line(text, out);
    if (s->value == VALUE_CIRCLE)
        return write_circle(text, work, out);
    return write_any_shape(s->value, text, work, out);
}
