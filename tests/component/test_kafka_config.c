/* Properties and options of the Kafka sink: what is refused, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sinks/kafka.h"

struct config_case {
    const char *name;
    struct kafka_property property; /* one more than none */
    void (*change)(struct kafka_options *o);
    const char *expect; /* part of the error; NULL: accepted */
};

static void no_bootstrap(struct kafka_options *o)
{
    o->bootstrap_servers = "";
}

static void no_name(struct kafka_options *o)
{
    o->transactional_id = "";
}

static void bad_topic(struct kafka_options *o)
{
    o->position_topic = "a/b";
}

static void no_partitions(struct kafka_options *o)
{
    o->partitions = 0;
}

static void no_replicas(struct kafka_options *o)
{
    o->replication_factor = 0;
}

static void huge_records(struct kafka_options *o)
{
    o->message_max_bytes = 1000000001;
}

static void largest_records(struct kafka_options *o)
{
    o->message_max_bytes = 1000000000;
}

static void at_least_once(struct kafka_options *o)
{
    o->delivery = DELIVERY_AT_LEAST_ONCE;
}

static void short_timeout(struct kafka_options *o)
{
    o->transaction_timeout_ms = 999;
}

static struct config_case cases[] = {
    {"nothing set", {NULL, NULL}, NULL, NULL},
    {"at least once", {NULL, NULL}, at_least_once, NULL},
    {"records as large as librdkafka takes", {NULL, NULL}, largest_records, NULL},
    {"a default changed", {"linger.ms", "20"}, NULL, NULL},
    {"compression under its other name", {"compression.codec", "zstd"}, NULL, NULL},
    {"a consumer's property", {"fetch.max.bytes", "1000000"}, NULL, NULL},
    {"security", {"security.protocol", "ssl"}, NULL, NULL},
    {"misspelt", {"linger.msec", "20"}, NULL, "\"linger.msec\": No such configuration property"},
    {"bad value", {"linger.ms", "soon"}, NULL, "\"linger.ms\": Invalid value"},
    {"bad choice", {"security.protocol", "tls"}, NULL, "Invalid value \"tls\""},
    {"secret is not quoted", {"no.such.password", "hunter2"}, NULL, "librdkafka refuses its value"},
    {"missing file",
     {"ssl.ca.location", "/no/such/ca.pem"},
     NULL,
     NULL /* plaintext: never read */},
    {"bootstrap",
     {"bootstrap.servers", "x"},
     NULL,
     "cannot be set: use the option kafka.bootstrap_servers"},
    {"bootstrap, old name", {"metadata.broker.list", "x"}, NULL, "option kafka.bootstrap_servers"},
    {"transactional.id", {"transactional.id", "x"}, NULL, "use the option kafka.transactional_id"},
    {"transaction.timeout.ms", {"transaction.timeout.ms", "1"}, NULL, "kafka.transaction_timeout"},
    {"message.timeout.ms", {"message.timeout.ms", "1"}, NULL, "kafka.transaction_timeout"},
    {"idempotence", {"enable.idempotence", "false"}, NULL, "the option kafka.delivery decides it"},
    {"acks", {"acks", "1"}, NULL, "the option kafka.delivery decides it"},
    {"acks, old name",
     {"request.required.acks", "1"},
     NULL,
     "the option kafka.delivery decides it"},
    {"in flight", {"max.in.flight", "100"}, NULL, "the option kafka.delivery decides it"},
    {"partitioner", {"partitioner", "random"}, NULL, "murmur2"},
    {"record size", {"message.max.bytes", "1"}, NULL, "kafka.message_max"},
    {"queue", {"queue.buffering.max.messages", "1"}, NULL, "kafka.queue_max"},
    {"isolation", {"isolation.level", "read_uncommitted"}, NULL, "read as committed"},
    {"plugins", {"plugin.library.paths", "evil.so"}, NULL, "no code is loaded"},
    {"engine", {"ssl.engine.location", "evil.so"}, NULL, "no code is loaded"},
    {"auto-created topics", {"allow.auto.create.topics", "true"}, NULL, "topics.create"},
    {"a conflict", {"socket.timeout.ms", "60000"}, NULL, NULL},
    {"security that is incomplete",
     {"ssl.keystore.location", "/no/such.p12"},
     NULL,
     "ssl.keystore.password"},
    {"no bootstrap", {NULL, NULL}, no_bootstrap, "kafka.bootstrap_servers is empty"},
    {"no name", {NULL, NULL}, no_name, "kafka.transactional_id is empty"},
    {"position topic", {NULL, NULL}, bad_topic, "kafka.position_topic \"a/b\" is no topic name"},
    {"partitions", {NULL, NULL}, no_partitions, "topics.partitions 0: must be 1 or more"},
    {"replication factor", {NULL, NULL}, no_replicas, "topics.replication_factor 0"},
    {"record beyond librdkafka's limit",
     {NULL, NULL},
     huge_records,
     "kafka.message_max 1000000001: must be 1000 to 1000000000"},
    {"transaction timeout", {NULL, NULL}, short_timeout, "transaction.timeout.ms"},
};

static void checks(void **state)
{
    const struct config_case *c = *state;
    struct kafka_options options = {
        .bootstrap_servers = "127.0.0.1:1",
        .transactional_id = "orders",
        .position_topic = "millrace.position",
        .partitions = 3,
        .replication_factor = -1,
        .cleanup_policy = "",
        .transaction_timeout_ms = 60000,
        .timeout_ms = 1000,
        .message_max_bytes = 1000000,
        .queue_max_bytes = 8000000,
        .properties = &c->property,
        .property_count = c->property.name == NULL ? 0 : 1,
    };
    struct error err = {0};

    if (c->change != NULL)
        c->change(&options);
    assert_int_equal(kafka_options_check(&options, &err), c->expect == NULL);
    if (c->expect == NULL)
        return;
    assert_int_equal(err.kind, ERROR_CONFIG);
    if (strstr(err.text, c->expect) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", err.text, c->expect);
    assert_null(strstr(err.text, "hunter2"));
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(cases)];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = checks, .initial_state = &cases[i]};
    return cmocka_run_group_tests_name("kafka_config", tests, NULL, NULL);
}
