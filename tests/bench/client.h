/* client - what the measuring programs share: they end with a message when anything fails. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdint.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

#include "millrace/attr.h"

#define CLIENT_TIMEOUT_MS 60000

/* Prints "program: what: why" and ends with 1. */
NORETURN void client_die(const char *what, const char *why);
int64_t client_now_ns(clockid_t clock);
void client_set(rd_kafka_conf_t *conf, const char *name, const char *value);
/* The same from one text "name=value". */
void client_set_pair(rd_kafka_conf_t *conf, const char *pair);
/* A client of that configuration, which it owns from then on. */
rd_kafka_t *client_create(rd_kafka_type_t type, rd_kafka_conf_t *conf) MUST_CHECK;
/* Ends the program unless error is NULL. */
void client_check(rd_kafka_error_t *error, const char *what);

#endif
