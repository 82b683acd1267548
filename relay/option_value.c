#include "relay/option_value.h"

#include <inttypes.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Each from the smallest to the largest. */
static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
static const struct unit sizes[] = {
    {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", INT64_C(1) << 40}};

_Static_assert(ARRAY_LEN(durations) == ARRAY_LEN(sizes), "units_of returns tables of one length");
#define UNIT_COUNT ARRAY_LEN(durations)

/* NULL: a plain number. */
static const struct unit *units_of(enum option_type type)
{
    switch (type) {
    case OPTION_DURATION:
        return durations;
    case OPTION_SIZE:
    case OPTION_SIZE64:
        return sizes;
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_BOOL:
    case OPTION_INT32:
    case OPTION_INT64:
    case OPTION_ENUM:
    case OPTION_LIST:
    case OPTION_MAP:
        return NULL;
    }
    return NULL;
}

/* Digits from *text on, which is left behind them.  False: there are none, or too many. */
static bool parse_digits(const char **text, int64_t *out_number)
{
    const char *at = *text;
    int64_t number = 0;

    for (; *at >= '0' && *at <= '9'; at++) {
        if (number > (INT64_MAX - 9) / 10)
            return false;
        number = number * 10 + (*at - '0');
    }
    if (at == *text)
        return false;
    *text = at;
    *out_number = number;
    return true;
}

/* "" is no unit: right for a plain number, for bytes, and for zero of anything. */
static int64_t unit_factor(const struct option *option, const char *name, int64_t number)
{
    const struct unit *units = units_of(option->type);

    if (*name == '\0')
        return units == durations && number != 0 ? 0 : 1;
    for (size_t i = 0; units != NULL && i < UNIT_COUNT; i++)
        if (strcmp(units[i].name, name) == 0)
            return units[i].factor;
    return 0;
}

static bool parse_number(const struct option *option, const char *text, int64_t *out_number)
{
    bool negative = *text == '-';
    int64_t number, factor;

    if (negative)
        text++;
    if (!parse_digits(&text, &number))
        return false;
    factor = unit_factor(option, text, number);
    if (factor == 0 || number > INT64_MAX / factor)
        return false;
    number = negative ? -(number * factor) : number * factor;
    if (number < option->least || number > option->most)
        return false;
    *out_number = number;
    return true;
}

/* In the largest unit that divides it. */
static void print_number(enum option_type type, int64_t number, struct buf *out)
{
    const struct unit *units = units_of(type);
    size_t unit = UNIT_COUNT - 1;

    if (units == NULL || number == 0) {
        buf_printf(out, "%" PRId64, number);
        return;
    }
    while (unit > 0 && number % units[unit].factor != 0)
        unit--;
    buf_printf(out, "%" PRId64 "%s", number / units[unit].factor, units[unit].name);
}

static void print_range(const struct option *option, struct buf *out)
{
    buf_text(out, " between ");
    print_number(option->type, option->least, out);
    buf_text(out, " and ");
    print_number(option->type, option->most, out);
}

static void print_choices(const struct option *option, struct buf *out)
{
    for (size_t i = 0; option->choices[i] != NULL; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : ", ",
                   *option->choices[i] == '\0' ? "\"\"" : option->choices[i]);
}

/* "lower-case letters, digits, '_'": runs by name, the others as they are. */
static void print_letters(const char *letters, struct buf *out)
{
    bool upper = strchr(letters, 'A') != NULL;

    buf_text(out, upper ? "letters and digits" : "lower-case letters and digits");
    for (; *letters != '\0'; letters++)
        if (strchr("._-", *letters) != NULL)
            buf_printf(out, ", '%c'", *letters);
}

static void describe_text(const struct option *option, struct buf *out)
{
    if (option->choices != NULL) {
        buf_text(out, "one of ");
        print_choices(option, out);
        return;
    }
    buf_text(out, option->type == OPTION_PATH ? "a path" : "a text");
    if (option->longest > 0)
        buf_printf(out, " of at most %zu bytes", option->longest);
    if (option->letters != NULL) {
        buf_text(out, " made of ");
        print_letters(option->letters, out);
    }
}

void option_value_describe(const struct option *option, struct buf *out)
{
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_ENUM:
        describe_text(option, out);
        return;
    case OPTION_BOOL:
        buf_text(out, "true or false");
        return;
    case OPTION_INT32:
    case OPTION_INT64:
        buf_text(out, "a whole number");
        print_range(option, out);
        return;
    case OPTION_DURATION:
        buf_text(out, "a duration such as 500ms, 5s, 2m or 1h");
        print_range(option, out);
        return;
    case OPTION_SIZE:
    case OPTION_SIZE64:
        buf_text(out, "a size such as 64KiB, 16MiB or 1GiB");
        print_range(option, out);
        return;
    case OPTION_LIST:
        buf_text(out, "a list of texts");
        return;
    case OPTION_MAP:
        buf_text(out, "a mapping of names to texts");
        return;
    }
}

static bool refuse(const struct option *option, struct error *err)
{
    struct buf what;

    buf_init(&what, ERROR_TEXT_BYTES);
    option_value_describe(option, &what);
    (void)error_set(err, ERROR_CONFIG, "%s must be %.*s", option->path,
                    SLICE_ARGS(buf_view(&what)));
    buf_done(&what);
    return false;
}

static bool find_choice(const struct option *option, const char *text, int *out_index)
{
    for (int i = 0; option->choices[i] != NULL; i++)
        if (strcmp(option->choices[i], text) == 0) {
            *out_index = i;
            return true;
        }
    return false;
}

static bool text_is_good(const struct option *option, const char *text)
{
    int index;

    if (option->choices != NULL)
        return find_choice(option, text, &index);
    if ((*text == '\0' && !option->may_be_empty) ||
        (option->longest > 0 && strlen(text) > option->longest))
        return false;
    return option->letters == NULL || text[strspn(text, option->letters)] == '\0';
}

static void *field_of(const struct option *option, struct options *options)
{
    return (char *)options + option->offset;
}

static const void *field_in(const struct option *option, const struct options *options)
{
    return (const char *)options + option->offset;
}

static bool store_number(const struct option *option, const char *text, struct options *into)
{
    void *field = field_of(option, into);
    int64_t number;

    if (!parse_number(option, text, &number))
        return false;
    if (option->type == OPTION_INT32)
        *(int32_t *)field = (int32_t)number;
    else if (option->type == OPTION_SIZE)
        *(size_t *)field = (size_t)number;
    else
        memcpy(field, &number,
               sizeof number); /* int64_t and uint64_t, never negative, look alike */
    return true;
}

static bool store_bool(const struct option *option, const char *text, struct options *into)
{
    bool yes = strcmp(text, "true") == 0;

    if (!yes && strcmp(text, "false") != 0)
        return false;
    *(bool *)field_of(option, into) = yes;
    return true;
}

static bool store_enum(const struct option *option, const char *text, struct options *into)
{
    int index;

    if (!find_choice(option, text, &index))
        return false;
    memcpy(field_of(option, into), &index, sizeof index);
    return true;
}

static bool store_text(const struct option *option, const char *text, struct options *into)
{
    if (!text_is_good(option, text))
        return false;
    *(const char **)field_of(option, into) = text;
    return true;
}

static bool store(const struct option *option, const char *text, struct options *into)
{
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_PATH:
        return store_text(option, text, into);
    case OPTION_BOOL:
        return store_bool(option, text, into);
    case OPTION_INT32:
    case OPTION_INT64:
    case OPTION_DURATION:
    case OPTION_SIZE:
    case OPTION_SIZE64:
        return store_number(option, text, into);
    case OPTION_ENUM:
        return store_enum(option, text, into);
    case OPTION_LIST:
    case OPTION_MAP:
        return false;
    }
    return false;
}

bool option_value_store(const struct option *option, const char *text, struct options *into,
                        struct error *err)
{
    return store(option, text, into) || refuse(option, err);
}

bool option_value_store_list(const struct option *option, const char *const *texts, size_t count,
                             struct options *into, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (*texts[i] == '\0')
            return error_set(err, ERROR_CONFIG, "%s: item %zu is empty", option->path, i + 1);
    *(struct patterns *)field_of(option, into) = (struct patterns){.at = texts, .count = count};
    return true;
}

static size_t entry_index(const struct kafka_options *kafka, const char *name)
{
    size_t i = 0;

    while (i < kafka->property_count && strcmp(kafka->properties[i].name, name) != 0)
        i++;
    return i;
}

/* The table has one map.  It is written anew for each entry: there are few. */
bool option_value_store_entry(const char *name, const char *text, struct options *into,
                              struct arena *memory, struct error *err)
{
    struct kafka_options *kafka = &into->kafka;
    size_t index = entry_index(kafka, name);
    struct kafka_property *entries =
        arena_array(memory, kafka->property_count + 1, sizeof *entries);

    if (entries == NULL)
        return error_set(err, ERROR_CONFIG, "the configuration is too large");
    if (kafka->property_count > 0)
        memcpy(entries, kafka->properties, kafka->property_count * sizeof *entries);
    if (index == kafka->property_count)
        kafka->property_count++;
    entries[index] = (struct kafka_property){.name = name, .value = text};
    kafka->properties = entries;
    return true;
}

bool option_value_is_set(const struct option *option, const struct options *from)
{
    if (option->type != OPTION_TEXT && option->type != OPTION_PATH)
        return true;
    return *(const char *const *)field_in(option, from) != NULL;
}

void option_value_print_quoted(const char *text, struct buf *out)
{
    buf_byte(out, '"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte < 0x20 || byte == 0x7f)
            buf_printf(out, "\\x%02x", (unsigned)byte);
        else if (byte == '"' || byte == '\\')
            buf_printf(out, "\\%c", byte);
        else if (byte == '$')
            buf_text(out, "$$"); /* else it might name a variable when it is read back */
        else
            buf_byte(out, byte);
    }
    buf_byte(out, '"');
}

static void print_list(const struct patterns *list, struct buf *out)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        buf_text(out, i == 0 ? "" : ", ");
        option_value_print_quoted(list->at[i], out);
    }
    buf_byte(out, ']');
}

static int64_t load_number(const struct option *option, const void *field)
{
    int64_t number;

    if (option->type == OPTION_INT32)
        return *(const int32_t *)field;
    if (option->type == OPTION_SIZE)
        return (int64_t) * (const size_t *)field;
    memcpy(&number, field, sizeof number);
    return number;
}

static void print_enum(const struct option *option, const void *field, struct buf *out)
{
    int index;

    memcpy(&index, field, sizeof index);
    buf_text(out, option->choices[index]);
}

void option_value_print(const struct option *option, const struct options *from, struct buf *out)
{
    const void *field = field_in(option, from);

    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_PATH:
        option_value_print_quoted(*(const char *const *)field, out);
        return;
    case OPTION_BOOL:
        buf_text(out, *(const bool *)field ? "true" : "false");
        return;
    case OPTION_INT32:
    case OPTION_INT64:
    case OPTION_DURATION:
    case OPTION_SIZE:
    case OPTION_SIZE64:
        print_number(option->type, load_number(option, field), out);
        return;
    case OPTION_ENUM:
        print_enum(option, field, out);
        return;
    case OPTION_LIST:
        print_list(field, out);
        return;
    case OPTION_MAP:
        return;
    }
}
