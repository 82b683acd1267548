#include "relay/command_schema.h"

#include <inttypes.h>
#include <stdlib.h>

#include <jansson.h>

#include "millrace/buf.h"
#include "millrace/patterns.h"

#include "relay/pg_describe.h"
#include "relay/registry.h"
#include "sinks/connect_schema.h"
#include "sinks/plan.h"
#include "sinks/registry_collect.h"

#define LINE_BYTES ((size_t)256 << 20)

struct showing {
    const struct options *options;
    enum schema_part part;
    enum encoding_kind encoding; /* of the schemas: json has none */
    struct recorder *recorder;
    struct schema_registry *collected; /* NULL: the encoding has no registry */
    struct buf line;
    FILE *out;
    struct error *err;
};

/* A schema to be shown. */
struct shown {
    const char *subject; /* NULL: none */
    struct slice text;   /* at NULL: there is no schema */
};

static enum exit_code fail(const struct error *err)
{
    (void)fprintf(stderr, "millrace: %s\n", err->text);
    return exit_code_of(err);
}

/* ---- which tables ---- */

/* A word that means nothing is a mistake, and silence would hide it. */
static bool check_word(const char *word, const struct description *d, struct error *err)
{
    struct pattern_set set = {0};
    bool found = false;

    if (!pattern_set_add(&set, "TABLE", word, err))
        return false;
    for (size_t i = 0; !found && i < d->table_count; i++) {
        const struct relation *relation = d->tables[i].relation;
        char name[256];

        (void)snprintf(name, sizeof name, "%.*s.%.*s", SLICE_ARGS(relation->schema),
                       SLICE_ARGS(relation->name));
        found = pattern_set_matches(&set, name);
    }
    pattern_set_done(&set);
    return found || error_set(err, ERROR_CONFIG,
                              "no table of database \"%.*s\" matches '%.100s': a table is named "
                              "schema.table, as in public.orders",
                              SLICE_ARGS(d->database), word);
}

static bool describe_words(const struct options *options, const char *const *tables, size_t count,
                           int stop_fd, struct description *out, struct error *err)
{
    struct postgres_options postgres = options->postgres;
    bool ok;

    if (count == 0)
        return postgres_describe(&options->postgres, stop_fd, out, err);
    postgres.tables_include = (struct patterns){.at = tables, .count = count};
    postgres.tables_exclude = (struct patterns){0};
    ok = postgres_describe_tables(&postgres, stop_fd, out, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = check_word(tables[i], out, err);
    return ok;
}

/* ---- one table ---- */

static void append_quoted(struct buf *out, const char *text, size_t len)
{
    json_t *string = json_stringn(text, len);
    char *quoted = string == NULL ? NULL : json_dumps(string, JSON_ENCODE_ANY);

    if (quoted == NULL)
        out->failed = true;
    else
        buf_text(out, quoted);
    free(quoted);
    json_decref(string);
}

static void append_shown(struct buf *out, const struct shown *shown)
{
    if (shown->text.at == NULL) {
        buf_text(out, "null");
        return;
    }
    buf_byte(out, '{');
    if (shown->subject != NULL) {
        buf_text(out, "\"subject\":");
        append_quoted(out, shown->subject, strlen(shown->subject));
        buf_byte(out, ',');
    }
    buf_text(out, "\"schema\":");
    buf_slice(out, shown->text);
    buf_byte(out, '}');
}

static void append_table(struct showing *s, const struct relation *relation,
                         const struct plan *plan, const struct shown *key,
                         const struct shown *value)
{
    static const char *const names[] = {"json", "json-schema", "avro"};
    struct buf *line = &s->line;
    struct buf name;

    buf_init(&name, 1024);
    buf_printf(&name, "%.*s.%.*s", SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name));
    buf_text(line, "{\"table\":");
    append_quoted(line, (const char *)name.at, name.len);
    buf_done(&name);
    buf_printf(line, ",\"topic\":\"%s\",\"encoding\":\"%s\",\"key\":", plan->topic->name,
               names[s->options->records.encoding]);
    append_shown(line, key);
    buf_text(line, ",\"value\":");
    append_shown(line, value);
    buf_byte(line, '}');
}

static bool put_line(struct showing *s, const struct relation *relation, const struct plan *plan,
                     const struct shown *key, const struct shown *value)
{
    s->line.len = 0;
    if (s->part == SCHEMA_KEY && key->text.at == NULL)
        return error_set(s->err, ERROR_CONFIG,
                         "table %.*s.%.*s has no key, so its records have none either: give it a "
                         "primary key, or see topics.key_columns",
                         SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name));
    if (s->part == SCHEMA_BOTH)
        append_table(s, relation, plan, key, value);
    else
        buf_slice(&s->line, s->part == SCHEMA_KEY ? key->text : value->text);
    buf_byte(&s->line, '\n');
    if (s->line.failed)
        return error_set(s->err, ERROR_SYSTEM, "no memory for the schemas of a table");
    (void)fwrite(s->line.at, 1, s->line.len, s->out);
    return true;
}

/* Asked for in this order: the key's, if there is one, then the value's. */
static bool put_collected(struct showing *s, const struct relation *relation,
                          const struct plan *plan)
{
    size_t count;
    const struct collected_schema *list = registry_collect_list(s->collected, &count);
    struct shown key = {0}, value = {0};

    if (count > 0)
        value = (struct shown){list[count - 1].subject, list[count - 1].schema};
    if (count > 1)
        key = (struct shown){list[0].subject, list[0].schema};
    return put_line(s, relation, plan, &key, &value);
}

static bool put_connect(struct showing *s, const struct relation *relation, const struct plan *plan)
{
    struct buf key, value;
    struct shown shown_key = {0}, shown_value = {0};
    bool ok;

    buf_init(&key, LINE_BYTES);
    buf_init(&value, LINE_BYTES);
    if (plan->key_schema != NULL)
        connect_schema_write_json(plan->key_schema, &key);
    connect_schema_write_json(plan->value_schema, &value);
    shown_key.text = buf_view(&key);
    shown_value.text = buf_view(&value);
    ok = key.failed || value.failed
             ? error_set(s->err, ERROR_SYSTEM, "no memory for the schemas of a table")
             : put_line(s, relation, plan, &shown_key, &shown_value);
    buf_done(&key);
    buf_done(&value);
    return ok;
}

static bool put_table(struct showing *s, const struct relation *relation)
{
    const struct plan *plan;

    if (s->collected != NULL)
        registry_collect_forget(s->collected);
    plan = recorder_plan(s->recorder, relation, s->err);
    if (plan == NULL)
        return false;
    return s->collected != NULL ? put_collected(s, relation, plan) : put_connect(s, relation, plan);
}

static bool put_tables(struct showing *s, const struct description *d)
{
    char database[256];
    bool ok = true;

    (void)snprintf(database, sizeof database, "%.*s", SLICE_ARGS(d->database));
    s->recorder = registry_make_recorder(s->options, s->encoding, database, &s->collected);
    buf_init(&s->line, LINE_BYTES);
    for (size_t i = 0; ok && i < d->table_count; i++)
        ok = put_table(s, d->tables[i].relation);
    buf_done(&s->line);
    recorder_destroy(s->recorder);
    return ok;
}

enum exit_code command_schema(const struct options *options, const char *const *tables,
                              size_t table_count, enum schema_part part, int stop_fd, FILE *out)
{
    struct error err = {0};
    struct showing s = {
        .options = options,
        .part = part,
        .encoding = options->records.encoding,
        .out = out,
        .err = &err,
    };
    struct description description;
    bool ok;

    if (s.encoding == ENCODING_JSON) {
        s.encoding = ENCODING_JSON_SCHEMA;
        (void)fputs("millrace: with encoding json records carry no schema; shown is the one that "
                    "json-schema would put into them\n",
                    stderr);
    }
    ok = describe_words(options, tables, table_count, stop_fd, &description, &err) &&
         put_tables(&s, &description);
    postgres_describe_done(&description);
    if (ok && fflush(out) != 0)
        ok = error_set(&err, ERROR_SYSTEM, "the schemas cannot be written: is the disk full?");
    return ok ? EXIT_OK : fail(&err);
}
