#include "sinks/kafka_transaction.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sinks/kafka_position.h"

#define IDLE_MS 1000
#define ABORT_MS 2000

static struct kafka_wait wait_until(struct kafka_transaction *t, int64_t until_ms)
{
    return (struct kafka_wait){&t->producer->notes, &t->stop, until_ms};
}

static struct kafka_wait wait_ordinary(struct kafka_transaction *t)
{
    return wait_until(t, kafka_clock_ms() + t->producer->options->timeout_ms);
}

/* What became of a transactional call.  NULL: it is through. */
enum verdict { VERDICT_DONE, VERDICT_AGAIN, VERDICT_FAILED };

static enum verdict judge(struct kafka_producer *p, const struct kafka_lane *lane,
                          rd_kafka_error_t *error, const char *what, struct error *err)
{
    rd_kafka_resp_err_t code;
    bool again;

    if (error == NULL)
        return VERDICT_DONE;
    code = rd_kafka_error_code(error);
    again = !rd_kafka_error_txn_requires_abort(error) && !rd_kafka_error_is_fatal(error) &&
            rd_kafka_error_is_retriable(error);
    if (!again && !kafka_producer_has_failed(p, err)) /* a failed delivery tells more */
        (void)kafka_producer_fault(p, lane, code, rd_kafka_error_string(error), what, err);
    rd_kafka_error_destroy(error);
    return again ? VERDICT_AGAIN : VERDICT_FAILED;
}

/* A producer that knows no broker yet when it is to look for its coordinator looks again only half
 * a second later (librdkafka 2.15, rd_kafka_txn_coord_timer_start).  Whether one is reached is for
 * the call that needs it to say. */
static void meet_brokers(const struct kafka_lane *lane, const struct kafka_wait *wait)
{
    const struct rd_kafka_metadata *metadata = NULL;

    if (rd_kafka_metadata(lane->rk, 0, NULL, &metadata, kafka_wait_slice_ms(wait)) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
}

static bool fence(struct kafka_transaction *t, struct kafka_lane *lane, struct error *err)
{
    struct kafka_producer *p = t->producer;
    struct kafka_wait wait = wait_ordinary(t);
    const char *what = "start of the transactional producer";

    meet_brokers(lane, &wait);
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(lane->rk, kafka_wait_slice_ms(&wait));

        switch (judge(p, lane, error, what, err)) {
        case VERDICT_DONE:
            kafka_notes_clear(&p->notes); /* this lane was let in */
            return true;
        case VERDICT_FAILED:
            return false;
        case VERDICT_AGAIN:
            break;
        }
        if (!kafka_wait_more(&wait, lane->rk, what, err))
            return false;
    }
}

/* After that nobody else writes: an older relay commits one lane only when it has heard that the
 * other's commit, which came before, has succeeded. */
static bool fence_all(struct kafka_transaction *t, struct error *err)
{
    struct kafka_producer *p = t->producer;

    for (size_t i = 0; i < p->lane_count; i++)
        if (!fence(t, &p->lanes[i], err))
            return false;
    return true;
}

/* Handles of the lanes beyond the first, which has looked the topics up. */
static bool open_topics(const struct kafka_producer *p, struct kafka_topic *list, struct error *err)
{
    for (size_t i = 1; i < p->lane_count; i++)
        if (!kafka_topics_open(p->lanes[i].rk, i, list, err))
            return false;
    return true;
}

static bool run_open(struct kafka_transaction *t, struct error *err)
{
    struct kafka_producer *p = t->producer;
    struct kafka_wait wait;

    if (p->options->delivery == DELIVERY_EXACTLY_ONCE && !fence_all(t, err))
        return false;
    p->notes.proven = p->options->delivery == DELIVERY_EXACTLY_ONCE;
    wait = wait_ordinary(t);
    return kafka_topic_ensure_position(p->lanes[0].rk, p->options, &wait, &t->position_topic,
                                       err) &&
           open_topics(p, &t->position_topic, err) &&
           kafka_position_read(p->options, true, &t->stop, wait.until_ms, &t->position, err);
}

static bool run_topics(struct kafka_transaction *t, struct error *err)
{
    struct kafka_producer *p = t->producer;
    struct kafka_wait wait = wait_ordinary(t);

    return kafka_topics_ensure(p->lanes[0].rk, p->options, &wait, t->topics, err) &&
           open_topics(p, t->topics, err);
}

/* Waits until every record is delivered; a transaction that the broker has given up by then is not
 * waited for. */
static bool flush(struct kafka_transaction *t, const struct kafka_lane *lane,
                  const struct kafka_wait *wait, struct error *err)
{
    struct kafka_producer *p = t->producer;

    while (rd_kafka_flush(lane->rk, kafka_wait_slice_ms(wait)) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (kafka_producer_has_failed(p, err))
            return false;
        if (!kafka_wait_more(wait, lane->rk, "delivery of a transaction's records", err))
            return false;
    }
    return !kafka_producer_has_failed(p, err);
}

static bool commit_sliced(struct kafka_transaction *t, struct kafka_lane *lane,
                          const struct kafka_wait *wait, struct error *err)
{
    struct kafka_producer *p = t->producer;

    lane->open = false; /* from here on only the broker knows */
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_commit_transaction(lane->rk, kafka_wait_slice_ms(wait));

        switch (judge(p, lane, error, "commit of a transaction", err)) {
        case VERDICT_DONE:
            return true;
        case VERDICT_FAILED:
            return false;
        case VERDICT_AGAIN:
            break;
        }
        if (!kafka_wait_more(wait, lane->rk, "commit of a transaction", err))
            return false;
    }
}

/* All is delivered: what the loop puts from now on is the other lane's, and behind it. */
static void change_lanes(struct kafka_producer *p)
{
    atomic_store(&p->filling, (atomic_load(&p->filling) + 1) % p->lane_count);
    kafka_producer_wake(p);
}

static bool run_commit(struct kafka_transaction *t, struct error *err)
{
    struct kafka_producer *p = t->producer;
    const struct kafka_options *o = p->options;
    struct kafka_lane *lane = kafka_producer_filling(p);
    bool transactional = o->delivery == DELIVERY_EXACTLY_ONCE;
    struct kafka_wait wait;

    if (transactional && !kafka_producer_begin(p, err))
        return false;
    wait = wait_until(t, kafka_clock_ms() + o->transaction_timeout_ms + o->timeout_ms);
    if (!transactional &&
        !flush(t, lane, &wait, err)) /* the position never before what it speaks of */
        return false;
    if (!kafka_position_send(p, &t->position_topic, &t->position, err) ||
        !flush(t, lane, &wait, err))
        return false;
    if (!transactional)
        return true;
    change_lanes(p);
    return commit_sliced(t, lane, &wait, err);
}

/* When the connection breaks librdkafka sends the commit again, and the first one may still be on
 * its way: it must not end the next transaction.  A new producer has a new epoch, under which it is
 * refused. */
static void recycle_if_repeated(struct kafka_producer *p)
{
    struct error failure = {0};

    if (!atomic_exchange(&p->notes.end_repeated, false))
        return;
    (void)error_set(
        &failure, ERROR_LINK,
        "a connection broke during a commit, which succeeded: the producer is replaced so that "
        "no late request reaches the next transaction");
    kafka_producer_fail(p, &failure);
}

static const struct {
    enum kafka_job job;
    bool (*run)(struct kafka_transaction *t, struct error *err);
} jobs[] = {{JOB_OPEN, run_open}, {JOB_TOPICS, run_topics}, {JOB_COMMIT, run_commit}};

static void finish(struct kafka_transaction *t, enum kafka_job job, const struct error *failure)
{
    (void)pthread_mutex_lock(&t->lock);
    t->wanted &= ~(unsigned)job;
    if (failure->kind == ERROR_NONE)
        t->done |= (unsigned)job;
    if (failure->kind == ERROR_NONE && job == JOB_COMMIT)
        recycle_if_repeated(t->producer); /* before the loop can begin another transaction */
    (void)pthread_mutex_unlock(&t->lock);
    if (failure->kind != ERROR_NONE)
        kafka_producer_fail(t->producer, failure);
    kafka_producer_wake(t->producer);
}

/* Runs one job that is wanted; false: there is none, or the producer is past using. */
static bool run_one(struct kafka_transaction *t)
{
    unsigned wanted;

    if (atomic_load(&t->producer->failed))
        return false;
    (void)pthread_mutex_lock(&t->lock);
    wanted = t->wanted;
    (void)pthread_mutex_unlock(&t->lock);
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        struct error failure = {0};

        if ((wanted & (unsigned)jobs[i].job) == 0)
            continue;
        if (jobs[i].job != JOB_OPEN)
            kafka_notes_clear(&t->producer->notes); /* of troubles that were overcome since */
        if (!jobs[i].run(t, &failure) && failure.kind == ERROR_NONE)
            (void)error_set(&failure, ERROR_LINK, "Kafka producer failed");
        finish(t, jobs[i].job, &failure);
        return true;
    }
    return false;
}

/* So that read_committed readers need not wait for transaction_timeout_ms. */
static void abort_open(const struct kafka_lane *lane)
{
    rd_kafka_error_t *error;

    if (!lane->open || rd_kafka_fatal_error(lane->rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    error = rd_kafka_abort_transaction(lane->rk, ABORT_MS);
    if (error != NULL)
        rd_kafka_error_destroy(error);
}

/* Delivery reports and errors.  Of lanes that are not filled nothing but errors can come. */
static void serve(struct kafka_producer *p)
{
    const struct kafka_lane *filling = kafka_producer_filling(p);

    if (atomic_load(&p->owed_bytes) == 0)
        p->notes.heard = true; /* nothing is waited for */
    kafka_notes_remind(&p->notes, filling->rk);

    for (size_t i = 0; i < p->lane_count; i++)
        if (&p->lanes[i] != filling)
            (void)rd_kafka_poll(p->lanes[i].rk, 0);
    (void)rd_kafka_poll(filling->rk, IDLE_MS);
}

static void *help(void *argument)
{
    struct kafka_transaction *t = argument;

    while (!atomic_load(&t->stop))
        if (!run_one(t))
            serve(t->producer);
    for (size_t i = 0; i < t->producer->lane_count; i++)
        abort_open(&t->producer->lanes[i]);
    return NULL;
}

/* It polls one of them, unless it is at work. */
static void wake_helper(const struct kafka_producer *p)
{
    for (size_t i = 0; i < p->lane_count; i++)
        rd_kafka_queue_yield(p->lanes[i].queue);
}

bool kafka_transaction_start(struct kafka_transaction *t, struct kafka_producer *p,
                             struct error *err)
{
    int failed;

    memset(t, 0, sizeof *t);
    t->producer = p;
    (void)pthread_mutex_init(&t->lock, NULL);
    failed = pthread_create(&t->thread, NULL, help, t);
    if (failed != 0)
        return error_os(err, failed, "Kafka sink: thread");
    t->started = true;
    return true;
}

void kafka_transaction_stop(struct kafka_transaction *t)
{
    if (!t->started)
        return;
    atomic_store(&t->stop, true);
    wake_helper(t->producer);
    (void)pthread_join(t->thread, NULL);
    t->started = false;
    kafka_topic_close(&t->position_topic);
    (void)pthread_mutex_destroy(&t->lock);
}

void kafka_transaction_ask(struct kafka_transaction *t, enum kafka_job job)
{
    (void)pthread_mutex_lock(&t->lock);
    t->wanted |= (unsigned)job;
    (void)pthread_mutex_unlock(&t->lock);
    wake_helper(t->producer);
}

bool kafka_transaction_take(struct kafka_transaction *t, enum kafka_job job)
{
    bool taken;

    (void)pthread_mutex_lock(&t->lock);
    taken = (t->done & (unsigned)job) != 0;
    t->done &= ~(unsigned)job;
    (void)pthread_mutex_unlock(&t->lock);
    return taken;
}
