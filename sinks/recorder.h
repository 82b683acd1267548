/*
 * recorder - events in, records out: what goes into which topic under which key.
 *
 * The layout is Debezium's change event envelope (Debezium 3 documentation, PostgreSQL connector,
 * "Data change events"), in one of the encodings of encoding.h.  For each relation a plan is
 * compiled once: which writer turns each column's text into a value, and every constant byte in
 * between; an event is then one straight run over the cells, without allocation.
 *
 * The record key is relation->key.  But where the old row of a delete does not tell all of it (a
 * REPLICA IDENTITY USING INDEX that lacks a column of the primary key), the columns of the replica
 * identity are the key of all records of that relation, in the table's order: else a delete could
 * not name what it deletes. Snapshot and stream must therefore agree on column.identity.
 *
 * One event makes none, one or several records: a delete makes the change and its tombstone, a
 * changed key a delete, a tombstone and a create, a truncate one record for each table.  Where the
 * row itself is the value, flat.h tells what differs.  Records beside those of rows (transactions,
 * heartbeats, relations) are told by side_records.h.
 */
#ifndef SINKS_RECORDER_H
#define SINKS_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/slice.h"
#include "sinks/flat.h"
#include "sinks/name_adjust.h"
#include "sinks/rules.h"
#include "sinks/type_modes.h"

/* How an event is laid out in a record; see envelope.h and flat.h. */
enum envelope_kind { ENVELOPE_DEBEZIUM, ENVELOPE_FLAT };

enum encoding_kind { ENCODING_JSON, ENCODING_JSON_SCHEMA, ENCODING_AVRO };

/* Which words an Avro schema has for types that Avro has no primitive for. */
enum avro_types {
    AVRO_TYPES_CONNECT,  /* Kafka Connect's and Debezium's names, as connect.* properties */
    AVRO_TYPES_STANDARD, /* Avro's own logical types, no properties */
};

/* What becomes of an unchanged TOASTed value that nobody knows. */
enum unavailable_values {
    /* Told by name in the header RECORD_HEADER_UNAVAILABLE: ["note","attrs"].  The field is left
     * out where there is no schema, else null, or the zero or default of a column that is NOT NULL.
     */
    UNAVAILABLE_LIST,
    UNAVAILABLE_PLACEHOLDER,
};

/* Under which subject the registry keeps a schema. */
enum subject_strategy {
    SUBJECT_TOPIC,        /* <topic>-key, <topic>-value */
    SUBJECT_RECORD,       /* the schema's full name */
    SUBJECT_TOPIC_RECORD, /* <topic>-<full name> */
};

struct schema_registry;

struct recorder_options {
    const char *topic_prefix;    /* source.name and the first part of every topic's name */
    const char *topic_delimiter; /* "." */
    const char *database;        /* source.db; known once the source is configured */
    bool tombstones;             /* a null value behind each delete (tombstones.on.delete) */
    bool truncates;              /* TRUNCATE makes records (Debezium drops them by default) */
    bool transaction_metadata;   /* a block in each event, BEGIN and END in a topic of their own */
    const char *transaction_topic; /* its name behind prefix and delimiter: "transaction" */
    const char *heartbeat_prefix;  /* of the heartbeats' topic: in front of delimiter and prefix */
    bool relation_changes;         /* descriptions of tables in a topic of their own */
    const char *run_id; /* of context headers, on each change: Debezium's; NULL: no such headers */
    enum unavailable_values unavailable_values;
    const char *unavailable_value_placeholder; /* of UNAVAILABLE_PLACEHOLDER */
    enum envelope_kind envelope;
    struct flat_options flat;    /* of ENVELOPE_FLAT; its texts must outlive the recorder */
    enum encoding_kind encoding; /* of keys and values */
    enum name_adjustment names;  /* of schemas and fields; avro makes them legal in any case */
    struct type_modes types;
    struct patterns routes;    /* likewise; routes_create() takes them */
    struct rule_options rules; /* its texts must outlive the recorder; rules_create() takes them */
    enum avro_types avro_types;
    enum subject_strategy subjects;
    struct schema_registry *registry; /* the recorder's from then on; needed for avro */
    size_t record_limit_bytes; /* key or value beyond this: ERROR_CONFIG naming table and limit */
};

/* One for each topic name, made by the recorder, alive as long as it is. */
struct topic {
    const char *name; /* legal in Kafka: [A-Za-z0-9._-], at most 249 bytes */
    void *attached; /* the sink's; NULL at first; whoever sets it frees it (recorder_each_topic) */
    bool is_single; /* one partition, whatever others have: its order is what it is read for */
};

struct header {
    const char *name;
    struct slice value;
};

#define RECORD_HEADERS_MAX 16
#define RECORD_HEADER_UNAVAILABLE "millrace.unavailable"

struct record {
    struct topic *topic;
    bool has_key; /* false: null key */
    struct slice key;
    struct slice partition_key; /* what picks the partition: the key without schema or schema id */
    bool has_value;             /* false: null value, a tombstone */
    struct slice value;
    struct buf *value_buf; /* holds the value and nothing else: a sink may buf_take() it instead of
                            * copying; NULL: it must copy */
    const struct relation *relation; /* NULL for what is no change of a table */
    size_t header_count;
    struct header headers[RECORD_HEADERS_MAX]; /* the last member: see recorder_add() */
};

struct records {
    const struct record *at;
    size_t count;
    /* Of all events so far: see struct sink. */
    uint64_t bad_values;
    const char *bad_value_at;
};

struct recorder;
struct plan;

struct recorder *recorder_create(const struct recorder_options *options); /* options are copied */
void recorder_destroy(struct recorder *r);                                /* NULL is fine */

/* The records of one event, in order; they borrow from the recorder and are valid until the next
 * call.  A repeated event makes none, but is counted.  Until recorder_taken() is called the event
 * counts as refused: whatever is made next is made as if this one had not been.  False: ERROR_DATA
 * (a value that its type's parser cannot read: table, column and LSN are named, never the value),
 * ERROR_CONFIG (too large; two tables that map to one topic; no such topic name; a schema that the
 * registry refuses), ERROR_SYSTEM (no memory; a value that is to be hashed cannot be) or
 * ERROR_WAITING (the registry has not answered yet: nothing of the event was taken; the same event
 * again). */
bool recorder_make(struct recorder *r, const struct event *event, struct records *out,
                   struct error *err) MUST_CHECK;

/* The sink has taken the records of the last event that was made. */
void recorder_taken(struct recorder *r);

/* Makes (or finds) the topic that a relation's records will go to, before any record is made. */
struct topic *recorder_topic(struct recorder *r, const struct relation *relation,
                             struct error *err) MUST_CHECK;

/* How its records are made (plan.h); valid until a relation of the same oid is another one.  For
 * those who describe records without making any. */
const struct plan *recorder_plan(struct recorder *r, const struct relation *relation,
                                 struct error *err) MUST_CHECK;

/* Calls visit for each topic made so far: to free what was attached. */
void recorder_each_topic(struct recorder *r, void (*visit)(struct topic *topic, void *context),
                         void *context);

#endif
