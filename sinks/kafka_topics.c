#include "sinks/kafka_topics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BROKER_MESSAGE_MAX_BYTES 1048588 /* max.message.bytes where nobody changed it */
#define MESSAGE_FRAME_BYTES 65536
#define DESCRIBE_MS 2000
#define CREATE_AT_ONCE 200 /* a controller takes a request of a few thousand records as a whole */
#define CREATE_MS 5000
#define EACH_MS 20 /* what a topic of a list may take beyond the time for one */
#define POSITION_SEGMENT_BYTES                                                                     \
    "16777216" /* compaction leaves the newest segment alone: keep it small */

/* What missing topics are made with, and existing ones held against. */
struct wanted {
    int32_t partitions;
    bool check_partitions;
    const struct kafka_options *options;
    const struct kafka_property *configs;
    size_t config_count;
};

static enum kafka_lookup judge(rd_kafka_resp_err_t code, const char *name, int32_t partitions,
                               struct error *err)
{
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return LOOKUP_MISSING;
    if (kafka_fault_kind(code) == ERROR_CONFIG) {
        (void)kafka_fault_set(err, code, NULL, "topic %s", name);
        return LOOKUP_FAILED;
    }
    return code != RD_KAFKA_RESP_ERR_NO_ERROR || partitions == 0 ? LOOKUP_UNSURE : LOOKUP_FOUND;
}

enum kafka_lookup kafka_topic_look_up(rd_kafka_t *rk, rd_kafka_topic_t *handle, int timeout_ms,
                                      int32_t *out_partitions, struct error *err)
{
    const struct rd_kafka_metadata *reply = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, handle, &reply, timeout_ms);
    int32_t partitions = 0;
    enum kafka_lookup outcome;

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && reply->topic_cnt == 1) {
        code = reply->topics[0].err;
        partitions = reply->topics[0].partition_cnt;
    }
    if (reply != NULL)
        rd_kafka_metadata_destroy(reply);
    outcome = judge(code, rd_kafka_topic_name(handle), partitions, err);
    if (outcome == LOOKUP_FOUND)
        *out_partitions = partitions;
    return outcome;
}

static int32_t partitions_of(const struct wanted *w, const struct kafka_topic *topic)
{
    return topic->is_single ? 1 : w->partitions;
}

static bool refuse_missing(const struct wanted *w, const struct kafka_topic *topic,
                           struct error *err)
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
        topic->name, w->options->bootstrap_servers, topic->name, partitions_of(w, topic), configs);
}

static rd_kafka_NewTopic_t *describe_new(const struct wanted *w, const struct kafka_topic *topic,
                                         struct error *err)
{
    char text[256] = "";
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(
        topic->name, partitions_of(w, topic), w->options->replication_factor, text, sizeof text);

    if (made == NULL) {
        (void)error_set(err, ERROR_CONFIG, "topic %s: %s", topic->name, text);
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

static bool check_created(rd_kafka_event_t *event, const char *what, struct error *err)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics;
    size_t count = 0;

    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR || result == NULL)
        return kafka_fault_set(err, rd_kafka_event_error(event), rd_kafka_event_error_string(event),
                               "%s", what);
    topics = rd_kafka_CreateTopics_result_topics(result, &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(topics[i]);

        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            return kafka_fault_set(err, code, rd_kafka_topic_result_error_string(topics[i]),
                                   "topic %s could not be created",
                                   rd_kafka_topic_result_name(topics[i]));
    }
    return true;
}

static bool ask_to_create(rd_kafka_t *rk, rd_kafka_NewTopic_t **made, size_t count,
                          const char *first, const struct kafka_wait *wait, struct error *err)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_event_t *event;
    char what[320];
    bool ok;

    (void)rd_kafka_AdminOptions_set_operation_timeout(options, CREATE_MS, NULL, 0);
    rd_kafka_CreateTopics(rk, made, count, options, queue);
    (void)snprintf(what, sizeof what,
                   count == 1 ? "topic %s is missing and is to be created"
                              : "topic %s and others are missing and are to be "
                                "created",
                   first);
    event = await_event(rk, queue, wait, what, err);
    ok = event != NULL && check_created(event, what, err);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return ok;
}

/* Makes those of the list that are not known, CREATE_AT_ONCE of them at most; *list moves behind
 * what was looked at. */
static bool create_some(rd_kafka_t *rk, const struct wanted *w, const struct kafka_wait *wait,
                        const struct kafka_topic **list, struct error *err)
{
    rd_kafka_NewTopic_t *made[CREATE_AT_ONCE];
    const char *first = NULL;
    size_t count = 0;
    bool ok = true;

    for (; *list != NULL && count < CREATE_AT_ONCE && ok; *list = (*list)->next) {
        if ((*list)->partitions > 0)
            continue;
        first = first == NULL ? (*list)->name : first;
        made[count] = describe_new(w, *list, err);
        ok = made[count] != NULL;
        count += ok;
    }
    if (ok && count > 0)
        ok = ask_to_create(rk, made, count, first, wait, err);
    rd_kafka_NewTopic_destroy_array(made, count);
    return ok;
}

static bool create_missing(rd_kafka_t *rk, const struct wanted *w, const struct kafka_wait *wait,
                           const struct kafka_topic *list, struct error *err)
{
    while (list != NULL)
        if (!create_some(rk, w, wait, &list, err))
            return false;
    return true;
}

static bool check_partitions(const struct wanted *w, const struct kafka_topic *topic,
                             int32_t partitions, struct error *err)
{
    if (!w->check_partitions || partitions == partitions_of(w, topic))
        return true;
    if (topic->is_single)
        return error_set(err, ERROR_CONFIG,
                         "topic %s has %" PRId32
                         " partitions, it should have 1: it is read for its "
                         "order, which several do not keep: make it anew, or set "
                         "topics.check_partitions: false",
                         topic->name, partitions);
    return error_set(
        err, ERROR_CONFIG,
        "topic %s has %" PRId32 " partitions, it should have %" PRId32
        ": in a topic that has grown a key is in two partitions and its order is lost: make "
        "the topic anew, or set topics.partitions to what it has always had",
        topic->name, partitions, w->partitions);
}

bool kafka_topics_open(rd_kafka_t *rk, size_t lane, struct kafka_topic *list, struct error *err)
{
    for (; list != NULL; list = list->next) {
        if (list->handles[lane] == NULL)
            list->handles[lane] = rd_kafka_topic_new(rk, list->name, NULL);
        if (list->handles[lane] == NULL)
            return kafka_fault_set(err, rd_kafka_last_error(), NULL, "topic %s", list->name);
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct rd_kafka_metadata_topic *one = a, *other = b;

    return strcmp(one->topic, other->topic);
}

/* What a reply says of one topic of the list. */
static enum kafka_lookup take_answer(const struct wanted *w, const struct rd_kafka_metadata *reply,
                                     struct kafka_topic *topic, struct error *err)
{
    union {
        const char *in;
        char *out;
    } name = {.in = topic->name}; /* the struct has no const; nothing is written to it */
    struct rd_kafka_metadata_topic sought = {.topic = name.out};
    const struct rd_kafka_metadata_topic *found =
        bsearch(&sought, reply->topics, (size_t)reply->topic_cnt, sizeof *reply->topics, by_name);
    enum kafka_lookup outcome;

    if (found == NULL)
        return LOOKUP_UNSURE;
    outcome = judge(found->err, topic->name, found->partition_cnt, err);
    if (outcome != LOOKUP_FOUND)
        return outcome;
    if (!check_partitions(w, topic, found->partition_cnt, err))
        return LOOKUP_FAILED;
    topic->partitions = found->partition_cnt;
    return LOOKUP_FOUND;
}

/* The worst of what is told of them. */
static enum kafka_lookup take_answers(const struct wanted *w, const struct rd_kafka_metadata *reply,
                                      struct kafka_topic *list,
                                      const struct kafka_topic **out_missing, struct error *err)
{
    enum kafka_lookup worst = LOOKUP_FOUND;

    qsort(reply->topics, (size_t)reply->topic_cnt, sizeof *reply->topics, by_name);
    for (; list != NULL; list = list->next) {
        enum kafka_lookup outcome =
            list->partitions > 0 ? LOOKUP_FOUND : take_answer(w, reply, list, err);

        if (outcome == LOOKUP_FAILED)
            return outcome;
        if (outcome == LOOKUP_UNSURE || (outcome == LOOKUP_MISSING && worst == LOOKUP_FOUND))
            worst = outcome;
        if (outcome == LOOKUP_MISSING)
            *out_missing = list;
    }
    return worst;
}

/* One request for all of the list.  (librdkafka asks for every topic that it has a handle of when
 * it is not told which.) */
static enum kafka_lookup look_up(rd_kafka_t *rk, const struct wanted *w, int timeout_ms,
                                 struct kafka_topic *list, const struct kafka_topic **out_missing,
                                 struct error *err)
{
    const struct rd_kafka_metadata *reply = NULL;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(rk, 0, list->next == NULL ? list->handles[0] : NULL, &reply, timeout_ms);
    enum kafka_lookup outcome = LOOKUP_UNSURE;

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        outcome = take_answers(w, reply, list, out_missing, err);
    else
        outcome = judge(code, list->name, 0, err);
    if (reply != NULL)
        rd_kafka_metadata_destroy(reply);
    return outcome;
}

static bool ensure(rd_kafka_t *rk, const struct wanted *w, const struct kafka_wait *wait,
                   struct kafka_topic *list, struct error *err)
{
    bool created = false;
    unsigned tries = 0;
    char what[320];

    if (!kafka_topics_open(rk, 0, list, err))
        return false;
    (void)snprintf(what, sizeof what, list->next == NULL ? "topic %s" : "topic %s and others",
                   list->name);
    for (;;) {
        const struct kafka_topic *missing = list;

        switch (look_up(rk, w, kafka_wait_patient_ms(wait, tries++), list, &missing, err)) {
        case LOOKUP_FOUND:
            return true;
        case LOOKUP_MISSING:
            if (!w->options->create_topics)
                return refuse_missing(w, missing, err);
            if (!created && !create_missing(rk, w, wait, list, err))
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

bool kafka_topics_ensure(rd_kafka_t *rk, const struct kafka_options *options,
                         const struct kafka_wait *wait, struct kafka_topic *list, struct error *err)
{
    struct kafka_property configs[2];
    struct wanted w = {options->partitions, options->check_partitions, options, configs, 0};
    struct kafka_wait longer = *wait;
    char most[24];

    for (const struct kafka_topic *topic = list; topic != NULL; topic = topic->next)
        longer.until_ms += EACH_MS;
    if (options->cleanup_policy != NULL && options->cleanup_policy[0] != '\0')
        configs[w.config_count++] =
            (struct kafka_property){"cleanup.policy", options->cleanup_policy};
    if (options->message_max_bytes > BROKER_MESSAGE_MAX_BYTES) {
        (void)snprintf(most, sizeof most, "%zu", options->message_max_bytes + MESSAGE_FRAME_BYTES);
        configs[w.config_count++] = (struct kafka_property){"max.message.bytes", most};
    }
    return ensure(rk, &w, &longer, list, err);
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
    struct wanted w = {1, true, options, configs, ARRAY_LEN(configs)};

    topic->name = options->position_topic;
    return ensure(rk, &w, wait, topic, err) &&
           ensure_compacted(rk, options->position_topic, wait, err);
}

void kafka_topic_close(struct kafka_topic *topic)
{
    for (size_t i = 0; i < KAFKA_LANES; i++) {
        if (topic->handles[i] != NULL)
            rd_kafka_topic_destroy(topic->handles[i]);
        topic->handles[i] = NULL;
    }
}

void kafka_topic_destroy(struct kafka_topic *topic)
{
    if (topic == NULL)
        return;
    kafka_topic_close(topic);
    free(topic->queues);
    free(topic);
}
