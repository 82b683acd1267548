/* What a publication to be made would hold, and what an existing one lacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/pg_inventory.h"

/* root (partitioned) <- middle (partitioned) <- leaf;  root <- side;  alone */
enum { ROOT, MIDDLE, LEAF, SIDE, ALONE, COUNT };

static const char letters[] = "RMLSA";

struct world {
    struct inventory inventory;
    struct inventory_table tables[COUNT];
};

/* A table is named by its letter. */
static bool named(const char *list, int table)
{
    return strchr(list, letters[table]) != NULL;
}

static void world_init(struct world *w, const char *selected)
{
    memset(w, 0, sizeof *w);
    w->inventory.tables = w->tables;
    w->inventory.count = COUNT;
    w->tables[ROOT].partitioned = w->tables[ROOT].has_children = true;
    w->tables[MIDDLE].partitioned = w->tables[MIDDLE].has_children = true;
    w->tables[MIDDLE].parent = &w->tables[ROOT];
    w->tables[LEAF].parent = &w->tables[MIDDLE];
    w->tables[SIDE].parent = &w->tables[ROOT];
    for (int i = 0; i < COUNT; i++) {
        w->tables[i].selected = named(selected, i);
        w->tables[i].has_identity = true;
    }
}

/* The letters of the tables for which the test holds. */
static void expect(const struct world *w, const char *letters_expected,
                   bool (*holds)(const struct inventory *, const struct inventory_table *))
{
    for (int i = 0; i < COUNT; i++)
        if (holds(&w->inventory, &w->tables[i]) != named(letters_expected, i))
            fail_msg("table %c: expected \"%s\"", letters[i], letters_expected);
}

static bool is_added(const struct inventory *inventory, const struct inventory_table *table)
{
    (void)inventory;
    return table->to_add;
}

static bool is_published(const struct inventory *inventory, const struct inventory_table *table)
{
    (void)inventory;
    return table->published;
}

struct plan_case {
    const char *name;
    bool via_root;
    const char *selected;
    const char *added, *published, *missing;
};

static struct plan_case plans[] = {
    {"all, by partitions", false, "RMLSA", "RA", "LSA", ""},
    {"all, by root", true, "RMLSA", "RA", "RA", ""},
    {"root only, by root", true, "R", "R", "R", ""},
    {"root only, by partitions: nothing would come", false, "R", "R", "LS", "R"},
    {"a leaf only, by partitions", false, "L", "L", "L", ""},
    {"a leaf only, by root", true, "L", "L", "L", ""},
    {"the middle and its leaf", false, "ML", "M", "L", ""},
    {"root and a leaf, by partitions", false, "RL", "R", "LS", ""},
    {"none", false, "", "", "", ""},
};

static void plans_as_expected(void **state)
{
    const struct plan_case *c = *state;
    struct world w;

    world_init(&w, c->selected);
    inventory_plan(&w.inventory, c->via_root);
    assert_true(w.inventory.publication_exists && w.inventory.to_be_made);
    expect(&w, c->added, is_added);
    expect(&w, c->published, is_published);
    expect(&w, c->missing, inventory_is_missing);
}

struct lack_case {
    const char *name;
    bool changes; /* the publication sends updates or deletes */
    const char *selected, *published, *without_identity;
    const char *missing, *lacking;
};

static struct lack_case lacks[] = {
    {"all is well", true, "A", "A", "", "", ""},
    {"not published", true, "A", "", "", "A", ""},
    {"not selected", true, "", "A", "A", "", ""},
    {"no identity", true, "A", "A", "A", "", "A"},
    {"no identity, inserts only", false, "A", "A", "A", "", ""},
    {"leaf without identity, published as root", true, "R", "R", "RL", "", "L"},
    {"leaf selected, comes as root, which is not", true, "L", "R", "L", "L", ""},
    {"one partition published of two", true, "RLS", "L", "", "S", ""},
    {"no partition published", true, "R", "A", "", "R", ""},
};

static void lacks_as_expected(void **state)
{
    const struct lack_case *c = *state;
    struct world w;

    world_init(&w, c->selected);
    w.inventory.publishes_changes = c->changes;
    for (int i = 0; i < COUNT; i++) {
        w.tables[i].published = named(c->published, i);
        w.tables[i].has_identity = !named(c->without_identity, i);
    }
    expect(&w, c->missing, inventory_is_missing);
    expect(&w, c->lacking, inventory_lacks_identity);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(plans) + ARRAY_LEN(lacks)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(plans); i++)
        tests[n++] = (struct CMUnitTest){
            .name = plans[i].name, .test_func = plans_as_expected, .initial_state = &plans[i]};
    for (size_t i = 0; i < ARRAY_LEN(lacks); i++)
        tests[n++] = (struct CMUnitTest){
            .name = lacks[i].name, .test_func = lacks_as_expected, .initial_state = &lacks[i]};
    return cmocka_run_group_tests_name("pg_inventory", tests, NULL, NULL);
}
