#include "relay/pg_inventory.h"

#include <stdlib.h>

#include "millrace/mem.h"
#include "relay/pg_quote.h"

/* Rows of tables as pgoutput can publish them (no temporary, unlogged, system or foreign ones). */
static const char tables_sql[] =
    "SELECT c.oid, n.nspname, c.relname, c.relkind, coalesce(h.inhparent, 0),"
    " pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
    "  AND pg_catalog.has_table_privilege(c.oid, 'SELECT'),"
    " pg_catalog.row_security_active(c.oid),"
    " EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisvalid"
    "  AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL"
    "  AND (i.indisprimary OR i.indimmediate AND NOT EXISTS ("
    "   SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attnotnull"
    "   AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])))),"
    " c.relreplident = 'f' OR EXISTS (SELECT FROM pg_catalog.pg_index i"
    "  WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate"
    "  AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)),"
    " p.tablename IS NOT NULL"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid AND c.relispartition"
    " LEFT JOIN pg_catalog.pg_publication_tables p ON p.pubname = $1"
    "  AND p.schemaname = n.nspname AND p.tablename = c.relname"
    " WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= 16384"
    " AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
    " ORDER BY c.oid";

enum { OID, SCHEMA, NAME, KIND, PARENT, MAY_SELECT, ROW_SECURITY, KEY, IDENTITY, PUBLISHED };

static const char publication_sql[] =
    "SELECT pubviaroot, pubupdate OR pubdelete FROM pg_catalog.pg_publication WHERE pubname = $1";

static bool cell_true(const PGresult *rows, int row, int column)
{
    return PQgetvalue(rows, row, column)[0] == 't';
}

static struct slice cell(const PGresult *rows, int row, int column)
{
    return slice_of(PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column));
}

static uint32_t cell_oid(const PGresult *rows, int row, int column)
{
    return (uint32_t)strtoul(PQgetvalue(rows, row, column), NULL, 10);
}

static void read_table(const PGresult *rows, int row, const struct pg_selection *selection,
                       struct inventory_table *table)
{
    table->oid = cell_oid(rows, row, OID);
    table->schema = cell(rows, row, SCHEMA);
    table->name = cell(rows, row, NAME);
    table->partitioned = PQgetvalue(rows, row, KIND)[0] == 'p';
    table->may_select = cell_true(rows, row, MAY_SELECT);
    table->row_security_active = cell_true(rows, row, ROW_SECURITY);
    table->has_key = cell_true(rows, row, KEY);
    table->has_identity = cell_true(rows, row, IDENTITY);
    table->published = cell_true(rows, row, PUBLISHED);
    table->selected = pg_selection_wants_table(selection, table->schema, table->name);
}

static int compare_oid(const void *key, const void *table)
{
    uint32_t oid = *(const uint32_t *)key, its = ((const struct inventory_table *)table)->oid;

    return oid < its ? -1 : oid > its;
}

static void link_parents(struct inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        uint32_t oid = cell_oid(inventory->rows, (int)i, PARENT);
        struct inventory_table *parent = bsearch(&oid, inventory->tables, inventory->count,
                                                 sizeof *inventory->tables, compare_oid);

        if (parent == NULL)
            continue;
        inventory->tables[i].parent = parent;
        parent->has_children = true;
    }
}

static bool load_publication(struct inventory *inventory, struct pg_conn *sql,
                             const struct postgres_options *options, struct error *err)
{
    PGresult *result = pg_query_params(sql, options->query_timeout_ms, err, publication_sql, 1,
                                       &options->publication);

    if (result == NULL)
        return false;
    inventory->publication_exists = PQntuples(result) == 1;
    if (inventory->publication_exists) {
        inventory->via_root = cell_true(result, 0, 0);
        inventory->publishes_changes = cell_true(result, 0, 1);
    }
    PQclear(result);
    return true;
}

bool inventory_load(struct inventory *inventory, struct pg_conn *sql,
                    const struct postgres_options *options, const struct pg_selection *selection,
                    struct error *err)
{
    *inventory = (struct inventory){0};
    if (!load_publication(inventory, sql, options, err))
        return error_wrap(err, "reading the publication");
    inventory->rows =
        pg_query_params(sql, options->query_timeout_ms, err, tables_sql, 1, &options->publication);
    if (inventory->rows == NULL)
        return error_wrap(err, "reading the list of tables");
    inventory->count = (size_t)PQntuples(inventory->rows);
    inventory->tables = mem_zero(inventory->count + 1, sizeof *inventory->tables);
    for (size_t i = 0; i < inventory->count; i++)
        read_table(inventory->rows, (int)i, selection, &inventory->tables[i]);
    link_parents(inventory);
    return true;
}

void inventory_done(struct inventory *inventory)
{
    PQclear(inventory->rows);
    free(inventory->tables);
    *inventory = (struct inventory){0};
}

/* The nearest table above that the publication to be made names. */
static const struct inventory_table *added_above(const struct inventory_table *table)
{
    const struct inventory_table *above = table->parent;

    while (above != NULL && !above->selected)
        above = above->parent;
    return above;
}

void inventory_plan(struct inventory *inventory, bool via_root)
{
    inventory->publication_exists = inventory->to_be_made = true;
    inventory->via_root = via_root;
    inventory->publishes_changes = true;
    for (size_t i = 0; i < inventory->count; i++) {
        struct inventory_table *table = &inventory->tables[i];
        bool covered = added_above(table) != NULL;

        table->to_add = table->selected && !covered;
        table->published =
            via_root ? table->to_add : !table->partitioned && (table->selected || covered);
    }
}

/* The name under which its changes come; NULL: they do not. */
static const struct inventory_table *published_as(const struct inventory_table *table)
{
    while (table != NULL && !table->published)
        table = table->parent;
    return table;
}

static bool is_below(const struct inventory_table *table, const struct inventory_table *above)
{
    while (table != NULL && table != above)
        table = table->parent;
    return table != NULL;
}

/* Is something below a partitioned table published under a name that is selected? */
static bool comes_by_partitions(const struct inventory *inventory,
                                const struct inventory_table *above)
{
    if (!above->has_children)
        return true; /* nothing that could change */
    for (size_t i = 0; i < inventory->count; i++) {
        const struct inventory_table *table = &inventory->tables[i];

        if (table != above && table->published && table->selected && is_below(table, above))
            return true;
    }
    return false;
}

bool inventory_is_missing(const struct inventory *inventory, const struct inventory_table *table)
{
    const struct inventory_table *as = published_as(table);

    if (!table->selected)
        return false;
    if (as != NULL)
        return !as->selected;
    return !table->partitioned || !comes_by_partitions(inventory, table);
}

bool inventory_lacks_identity(const struct inventory *inventory,
                              const struct inventory_table *table)
{
    const struct inventory_table *as = published_as(table);

    return inventory->publishes_changes && !table->partitioned && !table->has_identity &&
           as != NULL && as->selected;
}

void inventory_write_name(struct buf *out, const struct inventory_table *table)
{
    pg_quote_table(out, table->schema, table->name);
}
