#include "sinks/value_geometry.h"

#include "sinks/value_bytes.h"
#include "sinks/value_numeric.h"

#define EWKB_HAS_SRID 0x20000000u
#define LSEG_BYTES (1 + 4 + 4 + 4 * sizeof(double))

enum wkb_type { WKB_POINT = 1, WKB_LINE_STRING = 2, WKB_POLYGON = 3 };

/* What is left of the text.  Each take_... moves on only when it returns true. */
struct cursor {
    const uint8_t *at, *end;
};

static struct cursor cursor_over(struct slice text)
{
    const uint8_t *at = text.at != NULL ? text.at : (const uint8_t *)"";

    return (struct cursor){at, at + text.len};
}

static bool take_byte(struct cursor *c, char byte)
{
    if (c->at == c->end || *c->at != (uint8_t)byte)
        return false;
    c->at++;
    return true;
}

static bool ends_number(uint8_t c)
{
    return c == ',' || c == ')' || c == '>' || c == '}';
}

static bool take_number(struct cursor *c, double *out)
{
    const uint8_t *start = c->at;

    while (c->at < c->end && !ends_number(*c->at))
        c->at++;
    return float_read(slice_of(start, (size_t)(c->at - start)), out);
}

static bool take_point(struct cursor *c, struct geometry_point *out)
{
    return take_byte(c, '(') && take_number(c, &out->x) && take_byte(c, ',') &&
           take_number(c, &out->y) && take_byte(c, ')');
}

static void put_u32(struct buf *wkb, uint32_t number)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        buf_byte(wkb, (uint8_t)(number >> shift));
}

static void put_double(struct buf *wkb, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    for (unsigned shift = 0; shift < 64; shift += 8)
        buf_byte(wkb, (uint8_t)(bits >> shift));
}

static void put_point(struct buf *wkb, struct geometry_point point)
{
    put_double(wkb, point.x);
    put_double(wkb, point.y);
}

static void put_head(struct buf *wkb, enum wkb_type type)
{
    wkb->len = 0;
    buf_byte(wkb, 1);
    put_u32(wkb, (uint32_t)type);
}

static bool same_place(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, 2 * sizeof(double)) == 0;
}

bool geometry_read_point(struct slice text, struct geometry_point *out, struct buf *wkb)
{
    struct cursor c = cursor_over(text);

    if (!take_point(&c, out) || c.at != c.end)
        return false;
    put_head(wkb, WKB_POINT);
    put_point(wkb, *out);
    return !wkb->failed;
}

bool geometry_read_line(struct slice text, double out_abc[3])
{
    struct cursor c = cursor_over(text);

    return take_byte(&c, '{') && take_number(&c, &out_abc[0]) && take_byte(&c, ',') &&
           take_number(&c, &out_abc[1]) && take_byte(&c, ',') && take_number(&c, &out_abc[2]) &&
           take_byte(&c, '}') && c.at == c.end;
}

bool geometry_read_circle(struct slice text, struct geometry_point *out_center, double *out_radius,
                          struct buf *wkb)
{
    struct cursor c = cursor_over(text);

    if (!take_byte(&c, '<') || !take_point(&c, out_center) || !take_byte(&c, ',') ||
        !take_number(&c, out_radius) || !take_byte(&c, '>') || c.at != c.end)
        return false;
    put_head(wkb, WKB_POINT);
    put_point(wkb, *out_center);
    return !wkb->failed;
}

/* Two opposite corners, the upper right one first; its ring goes down first. */
static bool read_box(struct cursor *c, struct buf *wkb)
{
    struct geometry_point high, low;

    if (!take_point(c, &high) || !take_byte(c, ',') || !take_point(c, &low) || c->at != c->end)
        return false;
    put_head(wkb, WKB_POLYGON);
    put_u32(wkb, 1);
    put_u32(wkb, 5);
    put_point(wkb, high);
    put_point(wkb, (struct geometry_point){high.x, low.y});
    put_point(wkb, low);
    put_point(wkb, (struct geometry_point){low.x, high.y});
    put_point(wkb, high);
    return !wkb->failed;
}

/* Points up to the end of the text; returns how many, 0 when they are malformed. */
static uint32_t read_points(struct cursor *c, char last, struct buf *wkb)
{
    struct geometry_point point;
    uint32_t count = 0;

    do {
        if (!take_point(c, &point))
            return 0;
        put_point(wkb, point);
        count++;
    } while (take_byte(c, ','));
    return take_byte(c, last) && c->at == c->end ? count : 0;
}

static uint32_t close_ring(struct buf *wkb, size_t from, uint32_t count)
{
    const size_t point_bytes = 2 * sizeof(double);
    const uint8_t *first = wkb->at + from;
    uint8_t copy[2 * sizeof(double)];

    if (same_place(first, wkb->at + wkb->len - point_bytes))
        return count;
    memcpy(copy, first, point_bytes); /* the buffer may move */
    buf_append(wkb, copy, point_bytes);
    return count + 1;
}

/* The points are written behind room for their number, which is known at the end. */
static bool read_ring(struct cursor *c, char last, enum wkb_type type, struct buf *wkb)
{
    size_t counter, from;
    uint32_t count;

    put_head(wkb, type);
    if (type == WKB_POLYGON)
        put_u32(wkb, 1);
    counter = wkb->len;
    put_u32(wkb, 0);
    from = wkb->len;
    count = read_points(c, last, wkb);
    if (count == 0 || wkb->failed)
        return false;
    if (type == WKB_POLYGON)
        count = close_ring(wkb, from, count);
    for (unsigned i = 0; i < 4; i++)
        wkb->at[counter + i] = (uint8_t)(count >> (8 * i));
    return !wkb->failed;
}

bool geometry_read_shape(struct slice text, enum geometry_kind kind, struct buf *wkb,
                         bool *out_closed)
{
    struct cursor c = cursor_over(text);
    bool closed = false;

    switch (kind) {
    case GEOMETRY_BOX:
        return read_box(&c, wkb);
    case GEOMETRY_LSEG:
        return take_byte(&c, '[') && read_ring(&c, ']', WKB_LINE_STRING, wkb) &&
               wkb->len == LSEG_BYTES;
    case GEOMETRY_POLYGON:
        return take_byte(&c, '(') && read_ring(&c, ')', WKB_POLYGON, wkb);
    case GEOMETRY_PATH:
        break;
    }
    closed = take_byte(&c, '(');
    if ((!closed && !take_byte(&c, '[')) ||
        !read_ring(&c, closed ? ')' : ']', WKB_LINE_STRING, wkb))
        return false;
    *out_closed = closed;
    return true;
}

static uint32_t ewkb_u32(const uint8_t *at, bool little)
{
    if (little)
        return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    return at[3] | (uint32_t)at[2] << 8 | (uint32_t)at[1] << 16 | (uint32_t)at[0] << 24;
}

bool geometry_read_ewkb(struct slice text, struct buf *wkb, bool *out_has_srid, int32_t *out_srid)
{
    bool little, has_srid;

    if (!bytes_read_digits(text, wkb) || wkb->len < 5 || wkb->at[0] > 1)
        return false;
    little = wkb->at[0] == 1;
    has_srid = (ewkb_u32(wkb->at + 1, little) & EWKB_HAS_SRID) != 0;
    if (has_srid) {
        if (wkb->len < 9)
            return false;
        *out_srid = (int32_t)ewkb_u32(wkb->at + 5, little);
    }
    *out_has_srid = has_srid;
    return true;
}
