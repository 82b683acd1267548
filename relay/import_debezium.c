#include "relay/import_debezium.h"

#include <stdio.h>
#include <string.h>

#include "relay/import_private.h"

/* ---- which connector ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static bool check_class(struct importing *i, struct error *err)
{
    const char *name = import_take(i, "connector.class");

    if (name == NULL)
        return error_set(err, ERROR_CONFIG,
                         "there is no connector.class: this is not the configuration of a "
                         "connector (a worker's has none; give the connector's own)");
    if (strcmp(name, "io.debezium.connector.postgresql.PostgresConnector") == 0 ||
        strcmp(name, "PostgresConnector") == 0 || strcmp(name, "Postgres") == 0)
        return true;
    return error_set(err, ERROR_CONFIG,
                     "connector.class %.100s is not Debezium's PostgreSQL connector, the only one "
                     "that millrace can take over",
                     name);
}

/* Names of Debezium 1, which stand for the later ones where these are not given. */
static void rename_old(struct importing *i)
{
    static const struct {
        const char *old, *now;
    } names[] = {
        {"database.server.name", "topic.prefix"},
        {"table.whitelist", "table.include.list"},
        {"table.blacklist", "table.exclude.list"},
        {"schema.whitelist", "schema.include.list"},
        {"schema.blacklist", "schema.exclude.list"},
        {"column.whitelist", "column.include.list"},
        {"column.blacklist", "column.exclude.list"},
        {"toasted.value.placeholder", "unavailable.value.placeholder"},
        {"heartbeat.topics.prefix", "topic.heartbeat.prefix"},
    };

    for (struct property *p = i->properties; p != NULL; p = p->next)
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            if (strcmp(p->name, names[k].old) == 0 && import_peek(i, names[k].now) == NULL) {
                p->name = names[k].now;
                break;
            }
}

/* ---- the name, slot and publication ---- */

static const char relay_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

static void set_name(struct importing *i)
{
    const char *property = import_peek(i, "name") != NULL ? "name" : "topic.prefix";
    const char *from = import_peek(i, property);
    char name[64] = "";
    size_t used = 0;

    if (from == NULL)
        from = "debezium";
    for (const char *at = from; *at != '\0' && used < sizeof name - 1; at++) {
        char letter = import_lower(*at);

        if (strchr(relay_letters, letter) == NULL)
            letter = '-';
        name[used++] = letter;
    }
    (void)import_take(i, "name");
    (void)import_set_path(i, "name", "name", used == 0 ? "debezium" : name);
    if (strcmp(name, from) != 0)
        import_look(i, property,
                    "a relay's name is made of lower-case letters, digits, '_' and '-': it is %s "
                    "here",
                    used == 0 ? "debezium" : name);
}

/* A slot of another plugin cannot be read by us. */
static void set_slot(struct importing *i)
{
    const char *plugin = import_take(i, "plugin.name"), *slot = import_take(i, "slot.name");

    if (slot == NULL)
        slot = "debezium";
    if (plugin == NULL || strcmp(plugin, "pgoutput") != 0) {
        import_look(i, "plugin.name",
                    "%s; millrace reads with pgoutput, which is built in: it makes a slot of its "
                    "own, named after it; drop Debezium's slot \"%s\" when that is retired",
                    plugin == NULL ? "not given, so decoderbufs" : plugin, slot);
        return;
    }
    if (import_set_path(i, "slot.name", "slot.name", slot))
        import_look(i, "slot.name",
                    "the slot exists and millrace has no position yet, so the first start is "
                    "refused: stop Debezium, then set slot.adopt: true to go on where it was, or "
                    "drop the slot to begin with a new snapshot");
}

static void set_publication(struct importing *i)
{
    const char *name = import_take(i, "publication.name");
    const char *mode = import_take(i, "publication.autocreate.mode");
    const char *via_root = import_peek(i, "publish.via.partition.root");
    const char *property = "publication.autocreate.mode";

    (void)import_set_path(i, "publication.name", "publication.name",
                          name == NULL ? "dbz_publication" : name);
    if (via_root == NULL)
        (void)import_set_path(i, "publication.via_root", "publish.via.partition.root", "false");
    if (mode == NULL || strcmp(mode, "all_tables") == 0) {
        (void)import_set_path(i, "publication.create", property, "filtered");
        import_look(i, property,
                    "all_tables, Debezium's default: an existing publication is used as it is; a "
                    "missing one is made for exactly the selected tables, never FOR ALL TABLES");
    } else if (strcmp(mode, "filtered") == 0) {
        (void)import_set_path(i, "publication.create", property, "filtered");
        import_look(i, property,
                    "filtered: millrace makes a missing publication, but never alters one; ALTER "
                    "PUBLICATION yourself when tables are added");
    } else if (strcmp(mode, "disabled") == 0) {
        (void)import_set_path(i, "publication.create", property, "no");
    } else {
        (void)import_set_path(i, "publication.create", property, "no");
        import_look(i, property,
                    "%.40s: millrace makes no empty publication; make it, with its "
                    "tables",
                    mode);
    }
}

/* ---- tables and columns ---- */

struct schemas {
    const char *name, *path; /* of the property; of the option that stands for it */
};

static void add_schema(struct importing *i, void *context, const char *item)
{
    const struct schemas *s = context;

    import_add(i, s->path, import_text(i, "(%s)\\..*", import_converted(i, s->name, item, false)));
}

/* Debezium wants schema and table selected; we have one list. */
static void set_schemas(struct importing *i)
{
    const char *include = import_take(i, "schema.include.list");
    const char *exclude = import_take(i, "schema.exclude.list");
    struct schemas in = {"schema.include.list", "tables.include"};
    struct schemas out = {"schema.exclude.list", "tables.exclude"};

    if (include != NULL && import_peek(i, "table.include.list") != NULL)
        import_look(i, in.name,
                    "together with table.include.list, which alone is carried over: see that its "
                    "patterns name tables of these schemas only");
    else if (include != NULL && import_peek(i, "table.exclude.list") != NULL)
        import_lost(i, in.name,
                    "tables.include cannot stand beside tables.exclude: name the "
                    "tables in one of them");
    else if (include != NULL)
        import_split(i, include, ',', &in, add_schema);
    if (exclude == NULL)
        return;
    if (import_peek(i, "table.include.list") != NULL || import_is_set(i, "tables.include"))
        import_lost(i, out.name,
                    "tables.exclude cannot stand beside tables.include: see that its "
                    "patterns name no tables of these schemas");
    else
        import_split(i, exclude, ',', &out, add_schema);
}

static void look_at_case(struct importing *i)
{
    static const char *const lists[] = {"table.include.list",  "table.exclude.list",
                                        "schema.include.list", "schema.exclude.list",
                                        "column.include.list", "column.exclude.list"};

    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        if (import_peek(i, lists[k]) != NULL) {
            import_look(i, lists[k],
                        "Debezium ignores the case of letters in names, millrace does not: write "
                        "them as the catalogue has them (millrace plan tells what matches "
                        "nothing)");
            return;
        }
}

struct key_rule {
    const char *name;
};

/* schema.table:column,column */
static void add_key_rule(struct importing *i, void *context, const char *item)
{
    const struct key_rule *rule = context;
    const char *colon = strrchr(item, ':'), *pattern, *columns;

    if (colon == NULL || colon == item) {
        import_lost(i, rule->name, "'%.200s' is not of the form schema.table:column,column", item);
        return;
    }
    pattern = import_converted(i, rule->name, import_trim(i, item, (size_t)(colon - item)), false);
    columns = import_literal(i, import_trim(i, colon + 1, strlen(colon + 1)));
    import_add(i, "topics.key_columns", import_text(i, "%s:%s", pattern, columns));
}

static void set_key_columns(struct importing *i)
{
    struct key_rule rule = {"message.key.columns"};
    const char *list = import_take(i, rule.name);

    if (list != NULL)
        import_split(i, list, ';', &rule, add_key_rule);
}

struct column_list {
    const char *name, *path, *length; /* length NULL: none */
};

static void add_column_rule(struct importing *i, void *context, const char *item)
{
    const struct column_list *list = context;
    const char *pattern = import_converted(i, list->name, item, false);

    import_add(i, list->path,
               list->length == NULL ? pattern : import_text(i, "%s:%s", list->length, pattern));
}

/* column.truncate.to.N.chars, column.mask.with.N.chars: the number stands in the name. */
static bool set_cut(struct importing *i, const struct property *p, const char *before,
                    const char *path)
{
    const char *digits;
    size_t len;
    struct column_list list = {p->name, path, NULL};

    if (strncmp(p->name, before, strlen(before)) != 0)
        return false;
    digits = p->name + strlen(before);
    len = strspn(digits, "0123456789");
    if (len == 0 || len > 9 || strcmp(digits + len, ".chars") != 0)
        return false;
    list.length = import_text(i, "%.*s", (int)len, digits);
    import_split(i, p->value, ',', &list, add_column_rule);
    return true;
}

/* column.mask.hash.ALGORITHM.with.salt.SALT, column.mask.hash.v2.... */
static bool set_hash(struct importing *i, const struct property *p)
{
    static const char before[] = "column.mask.hash.", with[] = ".with.salt.";
    const char *algorithm, *salt = strstr(p->name, with);
    struct column_list list = {p->name, "columns.hash", NULL};
    bool second;

    if (strncmp(p->name, before, strlen(before)) != 0 || salt == NULL)
        return false;
    algorithm = p->name + strlen(before);
    if (salt < algorithm)
        return false; /* no algorithm */
    second = strncmp(algorithm, "v2.", 3) == 0;
    algorithm += second ? 3 : 0;
    if (import_is_set(i, "columns.hash")) {
        import_look(
            i, p->name,
            "millrace has one salt and one algorithm for all columns: these are hashed with "
            "those of the others");
        import_split(i, p->value, ',', &list, add_column_rule);
        return true;
    }
    if (!import_set_path(i, "columns.hash_algorithm", p->name,
                         import_text(i, "%.*s", (int)(salt - algorithm), algorithm)))
        import_look(i, p->name, "hashed with sha-256 in its place");
    import_split(i, p->value, ',', &list, add_column_rule);
    if (!import_is_set(i, "columns.hash"))
        return true;
    import_set_secret(i, option_find("columns.hash_salt"), p->name);
    if (!second)
        import_look(i, p->name,
                    "digests are made as those of column.mask.hash.v2: they differ from "
                    "the ones there are");
    return true;
}

static void set_column_rules(struct importing *i)
{
    for (struct property *p = i->properties; p != NULL; p = p->next)
        if (!p->used)
            p->used = set_cut(i, p, "column.truncate.to.", "columns.truncate") ||
                      set_cut(i, p, "column.mask.with.", "columns.mask") || set_hash(i, p);
}

/* ---- modes ---- */

static void set_snapshot(struct importing *i)
{
    const char *mode = import_take(i, "snapshot.mode");

    if (mode == NULL || strcmp(mode, "initial") == 0)
        return;
    if (strcmp(mode, "initial_only") == 0 || strcmp(mode, "never") == 0) {
        (void)import_set_path(i, "snapshot.mode", "snapshot.mode", mode);
    } else if (strcmp(mode, "no_data") == 0 || strcmp(mode, "schema_only") == 0) {
        (void)import_set_path(i, "snapshot.mode", "snapshot.mode", "never");
    } else {
        (void)import_set_path(i, "snapshot.mode", "snapshot.mode", "initial");
        import_lost(i, "snapshot.mode",
                    strcmp(mode, "when_needed") == 0
                        ? "when_needed: millrace never passes a gap by itself: it stops, and says "
                          "what to delete to begin with a new snapshot; initial is set"
                        : "only initial, initial_only, no_data and never are known; initial is "
                          "set, which copies once");
    }
}

struct skipped {
    bool truncate;
};

static void add_skipped(struct importing *i, void *context, const char *item)
{
    struct skipped *skipped = context;

    if (strcmp(item, "t") == 0)
        skipped->truncate = true;
    if (strcmp(item, "none") != 0 && strcmp(item, "t") != 0)
        import_add(i, "topics.skipped_operations", import_literal(i, item));
}

/* Debezium's default is t.  compatibility: debezium-3 leaves TRUNCATE out, too. */
static void set_skipped(struct importing *i)
{
    const char *list = import_take(i, "skipped.operations");
    struct skipped skipped = {list == NULL};

    if (list != NULL)
        import_split(i, list, ',', &skipped, add_skipped);
    if (!skipped.truncate)
        (void)import_set_path(i, "topics.truncates", "skipped.operations", "true");
}

static void set_names(struct importing *i)
{
    const char *schemas = import_take(i, "schema.name.adjustment.mode");
    const char *fields = import_take(i, "field.name.adjustment.mode");
    const char *mode = schemas != NULL ? schemas : fields;

    if (mode == NULL || !import_set_path(i, "names.adjust", "schema.name.adjustment.mode", mode))
        return;
    if (schemas == NULL || fields == NULL || strcmp(schemas, fields) != 0)
        import_look(i, "schema.name.adjustment.mode",
                    "%s, and field.name.adjustment.mode is %s: names.adjust is for both",
                    schemas == NULL ? "none" : schemas, fields == NULL ? "none" : fields);
}

static void set_unknown_types(struct importing *i)
{
    const char *value = import_take(i, "include.unknown.datatypes");

    if (value != NULL && strcmp(value, "true") == 0)
        import_lost(i, "include.unknown.datatypes",
                    "with compatibility debezium-3 such columns are left out; with none they come "
                    "as text, where Debezium sends their bytes");
}

/* topic.regex and topic.replacement of the naming strategy, not of a transform. */
static void set_naming(struct importing *i)
{
    const char *strategy = import_take(i, "topic.naming.strategy");
    const char *regex = import_take(i, "topic.regex"),
               *replacement = import_take(i, "topic.replacement"), *pattern;

    if (strategy != NULL && !ends_with(strategy, ".SchemaTopicNamingStrategy") &&
        !ends_with(strategy, ".DefaultTopicNamingStrategy") &&
        !ends_with(strategy, ".SchemaRegexTopicNamingStrategy") &&
        !ends_with(strategy, ".DefaultRegexTopicNamingStrategy"))
        import_lost(i, "topic.naming.strategy",
                    "topics are named <prefix>.<schema>.<table>; see topics.route");
    if (regex == NULL)
        return;
    pattern = import_converted(i, "topic.regex", regex, true);
    import_add(
        i, "topics.route",
        import_text(i, "%s=>%s", pattern,
                    replacement == NULL ? "${MILLRACE_TOPIC}" : import_literal(i, replacement)));
    import_look(i, "topic.regex",
                "millrace adds no field to the keys of tables that share a "
                "topic: they must differ by themselves");
}

/* ---- what the table of options says ---- */

static const struct option *known_as(const char *name)
{
    size_t count;
    const struct option *options = option_table(&count);

    for (size_t k = 0; k < count; k++)
        if (options[k].known_as != NULL && strcmp(options[k].known_as, name) == 0)
            return &options[k];
    return NULL;
}

/* Of the same meaning, but not for a value that was chosen for another program. */
static bool is_of_another_kind(const char *name)
{
    return strcmp(name, "max.batch.size") == 0;
}

static void set_known(struct importing *i)
{
    for (struct property *p = i->properties; p != NULL; p = p->next) {
        const struct option *option = p->used ? NULL : known_as(p->name);
        const char *value;

        if (option == NULL || is_of_another_kind(p->name))
            continue;
        value = import_take(i, p->name);
        if (*value != '\0')
            (void)import_set(i, option, p->name, value);
    }
}

/* Java reads keys in a form of its own. */
static void look_at_key(struct importing *i)
{
    const char *key = import_peek(i, "database.sslkey");

    if (key != NULL && (ends_with(key, ".pk8") || ends_with(key, ".p12") || ends_with(key, ".der")))
        import_look(i, "database.sslkey",
                    "libpq reads a key in PEM: openssl pkcs8 -inform DER -in "
                    "FILE -nocrypt -out KEY");
}

/* Debezium 3 sends them unless told not to. */
static void look_at_context_headers(struct importing *i)
{
    if (import_peek(i, "extended.headers.enabled") == NULL)
        import_look(i, "extended.headers.enabled",
                    "not given, so Debezium 3 sends headers __debezium.context.*, which are left "
                    "off here: set topics.context_headers: true if a consumer reads them");
}

/* ---- what must be there ---- */

/* Something that a configuration needs and this one does not hold. */
static void want(struct importing *i, const char *path, const char *property, const char *why)
{
    const char *variable;

    if (import_is_set(i, path))
        return;
    variable = import_set_variable(i, option_find(path));
    import_look(i, property, "%s: set the environment variable %s", why, variable);
}

static void set_what_must_be(struct importing *i)
{
    want(i, "source.postgres.host", "database.hostname", "it is missing");
    want(i, "source.postgres.database", "database.dbname", "it is missing");
    want(i, "kafka.bootstrap_servers", "bootstrap.servers",
         "the worker's, which a connector's file does not tell");
    (void)import_set_path(i, "compatibility", "compatibility", "debezium-3");
}

static void import_all(struct importing *i)
{
    set_name(i);
    set_slot(i);
    set_publication(i);
    look_at_case(i);
    set_schemas(i);
    set_key_columns(i);
    set_column_rules(i);
    set_snapshot(i);
    set_skipped(i);
    set_names(i);
    set_unknown_types(i);
    set_naming(i);
    look_at_key(i);
    look_at_context_headers(i);
    import_converters(i);
    import_transforms(i);
    import_producer(i);
    set_known(i);
    set_what_must_be(i);
    import_leftovers(i);
}

bool import_debezium(struct property *properties, struct arena *memory, struct imported *out,
                     struct error *err)
{
    struct importing i = {.out = out, .properties = properties, .memory = memory};
    size_t count;

    (void)option_table(&count);
    *out = (struct imported){.memory = memory};
    i.last_note = &out->notes;
    out->yaml = arena_array(memory, count, sizeof *out->yaml);
    if (out->yaml == NULL)
        return error_set(err, ERROR_SYSTEM, "no memory for the configuration");
    import_server(&i);
    rename_old(&i);
    if (!check_class(&i, err))
        return false;
    import_all(&i);
    return !i.full || error_set(err, ERROR_CONFIG, "the configuration is too large");
}
