/* import_write - the imported configuration as a file, with what is to be told about it. */
#include <string.h>

#include "relay/import_debezium.h"
#include "relay/option_table.h"

/* Nothing in a file's name may end the comment. */
static void write_words(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        buf_byte(out, byte < 0x20 || byte == 0x7F ? '?' : byte);
    }
}

static void write_notes(const struct imported *imported, bool lost, const char *title,
                        struct buf *out)
{
    bool first = true;

    for (const struct import_note *note = imported->notes; note != NULL; note = note->next) {
        if (note->lost != lost)
            continue;
        if (first)
            buf_printf(out, "#\n# %s\n", title);
        first = false;
        buf_text(out, "#   ");
        buf_text(out, note->name);
        buf_text(out, ": ");
        buf_text(out, note->text);
        buf_byte(out, '\n');
    }
}

static size_t section_of(const char *path)
{
    return strcspn(path, ".");
}

static void write_kafka(const struct imported *imported, const char *path, struct buf *out)
{
    for (const struct import_entry *e = imported->kafka; e != NULL; e = e->next)
        buf_printf(out, "%s.%s: %s\n", path, e->name, e->yaml);
}

void import_write(const struct imported *imported, const char *from, struct buf *out)
{
    size_t count, section = 0;
    const struct option *options = option_table(&count);
    const char *before = "";

    buf_text(out, "# Made by millrace import from ");
    write_words(out, from);
    buf_text(out, ", a configuration of Debezium's PostgreSQL connector.\n");
    write_notes(imported, false, "To be looked at:", out);
    write_notes(imported, true, "Not carried over:", out);
    for (size_t k = 0; k < count; k++) {
        bool is_map = options[k].type == OPTION_MAP && imported->kafka != NULL;

        if (imported->yaml[k] == NULL && !is_map)
            continue;
        if (section_of(options[k].path) != section ||
            strncmp(options[k].path, before, section) != 0)
            buf_byte(out, '\n');
        before = options[k].path;
        section = section_of(before);
        if (is_map)
            write_kafka(imported, options[k].path, out);
        else
            buf_printf(out, "%s: %s\n", options[k].path, imported->yaml[k]);
    }
}
