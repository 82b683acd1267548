/* What is made of a catalogue that may be of a later time than the R message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include <cmocka.h>

#include "millrace/buf.h"
#include "relay/pg_catalog_private.h"

#define OID_TEXT "16385"
#define INT4_TEXT "23"
#define COLUMNS_MAX 8
#define ANSWER_COLUMNS 9
#define TEXT_BYTES 256

/*
 * Words with blanks between them:
 *
 *     columns   "a* b"       of the R message: * is flagged
 *     shown     "a! b"       what the catalogue has: ! is NOT NULL; NULL: the table is gone
 *     indexes   "p:b,a u:c"  p: primary, d: primary and deferrable, u: unique over NOT NULL columns
 *     expect    "a! b | a"   ! is NOT NULL; then the key; | behind it: "primary"
 */
struct catalog_case {
    const char *name;
    enum replica_identity identity;
    const char *columns, *shown, *indexes;
    const char *former_shown, *former_indexes; /* NULL: the relation is new */
    const char *expect;
};

static struct catalog_case catalog_cases[] = {
    {"as it is", 'd', "a* b", "a! b", "p:a", NULL, NULL, "a! b | a | primary"},
    {"no key at all", 'd', "a b", "a b", "", NULL, NULL, "a b | "},
    {"the index's order", 'd', "a* b*", "a! b!", "p:b,a", NULL, NULL, "a! b! | b,a | primary"},
    {"unique instead of primary", 'd', "a b", "a! b", "u:a", NULL, NULL, "a! b | a"},
    {"deferrable: no identity", 'd', "a b", "a! b", "d:a", NULL, NULL, "a! b | a | primary"},

    {"key dropped, may be null now", 'd', "a* b", "a b", "", NULL, NULL, "a! b | a | primary"},
    {"key moved to b", 'd', "a* b", "a b!", "p:b", NULL, NULL, "a! b! | a | primary"},
    {"key became shorter", 'd', "a* b*", "a! b", "p:a", NULL, NULL, "a! b! | a,b | primary"},
    {"key became longer", 'd', "a* b", "a! b!", "p:a,b", NULL, NULL, "a! b! | a | primary"},
    {"key turned", 'd', "a* b*", "a! b!", "p:b,a", "a! b!", "p:a,b", "a! b! | b,a | primary"},
    {"key dropped, its order known", 'd', "a* b*", "a b", "", "a! b!", "p:b,a",
     "a! b! | b,a | primary"},
    {"key made a unique index", 'd', "a* b*", "a! b!", "u:b,a", NULL, NULL,
     "a! b! | b,a | primary"},
    {"key added since", 'd', "a b", "a! b", "p:a", NULL, NULL, "a! b | "},
    {"key added since, unique before", 'd', "a b", "a! b!", "p:a u:b", NULL, NULL, "a! b! | b"},
    {"column dropped", 'd', "a* b", "a!", "p:a", NULL, NULL, "a! b | a | primary"},
    {"column dropped, known", 'd', "a* b", "a!", "p:a", "a! b!", "p:a", "a! b! | a | primary"},
    {"key column dropped", 'd', "a* b", "b", "", NULL, NULL, "a! b | a | primary"},
    {"key column renamed", 'd', "a* b", "c! b", "p:c", NULL, NULL, "a! b | a | primary"},
    {"table dropped", 'd', "a* b", NULL, "", NULL, NULL, "a! b | a | primary"},
    {"table dropped, known", 'd', "a* b*", NULL, "", "a! b!", "p:b,a", "a! b! | b,a | primary"},
    {"table without a key dropped", 'd', "a b", NULL, "", NULL, NULL, "a b | "},
    {"table without a key dropped, known", 'd', "a b", NULL, "", "a! b", "u:a", "a! b | a"},

    {"identity index", 'i', "a* b", "a! b!", "p:b u:a", NULL, NULL, "a! b! | a"},
    {"identity index dropped", 'i', "a* b", "a b", "", NULL, NULL, "a! b | a"},
    {"identity index, table dropped", 'i', "a* b", NULL, "", NULL, NULL, "a! b | a"},
    {"identity full says nothing", 'f', "a* b*", "a b", "", NULL, NULL, "a b | "},
    {"identity full", 'f', "a* b*", "a! b", "p:a", NULL, NULL, "a! b | a | primary"},
    {"identity full, table dropped", 'f', "a* b*", NULL, "", NULL, NULL, "a b | "},
    {"identity full, table dropped, known", 'f', "a* b*", NULL, "", "a! b", "p:a",
     "a! b | a | primary"},
    {"identity nothing", 'n', "a b", "a! b", "p:a", NULL, NULL, "a! b | a | primary"},
};

/* ---- the answer ---- */

static PGresult *new_answer(void)
{
    static char name[] = "x";
    PGresult *rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc columns[ANSWER_COLUMNS] = {{.name = name}};

    for (int i = 0; i < ANSWER_COLUMNS; i++)
        columns[i].name = name;
    assert_non_null(rows);
    assert_int_equal(PQsetResultAttrs(rows, ANSWER_COLUMNS, columns), 1);
    return rows;
}

static void set(PGresult *rows, int row, int column, const char *text)
{
    char copy[TEXT_BYTES];

    (void)snprintf(copy, sizeof copy, "%s", text == NULL ? "" : text);
    assert_int_equal(PQsetvalue(rows, row, column, copy, text == NULL ? -1 : (int)strlen(copy)), 1);
}

static void add_row(PGresult *rows, const char *const cells[ANSWER_COLUMNS])
{
    int row = PQntuples(rows);

    for (int i = 0; i < ANSWER_COLUMNS; i++)
        set(rows, row, i, cells[i]);
}

static void add_columns(PGresult *rows, const char *shown)
{
    char text[TEXT_BYTES], *rest = text, *word;

    (void)snprintf(text, sizeof text, "%s", shown == NULL ? "" : shown);
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        char *mark = strchr(word, '!');

        if (mark != NULL)
            *mark = '\0';
        add_row(rows, (const char *[]){"c", OID_TEXT, "1", "0", word, INT4_TEXT,
                                       mark != NULL ? "t" : "f", "f", NULL});
    }
}

static void add_index(PGresult *rows, const char *kind, const char *index, char *columns)
{
    char *rest = columns, *word;

    while ((word = strtok_r(rest, ",", &rest)) != NULL)
        add_row(rows, (const char *[]){"k", OID_TEXT, index, "1", word, index,
                                       *kind == 'u' ? "f" : "t", *kind == 'd' ? "f" : "t", NULL});
}

static void add_indexes(PGresult *rows, const char *indexes)
{
    char text[TEXT_BYTES], number[16], *rest = text, *word;

    (void)snprintf(text, sizeof text, "%s", indexes);
    for (int i = 1; (word = strtok_r(rest, " ", &rest)) != NULL; i++) {
        (void)snprintf(number, sizeof number, "%d", 20000 + i);
        add_index(rows, word, number, word + 2);
    }
}

/* ---- the relation ---- */

struct described {
    struct relation relation;
    struct column columns[COLUMNS_MAX];
    struct arena arena;
    char text[TEXT_BYTES];
};

static void describe(struct described *d, struct pg_catalog *catalog, const struct catalog_case *c,
                     const char *shown, const char *indexes, const struct described *former)
{
    struct pg_answers answers = {.tables = new_answer()};
    struct error err = {0};
    char *rest = d->text, *word;

    *d = (struct described){.relation = {.oid = 16385,
                                         .schema = slice_text("public"),
                                         .name = slice_text("t"),
                                         .identity = c->identity,
                                         .columns = d->columns}};
    arena_init(&d->arena, 65536);
    (void)snprintf(d->text, sizeof d->text, "%s", c->columns);
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        struct column *column = &d->columns[d->relation.column_count++];
        char *mark = strchr(word, '*');

        column->identity = mark != NULL;
        if (mark != NULL)
            *mark = '\0';
        column->name = slice_text(word);
        column->type_oid = 23;
        column->typmod = -1;
    }
    add_columns(answers.tables, shown);
    add_indexes(answers.tables, indexes);
    if (!pg_catalog_apply(catalog, &answers, &d->relation, &d->arena,
                          former == NULL ? NULL : &former->relation, &err))
        fail_msg("%s", err.text);
    PQclear(answers.tables);
}

static void render(const struct relation *r, struct buf *out)
{
    for (uint16_t i = 0; i < r->column_count; i++)
        buf_printf(out, "%s%.*s%s", i == 0 ? "" : " ", SLICE_ARGS(r->columns[i].name),
                   r->columns[i].not_null ? "!" : "");
    buf_text(out, " | ");
    for (uint16_t i = 0; i < r->key_count; i++)
        buf_printf(out, "%s%.*s", i == 0 ? "" : ",", SLICE_ARGS(r->columns[r->key[i]].name));
    if (r->key_is_primary)
        buf_text(out, " | primary");
    buf_byte(out, '\0');
}

static void describes(void **state)
{
    const struct catalog_case *c = *state;
    const struct postgres_options options = {0};
    struct error err = {0};
    struct pg_selection *selection = pg_selection_create(&options, &err);
    struct pg_catalog *catalog = pg_catalog_create(NULL, &options, selection);
    struct described former, now;
    struct buf got;

    if (c->former_indexes != NULL)
        describe(&former, catalog, c, c->former_shown, c->former_indexes, NULL);
    describe(&now, catalog, c, c->shown, c->indexes, c->former_indexes == NULL ? NULL : &former);
    buf_init(&got, TEXT_BYTES);
    render(&now.relation, &got);
    assert_string_equal((const char *)got.at, c->expect);
    assert_true(now.relation.described);
    for (uint16_t i = 0; i < now.relation.column_count; i++)
        assert_non_null(now.columns[i].type);
    buf_done(&got);
    arena_done(&now.arena);
    if (c->former_indexes != NULL)
        arena_done(&former.arena);
    pg_catalog_destroy(catalog);
    pg_selection_destroy(selection);
}

/* ---- labels ---- */

static const struct slice label_texts[] = {
    {(const uint8_t *)"sad", 3}, {(const uint8_t *)"a \"b\"", 5}, {(const uint8_t *)"c,d", 3}};
static const struct type mood = {
    .kind = TYPE_ENUM, .labels = label_texts, .label_count = ARRAY_LEN(label_texts)};
static const struct type feeling = {.kind = TYPE_DOMAIN, .base = &mood};
static const struct type moods = {.kind = TYPE_BASE, .delimiter = ',', .element = &mood};
static const struct type feelings = {.kind = TYPE_BASE, .delimiter = ',', .element = &feeling};
static const struct type listed = {.kind = TYPE_DOMAIN, .base = &feelings};
static const struct type text_type = {.kind = TYPE_BASE};
static const struct type texts = {.kind = TYPE_BASE, .delimiter = ',', .element = &text_type};

static struct label_case {
    const struct type *type;
    const char *text; /* NULL: NULL */
    bool known;
} label_cases[] = {
    {&mood, "sad", true},
    {&mood, "glad", false},
    {&mood, NULL, true},
    {&feeling, "glad", false},
    {&moods, "{}", true},
    {&moods, "{sad,NULL}", true},
    {&moods, "{sad,glad}", false},
    {&moods, "{glad,sad}", false},
    {&moods, "{sad,\"NULL\"}", false},
    {&moods, "{\"c,d\",\"a \\\"b\\\"\"}", true},
    {&moods, "{\"a \\\"c\\\"\"}", false},
    {&moods, "[0:1]={sad,sad}", true},
    {&moods, "{{sad,sad},{sad,glad}}", false},
    {&moods, "{sad", true}, /* for the encoder to find */
    {&feelings, "{glad}", false},
    {&listed, "{sad}", true},
    {&listed, "{glad}", false},
    {&text_type, "glad", true},
    {&texts, "{glad}", true},
};

static void knows_labels(void **state)
{
    const struct label_case *c = *state;
    struct column column = {.type = c->type};
    const struct relation relation = {.columns = &column, .column_count = 1};
    struct cell cell = {.kind = CELL_NULL};
    const struct row row = {.cells = &cell, .count = 1};

    if (c->text != NULL)
        cell = (struct cell){.kind = CELL_TEXT, .text = slice_text(c->text)};
    assert_int_equal(pg_catalog_knows_labels(&relation, &row), c->known);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(catalog_cases) + ARRAY_LEN(label_cases)];
    size_t n = ARRAY_LEN(catalog_cases);

    for (size_t i = 0; i < ARRAY_LEN(catalog_cases); i++)
        tests[i] =
            (struct CMUnitTest){catalog_cases[i].name, describes, NULL, NULL, &catalog_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(label_cases); i++)
        tests[n++] = (struct CMUnitTest){label_cases[i].text == NULL ? "NULL" : label_cases[i].text,
                                         knows_labels, NULL, NULL, &label_cases[i]};
    return cmocka_run_group_tests_name("pg_catalog", tests, NULL, NULL);
}
