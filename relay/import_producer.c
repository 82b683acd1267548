/* import_producer - the producer's settings, as librdkafka names them; and whatever is left. */
#include <string.h>

#include "relay/import_private.h"

static const char override[] = "producer.override.";

/* ---- producer.override. ---- */

/* Those whose name and values are the same to librdkafka; then those of another name. */
static const struct {
    const char *java, *ours;
} same_settings[] = {
    {"client.id", NULL},
    {"client.dns.lookup", NULL},
    {"client.rack", NULL},
    {"compression.type", NULL},
    {"batch.size", NULL},
    {"linger.ms", NULL},
    {"metadata.max.age.ms", NULL},
    {"reconnect.backoff.ms", NULL},
    {"reconnect.backoff.max.ms", NULL},
    {"retry.backoff.ms", NULL},
    {"request.timeout.ms", NULL},
    {"security.protocol", NULL},
    {"sasl.mechanism", NULL},
    {"sasl.kerberos.service.name", NULL},
    {"ssl.endpoint.identification.algorithm", NULL},
    {"ssl.cipher.suites", NULL},
    {"connections.max.idle.ms", NULL},
    {"send.buffer.bytes", "socket.send.buffer.bytes"},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes"},
    {"compression.gzip.level", "compression.level"},
    {"compression.lz4.level", "compression.level"},
    {"compression.zstd.level", "compression.level"},
};

static const struct {
    const char *name, *why;
} owned_settings[] = {
    {"acks", "millrace publishes in transactions, with acks=all"},
    {"enable.idempotence", "millrace's producer is always idempotent"},
    {"max.in.flight.requests.per.connection", "millrace keeps the order by itself"},
    {"retries", "millrace tries again as long as its transaction lasts"},
    {"delivery.timeout.ms", "kafka.transaction_timeout bounds it"},
    {"max.block.ms", "reading waits when the broker does not take records"},
    {"buffer.memory", "kafka.queue_max bounds it"},
    {"partitioner.class", "keys go where Java's producers put them (murmur2)"},
    {"transactional.id", "it fences off other instances of this relay; its name is taken"},
    {"key.serializer", "millrace serializes by itself"},
    {"value.serializer", "millrace serializes by itself"},
    {"interceptor.classes", "millrace runs no Java"},
    {"metric.reporters", "millrace runs no Java"},
};

/* username="u" password="p" of a JAAS line; NULL: it is not there. */
static const char *jaas_word(struct importing *i, const char *line, const char *name)
{
    const char *at = strstr(line, name), *end;

    if (at == NULL)
        return NULL;
    at += strlen(name);
    while (*at == ' ' || *at == '=')
        at++;
    if (*at == '"') {
        end = strchr(++at, '"');
        return end == NULL ? NULL : import_text(i, "%.*s", (int)(end - at), at);
    }
    return import_text(i, "%.*s", (int)strcspn(at, " ;"), at);
}

static void set_jaas(struct importing *i, const char *property, const char *value)
{
    const char *user = jaas_word(i, value, "username");

    if (user != NULL &&
        (strstr(value, "PlainLoginModule") != NULL || strstr(value, "ScramLoginModule") != NULL)) {
        import_kafka(i, "sasl.username", user);
        import_kafka_secret(i, "sasl.password", "KAFKA_PASSWORD", property);
        return;
    }
    import_lost(i, property,
                "only logins with user and password are carried over: set sasl.* under "
                "kafka.properties, as librdkafka names them");
}

static bool is_pem(const char *path)
{
    size_t len = strlen(path);

    return len > 4 && (strcmp(path + len - 4, ".pem") == 0 || strcmp(path + len - 4, ".crt") == 0);
}

/* Certificates and keys: librdkafka reads PEM. */
static bool set_store(struct importing *i, const char *property, const char *name,
                      const char *value)
{
    static const struct {
        const char *java, *ours;
    } stores[] = {{"ssl.truststore.location", "ssl.ca.location"},
                  {"ssl.keystore.location", "ssl.certificate.location"}};

    for (size_t k = 0; k < ARRAY_LEN(stores); k++) {
        if (strcmp(stores[k].java, name) != 0)
            continue;
        if (is_pem(value))
            import_kafka(i, stores[k].ours, value);
        else
            import_lost(i, property,
                        "a Java key store: write what is in it as PEM and name that in "
                        "kafka.properties.%s",
                        stores[k].ours);
        return true;
    }
    return false;
}

static bool set_same(struct importing *i, const char *name, const char *value)
{
    if (strcmp(name, "ssl.endpoint.identification.algorithm") == 0 && *value == '\0')
        value = "none"; /* Java says so with an empty text */
    for (size_t k = 0; k < ARRAY_LEN(same_settings); k++)
        if (strcmp(same_settings[k].java, name) == 0) {
            import_kafka(i, same_settings[k].ours == NULL ? name : same_settings[k].ours, value);
            return true;
        }
    return false;
}

static const char *why_owned(const char *name)
{
    for (size_t k = 0; k < ARRAY_LEN(owned_settings); k++)
        if (strcmp(owned_settings[k].name, name) == 0)
            return owned_settings[k].why;
    return "the C client has no such setting, or names it otherwise: see kafka.properties";
}

/* Options of ours stand for some of librdkafka's settings. */
static bool set_option(struct importing *i, const char *property, const char *name,
                       const char *value)
{
    size_t count;
    const struct option *options = option_table(&count);

    for (size_t k = 0; k < count; k++)
        if (options[k].known_as != NULL && strcmp(options[k].known_as, name) == 0 &&
            strncmp(options[k].path, "kafka.", 6) == 0 &&
            strcmp(options[k].path, "kafka.transactional_id") != 0) {
            (void)import_set(i, &options[k], property, value);
            return true;
        }
    return false;
}

static void set_override(struct importing *i, const struct property *p)
{
    const char *name = p->name + strlen(override), *value = import_take(i, p->name);

    if (strcmp(name, "sasl.jaas.config") == 0)
        set_jaas(i, p->name, value);
    else if (!set_option(i, p->name, name, value) && !set_store(i, p->name, name, value) &&
             !set_same(i, name, value))
        import_lost(i, p->name, "%s", why_owned(name));
}

/* Where Kafka is, if something tells it; and what topics are made with. */
static void set_elsewhere(struct importing *i)
{
    static const struct {
        const char *property, *path;
    } others[] = {
        {"producer.bootstrap.servers", "kafka.bootstrap_servers"},
        {"schema.history.internal.kafka.bootstrap.servers", "kafka.bootstrap_servers"},
        {"database.history.kafka.bootstrap.servers", "kafka.bootstrap_servers"},
        {"signal.kafka.bootstrap.servers", "kafka.bootstrap_servers"},
        {"topic.creation.default.cleanup.policy", "topics.cleanup_policy"},
    };

    for (size_t k = 0; k < ARRAY_LEN(others); k++) {
        const char *value = import_peek(i, "bootstrap.servers") != NULL &&
                                    strcmp(others[k].path, "kafka.bootstrap_servers") == 0
                                ? NULL
                                : import_peek(i, others[k].property);

        if (value == NULL || import_is_set(i, others[k].path))
            continue;
        value = import_take(i, others[k].property);
        (void)import_set_path(i, others[k].path, others[k].property, value);
    }
}

void import_producer(struct importing *i)
{
    for (const struct property *p = i->properties; p != NULL; p = p->next)
        if (!p->used && strncmp(p->name, override, strlen(override)) == 0)
            set_override(i, p);
    set_elsewhere(i);
}

/* ---- what is left ---- */

/* A name that ends in * stands for all that begin so.  why NULL: nothing is lost. */
static const struct {
    const char *name, *why;
} reasons[] = {
    {"tasks.max", NULL},
    {"debezium.sink.type", NULL},
    {"exactly.once.support", NULL},
    {"transaction.boundary", NULL},
    {"read.only", "millrace writes nothing to the source"},
    {"poll.interval.ms", "nothing is polled: records are written as changes arrive"},
    {"max.batch.size",
     "a batch is a Kafka transaction here, which needs another size: see commit.*"},
    {"max.queue.*", "memory is bounded by limits.* and kafka.queue_max"},
    {"signal.*", "millrace takes no signals"},
    {"incremental.snapshot.*", "millrace takes no incremental snapshots"},
    {"notification.*", "millrace sends no notifications: it logs, and see millrace status"},
    {"heartbeat.action.query", "millrace confirms idle positions by itself and writes nothing to "
                               "the source"},
    {"heartbeat.*", "millrace confirms idle positions by itself"},
    {"topic.heartbeat.*", "millrace confirms idle positions by itself"},
    {"snapshot.include.collection.list", "the snapshot copies every captured table"},
    {"snapshot.select.statement.*", "the snapshot reads whole tables; a row filter of the "
                                    "publication (PostgreSQL 15) holds for both"},
    {"snapshot.mode.*", "only initial, initial_only, no_data and never are known"},
    {"snapshot.*", "the snapshot is one exported snapshot, read side by side: it needs no such "
                   "setting"},
    {"schema.refresh.mode", "each event carries the schema in force at its place in the log"},
    {"skip.messages.without.change", "an update that changes nothing is an event, too"},
    {"slot.drop.on.stop", "dropping the slot loses changes"},
    {"slot.stream.params", "millrace chooses what pgoutput needs"},
    {"slot.max.retries", "see retry.*"},
    {"slot.retry.delay.ms", "see retry.*"},
    {"slot.*", "the slot is made as replication needs it"},
    {"status.update.interval.ms", "positions are confirmed as soon as they are durable"},
    {"lsn.flush.*", "positions are confirmed as soon as they are durable, never before"},
    {"flush.lsn.source", "positions are confirmed as soon as they are durable, never before"},
    {"offset.*", "the position is kept in Kafka, in the transaction of the records"},
    {"xmin.fetch.interval.ms", "source.xmin is always null"},
    {"replica.identity.autoset.values",
     "millrace alters no table: ALTER TABLE ... REPLICA IDENTITY "
     "yourself"},
    {"database.tcpKeepAlive", "links that are silent for too long are given up: see "
                              "source.postgres.silence_timeout"},
    {"database.initial.statements", "every setting that matters is pinned on each connection"},
    {"database.query.timeout.ms", "see source.postgres.query_timeout"},
    {"database.sslpassword", "the key must be without a passphrase"},
    {"database.sslfactory", "millrace runs no Java: see source.postgres.sslmode"},
    {"database.connection.*", "millrace connects by libpq"},
    {"database.history*", "millrace needs no history of schemas"},
    {"schema.history.*", "millrace needs no history of schemas"},
    {"driver.*", "millrace connects by libpq, not by JDBC: see source.postgres.url"},
    {"connection.validation.timeout.ms", "see source.postgres.connect_timeout"},
    {"errors.*", "a record that cannot be written stops the relay: nothing is skipped"},
    {"event.processing.failure.handling.mode", "a change that cannot be written stops the relay"},
    {"event.converting.failure.handling.mode", "a value that cannot be read stops the relay, see "
                                               "types.on_bad_value"},
    {"retriable.restart.connector.wait.ms", "see retry.*"},
    {"column.propagate.source.type",
     "schemas do not tell the type that a column has in the source"},
    {"datatype.propagate.source.type", "schemas do not tell the type that a column has in the "
                                       "source"},
    {"include.schema.comments", "schemas do not tell comments"},
    {"topic.creation.*", "see topics.partitions, topics.replication_factor, topics.cleanup_policy"},
    {"transaction.metadata.factory", "millrace runs no Java"},
    {"topic.cache.size", "millrace keeps all topics"},
    {"topic.key.*", "millrace adds no field to keys"},
    {"converters*", "millrace runs no Java: see types.* and names.*"},
    {"post.processors*",
     "millrace asks for no values behind the event: REPLICA IDENTITY FULL tells "
     "unchanged ones"},
    {"predicates*", "millrace has no predicates"},
    {"sourceinfo.struct.maker", "the source block is Debezium's own"},
    {"guardrail.*", "see millrace plan for what is captured"},
    {"custom.*", "millrace has no such setting"},
    {"debezium.*", "this is for Debezium Server, not for its connector"},
    {"quarkus.*", "this is for Debezium Server, not for its connector"},
    {"internal.*", "it belongs to the inside of Debezium"},
    {"consumer.override.*", "millrace consumes nothing"},
    {"admin.override.*", "see kafka.properties"},
    {"header.converter*", "headers are texts"},
    {"config.action.reload", "it is for Kafka Connect"},
};

static bool stands_for(const char *pattern, const char *name)
{
    size_t len = strlen(pattern);

    if (pattern[len - 1] == '*')
        return strncmp(pattern, name, len - 1) == 0;
    return strcmp(pattern, name) == 0;
}

static void tell_lost(struct importing *i, struct property *p)
{
    p->used = true;
    for (size_t k = 0; k < ARRAY_LEN(reasons); k++)
        if (stands_for(reasons[k].name, p->name)) {
            if (reasons[k].why != NULL)
                import_lost(i, p->name, "%s", reasons[k].why);
            return;
        }
    import_lost(i, p->name, "millrace knows no such property");
}

void import_leftovers(struct importing *i)
{
    for (struct property *p = i->properties; p != NULL; p = p->next)
        if (!p->used)
            tell_lost(i, p);
}
