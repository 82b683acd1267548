#include "sinks/topic_name.h"

static bool is_legal(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static void put(struct topic_name *name, char c)
{
    if (name->len < TOPIC_NAME_MAX)
        name->text[name->len] = c;
    name->len++; /* counts on, so that the caller sees by how much it is too long */
}

static void append(struct topic_name *name, struct slice part)
{
    for (size_t i = 0; i < part.len; i++) {
        uint8_t c = part.at[i];

        if (is_legal(c)) {
            put(name, (char)c);
        } else if ((c & 0xC0) != 0x80) { /* not the rest of a character that had its `_` */
            put(name, '_');
            if (c >= 0xF0)
                put(name, '_');
        }
    }
}

static bool finish(struct topic_name *name)
{
    if (name->len > TOPIC_NAME_MAX)
        return false;
    name->text[name->len] = '\0';
    return true;
}

bool topic_name_of_table(const char *prefix, const char *delimiter, struct slice schema,
                         struct slice table, struct topic_name *out, struct error *err)
{
    *out = (struct topic_name){.len = 0};
    append(out, slice_text(prefix));
    append(out, slice_text(delimiter));
    append(out, schema);
    append(out, slice_text(delimiter));
    append(out, table);
    if (!finish(out))
        return error_set(
            err, ERROR_CONFIG,
            "table %.*s.%.*s: its topic name would have %zu characters, Kafka allows %d: "
            "choose a shorter topic prefix",
            SLICE_ARGS(schema), SLICE_ARGS(table), out->len, TOPIC_NAME_MAX);
    return true;
}

bool topic_name_of_text(struct slice text, struct topic_name *out)
{
    *out = (struct topic_name){.len = 0};
    append(out, text);
    return out->len > 0 && finish(out);
}

bool topic_name_of_parts(const char *prefix, const char *delimiter, const char *last,
                         struct topic_name *out, struct error *err)
{
    *out = (struct topic_name){.len = 0};
    append(out, slice_text(prefix));
    append(out, slice_text(delimiter));
    append(out, slice_text(last));
    if (!finish(out))
        return error_set(err, ERROR_CONFIG,
                         "the name of topic %.40s... would have %zu characters, Kafka allows %d: "
                         "choose a shorter topic prefix",
                         out->text, out->len, TOPIC_NAME_MAX);
    return true;
}
