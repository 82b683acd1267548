/* When librdkafka's statistics say that it has given all brokers up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/kafka_lost.h"

#define COORDINATOR                                                                                \
    "\"TxnCoordinator\":{\"nodeid\":-1,\"source\":\"logical\",\"state\":\"TRY_CONNECT\"}"
#define BOOTSTRAP(state)                                                                           \
    "\"h:1/bootstrap\":{\"nodeid\":-1,\"source\":\"configured\",\"state\":\"" state "\"}"
#define LEARNED(state) "\"h:1/1\":{\"nodeid\":1,\"source\":\"learned\",\"state\":\"" state "\"}"
#define STATS(brokers) "{\"name\":\"x\",\"brokers\":{" brokers "},\"topics\":{}}"

static const struct {
    const char *name, *json;
    bool lost;
} cases[] = {
    {"all is well", STATS(BOOTSTRAP("UP") "," LEARNED("UP") "," COORDINATOR), false},
    {"one is enough", STATS(BOOTSTRAP("INIT") "," LEARNED("UP")), false},
    {"being connected to", STATS(LEARNED("TRY_CONNECT")), false},
    {"down, and tried again", STATS(BOOTSTRAP("DOWN")), false},
    {"only the coordinator", STATS(COORDINATOR), true},
    {"given up, not gone", STATS(LEARNED("INIT") "," COORDINATOR), true},
    {"nobody wants to connect", STATS(BOOTSTRAP("INIT") "," LEARNED("INIT")), true},
    {"none", STATS(""), true},
    {"a state that is no text", STATS("\"h:1/1\":{\"source\":\"learned\",\"state\":7}"), false},
    {"no brokers told", "{\"name\":\"x\"}", false},
    {"brokers of another kind", "{\"brokers\":[]}", false},
    {"no object", "[]", false},
    {"cut off", "{\"brokers\":{", false},
    {"empty", "", false},
};

static void lost_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (kafka_lost_in(cases[i].json, strlen(cases[i].json)) != cases[i].lost)
            fail_msg("%s: %s", cases[i].name, cases[i].lost ? "not noticed" : "taken for lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lost_or_not)};

    return cmocka_run_group_tests_name("kafka_lost", tests, NULL, NULL);
}
