#include "sinks/kafka_producer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sinks/kafka_config.h"

#define REQUEST_MAX_BYTES (100 << 20)
#define HAND_OVER_BYTES ((size_t)1 << 20)
#define RECORD_OVERHEAD_BYTES 256 /* librdkafka's own struct for a record, and its queue entry */

void kafka_producer_wake(struct kafka_producer *p)
{
    uint64_t one = 1;

    (void)!write(p->wake_fd, &one, sizeof one); /* fails only when it is readable already */
}

void kafka_producer_drain_wake(struct kafka_producer *p)
{
    uint64_t count;

    (void)!read(p->wake_fd, &count, sizeof count);
}

void kafka_producer_fail(struct kafka_producer *p, const struct error *failure)
{
    (void)pthread_mutex_lock(&p->lock);
    if (p->failure.kind == ERROR_NONE)
        p->failure = *failure;
    (void)pthread_mutex_unlock(&p->lock);
    atomic_store(&p->failed, true);
    kafka_producer_wake(p);
}

bool kafka_producer_has_failed(struct kafka_producer *p, struct error *err)
{
    if (!atomic_load(&p->failed))
        return false;
    (void)pthread_mutex_lock(&p->lock);
    *err = p->failure;
    (void)pthread_mutex_unlock(&p->lock);
    return true;
}

static bool is_fencing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/* The coordinator fences a producer whose transaction ran out of time in just the way it does when
 * another instance comes up.  Only our own clock tells which. */
static bool fenced(const struct kafka_producer *p, const struct kafka_lane *lane, const char *what,
                   struct error *err)
{
    int64_t begun_ms = atomic_load(&lane->begun_ms);
    int64_t age_ms = kafka_clock_ms() - begun_ms;

    if (begun_ms == 0)
        return error_set(err, ERROR_LINK,
                         "%s: another relay with the transactional id \"%s\" is starting", what,
                         p->options->transactional_id);
    if (age_ms >= p->options->transaction_timeout_ms)
        return error_set(err, ERROR_LINK,
                         "%s: the transaction was open for %" PRId64
                         " ms, longer than kafka.transaction_timeout %" PRId64
                         ": the broker gave it up",
                         what, age_ms, p->options->transaction_timeout_ms);
    return error_set(err, ERROR_FENCED,
                     "%s: another relay with the transactional id \"%s\" has taken over: stop one "
                     "of the two, or give "
                     "it another id",
                     what, p->options->transactional_id);
}

bool kafka_producer_fault(struct kafka_producer *p, const struct kafka_lane *lane,
                          rd_kafka_resp_err_t code, const char *detail, const char *what,
                          struct error *err)
{
    char text[512] = "";
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(lane->rk, text, sizeof text);

    if (is_fencing(code) || is_fencing(fatal))
        return fenced(p, lane, what, err);
    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR && kafka_fault_kind(code) == ERROR_LINK)
        return kafka_fault_set(err, fatal, text, "%s", what);
    return kafka_fault_set(err, code, detail, "%s", what);
}

static struct kafka_lane *lane_of(struct kafka_producer *p, const rd_kafka_t *rk)
{
    return &p->lanes[p->lane_count > 1 && p->lanes[1].rk == rk];
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka_producer *p = opaque;
    struct error failure = {0};

    if (code != RD_KAFKA_RESP_ERR__FATAL) {
        kafka_notes_on_error(rk, code, reason, &p->notes);
        return;
    }
    (void)kafka_producer_fault(p, lane_of(p, rk), RD_KAFKA_RESP_ERR__FATAL, reason, "producer",
                               &failure);
    kafka_producer_fail(p, &failure);
}

static void fail_delivery(struct kafka_producer *p, const struct kafka_lane *lane,
                          const rd_kafka_message_t *message)
{
    struct error failure = {0};
    size_t bytes = message->len + message->key_len;
    const char *detail = NULL;
    char what[320];

    if (message->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT && bytes > REQUEST_MAX_BYTES)
        detail =
            "timed out: a broker drops requests beyond its socket.request.max.bytes, 100 MiB where "
            "nobody changed it";
    (void)snprintf(what, sizeof what, "topic %s: a record of %zu bytes was not delivered",
                   rd_kafka_topic_name(message->rkt), bytes);
    (void)kafka_producer_fault(p, lane, message->err, detail, what, &failure);
    kafka_producer_fail(p, &failure);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_producer *p = opaque;
    size_t weight = (size_t)(uintptr_t)message->_private;
    size_t left = atomic_fetch_sub(&p->owed_bytes, weight) - weight;

    p->notes.heard = true;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && !atomic_load(&p->failed))
        fail_delivery(p, lane_of(p, rk), message);
    if (atomic_load(&p->wants_room) && left <= atomic_load(&p->room_mark) &&
        atomic_exchange(&p->wants_room, false))
        kafka_producer_wake(p);
}

static bool make(struct kafka_producer *p, size_t number, struct error *err)
{
    rd_kafka_conf_t *conf = kafka_config_producer(p->options, number, err);
    struct kafka_lane *lane = &p->lanes[number];
    char text[512] = "";

    if (conf == NULL)
        return false;
    kafka_notes_attach(&p->notes, conf);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    lane->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (lane->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ERROR_CONFIG, "Kafka properties: %s", text);
    }
    lane->queue = rd_kafka_queue_get_main(lane->rk);
    return true;
}

bool kafka_producer_init(struct kafka_producer *p, const struct kafka_options *options,
                         struct error *err)
{
    memset(p, 0, sizeof *p);
    p->options = options;
    kafka_notes_init(&p->notes, options->bootstrap_servers);
    (void)pthread_mutex_init(&p->lock, NULL);
    p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->wake_fd < 0)
        return error_os(err, errno, "Kafka sink: eventfd");
    p->lane_count = options->delivery == DELIVERY_EXACTLY_ONCE ? KAFKA_LANES : 1;
    for (size_t i = 0; i < p->lane_count; i++)
        if (!make(p, i, err))
            return false;
    return true;
}

void kafka_producer_done(struct kafka_producer *p)
{
    for (size_t i = 0; i < KAFKA_LANES; i++)
        if (p->lanes[i].rk != NULL) {
            rd_kafka_queue_destroy(p->lanes[i].queue);
            rd_kafka_destroy(p->lanes[i].rk);
        }
    if (p->wake_fd >= 0)
        (void)close(p->wake_fd);
    (void)pthread_mutex_destroy(&p->lock);
    kafka_notes_done(&p->notes);
}

struct kafka_lane *kafka_producer_filling(struct kafka_producer *p)
{
    return &p->lanes[atomic_load(&p->filling)];
}

bool kafka_producer_begin(struct kafka_producer *p, struct error *err)
{
    struct kafka_lane *lane = kafka_producer_filling(p);
    rd_kafka_error_t *error;
    rd_kafka_resp_err_t code;

    if (lane->open)
        return true;
    atomic_store(&lane->begun_ms, kafka_clock_ms());
    error = rd_kafka_begin_transaction(lane->rk);
    if (error == NULL) {
        lane->open = true;
        return true;
    }
    code = rd_kafka_error_code(error);
    (void)kafka_producer_fault(p, lane, code, rd_kafka_error_string(error),
                               "begin of a transaction", err);
    rd_kafka_error_destroy(error);
    return false;
}

size_t kafka_producer_weight(size_t record_bytes)
{
    return record_bytes + RECORD_OVERHEAD_BYTES;
}

bool kafka_producer_has_room(struct kafka_producer *p, size_t weight)
{
    size_t most = p->options->queue_max_bytes;
    size_t owed = atomic_load(&p->owed_bytes);
    size_t mark = weight < most ? most - weight : 0;

    if (owed <= mark)
        return true;
    atomic_store(&p->room_mark, mark < most / 2 ? mark : most / 2);
    atomic_store(&p->wants_room, true);
    /* What was owed may have been delivered in between, with nobody left to wake us. */
    if (atomic_load(&p->owed_bytes) > atomic_load(&p->room_mark))
        return false;
    atomic_store(&p->wants_room, false);
    return true;
}

/* Where a record goes, and its parts as librdkafka wants them. */
struct sending {
    rd_kafka_topic_t *topic;
    int32_t partition;
    int flags; /* how the value is taken; a key is always copied */
    void *key, *value;
    void *opaque; /* comes back in the delivery report */
};

static rd_kafka_resp_err_t send_plain(const struct sending *s, const struct record *r)
{
    if (rd_kafka_produce(s->topic, s->partition, s->flags, s->value, r->value.len, s->key,
                         r->key.len, s->opaque) == 0)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    return rd_kafka_last_error();
}

static rd_kafka_resp_err_t send_with_headers(rd_kafka_t *rk, const struct sending *s,
                                             const struct record *r)
{
    rd_kafka_vu_t parts[6 + RECORD_HEADERS_MAX];
    rd_kafka_resp_err_t code;
    rd_kafka_error_t *error;
    size_t n = 0;

    parts[n].vtype = RD_KAFKA_VTYPE_RKT;
    parts[n++].u.rkt = s->topic;
    parts[n].vtype = RD_KAFKA_VTYPE_PARTITION;
    parts[n++].u.i32 = s->partition;
    parts[n].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[n++].u.i = s->flags;
    parts[n].vtype = RD_KAFKA_VTYPE_VALUE;
    parts[n].u.mem.ptr = s->value;
    parts[n++].u.mem.size = r->value.len;
    parts[n].vtype = RD_KAFKA_VTYPE_KEY;
    parts[n].u.mem.ptr = s->key;
    parts[n++].u.mem.size = r->key.len;
    parts[n].vtype = RD_KAFKA_VTYPE_OPAQUE;
    parts[n++].u.ptr = s->opaque;
    for (size_t i = 0; i < r->header_count; i++) {
        parts[n].vtype = RD_KAFKA_VTYPE_HEADER;
        parts[n].u.header.name = r->headers[i].name;
        parts[n].u.header.val = r->headers[i].value.at;
        parts[n++].u.header.size = (ssize_t)r->headers[i].value.len;
    }
    error = rd_kafka_produceva(rk, parts, n);
    if (error == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return code;
}

/* librdkafka tells null from empty by the pointer, and takes no const; with F_COPY it only reads.
 */
static void *bytes_or_null(bool present, struct slice bytes)
{
    union {
        const void *in;
        void *out;
    } at = {.in = bytes.len > 0 ? (const void *)bytes.at : ""};

    return present ? at.out : NULL;
}

/* A value of many megabytes would otherwise be there twice. */
static bool is_handed_over(const struct record *record)
{
    return record->value_buf != NULL && record->value.len >= HAND_OVER_BYTES;
}

void *kafka_producer_owe(struct kafka_producer *p, size_t bytes)
{
    size_t weight = kafka_producer_weight(bytes);

    atomic_fetch_add(&p->owed_bytes, weight);
    return (void *)(uintptr_t)weight;
}

static bool not_taken(struct kafka_producer *p, const struct kafka_lane *lane,
                      const struct kafka_topic *topic, size_t bytes, rd_kafka_resp_err_t code,
                      struct error *err)
{
    char what[320];

    (void)snprintf(what, sizeof what, "topic %s: a record of %zu bytes was not taken", topic->name,
                   bytes);
    return kafka_producer_fault(p, lane, code, NULL, what, err);
}

bool kafka_producer_send(struct kafka_producer *p, const struct kafka_topic *topic,
                         int32_t partition, const struct record *record, size_t bytes,
                         struct error *err)
{
    const struct kafka_lane *lane = kafka_producer_filling(p);
    bool handed_over = is_handed_over(record);
    struct sending s = {.topic = topic->handles[lane - p->lanes],
                        .partition = partition,
                        .flags = handed_over ? RD_KAFKA_MSG_F_FREE : RD_KAFKA_MSG_F_COPY,
                        .key = bytes_or_null(record->has_key, record->key),
                        .value = bytes_or_null(record->has_value, record->value),
                        .opaque = kafka_producer_owe(p, bytes)};
    rd_kafka_resp_err_t code;

    code = record->header_count == 0 ? send_plain(&s, record)
                                     : send_with_headers(lane->rk, &s, record);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (handed_over)
            (void)buf_take(record->value_buf); /* librdkafka's now */
        return true;
    }
    atomic_fetch_sub(&p->owed_bytes, kafka_producer_weight(bytes));
    return not_taken(p, lane, topic, bytes, code, err);
}

bool kafka_producer_send_batch(struct kafka_producer *p, const struct kafka_topic *topic,
                               int32_t partition, rd_kafka_message_t *records, size_t count,
                               struct error *err)
{
    const struct kafka_lane *lane = kafka_producer_filling(p);
    rd_kafka_topic_t *handle = topic->handles[lane - p->lanes];

    if ((size_t)rd_kafka_produce_batch(handle, partition, RD_KAFKA_MSG_F_COPY, records,
                                       (int)count) == count)
        return true;
    for (size_t i = 0; i < count; i++)
        if (records[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return not_taken(p, lane, topic, records[i].len + records[i].key_len, records[i].err,
                             err);
    return error_set(err, ERROR_LINK, "topic %s: a record was not taken", topic->name);
}
