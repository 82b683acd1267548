#include "sinks/kafka_fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sinks/kafka.h"

#define POLL_MS 20
#define REMIND_MS 5000
#define PATIENCE_MOST 2 /* slices are doubled so often; a stop waits for the longest */
#define LASTING_MS 3000 /* a broker that starts may refuse a good password for a moment */
#define LOG_LEVEL_ERROR 3
#define LOG_LEVEL_INFO 6

/* Errors that stay until somebody changes something, and what. */
static const struct {
    rd_kafka_resp_err_t code;
    const char *advice;
} lasting[] = {
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, "check sasl.mechanism, sasl.username and sasl.password"},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
     "check sasl.mechanism, sasl.username and sasl.password"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
     "set sasl.mechanism to one that the broker offers"},
    {RD_KAFKA_RESP_ERR__SSL, "check ssl.ca.location, and that the broker's certificate names the "
                             "host in kafka.bootstrap_servers"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
     "allow this user Write and Describe on the topic (Read too on the position topic, Create "
     "where "
     "topics are missing)"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
     "allow this user to create topics, or make them and turn topics.create off"},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
     "allow this user Write and Describe on the transactional id, and on the same "
     "with " KAFKA_SECOND_SUFFIX " behind it (one rule with a prefixed pattern)"},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
     "raise max.message.bytes of the topic, or message.max.bytes of the broker"},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD,
     "a compacted topic takes no record without a key: give the table a primary key or the topic "
     "cleanup.policy=delete"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "the topic was deleted: find out by whom, then start again"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
     "the topic was deleted: find out by whom, then start again"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID,
     "the topic was made anew: find out by whom, then start again"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "the topic was made anew with fewer partitions"},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, "the broker does not allow this topic name"},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, "change topics.partitions"},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR,
     "set topics.replication_factor to no more than the number of brokers"},
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, "change topics.cleanup_policy"},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "the broker's policy for new topics forbids it"},
    {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
     "lower kafka.transaction_timeout or raise the broker's transaction.max.timeout.ms"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION,
     "use a broker with transactions, or kafka.delivery at_least_once"},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
     "use a broker with transactions, or kafka.delivery at_least_once"},
};

static const char *lasting_advice(rd_kafka_resp_err_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(lasting); i++)
        if (lasting[i].code == code)
            return lasting[i].advice;
    return NULL;
}

/*
 * Why a broker is not reached, as librdkafka words it (and strerror, in English as long as the
 * program does not call setlocale); the first sign that is found counts:
 *
 *     127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in
 *     state CONNECT, 1 identical error(s) suppressed)
 *
 * Behind the address stands "bootstrap" for one that we were given, and the broker's number for one
 * that the cluster has told us.
 */
#define CORRECT_GIVEN "or correct kafka.bootstrap_servers"
#define CORRECT_TOLD "or correct its advertised.listeners"

static const struct {
    const char *sign, *given, *told;
} unreached[] = {
    {"Failed to resolve", "make that host name known here (DNS, /etc/hosts), " CORRECT_GIVEN,
     "make that host name known here (DNS, /etc/hosts), " CORRECT_TOLD},
    {"Connection refused", "start the broker there, " CORRECT_GIVEN,
     "start that broker, " CORRECT_TOLD},
    {"state APIVERSION_QUERY",
     "something is there that does not answer as a broker: check security.protocol in "
     "kafka.properties, " CORRECT_GIVEN,
     "something is there that does not answer as a broker: check the listener's protocol, "
     "" CORRECT_TOLD},
    {"state CONNECT",
     "see whether the broker runs and what lies between (a firewall, a route), " CORRECT_GIVEN,
     "see whether that broker runs and what lies between (a firewall, a route), " CORRECT_TOLD},
};

#define TIMES " (after " /* how long it took and how often: nothing to act on */

/* What to do about a broker that is not reached; NULL: `text` tells of something else. */
static const char *reach_advice(const char *text)
{
    bool given = strstr(text, "/bootstrap: ") != NULL;

    for (size_t i = 0; i < ARRAY_LEN(unreached); i++)
        if (strstr(text, unreached[i].sign) != NULL)
            return given ? unreached[i].given : unreached[i].told;
    return NULL;
}

/* How much of what librdkafka says is kept in front of advice. */
static int kept_length(const char *text)
{
    const char *times = strstr(text, TIMES);

    return (int)(times == NULL ? strlen(text) : (size_t)(times - text));
}

int64_t kafka_clock_ms(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum error_kind kafka_fault_kind(rd_kafka_resp_err_t code)
{
    return lasting_advice(code) != NULL ? ERROR_CONFIG : ERROR_LINK;
}

bool kafka_fault_set(struct error *err, rd_kafka_resp_err_t code, const char *detail,
                     const char *fmt, ...)
{
    const char *advice = lasting_advice(code);
    char what[256];
    int kept;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (detail == NULL || detail[0] == '\0')
        detail = rd_kafka_err2str(code);
    kept = (int)strlen(detail);
    if (advice == NULL && (advice = reach_advice(detail)) != NULL)
        kept = kept_length(detail);
    return error_set(err, kafka_fault_kind(code), "%s: %.*s%s%s", what, kept, detail,
                     advice == NULL ? "" : ": ", advice == NULL ? "" : advice);
}

void kafka_notes_init(struct kafka_notes *n, const char *servers)
{
    memset(n, 0, sizeof *n);
    n->servers = servers;
    n->heard = true;
    (void)pthread_mutex_init(&n->lock, NULL);
}

void kafka_notes_done(struct kafka_notes *n)
{
    (void)pthread_mutex_destroy(&n->lock);
}

/* "All brokers down" follows from what was noted before; a log line is better than that. */
static int telling(rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return 1;
    if (code == RD_KAFKA_RESP_ERR__FAIL)
        return 2;
    return kafka_fault_kind(code) == ERROR_CONFIG ? 4 : 3;
}

void kafka_notes_take(struct kafka_notes *n, rd_kafka_resp_err_t code, const char *text)
{
    (void)pthread_mutex_lock(&n->lock);
    if (telling(code) >= telling(n->code)) {
        if (n->code != code)
            n->since_ms = kafka_clock_ms();
        n->code = code;
        (void)snprintf(n->text, sizeof n->text, "%s", text);
    }
    (void)pthread_mutex_unlock(&n->lock);
}

void kafka_notes_clear(struct kafka_notes *n)
{
    (void)pthread_mutex_lock(&n->lock);
    n->code = RD_KAFKA_RESP_ERR_NO_ERROR;
    (void)pthread_mutex_unlock(&n->lock);
    n->heard = true; /* something else is waited for from now on */
}

void kafka_notes_tell(struct kafka_notes *n, char out_text[KAFKA_NOTE_BYTES])
{
    const char *advice;

    (void)pthread_mutex_lock(&n->lock);
    memcpy(out_text, n->text, KAFKA_NOTE_BYTES);
    advice = reach_advice(n->text);
    if (advice != NULL)
        (void)snprintf(out_text, KAFKA_NOTE_BYTES, "%.*s: %s", kept_length(n->text), n->text,
                       advice);
    if (n->code == RD_KAFKA_RESP_ERR_NO_ERROR)
        (void)snprintf(out_text, KAFKA_NOTE_BYTES, "the broker has not answered yet");
    if (n->code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) /* librdkafka counts them, oddly */
        (void)snprintf(out_text, KAFKA_NOTE_BYTES,
                       "no broker can be reached: start them, or mend the network");
    (void)pthread_mutex_unlock(&n->lock);
}

/* librdkafka repeats the request by itself and tells of it in its debug log only:
 *     "EndTxn returned _TRANSPORT in state CommittingTransaction (may_retry=true)" */
static bool tells_of_repeated_end(const char *facility, const char *line)
{
    return strcmp(facility, "ENDTXN") == 0 && strstr(line, "EndTxn returned ") != NULL &&
           strstr(line, "EndTxn returned NO_ERROR") == NULL;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *line)
{
    struct kafka_notes *notes = rk == NULL ? NULL : rd_kafka_opaque(rk);

    if (notes == NULL)
        return;
    /* A connection that is closed on us is an error only in the log, and no more than info there.
     */
    if (level <= LOG_LEVEL_ERROR || (level <= LOG_LEVEL_INFO && strcmp(facility, "FAIL") == 0))
        kafka_notes_take(notes, RD_KAFKA_RESP_ERR__FAIL, line);
    else if (tells_of_repeated_end(facility, line))
        atomic_store(&notes->end_repeated, true);
}

void kafka_notes_attach(struct kafka_notes *n, rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_opaque(conf, n);
    rd_kafka_conf_set_log_cb(conf, on_log);
}

void kafka_notes_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    (void)rk;
    kafka_notes_take(opaque, (rd_kafka_resp_err_t)code, reason);
}

int kafka_wait_patient_ms(const struct kafka_wait *w, unsigned tries)
{
    int64_t left_ms = w->until_ms - kafka_clock_ms();
    int most_ms = KAFKA_SLICE_MS << (tries < PATIENCE_MOST ? tries : PATIENCE_MOST);

    if (left_ms < 1)
        return 1;
    return left_ms > most_ms ? most_ms : (int)left_ms;
}

int kafka_wait_slice_ms(const struct kafka_wait *w)
{
    return kafka_wait_patient_ms(w, 0);
}

void kafka_notes_remind(struct kafka_notes *n, rd_kafka_t *rk)
{
    int64_t now_ms = kafka_clock_ms();

    if (n->heard)
        n->quiet_since_ms = now_ms;
    n->heard = false;
    if (n->servers == NULL || now_ms - n->quiet_since_ms < REMIND_MS)
        return;
    n->quiet_since_ms = now_ms;
    (void)rd_kafka_brokers_add(rk, n->servers);
}

bool kafka_wait_wanted(const struct kafka_wait *w, const char *what, struct error *err)
{
    if (w->stop != NULL && atomic_load(w->stop))
        return error_set(err, ERROR_STOPPED, "%s: asked to stop", what);
    return true;
}

bool kafka_wait_more(const struct kafka_wait *w, rd_kafka_t *rk, const char *what,
                     struct error *err)
{
    struct kafka_notes *n = w->notes;
    int64_t now_ms;
    rd_kafka_resp_err_t code;
    char text[KAFKA_NOTE_BYTES];
    bool settled;

    (void)rd_kafka_poll(rk, POLL_MS);
    kafka_notes_remind(n, rk);
    if (!kafka_wait_wanted(w, what, err))
        return false;
    now_ms = kafka_clock_ms();
    (void)pthread_mutex_lock(&n->lock);
    code = n->code;
    memcpy(text, n->text, sizeof text);
    settled =
        !n->proven && kafka_fault_kind(code) == ERROR_CONFIG && now_ms - n->since_ms >= LASTING_MS;
    (void)pthread_mutex_unlock(&n->lock);
    if (!settled && now_ms < w->until_ms)
        return true;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(err, ERROR_LINK,
                         "%s: no answer in time: see whether a broker runs there and what lies "
                         "between (a firewall, a route), " CORRECT_GIVEN ", or raise kafka.timeout",
                         what);
    if (n->proven && kafka_fault_kind(code) == ERROR_CONFIG)
        code = RD_KAFKA_RESP_ERR__TIMED_OUT; /* the next session finds out whether it lasts */
    return kafka_fault_set(err, code, text, "%s", what);
}
