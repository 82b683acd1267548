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
