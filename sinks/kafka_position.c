#include "sinks/kafka_position.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "millrace/buf.h"

#include "sinks/kafka_config.h"
#include "sinks/kafka_topics.h"

#define RECORD_LIMIT_BYTES 65536
#define FIRST_WINDOW                                                                               \
    512 /* records read from the end; each further try reads this many times more */
#define WINDOW_FACTOR 16
#define FETCH_MS 100

struct reading {
    const struct kafka_options *options;
    struct kafka_notes notes;
    struct kafka_wait wait;
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    bool fenced;

    int64_t reached; /* every record before this offset was seen */
    int64_t target;  /* read up to here; -1: not known yet */
    bool found;      /* under our key */
    struct buf last; /* its value; empty: null */
};

static bool open_consumer(struct reading *r, struct error *err)
{
    rd_kafka_conf_t *conf = kafka_config_consumer(r->options, err);
    char text[512] = "";

    if (conf == NULL)
        return false;
    kafka_notes_attach(&r->notes, conf);
    rd_kafka_conf_set_error_cb(conf, kafka_notes_on_error);
    r->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (r->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ERROR_CONFIG, "Kafka properties: %s", text);
    }
    r->topic = rd_kafka_topic_new(r->rk, r->options->position_topic, NULL);
    return true;
}

static bool find_topic(struct reading *r, bool *out_found, struct error *err)
{
    int32_t partitions = 0;
    unsigned tries = 0;

    for (;;) {
        switch (kafka_topic_look_up(r->rk, r->topic, kafka_wait_patient_ms(&r->wait, tries++),
                                    &partitions, err)) {
        case LOOKUP_FOUND:
            *out_found = true;
            return true;
        case LOOKUP_MISSING:
            if (r->fenced)
                break; /* it was there a moment ago: this broker has not heard of it yet */
            *out_found = false;
            return true;
        case LOOKUP_UNSURE:
            break;
        case LOOKUP_FAILED:
            return false;
        }
        if (!kafka_wait_more(&r->wait, r->rk, "metadata of the position topic", err))
            return false;
    }
}

/* Where the partition begins and, as far as it is committed, ends. */
static bool find_ends(struct reading *r, int64_t *out_low, int64_t *out_high, struct error *err)
{
    unsigned tries = 0;

    while (rd_kafka_query_watermark_offsets(r->rk, r->options->position_topic, 0, out_low, out_high,
                                            kafka_wait_patient_ms(&r->wait, tries++)) !=
           RD_KAFKA_RESP_ERR_NO_ERROR)
        if (!kafka_wait_more(&r->wait, r->rk, "ends of the position topic", err))
            return false;
    return true;
}

static void take_record(struct reading *r, const rd_kafka_message_t *m)
{
    struct slice key = slice_text(r->options->transactional_id);

    r->reached = m->offset + 1;
    if (m->key == NULL || !slice_equal(slice_of(m->key, m->key_len), key))
        return;
    r->found = true;
    buf_reset(&r->last, RECORD_LIMIT_BYTES);
    buf_append(&r->last, m->payload, m->len);
}

/*
 * A read_committed reader comes to an end before the first record of any open transaction:
 *
 *     ... ours | other relay's, open ... | ours, committed | end of the log
 *              ^ EOF reached here                            ^ target
 *
 * so the end alone does not mean that our last record was seen.
 */
static void take_end(struct reading *r, int64_t offset)
{
    int64_t low = 0, high = 0;

    r->reached = offset;
    if (r->target >= 0)
        return;
    r->target = offset;
    if (r->fenced &&
        rd_kafka_get_watermark_offsets(r->rk, r->options->position_topic, 0, &low, &high) ==
            RD_KAFKA_RESP_ERR_NO_ERROR &&
        high > offset)
        r->target = high;
}

static bool take_message(struct reading *r, const rd_kafka_message_t *m, struct error *err)
{
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        take_end(r, m->offset);
    else if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        take_record(r, m);
    else if (kafka_fault_kind(m->err) == ERROR_CONFIG)
        return kafka_fault_set(err, m->err, NULL, "position topic %s", r->options->position_topic);
    return true;
}

static bool read_on(struct reading *r, struct error *err)
{
    static const char what[] = "reading the position topic";

    while (r->target < 0 || r->reached < r->target) {
        rd_kafka_message_t *m;
        bool ok, waits;

        if (!kafka_wait_wanted(&r->wait, what, err)) /* messages may keep coming */
            return false;
        m = rd_kafka_consume(r->topic, 0, FETCH_MS);
        ok = m == NULL || take_message(r, m, err);
        waits = m == NULL;
        if (m != NULL)
            rd_kafka_message_destroy(m);
        if (!ok)
            return false;
        if (!waits || kafka_wait_more(&r->wait, r->rk, what, err))
            continue;
        if (err->kind == ERROR_LINK && r->target >= 0)
            return error_wrap(
                err,
                "position topic %s: an open transaction at offset %" PRId64
                " hides what follows (kafka-transactions.sh find-hanging shows whose)",
                r->options->position_topic, r->reached);
        return false;
    }
    return true;
}

static bool read_window(struct reading *r, int64_t start, struct error *err)
{
    bool ok;

    r->target = -1;
    r->reached = start;
    if (rd_kafka_consume_start(r->topic, 0, start) != 0)
        return kafka_fault_set(err, rd_kafka_last_error(), NULL, "position topic %s",
                               r->options->position_topic);
    ok = read_on(r, err);
    (void)rd_kafka_consume_stop(r->topic, 0);
    return ok;
}

/* From the end backwards: the topic may hold a day's positions that are not compacted yet. */
static bool read_last(struct reading *r, struct error *err)
{
    int64_t low = 0, high = 0, window = FIRST_WINDOW, start;
    bool there = false;

    if (!find_topic(r, &there, err))
        return false;
    if (!there)
        return true;
    if (!find_ends(r, &low, &high, err))
        return false;
    do {
        start = high - low > window ? high - window : low;
        if (!read_window(r, start, err))
            return false;
        window *= WINDOW_FACTOR;
    } while (!r->found && start > low);
    return true;
}

static bool understand(const struct reading *r, struct position *out, struct error *err)
{
    if (!r->found || r->last.len == 0) {
        *out = (struct position){.known = false};
        return true;
    }
    if (r->last.failed)
        return error_gap(err, GAP_POSITION_UNREADABLE, "the record is larger than any position");
    return position_decode(buf_view(&r->last), out, err);
}

bool kafka_position_read(const struct kafka_options *options, bool fenced, const atomic_bool *stop,
                         int64_t until_ms, struct position *out, struct error *err)
{
    struct reading r = {.options = options, .fenced = fenced};
    bool ok;

    kafka_notes_init(&r.notes, options->bootstrap_servers);
    r.wait = (struct kafka_wait){&r.notes, stop, until_ms};
    buf_init(&r.last, RECORD_LIMIT_BYTES);
    ok = open_consumer(&r, err) && read_last(&r, err);
    if (ok && !understand(&r, out, err))
        ok = error_wrap(err, "position topic %s, key \"%s\"", options->position_topic,
                        options->transactional_id);
    if (r.topic != NULL)
        rd_kafka_topic_destroy(r.topic);
    if (r.rk != NULL)
        rd_kafka_destroy(r.rk);
    buf_done(&r.last);
    kafka_notes_done(&r.notes);
    return ok;
}

bool kafka_read_position(const struct kafka_options *options, struct position *out,
                         struct error *err)
{
    int64_t until_ms = kafka_clock_ms() + options->timeout_ms;

    return kafka_position_read(options, false, NULL, until_ms, out, err) ||
           error_wrap(err, "Kafka %s", options->bootstrap_servers);
}

bool kafka_position_send(struct kafka_producer *p, const struct kafka_topic *topic,
                         const struct position *position, struct error *err)
{
    struct slice key = slice_text(p->options->transactional_id);
    struct record record = {.has_key = true, .key = key, .has_value = true};
    struct buf text;
    bool ok;

    buf_init(&text, RECORD_LIMIT_BYTES);
    position_encode(position, &text);
    record.value = buf_view(&text);
    ok = text.failed ? error_set(err, ERROR_SYSTEM, "no memory for a position record")
                     : kafka_producer_send(p, topic, 0, &record, key.len + record.value.len, err);
    buf_done(&text);
    return ok;
}
