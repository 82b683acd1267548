/*
 * latency - how long after its commit in PostgreSQL does a consumer hold a row?
 *
 *     latency -b BOOTSTRAP -t TOPIC -d CONNINFO -q SQL -r RATE -s SECONDS [-c WRITERS]
 *     latency -b BOOTSTRAP -t TOPIC -r RATE -s SECONDS [-i ID]
 *
 * Runs SQL, one row a transaction, RATE times a second from so many connections, and reads what
 * comes of it in partition 0 of TOPIC, as a read_committed consumer.  A
 * delay is this machine's clock when the consumer was handed the record, less source.ts_us in it,
 * which is PostgreSQL's commit time by the same clock.  Each delay is kept: percentiles are exact.
 * What is written in the first WARM_UP_S seconds, which come on top, is left out.
 *
 * Without a database it is the floor: the same pace written straight into the topic, in
 * transactions of ID, or without one idempotent.  What that shows is what Kafka and this program
 * cost.
 *
 * Prints one line of JSON.  Ends with 1 when not every record came.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#include "millrace/attr.h"
#include "millrace/mem.h"
#include "tests/bench/client.h"
#include "tests/bench/latency.h"

#define MARK "\"ts_us\":"
#define POLL_MS 100
#define PATIENCE_NS INT64_C(20000000000) /* after the last transaction */
#define MOST_WRITERS 64
#define WARM_UP_S 2

struct reader {
    rd_kafka_t *kafka;
    int64_t *delays_us;
    long count, room;
};

static void open_reader(struct reader *r, const struct latency *l)
{
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    client_set(conf, "bootstrap.servers", l->bootstrap);
    client_set(conf, "group.id", "latency");
    client_set(conf, "isolation.level", "read_committed");
    client_set(conf, "enable.auto.commit", "false");
    client_set(conf, "enable.partition.eof", "true");
    client_set(conf, "fetch.error.backoff.ms", "1");
    r->kafka = client_create(RD_KAFKA_CONSUMER, conf);
    (void)rd_kafka_poll_set_consumer(r->kafka);
    rd_kafka_topic_partition_list_add(one, l->topic, 0)->offset = RD_KAFKA_OFFSET_END;
    if (rd_kafka_assign(r->kafka, one) != RD_KAFKA_RESP_ERR_NO_ERROR)
        client_die(l->topic, "cannot be assigned");
    rd_kafka_topic_partition_list_destroy(one);
    r->room = l->count;
    r->delays_us = mem_zero((size_t)r->room, sizeof *r->delays_us);
}

static int64_t commit_us(const rd_kafka_message_t *message)
{
    static const char within[] = "\"source\":{";
    const char *value = message->payload, *found = NULL;
    size_t len = message->len;

    for (size_t i = 0; found == NULL && i + sizeof within <= len; i++)
        if (memcmp(value + i, within, sizeof within - 1) == 0)
            found = value + i;
    for (; found != NULL && found + sizeof MARK + 1 < value + len; found++)
        if (memcmp(found, MARK, sizeof MARK - 1) == 0)
            return strtoll(found + sizeof MARK - 1, NULL, 10); /* ends at the object's end */
    client_die("a record", "has no source.ts_us");
}

static void take(struct reader *r, const rd_kafka_message_t *message)
{
    int64_t seen_us = client_now_ns(CLOCK_REALTIME) / 1000;

    if (message->payload == NULL)
        client_die("a record", "has no value");
    if (r->count == r->room)
        client_die("the topic", "holds more records than were written");
    r->delays_us[r->count++] = seen_us - commit_us(message);
}

/* One poll; false when it brought nothing but the news that this is the end. */
static bool poll_once(struct reader *r)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(r->kafka, POLL_MS);
    bool more = true;

    if (message == NULL)
        return true;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        take(r, message);
    else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        more = false;
    else
        client_die("consumer", rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    return more;
}

static void read_all(struct reader *r, struct latency *l)
{
    int64_t until = 0;

    while (r->count < l->count) {
        (void)poll_once(r);
        if (atomic_load(&l->writers_left) != 0)
            continue;
        if (until == 0)
            until = client_now_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
        if (client_now_ns(CLOCK_MONOTONIC) > until)
            break;
    }
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double milliseconds(const struct reader *r, double part)
{
    return (double)r->delays_us[(long)((double)(r->count - 1) * part)] / 1000;
}

static double own_cpu(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void print(struct reader *r, struct latency *l, double seconds)
{
    r->count -= l->warm;
    memmove(r->delays_us, r->delays_us + l->warm, (size_t)r->count * sizeof *r->delays_us);
    qsort(r->delays_us, (size_t)r->count, sizeof *r->delays_us, by_size);
    printf("{\"records\": %ld, \"seconds\": %.3f, \"p50_ms\": %.3f, \"p90_ms\": %.3f, "
           "\"p99_ms\": %.3f, \"p999_ms\": %.3f, \"max_ms\": %.3f, \"writer_late_max_ms\": %.3f, "
           "\"measuring_cpu_s\": %.3f}\n",
           r->count, seconds, milliseconds(r, 0.5), milliseconds(r, 0.9), milliseconds(r, 0.99),
           milliseconds(r, 0.999), milliseconds(r, 1), (double)atomic_load(&l->late) / 1e6,
           own_cpu());
}

static void measure(struct latency *l)
{
    pthread_t threads[MOST_WRITERS];
    struct reader r = {0};
    int64_t from;

    open_reader(&r, l);
    while (poll_once(&r)) /* until it stands at the end */
        ;
    r.count = 0;
    from = l->start_ns = client_now_ns(CLOCK_MONOTONIC);
    atomic_store(&l->writers_left, (int)l->writers);
    for (long i = 0; i < l->writers; i++)
        if (pthread_create(&threads[i], NULL,
                           l->conninfo != NULL ? latency_write_rows : latency_write_records,
                           l) != 0)
            client_die("a writer", "cannot be started");
    read_all(&r, l);
    for (long i = 0; i < l->writers; i++)
        (void)pthread_join(threads[i], NULL);
    if (r.count < l->count)
        client_die("the topic", "lacks records: not every row came");
    print(&r, l, (double)(client_now_ns(CLOCK_MONOTONIC) - from) / 1e9);
    (void)rd_kafka_consumer_close(r.kafka);
    rd_kafka_destroy(r.kafka);
    free(r.delays_us);
}

static void options_read(struct latency *l, int argc, char **argv)
{
    long seconds = 0;
    int letter;

    while ((letter = getopt(argc, argv, "b:t:d:q:r:s:c:i:")) != -1) {
        switch (letter) {
        case 'b':
            l->bootstrap = optarg;
            break;
        case 't':
            l->topic = optarg;
            break;
        case 'd':
            l->conninfo = optarg;
            break;
        case 'q':
            l->sql = optarg;
            break;
        case 'r':
            l->rate = strtol(optarg, NULL, 10);
            break;
        case 's':
            seconds = strtol(optarg, NULL, 10);
            break;
        case 'c':
            l->writers = strtol(optarg, NULL, 10);
            break;
        case 'i':
            l->id = optarg;
            break;
        default:
            exit(2);
        }
    }
    l->warm = l->rate * WARM_UP_S;
    l->count = l->warm + l->rate * seconds;
    if (l->conninfo == NULL)
        l->writers = 1;
    if (l->bootstrap == NULL || l->topic == NULL || (l->conninfo != NULL && l->sql == NULL) ||
        seconds <= 0 || l->rate <= 0 || l->writers < 1 || l->writers > MOST_WRITERS)
        client_die("usage",
                   "-b, -t, -r and -s are needed, and -q with -d; see the top of latency.c");
}

int main(int argc, char **argv)
{
    static struct latency l = {.writers = 4};

    options_read(&l, argc, argv);
    measure(&l);
    return 0;
}
