#include "relay/command_plan.h"

#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"

#include "relay/plan_report.h"
#include "relay/registry.h"
#include "sinks/plan.h"
#include "sinks/registry_collect.h"

static enum exit_code fail(const struct error *err)
{
    (void)fprintf(stderr, "millrace: %s\n", err->text);
    return exit_code_of(err);
}

static void add_table(const struct planning *p, struct recorder *recorder,
                      const struct described_table *table, json_t *list)
{
    struct error err = {0};
    const struct plan *plan = recorder_plan(recorder, table->relation, &err);
    json_t *out = json_object();

    (void)json_object_set_new(out, "errors", json_array());
    (void)json_object_set_new(out, "warnings", json_array());
    if (plan == NULL)
        plan_refuse(out, "%s", err.text);
    plan_report_table(p, table, plan, out);
    if (plan != NULL)
        plan_report_columns(p, table, plan, out);
    (void)json_array_append_new(list, out);
}

static json_t *add_tables(const struct planning *p)
{
    char database[256];
    struct schema_registry *collected;
    struct recorder *recorder;
    json_t *list = json_array();

    (void)snprintf(database, sizeof database, "%.*s", SLICE_ARGS(p->description->database));
    recorder =
        registry_make_recorder(p->options, p->options->records.encoding, database, &collected);
    for (size_t i = 0; i < p->description->table_count; i++) {
        add_table(p, recorder, &p->description->tables[i], list);
        if (collected != NULL)
            registry_collect_forget(collected);
    }
    recorder_destroy(recorder);
    return list;
}

/* ---- topics ---- */

static void add_partitions(const struct planning *p, json_t *table, int32_t existing,
                           const char *told)
{
    const struct kafka_options *kafka = &p->options->kafka;
    json_t *partitions = json_object();

    (void)json_object_set_new(partitions, "configured", json_integer(kafka->partitions));
    (void)json_object_set_new(partitions, "existing",
                              existing > 0 ? json_integer(existing) : json_null());
    (void)json_object_set_new(partitions, "told", json_string(told));
    (void)json_object_set_new(table, "partitions", partitions);
    if (existing > 0 && existing != kafka->partitions && kafka->check_partitions)
        plan_refuse(table,
                    "its topic has %d partitions and topics.partitions says %d: set the latter to "
                    "what the topic has always had, or make the topic anew",
                    (int)existing, (int)kafka->partitions);
}

static const char *told_of(const struct planning *p, bool reached, int32_t existing)
{
    if (p->options->sink != SINK_KAFKA)
        return "the sink is not Kafka";
    if (!reached)
        return "Kafka cannot be reached, so what the topic has is not known";
    if (existing > 0)
        return "exists";
    return p->options->kafka.create_topics ? "the topic will be made" : "the topic is missing";
}

static void add_all_partitions(const struct planning *p, json_t *tables)
{
    size_t count = json_array_size(tables), i;
    const char **topics = mem_zero(count + 1, sizeof *topics);
    int32_t *existing = mem_zero(count + 1, sizeof *existing);
    struct error err = {0};
    json_t *table;
    bool reached;

    json_array_foreach(tables, i, table)
    {
        topics[i] = json_string_value(json_object_get(table, "topic"));
        if (topics[i] == NULL)
            topics[i] = ""; /* no topic's name */
    }
    reached = registry_read_partitions(p->options, topics, count, existing, &err);
    if (!reached && p->options->sink == SINK_KAFKA)
        plan_warn(p->root, "the topics cannot be looked at: %s", err.text);
    json_array_foreach(tables, i, table)
    {
        if (*topics[i] == '\0')
            continue;
        add_partitions(p, table, existing[i], told_of(p, reached, existing[i]));
        if (reached && existing[i] == 0 && !p->options->kafka.create_topics)
            plan_refuse(table, "its topic is missing and topics.create is off");
    }
    free(topics);
    free(existing);
}

/* Only rules of topics.route can lead two tables to one topic: otherwise it is an error. */
static void warn_of_shared(json_t *tables)
{
    json_t *table, *other;
    size_t i, k;

    json_array_foreach(tables, i, table)
    {
        const char *topic = json_string_value(json_object_get(table, "topic"));

        json_array_foreach(tables, k, other)
        {
            const char *its = json_string_value(json_object_get(other, "topic"));

            if (i != k && topic != NULL && its != NULL && strcmp(topic, its) == 0)
                plan_warn(table,
                          "shares its topic with %s: rows of both with the same key would "
                          "replace each other",
                          json_string_value(json_object_get(other, "table")));
        }
    }
}

/* ---- all of it ---- */

static int count_all(const json_t *root, const char *what)
{
    const json_t *tables = json_object_get(root, "tables"), *table;
    size_t count = json_array_size(json_object_get(root, what)), i;

    json_array_foreach(tables, i, table) count += json_array_size(json_object_get(table, what));
    return (int)count;
}

static json_t *make_report(const struct options *options, const struct description *description)
{
    static const char *const encodings[] = {"json", "json-schema", "avro"};
    json_t *root = json_object();
    struct planning p = {options, description, root};
    json_t *tables;

    (void)json_object_set_new(
        root, "database",
        json_stringn((const char *)description->database.at, description->database.len));
    (void)json_object_set_new(root, "encoding", json_string(encodings[options->records.encoding]));
    (void)json_object_set_new(root, "errors", json_array());
    (void)json_object_set_new(root, "warnings", json_array());
    plan_report_whole(&p, root);
    tables = add_tables(&p);
    (void)json_object_set_new(root, "tables", tables);
    add_all_partitions(&p, tables);
    warn_of_shared(tables);
    (void)json_object_set_new(root, "warning_count", json_integer(count_all(root, "warnings")));
    (void)json_object_set_new(root, "error_count", json_integer(count_all(root, "errors")));
    return root;
}

static void write_report(const json_t *root, bool as_json, FILE *out)
{
    if (!as_json) {
        plan_write_text(root, out);
        return;
    }
    (void)json_dumpf(root, out, JSON_INDENT(2));
    (void)fputc('\n', out);
}

enum exit_code command_plan(const struct options *options, bool as_json, int stop_fd, FILE *out)
{
    struct error err = {0};
    struct description description;
    bool ok = postgres_describe(&options->postgres, stop_fd, &description, &err);

    if (ok) {
        json_t *root = make_report(options, &description);

        write_report(root, as_json, out);
        json_decref(root);
    }
    postgres_describe_done(&description);
    if (ok && fflush(out) != 0)
        ok = error_set(&err, ERROR_SYSTEM, "the plan cannot be written: is the disk full?");
    return ok ? EXIT_OK : fail(&err);
}
