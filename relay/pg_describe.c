#include "relay/pg_describe.h"

#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"
#include "relay/pg_catalog.h"
#include "relay/pg_conn.h"
#include "relay/pg_inventory.h"

#define DESCRIPTION_BYTES ((size_t)512 << 20)
#define OIDS_BYTES ((size_t)16 << 20)

/* What the description's relations point into: lives as long as it does. */
struct pg_describing {
    const struct postgres_options *options;
    struct description *out;
    struct pg_conn sql;
    struct pg_selection *selection;
    struct pg_catalog *catalog;
    struct inventory inventory;
    struct buf oids; /* of out->tables, "{1,2}", with a NUL behind it */
    uint64_t relation_ids;
    struct error *err;
};

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

static bool too_large(const struct pg_describing *d)
{
    return error_set(d->err, ERROR_CONFIG,
                     "the description of the tables is too large: name fewer");
}

/* NULL stays NULL. */
static bool keep(const struct pg_describing *d, struct slice text, struct slice *out)
{
    *out = (struct slice){NULL, 0};
    return text.at == NULL || arena_copy(&d->out->arena, text, out) || too_large(d);
}

static bool keep_name(const struct pg_describing *d, struct slice schema, struct slice table,
                      struct slice *out)
{
    size_t len = schema.len + 1 + table.len;
    uint8_t *text = arena_alloc(&d->out->arena, len);

    if (text == NULL)
        return too_large(d);
    memcpy(text, schema.at, schema.len);
    text[schema.len] = '.';
    memcpy(text + schema.len + 1, table.at, table.len);
    *out = slice_of(text, len);
    return true;
}

/* ---- the publication ---- */

static const char publication_sql[] =
    "SELECT pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_catalog.pg_publication"
    " WHERE pubname = $1";

static bool describe_publication(struct pg_describing *d)
{
    struct description *out = d->out;
    PGresult *rows = pg_query_params(&d->sql, d->options->query_timeout_ms, d->err, publication_sql,
                                     1, &d->options->publication);

    if (rows == NULL)
        return error_wrap(d->err, "reading the publication");
    out->publication_exists = PQntuples(rows) == 1;
    out->publishes_insert = !out->publication_exists || cell_true(rows, 0, 0);
    out->publishes_update = !out->publication_exists || cell_true(rows, 0, 1);
    out->publishes_delete = !out->publication_exists || cell_true(rows, 0, 2);
    out->publishes_truncate = !out->publication_exists || cell_true(rows, 0, 3);
    PQclear(rows);
    if (!out->publication_exists)
        inventory_plan(&d->inventory, d->options->publication_via_root);
    out->via_root = d->inventory.via_root;
    return true;
}

/* ---- which tables ---- */

static void add_oid(struct buf *list, uint32_t oid)
{
    buf_printf(list, "%s%lu", list->len == 0 ? "{" : ",", (unsigned long)oid);
}

static bool choose_tables(struct pg_describing *d, bool captured)
{
    for (size_t i = 0; i < d->inventory.count; i++) {
        const struct inventory_table *table = &d->inventory.tables[i];

        if (table->selected && (!captured || table->published))
            add_oid(&d->oids, table->oid);
    }
    if (d->oids.len == 0)
        buf_byte(&d->oids, '{');
    buf_append(&d->oids, "}", 2);
    return !d->oids.failed || too_large(d);
}

static const char *why_not(const struct inventory *inventory, const struct inventory_table *table)
{
    if (inventory_is_missing(inventory, table))
        return "the publication does not publish it";
    if (table->partitioned)
        return "partitioned: its changes come under the names of its partitions";
    return "a partition: its changes come under the name of a table above it";
}

static bool add_other(struct pg_describing *d, struct slice name, const char *why)
{
    d->out->others[d->out->other_count++] = (struct described_other){name, why};
    return true;
}

/* Names of what can be published, and what of that is selected and not captured. */
static bool list_inventory(struct pg_describing *d, bool captured)
{
    struct description *out = d->out;

    for (size_t i = 0; i < d->inventory.count; i++) {
        const struct inventory_table *table = &d->inventory.tables[i];
        struct slice *name = &out->names[out->name_count];

        if (!keep_name(d, table->schema, table->name, name))
            return false;
        out->name_count++;
        if (captured && table->selected && !table->published &&
            d->options->tables_include.count > 0)
            (void)add_other(d, *name, why_not(&d->inventory, table));
    }
    return true;
}

/* What no publication can hold. */
static const char others_sql[] =
    "SELECT n.nspname, c.relname, c.relkind, c.relpersistence FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid >= 16384"
    " AND (c.relkind NOT IN ('r', 'p') OR c.relpersistence <> 'p')"
    " AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY 1, 2";

enum { O_SCHEMA, O_NAME, O_KIND, O_PERSISTENCE };

static const char *why_never(char kind)
{
    switch (kind) {
    case 'v':
        return "a view: PostgreSQL logs no changes of it";
    case 'm':
        return "a materialized view: PostgreSQL publishes no changes of it";
    case 'f':
        return "a foreign table: its changes are another server's";
    default:
        return "unlogged: PostgreSQL writes no WAL for it";
    }
}

static bool list_others(struct pg_describing *d, const PGresult *rows, bool captured)
{
    struct description *out = d->out;

    for (int row = 0; row < PQntuples(rows); row++) {
        struct slice schema = cell(rows, row, O_SCHEMA), name = cell(rows, row, O_NAME);
        char kind = PQgetvalue(rows, row, O_KIND)[0];
        bool meant = d->options->tables_include.count > 0 || kind == 'r' || kind == 'p';

        if (!keep_name(d, schema, name, &out->names[out->name_count]))
            return false;
        out->name_count++;
        if (captured && meant && pg_selection_wants_table(d->selection, schema, name))
            (void)add_other(d, out->names[out->name_count - 1], why_never(kind));
    }
    return true;
}

static bool list_all(struct pg_describing *d, bool captured)
{
    struct description *out = d->out;
    PGresult *rows =
        pg_query_params(&d->sql, d->options->query_timeout_ms, d->err, others_sql, 0, NULL);
    size_t most;
    bool ok;

    if (rows == NULL)
        return error_wrap(d->err, "listing views and unlogged tables");
    most = d->inventory.count + (size_t)PQntuples(rows);
    out->names = arena_array(&out->arena, most, sizeof *out->names);
    out->others = arena_array(&out->arena, most, sizeof *out->others);
    ok = out->names == NULL || out->others == NULL
             ? too_large(d)
             : list_inventory(d, captured) && list_others(d, rows, captured);
    PQclear(rows);
    return ok;
}

/* ---- tables ---- */

static const char facts_sql[] =
    "SELECT c.oid, x.relname,"
    " (SELECT pg_catalog.string_agg(n.nspname || '.' || p.relname, ', ' ORDER BY h.inhseqno)"
    "  FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class p ON p.oid = h.inhparent"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace WHERE h.inhrelid = c.oid),"
    " c.relispartition,"
    " EXISTS (SELECT FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class k ON k.oid = h.inhrelid"
    "  WHERE h.inhparent = c.oid AND NOT k.relispartition)"
    " FROM pg_catalog.pg_class c"
    " LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisreplident"
    "  AND c.relreplident = 'i'"
    " LEFT JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
    " WHERE c.oid = ANY ($1::pg_catalog.oid[]) ORDER BY c.oid";

enum { F_OID, F_INDEX, F_PARENTS, F_PARTITION, F_HEIRS };

/* Storage 'p' is never apart.  A table without a TOAST table has no row that could need one. */
static const char columns_sql[] =
    "SELECT a.attrelid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),"
    " a.attgenerated <> '', a.attlen = -1 AND a.attstorage IN ('x', 'e')"
    "  AND (c.reltoastrelid <> 0 OR c.relkind = 'p')"
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
    " WHERE a.attrelid = ANY ($1::pg_catalog.oid[]) AND a.attnum > 0 AND NOT a.attisdropped"
    " ORDER BY a.attrelid, a.attnum";

enum { C_OID, C_NAME, C_TYPE, C_GENERATED, C_LARGE };

/* In the order in which pg_catalog looks for a key; \1 is in no name. */
static const char indexes_sql[] =
    "SELECT i.indrelid, x.relname,"
    " (SELECT pg_catalog.string_agg(a.attname, E'\\001' ORDER BY k.place)"
    "  FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
    "  WHERE k.place <= i.indnkeyatts)"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
    " WHERE i.indrelid = ANY ($1::pg_catalog.oid[]) AND i.indisunique AND i.indisvalid"
    "  AND i.indpred IS NULL AND i.indexprs IS NULL"
    " ORDER BY i.indrelid,"
    "  CASE WHEN i.indisprimary THEN 0 WHEN i.indisreplident THEN 1 ELSE 2 END, i.indexrelid";

enum { I_OID, I_NAME, I_COLUMNS };

/* The first row of a table in an answer that is ordered by it; the number of rows when there is
 * none. */
static int first_row(const PGresult *rows, uint32_t oid)
{
    int low = 0, high = PQntuples(rows);

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (cell_oid(rows, middle, 0) < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < PQntuples(rows) && cell_oid(rows, low, 0) == oid ? low : PQntuples(rows);
}

static bool is_of(const PGresult *rows, int row, uint32_t oid)
{
    return row < PQntuples(rows) && cell_oid(rows, row, 0) == oid;
}

static bool describe_columns(struct pg_describing *d, const PGresult *rows,
                             struct described_table *table)
{
    uint32_t oid = table->relation->oid;
    int first = first_row(rows, oid), end = first;

    while (is_of(rows, end, oid))
        end++;
    table->columns = arena_array(&d->out->arena, (size_t)(end - first), sizeof *table->columns);
    if (table->columns == NULL)
        return too_large(d);
    for (int row = first; row < end; row++) {
        struct described_column *column = &table->columns[table->column_count++];

        column->generated = cell_true(rows, row, C_GENERATED);
        column->large = cell_true(rows, row, C_LARGE);
        if (!keep(d, cell(rows, row, C_NAME), &column->name) ||
            !keep(d, cell(rows, row, C_TYPE), &column->type))
            return false;
    }
    return true;
}

/* Are these, with \1 between them, the columns of the relation's key? */
static bool names_key(const struct relation *relation, struct slice names)
{
    size_t at = 0;

    for (uint16_t i = 0; i < relation->key_count; i++) {
        struct slice name = relation->columns[relation->key[i]].name;

        if (i > 0 && (at >= names.len || names.at[at++] != 1))
            return false;
        if (names.len - at < name.len || memcmp(names.at + at, name.at, name.len) != 0)
            return false;
        at += name.len;
    }
    return relation->key_count > 0 && at == names.len;
}

static bool find_key_index(struct pg_describing *d, const PGresult *rows,
                           struct described_table *table)
{
    uint32_t oid = table->relation->oid;

    for (int row = first_row(rows, oid); is_of(rows, row, oid); row++)
        if (names_key(table->relation, cell(rows, row, I_COLUMNS)))
            return keep(d, cell(rows, row, I_NAME), &table->key_index);
    return true;
}

static bool describe_facts(struct pg_describing *d, const PGresult *rows,
                           struct described_table *table)
{
    int row = first_row(rows, table->relation->oid);

    if (row == PQntuples(rows))
        return true; /* dropped meanwhile */
    table->has_heirs = cell_true(rows, row, F_HEIRS);
    return keep(d, cell(rows, row, F_INDEX), &table->identity_index) &&
           keep(d, cell(rows, row, F_PARENTS),
                cell_true(rows, row, F_PARTITION) ? &table->partition_of : &table->inherits);
}

static void take_inventory(const struct pg_describing *d, struct described_table *table)
{
    for (size_t i = 0; i < d->inventory.count; i++) {
        const struct inventory_table *its = &d->inventory.tables[i];

        if (its->oid != table->relation->oid)
            continue;
        table->may_select = its->may_select;
        table->row_security = its->row_security_active;
        table->lacks_identity =
            !its->partitioned && !its->has_identity && d->inventory.publishes_changes;
    }
}

/* A partitioned table stands for its partitions, where the rows are. */
static void take_partitions(const struct pg_describing *d, struct described_table *table)
{
    for (size_t i = 0; table->partitioned && i < d->inventory.count; i++) {
        const struct inventory_table *its = &d->inventory.tables[i], *above = its->parent;

        while (above != NULL && above->oid != table->relation->oid)
            above = above->parent;
        if (above != NULL && inventory_lacks_identity(&d->inventory, its))
            table->lacks_identity = true;
    }
}

static bool describe_each(struct pg_describing *d, const PGresult *facts, const PGresult *columns,
                          const PGresult *indexes)
{
    for (size_t i = 0; i < d->out->table_count; i++) {
        struct described_table *table = &d->out->tables[i];

        take_inventory(d, table);
        take_partitions(d, table);
        if (!describe_facts(d, facts, table) || !describe_columns(d, columns, table) ||
            !find_key_index(d, indexes, table))
            return false;
    }
    return true;
}

static bool describe_relations(struct pg_describing *d)
{
    struct description *out = d->out;
    struct pg_table *tables;

    if (!pg_catalog_tables_of(d->catalog, (const char *)d->oids.at, &d->relation_ids, &out->arena,
                              &tables, &out->table_count, d->err))
        return false;
    out->tables = arena_array(&out->arena, out->table_count, sizeof *out->tables);
    if (out->tables == NULL)
        return too_large(d);
    for (size_t i = 0; i < out->table_count; i++)
        out->tables[i] = (struct described_table){.relation = tables[i].relation,
                                                  .partitioned = tables[i].partitioned_root,
                                                  .row_filter = tables[i].row_filter};
    return true;
}

static PGresult *ask(struct pg_describing *d, const char *sql)
{
    const char *oids = (const char *)d->oids.at;

    if (d->err->kind != ERROR_NONE)
        return NULL;
    return pg_query_params(&d->sql, d->options->query_timeout_ms, d->err, sql, 1, &oids);
}

static bool describe_tables(struct pg_describing *d)
{
    PGresult *facts, *columns, *indexes;
    bool ok;

    if (!describe_relations(d))
        return false;
    facts = ask(d, facts_sql);
    columns = ask(d, columns_sql);
    indexes = ask(d, indexes_sql);
    ok = d->err->kind == ERROR_NONE && describe_each(d, facts, columns, indexes);
    PQclear(facts);
    PQclear(columns);
    PQclear(indexes);
    return ok || error_wrap(d->err, "describing the tables");
}

static bool describe(const struct postgres_options *options, int stop_fd, bool captured,
                     struct description *out, struct error *err)
{
    struct pg_describing *d = mem_new(struct pg_describing);

    *out = (struct description){.work = d};
    arena_init(&out->arena, DESCRIPTION_BYTES);
    buf_init(&d->oids, OIDS_BYTES);
    d->options = options;
    d->out = out;
    d->err = err;
    d->selection = pg_selection_create(options, err);
    if (d->selection == NULL || !pg_conn_open(&d->sql, options, PG_CONN_SQL, stop_fd, err))
        return false;
    d->catalog = pg_catalog_create(&d->sql, options, d->selection);
    return keep(d, slice_text(PQdb(d->sql.link)), &out->database) &&
           inventory_load(&d->inventory, &d->sql, options, d->selection, err) &&
           describe_publication(d) && list_all(d, captured) && choose_tables(d, captured) &&
           describe_tables(d);
}

bool postgres_describe(const struct postgres_options *options, int stop_fd, struct description *out,
                       struct error *err)
{
    return describe(options, stop_fd, true, out, err);
}

bool postgres_describe_tables(const struct postgres_options *options, int stop_fd,
                              struct description *out, struct error *err)
{
    return describe(options, stop_fd, false, out, err);
}

void postgres_describe_done(struct description *out)
{
    struct pg_describing *d = out->work;

    if (d != NULL) {
        buf_done(&d->oids);
        inventory_done(&d->inventory);
        pg_catalog_destroy(d->catalog);
        pg_selection_destroy(d->selection);
        pg_conn_close(&d->sql);
        free(d);
    }
    arena_done(&out->arena);
    *out = (struct description){0};
}
