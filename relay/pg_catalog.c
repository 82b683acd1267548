#include "relay/pg_catalog.h"

#include <stdlib.h>
#include <string.h>

#include "millrace/buf.h"
#include "millrace/mem.h"
#include "relay/pg_catalog_private.h"
#include "sinks/value_array.h"

#define TYPES_LIMIT_BYTES ((size_t)64 << 20)
#define OIDS_LIMIT_BYTES ((size_t)16 << 20)
#define TABLES_AT_ONCE 200 /* described by one query: bounds the size of its result */
#define TYPE_DEPTH_MAX 32  /* domain over array over domain ... */

/*
 * About some tables, in one answer, so that it costs one round trip.  Two kinds of rows, in order
 * of kind, owner, first, second:
 *
 *     kind  owner  first              second  further columns
 *     c     table  attribute number   0       name, type oid, not null, generated, default
 *     k     table  rank, index oid    place   name, index oid, primary, immediate
 *
 * A 'k' row is a column of an index that can identify rows; rank 0 is the primary key, 1 the
 * replica identity, 2 any other.  A domain that is NOT NULL makes its columns so; a NOT NULL that
 * was never validated (18 and newer) does not.
 */
static const char tables_sql[] =
    " SELECT 'c', a.attrelid::int8, a.attnum::int8, 0::float8, a.attname::text, a.atttypid::text,"
    "  CASE WHEN a.attnotnull AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint n"
    "    WHERE n.conrelid = a.attrelid AND n.contype = 'n' AND NOT n.convalidated"
    "    AND a.attnum = ANY (n.conkey)) OR t.typtype = 'd' AND t.typnotnull THEN 't' ELSE 'f' END,"
    "  CASE WHEN a.attgenerated <> '' THEN 't' ELSE 'f' END,"
    "  CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END"
    " FROM pg_catalog.pg_attribute a"
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE a.attrelid = ANY ($1::pg_catalog.oid[]) AND a.attnum > 0 AND NOT a.attisdropped"
    " UNION ALL"
    " SELECT 'k', i.indrelid::int8,"
    "  CASE WHEN i.indisprimary THEN 0 WHEN i.indisreplident THEN 1 ELSE 2 END * 4294967296"
    "   + i.indexrelid::int8,"
    "  k.place::float8, a.attname::text, i.indexrelid::text,"
    "  CASE WHEN i.indisprimary THEN 't' ELSE 'f' END,"
    "  CASE WHEN i.indimmediate THEN 't' ELSE 'f' END, NULL"
    " FROM pg_catalog.pg_index i"
    " CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
    " WHERE i.indrelid = ANY ($1::pg_catalog.oid[]) AND k.place <= i.indnkeyatts"
    "  AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL"
    "  AND (i.indisprimary OR i.indimmediate AND NOT EXISTS ("
    "   SELECT FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY l (attnum, place)"
    "   JOIN pg_catalog.pg_attribute b ON b.attrelid = i.indrelid AND b.attnum = l.attnum"
    "   WHERE l.place <= i.indnkeyatts AND NOT b.attnotnull))"
    " ORDER BY 1, 2, 3, 4";

/*
 * About types and what they are made of, in the same form:
 *
 *     kind  owner  first              second      further columns
 *     t     type   0                  enum order  schema, name, typtype, delimiter, element oid,
 *                                                 base oid, typmod on the base, enum label
 *
 * int2vector and its like have an element type but are no arrays: only what the element type names
 * as its array is one.
 */
static const char types_sql[] =
    "WITH RECURSIVE parts (oid) AS ("
    "  SELECT pg_catalog.unnest($1::pg_catalog.oid[])"
    " UNION"
    "  SELECT part.oid FROM parts JOIN pg_catalog.pg_type t ON t.oid = parts.oid"
    "  LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid"
    "  CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem), (r.rngsubtype)) part (oid)"
    "  WHERE part.oid <> 0"
    ")"
    " SELECT 't', t.oid::int8, 0, coalesce(l.enumsortorder, 0)::float8, n.nspname::text,"
    "  t.typname::text, t.typtype::text, t.typdelim::text,"
    "  CASE WHEN e.typarray = t.oid THEN t.typelem ELSE 0 END::text,"
    "  coalesce(r.rngsubtype, t.typbasetype)::text, t.typtypmod::text, l.enumlabel::text"
    " FROM parts JOIN pg_catalog.pg_type t ON t.oid = parts.oid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
    " LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem"
    " LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid"
    " LEFT JOIN pg_catalog.pg_enum l ON l.enumtypid = t.oid"
    " ORDER BY 1, 2, 3, 4";

enum { KIND, OWNER, FIRST, SECOND, FURTHER };
enum { C_NAME = FURTHER, C_TYPE, C_NOT_NULL, C_GENERATED, C_DEFAULT };
enum { K_NAME = FURTHER, K_INDEX, K_PRIMARY, K_IMMEDIATE };
enum { T_SCHEMA = FURTHER, T_NAME, T_KIND, T_DELIMITER, T_ELEMENT, T_BASE, T_TYPMOD, T_LABEL };

/* The answers and what they are used for. */
struct describing {
    struct pg_catalog *catalog;
    PGresult *rows;
    PGresult *types;     /* NULL when all were known */
    struct arena *arena; /* of the relations */
    struct error *err;
};

struct pg_catalog *pg_catalog_create(struct pg_conn *conn, const struct postgres_options *options,
                                     const struct pg_selection *selection)
{
    struct pg_catalog *catalog = mem_new(struct pg_catalog);

    catalog->conn = conn;
    catalog->options = options;
    catalog->selection = selection;
    arena_init(&catalog->types, TYPES_LIMIT_BYTES);
    return catalog;
}

void pg_catalog_destroy(struct pg_catalog *catalog)
{
    if (catalog == NULL)
        return;
    arena_done(&catalog->types);
    free(catalog);
}

/* ---- reading the answer ---- */

static struct slice cell(const PGresult *rows, int row, int column)
{
    if (PQgetisnull(rows, row, column))
        return (struct slice){NULL, 0};
    return slice_of(PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column));
}

static uint32_t cell_oid(const PGresult *rows, int row, int column)
{
    return (uint32_t)strtoul(PQgetvalue(rows, row, column), NULL, 10);
}

static bool cell_true(const PGresult *rows, int row, int column)
{
    return PQgetvalue(rows, row, column)[0] == 't';
}

static bool is_row_of(const PGresult *rows, int row, char kind, uint32_t owner)
{
    return row < PQntuples(rows) && PQgetvalue(rows, row, KIND)[0] == kind &&
           cell_oid(rows, row, OWNER) == owner;
}

/* The first row of that kind and owner, by halving; is_row_of() tells whether there is one. */
static int first_row(const PGresult *rows, char kind, uint32_t owner)
{
    int low = 0, high = PQntuples(rows);

    while (low < high) {
        int middle = low + (high - low) / 2;
        char its_kind = PQgetvalue(rows, middle, KIND)[0];

        if (its_kind < kind || (its_kind == kind && cell_oid(rows, middle, OWNER) < owner))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- types ---- */

static enum type_kind type_kind_of(char typtype)
{
    switch (typtype) {
    case 'c':
        return TYPE_COMPOSITE;
    case 'd':
        return TYPE_DOMAIN;
    case 'e':
        return TYPE_ENUM;
    case 'r':
        return TYPE_RANGE;
    case 'm':
        return TYPE_MULTIRANGE;
    case 'p':
        return TYPE_PSEUDO;
    default:
        return TYPE_BASE;
    }
}

static bool same_type(const struct type *a, const struct type *b)
{
    if (!slice_equal(a->name, b->name) || !slice_equal(a->schema, b->schema) ||
        a->kind != b->kind || a->delimiter != b->delimiter || a->element != b->element ||
        a->base != b->base || a->base_typmod != b->base_typmod || a->label_count != b->label_count)
        return false;
    for (uint32_t i = 0; i < a->label_count; i++)
        if (!slice_equal(a->labels[i], b->labels[i]))
            return false;
    return true;
}

static bool copy_labels(struct arena *arena, const struct type *from, struct type *to)
{
    struct slice *labels = arena_array(arena, from->label_count, sizeof *labels);

    for (uint32_t i = 0; labels != NULL && i < from->label_count; i++)
        if (!arena_copy(arena, from->labels[i], &labels[i]))
            return false;
    to->labels = labels;
    return labels != NULL;
}

/* The kept type that is the same as `type`, which borrows from the answer; kept now if there is
 * none. NULL when there is no more room. */
static const struct type *keep_type(struct pg_catalog *catalog, const struct type *type)
{
    struct known_type **chain = &catalog->chains[type->oid % PG_TYPE_CHAINS];
    struct arena *arena = &catalog->types;
    struct known_type *known;

    for (known = *chain; known != NULL; known = known->next)
        if (known->type.oid == type->oid && same_type(&known->type, type))
            return &known->type;
    known = arena_alloc(arena, sizeof *known);
    if (known == NULL)
        return NULL;
    *known = (struct known_type){.type = *type, .next = *chain};
    if (!arena_copy(arena, type->schema, &known->type.schema) ||
        !arena_copy(arena, type->name, &known->type.name) ||
        (type->label_count > 0 && !copy_labels(arena, type, &known->type)))
        return NULL;
    *chain = known;
    return &known->type;
}

/* A type that is no longer in the catalogue: as it was when last seen, or a name to put up with. */
static const struct type *lost_type(struct pg_catalog *catalog, uint32_t oid)
{
    struct type type = {.oid = oid,
                        .schema = slice_text("pg_catalog"),
                        .name = slice_text("unknown"),
                        .kind = TYPE_PSEUDO,
                        .delimiter = ',',
                        .base_typmod = -1};

    for (const struct known_type *k = catalog->chains[oid % PG_TYPE_CHAINS]; k != NULL; k = k->next)
        if (k->type.oid == oid)
            return &k->type;
    return keep_type(catalog, &type);
}

static int count_labels(const PGresult *rows, int row, uint32_t oid)
{
    int count = 0;

    while (is_row_of(rows, row + count, 't', oid) && !PQgetisnull(rows, row + count, T_LABEL))
        count++;
    return count;
}

/* NULL when there is no more room. */
static const struct type *find_type(struct describing *d, uint32_t oid, int depth)
{
    int row = first_row(d->types, 't', oid);
    struct slice *labels = NULL;
    struct type type = {.oid = oid};
    const struct type *kept;

    if (!is_row_of(d->types, row, 't', oid) || depth > TYPE_DEPTH_MAX)
        return lost_type(d->catalog, oid);
    type.schema = cell(d->types, row, T_SCHEMA);
    type.name = cell(d->types, row, T_NAME);
    type.kind = type_kind_of(PQgetvalue(d->types, row, T_KIND)[0]);
    type.delimiter = PQgetvalue(d->types, row, T_DELIMITER)[0];
    type.base_typmod = (int32_t)strtol(PQgetvalue(d->types, row, T_TYPMOD), NULL, 10);
    if (cell_oid(d->types, row, T_ELEMENT) != 0)
        type.element = find_type(d, cell_oid(d->types, row, T_ELEMENT), depth + 1);
    if (cell_oid(d->types, row, T_BASE) != 0)
        type.base = find_type(d, cell_oid(d->types, row, T_BASE), depth + 1);
    type.label_count = (uint32_t)count_labels(d->types, row, oid);
    labels = mem_zero(type.label_count + 1, sizeof *labels);
    for (uint32_t i = 0; i < type.label_count; i++)
        labels[i] = cell(d->types, row + (int)i, T_LABEL);
    type.labels = labels;
    kept = keep_type(d->catalog, &type);
    free(labels);
    return kept;
}

/* Built of enums, which may have got labels since? */
static bool has_labels(const struct type *type)
{
    for (; type != NULL; type = type->element != NULL ? type->element : type->base)
        if (type->kind == TYPE_ENUM)
            return true;
    return false;
}

static const struct type *without_domains(const struct type *type)
{
    while (type != NULL && type->kind == TYPE_DOMAIN)
        type = type->base;
    return type;
}

static bool has_label(const struct type *type, struct slice text)
{
    for (uint32_t i = 0; i < type->label_count; i++)
        if (slice_equal(type->labels[i], text))
            return true;
    return false;
}

/* A malformed array is for the encoder to find. */
static bool has_labels_of_array(const struct type *element, char delimiter, struct slice text)
{
    struct array_reader reader = array_reader_over(text, delimiter);
    enum array_token token;
    struct buf plain;
    bool known = true;

    buf_init(&plain, text.len);
    while (known && (token = array_reader_next(&reader)) != ARRAY_END && token != ARRAY_MALFORMED) {
        if (token != ARRAY_ELEMENT)
            continue;
        if (reader.escaped)
            array_unescape(reader.element, &plain);
        known = has_label(element, reader.escaped ? buf_view(&plain) : reader.element);
    }
    buf_done(&plain);
    return known;
}

static bool knows_labels_in(const struct type *type, struct slice text)
{
    const struct type *element;

    type = without_domains(type);
    if (type == NULL)
        return true;
    if (type->kind == TYPE_ENUM)
        return has_label(type, text);
    element = without_domains(type->element);
    return element == NULL || element->kind != TYPE_ENUM ||
           has_labels_of_array(element, type->delimiter, text);
}

bool pg_catalog_knows_labels(const struct relation *relation, const struct row *row)
{
    for (uint16_t i = 0; i < row->count; i++)
        if (row->cells[i].kind == CELL_TEXT &&
            !knows_labels_in(relation->columns[i].type, row->cells[i].text))
            return false;
    return true;
}

/* ---- columns ---- */

static bool too_big(struct describing *d)
{
    return error_set(d->err, ERROR_DATA, "its description is longer than the limit");
}

/* The catalogue's row for a column of the R message: same name, same type; -1 when there is none
 * any more.  Both are in the same order, so the search begins behind the last find. */
static int find_column(const PGresult *rows, const struct relation *relation,
                       const struct column *column, int *next)
{
    int first = first_row(rows, 'c', relation->oid);
    int row = *next < first ? first : *next;

    for (int pass = 0; pass < 2; pass++, row = first)
        for (; is_row_of(rows, row, 'c', relation->oid); row++)
            if (slice_equal(cell(rows, row, C_NAME), column->name) &&
                cell_oid(rows, row, C_TYPE) == column->type_oid) {
                *next = row + 1;
                return row;
            }
    return -1;
}

/* The stream itself says so, whatever has become of the table since: a primary key is NOT NULL, and
 * so is an index that may stand for the rows. */
static bool is_not_null_by_identity(const struct relation *relation, const struct column *column)
{
    return column->identity &&
           (relation->identity == IDENTITY_DEFAULT || relation->identity == IDENTITY_INDEX);
}

static bool describe_column(struct describing *d, const struct relation *relation,
                            struct column *column, int row, const struct column *former)
{
    struct slice default_expr = {NULL, 0};

    column->type = find_type(d, column->type_oid, 0);
    if (column->type == NULL)
        return too_big(d);
    if (row >= 0) {
        column->not_null = cell_true(d->rows, row, C_NOT_NULL);
        column->generated = cell_true(d->rows, row, C_GENERATED);
        default_expr = cell(d->rows, row, C_DEFAULT);
    } else if (former != NULL) {
        column->not_null = former->not_null;
        column->generated = former->generated;
        default_expr = former->default_expr;
    }
    if (is_not_null_by_identity(relation, column))
        column->not_null = true;
    if (default_expr.at != NULL && !arena_copy(d->arena, default_expr, &column->default_expr))
        return too_big(d);
    return true;
}

/* *out_complete: the catalogue knows every column. */
static bool describe_columns(struct describing *d, struct relation *relation,
                             const struct relation *former, bool *out_complete)
{
    const struct pg_selection *selection = d->catalog->selection;
    bool complete = true;
    int next = 0;

    for (uint16_t i = 0; i < relation->column_count; i++) {
        struct column *column = &relation->columns[i];
        int row = find_column(d->rows, relation, column, &next);

        if (!describe_column(d, relation, column, row, former == NULL ? NULL : &former->columns[i]))
            return false;
        column->hidden =
            !pg_selection_wants_column(selection, relation->schema, relation->name, column->name);
        relation->has_labels = relation->has_labels || has_labels(column->type);
        complete = complete && row >= 0;
    }
    *out_complete = complete;
    return true;
}

/* ---- keys ---- */

static int column_index(const struct relation *relation, struct slice name)
{
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (slice_equal(relation->columns[i].name, name))
            return i;
    return -1;
}

static int count_identity(const struct relation *relation)
{
    int count = 0;

    for (uint16_t i = 0; i < relation->column_count; i++)
        count += relation->columns[i].identity;
    return count;
}

/* Under the default identity the flags are the primary key, as it was at this place of the log: the
 * catalogue, which may know another one by now, only tells the order of its columns.  Without flags
 * there was none then, or one that is checked at the end of transactions and is no identity. */
static bool may_be_key(const struct relation *relation, const PGresult *rows, int row, int count)
{
    int flags = count_identity(relation);

    if (relation->identity != IDENTITY_DEFAULT)
        return true;
    if (flags > 0)
        return count == flags;
    return !cell_true(rows, row, K_PRIMARY) || !cell_true(rows, row, K_IMMEDIATE);
}

/* The index whose columns begin at `row` as a key; false when it cannot be the relation's: a column
 * is not published, or not in the identity, so that a delete would not tell it. */
static bool try_index(const struct relation *relation, const PGresult *rows, int row, int count,
                      uint16_t *out_key)
{
    bool covered = count_identity(relation) > 0;

    if (!may_be_key(relation, rows, row, count))
        return false;
    for (int i = 0; i < count; i++) {
        int at = column_index(relation, cell(rows, row + i, K_NAME));

        if (at < 0 || (covered && !relation->columns[at].identity))
            return false;
        out_key[i] = (uint16_t)at;
    }
    return true;
}

/* How many rows from `row` on are columns of the same index. */
static int index_width(const PGresult *rows, int row, uint32_t table)
{
    uint32_t index = cell_oid(rows, row, K_INDEX);
    int width = 0;

    while (is_row_of(rows, row + width, 'k', table) &&
           cell_oid(rows, row + width, K_INDEX) == index)
        width++;
    return width;
}

/* The primary key, of which the flags tell all but the order. */
static bool is_told_by_flags(const struct relation *relation)
{
    return relation->identity == IDENTITY_DEFAULT && count_identity(relation) > 0;
}

static bool key_from_indexes(struct describing *d, struct relation *relation, uint16_t *key)
{
    int row = first_row(d->rows, 'k', relation->oid), width;

    for (; is_row_of(d->rows, row, 'k', relation->oid); row += width) {
        width = index_width(d->rows, row, relation->oid);
        if (width > relation->column_count || !try_index(relation, d->rows, row, width, key))
            continue;
        relation->key_count = (uint16_t)width;
        relation->key_is_primary = cell_true(d->rows, row, K_PRIMARY) || is_told_by_flags(relation);
        return true;
    }
    return false;
}

static void key_from_identity(struct relation *relation, uint16_t *key)
{
    if (relation->identity == IDENTITY_FULL)
        return;
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (relation->columns[i].identity)
            key[relation->key_count++] = i;
    relation->key_is_primary = relation->identity == IDENTITY_DEFAULT && relation->key_count > 0;
}

/* `former` (may be NULL) was described with the same wire; it is taken when the catalogue no longer
 * shows the table as it was (!complete), or not the key that the flags tell. */
static bool describe_key(struct describing *d, struct relation *relation,
                         const struct relation *former, bool complete)
{
    uint16_t *key = arena_array(d->arena, relation->column_count, sizeof *key);

    if (key == NULL)
        return too_big(d);
    relation->key = key;
    relation->key_count = 0;
    relation->key_is_primary = false;
    if (key_from_indexes(d, relation, key))
        return true;
    if (former == NULL || (complete && !is_told_by_flags(relation))) {
        key_from_identity(relation, key);
        return true;
    }
    memcpy(key, former->key, former->key_count * sizeof *key);
    relation->key_count = former->key_count;
    relation->key_is_primary = former->key_is_primary;
    return true;
}

/* ---- relations ---- */

static bool describe_one(struct describing *d, struct relation *relation,
                         const struct relation *replaced)
{
    const struct relation *former = NULL;
    bool complete = false;

    if (replaced != NULL && replaced->described && relation_same_wire(replaced, relation))
        former = replaced;
    if (!describe_columns(d, relation, former, &complete) ||
        !describe_key(d, relation, former, complete))
        return error_wrap(d->err, "table %.*s.%.*s", SLICE_ARGS(relation->schema),
                          SLICE_ARGS(relation->name));
    relation->ignored =
        !pg_selection_wants_table(d->catalog->selection, relation->schema, relation->name);
    relation->described = true;
    return true;
}

static bool needs_asking(const struct pg_catalog *catalog, uint32_t oid)
{
    for (const struct known_type *k = catalog->chains[oid % PG_TYPE_CHAINS]; k; k = k->next)
        if (k->type.oid == oid)
            return has_labels(&k->type);
    return true;
}

/* Appends to "{1,2,3}", a text parameter in the making. */
static void add_oid(struct buf *list, uint32_t oid)
{
    buf_printf(list, "%s%lu", list->len == 0 ? "{" : ",", (unsigned long)oid);
}

static void write_oids(const struct pg_catalog *catalog, struct relation *const *relations,
                       size_t count, struct buf *tables, struct buf *types)
{
    for (size_t i = 0; i < count; i++) {
        add_oid(tables, relations[i]->oid);
        for (uint16_t j = 0; j < relations[i]->column_count; j++)
            if (needs_asking(catalog, relations[i]->columns[j].type_oid))
                add_oid(types, relations[i]->columns[j].type_oid);
    }
}

/* A table that is being dropped can fail the query ("cache lookup failed"); asked again, the server
 * sees it gone. */
static PGresult *ask(struct pg_catalog *catalog, const char *sql, struct buf *oids,
                     struct error *err)
{
    PGresult *rows = NULL;

    buf_append(oids, "}", 2);
    if (oids->failed) {
        (void)error_set(err, ERROR_SYSTEM, "no memory to ask for the description of tables");
        return NULL;
    }
    for (int attempt = 0; rows == NULL && attempt < 3; attempt++) {
        const char *value = (const char *)oids->at;
        struct error failure = {0};

        rows = pg_query_params(catalog->conn, catalog->options->query_timeout_ms, &failure, sql, 1,
                               &value);
        if (rows == NULL && (failure.kind != ERROR_CONFIG || attempt == 2)) {
            *err = failure;
            return NULL;
        }
    }
    return rows;
}

/* Fills in d->rows and d->types. */
static bool ask_all(struct describing *d, struct relation *const *relations, size_t count)
{
    struct buf tables, types;

    buf_init(&tables, OIDS_LIMIT_BYTES);
    buf_init(&types, OIDS_LIMIT_BYTES);
    write_oids(d->catalog, relations, count, &tables, &types);
    d->rows = ask(d->catalog, tables_sql, &tables, d->err);
    if (d->rows != NULL && types.len > 0)
        d->types = ask(d->catalog, types_sql, &types, d->err);
    buf_done(&tables);
    buf_done(&types);
    return d->err->kind == ERROR_NONE;
}

static bool describe_some(struct pg_catalog *catalog, struct relation *const *relations,
                          size_t count, struct arena *arena, const struct relation *replaced,
                          struct error *err)
{
    struct describing d = {.catalog = catalog, .arena = arena, .err = err};
    bool ok = ask_all(&d, relations, count);

    for (size_t i = 0; ok && i < count; i++)
        ok = describe_one(&d, relations[i], replaced);
    PQclear(d.rows);
    PQclear(d.types);
    return ok;
}

bool pg_catalog_apply(struct pg_catalog *catalog, const struct pg_answers *answers,
                      struct relation *relation, struct arena *arena,
                      const struct relation *replaced, struct error *err)
{
    struct describing d = {.catalog = catalog,
                           .rows = answers->tables,
                           .types = answers->types,
                           .arena = arena,
                           .err = err};

    return describe_one(&d, relation, replaced);
}

bool pg_catalog_describe(struct pg_catalog *catalog, struct relation *relation, struct arena *arena,
                         const struct relation *replaced, struct error *err)
{
    return describe_some(catalog, &relation, 1, arena, replaced, err);
}

bool pg_catalog_describe_all(struct pg_catalog *catalog, struct relation *const *relations,
                             size_t count, struct arena *arena, struct error *err)
{
    for (size_t done = 0, now; done < count; done += now) {
        now = count - done < TABLES_AT_ONCE ? count - done : TABLES_AT_ONCE;
        if (!describe_some(catalog, relations + done, now, arena, NULL, err))
            return false;
    }
    return true;
}
