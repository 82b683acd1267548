#include "sinks/side_schema.h"

#include "millrace/attr.h"
#include "sinks/connect_literal.h"

#define STRUCT(text, array)                                                                        \
    {                                                                                              \
        .base = CONNECT_STRUCT, .version = 1, .name = TEXT(text), .fields = (array),               \
        .field_count = ARRAY_LEN(array)                                                            \
    }
#define OPTIONAL_STRUCT(text, array)                                                               \
    {                                                                                              \
        .base = CONNECT_STRUCT, .optional = true, .version = 1, .name = TEXT(text),                \
        .fields = (array), .field_count = ARRAY_LEN(array)                                         \
    }

static const struct connect_schema boolean = {.base = CONNECT_BOOLEAN};
static const struct connect_schema int32 = {.base = CONNECT_INT32};
static const struct connect_schema int64 = {.base = CONNECT_INT64};
static const struct connect_schema string = {.base = CONNECT_STRING};
static const struct connect_schema opt_int64 = {.base = CONNECT_INT64, .optional = true};
static const struct connect_schema opt_string = {.base = CONNECT_STRING, .optional = true};

/* ---- transactions */

static const struct connect_field transaction_key_fields[] = {FIELD("id", &string)};
static const struct connect_field collection_fields[] = {FIELD("data_collection", &string),
                                                         FIELD("event_count", &int64)};
static const struct connect_schema collection =
    OPTIONAL_STRUCT("event.collection", collection_fields);
static const struct connect_schema collections = {
    .base = CONNECT_ARRAY, .optional = true, .items = &collection};
static const struct connect_field transaction_fields[] = {
    FIELD("status", &string), FIELD("id", &string), FIELD("event_count", &opt_int64),
    FIELD("data_collections", &collections), FIELD("ts_ms", &int64)};
static const struct connect_schema transaction_key =
    STRUCT("io.debezium.connector.common.TransactionMetadataKey", transaction_key_fields);
static const struct connect_schema transaction_value =
    STRUCT("io.debezium.connector.common.TransactionMetadataValue", transaction_fields);

/* ---- heartbeats */

static const struct connect_field heartbeat_key_fields[] = {FIELD("serverName", &string)};
static const struct connect_field heartbeat_fields[] = {FIELD("ts_ms", &int64)};
static const struct connect_schema heartbeat_key =
    STRUCT("io.debezium.connector.common.ServerNameKey", heartbeat_key_fields);
static const struct connect_schema heartbeat_value =
    STRUCT("io.debezium.connector.common.Heartbeat", heartbeat_fields);

/* ---- relations: what relation_history_describe() writes */

static const struct connect_schema names = {.base = CONNECT_ARRAY, .items = &string};
static const struct connect_schema opt_names = {
    .base = CONNECT_ARRAY, .optional = true, .items = &string};
static const struct connect_field column_fields[] = {
    FIELD("name", &string),      FIELD("type_schema", &string), FIELD("type", &string),
    FIELD("type_oid", &int64),   FIELD("typmod", &int32),       FIELD("not_null", &boolean),
    FIELD("identity", &boolean), FIELD("default", &opt_string), FIELD("labels", &opt_names),
    FIELD("generated", &boolean)};
static const struct connect_schema column = STRUCT("millrace.Column", column_fields);
static const struct connect_schema columns = {.base = CONNECT_ARRAY, .items = &column};
static const struct connect_field relation_fields[] = {
    FIELD("oid", &int64), FIELD("replica_identity", &string), FIELD("key", &names),
    FIELD("columns", &columns)};
static const struct connect_schema relation = STRUCT("millrace.Relation", relation_fields);
static const struct connect_schema opt_relation =
    OPTIONAL_STRUCT("millrace.Relation", relation_fields);
static const struct connect_field change_key_fields[] = {FIELD("schema", &string),
                                                         FIELD("table", &string)};
static const struct connect_field change_fields[] = {
    FIELD("schema", &string),  FIELD("table", &string), FIELD("lsn", &int64),
    FIELD("txId", &opt_int64), FIELD("ts_ms", &int64),  FIELD("old", &opt_relation),
    FIELD("new", &relation)};
static const struct connect_schema change_key = STRUCT("millrace.RelationKey", change_key_fields);
static const struct connect_schema change_value = STRUCT("millrace.RelationChange", change_fields);

const struct side_schema side_schemas[SIDE_KINDS] = {
    [SIDE_TRANSACTION] = {&transaction_key, &transaction_value},
    [SIDE_HEARTBEAT] = {&heartbeat_key, &heartbeat_value},
    [SIDE_RELATION] = {&change_key, &change_value},
};
