#include "relay/pg_quote.h"

static void quote(struct buf *out, struct slice text, uint8_t mark)
{
    buf_byte(out, mark);
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == mark)
            buf_byte(out, mark);
        buf_byte(out, text.at[i]);
    }
    buf_byte(out, mark);
}

void pg_quote_identifier(struct buf *out, struct slice name)
{
    quote(out, name, '"');
}

void pg_quote_table(struct buf *out, struct slice schema, struct slice name)
{
    pg_quote_identifier(out, schema);
    buf_byte(out, '.');
    pg_quote_identifier(out, name);
}

void pg_quote_literal(struct buf *out, struct slice text)
{
    quote(out, text, '\'');
}
