#include "relay/options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/arena.h"
#include "millrace/mem.h"

#include "relay/option_table.h"
#include "relay/option_text.h"
#include "relay/option_value.h"
#include "relay/options_yaml.h"

#define MEMORY_BYTES ((size_t)32 * 1024 * 1024)
#define CUT_INTERVALS 16 /* of commit.interval, until a source transaction is cut */

enum origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_SET };

/* Where an option's value came from. */
struct given {
    enum origin origin;
    int line, column; /* ORIGIN_FILE */
};

struct loading {
    struct options *options;
    struct arena *memory;
    const char *file;    /* NULL: none */
    struct given *given; /* one for each row of the table, in its order */
    struct error *err;
};

/* ---- places
 * --------------------------------------------------------------------------------------- */

static struct given *given_of(const struct loading *l, const struct option *option)
{
    size_t count;

    return &l->given[option - option_table(&count)];
}

static struct given *given_at(const struct loading *l, const char *path)
{
    const struct option *option = option_find(path);

    assert(option != NULL); /* paths in this file are in the table: the tests call every check */
    return given_of(l, option);
}

static bool is_given(const struct loading *l, const char *path)
{
    return given_at(l, path)->origin != ORIGIN_DEFAULT;
}

/* Puts the place in front of the error; returns false. */
static bool wrap_place(const struct loading *l, const struct given *given)
{
    if (given->origin == ORIGIN_SET)
        return error_wrap(l->err, "--set");
    if (given->origin == ORIGIN_FILE)
        return error_wrap(l->err, "%s:%d:%d", l->file, given->line, given->column);
    return error_wrap(l->err, "%s", l->file == NULL ? "options" : l->file);
}

/* ---- one value
 * ------------------------------------------------------------------------------------ */

static bool expand(const struct loading *l, const char *path, bool secret, const char *raw,
                   const char **out)
{
    bool ok = secret ? option_text_expand_secret(raw, l->memory, out, l->err)
                     : option_text_expand(raw, l->memory, out, l->err);

    return ok || error_wrap(l->err, "%s", path);
}

static bool put_text(const struct loading *l, const struct option *option, const char *raw)
{
    const char *text;

    return expand(l, option->path, option->secret, raw, &text) &&
           option_value_store(option, text, l->options, l->err);
}

static bool put_list(const struct loading *l, const struct option *option, const char *const *raws,
                     size_t count)
{
    const char **texts = arena_array(l->memory, count, sizeof *texts);

    if (texts == NULL)
        return error_set(l->err, ERROR_CONFIG, "the configuration is too large");
    for (size_t i = 0; i < count; i++)
        if (!expand(l, option->path, option->secret, raws[i], &texts[i]))
            return false;
    return option_value_store_list(option, texts, count, l->options, l->err);
}

static bool put_map_entry(const struct loading *l, const char *path, const char *name,
                          const char *raw)
{
    const char *text;

    return expand(l, path, option_entry_is_secret(name), raw, &text) &&
           option_value_store_entry(name, text, l->options, l->memory, l->err);
}

static bool unknown(const struct loading *l, const char *path)
{
    const struct option *above = option_find_above(path);
    const char *meant = option_suggest(path);

    if (above != NULL)
        return error_set(l->err, ERROR_CONFIG, "%s must be a single value, not a mapping",
                         above->path);
    if (meant != NULL)
        return error_set(l->err, ERROR_CONFIG, "unknown option '%.200s': did you mean '%s'?", path,
                         meant);
    return error_set(l->err, ERROR_CONFIG, "unknown option '%.200s': see millrace help options",
                     path);
}

/* ---- the file
 * ------------------------------------------------------------------------------------- */

static bool wrong_kind(const struct loading *l, const struct option *option)
{
    const char *want = option->type == OPTION_MAP    ? "a mapping"
                       : option->type == OPTION_LIST ? "a list, such as [a, b]"
                                                     : "a single value";

    return error_set(l->err, ERROR_CONFIG, "%s must be %s", option->path, want);
}

static bool put_entry(const struct loading *l, const struct option *option,
                      const struct option_entry *entry)
{
    switch (entry->kind) {
    case ENTRY_NOTHING:
        if (option->type == OPTION_MAP)
            return true;
        return error_set(l->err, ERROR_CONFIG, "%s has no value: give one, or remove the line",
                         option->path);
    case ENTRY_MAPPING:
        return option->type == OPTION_MAP || wrong_kind(l, option);
    case ENTRY_LIST:
        if (option->type != OPTION_LIST)
            return wrong_kind(l, option);
        return put_list(l, option, entry->texts, entry->text_count);
    case ENTRY_TEXT:
        if (option->type == OPTION_LIST || option->type == OPTION_MAP)
            return wrong_kind(l, option);
        return put_text(l, option, entry->text);
    }
    return false;
}

static bool is_repeated(const struct loading *l, const struct option_entry *entry,
                        const char *map_name, struct given *given)
{
    const struct kafka_options *kafka = &l->options->kafka;

    if (map_name == NULL)
        return given->origin == ORIGIN_FILE;
    for (size_t i = 0; i < kafka->property_count; i++)
        if (strcmp(kafka->properties[i].name, map_name) == 0)
            return entry->kind == ENTRY_TEXT;
    return false;
}

/* An entry of a map, whose name is what follows the option's path. */
static bool put_map(const struct loading *l, const char *name, const struct option_entry *entry)
{
    if (entry->kind != ENTRY_TEXT)
        return error_set(l->err, ERROR_CONFIG, "%s must be a single text", entry->path);
    return put_map_entry(l, entry->path, name, entry->text);
}

static bool apply_known(const struct loading *l, const struct option *option, const char *map_name,
                        const struct option_entry *entry)
{
    struct given *given = given_of(l, option);

    if (is_repeated(l, entry, map_name, given))
        return error_set(l->err, ERROR_CONFIG, "%s is repeated", entry->path);
    *given = (struct given){ORIGIN_FILE, entry->line, entry->column};
    return map_name != NULL ? put_map(l, map_name, entry) : put_entry(l, option, entry);
}

static bool apply_entry(const struct loading *l, const struct option_entry *entry)
{
    const char *map_name = NULL;
    const struct option *option = option_find(entry->path);

    if (option == NULL)
        option = option_find_map(entry->path, &map_name);
    if (option != NULL)
        return apply_known(l, option, map_name, entry);
    if (!option_is_section(entry->path))
        return unknown(l, entry->path);
    if (entry->kind == ENTRY_NOTHING || entry->kind == ENTRY_MAPPING)
        return true; /* a section of which nothing is set */
    return error_set(l->err, ERROR_CONFIG, "%s must be a mapping", entry->path);
}

static bool apply_entries(const struct loading *l, const struct option_entry *entry)
{
    for (; entry != NULL; entry = entry->next)
        if (!apply_entry(l, entry))
            return wrap_place(l, &(struct given){ORIGIN_FILE, entry->line, entry->column});
    return true;
}

static bool apply_file(const struct loading *l)
{
    struct option_entry *entries = NULL;
    struct buf file = {0};
    bool ok;

    if (l->file == NULL)
        return true;
    ok = option_text_read_file(l->file, &file, l->err) &&
         options_yaml_read(l->file, buf_view(&file), l->memory, &entries, l->err);
    buf_done(&file);
    return ok && apply_entries(l, entries);
}

/* ---- --set
 * ---------------------------------------------------------------------------------------- */

/* Splits at commas in place; "\," is a comma and "\\" a backslash, any other backslash stands for
 * itself, as regular expressions need it. */
static size_t split_list(char *text, const char **texts)
{
    size_t count = 0;
    char *to = text;

    texts[count++] = to;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == ',') {
            *to++ = '\0';
            texts[count++] = to;
            continue;
        }
        if (*at == '\\' && (at[1] == ',' || at[1] == '\\'))
            at++;
        *to++ = *at;
    }
    *to = '\0';
    return count;
}

static bool set_list(const struct loading *l, const struct option *option, const char *value)
{
    size_t size = strlen(value) + 1;
    char *copy = arena_alloc(l->memory, size);
    const char **texts = arena_array(l->memory, size, sizeof *texts);
    size_t count = 0;

    if (copy == NULL || texts == NULL)
        return error_set(l->err, ERROR_CONFIG, "the configuration is too large");
    memcpy(copy, value, size);
    if (*value != '\0')
        count = split_list(copy, texts);
    return put_list(l, option, texts, count);
}

static bool apply_setting(const struct loading *l, const struct option_setting *setting)
{
    const char *map_name = NULL;
    const struct option *option = option_find(setting->path);

    if (option == NULL)
        option = option_find_map(setting->path, &map_name);
    if (option == NULL && option_is_section(setting->path))
        return error_set(l->err, ERROR_CONFIG, "%s is a section: name one of its options",
                         setting->path);
    if (option == NULL)
        return unknown(l, setting->path);
    *given_of(l, option) = (struct given){.origin = ORIGIN_SET};
    if (map_name != NULL)
        return put_map_entry(l, setting->path, map_name, setting->value);
    if (option->type == OPTION_MAP)
        return error_set(l->err, ERROR_CONFIG, "%s is a mapping: set %s.NAME=value", option->path,
                         option->path);
    if (option->type == OPTION_LIST)
        return set_list(l, option, setting->value);
    return put_text(l, option, setting->value);
}

static bool apply_settings(const struct loading *l, const struct option_setting *settings,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!apply_setting(l, &settings[i]))
            return error_wrap(l->err, "--set");
    return true;
}

/* ---- defaults
 * ------------------------------------------------------------------------------------- */

static bool apply_defaults(const struct loading *l)
{
    size_t count;
    const struct option *options = option_table(&count);

    for (size_t i = 0; i < count; i++)
        if (options[i].by_default != NULL &&
            !option_value_store(&options[i], options[i].by_default, l->options, l->err))
            return false; /* a bug in the table, which the tests would find */
    return true;
}

static const char *slot_of_name(const struct loading *l, const char *name)
{
    size_t size = strlen(name) + 1;
    char *slot = arena_alloc(l->memory, size);

    if (slot == NULL)
        return NULL;
    memcpy(slot, name, size);
    for (char *dash = strchr(slot, '-'); dash != NULL; dash = strchr(dash, '-'))
        *dash = '_';
    return slot;
}

static const char *position_topic_of_name(const struct loading *l, const char *name)
{
    static const char shape[] = "__millrace.%s.position";
    size_t size = sizeof shape + strlen(name);
    char *topic = arena_alloc(l->memory, size);

    if (topic != NULL)
        (void)snprintf(topic, size, shape, name);
    return topic;
}

/* What happened, where in the log, and when. */
static void derive_flat(const struct loading *l)
{
    static const char *const fields[] = {"op", "lsn", "source.ts_us:commit_ts"};
    struct recorder_options *records = &l->options->records;

    if (records->envelope != ENVELOPE_FLAT)
        return;
    if (records->types.debezium && !is_given(l, "flat.deletes")) /* the defaults of its SMT */
        records->flat.deletes = FLAT_TOMBSTONE;
    if (!records->types.debezium && !is_given(l, "flat.add_fields"))
        records->flat.fields = (struct patterns){fields, ARRAY_LEN(fields)};
}

/* Whoever names a placeholder wants it, and so does a consumer that was written for Debezium. */
static void derive_unavailable_values(const struct loading *l)
{
    struct recorder_options *records = &l->options->records;

    if (!is_given(l, "topics.unavailable_values") &&
        (records->types.debezium || is_given(l, "topics.unavailable_value_placeholder")))
        records->unavailable_values = UNAVAILABLE_PLACEHOLDER;
}

/* The defaults that depend on other options. */
static bool derive(const struct loading *l)
{
    struct options *o = l->options;

    if (o->name == NULL)
        return error_set(l->err, ERROR_CONFIG,
                         "name is missing: every relay needs one of its own") ||
               wrap_place(l, given_at(l, "name"));
    if (o->postgres.slot == NULL)
        o->postgres.slot = slot_of_name(l, o->name);
    if (o->postgres.publication == NULL)
        o->postgres.publication = o->postgres.slot;
    if (o->records.topic_prefix == NULL)
        o->records.topic_prefix = o->name;
    if (o->kafka.transactional_id == NULL)
        o->kafka.transactional_id = o->name;
    if (o->kafka.position_topic == NULL)
        o->kafka.position_topic = position_topic_of_name(l, o->name);
    if (o->postgres.slot == NULL || o->kafka.position_topic == NULL)
        return error_set(l->err, ERROR_CONFIG, "the configuration is too large");
    if (o->postgres.url != NULL)
        o->postgres.port = is_given(l, "source.postgres.port") ? o->postgres.port : NULL;
    o->records.database = o->postgres.database;
    o->records.types.debezium = o->compatibility == COMPATIBILITY_DEBEZIUM_3;
    if (o->records.types.debezium && !is_given(l, "topics.truncates"))
        o->records.truncates = false;
    derive_unavailable_values(l);
    derive_flat(l);
    if (o->records.types.debezium && !is_given(l, "topics.relations"))
        o->records.relation_changes = false;
    return true;
}

static bool choose_sink(const struct loading *l)
{
    bool kafka = l->options->kafka.bootstrap_servers != NULL,
         log = l->options->log.directory != NULL;

    if (is_given(l, "sink.type"))
        return true;
    if (kafka == log) {
        (void)error_set(l->err, ERROR_CONFIG,
                        kafka ? "kafka.bootstrap_servers and event_log.directory are both set: say "
                                "with sink.type which of them the records go to, kafka or log"
                              : "nothing says where the records go: set kafka.bootstrap_servers, "
                                "event_log.directory, or sink.type (stdout or null)");
        return wrap_place(l, given_at(l, "sink.type"));
    }
    l->options->sink = kafka ? SINK_KAFKA : SINK_LOG;
    return true;
}

/* ---- what belongs together
 * ------------------------------------------------------------------------ */

/* Fails at the place of the option `path`. */
static bool fault(const struct loading *l, const char *path, const char *text)
{
    return error_set(l->err, ERROR_CONFIG, "%s %s", path, text) || wrap_place(l, given_at(l, path));
}

static bool check_source(const struct loading *l)
{
    static const char *const fields[] = {
        "source.postgres.host",        "source.postgres.port",     "source.postgres.database",
        "source.postgres.user",        "source.postgres.password", "source.postgres.sslmode",
        "source.postgres.sslrootcert", "source.postgres.sslcert",  "source.postgres.sslkey",
    };
    const struct postgres_options *postgres = &l->options->postgres;

    for (size_t i = 0; postgres->url != NULL && i < ARRAY_LEN(fields); i++)
        if (is_given(l, fields[i]))
            return fault(
                l, fields[i],
                "cannot stand beside source.postgres.url: put it into the url, or leave the "
                "url out");
    if (postgres->url == NULL && postgres->host == NULL)
        return fault(l, "source.postgres.host", "is missing (or give source.postgres.url)");
    if (postgres->url == NULL && postgres->database == NULL)
        return fault(l, "source.postgres.database", "is missing");
    return true;
}

static bool check_patterns(const struct loading *l)
{
    const struct postgres_options *postgres = &l->options->postgres;

    if (postgres->tables_include.count > 0 && postgres->tables_exclude.count > 0)
        return fault(l, "tables.exclude", "cannot stand beside tables.include: choose one of them");
    if (postgres->columns_include.count > 0 && postgres->columns_exclude.count > 0)
        return fault(l, "columns.exclude",
                     "cannot stand beside columns.include: choose one of them");
    return true;
}

static bool check_sink(const struct loading *l)
{
    const struct options *o = l->options;

    if (o->sink == SINK_KAFKA && o->kafka.bootstrap_servers == NULL)
        return fault(l, "kafka.bootstrap_servers", "is missing: sink.type kafka needs it");
    if (o->sink == SINK_LOG && o->log.directory == NULL)
        return fault(l, "event_log.directory", "is missing: sink.type log needs it");
    if (o->kafka.replication_factor == 0)
        return fault(l, "topics.replication_factor",
                     "must be 1 or more, or -1 for the broker's default");
    if (strcmp(o->kafka.position_topic, ".") == 0 || strcmp(o->kafka.position_topic, "..") == 0)
        return fault(l, "kafka.position_topic", "must be a legal topic name");
    return true;
}

static bool check_encoding(const struct loading *l)
{
    const struct options *o = l->options;
    const struct registry_options *r = &o->registry;

    if (o->records.encoding == ENCODING_AVRO && r->url == NULL && r->directory == NULL)
        return fault(l, "schema_registry.url",
                     "is missing: encoding avro needs it, or schema_registry.directory");
    if (o->records.encoding == ENCODING_AVRO && o->records.avro_types == AVRO_TYPES_STANDARD &&
        (o->records.types.time == TIME_CONNECT || o->records.types.time == TIME_NANOSECONDS))
        return fault(l, "types.time",
                     "must be adaptive, microseconds or isostring: avro.types standard has "
                     "microseconds, as PostgreSQL has");
    if (r->url != NULL && r->directory != NULL)
        return fault(l, "schema_registry.directory",
                     "cannot stand beside schema_registry.url: choose one of them");
    if (r->token != NULL && r->user != NULL)
        return fault(l, "schema_registry.token",
                     "cannot stand beside schema_registry.user: choose one of them");
    if (r->key != NULL && r->certificate == NULL)
        return fault(l, "schema_registry.key", "needs schema_registry.certificate");
    return true;
}

/* What would have no effect is refused, unless it says what holds anyway. */
static bool check_envelope(const struct loading *l)
{
    const struct flat_options *flat = &l->options->records.flat;
    const char *path = NULL;

    if (l->options->records.envelope == ENVELOPE_FLAT)
        return true;
    if (flat->fields.count > 0)
        path = "flat.add_fields";
    else if (flat->headers.count > 0)
        path = "flat.add_headers";
    else if (strcmp(flat->prefix, option_find("flat.prefix")->by_default) != 0)
        path = "flat.prefix";
    else if (flat->deletes != FLAT_REWRITE_WITH_TOMBSTONE)
        path = "flat.deletes";
    return path == NULL || fault(l, path, "needs envelope: flat");
}

/* Long enough to leave ordinary transactions whole, and in time before the broker gives one up. */
static int64_t choose_cut_interval_ms(const struct options *o)
{
    int64_t cut_ms = o->loop.commit_interval_ms * CUT_INTERVALS;
    int64_t most_ms = o->kafka.transaction_timeout_ms / 2;

    return o->sink == SINK_KAFKA && cut_ms > most_ms ? most_ms : cut_ms;
}

static bool check_times(const struct loading *l)
{
    struct options *o = l->options;

    if (o->retry.first_ms > o->retry.most_ms)
        return fault(l, "retry.first", "must not be longer than retry.most");
    if (o->sink == SINK_KAFKA && o->loop.commit_interval_ms >= o->kafka.transaction_timeout_ms / 2)
        return fault(l, "commit.interval",
                     "must be less than half of kafka.transaction_timeout, or the broker aborts "
                     "transactions that are still being filled");
    o->loop.cut_interval_ms = choose_cut_interval_ms(o);
    return true;
}

static bool load(const struct loading *l, const struct option_setting *settings, size_t count)
{
    return apply_defaults(l) && apply_file(l) && apply_settings(l, settings, count) && derive(l) &&
           choose_sink(l) && check_source(l) && check_patterns(l) && check_sink(l) &&
           check_encoding(l) && check_envelope(l) && check_times(l);
}

struct options *options_load(const char *path, const struct option_setting *settings,
                             size_t setting_count, struct error *err)
{
    struct options *options = mem_new(struct options);
    struct loading loading = {.options = options, .file = path, .err = err};
    size_t option_count;
    bool ok;

    (void)option_table(&option_count);
    loading.given = mem_zero(option_count, sizeof *loading.given);
    loading.memory = mem_new(struct arena);
    arena_init(loading.memory, MEMORY_BYTES);
    options->memory = loading.memory;
    ok = load(&loading, settings, setting_count);
    free(loading.given);
    if (ok)
        return options;
    options_destroy(options);
    return NULL;
}

void options_destroy(struct options *options)
{
    if (options == NULL)
        return;
    arena_done(options->memory);
    free(options->memory);
    free(options);
}
