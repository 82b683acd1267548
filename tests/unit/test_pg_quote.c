/* Names and texts from outside, as they stand in a statement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "relay/pg_quote.h"

struct quote_case {
    const char *name;
    const char *identifier, *literal; /* of `name` */
};

static struct quote_case cases[] = {
    {"orders", "\"orders\"", "'orders'"},
    {"", "\"\"", "''"},
    {"Mixed Case", "\"Mixed Case\"", "'Mixed Case'"},
    {"say \"hi\"", "\"say \"\"hi\"\"\"", "'say \"hi\"'"},
    {"it's", "\"it's\"", "'it''s'"},
    {"back\\slash", "\"back\\slash\"", "'back\\slash'"},
    {"\"", "\"\"\"\"", "'\"'"},
    {"'", "\"'\"", "''''"},
    {"x\"; DROP TABLE t; --", "\"x\"\"; DROP TABLE t; --\"", "'x\"; DROP TABLE t; --'"},
};

static void quotes(void **state)
{
    const struct quote_case *c = *state;
    struct buf out;

    buf_init(&out, PG_STATEMENT_BYTES);
    pg_quote_identifier(&out, slice_text(c->name));
    assert_true(slice_is(buf_view(&out), c->identifier));
    buf_reset(&out, 0);
    pg_quote_literal(&out, slice_text(c->name));
    assert_true(slice_is(buf_view(&out), c->literal));
    buf_done(&out);
}

static void quotes_a_table(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, PG_STATEMENT_BYTES);
    pg_quote_table(&out, slice_text("a.b"), slice_text("c\"d"));
    assert_true(slice_is(buf_view(&out), "\"a.b\".\"c\"\"d\""));
    buf_done(&out);
}

static void a_limit_fails(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4);
    pg_quote_identifier(&out, slice_text("abc"));
    assert_true(out.failed);
    buf_done(&out);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(cases) + 2];
    size_t n = 0;

    for (; n < ARRAY_LEN(cases); n++)
        tests[n] = (struct CMUnitTest){
            .name = cases[n].name, .test_func = quotes, .initial_state = &cases[n]};
    tests[n++] = (struct CMUnitTest){.name = "schema and table", .test_func = quotes_a_table};
    tests[n++] = (struct CMUnitTest){.name = "a limit fails", .test_func = a_limit_fails};
    return cmocka_run_group_tests_name("pg_quote", tests, NULL, NULL);
}
