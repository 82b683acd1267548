/*
 * One transaction after the other:
 *
 *     put ... put -> commit -> (PUT_FULL) -> reap: REAP_COMMITTED
 *                                     `----> put ... put -> commit -> ...
 *
 * A Kafka transaction is begun at its first record.  What blocks runs on the helper thread of
 * kafka_transaction; put() answers PUT_FULL until all records of the transaction that is committed
 * are delivered, at least once also until its position is.  Its end is not waited for: the next
 * transaction is another producer's (see kafka_producer).  An event's records are handed over
 * all or none, so that a commit never cuts an event in two.
 */
#include "sinks/kafka.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"

#include "sinks/kafka_batch.h"
#include "sinks/kafka_producer.h"
#include "sinks/kafka_topics.h"
#include "sinks/kafka_transaction.h"
#include "sinks/murmur2.h"

#define OPEN_GRACE_MS 2000 /* the helper gives up by itself, and says why */

struct kafka_sink {
    struct sink sink;
    const struct kafka_options *options;
    struct recorder *recorder;
    int stop_fd;
    struct kafka_producer producer;
    struct kafka_batch *batch;
    struct kafka_transaction transaction;
    bool committing; /* until reap() has reported it */
    size_t committing_lane;
    /* Topics that no record may go to yet: those announced and not asked for, and those that the
     * helper is at. */
    struct kafka_topic *announced, *looked_up;
};

static struct kafka_sink *kafka_from(struct sink *sink)
{
    return (struct kafka_sink *)sink; /* the first member */
}

/* ---- recover ---- */

enum opening { OPENING, OPENED, OPENING_FAILED }; /* failed: err says why */

static enum opening look_at_opening(struct kafka_sink *k, struct error *err)
{
    struct pollfd fds[2] = {{k->producer.wake_fd, POLLIN, 0}, {k->stop_fd, POLLIN, 0}};

    (void)poll(fds, 2, KAFKA_SLICE_MS);
    kafka_producer_drain_wake(&k->producer);
    if (kafka_transaction_take(&k->transaction, JOB_OPEN))
        return OPENED;
    if (kafka_producer_has_failed(&k->producer, err))
        return OPENING_FAILED;
    if ((fds[1].revents & (POLLIN | POLLHUP)) == 0)
        return OPENING;
    (void)error_set(err, ERROR_STOPPED, "asked to stop while the Kafka producer was starting");
    return OPENING_FAILED;
}

static bool await_opening(struct kafka_sink *k, struct error *err)
{
    /* The helper waits for timeout_ms once for each lane to be let in, and once for the position.
     */
    int64_t waits = (int64_t)k->producer.lane_count + 1;
    int64_t until_ms = kafka_clock_ms() + waits * k->options->timeout_ms + OPEN_GRACE_MS;

    for (;;) {
        switch (look_at_opening(k, err)) {
        case OPENED:
            return true;
        case OPENING_FAILED:
            return false;
        case OPENING:
            break;
        }
        if (kafka_clock_ms() > until_ms)
            return error_set(err, ERROR_LINK, "the Kafka producer did not start in time");
    }
}

static bool kafka_recover(struct sink *sink, struct position *out_position, struct error *err)
{
    struct kafka_sink *k = kafka_from(sink);

    if (!kafka_transaction_start(&k->transaction, &k->producer, err))
        return false;
    kafka_transaction_ask(&k->transaction, JOB_OPEN);
    if (!await_opening(k, err))
        return error_wrap(err, "Kafka %s", k->options->bootstrap_servers);
    *out_position = k->transaction.position;
    return true;
}

/* ---- put ---- */

static size_t record_bytes(const struct record *r)
{
    size_t bytes = r->key.len + r->value.len;

    for (size_t i = 0; i < r->header_count; i++)
        bytes += strlen(r->headers[i].name) + r->headers[i].value.len;
    return bytes;
}

static bool refuse_size(const struct kafka_sink *k, const struct record *r, size_t bytes,
                        struct error *err)
{
    if (r->relation == NULL)
        return error_set(err, ERROR_CONFIG,
                         "a record of %zu bytes for topic %s is larger than kafka.message_max %zu: "
                         "raise it, and max.message.bytes of the topic",
                         bytes, r->topic->name, k->options->message_max_bytes);
    return error_set(
        err, ERROR_CONFIG,
        "table %.*s.%.*s: a record of %zu bytes for topic %s is larger than kafka.message_max "
        "%zu: raise it, and max.message.bytes of the topic",
        SLICE_ARGS(r->relation->schema), SLICE_ARGS(r->relation->name), bytes, r->topic->name,
        k->options->message_max_bytes);
}

static void announce(struct kafka_sink *k, struct topic *topic)
{
    struct kafka_topic *made;

    if (topic->attached != NULL)
        return;
    made = mem_new(struct kafka_topic);
    made->name = topic->name;
    made->is_single = topic->is_single;
    made->next = k->announced;
    topic->attached = made;
    k->announced = made;
}

/* A table's rows may follow: its topic is looked up together with those of others, since a thousand
 * of them one by one would take a minute. */
static enum put_outcome take_relation(struct kafka_sink *k, const struct relation *relation,
                                      struct error *err)
{
    struct topic *topic = recorder_topic(k->recorder, relation, err);

    if (topic == NULL)
        return sink_put_failed(&k->sink, err);
    announce(k, topic);
    return PUT_TAKEN;
}

/* True when the helper is asked to look topics up. */
static bool look_up_announced(struct kafka_sink *k)
{
    if (k->announced == NULL)
        return false;
    k->transaction.topics = k->looked_up = k->announced;
    k->announced = NULL;
    kafka_transaction_ask(&k->transaction, JOB_TOPICS);
    return true;
}

/* Could all records of one event be handed over now? */
static enum put_outcome check(struct kafka_sink *k, const struct records *records,
                              struct error *err)
{
    size_t weight = 0;

    for (size_t i = 0; i < records->count; i++) {
        size_t bytes = record_bytes(&records->at[i]);

        if (bytes > k->options->message_max_bytes) {
            (void)refuse_size(k, &records->at[i], bytes, err);
            return PUT_FAILED;
        }
        weight += kafka_producer_weight(bytes);
        announce(k, records->at[i].topic);
    }
    if (look_up_announced(k))
        return PUT_FULL;
    return kafka_producer_has_room(&k->producer, weight) ? PUT_TAKEN : PUT_FULL;
}

/* Records without a key keep their order too: all of one table go to one partition. */
static int32_t choose_partition(const struct record *r, int32_t partitions)
{
    if (r->has_key)
        return murmur2_partition(r->partition_key, partitions);
    return r->relation == NULL ? 0 : (int32_t)(r->relation->oid % (uint32_t)partitions);
}

static bool send_one(struct kafka_sink *k, const struct record *r, struct error *err)
{
    struct kafka_topic *topic = r->topic->attached;
    size_t bytes = record_bytes(r);

    if (!kafka_batch_add(k->batch, topic, choose_partition(r, topic->partitions), r, bytes, err))
        return false;
    k->sink.pending_records++;
    k->sink.pending_bytes += bytes;
    return true;
}

static bool send_all(struct kafka_sink *k, const struct records *records, struct error *err)
{
    if (records->count > 0 && k->options->delivery == DELIVERY_EXACTLY_ONCE &&
        !kafka_producer_begin(&k->producer, err))
        return false;
    for (size_t i = 0; i < records->count; i++)
        if (!send_one(k, &records->at[i], err))
            return false;
    return true;
}

static bool is_waiting(struct kafka_sink *k)
{
    if (k->looked_up != NULL && kafka_transaction_take(&k->transaction, JOB_TOPICS))
        k->looked_up = NULL;
    return (k->committing && atomic_load(&k->producer.filling) == k->committing_lane) ||
           k->looked_up != NULL || atomic_load(&k->producer.wants_room);
}

static enum put_outcome take(struct kafka_sink *k, const struct event *event, struct error *err)
{
    struct records records = {0};
    enum put_outcome outcome;

    k->sink.waiting.kind = ERROR_NONE;
    if (kafka_producer_has_failed(&k->producer, err))
        return PUT_FAILED;
    if (is_waiting(k))
        return PUT_FULL;
    if (event->kind == EVENT_RELATION)
        return take_relation(k, event->relation, err);
    if (look_up_announced(k))
        return PUT_FULL;
    if (!recorder_make(k->recorder, event, &records, err))
        return sink_put_failed(&k->sink, err);
    outcome = check(k, &records, err);
    if (outcome != PUT_TAKEN)
        return outcome;
    if (!send_all(k, &records, err))
        return PUT_FAILED;
    recorder_taken(k->recorder);
    k->sink.bad_values = records.bad_values;
    k->sink.bad_value_at = records.bad_value_at;
    return PUT_TAKEN;
}

/* Nothing is kept back while it is waited: there may be no room because of it. */
static enum put_outcome kafka_put(struct sink *sink, const struct event *event, struct error *err)
{
    struct kafka_sink *k = kafka_from(sink);
    enum put_outcome outcome = take(k, event, err);

    if (outcome == PUT_FULL && !kafka_batch_flush(k->batch, err))
        return PUT_FAILED;
    return outcome;
}

/* ---- commit, reap ---- */

static bool kafka_commit(struct sink *sink, const struct position *position, struct error *err)
{
    struct kafka_sink *k = kafka_from(sink);

    if (kafka_producer_has_failed(&k->producer, err) || !kafka_batch_flush(k->batch, err))
        return false;
    k->transaction.position = *position;
    k->committing = true;
    k->committing_lane = atomic_load(&k->producer.filling);
    k->sink.pending_records = 0;
    k->sink.pending_bytes = 0;
    kafka_transaction_ask(&k->transaction, JOB_COMMIT);
    return true;
}

static enum reap_outcome kafka_reap(struct sink *sink, struct error *err)
{
    struct kafka_sink *k = kafka_from(sink);
    bool failed;

    kafka_producer_drain_wake(&k->producer);
    if (!kafka_batch_flush(k->batch, err))
        return REAP_BROKEN;
    failed = atomic_load(&k->producer.failed); /* a commit that succeeded may do that, too */
    if (k->committing && kafka_transaction_take(&k->transaction, JOB_COMMIT)) {
        k->committing = false;
        if (atomic_load(&k->producer.failed))
            kafka_producer_wake(&k->producer); /* drained just now, and the next reap() has news */
        return REAP_COMMITTED;
    }
    return failed && kafka_producer_has_failed(&k->producer, err) ? REAP_BROKEN : REAP_PENDING;
}

static int kafka_fd(const struct sink *sink)
{
    return ((const struct kafka_sink *)sink)->producer.wake_fd;
}

static void kafka_explain(struct sink *sink, struct error *out)
{
    struct kafka_sink *k = kafka_from(sink);
    char note[KAFKA_NOTE_BYTES];
    const char *what = "records are being delivered";

    if (k->committing)
        what = "a transaction is being committed";
    if (k->looked_up != NULL)
        what = "topics are being looked up";
    kafka_notes_tell(&k->producer.notes, note);
    (void)error_set(out, ERROR_WAITING, "Kafka %s: %s: %s", k->options->bootstrap_servers, what,
                    note);
}

/* ---- close ---- */

static void release_topic(struct topic *topic, void *context)
{
    (void)context;
    kafka_topic_destroy(topic->attached);
    topic->attached = NULL;
}

static void kafka_close(struct sink *sink)
{
    struct kafka_sink *k = kafka_from(sink);

    if (k == NULL)
        return;
    kafka_transaction_stop(&k->transaction);
    if (k->recorder != NULL)
        recorder_each_topic(k->recorder, release_topic, NULL);
    kafka_producer_done(&k->producer);
    kafka_batch_destroy(k->batch);
    recorder_destroy(k->recorder);
    free(k);
}

static const struct sink_ops kafka_ops = {
    .name = "kafka",
    .recover = kafka_recover,
    .put = kafka_put,
    .commit = kafka_commit,
    .reap = kafka_reap,
    .fd = kafka_fd,
    .explain = kafka_explain,
    .close = kafka_close,
};

struct sink *kafka_sink_create(const struct kafka_options *options, struct recorder *recorder,
                               int stop_fd, struct error *err)
{
    struct kafka_sink *k = mem_new(struct kafka_sink);

    k->sink.ops = &kafka_ops;
    k->options = options;
    k->recorder = recorder;
    k->stop_fd = stop_fd;
    k->batch = kafka_batch_create(&k->producer);
    if (kafka_producer_init(&k->producer, options, err))
        return &k->sink;
    kafka_close(&k->sink);
    return NULL;
}
