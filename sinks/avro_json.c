#include "sinks/avro_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/avro_write.h"
#include "sinks/json_write.h"

#define NUMBER_MAX 64u /* digits of a JSON number */

/* What is left of the JSON; no blanks, as our writer makes it. */
struct json_rest {
    const uint8_t *at, *end;
};

static bool take(struct json_rest *r, const char *text)
{
    size_t len = strlen(text);

    if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
        return false;
    r->at += len;
    return true;
}

static bool take_hex(struct json_rest *r, uint32_t *out)
{
    *out = 0;
    if (r->end - r->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        uint8_t c = *r->at++;

        if (c >= '0' && c <= '9')
            *out = *out << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            *out = *out << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    return true;
}

static void write_utf8(uint32_t c, struct buf *out)
{
    if (c < 0x80) {
        buf_byte(out, (uint8_t)c);
        return;
    }
    if (c < 0x800) {
        buf_byte(out, (uint8_t)(0xC0 | c >> 6));
    } else {
        if (c < 0x10000) {
            buf_byte(out, (uint8_t)(0xE0 | c >> 12));
        } else {
            buf_byte(out, (uint8_t)(0xF0 | c >> 18));
            buf_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3F)));
        }
        buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
    }
    buf_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
}

/* Behind "\u": one character, of two escapes where it is beyond U+FFFF. */
static bool take_unicode(struct json_rest *r, struct buf *out)
{
    uint32_t c, low;

    if (!take_hex(r, &c))
        return false;
    if (c >= 0xD800 && c < 0xDC00) {
        if (!take(r, "\\u") || !take_hex(r, &low))
            return false;
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    write_utf8(c, out);
    return true;
}

static bool take_escape(struct json_rest *r, struct buf *out)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (r->at == r->end)
        return false;
    if (*r->at == 'u') {
        r->at++;
        return take_unicode(r, out);
    }
    found = *r->at == 0 ? NULL : strchr(letters, *r->at);
    if (found == NULL)
        return false;
    r->at++;
    buf_byte(out, (uint8_t)meanings[found - letters]);
    return true;
}

/* Replaces the content of `out` by the string's text. */
static bool take_string(struct json_rest *r, struct buf *out)
{
    out->len = 0;
    if (!take(r, "\""))
        return false;
    while (r->at < r->end) {
        const uint8_t *from = r->at;

        while (r->at < r->end && *r->at != '"' && *r->at != '\\')
            r->at++;
        buf_append(out, from, (size_t)(r->at - from));
        if (take(r, "\""))
            return !out->failed;
        if (!take(r, "\\") || !take_escape(r, out))
            return false;
    }
    return false;
}

static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Base64 in place, with padding.  False: it is none. */
static bool decode(struct buf *b)
{
    size_t len = b->len, to = 0;
    uint32_t bits = 0;

    if (len % 4 != 0)
        return false;
    for (int pad = 0; pad < 2 && len > 0 && b->at[len - 1] == '='; pad++)
        len--;
    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(b->at[i]);

        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 > 0)
            b->at[to++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    b->len = to;
    return true;
}

static struct slice take_number(struct json_rest *r)
{
    const uint8_t *from = r->at;

    while (r->at < r->end && *r->at != ',' && *r->at != ']' && *r->at != '}')
        r->at++;
    return slice_of(from, (size_t)(r->at - from));
}

static bool number_text(struct slice from, char text[NUMBER_MAX + 1])
{
    if (from.len == 0 || from.len > NUMBER_MAX)
        return false;
    memcpy(text, from.at, from.len);
    text[from.len] = '\0';
    return true;
}

static bool write_integer(struct json_rest *r, enum connect_base base, struct buf *out)
{
    char text[NUMBER_MAX + 1], *end;
    long long number;

    if (!number_text(take_number(r), text))
        return false;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text)
        return false;
    if ((base == CONNECT_INT32 && (number < INT32_MIN || number > INT32_MAX)) ||
        (base == CONNECT_INT16 && (number < INT16_MIN || number > INT16_MAX)))
        return false;
    avro_write_long(out, number);
    return true;
}

/* NaN and the infinities are strings. */
static bool write_floating(struct json_rest *r, enum connect_base base, struct buf *scratch,
                           struct buf *out)
{
    char text[NUMBER_MAX + 1], *end;
    struct slice from;

    if (r->at < r->end && *r->at == '"') {
        if (!take_string(r, scratch))
            return false;
        from = buf_view(scratch);
    } else {
        from = take_number(r);
    }
    if (!number_text(from, text))
        return false;
    if (base == CONNECT_FLOAT32)
        avro_write_float(out, strtof(text, &end));
    else
        avro_write_double(out, strtod(text, &end));
    return *end == '\0' && end != text;
}

static bool write_next(struct json_rest *r, const struct connect_schema *schema,
                       struct buf *scratch, struct buf *out);

/* How many items, or members, of the array or object that `r` is in front of. */
static int64_t count_items(struct json_rest r)
{
    unsigned depth = 0;
    int64_t count = 0;
    bool in_string = false;

    for (; r.at < r.end; r.at++) {
        uint8_t c = *r.at;

        if (in_string) {
            in_string = c != '"';
            if (c == '\\')
                r.at++;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if (c == ']' || c == '}') {
            if (--depth == 0)
                return r.at[-1] == '[' || r.at[-1] == '{' ? 0 : count + 1;
        } else if (c == ',' && depth == 1) {
            count++;
        }
    }
    return 0;
}

static bool write_item(struct json_rest *r, const struct connect_schema *schema,
                       struct buf *scratch, struct buf *out)
{
    if (schema->base == CONNECT_MAP) {
        if (!take_string(r, scratch) || !take(r, ":"))
            return false;
        avro_write_bytes(out, buf_view(scratch));
    }
    return write_next(r, schema->items, scratch, out);
}

/* One block of all items, then the empty block. */
static bool write_items(struct json_rest *r, const struct connect_schema *schema,
                        struct buf *scratch, struct buf *out)
{
    bool is_map = schema->base == CONNECT_MAP;
    int64_t count = count_items(*r);

    if (!take(r, is_map ? "{" : "["))
        return false;
    if (count > 0)
        avro_write_long(out, count);
    for (int64_t i = 0; i < count; i++) {
        if (i > 0 && !take(r, ","))
            return false;
        if (!write_item(r, schema, scratch, out))
            return false;
    }
    avro_write_long(out, 0);
    return take(r, is_map ? "}" : "]");
}

/* Members come in the fields' order; one that is missing is null. */
static bool write_fields(struct json_rest *r, const struct connect_schema *schema,
                         struct buf *scratch, struct buf *out)
{
    static const uint8_t null[] = "null";
    bool first = true;

    if (!take(r, "{"))
        return false;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct connect_field *field = &schema->fields[i];
        struct json_rest member = *r, missing = {null, null + 4};

        if ((first || take(&member, ",")) && take_string(&member, scratch) &&
            slice_equal(buf_view(scratch), field->name) && take(&member, ":")) {
            if (!write_next(&member, field->schema, scratch, out))
                return false;
            *r = member;
            first = false;
        } else if (!write_next(&missing, field->schema, scratch, out)) {
            return false;
        }
    }
    return take(r, "}");
}

static bool write_string(struct json_rest *r, enum connect_base base, struct buf *scratch,
                         struct buf *out)
{
    if (!take_string(r, scratch) || (base == CONNECT_BYTES && !decode(scratch)))
        return false;
    avro_write_bytes(out, buf_view(scratch));
    return true;
}

static bool write_required(struct json_rest *r, const struct connect_schema *schema,
                           struct buf *scratch, struct buf *out)
{
    switch (schema->base) {
    case CONNECT_BOOLEAN:
        if (take(r, "true"))
            buf_byte(out, 1);
        else if (take(r, "false"))
            buf_byte(out, 0);
        else
            return false;
        return true;
    case CONNECT_INT16:
    case CONNECT_INT32:
    case CONNECT_INT64:
        return write_integer(r, schema->base, out);
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64:
        return write_floating(r, schema->base, scratch, out);
    case CONNECT_STRING:
    case CONNECT_BYTES:
        return write_string(r, schema->base, scratch, out);
    case CONNECT_ARRAY:
    case CONNECT_MAP:
        return write_items(r, schema, scratch, out);
    case CONNECT_STRUCT:
        break;
    }
    return write_fields(r, schema, scratch, out);
}

static bool write_next(struct json_rest *r, const struct connect_schema *schema,
                       struct buf *scratch, struct buf *out)
{
    if (take(r, "null")) {
        buf_byte(out, avro_null_branch(schema));
        return schema->optional;
    }
    if (schema->optional)
        buf_byte(out, avro_value_branch(schema));
    return write_required(r, schema, scratch, out);
}

bool avro_json_write(struct slice json, const struct connect_schema *schema, struct buf *scratch,
                     struct buf *out)
{
    struct json_rest r = {json.at, json.at + json.len};

    return write_next(&r, schema, scratch, out) && r.at == r.end && !out->failed;
}

void avro_json_bytes(struct slice base64, struct buf *out)
{
    struct json_rest r = {base64.at, base64.at + base64.len};
    struct buf bytes, text;

    buf_init(&bytes, SIZE_MAX);
    buf_init(&text, SIZE_MAX);
    if (take_string(&r, &bytes) && decode(&bytes))
        for (size_t i = 0; i < bytes.len; i++)
            write_utf8(bytes.at[i], &text);
    json_text(out, buf_view(&text));
    buf_done(&bytes);
    buf_done(&text);
}
