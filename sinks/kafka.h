/*
 * kafka - the sink that publishes records to Kafka topics, in transactions.
 *
 * Exactly-once (DESIGN: "the sink keeps the position"): the events of whole source transactions and
 * the position record are produced in one Kafka transaction (KIP-98).  recover() first calls
 * init_transactions, which fences any older instance, and only then reads the position, as a
 * read_committed consumer, to the last stable offset.  Any error after which a commit's outcome is
 * uncertain is REAP_BROKEN: the caller makes a new sink and recovers.
 */
#ifndef SINKS_KAFKA_H
#define SINKS_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/error.h"
#include "millrace/sink.h"
#include "sinks/recorder.h"

enum kafka_delivery { DELIVERY_EXACTLY_ONCE, DELIVERY_AT_LEAST_ONCE };

#define KAFKA_LANES 2 /* exactly once: transactions that may be on their way at a time */
#define KAFKA_SECOND_SUFFIX "#2"

struct kafka_property {
    const char *name;
    const char *value;
};

struct kafka_options {
    const char *bootstrap_servers;
    enum kafka_delivery delivery;
    const char
        *transactional_id; /* also the key of the position record: the relay's name.  A second
                            * one is taken too: this one with KAFKA_SECOND_SUFFIX behind it */
    const char *position_topic;
    bool create_topics;         /* make missing topics; else a missing topic is ERROR_CONFIG */
    int32_t partitions;         /* of data topics that we create; and what existing ones are checked
                                 * against when check_partitions is set */
    bool check_partitions;      /* an existing topic with another count is ERROR_CONFIG */
    int32_t replication_factor; /* -1: the broker's default */
    const char
        *cleanup_policy; /* "delete", "compact", "compact,delete"; "": the broker's default */
    int64_t transaction_timeout_ms;
    int64_t timeout_ms;       /* for recover() and every call outside a transaction */
    size_t message_max_bytes; /* the largest record that is handed to librdkafka */
    size_t queue_max_bytes;   /* handed over and not yet delivered: beyond it put() is PUT_FULL */
    const struct kafka_property *properties; /* any librdkafka property but those we own */
    size_t property_count;
};

/* Checks what can be checked without a broker: passes every property to librdkafka's configuration
 * and refuses those that we own (enable.idempotence, transactional.id, acks...).  ERROR_CONFIG. */
bool kafka_options_check(const struct kafka_options *options, struct error *err) MUST_CHECK;

/* Takes over `recorder`.  Options must outlive the sink.  stop_fd: see sink.h recover(). */
struct sink *kafka_sink_create(const struct kafka_options *options, struct recorder *recorder,
                               int stop_fd, struct error *err) MUST_CHECK;

/* Reads the stored position without fencing anybody, for `millrace status`: known == false when
 * there is none. */
bool kafka_read_position(const struct kafka_options *options, struct position *out,
                         struct error *err) MUST_CHECK;

/* How many partitions each of these topics has, 0 where there is none (or none that we may see),
 * for `millrace plan`: nothing is made.  Waits a few seconds at most. */
bool kafka_read_partitions(const struct kafka_options *options, const char *const *topics,
                           size_t count, int32_t *out_partitions, struct error *err) MUST_CHECK;

/* librdkafka's, as it is loaded: "2.15.1". */
const char *kafka_library_version(void);

#endif
