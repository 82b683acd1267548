#include "relay/registry.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "sinks/kafka.h"
#include "sinks/log.h"
#include "sinks/plain.h"
#include "sinks/recorder.h"
#include "sinks/registry_client.h"
#include "sinks/registry_collect.h"
#include "sinks/registry_directory.h"
#include "sinks/route.h"

/* NULL without an error: the encoding needs none. */
static struct schema_registry *make_registry(const struct options *options, struct error *err)
{
    if (options->records.encoding != ENCODING_AVRO)
        return NULL;
    if (options->registry.directory != NULL)
        return registry_directory_create(options->registry.directory, err);
    return registry_client_create(&options->registry, err);
}

/* A random UUID: of this start, as a worker of Kafka Connect has one. */
static void make_run_id(char out[37])
{
    uint8_t b[16] = {0};

    (void)!getrandom(b, sizeof b, 0); /* it only tells starts apart */
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    (void)snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                   b[13], b[14], b[15]);
}

struct sink *registry_make_sink(const struct options *options, const char *database, int stop_fd,
                                struct error *err)
{
    struct recorder_options records = options->records;
    struct recorder *recorder;
    char run_id[37];

    if (options->context_headers) {
        make_run_id(run_id);
        records.run_id = run_id;
    }
    records.database = database;
    records.registry = make_registry(options, err);
    if (records.registry == NULL && records.encoding == ENCODING_AVRO)
        return NULL;
    recorder = recorder_create(&records);
    switch (options->sink) {
    case SINK_KAFKA:
        return kafka_sink_create(&options->kafka, recorder, stop_fd, err);
    case SINK_LOG:
        return log_sink_create(&options->log, recorder, err);
    case SINK_STDOUT:
        return stdout_sink_create(STDOUT_FILENO, recorder);
    case SINK_NULL:
        return null_sink_create(recorder);
    }
    return NULL;
}

struct recorder *registry_make_recorder(const struct options *options, enum encoding_kind encoding,
                                        const char *database,
                                        struct schema_registry **out_collected)
{
    struct recorder_options records = options->records;

    records.database = database;
    records.encoding = encoding;
    records.registry = encoding == ENCODING_AVRO ? registry_collect_create() : NULL;
    if (out_collected != NULL)
        *out_collected = records.registry;
    return recorder_create(&records);
}

bool registry_read_partitions(const struct options *options, const char *const *topics,
                              size_t count, int32_t *out_partitions, struct error *err)
{
    if (options->sink != SINK_KAFKA)
        return error_set(err, ERROR_CONFIG, "the sink is not Kafka");
    return kafka_read_partitions(&options->kafka, topics, count, out_partitions, err);
}

struct source *registry_make_source(const struct options *options, int stop_fd)
{
    return postgres_source_create(&options->postgres, stop_fd);
}

bool registry_keeps_position(const struct options *options)
{
    return options->sink == SINK_KAFKA || options->sink == SINK_LOG;
}

bool registry_read_position(const struct options *options, struct position *out, struct error *err)
{
    switch (options->sink) {
    case SINK_KAFKA:
        return kafka_read_position(&options->kafka, out, err);
    case SINK_LOG:
        return log_read_position(options->log.directory, out, err);
    case SINK_STDOUT:
    case SINK_NULL:
        break;
    }
    memset(out, 0, sizeof *out);
    return true;
}

static bool check_flat(const struct recorder_options *records, struct error *err)
{
    enum name_adjustment names = records->names;
    struct flat *flat;

    if (names == NAMES_AS_THEY_ARE && records->encoding == ENCODING_AVRO)
        names = NAMES_AVRO;
    flat = flat_create(&records->flat, names, err);
    flat_destroy(flat);
    return flat != NULL;
}

bool registry_check_options(const struct options *options, struct error *err)
{
    struct rules *rules = rules_create(&options->records.rules, err);

    struct routes *routes = rules == NULL ? NULL : routes_create(&options->records.routes, err);

    rules_destroy(rules);
    if (routes == NULL)
        return false;
    routes_destroy(routes);
    if (!check_flat(&options->records, err))
        return false;
    return options->sink != SINK_KAFKA || kafka_options_check(&options->kafka, err);
}

void registry_write_versions(FILE *out)
{
    int libpq = postgres_library_version();

    (void)fprintf(out, "libpq %d.%d\nlibrdkafka %s\nlibcurl %s\n", libpq / 10000, libpq % 10000,
                  kafka_library_version(), registry_client_version());
}
