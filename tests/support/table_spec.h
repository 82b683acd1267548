/*
 * table_spec - relations for tests, from one line of text.
 *
 *     *id int4; v text; n numeric(10,2) !; w text ! = 'd'::text; a int4[]
 *
 * `*` part of the key (and NOT NULL), `!` NOT NULL, `=` the default as pg_get_expr() prints it.
 */
#ifndef SUPPORT_TABLE_SPEC_H
#define SUPPORT_TABLE_SPEC_H

#include "millrace/relation.h"

#define TABLE_SPEC_COLUMNS 96

struct table_spec {
    char text[4096];
    struct column columns[TABLE_SPEC_COLUMNS];
    struct type types[TABLE_SPEC_COLUMNS], elements[TABLE_SPEC_COLUMNS];
    uint16_t key[TABLE_SPEC_COLUMNS];
    struct relation relation;
};

/* Fills *t, whose relation points into it: it must stay where it is. */
void table_spec_read(struct table_spec *t, const char *schema, const char *name, const char *spec);

#endif
