/* options_write - the option table as help, example file and manual, and the values in force. */
#include "relay/options.h"

#include <string.h>

#include "millrace/buf.h"

#include "relay/option_table.h"
#include "relay/option_value.h"

#define TEXT_BYTES ((size_t)4 * 1024 * 1024)
#define WIDTH 100

/* ---- shared
 * --------------------------------------------------------------------------------------- */

static void write_out(struct buf *text, FILE *out)
{
    struct slice all = buf_view(text);

    if (all.len > 0)
        (void)fwrite(all.at, 1, all.len, out);
    buf_done(text);
}

/* Appends words in lines of at most WIDTH, each begun by `indent` blanks and `mark`. */
static void wrap(struct buf *out, size_t indent, const char *mark, const char *words)
{
    size_t column = 0;

    while (*words != '\0') {
        size_t len = strcspn(words, " ");

        if (column == 0 || column + 1 + len > WIDTH) {
            buf_printf(out, "%s%*s%s", column == 0 ? "" : "\n", (int)indent, "", mark);
            column = indent + strlen(mark);
        } else {
            buf_byte(out, ' ');
            column++;
        }
        buf_append(out, words, len);
        column += len;
        words += len + strspn(words + len, " ");
    }
    buf_byte(out, '\n');
}

/* "a size such as 64KiB ..., default 8MiB" */
static void describe(const struct option *option, struct buf *out)
{
    option_value_describe(option, out);
    if (option->by_default != NULL)
        buf_printf(out, "; default %s", *option->by_default == '\0' ? "\"\"" : option->by_default);
    else if (option->derived != NULL)
        buf_printf(out, "; default: %s", option->derived);
    if (option->secret)
        buf_text(out, "; may be file:PATH");
    if (option->known_as != NULL)
        buf_printf(out, "; elsewhere known as %s", option->known_as);
}

static void wrap_describe(struct buf *out, size_t indent, const char *mark,
                          const struct option *option)
{
    struct buf words;

    buf_init(&words, TEXT_BYTES);
    describe(option, &words);
    buf_byte(&words, '\0');
    if (!words.failed)
        wrap(out, indent, mark, (const char *)words.at);
    buf_done(&words);
}

/* ---- help
 * ----------------------------------------------------------------------------------------- */

void options_write_help(FILE *out)
{
    size_t count;
    const struct option *options = option_table(&count);
    struct buf text;

    buf_init(&text, TEXT_BYTES);
    buf_text(&text, "Options, for the file and for --set PATH=VALUE:\n");
    for (size_t i = 0; i < count; i++) {
        buf_printf(&text, "\n  %s\n", options[i].path);
        wrap(&text, 6, "", options[i].help);
        wrap_describe(&text, 6, "", &options[i]);
    }
    write_out(&text, out);
}

/* ---- example
 * -------------------------------------------------------------------------------------- */

static const char example_head[] =
    "# Configuration of millrace, made from its table of options (millrace help example).\n"
    "#\n"
    "# What is commented out shows the default, or a sample where the default depends on others.\n"
    "# ${NAME} in a value is replaced by that environment variable, $$ is a dollar; a secret may "
    "be\n"
    "# file:PATH, whose first line it then is.  Sections may nest, as here, or be written with "
    "dots\n"
    "# (commit.bytes: 8MiB).  Every option can also be given as --set PATH=VALUE.\n";

static size_t dots_in(const char *path)
{
    size_t dots = 0;

    for (; *path != '\0'; path++)
        dots += *path == '.';
    return dots;
}

/* How much of `path`, up to and with a dot, `before` begins with too. */
static size_t shared_sections(const char *path, const char *before)
{
    size_t shared = 0;

    for (size_t i = 0; path[i] != '\0' && path[i] == before[i]; i++)
        if (path[i] == '.')
            shared = i + 1;
    return shared;
}

/* Opens the sections of `path` that `before` was not in. */
static void open_sections(struct buf *out, const char *path, const char *before)
{
    size_t at = shared_sections(path, before);
    size_t depth = 0;

    for (size_t i = 0; i < at; i++)
        depth += path[i] == '.';
    for (const char *dot = strchr(path + at, '.'); dot != NULL; dot = strchr(path + at, '.')) {
        size_t len = (size_t)(dot - path) - at;

        buf_printf(out, "%*s%.*s:\n", (int)depth++ * 2, "", (int)len, path + at);
        at += len + 1;
    }
}

static const char *last_word(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot == NULL ? path : dot + 1;
}

/* Lists and maps are written in YAML already, patterns with single backslashes. */
static void example_value(struct buf *out, const struct option *option)
{
    const char *value = option->by_default != NULL ? option->by_default : option->sample;

    if (value == NULL)
        value = "";
    buf_text(out, *value == '\0' ? "\"\"" : value);
}

static void example_option(struct buf *out, const struct option *option, const char *before)
{
    size_t indent = 2 * dots_in(option->path);

    buf_byte(out, '\n');
    open_sections(out, option->path, before);
    wrap(out, indent, "# ", option->help);
    wrap_describe(out, indent, "# ", option);
    buf_printf(out, "%*s%s%s: ", (int)indent, "", option->shown ? "" : "#",
               last_word(option->path));
    example_value(out, option);
    buf_byte(out, '\n');
}

void options_write_example(FILE *out)
{
    size_t count;
    const struct option *options = option_table(&count);
    const char *before = "";
    struct buf text;

    buf_init(&text, TEXT_BYTES);
    buf_text(&text, example_head);
    for (size_t i = 0; i < count; i++) {
        example_option(&text, &options[i], before);
        before = options[i].path;
    }
    write_out(&text, out);
}

/* ---- manual
 * --------------------------------------------------------------------------------------- */

/* Escapes what roff would take for its own: backslashes, minus signs, and a dot or quote at the
 * start. */
static void roff_text(struct buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        buf_text(out, "\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            buf_text(out, "\\e");
        else if (*text == '-')
            buf_text(out, "\\-");
        else if (*text == '\'')
            buf_text(out, "\\(aq");
        else if (*text == '~')
            buf_text(out, "\\(ti");
        else
            buf_byte(out, (uint8_t)*text);
    }
    buf_byte(out, '\n');
}

static void manual_option(struct buf *out, const struct option *option)
{
    struct buf words;

    buf_text(out, ".TP\n.B ");
    roff_text(out, option->path);
    roff_text(out, option->help);
    buf_text(out, ".br\n");
    buf_init(&words, TEXT_BYTES);
    describe(option, &words);
    buf_byte(&words, '\0');
    if (!words.failed)
        roff_text(out, (const char *)words.at);
    buf_done(&words);
}

void options_write_manual(FILE *out)
{
    size_t count;
    const struct option *options = option_table(&count);
    struct buf text;

    buf_init(&text, TEXT_BYTES);
    for (size_t i = 0; i < count; i++)
        manual_option(&text, &options[i]);
    write_out(&text, out);
}

/* ---- in force
 * ------------------------------------------------------------------------------------- */

static void effective_map(struct buf *out, const char *path, const struct kafka_options *kafka)
{
    for (size_t i = 0; i < kafka->property_count; i++) {
        const struct kafka_property *entry = &kafka->properties[i];

        buf_printf(out, "%s.%s: ", path, entry->name);
        option_value_print_quoted(option_entry_is_secret(entry->name) ? "***" : entry->value, out);
        buf_byte(out, '\n');
    }
}

static void effective_option(struct buf *out, const struct option *option,
                             const struct options *options)
{
    if (option->type == OPTION_MAP) {
        effective_map(out, option->path, &options->kafka);
        return;
    }
    if (!option_value_is_set(option, options)) {
        buf_printf(out, "# %s is not set\n", option->path);
        return;
    }
    buf_printf(out, "%s: ", option->path);
    if (option->secret)
        buf_text(out, "\"***\"");
    else
        option_value_print(option, options, out);
    buf_byte(out, '\n');
}

void options_write_effective(const struct options *options, FILE *out)
{
    size_t count;
    const struct option *table = option_table(&count);
    struct buf text;

    buf_init(&text, TEXT_BYTES);
    for (size_t i = 0; i < count; i++)
        effective_option(&text, &table[i], options);
    write_out(&text, out);
}
