#include "sinks/schema_change.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

static json_t *field_named(json_t *fields, const char *name)
{
    size_t i;
    json_t *field;

    json_array_foreach(fields, i, field)
    {
        const char *its = json_string_value(json_object_get(field, "name"));

        if (its != NULL && strcmp(its, name) == 0)
            return field;
    }
    return NULL;
}

/* The fields of the row: before's second branch in an envelope. */
static json_t *columns_of(json_t *schema)
{
    json_t *fields = json_object_get(schema, "fields");
    json_t *row = json_array_get(json_object_get(field_named(fields, "before"), "type"), 1);

    return json_is_object(row) ? json_object_get(row, "fields") : fields;
}

/* The first column of `these` that `others` lacks, or has of another type. */
static void describe(json_t *these, json_t *others, const char *lacking, bool types, char *out)
{
    size_t i;
    json_t *field;

    json_array_foreach(these, i, field)
    {
        const char *name = json_string_value(json_object_get(field, "name"));
        json_t *other = name == NULL ? NULL : field_named(others, name);
        bool same = other != NULL &&
                    json_equal(json_object_get(field, "type"), json_object_get(other, "type"));

        if (name == NULL || out[0] != '\0' || (other != NULL && (same || !types)))
            continue;
        (void)snprintf(out, SCHEMA_CHANGE_BYTES, "column %s %s", name,
                       other == NULL ? lacking : "has another type");
    }
}

void schema_change_describe(struct slice before, struct slice after, char out[SCHEMA_CHANGE_BYTES])
{
    const size_t flags = JSON_ALLOW_NUL; /* a default of bytes may hold \u0000 */
    json_t *old = json_loadb((const char *)before.at, before.len, flags, NULL);
    json_t *new = json_loadb((const char *)after.at, after.len, flags, NULL);

    out[0] = '\0';
    describe(columns_of(new), columns_of(old), "is new", true, out);
    describe(columns_of(old), columns_of(new), "is gone", false, out);
    json_decref(old);
    json_decref(new);
}

/* ---- the layout ---- */

/* A node, and the namespace that it stands in. */
struct node {
    const json_t *json;
    struct slice space;
};

static struct node child(const struct node *parent, struct slice space, const char *name)
{
    return (struct node){json_object_get(parent->json, name), space};
}

static struct slice text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return slice_text(text == NULL ? "" : text);
}

/* "a.b.Name" is a.b and Name, whatever the namespace is. */
static struct slice split_name(struct slice name, struct slice *space)
{
    for (size_t i = name.len; i > 0; i--) {
        if (name.at[i - 1] == '.') {
            *space = slice_of(name.at, i - 1);
            return slice_of(name.at + i, name.len - i);
        }
    }
    return name;
}

static bool same_name(struct slice a, struct slice space_a, struct slice b, struct slice space_b)
{
    struct slice last_a = split_name(a, &space_a), last_b = split_name(b, &space_b);

    return slice_equal(last_a, last_b) && slice_equal(space_a, space_b);
}

static bool is_one_of(struct slice text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (slice_is(text, *words))
            return true;
    return false;
}

/* {"type":"long","connect.version":1} is "long". */
static struct node unwrap(struct node n)
{
    static const char *const complex[] = {"record", "error", "enum", "fixed", "array", "map", NULL};

    while (json_is_object(n.json) && !is_one_of(text_at(n.json, "type"), complex))
        n.json = json_object_get(n.json, "type");
    return n;
}

static bool same_node(struct node a, struct node b);

static bool same_branches(struct node a, struct node b)
{
    size_t count = json_array_size(a.json);

    if (!json_is_array(b.json) || json_array_size(b.json) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!same_node((struct node){json_array_get(a.json, i), a.space},
                       (struct node){json_array_get(b.json, i), b.space}))
            return false;
    return true;
}

static bool same_fields(struct node a, struct node b)
{
    const json_t *fields = json_object_get(a.json, "fields");
    const json_t *others = json_object_get(b.json, "fields");
    size_t count = json_array_size(fields);

    if (json_array_size(others) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct node field = {json_array_get(fields, i), a.space};
        struct node other = {json_array_get(others, i), b.space};

        if (!slice_equal(text_at(field.json, "name"), text_at(other.json, "name")) ||
            !same_node(child(&field, a.space, "type"), child(&other, b.space, "type")))
            return false;
    }
    return true;
}

/* The namespace that a named type gives to what is in it. */
static struct slice space_of(struct node n)
{
    const char *own = json_string_value(json_object_get(n.json, "namespace"));
    struct slice space = own == NULL ? n.space : slice_text(own);

    (void)split_name(text_at(n.json, "name"), &space);
    return space;
}

static bool same_object(struct node a, struct node b)
{
    struct slice type = text_at(a.json, "type");
    struct slice space_a = space_of(a), space_b = space_of(b);

    if (!slice_equal(type, text_at(b.json, "type")))
        return false;
    if (slice_is(type, "array"))
        return same_node(child(&a, a.space, "items"), child(&b, b.space, "items"));
    if (slice_is(type, "map"))
        return same_node(child(&a, a.space, "values"), child(&b, b.space, "values"));
    if (!same_name(text_at(a.json, "name"), space_a, text_at(b.json, "name"), space_b))
        return false;
    if (slice_is(type, "fixed"))
        return json_equal(json_object_get(a.json, "size"), json_object_get(b.json, "size"));
    if (slice_is(type, "enum"))
        return json_equal(json_object_get(a.json, "symbols"), json_object_get(b.json, "symbols"));
    return same_fields((struct node){a.json, space_a}, (struct node){b.json, space_b});
}

static bool same_text(struct node a, struct node b)
{
    static const char *const primitive[] = {"null",   "boolean", "int",    "long", "float",
                                            "double", "bytes",   "string", NULL};
    struct slice name = slice_text(json_string_value(a.json));
    struct slice other = slice_text(json_string_value(b.json));

    if (is_one_of(name, primitive) || is_one_of(other, primitive))
        return slice_equal(name, other);
    return same_name(name, a.space, other, b.space);
}

/* As deep as the texts are nested, which jansson limits. */
static bool same_node(struct node a, struct node b)
{
    a = unwrap(a);
    b = unwrap(b);
    if (json_is_array(a.json))
        return same_branches(a, b);
    if (json_is_object(a.json))
        return json_is_object(b.json) && same_object(a, b);
    return json_is_string(a.json) && json_is_string(b.json) && same_text(a, b);
}

bool schema_change_same_layout(struct slice a, struct slice b)
{
    const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY; /* "int" is a schema */
    json_t *one = json_loadb((const char *)a.at, a.len, flags, NULL);
    json_t *other = json_loadb((const char *)b.at, b.len, flags, NULL);
    const struct slice nowhere = {NULL, 0};
    bool same = same_node((struct node){one, nowhere}, (struct node){other, nowhere});

    json_decref(one);
    json_decref(other);
    return same;
}
