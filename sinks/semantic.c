#include "sinks/semantic.h"

#include "sinks/pg_oid.h"

#define DOMAIN_DEPTH_MAX 64 /* PostgreSQL has no limit; a chain this long is a mistake of ours */

/* Types whose semantic does not depend on the typmod. */
static const struct {
    uint32_t oid;
    struct semantic semantic;
} plain_types[] = {
    {OID_BOOL, {.base = CONNECT_BOOLEAN, .value = VALUE_BOOL}},
    {OID_BYTEA, {.base = CONNECT_BYTES, .value = VALUE_BYTES}},
    {OID_INT2, {.base = CONNECT_INT16, .value = VALUE_INTEGER}},
    {OID_INT4, {.base = CONNECT_INT32, .value = VALUE_INTEGER}},
    {OID_INT8, {.base = CONNECT_INT64, .value = VALUE_INTEGER}},
    {OID_OID, {.base = CONNECT_INT64, .value = VALUE_INTEGER}},
    {OID_FLOAT4, {.base = CONNECT_FLOAT32, .value = VALUE_FLOAT}},
    {OID_FLOAT8, {.base = CONNECT_FLOAT64, .value = VALUE_DOUBLE}},
    {OID_MONEY,
     {.base = CONNECT_BYTES,
      .name = "org.apache.kafka.connect.data.Decimal",
      .value = VALUE_MONEY,
      .scale = 2}},
    {OID_DATE, {.base = CONNECT_INT32, .name = "io.debezium.time.Date", .value = VALUE_DATE}},
    {OID_TIMETZ,
     {.base = CONNECT_STRING, .name = "io.debezium.time.ZonedTime", .value = VALUE_TIMETZ}},
    {OID_INTERVAL,
     {.base = CONNECT_INT64, .name = "io.debezium.time.MicroDuration", .value = VALUE_INTERVAL}},
    {OID_UUID, {.base = CONNECT_STRING, .name = SEMANTIC_UUID, .value = VALUE_TEXT}},
    {OID_JSON, {.base = CONNECT_STRING, .name = SEMANTIC_JSON, .value = VALUE_TEXT}},
    {OID_JSONB, {.base = CONNECT_STRING, .name = SEMANTIC_JSON, .value = VALUE_TEXT}},
    {OID_XML, {.base = CONNECT_STRING, .name = "io.debezium.data.Xml", .value = VALUE_TEXT}},
    {OID_TSVECTOR,
     {.base = CONNECT_STRING, .name = "io.debezium.data.Tsvector", .value = VALUE_TEXT}},
};

/* Types whose pg_type.typelem is set though they are no arrays: their text is not an array's. */
static const uint32_t no_arrays[] = {OID_NAME, OID_POINT,      OID_LSEG,     OID_BOX,
                                     OID_LINE, OID_INT2VECTOR, OID_OIDVECTOR};

static const struct semantic text_semantic = {.base = CONNECT_STRING, .value = VALUE_TEXT};

/* numeric(p,s): p in the upper half, s in eleven bits with a sign (since PostgreSQL 15), all
 * plus 4. */
static struct semantic numeric_semantic(int32_t typmod)
{
    uint32_t bits = (uint32_t)typmod - 4;

    if (typmod < 4)
        return (struct semantic){.base = CONNECT_STRUCT,
                                 .name = "io.debezium.data.VariableScaleDecimal",
                                 .value = VALUE_ANY_DECIMAL};
    return (struct semantic){.base = CONNECT_BYTES,
                             .name = "org.apache.kafka.connect.data.Decimal",
                             .value = VALUE_DECIMAL,
                             .scale = (int32_t)((bits & 0x7FF) ^ 0x400) - 0x400,
                             .precision = (int32_t)(bits >> 16 & 0xFFFF)};
}

static struct semantic bits_semantic(uint32_t oid, int32_t typmod)
{
    if (typmod == 1 || (oid == OID_BIT && typmod < 1))
        return (struct semantic){.base = CONNECT_BOOLEAN, .value = VALUE_BIT};
    return (struct semantic){.base = CONNECT_BYTES,
                             .name = "io.debezium.data.Bits",
                             .value = VALUE_BITS,
                             .length = typmod < 1 ? SEMANTIC_UNLIMITED : typmod};
}

static struct semantic time_semantic(int32_t typmod)
{
    if (typmod >= 0 && typmod <= 3)
        return (struct semantic){
            .base = CONNECT_INT32, .name = "io.debezium.time.Time", .value = VALUE_TIME_MS};
    return (struct semantic){
        .base = CONNECT_INT64, .name = "io.debezium.time.MicroTime", .value = VALUE_TIME_US};
}

static struct semantic timestamp_semantic(int32_t typmod)
{
    if (typmod >= 0 && typmod <= 3)
        return (struct semantic){.base = CONNECT_INT64,
                                 .name = "io.debezium.time.Timestamp",
                                 .value = VALUE_TIMESTAMP_MS};
    return (struct semantic){.base = CONNECT_INT64,
                             .name = "io.debezium.time.MicroTimestamp",
                             .value = VALUE_TIMESTAMP_US};
}

static struct semantic timestamptz_semantic(int32_t typmod)
{
    return (struct semantic){.base = CONNECT_STRING,
                             .name = "io.debezium.time.ZonedTimestamp",
                             .value = VALUE_TIMESTAMPTZ,
                             .digits = typmod >= 0 && typmod <= 6 ? (uint8_t)typmod : 6};
}

static struct semantic builtin_semantic(uint32_t oid, int32_t typmod)
{
    switch (oid) {
    case OID_NUMERIC:
        return numeric_semantic(typmod);
    case OID_BIT:
    case OID_VARBIT:
        return bits_semantic(oid, typmod);
    case OID_TIME:
        return time_semantic(typmod);
    case OID_TIMESTAMP:
        return timestamp_semantic(typmod);
    case OID_TIMESTAMPTZ:
        return timestamptz_semantic(typmod);
    default:
        break;
    }
    for (size_t i = 0; i < ARRAY_LEN(plain_types); i++)
        if (plain_types[i].oid == oid)
            return plain_types[i].semantic;
    return text_semantic;
}

/* Types of extensions have no fixed OID. */
static struct semantic named_semantic(const struct type *type, int32_t typmod)
{
    struct semantic s = builtin_semantic(type->oid, typmod);

    if (type->kind == TYPE_ENUM) {
        s.name = "io.debezium.data.Enum";
        s.labels = type;
    } else if (type->kind == TYPE_BASE && slice_is(type->name, "ltree")) {
        s.name = "io.debezium.data.Ltree";
    }
    return s;
}

/* A domain's own typmod wins over the column's, which is always -1 then. */
static const struct type *below_domains(const struct type *type, int32_t *typmod)
{
    for (unsigned depth = 0; depth < DOMAIN_DEPTH_MAX; depth++) {
        if (type->kind != TYPE_DOMAIN || type->base == NULL)
            return type;
        if (type->base_typmod >= 0)
            *typmod = type->base_typmod;
        type = type->base;
    }
    return type;
}

static bool is_array(const struct type *type)
{
    if (type->element == NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(no_arrays); i++)
        if (no_arrays[i] == type->oid)
            return false;
    return true;
}

static char delimiter_of(const struct type *array)
{
    if (array->element->delimiter != '\0')
        return array->element->delimiter;
    if (array->delimiter != '\0')
        return array->delimiter;
    return ',';
}

bool semantic_of(const struct column *column, struct arena *arena, struct semantic *out)
{
    int32_t typmod = column->typmod;
    const struct type *type = column->type;
    struct semantic *element;

    if (type == NULL) {
        *out = builtin_semantic(column->type_oid, typmod);
        return true;
    }
    type = below_domains(type, &typmod);
    if (!is_array(type)) {
        *out = named_semantic(type, typmod);
        return true;
    }
    element = arena_alloc(arena, sizeof *element);
    if (element == NULL)
        return false;
    *out = (struct semantic){.base = CONNECT_ARRAY,
                             .value = VALUE_ARRAY,
                             .delimiter = delimiter_of(type),
                             .element = element};
    type = below_domains(type->element, &typmod);
    /* A domain over an array as element: one quoted text for each, kept as it is. */
    *element = is_array(type) ? text_semantic : named_semantic(type, typmod);
    return true;
}

static const char *text_zero(const struct semantic *s, bool computed_default)
{
    struct slice name = s->name == NULL ? slice_text("") : slice_text(s->name);

    if (computed_default && slice_is(name, SEMANTIC_UUID))
        return "\"00000000-0000-0000-0000-000000000000\"";
    if (computed_default && slice_is(name, SEMANTIC_JSON))
        return "\"{}\"";
    return "\"\"";
}

const char *semantic_zero(const struct semantic *s, bool computed_default)
{
    switch (s->value) {
    case VALUE_BOOL:
    case VALUE_BIT:
        return "false";
    case VALUE_FLOAT:
    case VALUE_DOUBLE:
        return "0.0";
    case VALUE_DECIMAL:
    case VALUE_MONEY:
        return "\"AA==\"";
    case VALUE_ANY_DECIMAL:
        return "{\"scale\":0,\"value\":\"AA==\"}";
    case VALUE_TEXT:
        return text_zero(s, computed_default);
    case VALUE_BYTES:
    case VALUE_BITS:
        return "\"\"";
    case VALUE_TIMETZ:
        return "\"00:00:00Z\"";
    case VALUE_TIMESTAMPTZ:
        return computed_default ? "\"1970-01-01T00:00:00.000000Z\"" : "\"1970-01-01T00:00:00Z\"";
    case VALUE_ARRAY:
        return "[]";
    case VALUE_INTEGER:
    case VALUE_DATE:
    case VALUE_TIME_MS:
    case VALUE_TIME_US:
    case VALUE_TIMESTAMP_MS:
    case VALUE_TIMESTAMP_US:
    case VALUE_INTERVAL:
        break;
    }
    return "0";
}
