/* plan_text - the plan for people: one block for each table, its columns in lines. */
#include "relay/plan_report.h"

#include <string.h>

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static void write_list(const json_t *owner, const char *name, const char *indent, const char *mark,
                       FILE *out)
{
    const json_t *list = json_object_get(owner, name), *item;
    size_t i;

    json_array_foreach(list, i, item)(void)
        fprintf(out, "%s%s: %s\n", indent, mark, json_string_value(item));
}

static void write_key(const json_t *key, FILE *out)
{
    const json_t *columns = json_object_get(key, "columns"), *column;
    const char *index = text_at(key, "index");
    size_t i;

    (void)fputs("  key               ", out);
    json_array_foreach(columns, i, column)(void)
        fprintf(out, "%s%s", i == 0 ? "" : ", ", json_string_value(column));
    if (json_array_size(columns) == 0)
        (void)fputs("none\n", out);
    else
        (void)fprintf(out, " (%s%s%s)\n", text_at(key, "from"), *index == '\0' ? "" : " ", index);
}

static void write_partitions(const json_t *partitions, FILE *out)
{
    const json_t *existing = json_object_get(partitions, "existing");

    if (partitions == NULL)
        return;
    (void)fprintf(out, "  partitions        %d configured; ",
                  (int)json_integer_value(json_object_get(partitions, "configured")));
    if (json_is_integer(existing))
        (void)fprintf(out, "the topic has %d\n", (int)json_integer_value(existing));
    else
        (void)fprintf(out, "%s\n", text_at(partitions, "told"));
}

/* The widest text of a member, for columns that stand one below the other. */
static int width_of(const json_t *rows, const char *name)
{
    const json_t *row;
    size_t i, most = 0;

    json_array_foreach(rows, i, row)
    {
        size_t len = strlen(text_at(row, name));

        most = len > most ? len : most;
    }
    return most > 40 ? 40 : (int)most;
}

static void write_columns(const json_t *rows, FILE *out)
{
    int names = width_of(rows, "column"), types = width_of(rows, "type"),
        written = width_of(rows, "written");
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        bool optional = json_is_true(json_object_get(row, "null"));
        const char *rule = text_at(row, "rule");

        (void)fprintf(out, "    %-*s  %-*s  ->  %-*s  %s%s%s%s%s\n", names, text_at(row, "column"),
                      types, text_at(row, "type"), written, text_at(row, "written"),
                      optional ? "or null" : "never null",
                      *text_at(row, "semantic") == '\0' ? "" : "  ", text_at(row, "semantic"),
                      *rule == '\0' ? "" : "  as ", rule);
    }
}

static void write_table(const json_t *table, FILE *out)
{
    const char *from = text_at(table, "routed_from");

    (void)fprintf(out, "\n%s\n", text_at(table, "table"));
    if (json_object_get(table, "topic") != NULL) {
        (void)fprintf(out, "  topic             %s%s%s%s\n", text_at(table, "topic"),
                      *from == '\0' ? "" : " (topics.route leads ", from,
                      *from == '\0' ? "" : " there)");
        write_key(json_object_get(table, "key"), out);
        write_partitions(json_object_get(table, "partitions"), out);
    }
    (void)fprintf(out, "  replica identity  %s\n", text_at(table, "replica_identity"));
    write_columns(json_object_get(table, "columns"), out);
    write_list(table, "errors", "  ", "ERROR", out);
    write_list(table, "warnings", "  ", "warning", out);
}

static int count_of(const json_t *owner, const char *name)
{
    return (int)json_array_size(json_object_get(owner, name));
}

void plan_write_text(const json_t *root, FILE *out)
{
    const json_t *tables = json_object_get(root, "tables"), *table;
    const json_t *publication = json_object_get(root, "publication");
    int errors = count_of(root, "errors"), warnings = count_of(root, "warnings");
    size_t i;

    (void)fprintf(out, "database %s, publication %s (%s), encoding %s\n", text_at(root, "database"),
                  text_at(publication, "name"),
                  json_is_true(json_object_get(publication, "exists")) ? "exists" : "not made yet",
                  text_at(root, "encoding"));
    write_list(root, "errors", "", "ERROR", out);
    write_list(root, "warnings", "", "warning", out);
    json_array_foreach(tables, i, table)
    {
        write_table(table, out);
        errors += count_of(table, "errors");
        warnings += count_of(table, "warnings");
    }
    (void)fprintf(out, "\n%d tables, %d warnings, %d errors that would stop run\n",
                  (int)json_array_size(tables), warnings, errors);
}
