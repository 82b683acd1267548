#include "sinks/name_adjust.h"

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One character of UTF-8; a byte that is none stands for itself. */
static uint32_t take_character(struct slice *text)
{
    uint8_t first = text->at[0];
    size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    uint32_t c = first;

    if (more > 0 && more < text->len) {
        c = first & (0x3Fu >> more);
        for (size_t i = 1; i <= more; i++)
            c = c << 6 | (text->at[i] & 0x3F);
    } else {
        more = 0;
    }
    *text = slice_of(text->at + more + 1, text->len - more - 1);
    return c;
}

/* Two zeros in front of one digit or two, as there. */
static void write_unit(uint32_t unit, enum name_adjustment how, struct buf *out)
{
    if (how == NAMES_AVRO_UNICODE)
        buf_printf(out, unit <= 0xFF ? "_u00%lx" : "_u%lx", (unsigned long)unit);
    else
        buf_byte(out, '_');
}

static void write_illegal(uint32_t c, enum name_adjustment how, struct buf *out)
{
    if (c > 0xFFFF) {
        write_unit(0xD800 + ((c - 0x10000) >> 10), how, out);
        c = 0xDC00 + ((c - 0x10000) & 0x3FF);
    }
    write_unit(c, how, out);
}

void name_adjust(struct slice name, enum name_adjustment how, bool has_parts, struct buf *out)
{
    bool first = true, starts_part = false;

    if (how == NAMES_AS_THEY_ARE) {
        buf_slice(out, name);
        return;
    }
    while (name.len > 0) {
        uint32_t c = take_character(&name);
        bool is_dot = has_parts && c == '.';
        bool leads = is_letter(c) || (c == '_' && how == NAMES_AVRO);

        if (is_digit(c) && (starts_part || (first && how == NAMES_AVRO)))
            buf_byte(out, '_');
        if (leads || (is_digit(c) && !(first && how == NAMES_AVRO_UNICODE)) || (is_dot && !first))
            buf_byte(out, (uint8_t)c);
        else
            write_illegal(c, how, out);
        first = false;
        starts_part = is_dot;
    }
}
