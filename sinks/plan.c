#include "sinks/plan.h"

#include <stdio.h>

#include "sinks/default_literal.h"
#include "sinks/encoding.h"
#include "sinks/json_write.h"
#include "sinks/name_adjust.h"
#include "sinks/value_numeric.h"

/* 1600 columns with names of 63 bytes need a quarter of it, schemas included. */
#define PLAN_LIMIT_BYTES ((size_t)8 << 20)
#define PLAN_CHUNK_BYTES ((size_t)1024) /* thousands of small tables: keep each one small */

/* What compiling needs at hand; none of it is kept. */
struct compiling {
    struct plan *plan;
    const struct relation *relation;
    struct encoding *encoding;
    struct buf text; /* one piece at a time */
    struct buf literal;
    struct slice twin;          /* a name that two columns have; at NULL: none */
    struct slice refused;       /* a column that a rule cannot hide; at NULL: none */
    struct slice taken;         /* a column whose name something told has; at NULL: none */
    struct slice taken_as;      /* that name, adjusted */
    struct slice unhidden;      /* a column whose default a rule could not hide; at NULL: none */
    struct connect_field *told; /* what is told behind a flat row, with adjusted names */
    struct error *err;
    bool is_told; /* err says why compiling failed */
};

/* Is every column of the key told by the old row of a delete? */
static bool key_is_told(const struct relation *relation)
{
    for (uint16_t i = 0; i < relation->key_count; i++)
        if (!relation->columns[relation->key[i]].identity)
            return false;
    return true;
}

uint16_t plan_key_columns(const struct relation *relation, uint16_t *out)
{
    uint16_t count = 0;

    if (!key_is_told(relation)) {
        for (uint16_t i = 0; i < relation->column_count; i++)
            if (relation->columns[i].identity)
                out[count++] = i;
    }
    if (count > 0)
        return count;
    for (uint16_t i = 0; i < relation->key_count; i++)
        out[count++] = relation->key[i];
    return count;
}

/* Moves what was written to c->text into the plan. */
static bool keep_text(struct compiling *c, struct slice *out)
{
    bool kept = !c->text.failed && arena_copy(&c->plan->arena, buf_view(&c->text), out);

    c->text.len = 0;
    return kept;
}

/* Debezium reads constants of these types only; the zero of the type stands for all other defaults.
 */
static bool takes_constant(const struct semantic *s)
{
    bool is_bytes = s->value == VALUE_BYTES || s->value == VALUE_BYTES_BASE64 ||
                    s->value == VALUE_BYTES_URL || s->value == VALUE_BYTES_HEX;

    return !is_bytes && s->value != VALUE_ANY_DECIMAL && s->value != VALUE_ARRAY;
}

/* A domain's columns have none to Debezium. */
static bool has_default(const struct column *column)
{
    return column->default_expr.at != NULL &&
           (column->type == NULL || column->type->kind != TYPE_DOMAIN);
}

/* As a column of numeric(p,s) would print the number: 1.5 is 1.50 in numeric(6,2). */
static struct slice scaled(const struct semantic *s, struct buf *literal)
{
    struct numeric n;

    if (s->value == VALUE_DECIMAL_TEXT && s->scale > 0 && numeric_read(buf_view(literal), &n)) {
        size_t decimals = n.fraction.len;

        if (decimals == 0)
            buf_byte(literal, '.');
        for (; decimals < (size_t)s->scale; decimals++)
            buf_byte(literal, '0');
    }
    return buf_view(literal);
}

/* Only what is sent as a text can be hidden; to send anything else as it is would tell it. Debezium
 * does. */
static bool apply_rule(struct compiling *c, const struct column *column, struct plan_column *out)
{
    struct encoding *e = c->encoding;

    if (e->rules != NULL)
        out->rule = rules_column(e->rules, c->relation, column);
    if (out->rule.kind == COLUMN_AS_IT_IS)
        return true;
    if (out->semantic.base == CONNECT_STRING) {
        out->semantic.value = VALUE_TEXT;
        if (e->types.standard)
            out->semantic.name = NULL; /* what is left is no uuid */
        return true;
    }
    out->rule.kind = COLUMN_AS_IT_IS;
    if (!e->types.debezium)
        c->refused = column->name;
    return e->types.debezium;
}

/* JSON of a constant default.  False: the default is none, or computed; or c->unhidden tells. */
static bool constant_default(struct compiling *c, const struct column *column,
                             const struct semantic *s, const struct column_rule *rule,
                             struct slice *out)
{
    struct slice literal;

    c->text.len = 0;
    if (!has_default(column) || !takes_constant(s) ||
        !default_literal_read(column->default_expr, &c->literal))
        return false;
    literal = encoding_hidden(c->encoding, rule, scaled(s, &c->literal));
    if (rule->kind != COLUMN_AS_IT_IS && c->encoding->hidden.failed) {
        c->unhidden = column->name;
        return false;
    }
    if (json_value_write(&c->encoding->json, s, literal, &c->text))
        return keep_text(c, out);
    (void)json_value_was_unfit(&c->encoding->json); /* then the schema has no such default either */
    return false;
}

/* now(), nextval('x'::regclass), (lower('A'): a function's name in front of a parenthesis. */
static bool is_call(struct slice expression)
{
    size_t at = expression.len > 0 && expression.at[0] == '(' ? 1 : 0, from = at;

    for (; at < expression.len && expression.at[at] != '('; at++) {
        uint8_t b = expression.at[at];

        if (!((b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
              b == '_' || b == '.'))
            return false;
    }
    return at > from && at < expression.len;
}

/* JSON of the type's zero. */
static bool zero_of(struct compiling *c, const struct column *column, const struct semantic *s,
                    struct slice *out)
{
    *out = slice_text(semantic_zero(s, has_default(column)));
    if (s->value != VALUE_DECIMAL_TEXT)
        return true;
    c->text.len = c->literal.len = 0;
    buf_byte(&c->literal, '0');
    json_text(&c->text, scaled(s, &c->literal));
    return !c->literal.failed && keep_text(c, out);
}

/* The default in the schema: a constant, or the zero where a function computes it. */
static struct slice schema_default(const struct column *column, const struct semantic *s,
                                   struct slice constant, struct slice zero)
{
    if (constant.at != NULL)
        return constant;
    if (has_default(column) && takes_constant(s) && is_call(column->default_expr))
        return zero;
    return (struct slice){NULL, 0};
}

/* The schema tells what a rule does. */
static const struct connect_schema *with_rule(const struct connect_schema *schema,
                                              const struct column_rule *rule, struct arena *arena)
{
    struct connect_parameter told = {"masked", slice_text("true")};
    char length[16];

    if (schema == NULL || rule->kind == COLUMN_AS_IT_IS)
        return schema;
    if (rule->kind == COLUMN_TRUNCATE) {
        (void)snprintf(length, sizeof length, "%lu", (unsigned long)rule->length);
        told = (struct connect_parameter){"truncateLength", slice_text(length)};
    }
    return connect_schema_with(schema, &told, arena);
}

/* Schemas here know maps of strings only: a sparse vector, alone or in an array, stays a text. */
static bool describe(const struct encoding *e, const struct column *column, struct arena *arena,
                     struct semantic *out)
{
    static const struct semantic text = {.base = CONNECT_STRING, .value = VALUE_TEXT};

    if (!semantic_of(column, &e->types, arena, out))
        return false;
    if (e->has_schemas && out->value == VALUE_SPARSE_VECTOR)
        *out = text;
    else if (e->has_schemas && out->value == VALUE_ARRAY &&
             out->element->value == VALUE_SPARSE_VECTOR)
        out->element = &text;
    return true;
}

/* Where an unchanged TOASTed value is not known. */
static bool compile_unknown(struct compiling *c, struct column_texts *texts,
                            struct plan_column *out)
{
    const struct encoding *e = c->encoding;

    if (e->unavailable_values == UNAVAILABLE_PLACEHOLDER) {
        texts->unknown = placeholder_for(&e->placeholder, &out->semantic);
        if (e->has_schemas && slice_is(texts->unknown, "null"))
            texts->unknown = texts->absent; /* the zero of a NOT NULL column */
        return true;
    }
    texts->unknown = e->has_schemas ? texts->absent : slice_text("");
    c->text.len = 0;
    json_text(&c->text, texts->name);
    return keep_text(c, &out->listed);
}

/* Avro's defaults know no NaN and no infinity; and of bytes within a struct another spelling, which
 * is not made. */
static bool avro_has_default(const struct semantic *s, struct slice json)
{
    bool floating = s->base == CONNECT_FLOAT32 || s->base == CONNECT_FLOAT64;

    return s->base != CONNECT_STRUCT && !(floating && json.len > 0 && json.at[0] == '"');
}

static bool compile_column(struct compiling *c, uint16_t index, bool in_key, bool first,
                           struct plan_column *out)
{
    const struct column *column = &c->relation->columns[index];
    struct encoding *e = c->encoding;
    struct arena *arena = &c->plan->arena;
    struct column_texts texts = {.first = first, .absent = slice_text("null")};
    struct slice constant = {NULL, 0}, zero;
    bool not_null = encoding_not_null(e, c->relation, index);

    out->index = index;
    out->identity = column->identity;
    if (!describe(e, column, arena, &out->semantic) || !apply_rule(c, column, out))
        return false;
    name_adjust(column->name, e->names, false, &c->text);
    if (!keep_text(c, &texts.name))
        return false;
    if (!constant_default(c, column, &out->semantic, &out->rule, &constant))
        constant.at = NULL;
    if (c->unhidden.at != NULL || !zero_of(c, column, &out->semantic, &zero))
        return false;
    if (not_null)
        texts.absent = constant.at != NULL ? constant : zero;
    if (!in_key && !compile_unknown(c, &texts, out)) /* a key is known or it is an error */
        return false;
    if (e->has_schemas) {
        struct slice told = schema_default(column, &out->semantic, constant, zero);

        if (e->text != NULL && !avro_has_default(&out->semantic, told)) /* text: only avro's */
            told.at = NULL;
        out->schema = connect_schema_of(&out->semantic, !not_null, told, arena);
        out->schema = with_rule(out->schema, &out->rule, arena);
        if (out->schema == NULL)
            return false;
    }
    return e->ops->column(e, arena, &texts, out);
}

/* Adjusted names may meet; PostgreSQL's own never do. */
static bool names_differ(struct compiling *c, const struct connect_field *fields, size_t count)
{
    if (c->encoding->names == NAMES_AS_THEY_ARE)
        return true;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (slice_equal(fields[i].name, fields[k].name)) {
                c->twin = fields[i].name;
                return false;
            }
        }
    }
    return true;
}

/* What is told behind a flat row must not meet a column either. */
static bool told_is_free(struct compiling *c, const struct plan_columns *columns, struct slice name)
{
    for (uint16_t i = 0; i < columns->count; i++) {
        struct slice column = c->relation->columns[columns->at[i].index].name;

        c->literal.len = 0;
        name_adjust(column, c->encoding->names, false, &c->literal);
        if (slice_equal(buf_view(&c->literal), name)) {
            c->taken = column;
            c->taken_as = name;
            return false;
        }
    }
    return true;
}

/* One field: its value too, where that is the same for every record of the table. */
static bool compile_told_field(struct compiling *c, const struct flat_field *field,
                               struct connect_field *out)
{
    struct encoding *e = c->encoding;
    struct plan *p = c->plan;
    const struct flat_subject table = {.schema = p->schema, .table = p->table};

    c->literal.len = 0;
    name_adjust(slice_text(field->name), e->names, false, &c->literal);
    if (c->literal.failed || !arena_copy(&p->arena, buf_view(&c->literal), &out->name) ||
        !told_is_free(c, &p->row, out->name))
        return false;
    out->schema = flat_schema(field);
    e->ops->told_lead(out->name, &c->text);
    if (flat_is_constant(field)) {
        struct told told = flat_tell(e->flat, field, &table);

        e->ops->told_value(&told, &c->text);
        return true;
    }
    p->behind[p->behind_count].field = field;
    return keep_text(c, &p->behind[p->behind_count++].lead);
}

static bool compile_told(struct compiling *c)
{
    const struct flat *flat = c->encoding->flat;
    struct plan *p = c->plan;

    if (flat == NULL)
        return true;
    p->behind = arena_array(&p->arena, flat->field_count, sizeof *p->behind);
    c->told = arena_array(&p->arena, flat->field_count, sizeof *c->told);
    if (p->behind == NULL || c->told == NULL)
        return false;
    c->text.len = 0;
    for (size_t i = 0; i < flat->field_count; i++)
        if (!compile_told_field(c, &flat->fields[i], &c->told[i]))
            return false;
    buf_slice(&c->text, c->encoding->flat_tail);
    return keep_text(c, &p->behind_tail);
}

/* <topic>.Value and the like */
static bool schema_name(struct compiling *c, const char *last, struct slice *out)
{
    name_adjust(slice_text(c->plan->topic->name), c->encoding->names, true, &c->text);
    buf_text(&c->text, last);
    return keep_text(c, out);
}

static const struct connect_schema *compile_schema(struct compiling *c,
                                                   const struct plan_columns *columns,
                                                   size_t told_count, const char *last,
                                                   bool optional)
{
    struct arena *arena = &c->plan->arena;
    struct connect_field *fields = arena_array(arena, columns->count + told_count, sizeof *fields);
    struct slice name;

    if (fields == NULL || !schema_name(c, last, &name))
        return NULL;
    for (uint16_t i = 0; i < columns->count; i++) {
        name_adjust(c->relation->columns[columns->at[i].index].name, c->encoding->names, false,
                    &c->text);
        if (!keep_text(c, &fields[i].name))
            return NULL;
        fields[i].schema = columns->at[i].schema;
    }
    for (size_t i = 0; i < told_count; i++)
        fields[columns->count + i] = c->told[i];
    if (!names_differ(c, fields, columns->count + told_count))
        return NULL;
    return connect_schema_struct(name, fields, columns->count + told_count, optional, arena);
}

static bool is_written(const struct compiling *c, const struct column *column)
{
    return !column->hidden &&
           !(c->encoding->types.debezium && semantic_is_unknown_to_debezium(column));
}

static bool compile_row(struct compiling *c)
{
    struct plan *p = c->plan;
    const struct relation *relation = c->relation;

    p->row.at = arena_array(&p->arena, relation->column_count, sizeof *p->row.at);
    if (p->row.at == NULL)
        return false;
    for (uint16_t i = 0; i < relation->column_count; i++) {
        if (!is_written(c, &relation->columns[i]))
            continue;
        if (!compile_column(c, i, false, p->row.count == 0, &p->row.at[p->row.count]))
            return false;
        p->row.count++;
    }
    return true;
}

static bool compile_key_columns(struct compiling *c, const uint16_t *indexes, uint16_t count,
                                struct plan_columns *out)
{
    out->at = arena_array(&c->plan->arena, count, sizeof *out->at);
    if (out->at == NULL)
        return false;
    for (out->count = 0; out->count < count; out->count++)
        if (!compile_column(c, indexes[out->count], true, out->count == 0, &out->at[out->count]))
            return false;
    return true;
}

/* Without its key the delete of a row would not reach the row; Debezium sends null for it. */
static bool check_key_is_told(struct compiling *c, const uint16_t *indexes, int count)
{
    for (int i = 0; i < count && !c->encoding->types.debezium; i++) {
        const struct column *column = &c->relation->columns[indexes[i]];

        if (!column->identity) {
            c->is_told = true;
            return error_set(c->err, ERROR_CONFIG,
                             "table %.*s.%.*s: topics.key_columns names the column %.*s, which "
                             "deletes do not tell: ALTER TABLE ... REPLICA IDENTITY FULL",
                             SLICE_ARGS(c->relation->schema), SLICE_ARGS(c->relation->name),
                             SLICE_ARGS(column->name));
        }
    }
    return true;
}

static bool choose_key(struct compiling *c, uint16_t *indexes, uint16_t *out_count)
{
    int count = 0;

    if (c->encoding->rules != NULL)
        count = rules_key(c->encoding->rules, c->relation, indexes, c->err);
    c->is_told = count < 0;
    if (count < 0 || !check_key_is_told(c, indexes, count))
        return false;
    *out_count = count > 0 ? (uint16_t)count : plan_key_columns(c->relation, indexes);
    return true;
}

static bool compile_key(struct compiling *c)
{
    struct plan *p = c->plan;
    struct encoding *e = c->encoding;
    size_t most = (size_t)c->relation->column_count + c->relation->key_count;
    uint16_t *indexes = arena_array(&p->arena, most, sizeof *indexes), count;
    bool compiled;

    if (indexes == NULL)
        return false;
    if (!choose_key(c, indexes, &count))
        return false;
    if (!compile_key_columns(c, indexes, count, &p->key))
        return false;
    if (e->text == NULL)
        return true;
    c->encoding = e->text;
    compiled = compile_key_columns(c, indexes, count, &p->key_text);
    c->encoding = e;
    return compiled;
}

static const struct connect_schema *compile_value_schema(struct compiling *c)
{
    struct plan *p = c->plan;
    const struct flat *flat = c->encoding->flat;
    const struct connect_schema *row;
    struct slice name;

    if (flat != NULL)
        return compile_schema(c, &p->row, flat->field_count, ".Value", false);
    row = compile_schema(c, &p->row, 0, ".Value", true);
    if (row == NULL || !schema_name(c, ".Envelope", &name))
        return NULL;
    return connect_schema_envelope(name, row, &p->arena);
}

static bool compile_schemas(struct compiling *c)
{
    struct plan *p = c->plan;

    if (!c->encoding->has_schemas) /* not kept: for the names, which are to differ here too */
        return c->encoding->names == NAMES_AS_THEY_ARE ||
               compile_schema(c, &p->row, 0, "", true) != NULL;
    p->value_schema = compile_value_schema(c);
    if (p->key.count > 0)
        p->key_schema = compile_schema(c, &p->key, 0, ".Key", false);
    return p->value_schema != NULL && (p->key.count == 0 || p->key_schema != NULL);
}

static bool compile_table(struct compiling *c)
{
    struct plan *p = c->plan;

    return arena_copy(&p->arena, c->relation->schema, &p->schema) &&
           arena_copy(&p->arena, c->relation->name, &p->table);
}

#define GIVE_ANOTHER                                                                               \
    "give that field another by flat.prefix or by a colon in flat.add_fields, or leave the "       \
    "column "                                                                                      \
    "out by columns.exclude"

static bool fail_taken(const struct compiling *c, struct error *err)
{
    const struct relation *relation = c->relation;

    if (slice_equal(c->taken, c->taken_as))
        return error_set(err, ERROR_CONFIG,
                         "table %.*s.%.*s: its column %.*s has the name of a field that is told "
                         "behind the row: " GIVE_ANOTHER,
                         SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name),
                         SLICE_ARGS(c->taken));
    return error_set(err, ERROR_CONFIG,
                     "table %.*s.%.*s: its column %.*s comes to the name %.*s in the record, which "
                     "a field that is told behind the row has: " GIVE_ANOTHER,
                     SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name), SLICE_ARGS(c->taken),
                     SLICE_ARGS(c->taken_as));
}

static bool fail_compile(const struct compiling *c, struct error *err)
{
    const struct relation *relation = c->relation;

    if (c->is_told)
        return false;
    if (c->refused.at != NULL)
        return error_set(err, ERROR_CONFIG,
                         "table %.*s.%.*s, column %.*s: columns.truncate, mask and hash are for "
                         "columns that are sent as text: leave it out by columns.exclude",
                         SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name),
                         SLICE_ARGS(c->refused));
    if (c->unhidden.at != NULL)
        return error_set(
            err, ERROR_SYSTEM,
            "table %.*s.%.*s, column %.*s: its default cannot be hashed: no memory, or "
            "OpenSSL has failed",
            SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name), SLICE_ARGS(c->unhidden));
    if (c->taken.at != NULL)
        return fail_taken(c, err);
    if (c->twin.at != NULL)
        return error_set(err, ERROR_CONFIG,
                         "table %.*s.%.*s: two columns come to the same name %.*s in the schema: "
                         "rename one of them or leave it out",
                         SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name),
                         SLICE_ARGS(c->twin));
    return error_set(err, ERROR_CONFIG, "table %.*s.%.*s: its description passes %zu bytes",
                     SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name), PLAN_LIMIT_BYTES);
}

bool plan_compile(struct plan *p, const struct relation *relation, struct topic *topic,
                  struct encoding *encoding, struct error *err)
{
    struct compiling c = {.plan = p, .relation = relation, .encoding = encoding, .err = err};
    bool compiled;

    plan_done(p);
    arena_init(&p->arena, PLAN_LIMIT_BYTES);
    p->arena.chunk_bytes = PLAN_CHUNK_BYTES;
    p->topic = topic;
    buf_init(&c.text, PLAN_LIMIT_BYTES);
    buf_init(&c.literal, PLAN_LIMIT_BYTES);
    compiled = (compile_table(&c) && compile_row(&c) && compile_key(&c) && compile_told(&c) &&
                compile_schemas(&c)) ||
               fail_compile(&c, err);
    compiled = compiled && encoding->ops->heads(encoding, p, err);
    buf_done(&c.text);
    buf_done(&c.literal);
    if (!compiled) {
        plan_done(p);
        return false;
    }
    p->oid = relation->oid;
    p->id = relation->id;
    return true;
}

void plan_done(struct plan *p)
{
    arena_done(&p->arena);
    *p = (struct plan){0};
}
