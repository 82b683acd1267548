#include "sinks/plan.h"

#include "sinks/default_literal.h"
#include "sinks/json_write.h"

#define PLAN_LIMIT_BYTES                                                                           \
    ((size_t)1 << 20)                   /* 1600 columns with names of 63 bytes need half of it     \
                                         */
#define PLAN_CHUNK_BYTES ((size_t)1024) /* thousands of small tables: keep each one small */

/* What compiling needs at hand; none of it is kept. */
struct compiling {
    struct plan *plan;
    const struct relation *relation;
    const struct placeholder *placeholder;
    struct json_value *w;
    struct buf text; /* one piece of JSON at a time */
    struct buf literal;
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
    return !c->text.failed && arena_copy(&c->plan->arena, buf_view(&c->text), out);
}

/* Debezium reads constants of these types only; the zero of the type stands for all other defaults.
 */
static bool takes_constant(const struct semantic *s)
{
    return s->value != VALUE_ANY_DECIMAL && s->value != VALUE_BYTES && s->value != VALUE_ARRAY;
}

/* For a NOT NULL column: its constant default, else a zero. */
static bool absent_not_null(struct compiling *c, const struct column *column,
                            const struct semantic *s, struct slice *out)
{
    bool has_default = column->default_expr.at != NULL;

    c->text.len = 0;
    if (has_default && takes_constant(s) &&
        default_literal_read(column->default_expr, &c->literal) &&
        json_value_write(c->w, s, buf_view(&c->literal), &c->text))
        return keep_text(c, out);
    *out = slice_text(semantic_zero(s, has_default));
    return true;
}

static bool compile_column(struct compiling *c, uint16_t index, bool first, struct plan_column *out)
{
    const struct column *column = &c->relation->columns[index];

    out->index = index;
    out->identity = column->identity;
    c->text.len = 0;
    buf_byte(&c->text, first ? '{' : ',');
    json_string(&c->text, column->name);
    buf_byte(&c->text, ':');
    if (!keep_text(c, &out->lead) || !semantic_of(column, &c->plan->arena, &out->semantic))
        return false;
    out->unknown = placeholder_for(c->placeholder, &out->semantic);
    out->absent = slice_text("null");
    return !column->not_null || absent_not_null(c, column, &out->semantic, &out->absent);
}

static bool compile_row(struct compiling *c)
{
    struct plan *p = c->plan;
    const struct relation *relation = c->relation;

    p->columns = arena_array(&p->arena, relation->column_count, sizeof *p->columns);
    if (p->columns == NULL)
        return false;
    for (uint16_t i = 0; i < relation->column_count; i++) {
        if (relation->columns[i].hidden)
            continue;
        if (!compile_column(c, i, p->column_count == 0, &p->columns[p->column_count]))
            return false;
        p->column_count++;
    }
    return true;
}

static bool compile_key(struct compiling *c)
{
    struct plan *p = c->plan;
    size_t most = (size_t)c->relation->column_count + c->relation->key_count;
    uint16_t *indexes = arena_array(&p->arena, most, sizeof *indexes);

    if (indexes == NULL)
        return false;
    p->key_count = plan_key_columns(c->relation, indexes);
    p->key = arena_array(&p->arena, p->key_count, sizeof *p->key);
    if (p->key == NULL)
        return false;
    for (uint16_t i = 0; i < p->key_count; i++) {
        if (!compile_column(c, indexes[i], i == 0, &p->key[i]))
            return false;
        p->key[i].unknown = (struct slice){NULL, 0}; /* a key is known or it is an error */
    }
    return true;
}

static bool compile_table(struct compiling *c)
{
    c->text.len = 0;
    JSON_CONSTANT(&c->text, ",\"schema\":");
    json_string(&c->text, c->relation->schema);
    JSON_CONSTANT(&c->text, ",\"table\":");
    json_string(&c->text, c->relation->name);
    return keep_text(c, &c->plan->table_json);
}

bool plan_compile(struct plan *p, const struct relation *relation, struct topic *topic,
                  const struct placeholder *placeholder, struct json_value *w, struct error *err)
{
    struct compiling c = {p, relation, placeholder, w, {0}, {0}};
    bool compiled;

    plan_done(p);
    arena_init(&p->arena, PLAN_LIMIT_BYTES);
    p->arena.chunk_bytes = PLAN_CHUNK_BYTES;
    buf_init(&c.text, PLAN_LIMIT_BYTES);
    buf_init(&c.literal, PLAN_LIMIT_BYTES);
    compiled = compile_row(&c) && compile_key(&c) && compile_table(&c);
    buf_done(&c.text);
    buf_done(&c.literal);
    if (!compiled) {
        plan_done(p);
        return error_set(err, ERROR_CONFIG, "table %.*s.%.*s: its description passes %zu bytes",
                         SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name),
                         PLAN_LIMIT_BYTES);
    }
    p->oid = relation->oid;
    p->id = relation->id;
    p->topic = topic;
    return true;
}

void plan_done(struct plan *p)
{
    arena_done(&p->arena);
    *p = (struct plan){0};
}

/* The cell, or for an unchanged one what the old row says. */
static const struct cell *cell_of(const struct image *image, const struct plan_column *column)
{
    const struct cell *cell = &image->row->cells[column->index];

    if (cell->kind == CELL_UNCHANGED && image->older != NULL &&
        (column->identity || !image->older_key_only))
        return &image->older->cells[column->index];
    return cell;
}

static bool write_column(struct json_value *w, const struct plan_column *column,
                         const struct image *image, struct buf *out)
{
    const struct cell *cell = cell_of(image, column);

    buf_slice(out, column->lead);
    if (image->key_only && !column->identity) {
        buf_slice(out, column->absent);
        return true;
    }
    switch (cell->kind) {
    case CELL_NULL:
        JSON_CONSTANT(out, "null");
        return true;
    case CELL_UNCHANGED:
        buf_slice(out, column->unknown);
        return column->unknown.at != NULL;
    case CELL_TEXT:
        break;
    }
    return json_value_write(w, &column->semantic, cell->text, out);
}

static bool write_columns(struct json_value *w, const struct plan_column *columns, uint16_t count,
                          const struct image *image, struct buf *out, uint16_t *out_column)
{
    if (count == 0)
        buf_byte(out, '{');
    for (uint16_t i = 0; i < count; i++) {
        if (!write_column(w, &columns[i], image, out) || out->failed) {
            *out_column = columns[i].index;
            return false;
        }
    }
    buf_byte(out, '}');
    return !out->failed;
}

bool plan_write_row(const struct plan *p, struct json_value *w, const struct image *image,
                    struct buf *out, uint16_t *out_column)
{
    return write_columns(w, p->columns, p->column_count, image, out, out_column);
}

bool plan_write_key(const struct plan *p, struct json_value *w, const struct image *image,
                    struct buf *out, uint16_t *out_column)
{
    return write_columns(w, p->key, p->key_count, image, out, out_column);
}
