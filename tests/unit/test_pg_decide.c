/* The start decision: every row of the matrix, and the history of timelines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/pg_check.h"

#define SYSTEM 7000000000000000001u
#define STORED 0x2000000u

/* A primary that goes on with slot "orders" at the stored position; each row changes something of
 * it. */
struct world {
    struct pg_facts facts;
    struct postgres_options options;
    struct position stored;
};

static struct world healthy(void)
{
    struct world w = {
        .facts = {.server_version = 150000,
                  .system_id = SYSTEM,
                  .timeline = 3,
                  .wal_lsn = 0x3000000,
                  .database = "app",
                  .slot_exists = true,
                  .slot_logical = true,
                  .slot_plugin = "pgoutput",
                  .slot_database = "app",
                  .slot_wal_status = "reserved",
                  .slot_restart_lsn = 0x1000000,
                  .slot_confirmed_lsn = STORED,
                  .publication_exists = true,
                  .timeline_known = true},
        .options = {.slot = "orders", .slot_create = true, .publication = "orders_pub"},
        .stored = {.known = true,
                   .system_id = SYSTEM,
                   .timeline = 3,
                   .slot = "orders",
                   .database = "app",
                   .end_lsn = STORED,
                   .snapshot = SNAPSHOT_DONE}};

    return w;
}

static void nothing_stored(struct world *w)
{
    w->stored = (struct position){.known = false};
}

static void no_slot(struct world *w)
{
    w->facts.slot_exists = false;
    w->facts.slot_logical = false;
    w->facts.slot_plugin[0] = '\0';
    w->facts.slot_database[0] = '\0';
    w->facts.slot_wal_status[0] = '\0';
    w->facts.slot_restart_lsn = 0;
    w->facts.slot_confirmed_lsn = 0;
}

static void first_start(struct world *w)
{
    nothing_stored(w);
    no_slot(w);
}

static void adopting(struct world *w)
{
    nothing_stored(w);
    w->options.slot_adopt = true;
}

static void unchanged(struct world *w)
{
    (void)w;
}

static void in_recovery(struct world *w)
{
    w->facts.in_recovery = true;
}

static void first_without_snapshot(struct world *w)
{
    first_start(w);
    w->options.snapshot_mode = SNAPSHOT_NEVER;
}

static void first_snapshot_only(struct world *w)
{
    first_start(w);
    w->options.snapshot_mode = SNAPSHOT_ONLY;
}

static void first_no_publication(struct world *w)
{
    first_start(w);
    w->facts.publication_exists = false;
}

static void first_publication_made(struct world *w)
{
    first_no_publication(w);
    w->options.publication_create = PUBLICATION_FILTERED;
}

static void first_slot_not_made(struct world *w)
{
    first_start(w);
    w->options.slot_create = false;
}

static void adopt_foreign(struct world *w)
{
    adopting(w);
    strcpy(w->facts.slot_plugin, "wal2json");
}

static void adopt_lost(struct world *w)
{
    adopting(w);
    strcpy(w->facts.slot_wal_status, "lost");
}

static void adopt_active(struct world *w)
{
    adopting(w);
    w->facts.slot_active = true;
}

static void adopt_no_publication(struct world *w)
{
    adopting(w);
    w->facts.publication_exists = false;
    w->options.publication_create = PUBLICATION_FILTERED;
}

static void slot_of_whom_active(struct world *w)
{
    nothing_stored(w);
    w->facts.slot_active = true;
}

static void crashed_in_snapshot(struct world *w)
{
    w->stored.snapshot = SNAPSHOT_RUNNING;
}

static void slot_behind(struct world *w)
{
    w->facts.slot_confirmed_lsn = STORED - 1;
}

static void slot_ahead(struct world *w)
{
    w->facts.slot_confirmed_lsn = STORED + 1;
}

static void slot_ahead_and_active(struct world *w)
{
    slot_ahead(w);
    w->facts.slot_active = true;
}

static void slot_active(struct world *w)
{
    w->facts.slot_active = true;
    w->facts.slot_active_pid = 4711;
}

static void slot_physical(struct world *w)
{
    w->facts.slot_logical = false;
}

static void slot_other_plugin(struct world *w)
{
    strcpy(w->facts.slot_plugin, "test_decoding");
}

static void slot_other_database(struct world *w)
{
    strcpy(w->facts.slot_database, "other");
}

static void slot_two_phase(struct world *w)
{
    w->facts.slot_two_phase = true;
}

static void slot_temporary(struct world *w)
{
    w->facts.slot_temporary = true;
}

static void slot_lost(struct world *w)
{
    strcpy(w->facts.slot_wal_status, "lost");
}

static void slot_invalidated(struct world *w)
{
    strcpy(w->facts.slot_wal_status, "unreserved");
    strcpy(w->facts.slot_invalidation, "idle_timeout");
}

static void publication_gone(struct world *w)
{
    w->facts.publication_exists = false;
    w->options.publication_create = PUBLICATION_FILTERED; /* too late for that */
}

static void other_cluster(struct world *w)
{
    w->facts.system_id++;
    no_slot(w); /* the cluster is the reason, the slot its consequence */
}

static void other_database(struct world *w)
{
    strcpy(w->stored.database, "elsewhere");
}

static void other_slot(struct world *w)
{
    strcpy(w->stored.slot, "former");
}

static void wal_ends_there(struct world *w)
{
    w->facts.wal_lsn = STORED;
}

static void wal_ends_before(struct world *w)
{
    w->facts.wal_lsn = STORED - 1;
}

static void promoted(struct world *w)
{
    w->stored.timeline = 2;
    w->facts.timeline_left_at = STORED;
}

static void promoted_too_early(struct world *w)
{
    w->stored.timeline = 2;
    w->facts.timeline_left_at = STORED - 1;
}

static void timeline_unknown(struct world *w)
{
    w->stored.timeline = 9;
    w->facts.timeline_known = false;
}

static void intended(struct world *w)
{
    w->stored.end_lsn = 0;
    w->stored.snapshot = SNAPSHOT_NONE;
}

static void intended_no_slot(struct world *w)
{
    intended(w);
    no_slot(w);
}

/* "create it and set slot.adopt", we had said. */
static void intended_made_for_us(struct world *w)
{
    intended(w);
    w->options.slot_create = false;
    w->options.slot_adopt = true;
}

static void intended_not_adopted(struct world *w)
{
    intended(w);
    w->options.slot_create = false;
}

static void intended_foreign(struct world *w)
{
    intended(w);
    strcpy(w->facts.slot_plugin, "test_decoding");
}

static void intended_active(struct world *w)
{
    intended(w);
    w->facts.slot_active = true;
}

static void intended_other_cluster(struct world *w)
{
    intended(w);
    w->facts.system_id++;
}

struct decide_case {
    const char *name;
    void (*change)(struct world *w);
    enum pg_start start; /* when kind is ERROR_NONE */
    enum error_kind kind;
    enum gap gap;
    const char *says;
};

static struct decide_case cases[] = {
    {"first start", first_start, PG_START_SNAPSHOT, ERROR_NONE, GAP_NONE, ""},
    {"first start, no snapshot", first_without_snapshot, PG_START_FRESH, ERROR_NONE, GAP_NONE, ""},
    {"first start, snapshot only", first_snapshot_only, PG_START_SNAPSHOT, ERROR_NONE, GAP_NONE,
     ""},
    {"first start, no publication", first_no_publication, 0, ERROR_GAP, GAP_PUBLICATION_MISSING,
     "publication.create"},
    {"first start, publication to be made", first_publication_made, PG_START_SNAPSHOT, ERROR_NONE,
     GAP_NONE, ""},
    {"first start, slot not to be made", first_slot_not_made, 0, ERROR_CONFIG, GAP_NONE,
     "slot.create is off"},
    {"slot without position", nothing_stored, 0, ERROR_GAP, GAP_SLOT_WITHOUT_POSITION,
     "slot.adopt"},
    {"slot without position, in use", slot_of_whom_active, 0, ERROR_LINK, GAP_NONE, "in use"},
    {"adoption", adopting, PG_START_ADOPT, ERROR_NONE, GAP_NONE, ""},
    {"adoption of another plugin's", adopt_foreign, 0, ERROR_GAP, GAP_SLOT_FOREIGN, "wal2json"},
    {"adoption of a lost one", adopt_lost, 0, ERROR_GAP, GAP_SLOT_INVALIDATED, "WAL lost"},
    {"adoption of one in use", adopt_active, 0, ERROR_LINK, GAP_NONE, "in use"},
    {"adoption, no publication", adopt_no_publication, 0, ERROR_GAP, GAP_PUBLICATION_MISSING,
     "gone"},
    {"going on", unchanged, PG_START_STREAM, ERROR_NONE, GAP_NONE, ""},
    {"going on, slot behind", slot_behind, PG_START_STREAM, ERROR_NONE, GAP_NONE, ""},
    {"going on at the end of WAL", wal_ends_there, PG_START_STREAM, ERROR_NONE, GAP_NONE, ""},
    {"going on after a promotion", promoted, PG_START_STREAM, ERROR_NONE, GAP_NONE, ""},
    {"crashed in the snapshot", crashed_in_snapshot, PG_START_REREAD, ERROR_NONE, GAP_NONE, ""},
    {"slot intended, not made", intended_no_slot, PG_START_SNAPSHOT, ERROR_NONE, GAP_NONE, ""},
    {"slot intended and made", intended, PG_START_SNAPSHOT, ERROR_NONE, GAP_NONE, ""},
    {"slot intended, made by the operator", intended_made_for_us, PG_START_ADOPT, ERROR_NONE,
     GAP_NONE, ""},
    {"slot intended, made by somebody", intended_not_adopted, 0, ERROR_GAP,
     GAP_SLOT_WITHOUT_POSITION, "slot.adopt"},
    {"slot intended, another is there", intended_foreign, 0, ERROR_GAP, GAP_SLOT_FOREIGN,
     "pgoutput"},
    {"slot intended, in use", intended_active, 0, ERROR_LINK, GAP_NONE, "in use"},
    {"slot intended elsewhere", intended_other_cluster, 0, ERROR_GAP, GAP_OTHER_CLUSTER, "cluster"},
    {"standby", in_recovery, 0, ERROR_LINK, GAP_NONE, "target_session_attrs"},
    {"slot gone", no_slot, 0, ERROR_GAP, GAP_SLOT_MISSING, "0/2000000"},
    {"slot physical", slot_physical, 0, ERROR_GAP, GAP_SLOT_FOREIGN, "physical"},
    {"slot of another plugin", slot_other_plugin, 0, ERROR_GAP, GAP_SLOT_FOREIGN, "test_decoding"},
    {"slot of another database", slot_other_database, 0, ERROR_GAP, GAP_SLOT_FOREIGN, "\"other\""},
    {"slot two-phase", slot_two_phase, 0, ERROR_GAP, GAP_SLOT_FOREIGN, "two-phase"},
    {"slot temporary", slot_temporary, 0, ERROR_GAP, GAP_SLOT_FOREIGN, "temporary"},
    {"slot lost", slot_lost, 0, ERROR_GAP, GAP_SLOT_INVALIDATED,
     "pg_drop_replication_slot('orders')"},
    {"slot invalidated", slot_invalidated, 0, ERROR_GAP, GAP_SLOT_INVALIDATED, "idle_timeout"},
    {"slot ahead", slot_ahead, 0, ERROR_GAP, GAP_SLOT_AHEAD, "0/2000001"},
    {"slot in use", slot_active, 0, ERROR_LINK, GAP_NONE, "4711"},
    {"slot in use moves on", slot_ahead_and_active, 0, ERROR_LINK, GAP_NONE, "in use"},
    {"publication gone", publication_gone, 0, ERROR_GAP, GAP_PUBLICATION_MISSING, "gone"},
    {"other cluster", other_cluster, 0, ERROR_GAP, GAP_OTHER_CLUSTER, "7000000000000000002"},
    {"other database", other_database, 0, ERROR_GAP, GAP_OTHER_CLUSTER, "\"elsewhere\""},
    {"other slot", other_slot, 0, ERROR_CONFIG, GAP_NONE, "\"former\""},
    {"WAL ends before the position", wal_ends_before, 0, ERROR_GAP, GAP_BEYOND_WAL, "0/1FFFFFF"},
    {"promotion lost what was published", promoted_too_early, 0, ERROR_GAP, GAP_OTHER_TIMELINE,
     "failover lost"},
    {"timeline unknown", timeline_unknown, 0, ERROR_GAP, GAP_OTHER_TIMELINE, "timeline 9"},
};

static void decides(void **state)
{
    const struct decide_case *c = *state;
    struct world w = healthy();
    enum pg_start start = PG_START_ADOPT;
    struct error err = {0};

    c->change(&w);
    assert_int_equal(pg_decide(&w.facts, &w.options, &w.stored, &start, &err),
                     c->kind == ERROR_NONE);
    assert_int_equal(err.kind, c->kind);
    assert_int_equal(err.gap, c->gap);
    if (c->kind == ERROR_NONE)
        assert_int_equal(start, c->start);
    assert_non_null(strstr(err.text, c->says));
}

struct history_case {
    const char *name;
    const char *history;
    uint32_t timeline;
    uint64_t left_at;
};

static struct history_case histories[] = {
    {"one", "1\t0/17509A0\tno recovery target specified\n", 1, 0x17509A0},
    {"second", "1\t0/5000000\tx\n2\tA/6000000\tat restore point\n", 2, 0xA06000000},
    {"last line without newline", "1\t0/5000000\tx\n2\t0/6000000\tx", 2, 0x6000000},
    {"blanks, comments and empty lines", "# by hand\n\n  1  0/5000000  x\n", 1, 0x5000000},
    {"not named", "1\t0/5000000\tx\n", 2, 0},
    {"no prefix of a number", "12\t0/5000000\tx\n", 1, 0},
    {"LSN malformed", "1\t0-5000000\tx\n", 1, 0},
    {"LSN missing", "1\n", 1, 0},
    {"empty", "", 1, 0},
};

static struct slice exact(const char *text, size_t len)
{
    uint8_t *block = malloc(len == 0 ? 1 : len);

    assert_non_null(block);
    memcpy(block, text, len);
    return slice_of(block, len);
}

static void forget(struct slice s)
{
    free((void *)(uintptr_t)s.at);
}

static void reads_history(void **state)
{
    const struct history_case *c = *state;
    struct slice text = exact(c->history, strlen(c->history));

    assert_true(pg_timeline_left_at(text, c->timeline) == c->left_at);
    forget(text);
}

/* However short the file was cut, nothing is read behind it. */
static void every_truncation_is_read(void **state)
{
    const char *whole = "1\t0/17509A0\tno recovery target specified\n";

    (void)state;
    for (size_t len = 0; len <= strlen(whole); len++) {
        struct slice text = exact(whole, len);
        uint64_t left_at = pg_timeline_left_at(text, 1);

        assert_true(len >= strlen("1\t0/17509A0") ? left_at == 0x17509A0 : left_at < 0x17509A0);
        forget(text);
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(cases) + ARRAY_LEN(histories) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = decides, .initial_state = &cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(histories); i++)
        tests[n++] = (struct CMUnitTest){
            .name = histories[i].name, .test_func = reads_history, .initial_state = &histories[i]};
    tests[n++] = (struct CMUnitTest){.name = "every truncation is read",
                                     .test_func = every_truncation_is_read};
    return cmocka_run_group_tests_name("pg_decide", tests, NULL, NULL);
}
