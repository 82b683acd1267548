/*
 * kafka_topics - are topics there, with as many partitions as they should have?  Those that are
 * missing are made.
 *
 * A broker takes about as long to answer for one topic as for a hundred, so they are asked for and
 * made many at a time.
 */
#ifndef SINKS_KAFKA_TOPICS_H
#define SINKS_KAFKA_TOPICS_H

#include <stdbool.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "sinks/kafka.h"
#include "sinks/kafka_fault.h"

struct kafka_topic {
    const char *name;                       /* somebody else's, who keeps it for longer */
    rd_kafka_topic_t *handles[KAFKA_LANES]; /* one for each librdkafka instance that writes to it */
    int32_t partitions;                     /* 0: not looked up yet */
    bool is_single;                         /* to have one partition, whatever others have */
    struct kafka_topic *next;               /* of those that are looked up together */
    struct kafka_queue *queues; /* kafka_batch's, one for each partition; NULL: none yet */
};

/* Makes those of a list that are not there of the handles `lane`, for `rk`. */
bool kafka_topics_open(rd_kafka_t *rk, size_t lane, struct kafka_topic *list,
                       struct error *err) MUST_CHECK;

enum kafka_lookup { LOOKUP_FOUND, LOOKUP_MISSING, LOOKUP_UNSURE, LOOKUP_FAILED };

/* One metadata request.  UNSURE: nobody answered within the slice; FAILED: err says what no retry
 * mends. */
enum kafka_lookup kafka_topic_look_up(rd_kafka_t *rk, rd_kafka_topic_t *handle, int timeout_ms,
                                      int32_t *out_partitions, struct error *err);

/* Topics for records, a list: made, where missing and create_topics is on, with the options'
 * partitions, replication factor and cleanup policy.  Fills each one's first handle, of `rk`, and
 * partitions; what is filled already is left alone. */
bool kafka_topics_ensure(rd_kafka_t *rk, const struct kafka_options *options,
                         const struct kafka_wait *wait, struct kafka_topic *list,
                         struct error *err) MUST_CHECK;
/* The position topic, whose name this sets: one partition, compacted. */
bool kafka_topic_ensure_position(rd_kafka_t *rk, const struct kafka_options *options,
                                 const struct kafka_wait *wait, struct kafka_topic *topic,
                                 struct error *err) MUST_CHECK;
void kafka_topic_close(struct kafka_topic *topic);
/* Closes it and frees it; NULL is fine. */
void kafka_topic_destroy(struct kafka_topic *topic);

#endif
