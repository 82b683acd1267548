#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"
#include "relay/pg_catalog.h"

#define NAME_BYTES 1024 /* "schema.table.column": the server's names have 63 bytes each */

struct pattern_list {
    regex_t *at;
    size_t count; /* compiled so far */
};

struct pg_selection {
    struct pattern_list tables_include, tables_exclude;
    struct pattern_list columns_include, columns_exclude;
};

/* The pattern must match the whole name, so it is wrapped; as a group, for the sake of a '|' in it.
 */
static bool compile(regex_t *out, const char *option, const char *pattern, struct error *err)
{
    size_t size = strlen(pattern) + sizeof "^()$";
    char *anchored = mem_zero(size, 1);
    char reason[128];
    int failure;

    (void)snprintf(anchored, size, "^(%s)$", pattern);
    failure = regcomp(out, anchored, REG_EXTENDED | REG_NOSUB);
    free(anchored);
    if (failure == 0)
        return true;
    (void)regerror(failure, out, reason, sizeof reason);
    return error_set(err, ERROR_CONFIG,
                     "%s: \"%s\" is not a regular expression (POSIX extended): %s", option, pattern,
                     reason);
}

static bool compile_all(struct pattern_list *list, const char *option,
                        const struct patterns *patterns, struct error *err)
{
    list->at = mem_zero(patterns->count + 1, sizeof *list->at);
    for (; list->count < patterns->count; list->count++)
        if (!compile(&list->at[list->count], option, patterns->at[list->count], err))
            return false;
    return true;
}

static void pattern_list_done(struct pattern_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        regfree(&list->at[i]);
    free(list->at);
}

struct pg_selection *pg_selection_create(const struct postgres_options *options, struct error *err)
{
    struct pg_selection *s = mem_new(struct pg_selection);

    if (compile_all(&s->tables_include, "tables.include", &options->tables_include, err) &&
        compile_all(&s->tables_exclude, "tables.exclude", &options->tables_exclude, err) &&
        compile_all(&s->columns_include, "columns.include", &options->columns_include, err) &&
        compile_all(&s->columns_exclude, "columns.exclude", &options->columns_exclude, err))
        return s;
    pg_selection_destroy(s);
    return NULL;
}

void pg_selection_destroy(struct pg_selection *selection)
{
    if (selection == NULL)
        return;
    pattern_list_done(&selection->tables_include);
    pattern_list_done(&selection->tables_exclude);
    pattern_list_done(&selection->columns_include);
    pattern_list_done(&selection->columns_exclude);
    free(selection);
}

static bool any_matches(const struct pattern_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (regexec(&list->at[i], name, 0, NULL, 0) == 0)
            return true;
    return false;
}

static bool wanted(const struct pattern_list *include, const struct pattern_list *exclude,
                   const char *name)
{
    return (include->count == 0 || any_matches(include, name)) && !any_matches(exclude, name);
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
