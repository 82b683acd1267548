/*
 * kafka_position - the position record: where the relay is, kept next to what it has published.
 *
 *     topic  options.position_topic: one partition, compacted, shared by any number of relays
 *     key    the relay's name (its transactional id)
 *     value  the text form of include/millrace/position.h: versioned, with a checksum
 *
 * One record in each Kafka transaction; the last committed one under the key counts.  A null value
 * (written by an operator to make the relay forget) means none.
 */
#ifndef SINKS_KAFKA_POSITION_H
#define SINKS_KAFKA_POSITION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/position.h"
#include "sinks/kafka.h"
#include "sinks/kafka_producer.h"

/* Reads the last committed position.  With `fenced` (our own earlier writer can write no more)
 * everything that was in the partition is waited for, past other relays' open transactions, and so
 * is the topic itself.  A missing record, or else topic: out->known is false.  ERROR_GAP when the
 * record cannot be read. */
bool kafka_position_read(const struct kafka_options *options, bool fenced, const atomic_bool *stop,
                         int64_t until_ms, struct position *out, struct error *err) MUST_CHECK;

/* Hands the position record to the producer. */
bool kafka_position_send(struct kafka_producer *p, const struct kafka_topic *topic,
                         const struct position *position, struct error *err) MUST_CHECK;

#endif
