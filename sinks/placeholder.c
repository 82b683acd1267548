#include "sinks/placeholder.h"

#include <assert.h>
#include <string.h>

#include "sinks/digest.h"
#include "sinks/json_write.h"
#include "sinks/value_bytes.h"

#define PLACEHOLDER_FORMS 7
#define UUID_BYTES 16u

static void write_numbers(struct buf *out, struct slice text)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < text.len; i++) {
        if (i > 0)
            buf_byte(out, ',');
        json_i64(out, (int8_t)text.at[i]); /* Java's bytes have a sign */
    }
    buf_byte(out, ']');
}

/* Java's UUID.nameUUIDFromBytes(). */
static void write_uuid(struct buf *out, struct slice name)
{
    static const char digits[] = "0123456789abcdef";
    struct error err = {0};
    struct digest *md5 = digest_create(DIGEST_MD5, &err);
    uint8_t id[DIGEST_BYTES_MAX] = {0};
    size_t len = md5 == NULL ? 0 : digest_of(md5, name, slice_text(""), id);

    assert(len == UUID_BYTES); /* a libcrypto built without MD5, or no memory for 100 bytes */
    digest_destroy(md5);
    id[6] = (uint8_t)((id[6] & 0x0F) | 0x30);
    id[8] = (uint8_t)((id[8] & 0x3F) | 0x80);
    buf_byte(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buf_byte(out, '-');
        buf_byte(out, (uint8_t)digits[id[i] >> 4]);
        buf_byte(out, (uint8_t)digits[id[i] & 0xF]);
    }
    buf_byte(out, '"');
}

static void write_list(struct buf *out, void (*write)(struct buf *out, struct slice text),
                       struct slice text)
{
    buf_byte(out, '[');
    write(out, text);
    buf_byte(out, ']');
}

static void write_map(struct buf *out, struct slice text)
{
    buf_byte(out, '{');
    json_text(out, text);
    buf_byte(out, ':');
    json_text(out, text);
    buf_byte(out, '}');
}

static void write_forms(struct buf *out, struct slice bytes, struct slice text,
                        size_t ends[PLACEHOLDER_FORMS])
{
    json_text(out, text);
    ends[0] = out->len;
    json_base64(out, bytes);
    ends[1] = out->len;
    write_list(out, json_text, text);
    ends[2] = out->len;
    write_list(out, json_base64, bytes);
    ends[3] = out->len;
    write_numbers(out, bytes);
    ends[4] = out->len;
    write_list(out, write_uuid, bytes);
    ends[5] = out->len;
    write_map(out, text);
    ends[6] = out->len;
}

/* How many bytes the character at the start has; 0 when they are not UTF-8.  Overlong forms count
 * as characters: they do no harm here. */
static size_t character_length(struct slice text)
{
    size_t len = text.at[0] < 0x80   ? 1
                 : text.at[0] < 0xC2 ? 0
                 : text.at[0] < 0xE0 ? 2
                 : text.at[0] < 0xF0 ? 3
                 : text.at[0] < 0xF5 ? 4
                                     : 0;

    if (len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((text.at[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

/* As Java makes a text of bytes: U+FFFD for what is no UTF-8. */
static void append_as_text(struct buf *out, struct slice bytes)
{
    size_t len;

    for (size_t i = 0; i < bytes.len; i += len) {
        len = character_length(slice_of(bytes.at + i, bytes.len - i));
        if (len > 0)
            buf_append(out, bytes.at + i, len);
        else
            buf_text(out, "\xEF\xBF\xBD");
        len = len > 0 ? len : 1;
    }
}

void placeholder_init(struct placeholder *p, const char *text)
{
    static const char hex[] = "hex:";
    struct slice *const forms[PLACEHOLDER_FORMS] = {&p->text,       &p->bytes,       &p->text_list,
                                                    &p->bytes_list, &p->number_list, &p->uuid_list,
                                                    &p->map};
    size_t ends[PLACEHOLDER_FORMS], from = 0;
    struct slice given = slice_text(text);
    struct buf bytes, shown;

    *p = (struct placeholder){0};
    buf_init(&p->json, SIZE_MAX);
    buf_init(&bytes, SIZE_MAX);
    buf_init(&shown, SIZE_MAX);
    if (strncmp(text, hex, strlen(hex)) == 0 &&
        bytes_read_digits(slice_text(text + strlen(hex)), &bytes))
        given = buf_view(&bytes);
    append_as_text(&shown, given);
    write_forms(&p->json, given, buf_view(&shown), ends);
    buf_done(&bytes);
    buf_done(&shown);
    for (size_t i = 0; i < PLACEHOLDER_FORMS; i++) {
        *forms[i] = slice_of(p->json.at + from, ends[i] - from);
        from = ends[i];
    }
}

void placeholder_done(struct placeholder *p)
{
    buf_done(&p->json);
}

static bool is_text(const struct semantic *s)
{
    return s->value == VALUE_TEXT || s->value == VALUE_HSTORE_JSON ||
           s->value == VALUE_BYTES_BASE64 || s->value == VALUE_BYTES_URL ||
           s->value == VALUE_BYTES_HEX;
}

static bool is_uuid(const struct semantic *s)
{
    struct slice name = slice_text(s->name == NULL ? "" : s->name);

    return slice_is(name, SEMANTIC_UUID) || slice_is(name, SEMANTIC_AVRO_UUID);
}

static struct slice list_for(const struct placeholder *p, const struct semantic *element)
{
    if (is_text(element))
        return is_uuid(element) ? p->uuid_list : p->text_list;
    if (element->value == VALUE_BYTES)
        return p->bytes_list;
    if (element->value == VALUE_DATE ||
        (element->value == VALUE_INTEGER && element->base != CONNECT_INT16))
        return p->number_list;
    return slice_text("null");
}

struct slice placeholder_for(const struct placeholder *p, const struct semantic *s)
{
    if (is_text(s))
        return p->text;
    if (s->value == VALUE_BYTES)
        return p->bytes;
    if (s->value == VALUE_HSTORE_MAP)
        return p->map;
    return s->value == VALUE_ARRAY ? list_for(p, s->element) : slice_text("null");
}
