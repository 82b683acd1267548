/* kafka_config - options and properties -> librdkafka configurations. */
#ifndef SINKS_KAFKA_CONFIG_H
#define SINKS_KAFKA_CONFIG_H

#include <librdkafka/rdkafka.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "sinks/kafka.h"

/* NULL with ERROR_CONFIG.  Callbacks are the caller's to set.  `lane`: 0 to KAFKA_LANES - 1. */
rd_kafka_conf_t *kafka_config_producer(const struct kafka_options *options, size_t lane,
                                       struct error *err) MUST_CHECK;
/* Reads what is committed, tells of the end of a partition, belongs to no group. */
rd_kafka_conf_t *kafka_config_consumer(const struct kafka_options *options,
                                       struct error *err) MUST_CHECK;

#endif
