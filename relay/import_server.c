/* import_server - the configuration of Debezium Server as that of the connector inside it. */
#include <string.h>

#include "relay/import_private.h"

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

/* Its names begin with what they are for; a connector's own are behind that. */
static void strip_name(struct importing *i, struct property *p)
{
    static const struct {
        const char *before, *after;
    } names[] = {
        {"debezium.source.", ""},
        {"debezium.format.value.", "value.converter."},
        {"debezium.format.value", "value.converter"},
        {"debezium.format.key.", "key.converter."},
        {"debezium.format.key", "key.converter"},
        {"debezium.format.header.", "header.converter."},
        {"debezium.format.header", "header.converter"},
        {"debezium.sink.kafka.producer.", "producer.override."},
        {"debezium.transforms", "transforms"},
        {"debezium.predicates", "predicates"},
    };

    for (size_t k = 0; k < ARRAY_LEN(names); k++)
        if (begins_with(p->name, names[k].before)) {
            p->name = import_text(i, "%s%s", names[k].after, p->name + strlen(names[k].before));
            return;
        }
}

/* Behind `after`, unless a property of that name is there. */
static void add(struct importing *i, struct property *after, const char *name, const char *value)
{
    struct property *p;

    if (import_peek(i, name) != NULL)
        return;
    p = arena_alloc(i->memory, sizeof *p);
    if (p == NULL) {
        i->full = true;
        return;
    }
    *p = (struct property){.next = after->next, .name = name, .value = value, .line = after->line};
    after->next = p;
}

/* What is for neither of them alone is for both; what one of them has of its own goes before that.
 * (For headers as well, which are texts here whatever it says.) */
static void share_format(struct importing *i, struct property *p)
{
    static const char prefix[] = "debezium.format.";
    const char *rest;

    if (!begins_with(p->name, prefix))
        return;
    rest = p->name + strlen(prefix);
    p->used = true;
    add(i, p, import_text(i, "value.converter.%s", rest), p->value);
    add(i, p, import_text(i, "key.converter.%s", rest), p->value);
}

void import_server(struct importing *i)
{
    struct property *source = NULL; /* one that only a server's has */

    for (struct property *p = i->properties; p != NULL; p = p->next) {
        if (begins_with(p->name, "debezium.source."))
            source = p;
        strip_name(i, p);
    }
    for (struct property *p = i->properties; p != NULL; p = p->next)
        share_format(i, p);
    if (source == NULL)
        return;
    add(i, source, "value.converter", "json"); /* no worker stands behind it */
    add(i, source, "key.converter", "json");
}
