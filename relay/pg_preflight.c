#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/buf.h"
#include "relay/log.h"
#include "relay/pg_check.h"
#include "relay/pg_inventory.h"
#include "relay/pg_quote.h"

#define STATEMENT_LIMIT_BYTES ((size_t)16 << 20)
#define NAMES_SHOWN 5 /* of tables, in a message */

/* The checks as they go: the first failure becomes the error, every finding goes to `line`. */
struct checks {
    struct pg_conn *sql;
    const struct pg_facts *facts;
    const struct postgres_options *options;
    struct inventory inventory;
    char user[64];
    void (*line)(void *context, bool ok, const char *text); /* may be NULL */
    void *context;
    struct error *err;
};

static void say(struct checks *c, const char *text)
{
    if (c->line != NULL)
        c->line(c->context, true, text);
}

/* No failure, but the operator should know: in the report, or else in the log. */
static void warn(struct checks *c, const char *event, const char *what, const struct buf *names)
{
    char text[ERROR_TEXT_BYTES + LOG_QUOTE_BYTES];

    if (c->line == NULL) {
        (void)snprintf(text, sizeof text, "%.*s", SLICE_ARGS(buf_view(names)));
        log_line(LOG_WARN, event, "tables=%s (%s)", log_quote(text).text, what);
        return;
    }
    (void)snprintf(text, sizeof text, "warning: %s: %.*s", what, SLICE_ARGS(buf_view(names)));
    say(c, text);
}

/* Takes over a failure that was written to `failure`. */
static void refuse(struct checks *c, const struct error *failure)
{
    if (c->line != NULL)
        c->line(c->context, false, failure->text);
    if (c->err->kind == ERROR_NONE)
        *c->err = *failure;
}

/* ---- the server and the role ---- */

static const char server_sql[] =
    "SELECT pg_catalog.current_setting('wal_level'),"
    " r.rolreplication OR r.rolsuper, pg_catalog.current_setting('max_replication_slots')::int8"
    "  - (SELECT count(*) FROM pg_catalog.pg_replication_slots),"
    " pg_catalog.current_setting('max_replication_slots'),"
    " pg_catalog.current_setting('max_wal_senders'),"
    " (SELECT count(*) FROM pg_catalog.pg_stat_replication), r.rolname"
    " FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER";

enum { WAL_LEVEL, MAY_REPLICATE, FREE_SLOTS, MAX_SLOTS, MAX_SENDERS, SENDERS, USER };

static void check_wal_level(struct checks *c, const char *wal_level)
{
    struct error failure = {0};

    if (strcmp(wal_level, "logical") == 0) {
        say(c, "wal_level is logical");
        return;
    }
    (void)error_set(
        &failure, ERROR_CONFIG,
        "wal_level is %s, it must be logical: ALTER SYSTEM SET wal_level = logical; then "
        "restart the server",
        wal_level);
    refuse(c, &failure);
}

static void check_replication_right(struct checks *c, bool may_replicate)
{
    struct error failure = {0};
    char text[256];

    if (may_replicate) {
        (void)snprintf(text, sizeof text, "role \"%s\" has the REPLICATION right", c->user);
        say(c, text);
        return;
    }
    (void)error_set(&failure, ERROR_CONFIG,
                    "role \"%s\" must not replicate: ALTER ROLE \"%s\" REPLICATION", c->user,
                    c->user);
    refuse(c, &failure);
}

static void check_slots(struct checks *c, const PGresult *row)
{
    const char *maximum = PQgetvalue(row, 0, MAX_SLOTS);
    struct error failure = {0};
    char text[256];

    (void)snprintf(text, sizeof text,
                   "max_replication_slots %s, %s free; max_wal_senders %s, %s used", maximum,
                   PQgetvalue(row, 0, FREE_SLOTS), PQgetvalue(row, 0, MAX_SENDERS),
                   PQgetvalue(row, 0, SENDERS));
    if (c->facts->slot_exists || strtol(PQgetvalue(row, 0, FREE_SLOTS), NULL, 10) > 0) {
        say(c, text);
        return;
    }
    (void)error_set(&failure, ERROR_CONFIG,
                    "all %s replication slots are in use: drop one that nobody needs "
                    "(pg_replication_slots), or raise max_replication_slots and restart the server",
                    maximum);
    refuse(c, &failure);
}

/* False when the question could not be asked at all. */
static bool check_server(struct checks *c)
{
    struct error failure = {0};
    PGresult *row = pg_query(c->sql, c->options->query_timeout_ms, &failure, server_sql);

    if (row == NULL) {
        refuse(c, &failure);
        return false;
    }
    (void)snprintf(c->user, sizeof c->user, "%s", PQgetvalue(row, 0, USER));
    check_wal_level(c, PQgetvalue(row, 0, WAL_LEVEL));
    check_replication_right(c, PQgetvalue(row, 0, MAY_REPLICATE)[0] == 't');
    check_slots(c, row);
    PQclear(row);
    return true;
}

/* ---- tables ---- */

typedef bool table_test(const struct inventory *inventory, const struct inventory_table *table);

/* Appends the names of the tables that fail the test, at most NAMES_SHOWN, "and 7 more"; returns
 * how many there are. */
static size_t list_tables(const struct inventory *inventory, table_test *fails, struct buf *out)
{
    size_t count = 0;

    for (size_t i = 0; i < inventory->count; i++) {
        const struct inventory_table *table = &inventory->tables[i];

        if (!fails(inventory, table) || count++ >= NAMES_SHOWN)
            continue;
        if (count > 1)
            buf_text(out, ", ");
        inventory_write_name(out, table);
    }
    if (count > NAMES_SHOWN)
        buf_printf(out, " and %zu more", count - NAMES_SHOWN);
    return count;
}

static bool is_read(const struct inventory *inventory, const struct inventory_table *table)
{
    (void)inventory;
    return table->published && table->selected;
}

static bool lacks_select(const struct inventory *inventory, const struct inventory_table *table)
{
    return is_read(inventory, table) && !table->may_select;
}

static bool is_row_secured(const struct inventory *inventory, const struct inventory_table *table)
{
    return is_read(inventory, table) && table->row_security_active;
}

static bool lacks_key(const struct inventory *inventory, const struct inventory_table *table)
{
    return is_read(inventory, table) && !table->has_key;
}

static const struct inventory_table *first_table(const struct inventory *inventory,
                                                 table_test *fails)
{
    for (size_t i = 0; i < inventory->count; i++)
        if (fails(inventory, &inventory->tables[i]))
            return &inventory->tables[i];
    return NULL;
}

static void report_tables(struct checks *c, table_test *fails, enum error_kind kind, enum gap gap,
                          const char *what, const char *remedy)
{
    struct error failure = {0};
    struct buf names;

    buf_init(&names, ERROR_TEXT_BYTES);
    if (list_tables(&c->inventory, fails, &names) > 0) {
        (void)error_set(&failure, kind, "%s %.*s: %s", what, SLICE_ARGS(buf_view(&names)), remedy);
        failure.gap = gap;
        refuse(c, &failure);
    }
    buf_done(&names);
}

/* The first such table's exact statement stands for all. */
static void check_select(struct checks *c)
{
    const struct inventory_table *table = first_table(&c->inventory, lacks_select);
    struct buf remedy;

    if (table == NULL) {
        say(c, "every table can be read for the snapshot");
        return;
    }
    buf_init(&remedy, ERROR_TEXT_BYTES);
    buf_text(&remedy, "GRANT USAGE ON SCHEMA ");
    pg_quote_identifier(&remedy, table->schema);
    buf_text(&remedy, " TO ");
    pg_quote_identifier(&remedy, slice_text(c->user));
    buf_text(&remedy, "; GRANT SELECT ON ");
    inventory_write_name(&remedy, table);
    buf_text(&remedy, " TO ");
    pg_quote_identifier(&remedy, slice_text(c->user));
    buf_append(&remedy, "", 1);
    report_tables(c, lacks_select, ERROR_CONFIG, GAP_NONE, "no right to read, for the snapshot,",
                  remedy.failed ? "GRANT SELECT on them" : (const char *)remedy.at);
    buf_done(&remedy);
}

static void refuse_without_identity(struct checks *c, const struct inventory_table *first)
{
    struct buf remedy;

    buf_init(&remedy, ERROR_TEXT_BYTES);
    buf_text(&remedy, "the application's UPDATE and DELETE on it would fail once the publication "
                      "sends them; give it a primary key, or ALTER TABLE ");
    inventory_write_name(&remedy, first);
    buf_text(&remedy, " REPLICA IDENTITY FULL, or leave it out of tables.include");
    buf_append(&remedy, "", 1);
    report_tables(c, inventory_lacks_identity, ERROR_CONFIG, GAP_NONE,
                  "no usable replica identity:",
                  remedy.failed ? "give them a primary key" : (const char *)remedy.at);
    buf_done(&remedy);
}

static void warn_of_tables(struct checks *c, table_test *fails, const char *event, const char *what)
{
    struct buf names;

    buf_init(&names, ERROR_TEXT_BYTES);
    if (list_tables(&c->inventory, fails, &names) > 0)
        warn(c, event, what, &names);
    buf_done(&names);
}

/* The publication makes UPDATE and DELETE of a table without identity fail.  We do not make such a
 * publication; where there is one already, the inserts come, and refusing them would mend nothing.
 */
static void check_identity(struct checks *c)
{
    const struct inventory_table *first = first_table(&c->inventory, inventory_lacks_identity);

    if (first == NULL)
        say(c, "every table has a replica identity");
    else if (c->inventory.to_be_made)
        refuse_without_identity(c, first);
    else
        warn_of_tables(c, inventory_lacks_identity, "no_replica_identity",
                       "no usable replica identity, so the publication makes the application's "
                       "UPDATE and DELETE on them fail, and only inserts and truncates come");
}

/* Such records go to their topic without a key. */
static void warn_of_keyless(struct checks *c)
{
    warn_of_tables(c, lacks_key, "no_key",
                   "no primary key and no unique index over NOT NULL columns, so the records have "
                   "no key");
}

static void check_missing(struct checks *c)
{
    char remedy[256];

    if (c->options->tables_include.count == 0)
        return; /* whatever is published is meant */
    (void)snprintf(
        remedy, sizeof remedy,
        "add it (ALTER PUBLICATION \"%s\" ADD TABLE ...) or leave it out of tables.include; "
        "a partitioned table comes under the names of its partitions unless the "
        "publication has publish_via_partition_root",
        c->options->publication);
    report_tables(c, inventory_is_missing, ERROR_GAP, GAP_PUBLICATION_MISSING,
                  "tables.include names what the publication does not publish:", remedy);
}

static void check_tables(struct checks *c, bool will_copy)
{
    struct buf names;
    struct error failure = {0};
    size_t count;
    char text[128];

    buf_init(&names, ERROR_TEXT_BYTES);
    count = list_tables(&c->inventory, is_read, &names);
    buf_done(&names);
    check_missing(c);
    if (count == 0) {
        (void)error_set(&failure, ERROR_CONFIG,
                        "publication \"%s\" publishes no table that tables.include and "
                        "tables.exclude leave over",
                        c->options->publication);
        refuse(c, &failure);
        return;
    }
    (void)snprintf(text, sizeof text, "%zu tables are published and selected", count);
    say(c, text);
    check_identity(c);
    warn_of_keyless(c);
    if (!will_copy)
        return;
    check_select(c);
    report_tables(c, is_row_secured, ERROR_CONFIG, GAP_NONE,
                  "row level security would hide rows from the snapshot of",
                  "ALTER ROLE ... BYPASSRLS for the role that millrace uses");
}

/* ---- the publication ---- */

static void publication_missing(struct checks *c)
{
    struct error failure = {0};

    (void)error_gap(&failure, GAP_PUBLICATION_MISSING,
                    "publication \"%s\" does not exist in database \"%s\": create it there (CREATE "
                    "PUBLICATION ... FOR TABLE ...), or set publication.create to filtered",
                    c->options->publication, c->facts->database);
    refuse(c, &failure);
}

static bool check_publication(struct checks *c)
{
    char text[256];

    if (c->inventory.publication_exists) {
        (void)snprintf(text, sizeof text, "publication \"%s\" exists", c->options->publication);
    } else if (c->options->publication_create == PUBLICATION_FILTERED) {
        inventory_plan(&c->inventory, c->options->publication_via_root);
        (void)snprintf(text, sizeof text, "publication \"%s\" will be created",
                       c->options->publication);
    } else {
        publication_missing(c);
        return false;
    }
    say(c, text);
    return true;
}

static void check_published(struct checks *c, const struct pg_selection *selection, bool will_copy)
{
    struct error failure = {0};

    if (!inventory_load(&c->inventory, c->sql, c->options, selection, &failure))
        refuse(c, &failure);
    else if (check_publication(c))
        check_tables(c, will_copy);
}

bool pg_preflight_report(struct pg_conn *sql, const struct pg_facts *facts,
                         const struct postgres_options *options,
                         const struct pg_selection *selection, bool will_copy,
                         void (*line)(void *context, bool ok, const char *text), void *context,
                         struct error *err)
{
    struct checks c = {.sql = sql,
                       .facts = facts,
                       .options = options,
                       .line = line,
                       .context = context,
                       .err = err};

    /* Without anybody to tell it to, the first failure is enough. */
    if (check_server(&c) && (line != NULL || err->kind == ERROR_NONE))
        check_published(&c, selection, will_copy);
    inventory_done(&c.inventory);
    return err->kind == ERROR_NONE;
}

bool pg_preflight(struct pg_conn *sql, const struct pg_facts *facts,
                  const struct postgres_options *options, const struct pg_selection *selection,
                  bool will_copy, struct error *err)
{
    return pg_preflight_report(sql, facts, options, selection, will_copy, NULL, NULL, err);
}

static bool write_create(const struct inventory *inventory, const struct postgres_options *options,
                         struct buf *out)
{
    const char *before = " FOR TABLE ";

    buf_text(out, "CREATE PUBLICATION ");
    pg_quote_identifier(out, slice_text(options->publication));
    for (size_t i = 0; i < inventory->count; i++) {
        if (!inventory->tables[i].to_add)
            continue;
        buf_text(out, before);
        inventory_write_name(out, &inventory->tables[i]);
        before = ", ";
    }
    buf_printf(out, " WITH (publish = 'insert,update,delete,truncate'%s)",
               options->publication_via_root ? ", publish_via_partition_root = true" : "");
    buf_append(out, "", 1);
    return !out->failed;
}

static bool create(struct checks *c)
{
    struct buf sql;
    bool ok;

    buf_init(&sql, STATEMENT_LIMIT_BYTES);
    ok = write_create(&c->inventory, c->options, &sql)
             ? pg_execute(c->sql, c->options->query_timeout_ms, c->err, (const char *)sql.at)
             : error_set(c->err, ERROR_CONFIG, "too many tables for one statement");
    buf_done(&sql);
    return ok || error_wrap(c->err,
                            "creating publication \"%s\" (needs CREATE on the database and "
                            "ownership of every table; or let their owner create it)",
                            c->options->publication);
}

/* What would go wrong with the publication that is planned is refused before it is made. */
static bool plan_and_create(struct checks *c)
{
    inventory_plan(&c->inventory, c->options->publication_via_root);
    report_tables(c, inventory_is_missing, ERROR_CONFIG, GAP_NONE, "changes would not come for",
                  "it is partitioned, and its changes come under the names of its partitions: "
                  "include these, or set publication.via_root");
    if (c->err->kind == ERROR_NONE && first_table(&c->inventory, is_read) == NULL)
        return error_set(c->err, ERROR_CONFIG,
                         "no table of the database is left over by tables.include and "
                         "tables.exclude");
    check_identity(c);
    return c->err->kind == ERROR_NONE && create(c);
}

bool pg_publication_ensure(struct pg_conn *sql, const struct pg_facts *facts,
                           const struct postgres_options *options,
                           const struct pg_selection *selection, struct error *err)
{
    struct checks c = {.sql = sql, .facts = facts, .options = options, .err = err};
    bool ok;

    ok = inventory_load(&c.inventory, sql, options, selection, err);
    if (ok && !c.inventory.publication_exists) {
        if (options->publication_create == PUBLICATION_FILTERED)
            ok = plan_and_create(&c);
        else
            publication_missing(&c);
    } else if (ok && options->publication_create == PUBLICATION_FILTERED) {
        report_tables(&c, inventory_is_missing, ERROR_GAP, GAP_PUBLICATION_MISSING,
                      "the publication exists, but does not publish",
                      "millrace never alters it; ALTER PUBLICATION ... ADD TABLE, or narrow "
                      "tables.include");
    }
    inventory_done(&c.inventory);
    return ok && err->kind == ERROR_NONE;
}
