#include "sinks/kafka_topics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BROKER_MESSAGE_MAX_BYTES 1048588 /* max.message.bytes where nobody changed it */
#define MESSAGE_FRAME_BYTES 65536
#define DESCRIBE_MS 2000
#define POSITION_SEGMENT_BYTES                                                                     \
    "16777216" /* compaction leaves the newest segment alone: keep it small */

/* What a missing topic is made with, and an existing one held against. */
struct wanted {
    const char *name;
    int32_t partitions;
    bool check_partitions;
    const struct kafka_options *options;
    const struct kafka_property *configs;
    size_t config_count;
};

enum kafka_lookup kafka_topic_look_up(rd_kafka_t *rk, rd_kafka_topic_t *handle, int timeout_ms,
                                      int32_t *out_partitions, struct error *err)
{
    const struct rd_kafka_metadata *reply = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, handle, &reply, timeout_ms);
    int32_t partitions = 0;

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && reply->topic_cnt == 1) {
        code = reply->topics[0].err;
        partitions = reply->topics[0].partition_cnt;
    }
    if (reply != NULL)
        rd_kafka_metadata_destroy(reply);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return LOOKUP_MISSING;
    if (kafka_fault_kind(code) == ERROR_CONFIG) {
        (void)kafka_fault_set(err, code, NULL, "topic %s", rd_kafka_topic_name(handle));
        return LOOKUP_FAILED;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || partitions == 0)
        return LOOKUP_UNSURE;
    *out_partitions = partitions;
    return LOOKUP_FOUND;
}

static bool refuse_missing(const struct wanted *w, struct error *err)
{
    char configs[160] = "";
    size_t used = 0;

    for (size_t i = 0; i < w->config_count && used < sizeof configs; i++) {
        int n = snprintf(configs + used, sizeof configs - used, " --config %s=%s",
                         w->configs[i].name, w->configs[i].value);

        used += n < 0 ? 0 : (size_t)n;
    }
    return error_set(
        err, ERROR_CONFIG,
        "topic %s is missing and topics.create is off: kafka-topics.sh --bootstrap-server %s "
        "--create --topic %s --partitions %" PRId32 "%s",
        w->name, w->options->bootstrap_servers, w->name, w->partitions, configs);
}

static rd_kafka_NewTopic_t *describe_new(const struct wanted *w, struct error *err)
{
    char text[256] = "";
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(
        w->name, w->partitions, w->options->replication_factor, text, sizeof text);

    if (made == NULL) {
        (void)error_set(err, ERROR_CONFIG, "topic %s: %s", w->name, text);
        return NULL;
    }
    for (size_t i = 0; i < w->config_count; i++)
        (void)rd_kafka_NewTopic_set_config(made, w->configs[i].name, w->configs[i].value);
    return made;
}

/* The answer to an admin request; NULL: err says why there is none. */
static rd_kafka_event_t *await_event(rd_kafka_t *rk, rd_kafka_queue_t *queue,
                                     const struct kafka_wait *wait, const char *what,
                                     struct error *err)
{
    rd_kafka_event_t *event = NULL;

    while (event == NULL) {
        event = rd_kafka_queue_poll(queue, kafka_wait_slice_ms(wait));
        if (event == NULL && !kafka_wait_more(wait, rk, what, err))
            return NULL;
    }
    return event;
}

static bool check_created(const struct wanted *w, rd_kafka_event_t *event, struct error *err)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics;
    size_t count = 0;
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    const char *text = rd_kafka_event_error_string(event);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && result != NULL) {
        topics = rd_kafka_CreateTopics_result_topics(result, &count);
        if (count == 1) {
            code = rd_kafka_topic_result_error(topics[0]);
            text = rd_kafka_topic_result_error_string(topics[0]);
        }
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return true;
    return kafka_fault_set(err, code, text, "topic %s could not be created", w->name);
}

static bool create(rd_kafka_t *rk, const struct wanted *w, const struct kafka_wait *wait,
                   struct error *err)
{
    rd_kafka_NewTopic_t *made = describe_new(w, err);
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;
    char what[320];
    bool ok;

    if (made == NULL)
        return false;
    queue = rd_kafka_queue_new(rk);
    options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, KAFKA_SLICE_MS, NULL, 0);
    rd_kafka_CreateTopics(rk, &made, 1, options, queue);
    (void)snprintf(what, sizeof what, "topic %s is missing and is to be created", w->name);
    event = await_event(rk, queue, wait, what, err);
    ok = event != NULL && check_created(w, event, err);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(made);
    return ok;
}

static bool check_partitions(const struct wanted *w, int32_t partitions, struct error *err)
{
    if (!w->check_partitions || partitions == w->partitions)
        return true;
    return error_set(
        err, ERROR_CONFIG,
        "topic %s has %" PRId32 " partitions, it should have %" PRId32
        ": in a topic that has grown a key is in two partitions and its order is lost: make "
        "the topic anew, or set topics.partitions to what it has always had",
        w->name, partitions, w->partitions);
}

static bool ensure(rd_kafka_t *rk, const struct wanted *w, const struct kafka_wait *wait,
                   struct kafka_topic *topic, struct error *err)
{
    bool created = false;
    int32_t partitions = 0;
    char what[320];

    (void)snprintf(what, sizeof what, "topic %s", w->name);
    if (topic->handle == NULL)
        topic->handle = rd_kafka_topic_new(rk, w->name, NULL);
    if (topic->handle == NULL)
        return kafka_fault_set(err, rd_kafka_last_error(), NULL, "%s", what);
    for (;;) {
        switch (
            kafka_topic_look_up(rk, topic->handle, kafka_wait_slice_ms(wait), &partitions, err)) {
        case LOOKUP_FOUND:
            if (!check_partitions(w, partitions, err))
                return false;
            topic->partitions = partitions;
            return true;
        case LOOKUP_MISSING:
            if (!w->options->create_topics)
                return refuse_missing(w, err);
            if (!created && !create(rk, w, wait, err))
                return false;
            created = true;
            break;
        case LOOKUP_UNSURE:
            break;
        case LOOKUP_FAILED:
            return false;
        }
        if (!kafka_wait_more(wait, rk, what, err))
            return false;
    }
}

bool kafka_topic_ensure(rd_kafka_t *rk, const struct kafka_options *options, const char *name,
                        const struct kafka_wait *wait, struct kafka_topic *topic, struct error *err)
{
    struct kafka_property configs[2];
    struct wanted w = {name, options->partitions, options->check_partitions, options, configs, 0};
    char most[24];

    if (options->cleanup_policy != NULL && options->cleanup_policy[0] != '\0')
        configs[w.config_count++] =
            (struct kafka_property){"cleanup.policy", options->cleanup_policy};
    if (options->message_max_bytes > BROKER_MESSAGE_MAX_BYTES) {
        (void)snprintf(most, sizeof most, "%zu", options->message_max_bytes + MESSAGE_FRAME_BYTES);
        configs[w.config_count++] = (struct kafka_property){"max.message.bytes", most};
    }
    return ensure(rk, &w, wait, topic, err);
}

/* "delete" would one day forget the position.  A broker that does not tell, or not us, is no
 * obstacle. */
static bool check_compacted(const char *name, rd_kafka_event_t *event, struct error *err)
{
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    const rd_kafka_ConfigResource_t **resources;
    const rd_kafka_ConfigEntry_t **entries;
    size_t resource_count = 0, count = 0;

    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR || result == NULL)
        return true;
    resources = rd_kafka_DescribeConfigs_result_resources(result, &resource_count);
    if (resource_count != 1 ||
        rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    entries = rd_kafka_ConfigResource_configs(resources[0], &count);
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);

        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "cleanup.policy") == 0 && value != NULL &&
            strcmp(value, "compact") != 0)
            return error_set(
                err, ERROR_CONFIG,
                "position topic %s has cleanup.policy=%s and would forget the position: "
                "kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config "
                "cleanup.policy=compact",
                name, value, name);
    }
    return true;
}

static bool ensure_compacted(rd_kafka_t *rk, const char *name, const struct kafka_wait *wait,
                             struct error *err)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    struct kafka_wait brief = {wait->notes, wait->stop, kafka_clock_ms() + DESCRIBE_MS};
    struct error ignored = {0};
    rd_kafka_event_t *event;
    bool ok;

    rd_kafka_DescribeConfigs(rk, &resource, 1, NULL, queue);
    event = await_event(rk, queue, &brief, "position topic's configuration", &ignored);
    ok = event == NULL || check_compacted(name, event, err);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy(resource);
    return ok;
}

bool kafka_topic_ensure_position(rd_kafka_t *rk, const struct kafka_options *options,
                                 const struct kafka_wait *wait, struct kafka_topic *topic,
                                 struct error *err)
{
    static const struct kafka_property configs[] = {{"cleanup.policy", "compact"},
                                                    {"segment.bytes", POSITION_SEGMENT_BYTES}};
    struct wanted w = {options->position_topic, 1, true, options, configs, ARRAY_LEN(configs)};

    return ensure(rk, &w, wait, topic, err) &&
           ensure_compacted(rk, options->position_topic, wait, err);
}

void kafka_topic_destroy(struct kafka_topic *topic)
{
    if (topic == NULL)
        return;
    if (topic->handle != NULL)
        rd_kafka_topic_destroy(topic->handle);
    free(topic);
}
