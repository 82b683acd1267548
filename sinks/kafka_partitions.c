#include "sinks/kafka.h"

#include <stdlib.h>
#include <string.h>

#include "sinks/kafka_config.h"
#include "sinks/kafka_fault.h"

#define READ_MS 5000

static int by_name(const void *a, const void *b)
{
    const struct rd_kafka_metadata_topic *one = a, *other = b;

    return strcmp(one->topic, other->topic);
}

static int32_t partitions_of(const struct rd_kafka_metadata *reply, const char *name)
{
    union {
        const char *in;
        char *out;
    } sought = {.in = name}; /* the struct has no const; nothing is written to it */
    struct rd_kafka_metadata_topic key = {.topic = sought.out};
    const struct rd_kafka_metadata_topic *found =
        bsearch(&key, reply->topics, (size_t)reply->topic_cnt, sizeof *reply->topics, by_name);

    return found == NULL || found->err != RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : found->partition_cnt;
}

/* Asks for every topic there is: to ask for one by its name may make it. */
static bool ask(rd_kafka_t *rk, const struct kafka_wait *wait, const char *const *topics,
                size_t count, int32_t *out_partitions, struct error *err)
{
    const struct rd_kafka_metadata *reply = NULL;
    rd_kafka_resp_err_t code;
    unsigned tries = 0;

    for (;;) {
        code = rd_kafka_metadata(rk, 1, NULL, &reply, kafka_wait_patient_ms(wait, tries++));
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        if (kafka_fault_kind(code) == ERROR_CONFIG)
            return kafka_fault_set(err, code, NULL, "the list of topics");
        if (!kafka_wait_more(wait, rk, "the list of topics", err))
            return false;
    }
    qsort(reply->topics, (size_t)reply->topic_cnt, sizeof *reply->topics, by_name);
    for (size_t i = 0; i < count; i++)
        out_partitions[i] = partitions_of(reply, topics[i]);
    rd_kafka_metadata_destroy(reply);
    return true;
}

bool kafka_read_partitions(const struct kafka_options *options, const char *const *topics,
                           size_t count, int32_t *out_partitions, struct error *err)
{
    struct kafka_notes notes;
    rd_kafka_conf_t *conf = kafka_config_consumer(options, err);
    char text[512] = "";
    rd_kafka_t *rk;
    bool ok;

    if (conf == NULL)
        return false;
    kafka_notes_init(&notes, options->bootstrap_servers);
    kafka_notes_attach(&notes, conf);
    rd_kafka_conf_set_error_cb(conf, kafka_notes_on_error);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        ok = error_set(err, ERROR_CONFIG, "Kafka properties: %s", text);
    } else {
        struct kafka_wait wait = {
            &notes, NULL,
            kafka_clock_ms() + (options->timeout_ms < READ_MS ? options->timeout_ms : READ_MS)};

        ok = ask(rk, &wait, topics, count, out_partitions, err);
        rd_kafka_destroy(rk);
    }
    kafka_notes_done(&notes);
    return ok || error_wrap(err, "Kafka %s", options->bootstrap_servers);
}
