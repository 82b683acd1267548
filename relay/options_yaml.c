#include "relay/options_yaml.h"

#include <stdio.h>
#include <string.h>

#include <libfyaml.h>

#include "relay/utf8.h"

/* Aliases can make a small file describe very much, and keys are compared each with each; nobody
 * has that many options. */
#define ENTRIES_MAX 2000
#define DEPTH_MAX 16
#define PATH_BYTES ((size_t)512)

struct place {
    int line, column;
};

struct reading {
    const char *name;
    struct arena *memory;
    struct option_entry *first, **end;
    size_t count;
    struct place at; /* of the key that is being read */
    struct error *err;
};

static bool fault(struct reading *r, const char *what)
{
    return error_set(r->err, ERROR_CONFIG, "%s:%d:%d: %s", r->name, r->at.line, r->at.column, what);
}

static bool fault_at(struct reading *r, const char *path, const char *what)
{
    return error_set(r->err, ERROR_CONFIG, "%s:%d:%d: %.200s%s", r->name, r->at.line, r->at.column,
                     path, what);
}

/* Where byte `offset` stands. */
static struct place place_of_byte(struct slice file, size_t offset)
{
    struct place at = {1, 1};

    for (size_t i = 0; i < offset; i++) {
        at.column++;
        if (file.at[i] == '\n')
            at = (struct place){at.line + 1, 1};
    }
    return at;
}

static bool check_bytes(struct reading *r, struct slice file)
{
    size_t text_len = utf8_span(file);
    const uint8_t *nul = file.len == 0 ? NULL : memchr(file.at, 0, file.len);

    if (text_len < file.len) {
        r->at = place_of_byte(file, text_len);
        return fault(r, "the file is not UTF-8 text");
    }
    if (nul != NULL) {
        r->at = place_of_byte(file, (size_t)(nul - file.at));
        return fault(r, "the file holds a NUL byte");
    }
    return true;
}

static const char *keep_text(struct reading *r, const char *text, size_t len)
{
    char *at = arena_alloc(r->memory, len + 1);

    if (at == NULL) {
        (void)fault(r, "the configuration is too large");
        return NULL;
    }
    if (len > 0)
        memcpy(at, text, len);
    at[len] = '\0';
    return at;
}

/* A scalar's text; NULL with an error. */
static const char *scalar_text(struct reading *r, struct fy_node *node, const char *path)
{
    size_t len = 0;
    const char *text = fy_node_get_scalar(node, &len);

    if (text == NULL)
        return keep_text(r, "", 0);
    if (memchr(text, '\0', len) != NULL) {
        (void)fault_at(r, path, " holds a NUL byte");
        return NULL;
    }
    return keep_text(r, text, len);
}

/* A key with nothing behind it; "" in quotes is a text. */
static bool is_nothing(struct fy_node *node)
{
    size_t len = 0;

    if (node == NULL)
        return true;
    return fy_node_is_scalar(node) && fy_node_get_style(node) == FYNS_PLAIN &&
           (fy_node_get_scalar(node, &len) == NULL || len == 0);
}

/* What an alias stands for, else the node itself; NULL with an error. */
static struct fy_node *follow_alias(struct reading *r, struct fy_node *node)
{
    struct fy_node *meant;

    if (node == NULL || !fy_node_is_alias(node))
        return node;
    meant = fy_node_resolve_alias(node);
    if (meant == NULL || fy_node_is_alias(meant)) {
        (void)fault(r, "the alias names an anchor that there is none of before it");
        return NULL;
    }
    return meant;
}

static struct option_entry *add_entry(struct reading *r, const char *path,
                                      enum option_entry_kind kind)
{
    struct option_entry *entry;

    if (r->count == ENTRIES_MAX) {
        (void)fault(r, "too many options");
        return NULL;
    }
    entry = arena_array(r->memory, 1, sizeof *entry);
    path = keep_text(r, path, strlen(path));
    if (path == NULL)
        return NULL;
    if (entry == NULL) {
        (void)fault(r, "the configuration is too large");
        return NULL;
    }
    *entry = (struct option_entry){
        .kind = kind, .line = r->at.line, .column = r->at.column, .path = path};
    *r->end = entry;
    r->end = &entry->next;
    r->count++;
    return entry;
}

static bool read_list(struct reading *r, const char *path, struct fy_node *list)
{
    size_t count = (size_t)fy_node_sequence_item_count(list), i = 0;
    const char **texts = arena_array(r->memory, count, sizeof *texts);
    struct option_entry *entry = add_entry(r, path, ENTRY_LIST);
    struct fy_node *item;
    void *walk = NULL;

    if (entry == NULL)
        return false;
    if (texts == NULL)
        return fault(r, "the configuration is too large");
    while ((item = fy_node_sequence_iterate(list, &walk)) != NULL && i < count) {
        item = follow_alias(r, item);
        if (item == NULL)
            return false;
        if (!fy_node_is_scalar(item))
            return fault_at(r, path, " must be a list of texts");
        texts[i] = scalar_text(r, item, path);
        if (texts[i++] == NULL)
            return false;
    }
    entry->texts = texts;
    entry->text_count = i;
    return true;
}

static bool read_mapping(struct reading *r, const char *path, struct fy_node *mapping, int depth);

static bool read_value(struct reading *r, const char *path, struct fy_node *value, int depth)
{
    struct option_entry *entry;

    if (is_nothing(value))
        return add_entry(r, path, ENTRY_NOTHING) != NULL;
    value = follow_alias(r, value);
    if (value == NULL)
        return false;
    if (fy_node_is_mapping(value) && fy_node_mapping_item_count(value) == 0)
        return add_entry(r, path, ENTRY_MAPPING) != NULL;
    if (fy_node_is_mapping(value))
        return read_mapping(r, path, value, depth + 1);
    if (fy_node_is_sequence(value))
        return read_list(r, path, value);
    entry = add_entry(r, path, ENTRY_TEXT);
    if (entry == NULL)
        return false;
    entry->text = scalar_text(r, value, path);
    return entry->text != NULL;
}

static void note_place(struct reading *r, struct fy_node *key)
{
    struct fy_token *token = fy_node_get_scalar_token(key);
    const struct fy_mark *mark = token == NULL ? NULL : fy_token_start_mark(token);

    if (mark != NULL)
        r->at = (struct place){mark->line + 1, mark->column + 1};
}

/* Writes "path.key" into out_path. */
static bool join_path(struct reading *r, const char *path, struct fy_node *key,
                      char out_path[PATH_BYTES])
{
    size_t len = 0;
    const char *text;

    if (key == NULL || !fy_node_is_scalar(key) || fy_node_is_alias(key))
        return fault(r, "a key must be a plain text");
    note_place(r, key);
    text = fy_node_get_scalar(key, &len);
    if (text == NULL || len == 0 || memchr(text, '\0', len) != NULL)
        return fault(r, "a key must be a plain text");
    if (strlen(path) + len + 2 > PATH_BYTES)
        return fault(r, "the key is too long to be an option");
    (void)snprintf(out_path, PATH_BYTES, "%s%s%.*s", path, *path == '\0' ? "" : ".", (int)len,
                   text);
    return true;
}

static struct slice key_of(struct fy_node_pair *pair)
{
    struct fy_node *key = fy_node_pair_key(pair);
    size_t len = 0;
    const char *text = key == NULL ? NULL : fy_node_get_scalar(key, &len);

    return slice_of(text, text == NULL ? 0 : len);
}

/* The parser would refuse repeated keys too, but takes minutes for a file of a megabyte. */
static bool is_repeated(struct fy_node *mapping, struct fy_node_pair *pair)
{
    struct slice key = key_of(pair);
    struct fy_node_pair *before;
    void *walk = NULL;

    while ((before = fy_node_mapping_iterate(mapping, &walk)) != NULL && before != pair)
        if (slice_equal(key_of(before), key))
            return true;
    return false;
}

static bool read_mapping(struct reading *r, const char *path, struct fy_node *mapping, int depth)
{
    struct fy_node_pair *pair;
    void *walk = NULL;

    if (depth > DEPTH_MAX)
        return fault(r, "mappings are nested too deep to hold an option");
    if (fy_node_mapping_item_count(mapping) > ENTRIES_MAX)
        return fault(r, "too many options");
    while ((pair = fy_node_mapping_iterate(mapping, &walk)) != NULL) {
        char below[PATH_BYTES];

        if (!join_path(r, path, fy_node_pair_key(pair), below))
            return false;
        if (is_repeated(mapping, pair))
            return fault_at(r, below, " is repeated");
        if (!read_value(r, below, fy_node_pair_value(pair), depth))
            return false;
    }
    return true;
}

static bool read_root(struct reading *r, struct fy_document *document)
{
    struct fy_node *root = fy_document_root(document);

    if (root == NULL || is_nothing(root))
        return fault(r, "the file is empty: it must set at least the option 'name'");
    if (!fy_node_is_mapping(root))
        return fault(r,
                     "the file must be a mapping of options to values, such as \"name: orders\"");
    return read_mapping(r, "", root, 0);
}

/* The parser's own words, which it has collected. */
static bool syntax_fault(struct reading *r, struct fy_diag *diag)
{
    void *walk = NULL;
    struct fy_diag_error *first = fy_diag_errors_iterate(diag, &walk);

    if (first == NULL || first->msg == NULL)
        return fault(r, "this is no YAML");
    if (first->line > 0)
        r->at = (struct place){first->line, first->column > 0 ? first->column : 1};
    return fault(r, first->msg);
}

static bool read_documents(struct reading *r, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_document *document = fy_parse_load_document(parser), *second;
    bool ok;

    if (document == NULL && !fy_parser_get_stream_error(parser))
        return fault(r, "the file is empty: it must set at least the option 'name'");
    if (document == NULL)
        return syntax_fault(r, diag);
    ok = read_root(r, document);
    fy_parse_document_destroy(parser, document);
    if (!ok)
        return false;
    second = fy_parse_load_document(parser);
    if (second != NULL) {
        fy_parse_document_destroy(parser, second);
        return fault(r, "a second document begins behind this: the file must hold one");
    }
    return fy_parser_get_stream_error(parser) ? syntax_fault(r, diag) : true;
}

static bool parse(struct reading *r, struct slice file, struct fy_diag *diag)
{
    struct fy_parse_cfg cfg = {.flags = (enum fy_parse_cfg_flags)(FYPCF_QUIET | FYPCF_COLLECT_DIAG |
                                                                  FYPCF_JSON_NONE |
                                                                  FYPCF_ALLOW_DUPLICATE_KEYS),
                               .diag = diag};
    struct fy_parser *parser = fy_parser_create(&cfg);
    bool ok;

    if (parser == NULL)
        return fault(r, "cannot make a YAML parser: out of memory");
    if (fy_parser_set_string(parser, (const char *)file.at, file.len) != 0)
        ok = fault(r, "cannot give the file to the YAML parser: out of memory");
    else
        ok = read_documents(r, parser, diag);
    fy_parser_destroy(parser);
    return ok;
}

static struct slice without_byte_order_mark(struct slice file)
{
    if (file.len >= 3 && memcmp(file.at, "\xef\xbb\xbf", 3) == 0)
        return slice_of(file.at + 3, file.len - 3);
    return file;
}

bool options_yaml_read(const char *name, struct slice file, struct arena *memory,
                       struct option_entry **out_entries, struct error *err)
{
    struct reading r = {.name = name, .memory = memory, .at = {1, 1}, .err = err};
    struct fy_diag_cfg cfg;
    struct fy_diag *diag;
    bool ok;

    r.end = &r.first;
    if (!check_bytes(&r, file))
        return false;
    file = without_byte_order_mark(file);
    if (file.len == 0)
        return fault(&r, "the file is empty: it must set at least the option 'name'");
    fy_diag_cfg_default(&cfg);
    cfg.fp = NULL; /* collected, not printed */
    cfg.colorize = false;
    diag = fy_diag_create(&cfg);
    if (diag == NULL)
        return fault(&r, "cannot make a YAML parser: out of memory");
    fy_diag_set_collect_errors(diag, true);
    ok = parse(&r, file, diag);
    fy_diag_destroy(diag);
    if (ok)
        *out_entries = r.first;
    return ok;
}
