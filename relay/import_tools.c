/* import_tools - notes, values and lists of the importer. */
#include "relay/import_private.h"

#include <stdarg.h>
#include <string.h>

#include "millrace/patterns.h"
#include "relay/import_pattern.h"
#include "relay/option_value.h"

#define TEXT_BYTES ((size_t)1 << 20)

/* ---- properties ---- */

static struct property *find(const struct importing *i, const char *name)
{
    struct property *p = i->properties;

    while (p != NULL && strcmp(p->name, name) != 0)
        p = p->next;
    return p;
}

const char *import_peek(const struct importing *i, const char *name)
{
    const struct property *p = find(i, name);

    return p == NULL ? NULL : p->value;
}

const char *import_take(struct importing *i, const char *name)
{
    struct property *p = find(i, name);

    if (p == NULL)
        return NULL;
    p->used = true;
    return import_trim(i, p->value, strlen(p->value));
}

static const char *keep(struct importing *i, struct slice text)
{
    char *copy = arena_alloc(i->memory, text.len + 1);

    if (copy == NULL) {
        i->full = true;
        return "";
    }
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return copy;
}

static const char *keep_buf(struct importing *i, struct buf *text)
{
    const char *kept = keep(i, buf_view(text));

    i->full = i->full || text->failed;
    buf_done(text);
    return kept;
}

static const char *format(struct importing *i, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static const char *format(struct importing *i, const char *fmt, va_list args)
{
    va_list again;
    int len;
    char *text = NULL;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (len >= 0)
        text = arena_alloc(i->memory, (size_t)len + 1);
    if (text == NULL) {
        i->full = true;
        return "";
    }
    (void)vsnprintf(text, (size_t)len + 1, fmt, args);
    return text;
}

const char *import_text(struct importing *i, const char *fmt, ...)
{
    const char *text;
    va_list args;

    va_start(args, fmt);
    text = format(i, fmt, args);
    va_end(args);
    return text;
}

const char *import_trim(struct importing *i, const char *text, size_t len)
{
    while (len > 0 && strchr(" \t\r\n\f", *text) != NULL) {
        text++;
        len--;
    }
    while (len > 0 && strchr(" \t\r\n\f", text[len - 1]) != NULL)
        len--;
    return keep(i, slice_of(text, len));
}

/* ---- notes ---- */

/* The salt of a hash stands in the property's name. */
static const char *without_salt(struct importing *i, const char *name)
{
    static const char mark[] = ".with.salt.";
    const char *at = strstr(name, mark);

    if (at == NULL)
        return name;
    return import_text(i, "%.*s***", (int)((size_t)(at - name) + strlen(mark)), name);
}

/* Names come from a file: nothing in them may end a line. */
static const char *in_one_line(struct importing *i, const char *text)
{
    struct buf out;

    buf_init(&out, TEXT_BYTES);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        buf_byte(&out, byte < 0x20 || byte == 0x7F ? '?' : byte);
    }
    return keep_buf(i, &out);
}

static void add_note(struct importing *i, bool lost, const char *name, const char *text)
{
    struct import_note *note = arena_array(i->memory, 1, sizeof *note);

    if (note == NULL) {
        i->full = true;
        return;
    }
    *note = (struct import_note){
        .lost = lost, .name = in_one_line(i, without_salt(i, name)), .text = in_one_line(i, text)};
    *i->last_note = note;
    i->last_note = &note->next;
}

void import_lost(struct importing *i, const char *name, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_note(i, true, name, format(i, fmt, args));
    va_end(args);
}

void import_look(struct importing *i, const char *name, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_note(i, false, name, format(i, fmt, args));
    va_end(args);
}

/* ---- options ---- */

static const char **place_of(const struct importing *i, const struct option *option)
{
    size_t count;

    return &i->out->yaml[option - option_table(&count)];
}

bool import_is_set(const struct importing *i, const char *path)
{
    const struct option *option = option_find(path);

    return option != NULL && *place_of(i, option) != NULL;
}

/* In YAML's double quotes; dollars are left alone. */
static void quote_raw(struct buf *out, const char *text)
{
    buf_byte(out, '"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            buf_byte(out, '\\');
        if (byte < 0x20 || byte == 0x7F)
            buf_printf(out, "\\x%02x", (unsigned)byte);
        else
            buf_byte(out, byte);
    }
    buf_byte(out, '"');
}

const char *import_literal(struct importing *i, const char *text)
{
    struct buf out;

    buf_init(&out, TEXT_BYTES);
    for (; *text != '\0'; text++) {
        if (*text == '$')
            buf_byte(&out, '$');
        buf_byte(&out, (uint8_t)*text);
    }
    return keep_buf(i, &out);
}

static const char *quoted(struct importing *i, const char *text)
{
    struct buf out;

    buf_init(&out, TEXT_BYTES);
    option_value_print_quoted(text, &out);
    return keep_buf(i, &out);
}

/* The variable that holds what a secret is: the one of the example file. */
static const char *variable_of(struct importing *i, const struct option *option)
{
    const char *sample = option->sample == NULL ? "" : option->sample;
    size_t len = strlen(sample);
    const char *word = strrchr(option->path, '.');
    char name[64] = "";
    size_t used = 0;

    if (len > 3 && strncmp(sample, "${", 2) == 0 && sample[len - 1] == '}')
        return import_text(i, "%.*s", (int)(len - 3), sample + 2);
    for (word = word == NULL ? option->path : word + 1; *word != '\0' && used < 40; word++) {
        name[used] = *word;
        if (*word >= 'a' && *word <= 'z')
            name[used] = (char)(*word - 'a' + 'A');
        used++;
    }
    return import_text(i, "MILLRACE_%s", name);
}

static bool is_variable(const char *name, size_t len)
{
    for (size_t k = 0; k < len; k++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", name[k]) ==
            NULL)
            return false;
    return len > 0 && !(name[0] >= '0' && name[0] <= '9');
}

/* ${env:NAME}, of Kafka's EnvVarConfigProvider, or ${NAME}: the variable.  NULL: it is neither, or
 * not all of the value. */
static const char *variable_in(struct importing *i, const char *value)
{
    size_t len = strlen(value), skip = strncmp(value, "${env:", 6) == 0 ? 6 : 2;

    if (len < skip + 2 || strncmp(value, "${", 2) != 0 || value[len - 1] != '}' ||
        !is_variable(value + skip, len - skip - 1))
        return NULL;
    return import_text(i, "%.*s", (int)(len - skip - 1), value + skip);
}

static void set_variable(struct importing *i, const struct option *option, const char *variable)
{
    *place_of(i, option) = import_text(i, "\"${%s}\"", variable);
}

/* A value that stands elsewhere: ${file:/path:key}, ${vault:...}.  True: dealt with. */
static bool set_reference(struct importing *i, const struct option *option, const char *name,
                          const char *value)
{
    const char *variable = variable_in(i, value), *at = strstr(value, "${");

    if (variable == NULL && (at == NULL || strchr(at, ':') == NULL || strchr(at, '}') == NULL))
        return false;
    if (variable == NULL) {
        variable = variable_of(i, option);
        import_look(i, name,
                    "its value stands elsewhere (a config provider of Kafka Connect): set the "
                    "environment variable %s to it",
                    variable);
    }
    set_variable(i, option, variable);
    return true;
}

const char *import_set_variable(struct importing *i, const struct option *option)
{
    const char *variable = variable_of(i, option);

    set_variable(i, option, variable);
    return variable;
}

void import_set_secret(struct importing *i, const struct option *option, const char *name)
{
    const char *value = import_peek(i, name), *variable = NULL;

    if (value != NULL)
        variable = variable_in(i, value);
    if (variable == NULL) {
        variable = variable_of(i, option);
        import_look(i, name, "secrets are not copied: set the environment variable %s", variable);
    }
    set_variable(i, option, variable);
}

char import_lower(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return (char)(letter - 'A' + 'a');
    return letter;
}

static const char *lower(struct importing *i, const char *text)
{
    size_t len = strlen(text);
    char *copy = arena_alloc(i->memory, len + 1);

    if (copy == NULL) {
        i->full = true;
        return "";
    }
    for (size_t k = 0; k <= len; k++)
        copy[k] = import_lower(text[k]);
    return copy;
}

/* As the option would be written. */
static const char *in_units(struct importing *i, const struct option *option, const char *value)
{
    switch (option->type) {
    case OPTION_DURATION:
        return import_text(i, "%.40sms", value);
    case OPTION_BOOL:
    case OPTION_ENUM:
        return lower(i, value); /* Debezium takes them in any case */
    case OPTION_TEXT:
        return option->choices == NULL ? value : lower(i, value);
    case OPTION_PATH:
    case OPTION_INT32:
    case OPTION_INT64:
    case OPTION_SIZE:
    case OPTION_SIZE64:
    case OPTION_LIST:
    case OPTION_MAP:
        break;
    }
    return value;
}

static bool set_scalar(struct importing *i, const struct option *option, const char *name,
                       const char *value)
{
    const char *written = in_units(i, option, value);
    struct error err = {0};
    struct buf text;

    if (!option_value_store(option, written, &i->scratch, &err)) {
        import_lost(i, name, "%s", err.text);
        return false;
    }
    buf_init(&text, TEXT_BYTES);
    option_value_print(option, &i->scratch, &text);
    *place_of(i, option) = keep_buf(i, &text);
    return true;
}

void import_add(struct importing *i, const char *path, const char *item)
{
    const struct option *option = option_find(path);
    const char **place = option == NULL ? NULL : place_of(i, option);
    struct buf text;

    if (place == NULL)
        return;
    buf_init(&text, TEXT_BYTES);
    if (*place == NULL)
        buf_byte(&text, '[');
    else
        buf_printf(&text, "%.*s, ", (int)(strlen(*place) - 1), *place);
    quote_raw(&text, item);
    buf_byte(&text, ']');
    *place = keep_buf(i, &text);
}

/* Tells of a pattern that cannot be written, and what stands for it. */
static const char *unwritten(struct importing *i, const char *name, const char *java,
                             const char *why)
{
    i->unwritten++;
    import_lost(i, name,
                "'%.200s' is no POSIX regular expression (%s): write it anew in place of "
                "${MILLRACE_PATTERN_%u}",
                java, why, i->unwritten);
    return import_text(i, "${MILLRACE_PATTERN_%u}", i->unwritten);
}

const char *import_converted(struct importing *i, const char *name, const char *java, bool groups)
{
    struct pattern_set set = {0};
    struct error err = {0};
    const char *why = NULL, *text;
    struct buf out;

    buf_init(&out, TEXT_BYTES);
    if (!import_pattern(java, groups, &out, &why)) {
        buf_done(&out);
        return unwritten(i, name, java, why);
    }
    text = keep_buf(i, &out);
    if (pattern_set_add(&set, name, text, &err))
        text = import_literal(i, text);
    else
        text = unwritten(i, name, java, "it does not compile");
    pattern_set_done(&set);
    return text;
}

void import_split(struct importing *i, const char *list, char separator, void *context,
                  void (*each)(struct importing *i, void *context, const char *item))
{
    while (*list != '\0') {
        struct buf item;
        const char *text;

        buf_init(&item, TEXT_BYTES);
        for (; *list != '\0' && *list != separator; list++) {
            if (*list == '\\' && list[1] == separator)
                list++;
            else if (*list == '\\' && list[1] != '\0')
                buf_byte(&item, (uint8_t)*list++);
            buf_byte(&item, (uint8_t)*list);
        }
        text = keep_buf(i, &item);
        text = import_trim(i, text, strlen(text));
        if (*text != '\0')
            each(i, context, text);
        list += *list != '\0';
    }
}

struct list_item {
    const struct option *option;
    const char *name; /* of the property */
    bool patterns;
};

static void add_item(struct importing *i, void *context, const char *item)
{
    const struct list_item *l = context;

    import_add(i, l->option->path,
               l->patterns ? import_converted(i, l->name, item, false) : import_literal(i, item));
}

bool import_set(struct importing *i, const struct option *option, const char *name,
                const char *value)
{
    struct list_item list = {option, name, option->patterns};

    if (option->type == OPTION_MAP)
        return false;
    if (option->type == OPTION_LIST && variable_in(i, value) != NULL) {
        import_look(i, name, "the variable holds one item of the list: name the others beside it");
        import_add(i, option->path, import_text(i, "${%s}", variable_in(i, value)));
        return true;
    }
    if (option->type == OPTION_LIST) {
        import_split(i, value, ',', &list, add_item);
        return *place_of(i, option) != NULL;
    }
    if (option->secret) {
        import_set_secret(i, option, name);
        return true;
    }
    return set_reference(i, option, name, value) || set_scalar(i, option, name, value);
}

bool import_set_path(struct importing *i, const char *path, const char *name, const char *value)
{
    const struct option *option = option_find(path);

    return option != NULL && import_set(i, option, name, value);
}

/* ---- kafka.properties ---- */

static void add_entry(struct importing *i, const char *name, const char *yaml)
{
    struct import_entry **last = &i->out->kafka;
    struct import_entry *entry = arena_array(i->memory, 1, sizeof *entry);

    if (entry == NULL) {
        i->full = true;
        return;
    }
    while (*last != NULL && strcmp((*last)->name, name) != 0)
        last = &(*last)->next;
    if (*last != NULL) {
        (*last)->yaml = yaml;
        return;
    }
    *entry = (struct import_entry){.name = name, .yaml = yaml};
    *last = entry;
}

void import_kafka(struct importing *i, const char *name, const char *value)
{
    const char *variable = variable_in(i, value);
    struct buf text;

    if (variable == NULL) {
        add_entry(i, name, quoted(i, value));
        return;
    }
    buf_init(&text, TEXT_BYTES);
    quote_raw(&text, import_text(i, "${%s}", variable));
    add_entry(i, name, keep_buf(i, &text));
}

void import_kafka_secret(struct importing *i, const char *name, const char *variable,
                         const char *property)
{
    import_look(i, property, "secrets are not copied: set the environment variable %s", variable);
    add_entry(i, name, import_text(i, "\"${%s}\"", variable));
}
