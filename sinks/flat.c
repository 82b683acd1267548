#include "sinks/flat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"
#include "sinks/envelope.h"

#define DELETED_NAME "__deleted" /* whatever the prefix is, as in Debezium */

struct flat_kind {
    const char *path; /* in the envelope */
    const struct connect_schema *schema;
    bool is_constant;
    struct told (*tell)(struct flat *f, const struct flat_subject *s);
};

/* ---- how each is told */

static struct told nothing(void)
{
    return (struct told){.kind = TOLD_NULL};
}

static struct told number(int64_t n)
{
    return (struct told){.kind = TOLD_NUMBER, .number = n};
}

static struct told text(struct slice t)
{
    return (struct told){.kind = TOLD_TEXT, .text = t};
}

static struct told tell_deleted(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return text(slice_text(s->op == 'd' || s->op == 't' ? "true" : "false"));
}

static struct told tell_op(struct flat *f, const struct flat_subject *s)
{
    static const char letters[] = "crudt";

    (void)f;
    return text(slice_of(strchr(letters, s->op), 1));
}

static struct told tell_seen_ms(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return number(envelope_floor_divide(s->event->seen_ns, 1000000));
}

static struct told tell_seen_us(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return number(envelope_floor_divide(s->event->seen_ns, 1000));
}

static struct told tell_seen_ns(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return number(s->event->seen_ns);
}

static struct told tell_transaction_id(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return s->transaction == NULL ? nothing() : text(s->transaction->id);
}

static struct told tell_total_order(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return s->transaction == NULL ? nothing() : number((int64_t)s->transaction->total_order);
}

static struct told tell_collection_order(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return s->transaction == NULL ? nothing() : number((int64_t)s->transaction->collection_order);
}

/* xmin is always null. */
static struct told tell_nothing(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    (void)s;
    return nothing();
}

static struct told tell_version(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    (void)s;
    return text(slice_text(MILLRACE_VERSION));
}

static struct told tell_connector(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    (void)s;
    return text(slice_text("postgresql"));
}

static struct told tell_name(struct flat *f, const struct flat_subject *s)
{
    (void)s;
    return text(slice_text(f->topic_prefix));
}

static struct told tell_commit_ms(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return number(envelope_floor_divide(s->event->commit_us, 1000));
}

/* Absent to Debezium where it is false. */
static struct told tell_snapshot(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    if (s->event->mark == MARK_NONE)
        return nothing();
    return text(slice_text(envelope_mark_name(s->event->mark)));
}

static struct told tell_database(struct flat *f, const struct flat_subject *s)
{
    (void)s;
    return text(slice_text(f->database));
}

/* [null,"100"] */
static struct told tell_sequence(struct flat *f, const struct flat_subject *s)
{
    uint64_t prior = s->event->prior_end_lsn, lsn = s->event->lsn;
    int len;

    if (prior == 0)
        len = snprintf(f->sequence, sizeof f->sequence, "[null,\"%" PRIu64 "\"]", lsn);
    else
        len = snprintf(f->sequence, sizeof f->sequence, "[\"%" PRIu64 "\",\"%" PRIu64 "\"]", prior,
                       lsn);
    return text(slice_of(f->sequence, (size_t)len));
}

static struct told tell_commit_us(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return number(s->event->commit_us);
}

static struct told tell_commit_ns(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return number(envelope_nanoseconds(s->event->commit_us));
}

static struct told tell_schema(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return text(s->schema);
}

static struct told tell_table(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return text(s->table);
}

static struct told tell_xid(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return s->event->xid == 0 ? nothing() : number(s->event->xid);
}

static struct told tell_lsn(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return number((int64_t)s->event->lsn);
}

static struct told tell_origin(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return s->event->origin.len == 0 ? nothing() : text(s->event->origin);
}

static struct told tell_origin_lsn(struct flat *f, const struct flat_subject *s)
{
    (void)f;
    return s->event->origin.len == 0 ? nothing() : number((int64_t)s->event->origin_lsn);
}

#define TEXT &connect_optional_string
#define NUMBER &connect_optional_int64
#define MARK &connect_optional_snapshot

static const struct flat_kind deleted = {DELETED_NAME, TEXT, false, tell_deleted};

/* A name without its first part is the first that ends in it, as in Debezium: ts_ms is the
 * envelope's, id the transaction's, lsn the source's. */
static const struct flat_kind kinds[] = {
    {"op", TEXT, false, tell_op},
    {"ts_ms", NUMBER, false, tell_seen_ms},
    {"ts_us", NUMBER, false, tell_seen_us},
    {"ts_ns", NUMBER, false, tell_seen_ns},
    {"transaction.id", TEXT, false, tell_transaction_id},
    {"transaction.total_order", NUMBER, false, tell_total_order},
    {"transaction.data_collection_order", NUMBER, false, tell_collection_order},
    {"source.version", TEXT, true, tell_version},
    {"source.connector", TEXT, true, tell_connector},
    {"source.name", TEXT, true, tell_name},
    {"source.ts_ms", NUMBER, false, tell_commit_ms},
    {"source.snapshot", MARK, false, tell_snapshot},
    {"source.db", TEXT, true, tell_database},
    {"source.sequence", TEXT, false, tell_sequence},
    {"source.ts_us", NUMBER, false, tell_commit_us},
    {"source.ts_ns", NUMBER, false, tell_commit_ns},
    {"source.schema", TEXT, true, tell_schema},
    {"source.table", TEXT, true, tell_table},
    {"source.txId", NUMBER, false, tell_xid},
    {"source.lsn", NUMBER, false, tell_lsn},
    {"source.xmin", NUMBER, true, tell_nothing},
    {"source.origin", TEXT, false, tell_origin},
    {"source.origin_lsn", NUMBER, false, tell_origin_lsn},
};

bool flat_is_constant(const struct flat_field *field)
{
    return field->kind->is_constant;
}

struct told flat_tell(struct flat *f, const struct flat_field *field,
                      const struct flat_subject *subject)
{
    return field->kind->tell(f, subject);
}

const struct connect_schema *flat_schema(const struct flat_field *field)
{
    return field->kind->schema;
}

/* ---- from the options */

static bool names_path(const char *path, struct slice name)
{
    const char *dot = strchr(path, '.');

    return slice_is(name, path) || (dot != NULL && slice_is(name, dot + 1));
}

static const struct flat_kind *find_kind(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (names_path(kinds[i].path, name))
            return &kinds[i];
    return NULL;
}

/* prefix + alias, or prefix + path with underscores. */
static char *name_of(const char *prefix, struct slice path)
{
    size_t len = strlen(prefix), size = len + path.len + 1;
    char *name = mem_zero(size, 1);

    (void)snprintf(name, size, "%s%.*s", prefix, SLICE_ARGS(path));
    for (char *dot = strchr(name + len, '.'); dot != NULL; dot = strchr(dot, '.'))
        *dot = '_';
    return name;
}

static bool refuse(const char *option, const char *given, struct error *err)
{
    struct buf paths;

    buf_init(&paths, ERROR_TEXT_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        buf_printf(&paths, "%s%s", i == 0 ? "" : ", ", kinds[i].path);
    (void)error_set(err, ERROR_CONFIG,
                    "%s: \"%s\" is no field of a change event; write one of %.*s, and behind a "
                    "colon the name it shall have, if that is another",
                    option, given, SLICE_ARGS(buf_view(&paths)));
    buf_done(&paths);
    return false;
}

static bool read_field(const char *option, const char *prefix, const char *given,
                       struct flat_field *out, struct error *err)
{
    const char *colon = strchr(given, ':');
    struct slice path = slice_of(given, colon == NULL ? strlen(given) : (size_t)(colon - given));
    struct slice name = colon == NULL ? path : slice_text(colon + 1);

    out->kind = find_kind(path);
    if (out->kind == NULL || name.len == 0 || memchr(name.at, ':', name.len) != NULL)
        return refuse(option, given, err);
    out->name = name_of(prefix, name);
    return true;
}

static bool names_meet(const char *one, const char *other, enum name_adjustment names)
{
    struct buf a, b;
    bool meet;

    buf_init(&a, SIZE_MAX);
    buf_init(&b, SIZE_MAX);
    name_adjust(slice_text(one), names, false, &a);
    name_adjust(slice_text(other), names, false, &b);
    meet = slice_equal(buf_view(&a), buf_view(&b));
    buf_done(&a);
    buf_done(&b);
    return meet;
}

/* The last one's name may be that of another one, as it is or once it is adjusted. */
static bool check_last(const char *option, const struct flat_field *fields, size_t count,
                       enum name_adjustment names, struct error *err)
{
    const char *last = fields[count - 1].name;

    for (size_t i = 0; i + 1 < count; i++) {
        if (strcmp(fields[i].name, last) == 0)
            return error_set(err, ERROR_CONFIG, "%s: two of them have the name %s", option, last);
        if (names_meet(fields[i].name, last, names))
            return error_set(err, ERROR_CONFIG,
                             "%s: %s and %s come to the same name, adjusted as encoding and "
                             "names.adjust have it: give one of them another behind a colon",
                             option, fields[i].name, last);
    }
    return true;
}

static bool read_fields(const char *option, const struct flat_options *options,
                        const struct patterns *texts, enum name_adjustment names,
                        struct flat_field *fields, size_t *count, struct error *err)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (!read_field(option, options->prefix, texts->at[i], &fields[*count], err))
            return false;
        ++*count;
        if (!check_last(option, fields, *count, names, err))
            return false;
    }
    return true;
}

static bool read_options(struct flat *f, const struct flat_options *options,
                         enum name_adjustment names, struct error *err)
{
    f->deletes = options->deletes;
    f->fields = mem_zero(options->fields.count + 1, sizeof *f->fields); /* and __deleted */
    f->headers = mem_zero(options->headers.count + 1, sizeof *f->headers);
    if (flat_keeps_deletes(f)) {
        f->fields[f->field_count].kind = &deleted;
        f->fields[f->field_count++].name = mem_text(DELETED_NAME);
    }
    if (options->headers.count > FLAT_HEADERS_MAX)
        return error_set(err, ERROR_CONFIG, "flat.add_headers: there can be at most %d",
                         FLAT_HEADERS_MAX);
    return read_fields("flat.add_fields", options, &options->fields, names, f->fields,
                       &f->field_count, err) &&
           read_fields("flat.add_headers", options, &options->headers, NAMES_AS_THEY_ARE,
                       f->headers, &f->header_count, err);
}

struct flat *flat_create(const struct flat_options *options, enum name_adjustment names,
                         struct error *err)
{
    struct flat *f = mem_new(struct flat);

    if (read_options(f, options, names, err))
        return f;
    flat_destroy(f);
    return NULL;
}

void flat_destroy(struct flat *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->field_count; i++)
        free(f->fields[i].name);
    for (size_t i = 0; i < f->header_count; i++)
        free(f->headers[i].name);
    free(f->fields);
    free(f->headers);
    free(f);
}

bool flat_keeps_deletes(const struct flat *f)
{
    return f->deletes == FLAT_REWRITE || f->deletes == FLAT_REWRITE_WITH_TOMBSTONE;
}

bool flat_makes_tombstones(const struct flat *f, bool wanted)
{
    return f->deletes == FLAT_TOMBSTONE || f->deletes == FLAT_DELETE_TO_TOMBSTONE ||
           (f->deletes == FLAT_REWRITE_WITH_TOMBSTONE && wanted);
}

static bool holds_op(const struct flat_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].kind->tell == tell_op)
            return true;
    return false;
}

bool flat_tells_op(const struct flat *f)
{
    return holds_op(f->fields, f->field_count) || holds_op(f->headers, f->header_count);
}
