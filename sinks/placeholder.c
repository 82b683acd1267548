#include "sinks/placeholder.h"

#include "sinks/json_write.h"
#include "sinks/md5.h"

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
    uint8_t id[16];

    md5(name, id);
    id[6] = (uint8_t)((id[6] & 0x0F) | 0x30);
    id[8] = (uint8_t)((id[8] & 0x3F) | 0x80);
    buf_byte(out, '"');
    for (size_t i = 0; i < sizeof id; i++) {
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

static void write_forms(struct buf *out, struct slice text, size_t ends[6])
{
    json_text(out, text);
    ends[0] = out->len;
    json_base64(out, text);
    ends[1] = out->len;
    write_list(out, json_text, text);
    ends[2] = out->len;
    write_list(out, json_base64, text);
    ends[3] = out->len;
    write_numbers(out, text);
    ends[4] = out->len;
    write_list(out, write_uuid, text);
    ends[5] = out->len;
}

void placeholder_init(struct placeholder *p, const char *text)
{
    struct slice *const forms[6] = {&p->text,       &p->bytes,       &p->text_list,
                                    &p->bytes_list, &p->number_list, &p->uuid_list};
    size_t ends[6], from = 0;

    *p = (struct placeholder){0};
    buf_init(&p->json, SIZE_MAX);
    write_forms(&p->json, slice_text(text), ends);
    for (size_t i = 0; i < 6; i++) {
        *forms[i] = slice_of(p->json.at + from, ends[i] - from);
        from = ends[i];
    }
}

void placeholder_done(struct placeholder *p)
{
    buf_done(&p->json);
}

static struct slice list_for(const struct placeholder *p, const struct semantic *element)
{
    if (element->value == VALUE_TEXT)
        return element->name != NULL && slice_is(slice_text(element->name), SEMANTIC_UUID)
                   ? p->uuid_list
                   : p->text_list;
    if (element->value == VALUE_BYTES)
        return p->bytes_list;
    if (element->value == VALUE_DATE ||
        (element->value == VALUE_INTEGER && element->base != CONNECT_INT16))
        return p->number_list;
    return slice_text("null");
}

struct slice placeholder_for(const struct placeholder *p, const struct semantic *s)
{
    if (s->value == VALUE_TEXT)
        return p->text;
    if (s->value == VALUE_BYTES)
        return p->bytes;
    return s->value == VALUE_ARRAY ? list_for(p, s->element) : slice_text("null");
}
