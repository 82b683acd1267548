#include "relay/import_properties.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "millrace/buf.h"
#include "relay/utf8.h"

#define TEXT_BYTES ((size_t)4 << 20)

struct reading {
    const char *name; /* of the file */
    struct arena *memory;
    struct property *first, **last;
    struct error *err;
};

static bool fail_at(const struct reading *r, int line, const char *text)
{
    return error_set(r->err, ERROR_CONFIG, "%s:%d: %s", r->name, line, text);
}

static bool too_large(const struct reading *r)
{
    return error_set(r->err, ERROR_CONFIG, "%s: it is too large for a connector's configuration",
                     r->name);
}

static const struct property *find(const struct reading *r, const char *name)
{
    const struct property *p = r->first;

    while (p != NULL && strcmp(p->name, name) != 0)
        p = p->next;
    return p;
}

/* A text with a NUL behind it. */
static bool keep(const struct reading *r, struct slice text, const char **out)
{
    char *copy = arena_alloc(r->memory, text.len + 1);

    if (copy == NULL)
        return too_large(r);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    *out = copy;
    return true;
}

static bool add(struct reading *r, struct slice name, struct slice value, int line)
{
    struct property *added = arena_array(r->memory, 1, sizeof *added);
    const struct property *twin;

    if (added == NULL)
        return too_large(r);
    if (memchr(name.at, 0, name.len) != NULL ||
        (value.len > 0 && memchr(value.at, 0, value.len) != NULL))
        return fail_at(r, line, "a NUL character: no property has one");
    if (!keep(r, name, &added->name) || !keep(r, value, &added->value))
        return false;
    twin = find(r, added->name);
    if (twin != NULL) {
        const char *salt = strstr(added->name, ".with.salt."); /* a secret stands behind it */
        int shown = salt == NULL || salt - added->name > 100 ? 100 : (int)(salt - added->name);

        return error_set(r->err, ERROR_CONFIG,
                         "%s:%d: %.*s is repeated (first on line %d): keep the one that is meant",
                         r->name, line, shown, added->name, twin->line);
    }
    added->line = line;
    *r->last = added;
    r->last = &added->next;
    return true;
}

/* ---- Java's .properties, as java.util.Properties.load reads them ---- */

struct lines {
    const uint8_t *at, *end;
    int line; /* of `at` */
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\f';
}

static void skip_blanks(struct lines *l)
{
    while (l->at < l->end && is_blank(*l->at))
        l->at++;
}

/* Over the end of a line, if one is here. */
static bool take_newline(struct lines *l)
{
    if (l->at == l->end || (*l->at != '\n' && *l->at != '\r'))
        return false;
    if (*l->at == '\r' && l->at + 1 < l->end && l->at[1] == '\n')
        l->at++;
    l->at++;
    l->line++;
    return true;
}

static void append_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_byte(out, (uint8_t)c);
    } else if (c < 0x800) {
        buf_byte(out, (uint8_t)(0xC0 | c >> 6));
        buf_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        buf_byte(out, (uint8_t)(0xE0 | c >> 12));
        buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
        buf_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
    } else {
        buf_byte(out, (uint8_t)(0xF0 | c >> 18));
        buf_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3F)));
        buf_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
        buf_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
    }
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* The four digits behind \u; they are passed. */
static bool take_unit(struct lines *l, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, l->at++) {
        int digit = l->at < l->end ? hex_digit(*l->at) : -1;

        if (digit < 0)
            return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

/* Behind \u. */
static bool take_unicode(const struct reading *r, struct lines *l, struct buf *out)
{
    uint32_t high, low = 0;
    bool ok = take_unit(l, &high);

    if (ok && high >= 0xD800 && high < 0xDC00) {
        ok = l->end - l->at >= 6 && l->at[0] == '\\' && l->at[1] == 'u';
        l->at += ok ? 2 : 0;
        ok = ok && take_unit(l, &low) && low >= 0xDC00 && low < 0xE000;
        high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    } else {
        ok = ok && !(high >= 0xDC00 && high < 0xE000);
    }
    if (!ok)
        return fail_at(r, l->line, "\\u wants four hexadecimal digits of a character");
    append_utf8(out, high);
    return true;
}

/* Behind a backslash. */
static bool take_escape(const struct reading *r, struct lines *l, struct buf *out)
{
    uint8_t byte;

    if (l->at == l->end)
        return true; /* Java drops it */
    if (take_newline(l)) {
        skip_blanks(l);
        return true;
    }
    byte = *l->at++;
    if (byte == 'u')
        return take_unicode(r, l, out);
    buf_byte(out, byte == 't'   ? '\t'
                  : byte == 'n' ? '\n'
                  : byte == 'r' ? '\r'
                  : byte == 'f' ? '\f'
                                : byte);
    return true;
}

/* To the end of the line, or of the name. */
static bool take_word(const struct reading *r, struct lines *l, bool is_name, struct buf *out)
{
    while (l->at < l->end && *l->at != '\n' && *l->at != '\r') {
        if (is_name && (*l->at == '=' || *l->at == ':' || is_blank(*l->at)))
            return true;
        if (*l->at == '\\') {
            l->at++;
            if (!take_escape(r, l, out))
                return false;
        } else {
            buf_byte(out, *l->at++);
        }
    }
    return true;
}

static void skip_line(struct lines *l)
{
    while (l->at < l->end && !take_newline(l))
        l->at++;
}

static bool take_property(struct reading *r, struct lines *l, struct buf *name, struct buf *value)
{
    int line = l->line;

    name->len = value->len = 0;
    if (!take_word(r, l, true, name))
        return false;
    skip_blanks(l);
    if (l->at < l->end && (*l->at == '=' || *l->at == ':')) {
        l->at++;
        skip_blanks(l);
    }
    if (!take_word(r, l, false, value))
        return false;
    (void)take_newline(l);
    if (name->failed || value->failed)
        return too_large(r);
    if (name->len == 0)
        return fail_at(r, line, "a value without a name in front of it");
    return add(r, buf_view(name), buf_view(value), line);
}

static bool read_lines(struct reading *r, struct lines *l, struct buf *name, struct buf *value)
{
    while (l->at < l->end) {
        skip_blanks(l);
        if (l->at == l->end || take_newline(l))
            continue;
        if (*l->at == '#' || *l->at == '!')
            skip_line(l);
        else if (!take_property(r, l, name, value))
            return false;
    }
    return true;
}

static bool read_properties(struct reading *r, struct slice file)
{
    struct lines l = {file.at, file.at + file.len, 1};
    struct buf name, value;
    bool ok;

    buf_init(&name, TEXT_BYTES);
    buf_init(&value, TEXT_BYTES);
    ok = read_lines(r, &l, &name, &value);
    buf_done(&name);
    buf_done(&value);
    return ok;
}

/* ---- JSON ---- */

static bool add_json(struct reading *r, const char *name, size_t name_len, const json_t *value)
{
    char number[64] = "";
    struct slice text = {(const uint8_t *)number, 0};

    if (json_is_string(value))
        text = slice_of(json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        (void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(number, sizeof number, "%g", json_real_value(value));
    else if (json_is_boolean(value))
        (void)snprintf(number, sizeof number, "%s", json_is_true(value) ? "true" : "false");
    else
        return error_set(r->err, ERROR_CONFIG,
                         "%s: the value of %.100s must be a text, a number, true or false", r->name,
                         name);
    if (!json_is_string(value))
        text = slice_text(number);
    return add(r, slice_of(name, name_len), text, 0);
}

/* Kafka Connect's {"name":...,"config":{...}}: name is one of the properties too. */
static bool add_object(struct reading *r, json_t *object)
{
    json_t *config = json_object_get(object, "config"), *value;
    const char *name;

    if (config != NULL && !json_is_object(config))
        return error_set(r->err, ERROR_CONFIG, "%s: config must be an object", r->name);
    if (config != NULL) {
        json_t *outer = json_object_get(object, "name");

        if (outer != NULL && json_object_get(config, "name") == NULL &&
            !add_json(r, "name", strlen("name"), outer))
            return false;
        object = config;
    }
    json_object_foreach(object, name, value)
    {
        if (!add_json(r, name, strlen(name), value))
            return false;
    }
    return true;
}

/* jansson quotes what it stumbled over, which may be a password. */
static bool refuse_json(const struct reading *r, const json_error_t *fault)
{
    const char *what = "this is no JSON";

    if (json_error_code(fault) == json_error_premature_end_of_input)
        what = "the JSON ends too early: is the file whole?";
    else if (json_error_code(fault) == json_error_duplicate_key)
        what = "a name is repeated in one object: keep the one that is meant";
    else if (json_error_code(fault) == json_error_end_of_input_expected)
        what = "something stands behind the JSON object: give one connector";
    else if (json_error_code(fault) == json_error_null_character)
        what = "a NUL character: no property has one";
    return error_set(r->err, ERROR_CONFIG, "%s:%d:%d: %s", r->name, fault->line, fault->column,
                     what);
}

static bool read_json(struct reading *r, struct slice file)
{
    json_error_t fault;
    json_t *root = json_loadb((const char *)file.at, file.len, JSON_REJECT_DUPLICATES, &fault);
    bool ok;

    if (root == NULL)
        return refuse_json(r, &fault);
    ok = json_is_object(root)
             ? add_object(r, root)
             : error_set(r->err, ERROR_CONFIG, "%s: this is a list: give one connector", r->name);
    json_decref(root);
    return ok;
}

/* ---- which of the two ---- */

static bool check_text(const struct reading *r, struct slice file)
{
    size_t good = utf8_span(file);

    for (size_t i = 0; i < good; i++)
        if (file.at[i] < 0x20 && !is_blank(file.at[i]) && file.at[i] != '\n' && file.at[i] != '\r')
            return error_set(r->err, ERROR_CONFIG,
                             "%s: byte %zu is no text: this is not a connector's configuration",
                             r->name, i);
    return good == file.len || error_set(r->err, ERROR_CONFIG,
                                         "%s: byte %zu is not UTF-8: is this a connector's "
                                         "configuration? Convert it with iconv -t UTF-8",
                                         r->name, good);
}

bool import_properties_read(const char *name, struct slice file, struct arena *memory,
                            struct property **out, struct error *err)
{
    struct reading r = {.name = name, .memory = memory, .err = err};
    size_t at = 0;

    r.last = &r.first;
    if (file.len >= 3 && memcmp(file.at, "\xEF\xBB\xBF", 3) == 0)
        file = slice_of(file.at + 3, file.len - 3);
    if (!check_text(&r, file))
        return false;
    while (at < file.len && (is_blank(file.at[at]) || file.at[at] == '\n' || file.at[at] == '\r'))
        at++;
    if (at == file.len)
        return error_set(err, ERROR_CONFIG, "%s: it is empty", name);
    if (!(file.at[at] == '{' || file.at[at] == '[' ? read_json(&r, file)
                                                   : read_properties(&r, file)))
        return false;
    *out = r.first;
    return true;
}
