#include "sinks/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"
#include "sinks/digest.h"

#define NAME_BYTES 1024 /* "schema.table.column": PostgreSQL's names have 63 bytes each */
#define LENGTH_MAX 1000000u

/* Rules with a length in front: 10:pattern. */
struct length_rules {
    struct pattern_set columns;
    uint32_t *lengths; /* one for each */
};

/* Rules with columns behind: pattern:a,b. */
struct key_rules {
    struct pattern_set tables;
    const char **columns; /* "a,b"; one for each */
};

struct rules {
    bool skip_create, skip_update, skip_delete, skip_truncate;
    struct pattern_set messages_include, messages_exclude;
    struct key_rules keys;
    struct length_rules truncate, mask;
    struct pattern_set hash;
    struct digest *digest; /* NULL: nothing to hash */
    const char *salt;
};

static bool add_operation(struct rules *rules, const char *letter, struct error *err)
{
    if (strcmp(letter, "c") == 0)
        rules->skip_create = true;
    else if (strcmp(letter, "u") == 0)
        rules->skip_update = true;
    else if (strcmp(letter, "d") == 0)
        rules->skip_delete = true;
    else if (strcmp(letter, "t") == 0)
        rules->skip_truncate = true;
    else if (strcmp(letter, "none") != 0)
        return error_set(err, ERROR_CONFIG,
                         "topics.skipped_operations: \"%s\" is no operation: c, u, d, t or none",
                         letter);
    return true;
}

static bool add_operations(struct rules *rules, const struct patterns *letters, struct error *err)
{
    for (size_t i = 0; i < letters->count; i++)
        if (!add_operation(rules, letters->at[i], err))
            return false;
    return true;
}

static bool add_length(struct length_rules *rules, const char *option, const char *text,
                       struct error *err)
{
    char *end;
    unsigned long length = strtoul(text, &end, 10);
    uint32_t *grown;

    if (end == text || *end != ':' || length > LENGTH_MAX || text[0] == '-')
        return error_set(err, ERROR_CONFIG,
                         "%s: \"%s\" must be a number of characters, a colon and a pattern, such "
                         "as 10:public\\.t\\.note",
                         option, text);
    if (!pattern_set_add(&rules->columns, option, end + 1, err))
        return false;
    grown = mem_zero(rules->columns.count, sizeof *grown);
    if (rules->lengths != NULL)
        memcpy(grown, rules->lengths, (rules->columns.count - 1) * sizeof *grown);
    free(rules->lengths);
    rules->lengths = grown;
    grown[rules->columns.count - 1] = (uint32_t)length;
    return true;
}

static bool add_lengths(struct length_rules *rules, const char *option,
                        const struct patterns *texts, struct error *err)
{
    for (size_t i = 0; i < texts->count; i++)
        if (!add_length(rules, option, texts->at[i], err))
            return false;
    return true;
}

static bool add_key(struct key_rules *rules, const char *text, struct error *err)
{
    const char *colon = strrchr(text, ':');
    const char **grown;
    char *pattern;
    bool added;

    if (colon == NULL || colon == text || colon[1] == '\0')
        return error_set(err, ERROR_CONFIG,
                         "topics.key_columns: \"%s\" must be a table, a colon and columns, such as "
                         "public.t:a,b",
                         text);
    pattern = mem_text(text);
    pattern[colon - text] = '\0';
    added = pattern_set_add(&rules->tables, "topics.key_columns", pattern, err);
    free(pattern);
    if (!added)
        return false;
    grown = mem_zero(rules->tables.count, sizeof *grown);
    if (rules->columns != NULL)
        memcpy(grown, rules->columns, (rules->tables.count - 1) * sizeof *grown);
    free(rules->columns);
    rules->columns = grown;
    grown[rules->tables.count - 1] = colon + 1;
    return true;
}

static bool add_keys(struct key_rules *rules, const struct patterns *texts, struct error *err)
{
    for (size_t i = 0; i < texts->count; i++)
        if (!add_key(rules, texts->at[i], err))
            return false;
    return true;
}

static bool add_hashes(struct rules *rules, const struct rule_options *options, struct error *err)
{
    enum digest_kind kind =
        options->hash_algorithm == HASH_SHA_256 ? DIGEST_SHA_256 : DIGEST_SHA_512;

    if (!pattern_set_add_all(&rules->hash, "columns.hash", &options->hash, err))
        return false;
    if (rules->hash.count == 0)
        return true;
    rules->digest = digest_create(kind, err);
    return rules->digest != NULL || error_wrap(err, "columns.hash");
}

struct rules *rules_create(const struct rule_options *options, struct error *err)
{
    struct rules *rules = mem_new(struct rules);

    rules->salt = options->hash_salt == NULL ? "" : options->hash_salt;
    if (add_operations(rules, &options->skipped_operations, err) &&
        pattern_set_add_all(&rules->messages_include, "messages.include",
                            &options->messages_include, err) &&
        pattern_set_add_all(&rules->messages_exclude, "messages.exclude",
                            &options->messages_exclude, err) &&
        add_keys(&rules->keys, &options->key_columns, err) &&
        add_lengths(&rules->truncate, "columns.truncate", &options->truncate, err) &&
        add_lengths(&rules->mask, "columns.mask", &options->mask, err) &&
        add_hashes(rules, options, err))
        return rules;
    rules_destroy(rules);
    return NULL;
}

void rules_destroy(struct rules *rules)
{
    if (rules == NULL)
        return;
    pattern_set_done(&rules->messages_include);
    pattern_set_done(&rules->messages_exclude);
    pattern_set_done(&rules->keys.tables);
    pattern_set_done(&rules->truncate.columns);
    pattern_set_done(&rules->mask.columns);
    pattern_set_done(&rules->hash);
    digest_destroy(rules->digest);
    free(rules->keys.columns);
    free(rules->truncate.lengths);
    free(rules->mask.lengths);
    free(rules);
}

/* A prefix has no limit of its own, hence the heap; messages are few. */
static bool skip_message(const struct rules *rules, struct slice prefix)
{
    char *text;
    bool skip;

    if (rules->messages_include.count == 0 && rules->messages_exclude.count == 0)
        return false;
    text = mem_zero(prefix.len + 1, 1);
    if (prefix.len > 0)
        memcpy(text, prefix.at, prefix.len);
    skip = (rules->messages_include.count > 0 &&
            !pattern_set_matches(&rules->messages_include, text)) ||
           pattern_set_matches(&rules->messages_exclude, text);
    free(text);
    return skip;
}

bool rules_skip(const struct rules *rules, const struct event *event)
{
    switch (event->kind) {
    case EVENT_INSERT:
        return rules->skip_create;
    case EVENT_UPDATE:
        return rules->skip_update;
    case EVENT_DELETE:
        return rules->skip_delete;
    case EVENT_TRUNCATE:
        return rules->skip_truncate;
    case EVENT_MESSAGE:
        return skip_message(rules, event->prefix);
    case EVENT_READ:
    case EVENT_BEGIN:
    case EVENT_COMMIT:
    case EVENT_SNAPSHOT_BEGIN:
    case EVENT_SNAPSHOT_END:
    case EVENT_RELATION:
    case EVENT_PROGRESS:
    case EVENT_HEARTBEAT:
        break;
    }
    return false;
}

/* n of varchar(n) and char(n), 0 for all other types. */
static uint32_t declared_length(const struct column *column)
{
    const uint32_t bpchar = 1042, varchar = 1043;
    bool has_length = column->type_oid == bpchar || column->type_oid == varchar;

    return has_length && column->typmod > 4 ? (uint32_t)column->typmod - 4 : 0;
}

struct column_rule rules_column(const struct rules *rules, const struct relation *relation,
                                const struct column *column)
{
    char name[NAME_BYTES];
    size_t at;

    (void)snprintf(name, sizeof name, "%.*s.%.*s.%.*s", SLICE_ARGS(relation->schema),
                   SLICE_ARGS(relation->name), SLICE_ARGS(column->name));
    at = pattern_set_find(&rules->mask.columns, name);
    if (at < rules->mask.columns.count)
        return (struct column_rule){COLUMN_MASK, rules->mask.lengths[at]};
    if (pattern_set_matches(&rules->hash, name))
        return (struct column_rule){COLUMN_HASH, declared_length(column)};
    at = pattern_set_find(&rules->truncate.columns, name);
    if (at < rules->truncate.columns.count)
        return (struct column_rule){COLUMN_TRUNCATE, rules->truncate.lengths[at]};
    return (struct column_rule){COLUMN_AS_IT_IS, 0};
}

/* The first characters, as Java counts them: those beyond U+FFFF are two, and are not split. */
static struct slice first_characters(struct slice text, uint32_t length)
{
    uint32_t count = 0;
    size_t i = 0;

    while (i < text.len) {
        uint8_t c = text.at[i];
        uint32_t units = c >= 0xF0 ? 2 : 1;
        size_t next = i + 1;

        if (count + units > length)
            break;
        while (next < text.len && (text.at[next] & 0xC0) == 0x80)
            next++;
        count += units;
        i = next;
    }
    return slice_of(text.at, i);
}

static void write_hash(const struct rules *rules, const struct column_rule *rule, struct slice text,
                       struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    struct slice salt = slice_text(rules->salt);
    uint8_t hash[DIGEST_BYTES_MAX];
    size_t len = digest_of(rules->digest, salt, text, hash);

    if (len == 0)
        out->failed = true; /* never the value itself, nor a hash that is none */
    for (size_t i = 0; i < len; i++) {
        buf_byte(out, (uint8_t)digits[hash[i] >> 4]);
        buf_byte(out, (uint8_t)digits[hash[i] & 0xF]);
    }
    if (rule->length > 0 && out->len > rule->length)
        out->len = rule->length;
}

void rules_hide(const struct rules *rules, const struct column_rule *rule, struct slice text,
                struct buf *out)
{
    buf_reset(out, SIZE_MAX);
    switch (rule->kind) {
    case COLUMN_AS_IT_IS:
        buf_slice(out, text);
        break;
    case COLUMN_TRUNCATE:
        buf_slice(out, first_characters(text, rule->length));
        break;
    case COLUMN_MASK:
        for (uint32_t i = 0; i < rule->length; i++)
            buf_byte(out, '*');
        break;
    case COLUMN_HASH:
        write_hash(rules, rule, text, out);
        break;
    }
}

static int column_named(const struct relation *relation, struct slice name)
{
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (slice_equal(relation->columns[i].name, name))
            return i;
    return -1;
}

int rules_key(const struct rules *rules, const struct relation *relation, uint16_t *out,
              struct error *err)
{
    char name[NAME_BYTES];
    const char *columns;
    size_t rule;
    int count = 0;

    (void)snprintf(name, sizeof name, "%.*s.%.*s", SLICE_ARGS(relation->schema),
                   SLICE_ARGS(relation->name));
    rule = pattern_set_find(&rules->keys.tables, name);
    if (rule == rules->keys.tables.count)
        return 0;
    columns = rules->keys.columns[rule];
    while (*columns != '\0' && count < relation->column_count) {
        size_t len = strcspn(columns, ",");
        int index = column_named(relation, slice_of(columns, len));

        if (index < 0) {
            (void)error_set(err, ERROR_CONFIG,
                            "table %s: topics.key_columns names the column %.*s, which it has not",
                            name, (int)len, columns);
            return -1;
        }
        out[count++] = (uint16_t)index;
        columns += columns[len] == ',' ? len + 1 : len;
    }
    return count;
}
