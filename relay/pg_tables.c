#include <stdio.h>
#include <stdlib.h>

#include "relay/pg_catalog_private.h"

#define SQL_BYTES 4096

/* One row for each published column, the table's own values repeated.  The identity flag is what
 * the stream would say: the columns of the primary key or of the chosen index, or all.  Generated
 * columns are never in the stream before 18, although 15 lists them among the published names. */
static const char tables_sql[] =
    "WITH t AS MATERIALIZED ("
    " SELECT c.oid, n.nspname, c.relname, c.relkind, c.relreplident, %s AS filter, %s AS names,"
    "  coalesce(pg_catalog.pg_relation_size(c.oid), 0)"
    "   / pg_catalog.current_setting('block_size')::int8 AS blocks,"
    "  CASE WHEN c.relpages = 0 AND c.reltuples = 0 THEN -1 ELSE c.reltuples END AS row_estimate"
    " FROM %s)"
    " SELECT t.oid, t.nspname, t.relname, t.relkind, t.relreplident, t.filter, t.blocks,"
    "  t.row_estimate, a.attname, a.atttypid, a.atttypmod,"
    "  t.relreplident = 'f' OR EXISTS (SELECT FROM pg_catalog.pg_index i"
    "   WHERE i.indrelid = t.oid AND i.indisvalid AND i.indimmediate"
    "   AND (t.relreplident = 'd' AND i.indisprimary OR t.relreplident = 'i' AND i.indisreplident)"
    "   AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))"
    " FROM t LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0"
    "  AND NOT a.attisdropped AND %s AND (t.names IS NULL OR a.attname = ANY (t.names))"
    " ORDER BY t.nspname, t.relname, t.oid, a.attnum";

static const char of_publication[] =
    "pg_catalog.pg_publication_tables p"
    " JOIN pg_catalog.pg_namespace n ON n.nspname = p.schemaname"
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename"
    " WHERE p.pubname = $1";

static const char by_oid[] =
    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_publication_tables p ON p.pubname = $1"
    "  AND p.schemaname = n.nspname AND p.tablename = c.relname"
    " WHERE c.oid = ANY ($2::pg_catalog.oid[])";

enum { OID, SCHEMA, NAME, KIND, IDENTITY, FILTER, BLOCKS, ESTIMATE, COLUMN, TYPE, TYPMOD, FLAG };

/* The answer, and where it goes. */
struct listing {
    const PGresult *rows;
    struct arena *arena;
    const struct pg_selection *selection;
    uint64_t *relation_ids;
    struct pg_table *tables;
};

static struct slice cell(const PGresult *rows, int row, int column)
{
    return slice_of(PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column));
}

static uint32_t cell_u32(const PGresult *rows, int row, int column)
{
    return (uint32_t)strtoul(PQgetvalue(rows, row, column), NULL, 10);
}

/* The first row behind those of the table that `row` belongs to. */
static int next_table(const PGresult *rows, int row)
{
    uint32_t oid = cell_u32(rows, row, OID);

    while (row < PQntuples(rows) && cell_u32(rows, row, OID) == oid)
        row++;
    return row;
}

static bool is_wanted(const struct listing *l, int row)
{
    return pg_selection_wants_table(l->selection, cell(l->rows, row, SCHEMA),
                                    cell(l->rows, row, NAME));
}

static size_t count_wanted(const struct listing *l)
{
    size_t count = 0;

    for (int row = 0; row < PQntuples(l->rows); row = next_table(l->rows, row))
        count += is_wanted(l, row);
    return count;
}

static bool read_column(const struct listing *l, int row, struct column *column)
{
    column->type_oid = cell_u32(l->rows, row, TYPE);
    column->typmod = (int32_t)strtol(PQgetvalue(l->rows, row, TYPMOD), NULL, 10);
    column->identity = PQgetvalue(l->rows, row, FLAG)[0] == 't';
    return arena_copy(l->arena, cell(l->rows, row, COLUMN), &column->name);
}

static bool read_relation(const struct listing *l, int row, int end, struct relation *relation)
{
    int count = PQgetisnull(l->rows, row, COLUMN) ? 0 : end - row;

    relation->oid = cell_u32(l->rows, row, OID);
    relation->identity = (enum replica_identity)PQgetvalue(l->rows, row, IDENTITY)[0];
    relation->column_count = (uint16_t)count;
    relation->columns = arena_array(l->arena, (size_t)count, sizeof *relation->columns);
    if (relation->columns == NULL ||
        !arena_copy(l->arena, cell(l->rows, row, SCHEMA), &relation->schema) ||
        !arena_copy(l->arena, cell(l->rows, row, NAME), &relation->name))
        return false;
    for (int i = 0; i < count; i++)
        if (!read_column(l, row + i, &relation->columns[i]))
            return false;
    relation->id = ++*l->relation_ids;
    return true;
}

static bool read_table(const struct listing *l, int row, int end, struct pg_table *table)
{
    table->relation = arena_array(l->arena, 1, sizeof *table->relation);
    table->partitioned_root = PQgetvalue(l->rows, row, KIND)[0] == 'p';
    table->block_count = cell_u32(l->rows, row, BLOCKS);
    table->row_estimate = strtod(PQgetvalue(l->rows, row, ESTIMATE), NULL);
    if (!PQgetisnull(l->rows, row, FILTER) &&
        !arena_copy(l->arena, cell(l->rows, row, FILTER), &table->row_filter))
        return false;
    return table->relation != NULL && read_relation(l, row, end, table->relation);
}

static bool read_tables(struct listing *l, size_t count)
{
    size_t at = 0;

    l->tables = arena_array(l->arena, count, sizeof *l->tables);
    if (l->tables == NULL)
        return false;
    for (int row = 0, end; row < PQntuples(l->rows); row = end) {
        end = next_table(l->rows, row);
        if (is_wanted(l, row) && !read_table(l, row, end, &l->tables[at++]))
            return false;
    }
    return true;
}

static bool describe_tables(struct pg_catalog *catalog, const struct listing *l, size_t count,
                            struct error *err)
{
    struct relation **relations = arena_array(l->arena, count, sizeof(struct relation *));

    if (relations == NULL)
        return error_set(err, ERROR_DATA, "the list of tables is longer than the limit");
    for (size_t i = 0; i < count; i++)
        relations[i] = l->tables[i].relation;
    return pg_catalog_describe_all(catalog, relations, count, l->arena, err);
}

/* `oids` is NULL: of the publication. */
static PGresult *ask(struct pg_conn *conn, const struct postgres_options *options, const char *oids,
                     struct error *err)
{
    const char *values[] = {options->publication, oids};
    bool has_lists = conn->server_version >= 150000; /* column lists and row filters */
    bool streams_generated = conn->server_version >= 180000;
    char sql[SQL_BYTES];

    (void)snprintf(sql, sizeof sql, tables_sql, has_lists ? "p.rowfilter" : "NULL::text",
                   has_lists ? "p.attnames" : "NULL::pg_catalog.name[]",
                   oids == NULL ? of_publication : by_oid,
                   streams_generated ? "(t.names IS NOT NULL OR a.attgenerated = '')"
                                     : "a.attgenerated = ''");
    return pg_query_params(conn, options->query_timeout_ms, err, sql, oids == NULL ? 1 : 2, values);
}

bool pg_catalog_tables_of(struct pg_catalog *catalog, const char *oids, uint64_t *relation_ids,
                          struct arena *arena, struct pg_table **out_tables, size_t *out_count,
                          struct error *err)
{
    PGresult *rows = ask(catalog->conn, catalog->options, oids, err);
    struct listing l = {.rows = rows,
                        .arena = arena,
                        .selection = catalog->selection,
                        .relation_ids = relation_ids};
    size_t count;
    bool ok;

    if (rows == NULL)
        return error_wrap(err, "listing the tables of publication \"%s\"",
                          catalog->options->publication);
    count = count_wanted(&l);
    ok = read_tables(&l, count) ||
         error_set(err, ERROR_DATA, "the list of %zu tables is longer than the limit", count);
    PQclear(rows);
    if (!ok || !describe_tables(catalog, &l, count, err))
        return false;
    *out_tables = l.tables;
    *out_count = count;
    return true;
}

bool pg_catalog_tables(struct pg_catalog *catalog, uint64_t *relation_ids, struct arena *arena,
                       struct pg_table **out_tables, size_t *out_count, struct error *err)
{
    return pg_catalog_tables_of(catalog, NULL, relation_ids, arena, out_tables, out_count, err);
}
