#include "sinks/kafka_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "millrace/buf.h"
#include "sinks/kafka_fault.h"

#define MESSAGE_FRAME_BYTES 4096 /* what librdkafka counts beside key, value and headers, amply */
#define MESSAGE_LEAST_BYTES 1000 /* librdkafka's limits */
#define MESSAGE_MOST_BYTES 1000000000
#define QUEUE_MAX_KBYTES                                                                           \
    "2147483647" /* the sink counts bytes itself, records' overhead included                       \
                  */

/* Ours, unless the operator sets them. */
static const struct kafka_property defaults[] = {
    {"client.id", "millrace"},
    {"compression.type", "lz4"},
    {"linger.ms", "20"}, /* full batches; a commit does not wait for it */
    {"batch.size", "1000000"},
    {"reconnect.backoff.max.ms", "500"}, /* 10 s by default: a broker that restarts is back
                                            sooner */
    {"socket.keepalive.enable", "true"},
    {"enable.metrics.push", "false"},
    {"log.thread.name", "false"},
};

/* Properties that are not the operator's to set, and what decides instead. */
static const struct kafka_property owned[] = {
    {"bootstrap.servers", "use the option kafka.bootstrap_servers"},
    {"metadata.broker.list", "use the option kafka.bootstrap_servers"},
    {"transactional.id", "use the option kafka.transactional_id"},
    {"transaction.timeout.ms", "use the option kafka.transaction_timeout"},
    {"enable.idempotence", "the option kafka.delivery decides it"},
    {"enable.gapless.guarantee", "the option kafka.delivery decides it"},
    {"acks", "the option kafka.delivery decides it"},
    {"request.required.acks", "the option kafka.delivery decides it"},
    {"max.in.flight", "the option kafka.delivery decides it"},
    {"max.in.flight.requests.per.connection", "the option kafka.delivery decides it"},
    {"retries", "the option kafka.delivery decides it"},
    {"message.send.max.retries", "the option kafka.delivery decides it"},
    {"queuing.strategy", "the option kafka.delivery decides it"},
    {"message.timeout.ms", "use the option kafka.transaction_timeout"},
    {"delivery.timeout.ms", "use the option kafka.transaction_timeout"},
    {"message.max.bytes", "use the option kafka.message_max"},
    {"queue.buffering.max.messages", "use the option kafka.queue_max"},
    {"queue.buffering.max.kbytes", "use the option kafka.queue_max"},
    {"partitioner", "a key's partition is its murmur2 hash, as with Java producers"},
    {"allow.auto.create.topics", "use the option topics.create"},
    {"isolation.level", "the position is always read as committed"},
    {"enable.partition.eof", "the position is always read to its end"},
    {"enable.auto.commit", "the position is kept in the position topic"},
    {"enable.auto.offset.store", "the position is kept in the position topic"},
    {"auto.offset.reset", "the position is kept in the position topic"},
    {"group.id", "the relay joins no consumer group"},
    {"delivery.report.only.error", "every delivery is counted"},
    {"enabled_events", "every delivery is counted"},
    {"log.queue", "log lines are taken over"},
    {"log_level", "log lines are taken over"},
    {"debug", "log lines are taken over"},
    {"plugin.library.paths", "no code is loaded into the relay"},
    {"ssl.engine.location", "no code is loaded into the relay"},
    {"internal.termination.signal", "signals belong to the relay"},
};

static const struct kafka_property *property_find(const struct kafka_property *in, size_t count,
                                                  const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(in[i].name, name) == 0)
            return &in[i];
    return NULL;
}

/* librdkafka quotes a bad value: not of these. */
static bool is_secret(const char *name)
{
    return strstr(name, "password") != NULL || strstr(name, "passphrase") != NULL ||
           strstr(name, "secret") != NULL || strstr(name, ".pem") != NULL ||
           strstr(name, "oauthbearer.config") != NULL;
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err)
{
    char text[512] = "";

    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return true;
    if (is_secret(name))
        (void)snprintf(text, sizeof text, "librdkafka refuses its value");
    return error_set(err, ERROR_CONFIG, "Kafka property \"%s\": %s", name, text);
}

static bool set_number(rd_kafka_conf_t *conf, const char *name, int64_t value, struct error *err)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return set(conf, name, text, err);
}

static bool set_properties(rd_kafka_conf_t *conf, const struct kafka_options *o, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (!set(conf, defaults[i].name, defaults[i].value, err))
            return false;
    for (size_t i = 0; i < o->property_count; i++) {
        const struct kafka_property *p = &o->properties[i];
        const struct kafka_property *ours = property_find(owned, ARRAY_LEN(owned), p->name);

        if (ours != NULL)
            return error_set(err, ERROR_CONFIG, "Kafka property \"%s\" cannot be set: %s", p->name,
                             ours->value);
        if (!set(conf, p->name, p->value, err))
            return false;
    }
    return set(conf, "bootstrap.servers", o->bootstrap_servers, err) &&
           set(conf, "allow.auto.create.topics", "false", err);
}

static bool set_transactional_id(rd_kafka_conf_t *conf, const struct kafka_options *o, size_t lane,
                                 struct error *err)
{
    struct buf id;
    bool ok;

    if (lane == 0)
        return set(conf, "transactional.id", o->transactional_id, err);
    buf_init(&id, SIZE_MAX);
    buf_printf(&id, "%s" KAFKA_SECOND_SUFFIX "%c", o->transactional_id, '\0');
    ok = id.failed ? error_set(err, ERROR_SYSTEM, "no memory for a transactional id")
                   : set(conf, "transactional.id", (const char *)id.at, err);
    buf_done(&id);
    return ok;
}

static bool set_producer(rd_kafka_conf_t *conf, const struct kafka_options *o, size_t lane,
                         struct error *err)
{
    size_t most = o->message_max_bytes;

    if (most < MESSAGE_LEAST_BYTES || most > MESSAGE_MOST_BYTES)
        return error_set(err, ERROR_CONFIG, "kafka.message_max %zu: must be %d to %d", most,
                         MESSAGE_LEAST_BYTES, MESSAGE_MOST_BYTES);
    most = most + MESSAGE_FRAME_BYTES < MESSAGE_MOST_BYTES ? most + MESSAGE_FRAME_BYTES
                                                           : MESSAGE_MOST_BYTES;
    if (!set_number(conf, "message.max.bytes", (int64_t)most, err) ||
        !set(conf, "queue.buffering.max.messages", "0", err) ||
        !set(conf, "queue.buffering.max.kbytes", QUEUE_MAX_KBYTES, err) ||
        !set(conf, "enable.idempotence", "true", err))
        return false;
    if (o->delivery == DELIVERY_AT_LEAST_ONCE)
        return set_number(conf, "message.timeout.ms", o->transaction_timeout_ms, err);
    return set(conf, "debug", "eos", err) && /* see kafka_notes_attach() */
           set_transactional_id(conf, o, lane, err) &&
           set_number(conf, "transaction.timeout.ms", o->transaction_timeout_ms, err);
}

static bool set_consumer(rd_kafka_conf_t *conf, struct error *err)
{
    return set(conf, "isolation.level", "read_committed", err) &&
           set(conf, "enable.partition.eof", "true", err) &&
           set(conf, "fetch.wait.max.ms", "20", err) && /* the end is found at once */
           set(conf, "enable.auto.commit", "false", err) &&
           set(conf, "enable.auto.offset.store", "false", err) &&
           set(conf, "auto.offset.reset", "earliest", err);
}

static rd_kafka_conf_t *conf_or_null(rd_kafka_conf_t *conf, bool ok)
{
    if (ok)
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

rd_kafka_conf_t *kafka_config_producer(const struct kafka_options *options, size_t lane,
                                       struct error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    return conf_or_null(conf, set_properties(conf, options, err) &&
                                  set_producer(conf, options, lane, err));
}

rd_kafka_conf_t *kafka_config_consumer(const struct kafka_options *options, struct error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    return conf_or_null(conf, set_properties(conf, options, err) && set_consumer(conf, err));
}

static bool topic_name_is_legal(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= 249 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static bool check_fields(const struct kafka_options *o, struct error *err)
{
    if (o->bootstrap_servers == NULL || o->bootstrap_servers[0] == '\0')
        return error_set(err, ERROR_CONFIG,
                         "kafka.bootstrap_servers is empty: name one broker or more");
    if (o->transactional_id == NULL || o->transactional_id[0] == '\0')
        return error_set(err, ERROR_CONFIG, "kafka.transactional_id is empty");
    if (o->position_topic == NULL || !topic_name_is_legal(o->position_topic))
        return error_set(
            err, ERROR_CONFIG,
            "kafka.position_topic \"%s\" is no topic name: 1 to 249 of A-Z a-z 0-9 . _ -",
            o->position_topic == NULL ? "" : o->position_topic);
    if (o->partitions < 1)
        return error_set(err, ERROR_CONFIG, "topics.partitions %" PRId32 ": must be 1 or more",
                         o->partitions);
    if (o->replication_factor != -1 &&
        (o->replication_factor < 1 || o->replication_factor > INT16_MAX))
        return error_set(err, ERROR_CONFIG,
                         "topics.replication_factor %" PRId32
                         ": must be 1 or more, or -1 for the broker's default",
                         o->replication_factor);
    return true;
}

/* Some conflicts, and files that cannot be read, only show when a producer is made; it is given no
 * broker to talk to. */
bool kafka_options_check(const struct kafka_options *options, struct error *err)
{
    struct kafka_notes notes;
    char text[512] = "";
    rd_kafka_conf_t *conf;
    rd_kafka_t *rk;

    if (!check_fields(options, err))
        return false;
    conf = kafka_config_producer(options, 0, err);
    if (conf == NULL)
        return false;
    kafka_notes_init(&notes, NULL);
    kafka_notes_attach(&notes, conf);
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", NULL, NULL, 0);
    rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (rk == NULL)
        rd_kafka_conf_destroy(conf);
    else
        rd_kafka_destroy(rk);
    kafka_notes_done(&notes);
    return rk != NULL || error_set(err, ERROR_CONFIG, "Kafka properties: %s", text);
}

const char *kafka_library_version(void)
{
    return rd_kafka_version_str();
}
