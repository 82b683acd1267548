/* import_converters - what keys and values are encoded with, and the registry of their schemas. */
#include <stdio.h>
#include <string.h>

#include "relay/import_private.h"

static const char value_prefix[] = "value.converter.", key_prefix[] = "key.converter.";

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* The encoding's name; NULL: the converter has no counterpart. */
static const char *encoding_of(const char *class, bool schemas)
{
    if (ends_with(class, ".JsonConverter") || strcmp(class, "json") == 0 ||
        strcmp(class, "jsonbytearray") == 0)
        return schemas ? "json-schema" : "json";
    if (ends_with(class, ".AvroConverter") || strcmp(class, "avro") == 0)
        return "avro";
    return NULL;
}

/* As Kafka reads it: the case does not count, nor do blanks around it. */
static bool has_schemas(struct importing *i, const char *prefix)
{
    static const char no[] = "false";
    char name[64];
    const char *value;
    size_t k = 0;

    (void)snprintf(name, sizeof name, "%sschemas.enable", prefix);
    value = import_peek(i, name);
    if (value == NULL)
        return true;
    value = import_trim(i, value, strlen(value));
    while (no[k] != '\0' && import_lower(value[k]) == no[k])
        k++;
    return no[k] != '\0' || value[k] != '\0';
}

static const char *set_encoding(struct importing *i)
{
    const char *value = import_take(i, "value.converter"), *key = import_take(i, "key.converter");
    const char *encoding, *key_encoding;

    if (value == NULL) {
        (void)import_set_path(i, "encoding", "value.converter", "json-schema");
        import_look(i, "value.converter",
                    "not given, so the worker's holds, which this file does not tell: json-schema "
                    "is set, as JsonConverter has it; change encoding if the worker's is another");
        return "json-schema";
    }
    encoding = encoding_of(value, has_schemas(i, value_prefix));
    if (encoding == NULL) {
        import_lost(i, "value.converter",
                    "%.200s: millrace writes json, json-schema and avro; json is set", value);
        encoding = "json";
    }
    (void)import_set_path(i, "encoding", "value.converter", encoding);
    key_encoding = key == NULL ? encoding : encoding_of(key, has_schemas(i, key_prefix));
    if (key_encoding == NULL || strcmp(key_encoding, encoding) != 0)
        import_lost(i, "key.converter",
                    "keys are encoded as values are (%s); records of another encoding of the same "
                    "key may go to another partition",
                    encoding);
    return encoding;
}

/* ---- what is behind value.converter. ---- */

static void set_user_info(struct importing *i, const char *name, const char *value)
{
    const char *colon = strchr(value, ':');

    if (strstr(value, "${") == NULL && colon != NULL)
        (void)import_set_path(i, "schema_registry.user", name,
                              import_text(i, "%.*s", (int)(colon - value), value));
    else
        import_look(i, name, "schema_registry.user is what stands in front of the colon in it");
    import_set_secret(i, option_find("schema_registry.password"), name);
}

static void set_strategy(struct importing *i, const char *name, const char *value)
{
    static const struct {
        const char *class, *subjects;
    } strategies[] = {{".TopicNameStrategy", "topic"},
                      {".TopicRecordNameStrategy", "topic-record"},
                      {".RecordNameStrategy", "record"}};

    for (size_t k = 0; k < ARRAY_LEN(strategies); k++)
        if (ends_with(value, strategies[k].class)) {
            (void)import_set_path(i, "schema_registry.subjects", name, strategies[k].subjects);
            return;
        }
    import_lost(i, name, "%.200s: millrace knows topic, record and topic-record", value);
}

/* Apicurio speaks Confluent's protocol too, at another path. */
static void set_apicurio(struct importing *i, const char *name, const char *value)
{
    const char *apis = strstr(value, "/apis/registry/");
    size_t len = apis == NULL ? strlen(value) : (size_t)(apis - value);

    if (strstr(value, "${") != NULL || strstr(value, "/apis/ccompat/") != NULL)
        (void)import_set_path(i, "schema_registry.url", name, value);
    else
        (void)import_set_path(i, "schema_registry.url", name,
                              import_text(i, "%.*s/apis/ccompat/v7", (int)len, value));
    import_look(i, name,
                "millrace speaks Confluent's protocol, which Apicurio serves under "
                "/apis/ccompat/v7: see that schema_registry.url is right");
}

static void set_pem(struct importing *i, const char *name, const char *path, const char *value)
{
    if (ends_with(value, ".pem") || ends_with(value, ".crt"))
        (void)import_set_path(i, path, name, value);
    else
        import_lost(i, name, "a Java key store: write what is in it as PEM and name that in %s",
                    path);
}

/* What a converter has of its own that an option's known_as does not tell. */
static bool set_special(struct importing *i, const char *name, const char *rest, const char *value)
{
    if (strcmp(rest, "basic.auth.user.info") == 0 ||
        strcmp(rest, "schema.registry.basic.auth.user.info") == 0)
        set_user_info(i, name, value);
    else if (strcmp(rest, "value.subject.name.strategy") == 0)
        set_strategy(i, name, value);
    else if (strcmp(rest, "apicurio.registry.url") == 0)
        set_apicurio(i, name, value);
    else if (strcmp(rest, "schema.registry.ssl.truststore.location") == 0)
        set_pem(i, name, "schema_registry.ca", value);
    else if (strcmp(rest, "schema.registry.ssl.keystore.location") == 0)
        set_pem(i, name, "schema_registry.certificate", value);
    else
        return false;
    return true;
}

/* Nothing is lost without them: what they say holds here, or concerns the Java program only. */
static bool is_implied(const char *rest, const char *value)
{
    static const struct {
        const char *name, *value; /* NULL: whichever */
    } implied[] = {
        {"schemas.enable", NULL},
        {"basic.auth.credentials.source", NULL},
        {"bearer.auth.credentials.source", NULL},
        {"replace.null.with.default", "false"},
        {"auto.register.schemas", "true"},
        {"decimal.format", "BASE64"},
        {"apicurio.registry.auto-register", "true"},
        {"apicurio.registry.find-latest", "false"},
        {"apicurio.registry.as-confluent", "true"},
        {"apicurio.registry.use-id", "contentId"},
        {"apicurio.registry.headers.enabled", "false"},
        {"schemas.cache.size", NULL},
        {"schemas.cache.config", NULL},
    };

    for (size_t k = 0; k < ARRAY_LEN(implied); k++)
        if (strcmp(implied[k].name, rest) == 0)
            return implied[k].value == NULL || strcmp(implied[k].value, value) == 0;
    return false;
}

static const char *why_not(const char *rest)
{
    static const struct {
        const char *name, *why;
    } reasons[] = {
        {"replace.null.with.default", "NULL stays NULL: a default never stands for it"},
        {"auto.register.schemas", "millrace registers what is new; a registry that refuses that "
                                  "stops it with the reason"},
        {"decimal.format", "decimals are as the schema says; types.decimal string or double makes "
                           "them texts or numbers"},
        {"enhanced.avro.schema.support", "schemas are as Confluent's converter makes them without "
                                         "it"},
    };

    for (size_t k = 0; k < ARRAY_LEN(reasons); k++)
        if (strcmp(reasons[k].name, rest) == 0)
            return reasons[k].why;
    return "millrace has no such setting for its encodings";
}

static const struct option *of_registry(const char *known_as)
{
    size_t count;
    const struct option *options = option_table(&count);

    for (size_t k = 0; k < count; k++)
        if (options[k].known_as != NULL && strcmp(options[k].known_as, known_as) == 0 &&
            strncmp(options[k].path, "schema_registry.", strlen("schema_registry.")) == 0)
            return &options[k];
    return NULL;
}

static void set_value_property(struct importing *i, const struct property *p)
{
    const char *rest = p->name + strlen(value_prefix), *value = import_take(i, p->name);
    const struct option *option = of_registry(rest);

    if (is_implied(rest, value) || set_special(i, p->name, rest, value))
        return;
    if (option != NULL)
        (void)import_set(i, option, p->name, value);
    else
        import_lost(i, p->name, "%s", why_not(rest));
}

/* Keys go with values: only what differs is lost. */
static void drop_key_property(struct importing *i, const struct property *p)
{
    const char *rest = p->name + strlen(key_prefix), *value = import_take(i, p->name);
    char of_value[256];
    const char *other;

    (void)snprintf(of_value, sizeof of_value, "%s%s", value_prefix, rest);
    other = import_peek(i, of_value);
    if (!is_implied(rest, value) && (other == NULL || strcmp(other, p->value) != 0))
        import_lost(i, p->name, "keys are encoded as values are, with one registry for both");
}

void import_converters(struct importing *i)
{
    bool avro = strcmp(set_encoding(i), "avro") == 0;

    for (const struct property *p = i->properties; p != NULL; p = p->next) {
        if (!p->used && strncmp(p->name, value_prefix, strlen(value_prefix)) == 0)
            set_value_property(i, p);
        if (!p->used && strncmp(p->name, key_prefix, strlen(key_prefix)) == 0)
            drop_key_property(i, p);
    }
    if (avro && !import_is_set(i, "schema_registry.url")) {
        const char *variable = import_set_variable(i, option_find("schema_registry.url"));

        import_look(i, "value.converter.schema.registry.url",
                    "it is missing: set the environment variable %s", variable);
    }
}
