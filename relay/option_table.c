#include "relay/option_table.h"

#include "millrace/attr.h"

#include "relay/options.h"

/* Enums are stored through an int. */
_Static_assert(sizeof(enum compatibility) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum name_adjustment) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum decimal_mode) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum time_mode) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum interval_mode) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum binary_mode) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum hstore_mode) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum hash_algorithm) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum bad_value) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum sink_type) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum kafka_delivery) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum encoding_kind) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum avro_types) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum envelope_kind) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum flat_deletes) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum unavailable_values) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum subject_strategy) == sizeof(int), "enum of another size than int");
_Static_assert(sizeof(enum snapshot_mode) == sizeof(int), "enum of another size than int");

enum { SECOND = 1000, KIB = 1024, MIB = 1024 * 1024 }; /* of milliseconds and bytes */

static const char lower_name[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
static const char relay_name[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
static const char topic_name[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const formats[] = {"text", "json", NULL};
static const char *const sslmodes[] = {"disable",   "allow",       "prefer", "require",
                                       "verify-ca", "verify-full", NULL};
static const char *const publication_creates[] = {"no", "filtered", NULL};
static const char *const snapshot_modes[] = {"initial", "never", "initial_only", NULL};
static const char *const sinks[] = {"kafka", "log", "stdout", "null", NULL};
static const char *const deliveries[] = {"exactly_once", "at_least_once", NULL};
static const char *const cleanups[] = {"", "delete", "compact", "compact,delete", NULL};

static const char *const unavailable_values[] = {"list", "placeholder", NULL};
static const char *const envelopes[] = {"debezium", "flat", NULL};
static const char *const flat_deletes[] = {"rewrite-with-tombstone", "rewrite", "tombstone",
                                           "delete-to-tombstone",    "drop",    NULL};
static const char *const encodings[] = {"json", "json-schema", "avro", NULL};
static const char *const avro_types[] = {"connect", "standard", NULL};
static const char *const subjects[] = {"topic", "record", "topic-record", NULL};
static const char *const name_adjustments[] = {"none", "avro", "avro_unicode", NULL};
static const char *const decimals[] = {"precise", "string", "double", NULL};
static const char *const times[] = {
    "adaptive", "adaptive_time_microseconds", "connect", "isostring", "microseconds", "nanoseconds",
    NULL};
static const char *const intervals[] = {"numeric", "string", NULL};
static const char *const binaries[] = {"bytes", "base64", "base64-url-safe", "hex", NULL};
static const char *const hstores[] = {"json", "map", NULL};
static const char *const bad_values[] = {"stop", "text", NULL};
static const char *const hash_algorithms[] = {"sha-256", "sha-512", NULL};
static const char *const compatibilities[] = {"none", "debezium-3", NULL};

static const struct option options[] = {
    {.path = "name",
     .type = OPTION_TEXT,
     .shown = true,
     .offset = offsetof(struct options, name),
     .sample = "orders",
     .letters = relay_name,
     .longest = 63,
     .help = "Name of this relay; it also names its slot, publication, topics and transactions "
             "unless those are set, and must not change afterwards."},
    {.path = "log.level",
     .type = OPTION_ENUM,
     .offset = offsetof(struct options, log_level),
     .by_default = "info",
     .choices = levels,
     .help = "The least important lines that are logged; info tells of starts, stops and schema "
             "changes, and never of single rows."},
    {.path = "log.format",
     .type = OPTION_ENUM,
     .offset = offsetof(struct options, log_format),
     .by_default = "text",
     .choices = formats,
     .help = "text for people, json for log collectors."},
    {.path = "source.postgres.url",
     .type = OPTION_TEXT,
     .secret = true,
     .offset = offsetof(struct options, postgres.url),
     .sample = "postgresql://millrace:${PGPASSWORD}@localhost:5432/app?sslmode=require",
     .help = "Everything in one postgresql:// address or in libpq's key=value words, instead of "
             "the options below."},
    {.path = "source.postgres.host",
     .type = OPTION_TEXT,
     .shown = true,
     .offset = offsetof(struct options, postgres.host),
     .sample = "localhost",
     .known_as = "database.hostname",
     .help = "Host name or address of the server, or the folder of its socket.  On the "
             "server's own machine localhost is faster than the socket."},
    {.path = "source.postgres.port",
     .type = OPTION_TEXT,
     .offset = offsetof(struct options, postgres.port),
     .by_default = "5432",
     .known_as = "database.port",
     .help = "Port of the server; the default is PostgreSQL's own."},
    {.path = "source.postgres.database",
     .type = OPTION_TEXT,
     .shown = true,
     .offset = offsetof(struct options, postgres.database),
     .sample = "app",
     .known_as = "database.dbname",
     .help = "Database to copy."},
    {.path = "source.postgres.user",
     .type = OPTION_TEXT,
     .shown = true,
     .offset = offsetof(struct options, postgres.user),
     .derived = "the operating system user",
     .sample = "millrace",
     .known_as = "database.user",
     .help = "Role to connect as; it needs LOGIN, REPLICATION and, for the snapshot, SELECT on the "
             "tables."},
    {.path = "source.postgres.password",
     .type = OPTION_TEXT,
     .secret = true,
     .shown = true,
     .offset = offsetof(struct options, postgres.password),
     .derived = "none, or what ~/.pgpass says",
     .sample = "${MILLRACE_PASSWORD}",
     .known_as = "database.password",
     .help = "Password of the role."},
    {.path = "source.postgres.sslmode",
     .type = OPTION_TEXT,
     .offset = offsetof(struct options, postgres.sslmode),
     .derived = "prefer, as with every libpq program",
     .sample = "verify-full",
     .known_as = "database.sslmode",
     .choices = sslmodes,
     .help = "How far TLS is insisted on; verify-full is the only mode that also proves who the "
             "server is."},
    {.path = "source.postgres.sslrootcert",
     .type = OPTION_PATH,
     .offset = offsetof(struct options, postgres.sslrootcert),
     .derived = "~/.postgresql/root.crt",
     .sample = "/etc/millrace/root.crt",
     .known_as = "database.sslrootcert",
     .help = "Certificates of the authorities that may have signed the server's."},
    {.path = "source.postgres.sslcert",
     .type = OPTION_PATH,
     .offset = offsetof(struct options, postgres.sslcert),
     .derived = "~/.postgresql/postgresql.crt",
     .sample = "/etc/millrace/client.crt",
     .known_as = "database.sslcert",
     .help = "Our own certificate, when the server asks for one."},
    {.path = "source.postgres.sslkey",
     .type = OPTION_PATH,
     .offset = offsetof(struct options, postgres.sslkey),
     .derived = "~/.postgresql/postgresql.key",
     .sample = "/etc/millrace/client.key",
     .known_as = "database.sslkey",
     .help = "Private key of our own certificate."},
    {.path = "source.postgres.connect_timeout",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, postgres.connect_timeout_ms),
     .by_default = "10s",
     .least = 100,
     .most = INT64_C(600) * SECOND,
     .help =
         "Give up connecting after this long; long enough for a TLS handshake across continents."},
    {.path = "source.postgres.silence_timeout",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, postgres.silence_timeout_ms),
     .by_default = "5m",
     .least = SECOND,
     .most = INT64_C(86400) * SECOND,
     .help = "A replication link without a single byte for this long is dead; several times the "
             "server's own wal_sender_timeout of 1m."},
    {.path = "source.postgres.query_timeout",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, postgres.query_timeout_ms),
     .by_default = "10s",
     .least = 100,
     .most = INT64_C(600) * SECOND,
     .help = "Limit of one catalogue query while streaming; well below wal_sender_timeout, so that "
             "a slow query never costs the link."},
    {.path = "slot.name",
     .type = OPTION_TEXT,
     .offset = offsetof(struct options, postgres.slot),
     .derived = "name, with '_' for '-'",
     .sample = "orders",
     .letters = lower_name,
     .longest = 63,
     .help = "Replication slot to read from."},
    {.path = "slot.create",
     .type = OPTION_BOOL,
     .offset = offsetof(struct options, postgres.slot_create),
     .by_default = "true",
     .help = "Create the slot when it is missing and no position is stored; false where an "
             "administrator makes it."},
    {.path = "slot.failover",
     .type = OPTION_BOOL,
     .offset = offsetof(struct options, postgres.slot_failover),
     .by_default = "false",
     .help = "Create the slot so that it is copied to standbys (PostgreSQL 17 and newer); off, "
             "since standbys must be set up for it."},
    {.path = "slot.adopt",
     .type = OPTION_BOOL,
     .offset = offsetof(struct options, postgres.slot_adopt),
     .by_default = "false",
     .help = "Stream from where an existing slot stands although no position is stored; off, since "
             "what was written before it would be missing."},
    {.path = "publication.name",
     .type = OPTION_TEXT,
     .offset = offsetof(struct options, postgres.publication),
     .derived = "slot.name",
     .sample = "orders",
     .longest = 63,
     .help = "Publication to subscribe to."},
    {.path = "publication.create",
     .type = OPTION_ENUM,
     .offset = offsetof(struct options, postgres.publication_create),
     .by_default = "no",
     .known_as = "publication.autocreate.mode",
     .choices = publication_creates,
     .help = "filtered creates a missing publication for exactly the selected tables; no, the "
             "default, since that needs ownership of the tables."},
    {.path = "publication.via_root",
     .type = OPTION_BOOL,
     .offset = offsetof(struct options, postgres.publication_via_root),
     .by_default = "true",
     .known_as = "publish.via.partition.root",
     .help = "Let the publication that we create name partitioned tables instead of their "
             "partitions, as a reader of the table would."},
    {.path = "tables.include",
     .type = OPTION_LIST,
     .patterns = true,
     .offset = offsetof(struct options, postgres.tables_include),
     .derived = "all that the publication names",
     .sample = "[public\\.orders, public\\.customers]",
     .known_as = "table.include.list",
     .help = "Regular expressions; only tables whose whole schema.table matches one of them are "
             "copied."},
    {.path = "tables.exclude",
     .type = OPTION_LIST,
     .patterns = true,
     .offset = offsetof(struct options, postgres.tables_exclude),
     .derived = "none",
     .sample = "[audit\\..*]",
     .known_as = "table.exclude.list",
     .help = "Regular expressions; tables whose whole schema.table matches one of them are left "
             "out; not together with tables.include."},
    {.path = "columns.include",
     .type = OPTION_LIST,
     .patterns = true,
     .offset = offsetof(struct options, postgres.columns_include),
     .derived = "all",
     .sample = "[public\\.orders\\.(id|total)]",
     .known_as = "column.include.list",
     .help = "Regular expressions; only columns whose whole schema.table.column matches one of "
             "them are in the values."},
    {.path = "columns.exclude",
     .type = OPTION_LIST,
     .patterns = true,
     .offset = offsetof(struct options, postgres.columns_exclude),
     .derived = "none",
     .sample = "[public\\.customers\\.email]",
     .known_as = "column.exclude.list",
     .help = "Regular expressions; columns whose whole schema.table.column matches one of them are "
             "left out of the values; not together with columns.include."},
    {.path = "columns.truncate",
     .type = OPTION_LIST,
     .offset = offsetof(struct options, records.rules.truncate),
     .derived = "none",
     .sample = "['100:public\\.orders\\.note']",
     .known_as = "column.truncate.to.N.chars",
     .help = "A number of characters, a colon and a regular expression: texts in the columns whose "
             "whole schema.table.column matches are cut to that length."},
    {.path = "columns.mask",
     .type = OPTION_LIST,
     .offset = offsetof(struct options, records.rules.mask),
     .derived = "none",
     .sample = "['6:public\\.customers\\.phone']",
     .known_as = "column.mask.with.N.chars",
     .help = "Likewise, but that many asterisks stand for whatever the column holds, NULL too."},
    {.path = "columns.hash",
     .type = OPTION_LIST,
     .offset = offsetof(struct options, records.rules.hash),
     .derived = "none",
     .sample = "[public\\.customers\\.email]",
     .known_as = "column.mask.hash.v2.SHA-256.with.salt.S",
     .help =
         "Regular expressions; texts in the columns whose whole schema.table.column matches one "
         "of them are replaced by a salted digest, cut to the length of the column."},
    {.path = "columns.hash_algorithm",
     .type = OPTION_ENUM,
     .offset = offsetof(struct options, records.rules.hash_algorithm),
     .by_default = "sha-256",
     .choices = hash_algorithms,
     .help = "Digest that columns.hash takes; the shorter one is long enough."},
    {.path = "columns.hash_salt",
     .type = OPTION_TEXT,
     .secret = true,
     .offset = offsetof(struct options, records.rules.hash_salt),
     .derived = "none",
     .sample = "${MILLRACE_SALT}",
     .help = "Stands in front of each text that columns.hash digests, so that nobody can look "
             "digests up; must not change, or rows no longer match."},
    {.path = "snapshot.mode",
     .type = OPTION_ENUM,
     .offset = offsetof(struct options, postgres.snapshot_mode),
     .by_default = "initial",
     .choices = snapshot_modes,
     .help = "initial copies the tables when the sink holds no position, never streams only, "
             "initial_only copies and ends."},
    {.path = "snapshot.workers",
     .type = OPTION_INT64,
     .offset = offsetof(struct options, postgres.snapshot_workers),
     .by_default = "2",
     .known_as = "snapshot.max.threads",
     .least = 1,
     .most = 64,
     .help = "Connections that copy tables side by side; two keep one core busy with little load "
             "on the server."},
    {.path = "sink.type",
     .type = OPTION_ENUM,
     .offset = offsetof(struct options, sink),
     .derived = "kafka when kafka.bootstrap_servers is set, log when event_log.directory is set",
     .sample = "kafka",
     .choices = sinks,
     .help = "Where the records go: Kafka topics, a local event log, lines on standard output, or "
             "nowhere (for measuring)."},
    {.path = "kafka.bootstrap_servers",
     .type = OPTION_TEXT,
     .shown = true,
     .offset = offsetof(struct options, kafka.bootstrap_servers),
     .sample = "localhost:9092",
     .known_as = "bootstrap.servers",
     .help = "Brokers to begin with, as host:port, separated by commas."},
    {.path = "kafka.delivery",
     .type = OPTION_ENUM,
     .offset = offsetof(struct options, kafka.delivery),
     .by_default = "exactly_once",
     .choices = deliveries,
     .help = "exactly_once publishes in transactions; at_least_once, for brokers without them, may "
             "repeat records after a crash."},
    {.path = "kafka.transactional_id",
     .type = OPTION_TEXT,
     .offset = offsetof(struct options, kafka.transactional_id),
     .derived = "name",
     .sample = "orders",
     .known_as = "transactional.id",
     .longest = 249,
     .help = "Fences off older instances of this relay and is the key of its position; must not "
             "change afterwards. Exactly once writes under a second one too, this with #2 behind "
             "it: a broker with access rules has to allow both."},
    {.path = "kafka.position_topic",
     .type = OPTION_TEXT,
     .offset = offsetof(struct options, kafka.position_topic),
     .derived = "__millrace.<name>.position",
     .sample = "__millrace.orders.position",
     .letters = topic_name,
     .longest = 249,
     .help = "Compacted topic that holds the position, written in the same transaction as the "
             "records."},
    {.path = "kafka.transaction_timeout",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, kafka.transaction_timeout_ms),
     .by_default = "60s",
     .known_as = "transaction.timeout.ms",
     .least = SECOND,
     .most = INT64_C(900) * SECOND,
     .help = "The broker aborts a transaction that is open for longer; Kafka's own default, below "
             "every broker's maximum."},
    {.path = "kafka.timeout",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, kafka.timeout_ms),
     .by_default = "30s",
     .least = SECOND,
     .most = INT64_C(600) * SECOND,
     .help = "Limit of starting up and of each call outside a transaction; enough for a "
             "coordinator to move to another broker."},
    {.path = "kafka.message_max",
     .type = OPTION_SIZE,
     .offset = offsetof(struct options, kafka.message_max_bytes),
     .by_default = "64MiB",
     .known_as = "max.request.size",
     .least = KIB,
     .most = 1000000000,
     .help = "The largest record handed to the client; as large as limits.record, brokers and "
             "topics (max.message.bytes) must allow it too."},
    {.path = "kafka.queue_max",
     .type = OPTION_SIZE,
     .offset = offsetof(struct options, kafka.queue_max_bytes),
     .by_default = "16MiB",
     .known_as = "queue.buffering.max.kbytes",
     .least = INT64_C(64) * KIB,
     .most = INT64_C(2048) * MIB,
     .help = "Records handed over and not yet delivered; beyond it reading waits, which bounds the "
             "memory."},
    {.path = "kafka.properties",
     .type = OPTION_MAP,
     .offset = offsetof(struct options, kafka.properties),
     .derived = "none",
     .sample = "{linger.ms: 5, compression.type: lz4}",
     .help = "Any other property of librdkafka, such as security.protocol, sasl.username or "
             "compression.type; those with passwords and keys may be file:PATH."},
#include "relay/option_records.inc"
    {.path = "event_log.directory",
     .type = OPTION_PATH,
     .offset = offsetof(struct options, log.directory),
     .sample = "/var/lib/millrace/orders",
     .help = "Folder of the local event log, for one relay alone."},
    {.path = "event_log.segment_size",
     .type = OPTION_SIZE64,
     .offset = offsetof(struct options, log.segment_bytes),
     .by_default = "128MiB",
     .least = INT64_C(64) * KIB,
     .most = INT64_C(65536) * MIB,
     .help = "A new file is begun at the first commit beyond this; small enough to be copied and "
             "removed piece by piece."},
    {.path = "limits.message",
     .type = OPTION_SIZE,
     .offset = offsetof(struct options, postgres.message_limit_bytes),
     .by_default = "256MiB",
     .least = INT64_C(64) * KIB,
     .most = INT64_C(1024) * MIB,
     .help = "The largest message or row from PostgreSQL; what is larger stops the relay with an "
             "error that names the table."},
    {.path = "limits.relation",
     .type = OPTION_SIZE,
     .offset = offsetof(struct options, postgres.relation_limit_bytes),
     .by_default = "4MiB",
     .least = INT64_C(16) * KIB,
     .most = INT64_C(256) * MIB,
     .help = "The largest description of one table; room for 1,600 columns with long defaults."},
    {.path = "limits.record",
     .type = OPTION_SIZE,
     .offset = offsetof(struct options, records.record_limit_bytes),
     .by_default = "64MiB",
     .least = KIB,
     .most = INT64_C(1024) * MIB,
     .help = "The largest key or value of a record; a row of 30 MB fits, even with its old values "
             "beside the new."},
    {.path = "commit.records",
     .type = OPTION_INT64,
     .offset = offsetof(struct options, loop.commit_records),
     .by_default = "200000",
     .known_as = "max.batch.size",
     .least = 1,
     .most = 10000000,
     .help = "A sink transaction is committed at this many records; commits then cost next to "
             "nothing for each record."},
    {.path = "commit.bytes",
     .type = OPTION_SIZE64,
     .offset = offsetof(struct options, loop.commit_bytes),
     .by_default = "32MiB",
     .least = KIB,
     .most = INT64_C(1024) * MIB,
     .help = "A sink transaction is committed at this size; large enough for full speed, small "
             "enough to be read at once."},
    {.path = "commit.interval",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, loop.commit_interval_ms),
     .by_default = "250ms",
     .least = 1,
     .most = INT64_C(60) * SECOND,
     .help = "A sink transaction is committed at the latest this long after its first event; it is "
             "committed at once when nothing more is to be read, and while a great deal comes only "
             "when commits take no more than a sixteenth of the time."},
    {.path = "commit.idle_interval",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, loop.idle_interval_ms),
     .by_default = "5s",
     .least = 100,
     .most = INT64_C(3600) * SECOND,
     .help = "When nothing happens, the position alone is committed at most this often; often "
             "enough that the server retains no WAL for us."},
    {.path = "retry.first",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, retry.first_ms),
     .by_default = "200ms",
     .least = 1,
     .most = INT64_C(600) * SECOND,
     .help = "First wait after a lost link; a restarted server is often back by then."},
    {.path = "retry.most",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, retry.most_ms),
     .by_default = "10s",
     .least = 1,
     .most = INT64_C(3600) * SECOND,
     .help = "The wait doubles up to this, so that a server that comes back late is found soon and "
             "not flooded."},
    {.path = "retry.give_up",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, retry.give_up_ms),
     .by_default = "60s",
     .least = 0,
     .most = INT64_C(604800) * SECOND,
     .help = "End with exit code 1 after this long without a session, so that a supervisor "
             "notices; 0 never gives up."},
    {.path = "drain_timeout",
     .type = OPTION_DURATION,
     .offset = offsetof(struct options, loop.drain_timeout_ms),
     .by_default = "10s",
     .least = 0,
     .most = INT64_C(600) * SECOND,
     .help = "After SIGTERM wait this long for the last commit, then leave; what was not committed "
             "is read again, and most supervisors wait longer."},
};

const struct option *option_table(size_t *out_count)
{
    *out_count = ARRAY_LEN(options);
    return options;
}
