/* import_transforms - what Kafka Connect's transforms do, as options. */
#include <stdio.h>
#include <string.h>

#include "relay/import_private.h"

/* One of the list `transforms`. */
struct transform {
    const char *alias;
    const char *class;
    char prefix[160]; /* transforms.<alias>. */
};

/* The value of transforms.<alias>.<name>. */
static const char *take(struct importing *i, const struct transform *t, const char *name)
{
    char whole[256];

    (void)snprintf(whole, sizeof whole, "%s%s", t->prefix, name);
    return import_take(i, whole);
}

static const char *named(struct importing *i, const struct transform *t, const char *name)
{
    return import_text(i, "%s%s", t->prefix, name);
}

/* ---- routers ---- */

static void set_route(struct importing *i, const struct transform *t, const char *regex_name,
                      const char *replacement_name)
{
    const char *regex = take(i, t, regex_name), *replacement = take(i, t, replacement_name);
    const char *pattern;

    if (regex == NULL || replacement == NULL) {
        import_lost(i, t->prefix, "it lacks %s or %s", regex_name, replacement_name);
        return;
    }
    if (strstr(regex, "=>") != NULL || strchr(replacement, '{') != NULL ||
        strchr(replacement, '\\') != NULL) {
        import_lost(i, named(i, t, replacement_name),
                    "topics.route knows $1 to $9 only: write the rule anew");
        return;
    }
    pattern = import_converted(i, named(i, t, regex_name), regex, true);
    if (import_is_set(i, "topics.route"))
        import_look(i, named(i, t, regex_name),
                    "with several routers the first rule that matches holds here; they are not "
                    "applied one after the other");
    import_add(i, "topics.route",
               import_text(i, "%s=>%s", pattern, import_literal(i, replacement)));
}

static void regex_router(struct importing *i, const struct transform *t)
{
    set_route(i, t, "regex", "replacement");
}

static void logical_router(struct importing *i, const struct transform *t)
{
    const char *enforce = take(i, t, "key.enforce.uniqueness");

    set_route(i, t, "topic.regex", "topic.replacement");
    if (enforce == NULL || strcmp(enforce, "false") != 0)
        import_look(i, named(i, t, "key.enforce.uniqueness"),
                    "millrace adds no field to the keys of tables that share a topic: they must "
                    "differ by themselves");
}

/* ---- ExtractNewRecordState ---- */

/* Sets an option of the flat envelope; what has no such option, or not that value, is lost. */
static void set_flat(struct importing *i, const struct transform *t, const char *name,
                     const char *path)
{
    const char *value = take(i, t, name);

    if (value == NULL || *value == '\0' || import_set_path(i, path, named(i, t, name), value))
        return;
    if (option_find(path) == NULL)
        import_lost(i, named(i, t, name), "millrace has no such setting for flat rows");
}

/* One prefix is for fields and headers. */
static void set_prefix(struct importing *i, const struct transform *t)
{
    const char *fields = take(i, t, "add.fields.prefix"),
               *headers = take(i, t, "add.headers.prefix");
    const char *prefix = fields != NULL ? fields : headers;

    if (prefix == NULL)
        return;
    if (!import_set_path(i, "flat.prefix", named(i, t, "add.fields.prefix"), prefix) &&
        option_find("flat.prefix") == NULL)
        import_lost(i, named(i, t, "add.fields.prefix"), "fields are added with the prefix __");
    if (fields != NULL && headers != NULL && strcmp(fields, headers) != 0)
        import_lost(i, named(i, t, "add.headers.prefix"), "it is that of the fields");
}

/* Of Debezium 2: none, drop, rewrite; with drop.tombstones (true). */
static void old_deletes(struct importing *i, const struct transform *t)
{
    const char *mode = take(i, t, "delete.handling.mode"), *drop = take(i, t, "drop.tombstones");
    const char *property = named(i, t, "delete.handling.mode"), *now = NULL;
    bool tombstones = drop != NULL && strcmp(drop, "false") == 0;

    if (mode == NULL && drop == NULL)
        return;
    if (mode == NULL || strcmp(mode, "drop") == 0)
        now = tombstones ? "tombstone" : "drop";
    else if (strcmp(mode, "rewrite") == 0)
        now = tombstones ? "rewrite-with-tombstone" : "rewrite";
    if (now == NULL)
        import_lost(i, property, "none: a delete is a tombstone, dropped or rewritten");
    else if (!import_set_path(i, "flat.deletes", property, now) &&
             option_find("flat.deletes") == NULL)
        import_lost(i, property, "millrace has no such setting for flat rows");
}

/* The rest, by what options of that section say that they are known as. */
static void set_flat_known(struct importing *i, const struct transform *t)
{
    size_t count;
    const struct option *options = option_table(&count);

    for (size_t k = 0; k < count; k++) {
        const char *value;

        if (options[k].known_as == NULL || strncmp(options[k].path, "flat.", 5) != 0 ||
            import_is_set(i, options[k].path))
            continue;
        value = take(i, t, options[k].known_as);
        if (value != NULL)
            (void)import_set(i, &options[k], named(i, t, options[k].known_as), value);
    }
}

static void flatten(struct importing *i, const struct transform *t)
{
    if (!import_set_path(i, "envelope", named(i, t, "type"), "flat")) {
        if (option_find("envelope") == NULL)
            import_lost(i, named(i, t, "type"),
                        "this version of millrace writes whole change events only");
        return;
    }
    set_flat(i, t, "add.fields", "flat.add_fields");
    set_flat(i, t, "add.headers", "flat.add_headers");
    set_prefix(i, t);
    set_flat(i, t, "delete.tombstone.handling.mode", "flat.deletes");
    old_deletes(i, t);
    set_flat_known(i, t);
}

/* ---- all of them ---- */

static const struct {
    const char *class;
    void (*import)(struct importing *i, const struct transform *t);
} transforms[] = {
    {"io.debezium.transforms.ExtractNewRecordState", flatten},
    {"io.debezium.transforms.UnwrapFromEnvelope", flatten},
    {"org.apache.kafka.connect.transforms.RegexRouter", regex_router},
    {"io.debezium.transforms.ByLogicalTableRouter", logical_router},
};

/* What is left of it has no counterpart. */
static void drop_rest(struct importing *i, const struct transform *t, const char *why)
{
    for (struct property *p = i->properties; p != NULL; p = p->next)
        if (!p->used && strncmp(p->name, t->prefix, strlen(t->prefix)) == 0) {
            p->used = true;
            import_lost(i, p->name, "%s", why);
        }
}

static void import_one(struct importing *i, void *context, const char *alias)
{
    struct transform t = {.alias = alias};
    const char *predicate;

    (void)context;
    (void)snprintf(t.prefix, sizeof t.prefix, "transforms.%.120s.", alias);
    t.class = take(i, &t, "type");
    predicate = take(i, &t, "predicate");
    if (t.class == NULL) {
        import_lost(i, named(i, &t, "type"), "the transform has no type");
        return;
    }
    if (predicate != NULL) {
        import_lost(i, named(i, &t, "predicate"),
                    "millrace has no predicates: the transform %.200s is left out", t.class);
        drop_rest(i, &t, "its transform is left out");
        return;
    }
    for (size_t k = 0; k < ARRAY_LEN(transforms); k++)
        if (strcmp(transforms[k].class, t.class) == 0) {
            transforms[k].import(i, &t);
            drop_rest(i, &t, "millrace has no such setting");
            return;
        }
    import_lost(i, named(i, &t, "type"),
                "%.200s: millrace has no such transform; apply it where the topics are read",
                t.class);
    drop_rest(i, &t, "its transform is left out");
}

void import_transforms(struct importing *i)
{
    const char *list = import_take(i, "transforms");

    if (list != NULL)
        import_split(i, list, ',', NULL, import_one);
}
