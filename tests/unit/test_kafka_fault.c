/* What an operator reads when a broker is not reached: what librdkafka said, and what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sinks/kafka_fault.h"

#define MENDS_GIVEN "or correct kafka.bootstrap_servers"
#define MENDS_TOLD "or correct its advertised.listeners"

struct fault_case {
    const char *name;
    rd_kafka_resp_err_t code;
    const char *said; /* by librdkafka 2.15.1 */
    const char *expect;
};

static struct fault_case cases[] = {
    {"refused", RD_KAFKA_RESP_ERR__TRANSPORT,
     "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in "
     "state CONNECT, 1 identical error(s) suppressed)",
     "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused: start the "
     "broker there, " MENDS_GIVEN},
    {"refused, of the cluster", RD_KAFKA_RESP_ERR__TRANSPORT,
     "GroupCoordinator: localhost:9092/1: Connect to ipv6#[::1]:9092 failed: Connection refused "
     "(after 0ms in state CONNECT)",
     "GroupCoordinator: localhost:9092/1: Connect to ipv6#[::1]:9092 failed: Connection refused: "
     "start that broker, " MENDS_TOLD},
    {"no such name", RD_KAFKA_RESP_ERR__RESOLVE,
     "nohost:9092/bootstrap: Failed to resolve 'nohost:9092': Name or service not known (after 0ms "
     "in state CONNECT)",
     "nohost:9092/bootstrap: Failed to resolve 'nohost:9092': Name or service not known: make that "
     "host name known here (DNS, /etc/hosts), " MENDS_GIVEN},
    {"no such name, of the cluster", RD_KAFKA_RESP_ERR__RESOLVE,
     "kafka:9092/1: Failed to resolve 'kafka:9092': Temporary failure in name resolution (after "
     "4012ms in state CONNECT)",
     "kafka:9092/1: Failed to resolve 'kafka:9092': Temporary failure in name resolution: make "
     "that host name known here (DNS, /etc/hosts), " MENDS_TOLD},
    {"connecting takes too long", RD_KAFKA_RESP_ERR__TRANSPORT,
     "10.1.2.3:9092/bootstrap: Connection setup timed out in state CONNECT (after 30028ms in state "
     "CONNECT)",
     "10.1.2.3:9092/bootstrap: Connection setup timed out in state CONNECT: see whether the broker "
     "runs and what lies between (a firewall, a route), " MENDS_GIVEN},
    {"no way there", RD_KAFKA_RESP_ERR__TRANSPORT,
     "10.1.2.3:9092/1: Connect to ipv4#10.1.2.3:9092 failed: No route to host (after 3061ms in "
     "state CONNECT)",
     "10.1.2.3:9092/1: Connect to ipv4#10.1.2.3:9092 failed: No route to host: see whether that "
     "broker runs and what lies between (a firewall, a route), " MENDS_TOLD},
    {"hung up on", RD_KAFKA_RESP_ERR__TRANSPORT,
     "127.0.0.1:80/bootstrap: Disconnected: connection reset by peer (after 0ms in state "
     "APIVERSION_QUERY)",
     "127.0.0.1:80/bootstrap: Disconnected: connection reset by peer: something is there that does "
     "not answer as a broker: check security.protocol in kafka.properties, " MENDS_GIVEN},
    {"hung up on by one that the cluster told", RD_KAFKA_RESP_ERR__TRANSPORT,
     "127.0.0.1:80/3: Disconnected: connection reset by peer (after 0ms in state APIVERSION_QUERY)",
     "127.0.0.1:80/3: Disconnected: connection reset by peer: something is there that does not "
     "answer as a broker: check the listener's protocol, " MENDS_TOLD},
    {"a link that broke later", RD_KAFKA_RESP_ERR__TRANSPORT,
     "127.0.0.1:9092/1: Disconnected (after 60012ms in state UP)",
     "127.0.0.1:9092/1: Disconnected (after 60012ms in state UP)"},
};

static void tells_what_to_do(void **state)
{
    const struct fault_case *c = *state;
    struct kafka_notes notes;
    struct error err = {0};
    char told[KAFKA_NOTE_BYTES];

    assert_false(kafka_fault_set(&err, c->code, c->said, "%s", "metadata"));
    assert_int_equal(err.kind, ERROR_LINK);
    assert_memory_equal(err.text, "metadata: ", 10);
    assert_string_equal(err.text + 10, c->expect);
    kafka_notes_init(&notes, NULL);
    kafka_notes_take(&notes, c->code, c->said);
    kafka_notes_tell(&notes, told);
    assert_string_equal(told, c->expect);
    kafka_notes_done(&notes);
}

static void advice_of_the_code_goes_first(void **state)
{
    struct error err = {0};

    (void)state;
    assert_false(kafka_fault_set(&err, RD_KAFKA_RESP_ERR__SSL,
                                 "ssl://a:1/bootstrap: Connection refused (after 1ms in state X)",
                                 "metadata"));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "(after 1ms in state X): check ssl.ca.location"));
    assert_null(strstr(err.text, "start the broker"));
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(cases) + 1] = {
        cmocka_unit_test(advice_of_the_code_goes_first)};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        tests[i + 1] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = tells_what_to_do, .initial_state = &cases[i]};
    return cmocka_run_group_tests_name("kafka_fault", tests, NULL, NULL);
}
