#include <stdio.h>
#include <stdlib.h>

#include "millrace/mem.h"
#include "relay/pg_catalog.h"

#define NAME_BYTES 1024 /* "schema.table.column": the server's names have 63 bytes each */

struct pg_selection {
    struct pattern_set tables_include, tables_exclude;
    struct pattern_set columns_include, columns_exclude;
};

struct pg_selection *pg_selection_create(const struct postgres_options *options, struct error *err)
{
    struct pg_selection *s = mem_new(struct pg_selection);

    if (pattern_set_add_all(&s->tables_include, "tables.include", &options->tables_include, err) &&
        pattern_set_add_all(&s->tables_exclude, "tables.exclude", &options->tables_exclude, err) &&
        pattern_set_add_all(&s->columns_include, "columns.include", &options->columns_include,
                            err) &&
        pattern_set_add_all(&s->columns_exclude, "columns.exclude", &options->columns_exclude, err))
        return s;
    pg_selection_destroy(s);
    return NULL;
}

void pg_selection_destroy(struct pg_selection *selection)
{
    if (selection == NULL)
        return;
    pattern_set_done(&selection->tables_include);
    pattern_set_done(&selection->tables_exclude);
    pattern_set_done(&selection->columns_include);
    pattern_set_done(&selection->columns_exclude);
    free(selection);
}

static bool wanted(const struct pattern_set *include, const struct pattern_set *exclude,
                   const char *name)
{
    return (include->count == 0 || pattern_set_matches(include, name)) &&
           !pattern_set_matches(exclude, name);
}

bool pg_selection_wants_table(const struct pg_selection *selection, struct slice schema,
                              struct slice table)
{
    char name[NAME_BYTES];

    (void)snprintf(name, sizeof name, "%.*s.%.*s", SLICE_ARGS(schema), SLICE_ARGS(table));
    return wanted(&selection->tables_include, &selection->tables_exclude, name);
}

bool pg_selection_wants_column(const struct pg_selection *selection, struct slice schema,
                               struct slice table, struct slice column)
{
    char name[NAME_BYTES];

    (void)snprintf(name, sizeof name, "%.*s.%.*s.%.*s", SLICE_ARGS(schema), SLICE_ARGS(table),
                   SLICE_ARGS(column));
    return wanted(&selection->columns_include, &selection->columns_exclude, name);
}
