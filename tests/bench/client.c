#include "tests/bench/client.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_BYTES 512

void client_die(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

int64_t client_now_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void client_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[TEXT_BYTES];

    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK)
        client_die(name, text);
}

void client_set_pair(rd_kafka_conf_t *conf, const char *pair)
{
    const char *equals = strchr(pair, '=');
    char name[TEXT_BYTES];

    if (equals == NULL || (size_t)(equals - pair) >= sizeof name)
        client_die(pair, "is not NAME=VALUE");
    memcpy(name, pair, (size_t)(equals - pair));
    name[equals - pair] = '\0';
    client_set(conf, name, equals + 1);
}

rd_kafka_t *client_create(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char text[TEXT_BYTES];
    rd_kafka_t *kafka = rd_kafka_new(type, conf, text, sizeof text);

    if (kafka == NULL)
        client_die("client", text);
    return kafka;
}

void client_check(rd_kafka_error_t *error, const char *what)
{
    if (error != NULL)
        client_die(what, rd_kafka_error_string(error));
}
