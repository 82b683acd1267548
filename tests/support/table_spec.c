#include "support/table_spec.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/pg_oid.h"

static const struct {
    const char *name;
    uint32_t oid;
} known[] = {
    {"bool", OID_BOOL},
    {"bytea", OID_BYTEA},
    {"name", OID_NAME},
    {"int8", OID_INT8},
    {"int2", OID_INT2},
    {"int4", OID_INT4},
    {"text", OID_TEXT},
    {"oid", OID_OID},
    {"json", OID_JSON},
    {"xml", OID_XML},
    {"float4", OID_FLOAT4},
    {"float8", OID_FLOAT8},
    {"money", OID_MONEY},
    {"bpchar", OID_BPCHAR},
    {"varchar", OID_VARCHAR},
    {"date", OID_DATE},
    {"time", OID_TIME},
    {"timestamp", OID_TIMESTAMP},
    {"timestamptz", OID_TIMESTAMPTZ},
    {"interval", OID_INTERVAL},
    {"timetz", OID_TIMETZ},
    {"bit", OID_BIT},
    {"varbit", OID_VARBIT},
    {"numeric", OID_NUMERIC},
    {"uuid", OID_UUID},
    {"tsvector", OID_TSVECTOR},
    {"jsonb", OID_JSONB},
    {"point", OID_POINT},
    {"line", OID_LINE},
    {"box", OID_BOX},
    {"lseg", OID_LSEG},
    {"path", OID_PATH},
    {"polygon", OID_POLYGON},
    {"circle", OID_CIRCLE},
    {"hstore", 20001},
    {"vector", 20002},
    {"halfvec", 20003},
    {"geometry", 20004},
    {"geography", 20005},
    {"ltree", 20006},
    {"sparsevec", 20007},
    {"inet", 869},
    {"char", 18},
};

static uint32_t oid_of(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].oid;
    (void)fprintf(stderr, "no type %s\n", name);
    abort();
}

static int32_t typmod_of(uint32_t oid, const char *args)
{
    int first = atoi(args);
    const char *comma = strchr(args, ',');
    int second = comma == NULL ? 0 : atoi(comma + 1);

    if (oid == OID_NUMERIC)
        return (int32_t)(((uint32_t)first << 16 | ((uint32_t)second & 0x7FF)) + 4);
    return oid == OID_VARCHAR || oid == OID_BPCHAR ? first + 4 : first;
}

static struct type base_type(uint32_t oid, const char *name)
{
    return (struct type){.oid = oid,
                         .schema = slice_text("pg_catalog"),
                         .name = slice_text(name),
                         .delimiter = oid == OID_BOX ? ';' : ',',
                         .base_typmod = -1};
}

static void read_type(struct table_spec *t, uint16_t i, char *text)
{
    struct column *c = &t->columns[i];
    char *array = strstr(text, "[]"), *args = strchr(text, '(');
    uint32_t oid;

    if (array != NULL)
        *array = '\0';
    if (args != NULL)
        *args++ = '\0';
    oid = oid_of(text);
    c->typmod = args == NULL ? -1 : typmod_of(oid, args);
    c->type_oid = oid;
    t->types[i] = base_type(oid, text);
    if (array != NULL) {
        t->elements[i] = t->types[i];
        c->type_oid = 100000 + oid;
        t->types[i] = base_type(c->type_oid, "_array");
        t->types[i].element = &t->elements[i];
    }
    c->type = &t->types[i];
}

static void read_column(struct table_spec *t, char *text)
{
    uint16_t i = t->relation.column_count++;
    struct column *c = &t->columns[i];
    char *equals = strstr(text, " = "), *type;

    assert(i < TABLE_SPEC_COLUMNS);
    if (equals != NULL) {
        *equals = '\0';
        c->default_expr = slice_text(equals + 3);
    }
    if (*text == '*') {
        text++;
        c->not_null = c->identity = true;
        t->key[t->relation.key_count++] = i;
    }
    type = strrchr(text, '!');
    if (type != NULL) {
        c->not_null = true;
        type[-1] = '\0';
    }
    type = strchr(text, ' ');
    assert(type != NULL);
    *type = '\0';
    c->name = slice_text(text);
    read_type(t, i, type + 1);
}

void table_spec_read(struct table_spec *t, const char *schema, const char *name, const char *spec)
{
    char *rest = t->text;

    memset(t, 0, sizeof *t);
    assert(strlen(spec) < sizeof t->text);
    memcpy(t->text, spec, strlen(spec) + 1);
    t->relation = (struct relation){.id = 1,
                                    .oid = 16385,
                                    .schema = slice_text(schema),
                                    .name = slice_text(name),
                                    .identity = IDENTITY_DEFAULT,
                                    .columns = t->columns,
                                    .described = true,
                                    .key = t->key};
    while (rest != NULL) {
        char *column = rest, *end = strstr(rest, "; ");

        rest = end == NULL ? NULL : end + 2;
        if (end != NULL)
            *end = '\0';
        read_column(t, column);
    }
    t->relation.key_is_primary = t->relation.key_count > 0;
}
