/* The confirm rule: each row is a story told in steps, with what the server would be told at its
 * end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "relay/pg_feedback.h"

#define START 100
#define STEPS_MAX 8

enum step_kind {
    END, /* no more steps */
    RETURNED,
    KEEPALIVE,
    KEEPALIVE_ASKING,
    CONFIRM,
    HEARD,
    SENT,
    ASKED,
    DUE,
};

/* `at` is an LSN, or for the timed steps milliseconds; `expect` is the outcome: for a keepalive the
 * progress to be passed on (0: none), for a confirmation whether it is taken, for DUE what is due.
 */
struct step {
    enum step_kind kind;
    uint64_t at;
    uint64_t expect;
};

struct feedback_case {
    const char *name;
    uint64_t durable; /* at the start */
    int64_t sender_timeout_ms, silence_ms;
    struct step steps[STEPS_MAX];
    uint64_t write, flush;
};

static struct feedback_case cases[] = {
    {"nothing stored: flush is 0, which the server ignores", 0, 60000, 0, {{END, 0, 0}}, 100, 0},
    {"stored: flush is the start", 100, 60000, 0, {{END, 0, 0}}, 100, 100},
    {"received is not durable", 100, 60000, 0, {{RETURNED, 200, 0}}, 200, 100},
    {"a change ends nowhere", 100, 60000, 0, {{RETURNED, 0, 0}}, 100, 100},
    {"durable is confirmed", 100, 60000, 0, {{RETURNED, 200, 0}, {CONFIRM, 200, 1}}, 200, 200},
    {"only what is durable is confirmed",
     100,
     60000,
     0,
     {{RETURNED, 200, 0}, {RETURNED, 300, 0}, {CONFIRM, 200, 1}},
     300,
     200},
    {"never beyond what was returned",
     100,
     60000,
     0,
     {{RETURNED, 200, 0}, {CONFIRM, 201, 0}},
     200,
     100},
    {"never back",
     100,
     60000,
     0,
     {{RETURNED, 300, 0}, {CONFIRM, 300, 1}, {CONFIRM, 200, 1}, {RETURNED, 250, 0}},
     300,
     300},
    {"a confirmation of nothing", 100, 60000, 0, {{CONFIRM, 0, 1}}, 100, 100},
    {"idle: a keepalive beyond what was returned is progress",
     100,
     60000,
     0,
     {{KEEPALIVE, 150, 150}},
     150,
     100},
    {"progress is confirmed only once it is durable",
     100,
     60000,
     0,
     {{KEEPALIVE, 150, 150}, {CONFIRM, 150, 1}},
     150,
     150},
    {"a keepalive at the start or below is none",
     100,
     60000,
     0,
     {{KEEPALIVE, 100, 0}, {KEEPALIVE, 40, 0}, {KEEPALIVE, 0, 0}},
     100,
     100},
    {"the same keepalive twice is progress once",
     100,
     60000,
     0,
     {{KEEPALIVE, 150, 150}, {KEEPALIVE, 150, 0}},
     150,
     100},
    {"a server that waits is told in haste, once",
     100,
     60000,
     0,
     {{KEEPALIVE, 150, 150}, {KEEPALIVE_ASKING, 150, 150}, {KEEPALIVE_ASKING, 150, 0}},
     150,
     100},
    {"also when it waits for a transaction",
     100,
     60000,
     0,
     {{RETURNED, 200, 0}, {KEEPALIVE_ASKING, 150, 200}},
     200,
     100},
    {"a server that asks when all is durable gets no event",
     100,
     60000,
     0,
     {{RETURNED, 200, 0}, {CONFIRM, 200, 1}, {KEEPALIVE_ASKING, 200, 0}},
     200,
     200},
    {"a status each quarter of wal_sender_timeout",
     100,
     4000,
     0,
     {{DUE, 999, PG_FEEDBACK_NOTHING},
      {DUE, 1000, PG_FEEDBACK_STATUS},
      {SENT, 1000, 0},
      {DUE, 1999, PG_FEEDBACK_NOTHING},
      {DUE, 2000, PG_FEEDBACK_STATUS}},
     100,
     100},
    {"at least every ten seconds",
     100,
     600000,
     0,
     {{DUE, 9999, PG_FEEDBACK_NOTHING}, {DUE, 10000, PG_FEEDBACK_STATUS}},
     100,
     100},
    {"also with wal_sender_timeout switched off",
     100,
     0,
     0,
     {{DUE, 9999, PG_FEEDBACK_NOTHING}, {DUE, 10000, PG_FEEDBACK_STATUS}},
     100,
     100},
    {"not more than ten a second",
     100,
     100,
     0,
     {{DUE, 99, PG_FEEDBACK_NOTHING}, {DUE, 100, PG_FEEDBACK_STATUS}},
     100,
     100},
    {"silence: asked at half, once; given up at the whole",
     100,
     0,
     6000,
     {{DUE, 2999, PG_FEEDBACK_NOTHING},
      {DUE, 3000, PG_FEEDBACK_ASK},
      {ASKED, 3000, 0},
      {DUE, 5999, PG_FEEDBACK_NOTHING},
      {DUE, 6000, PG_FEEDBACK_DEAD}},
     100,
     100},
    {"an answer ends the silence, and the next one is asked about again",
     100,
     0,
     6000,
     {{ASKED, 3000, 0},
      {HEARD, 3500, 0},
      {DUE, 6499, PG_FEEDBACK_NOTHING},
      {DUE, 6500, PG_FEEDBACK_ASK},
      {DUE, 9500, PG_FEEDBACK_DEAD}},
     100,
     100},
    {"a status that asks nothing leaves the question open",
     100,
     0,
     6000,
     {{SENT, 2000, 0}, {DUE, 3000, PG_FEEDBACK_ASK}},
     100,
     100},
    {"silence for ever",
     100,
     0,
     0,
     {{SENT, 999999, 0}, {DUE, 1000000, PG_FEEDBACK_NOTHING}},
     100,
     100},
};

static void take_step(struct pg_feedback *f, const struct step *step)
{
    int64_t us = (int64_t)step->at * 1000;
    uint64_t end_lsn = 0;
    bool told;

    switch (step->kind) {
    case END:
        break;
    case RETURNED:
        pg_feedback_returned(f, step->at);
        break;
    case KEEPALIVE:
    case KEEPALIVE_ASKING:
        told = pg_feedback_keepalive(f, step->at, step->kind == KEEPALIVE_ASKING, &end_lsn);
        assert_int_equal(told ? end_lsn : 0, step->expect);
        break;
    case CONFIRM:
        assert_int_equal(pg_feedback_confirm(f, step->at), step->expect);
        break;
    case HEARD:
        pg_feedback_heard(f, us);
        break;
    case SENT:
    case ASKED:
        pg_feedback_sent(f, us, step->kind == ASKED);
        break;
    case DUE:
        assert_int_equal(pg_feedback_due(f, us), step->expect);
        break;
    }
}

static void tells_the_server(void **state)
{
    const struct feedback_case *c = *state;
    struct pg_feedback f;

    pg_feedback_init(&f, START, c->durable, c->sender_timeout_ms, c->silence_ms, 0);
    for (size_t i = 0; i < STEPS_MAX && c->steps[i].kind != END; i++)
        take_step(&f, &c->steps[i]);
    assert_int_equal(f.received, c->write);
    assert_int_equal(pg_feedback_flush(&f), c->flush);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(cases)];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = tells_the_server, .initial_state = &cases[i]};
    return cmocka_run_group_tests_name("pg_feedback", tests, NULL, NULL);
}
