/* plan_table - topic, key and replica identity of a table, and what concerns all of them. */
#include "relay/plan_report.h"

#include <stdarg.h>
#include <stdlib.h>

#include "millrace/buf.h"
#include "millrace/mem.h"
#include "millrace/patterns.h"

#include "sinks/plan.h"
#include "sinks/rules.h"
#include "sinks/topic_name.h"

#define NAME_BYTES 1024 /* "schema.table.column": the server's names have 63 bytes each */

static void add_text(json_t *owner, const char *list_name, const char *fmt, va_list args)
{
    json_t *list = json_object_get(owner, list_name);

    if (list == NULL) {
        list = json_array();
        (void)json_object_set_new(owner, list_name, list);
    }
    (void)json_array_append_new(list, json_vsprintf(fmt, args));
}

void plan_warn(json_t *owner, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_text(owner, "warnings", fmt, args);
    va_end(args);
}

void plan_refuse(json_t *owner, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_text(owner, "errors", fmt, args);
    va_end(args);
}

static json_t *string_of(struct slice text)
{
    return text.at == NULL ? json_null() : json_stringn((const char *)text.at, text.len);
}

/* ---- topic ---- */

static void report_topic(const struct planning *p, const struct relation *relation,
                         const struct plan *plan, json_t *out)
{
    const struct recorder_options *records = &p->options->records;
    const char *delimiter = records->topic_delimiter;
    struct topic_name own;
    struct error err = {0};
    char wanted[NAME_BYTES];

    (void)json_object_set_new(out, "topic", json_string(plan->topic->name));
    (void)snprintf(wanted, sizeof wanted, "%s%s%.*s%s%.*s", records->topic_prefix, delimiter,
                   SLICE_ARGS(relation->schema), delimiter, SLICE_ARGS(relation->name));
    if (topic_name_of_table(records->topic_prefix, delimiter, relation->schema, relation->name,
                            &own, &err) &&
        strcmp(own.text, plan->topic->name) != 0) {
        (void)json_object_set_new(out, "routed_from", json_string(own.text));
        return;
    }
    if (strcmp(wanted, plan->topic->name) != 0)
        plan_warn(out, "the topic's name is adjusted: Kafka allows letters, digits, '.', '_' and "
                       "'-' only, so each other character is '_'");
}

/* ---- key ---- */

static bool key_is_configured(const struct planning *p, const struct relation *relation)
{
    struct error err = {0};
    struct rules *rules = rules_create(&p->options->records.rules, &err);
    uint16_t *indexes = mem_zero((size_t)relation->column_count + 1, sizeof *indexes);
    int count = rules == NULL ? 0 : rules_key(rules, relation, indexes, &err);

    free(indexes);
    rules_destroy(rules);
    return count > 0;
}

/* The columns of the replica identity stand in for a key that deletes do not tell. */
static bool is_own_key(const struct relation *relation, const struct plan *plan)
{
    if (plan->key.count != relation->key_count)
        return false;
    for (uint16_t i = 0; i < plan->key.count; i++)
        if (plan->key.at[i].index != relation->key[i])
            return false;
    return true;
}

static const char *key_origin(const struct planning *p, const struct described_table *table,
                              const struct plan *plan)
{
    const struct relation *relation = table->relation;

    if (plan->key.count == 0)
        return "none";
    if (key_is_configured(p, relation))
        return "topics.key_columns";
    if (!is_own_key(relation, plan))
        return "replica identity index";
    if (relation->key_is_primary)
        return "primary key";
    if (table->identity_index.at != NULL && slice_equal(table->identity_index, table->key_index))
        return "replica identity index";
    return "unique index";
}

static struct slice index_of_origin(const struct described_table *table, const char *origin)
{
    if (strcmp(origin, "primary key") == 0 || strcmp(origin, "unique index") == 0)
        return table->key_index;
    if (strcmp(origin, "replica identity index") == 0)
        return table->identity_index;
    return (struct slice){NULL, 0};
}

static void warn_of_key(const struct planning *p, json_t *out)
{
    const char *policy = p->options->kafka.cleanup_policy;

    plan_warn(out, "no key: no primary key and no unique index over NOT NULL columns that the "
                   "replica identity covers, so records have no key and consumers cannot tell rows "
                   "apart");
    if (p->options->sink == SINK_KAFKA && policy != NULL && strstr(policy, "compact") != NULL)
        plan_refuse(out,
                    "topics.cleanup_policy is %s, and compacted topics refuse records without "
                    "a key",
                    policy);
}

static void report_key(const struct planning *p, const struct described_table *table,
                       const struct plan *plan, json_t *out)
{
    const char *origin = key_origin(p, table, plan);
    json_t *key = json_object(), *columns = json_array();

    for (uint16_t i = 0; i < plan->key.count; i++)
        (void)json_array_append_new(
            columns, string_of(table->relation->columns[plan->key.at[i].index].name));
    (void)json_object_set_new(key, "columns", columns);
    (void)json_object_set_new(key, "from", json_string(origin));
    (void)json_object_set_new(key, "index", string_of(index_of_origin(table, origin)));
    (void)json_object_set_new(out, "key", key);
    if (plan->key.count == 0)
        warn_of_key(p, out);
}

/* ---- replica identity and the rest ---- */

static void report_identity(const struct planning *p, const struct described_table *table,
                            json_t *out)
{
    const struct relation *relation = table->relation;
    const char *name = replica_identity_name(relation->identity);

    (void)json_object_set_new(out, "replica_identity", json_string(name));
    if (!table->lacks_identity)
        return;
    if (p->description->publication_exists)
        plan_warn(out,
                  "replica identity %s tells no row: PostgreSQL refuses the application's UPDATE "
                  "and DELETE, and only inserts and truncates come",
                  name);
    else
        plan_refuse(out,
                    "replica identity %s tells no row: publishing the table would make PostgreSQL "
                    "refuse its UPDATE and DELETE; give it a primary key, or ALTER TABLE ... "
                    "REPLICA IDENTITY FULL",
                    name);
}

static void report_family(const struct described_table *table, json_t *out)
{
    if (table->partitioned)
        plan_warn(out, "partitioned: the changes of its partitions come under its name, and so "
                       "does the snapshot");
    if (table->partition_of.at != NULL)
        plan_warn(out, "a partition of %.*s, with a topic of its own",
                  SLICE_ARGS(table->partition_of));
    if (table->inherits.at != NULL)
        plan_warn(out, "inherits from %.*s: its rows come under its own name only",
                  SLICE_ARGS(table->inherits));
    if (table->has_heirs)
        plan_warn(out, "other tables inherit from it: their rows come under their own names");
}

static void report_reach(const struct planning *p, const struct described_table *table, json_t *out)
{
    bool copies = p->options->postgres.snapshot_mode != SNAPSHOT_NEVER;

    if (table->row_filter.at != NULL)
        plan_warn(out,
                  "the publication has a row filter: %.*s; other rows do not come, and an "
                  "update across its border comes as an insert or a delete",
                  SLICE_ARGS(table->row_filter));
    if (copies && !table->may_select)
        plan_refuse(out,
                    "the snapshot may not read it: GRANT SELECT on it and USAGE of its schema");
    if (copies && table->row_security)
        plan_refuse(out, "row level security would hide rows from the snapshot: ALTER ROLE ... "
                         "BYPASSRLS for the role that millrace uses");
    if (table->relation->column_count == 0)
        plan_warn(out, "no columns: records tell only that there are rows");
}

void plan_report_table(const struct planning *p, const struct described_table *table,
                       const struct plan *plan, json_t *out)
{
    const struct relation *relation = table->relation;
    const char *policy = p->options->kafka.cleanup_policy;

    (void)json_object_set_new(
        out, "table",
        json_sprintf("%.*s.%.*s", SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name)));
    if (plan != NULL) {
        report_topic(p, relation, plan, out);
        report_key(p, table, plan, out);
    }
    report_identity(p, table, out);
    report_family(table, out);
    report_reach(p, table, out);
    if (p->options->sink == SINK_KAFKA && p->options->records.truncates && policy != NULL &&
        strstr(policy, "compact") != NULL)
        plan_warn(out,
                  "topics.cleanup_policy is %s: compacted topics refuse the record of a TRUNCATE, "
                  "which has no key; topics.truncates turns it off",
                  policy);
}

/* ---- the whole ---- */

static bool set_has(const struct pattern_set *set, const struct slice *names, size_t count)
{
    char name[NAME_BYTES];

    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "%.*s", SLICE_ARGS(names[i]));
        if (pattern_set_matches(set, name))
            return true;
    }
    return false;
}

static bool matches_some(const char *option, const char *pattern, const struct slice *names,
                         size_t count)
{
    struct pattern_set set = {0};
    struct error err = {0};
    bool found;

    if (!pattern_set_add(&set, option, pattern, &err))
        return true; /* reported elsewhere */
    found = set_has(&set, names, count);
    pattern_set_done(&set);
    return found;
}

static void check_table_patterns(const struct planning *p, const char *option,
                                 const struct patterns *patterns, json_t *out)
{
    const struct description *d = p->description;

    for (size_t i = 0; i < patterns->count; i++)
        if (!matches_some(option, patterns->at[i], d->names, d->name_count))
            plan_warn(out, "%s: '%s' matches no table of the database", option, patterns->at[i]);
}

static bool has_column(const struct pattern_set *set, const struct described_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        char name[NAME_BYTES];

        (void)snprintf(name, sizeof name, "%.*s.%.*s.%.*s", SLICE_ARGS(table->relation->schema),
                       SLICE_ARGS(table->relation->name), SLICE_ARGS(table->columns[i].name));
        if (pattern_set_matches(set, name))
            return true;
    }
    return false;
}

static bool matches_column(const char *option, const char *pattern, const struct description *d)
{
    struct pattern_set set = {0};
    struct error err = {0};
    bool found = false;

    if (!pattern_set_add(&set, option, pattern, &err))
        return true; /* reported elsewhere */
    for (size_t i = 0; !found && i < d->table_count; i++)
        found = has_column(&set, &d->tables[i]);
    pattern_set_done(&set);
    return found;
}

/* A mask that matches nothing hides nothing. */
static void check_column_patterns(const struct planning *p, const char *option, bool has_length,
                                  const struct patterns *patterns, json_t *out)
{
    for (size_t i = 0; i < patterns->count; i++) {
        const char *pattern = patterns->at[i], *colon = strchr(pattern, ':');

        if (has_length && colon != NULL)
            pattern = colon + 1;
        if (!matches_column(option, pattern, p->description))
            plan_warn(out, "%s: '%s' matches no column of a captured table", option,
                      patterns->at[i]);
    }
}

static void check_patterns(const struct planning *p, json_t *out)
{
    const struct postgres_options *postgres = &p->options->postgres;
    const struct rule_options *rules = &p->options->records.rules;

    check_table_patterns(p, "tables.include", &postgres->tables_include, out);
    check_table_patterns(p, "tables.exclude", &postgres->tables_exclude, out);
    check_column_patterns(p, "columns.include", false, &postgres->columns_include, out);
    check_column_patterns(p, "columns.exclude", false, &postgres->columns_exclude, out);
    check_column_patterns(p, "columns.truncate", true, &rules->truncate, out);
    check_column_patterns(p, "columns.mask", true, &rules->mask, out);
    check_column_patterns(p, "columns.hash", false, &rules->hash, out);
}

static void report_publication(const struct planning *p, json_t *out)
{
    const struct description *d = p->description;
    const struct postgres_options *postgres = &p->options->postgres;
    json_t *publication = json_object();

    (void)json_object_set_new(publication, "name", json_string(postgres->publication));
    (void)json_object_set_new(publication, "exists", json_boolean(d->publication_exists));
    (void)json_object_set_new(publication, "via_root", json_boolean(d->via_root));
    (void)json_object_set_new(out, "publication", publication);
    if (!d->publication_exists && postgres->publication_create == PUBLICATION_NO)
        plan_refuse(out,
                    "publication \"%s\" does not exist: create it, or set publication.create "
                    "to filtered; below is what that would publish",
                    postgres->publication);
    if (!d->publishes_insert || !d->publishes_update || !d->publishes_delete)
        plan_warn(out, "publication \"%s\" does not publish %s%s%s: these changes do not come",
                  postgres->publication, d->publishes_insert ? "" : "inserts ",
                  d->publishes_update ? "" : "updates ", d->publishes_delete ? "" : "deletes");
    if (!d->publishes_truncate && p->options->records.truncates)
        plan_warn(out, "publication \"%s\" does not publish TRUNCATE, so none comes",
                  postgres->publication);
}

void plan_report_whole(const struct planning *p, json_t *out)
{
    const struct description *d = p->description;
    json_t *others = json_array();

    report_publication(p, out);
    for (size_t i = 0; i < d->other_count; i++) {
        json_t *row = json_object();

        (void)json_object_set_new(row, "table", string_of(d->others[i].name));
        (void)json_object_set_new(row, "why", json_string(d->others[i].why));
        (void)json_array_append_new(others, row);
        plan_warn(out, "%.*s is not captured: %s", SLICE_ARGS(d->others[i].name), d->others[i].why);
    }
    (void)json_object_set_new(out, "not_captured", others);
    if (d->table_count == 0)
        plan_refuse(out, "no table is captured: see tables.include, tables.exclude and the "
                         "publication");
    check_patterns(p, out);
}
