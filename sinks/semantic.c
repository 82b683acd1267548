#include "sinks/semantic.h"

#include "sinks/pg_oid.h"

#define ZERO_POINT "{\"x\":0.0,\"y\":0.0,\"wkb\":\"AQEAAAAAAAAAAAAAAAAAAAAAAAAA\",\"srid\":null}"
#define MONEY_WHOLE_DIGITS 17 /* 92233720368547758.07 */
#define DOMAIN_DEPTH_MAX 64   /* PostgreSQL has no limit; a chain this long is a mistake of ours */

#define NAMED(of_base, of_name, of_value)                                                          \
    {                                                                                              \
        .base = (of_base), .name = (of_name), .value = (of_value)                                  \
    }

#define FINITE(of_base, of_name, of_value)                                                         \
    {                                                                                              \
        .base = (of_base), .name = (of_name), .value = (of_value), .finite = true                  \
    }

/* Types whose semantic depends neither on the typmod nor on a mode. */
static const struct {
    uint32_t oid;
    struct semantic semantic;
} plain_types[] = {
    {OID_BOOL, {.base = CONNECT_BOOLEAN, .value = VALUE_BOOL}},
    {OID_INT2, {.base = CONNECT_INT16, .value = VALUE_INTEGER}},
    {OID_INT4, {.base = CONNECT_INT32, .value = VALUE_INTEGER}},
    {OID_INT8, {.base = CONNECT_INT64, .value = VALUE_INTEGER}},
    {OID_OID, {.base = CONNECT_INT64, .value = VALUE_INTEGER}},
    {OID_FLOAT4, {.base = CONNECT_FLOAT32, .value = VALUE_FLOAT}},
    {OID_FLOAT8, {.base = CONNECT_FLOAT64, .value = VALUE_DOUBLE}},
    {OID_TIMETZ, NAMED(CONNECT_STRING, "io.debezium.time.ZonedTime", VALUE_TIMETZ)},
    {OID_UUID, NAMED(CONNECT_STRING, SEMANTIC_UUID, VALUE_TEXT)},
    {OID_JSON, NAMED(CONNECT_STRING, SEMANTIC_JSON, VALUE_TEXT)},
    {OID_JSONB, NAMED(CONNECT_STRING, SEMANTIC_JSON, VALUE_TEXT)},
    {OID_XML, NAMED(CONNECT_STRING, "io.debezium.data.Xml", VALUE_TEXT)},
    {OID_TSVECTOR, NAMED(CONNECT_STRING, "io.debezium.data.Tsvector", VALUE_TEXT)},
    {OID_POINT, NAMED(CONNECT_STRUCT, SEMANTIC_POINT, VALUE_POINT)},
    {OID_LINE, NAMED(CONNECT_STRUCT, "io.debezium.data.geometry.Line", VALUE_LINE)},
    {OID_LSEG, NAMED(CONNECT_STRUCT, SEMANTIC_GEOMETRY, VALUE_LSEG)},
    {OID_BOX, NAMED(CONNECT_STRUCT, SEMANTIC_GEOMETRY, VALUE_BOX)},
    {OID_PATH, NAMED(CONNECT_STRUCT, SEMANTIC_GEOMETRY, VALUE_PATH)},
    {OID_POLYGON, NAMED(CONNECT_STRUCT, SEMANTIC_GEOMETRY, VALUE_POLYGON)},
    {OID_CIRCLE, NAMED(CONNECT_STRUCT, "io.debezium.data.geometry.Circle", VALUE_CIRCLE)},
};

static const struct semantic vector_element = {.base = CONNECT_FLOAT64, .value = VALUE_DOUBLE};
static const struct semantic half_element = {.base = CONNECT_FLOAT32, .value = VALUE_FLOAT};

/* Types of extensions: they have no fixed OID. */
static const struct {
    const char *name;
    struct semantic semantic;
} extension_types[] = {
    {"ltree", NAMED(CONNECT_STRING, "io.debezium.data.Ltree", VALUE_TEXT)},
    {"geometry", NAMED(CONNECT_STRUCT, SEMANTIC_GEOMETRY, VALUE_GEOMETRY)},
    {"geography", NAMED(CONNECT_STRUCT, "io.debezium.data.geometry.Geography", VALUE_GEOGRAPHY)},
    {"vector",
     {.base = CONNECT_ARRAY,
      .name = "io.debezium.data.DoubleVector",
      .value = VALUE_VECTOR,
      .element = &vector_element}},
    {"halfvec",
     {.base = CONNECT_ARRAY,
      .name = "io.debezium.data.FloatVector",
      .value = VALUE_VECTOR,
      .element = &half_element}},
    {"sparsevec", NAMED(CONNECT_STRUCT, SEMANTIC_SPARSE_VECTOR, VALUE_SPARSE_VECTOR)},
};

/* Types whose pg_type.typelem is set though they are no arrays: their text is not an array's. */
static const uint32_t no_arrays[] = {OID_NAME, OID_POINT,      OID_LSEG,     OID_BOX,
                                     OID_LINE, OID_INT2VECTOR, OID_OIDVECTOR};

static const struct semantic text_semantic = {.base = CONNECT_STRING, .value = VALUE_TEXT};

/* numeric(p,s): p in the upper half, s in eleven bits with a sign (since PostgreSQL 15), all
 * plus 4. */
static struct semantic precise_semantic(int32_t typmod)
{
    uint32_t bits = (uint32_t)typmod - 4;

    if (typmod < 4)
        return (struct semantic)NAMED(CONNECT_STRUCT, "io.debezium.data.VariableScaleDecimal",
                                      VALUE_ANY_DECIMAL);
    return (struct semantic){.base = CONNECT_BYTES,
                             .name = SEMANTIC_DECIMAL,
                             .value = VALUE_DECIMAL,
                             .scale = (int32_t)((bits & 0x7FF) ^ 0x400) - 0x400,
                             .precision = (int32_t)(bits >> 16 & 0xFFFF)};
}

static struct semantic numeric_semantic(int32_t typmod, enum decimal_mode mode)
{
    struct semantic precise = precise_semantic(typmod);

    switch (mode) {
    case DECIMAL_PRECISE:
        break;
    case DECIMAL_STRING:
        return (struct semantic){
            .base = CONNECT_STRING, .value = VALUE_DECIMAL_TEXT, .scale = precise.scale};
    case DECIMAL_DOUBLE:
        return (struct semantic){.base = CONNECT_FLOAT64, .value = VALUE_DECIMAL_DOUBLE};
    }
    return precise;
}

static struct semantic money_semantic(const struct type_modes *modes)
{
    int32_t digits = modes->money_fraction_digits;

    switch (modes->decimal) {
    case DECIMAL_PRECISE:
        break;
    case DECIMAL_STRING:
        return (struct semantic){.base = CONNECT_STRING, .value = VALUE_MONEY_TEXT};
    case DECIMAL_DOUBLE:
        return (struct semantic){.base = CONNECT_FLOAT64, .value = VALUE_MONEY_DOUBLE};
    }
    return (struct semantic){.base = CONNECT_BYTES,
                             .name = SEMANTIC_DECIMAL,
                             .value = VALUE_MONEY,
                             .scale =
                                 digits < MONEY_FRACTION_DIGITS ? MONEY_FRACTION_DIGITS : digits};
}

static struct semantic bits_semantic(uint32_t oid, int32_t typmod)
{
    if (typmod == 1 || (oid == OID_BIT && typmod < 1))
        return (struct semantic){.base = CONNECT_BOOLEAN, .value = VALUE_BIT};
    return (struct semantic){.base = CONNECT_BYTES,
                             .name = SEMANTIC_BITS,
                             .value = VALUE_BITS,
                             .length = typmod < 1 ? SEMANTIC_UNLIMITED : typmod};
}

static struct semantic bytes_semantic(enum binary_mode mode)
{
    switch (mode) {
    case BINARY_BYTES:
        break;
    case BINARY_BASE64:
        return (struct semantic){.base = CONNECT_STRING, .value = VALUE_BYTES_BASE64};
    case BINARY_BASE64_URL_SAFE:
        return (struct semantic){.base = CONNECT_STRING, .value = VALUE_BYTES_URL};
    case BINARY_HEX:
        return (struct semantic){.base = CONNECT_STRING, .value = VALUE_BYTES_HEX};
    }
    return (struct semantic){.base = CONNECT_BYTES, .value = VALUE_BYTES};
}

static struct semantic date_semantic(enum time_mode mode)
{
    if (mode == TIME_ISOSTRING)
        return (struct semantic)NAMED(CONNECT_STRING, "io.debezium.time.IsoDate", VALUE_DATE_ISO);
    return (struct semantic)NAMED(CONNECT_INT32,
                                  mode == TIME_CONNECT ? "org.apache.kafka.connect.data.Date"
                                                       : "io.debezium.time.Date",
                                  VALUE_DATE);
}

/* Without a typmod, or beyond three digits, milliseconds do not suffice. */
static bool fits_milliseconds(int32_t typmod)
{
    return typmod >= 0 && typmod <= 3;
}

static struct semantic time_semantic(int32_t typmod, enum time_mode mode)
{
    switch (mode) {
    case TIME_ADAPTIVE:
        if (fits_milliseconds(typmod))
            return (struct semantic)NAMED(CONNECT_INT32, "io.debezium.time.Time", VALUE_TIME_MS);
        break;
    case TIME_CONNECT:
        return (struct semantic)NAMED(CONNECT_INT32, "org.apache.kafka.connect.data.Time",
                                      VALUE_TIME_MS);
    case TIME_ISOSTRING:
        return (struct semantic)NAMED(CONNECT_STRING, "io.debezium.time.IsoTime", VALUE_TIME_ISO);
    case TIME_NANOSECONDS:
        return (struct semantic)NAMED(CONNECT_INT64, "io.debezium.time.NanoTime", VALUE_TIME_NS);
    case TIME_ADAPTIVE_MICROSECONDS:
    case TIME_MICROSECONDS:
        break;
    }
    return (struct semantic)NAMED(CONNECT_INT64, "io.debezium.time.MicroTime", VALUE_TIME_US);
}

static struct semantic timestamp_semantic(int32_t typmod, enum time_mode mode)
{
    switch (mode) {
    case TIME_ADAPTIVE:
    case TIME_ADAPTIVE_MICROSECONDS:
        if (fits_milliseconds(typmod))
            return (struct semantic)NAMED(CONNECT_INT64, "io.debezium.time.Timestamp",
                                          VALUE_TIMESTAMP_MS);
        break;
    case TIME_CONNECT:
        return (struct semantic)NAMED(CONNECT_INT64, "org.apache.kafka.connect.data.Timestamp",
                                      VALUE_TIMESTAMP_MS);
    case TIME_ISOSTRING:
        return (struct semantic)NAMED(CONNECT_STRING, "io.debezium.time.IsoTimestamp",
                                      VALUE_TIMESTAMP_ISO);
    case TIME_NANOSECONDS:
        return (struct semantic)NAMED(CONNECT_INT64, "io.debezium.time.NanoTimestamp",
                                      VALUE_TIMESTAMP_NS);
    case TIME_MICROSECONDS:
        break;
    }
    return (struct semantic)NAMED(CONNECT_INT64, "io.debezium.time.MicroTimestamp",
                                  VALUE_TIMESTAMP_US);
}

static struct semantic timestamptz_semantic(int32_t typmod)
{
    return (struct semantic){.base = CONNECT_STRING,
                             .name = "io.debezium.time.ZonedTimestamp",
                             .value = VALUE_TIMESTAMPTZ,
                             .digits = typmod >= 0 && typmod <= 6 ? (uint8_t)typmod : 6};
}

static struct semantic interval_semantic(enum interval_mode mode)
{
    if (mode == INTERVAL_STRING)
        return (struct semantic)NAMED(CONNECT_STRING, "io.debezium.time.Interval",
                                      VALUE_INTERVAL_ISO);
    return (struct semantic)NAMED(CONNECT_INT64, "io.debezium.time.MicroDuration", VALUE_INTERVAL);
}

static struct semantic plain_semantic(uint32_t oid)
{
    for (size_t i = 0; i < ARRAY_LEN(plain_types); i++)
        if (plain_types[i].oid == oid)
            return plain_types[i].semantic;
    return text_semantic;
}

/* Where Avro has a logical type of its own, that; where it has none that holds every value, the
 * text. */
static const struct {
    uint32_t oid;
    struct semantic semantic;
} standard_types[] = {
    {OID_UUID, NAMED(CONNECT_STRING, SEMANTIC_AVRO_UUID, VALUE_TEXT)},
    {OID_DATE, FINITE(CONNECT_INT32, SEMANTIC_AVRO_DATE, VALUE_DATE)},
    {OID_TIME, FINITE(CONNECT_INT64, SEMANTIC_AVRO_TIME, VALUE_TIME_US)},
    {OID_TIMESTAMP, FINITE(CONNECT_INT64, SEMANTIC_AVRO_TIMESTAMP, VALUE_TIMESTAMP_US)},
    {OID_TIMESTAMPTZ, FINITE(CONNECT_INT64, SEMANTIC_AVRO_TIMESTAMPTZ, VALUE_TIMESTAMPTZ_US)},
    {OID_TIMETZ, {.base = CONNECT_STRING, .value = VALUE_TEXT}},
    {OID_INTERVAL, {.base = CONNECT_STRING, .value = VALUE_INTERVAL_ISO}},
    {OID_BIT, {.base = CONNECT_STRING, .value = VALUE_TEXT}},
    {OID_VARBIT, {.base = CONNECT_STRING, .value = VALUE_TEXT}},
};

static bool is_moment(uint32_t oid)
{
    return oid == OID_DATE || oid == OID_TIME || oid == OID_TIMESTAMP || oid == OID_TIMESTAMPTZ;
}

/* Avro's scale is from 0 to the precision: numeric(2,-3) is decimal(5,0), numeric(3,5) is
 * decimal(5,5). */
static void standard_decimal(struct semantic *s)
{
    if (s->value == VALUE_MONEY)
        s->precision = MONEY_WHOLE_DIGITS + s->scale;
    if (s->value == VALUE_ANY_DECIMAL)
        *s = (struct semantic){.base = CONNECT_STRING, .value = VALUE_DECIMAL_TEXT};
    if (s->value == VALUE_DECIMAL && s->scale < 0) {
        s->precision -= s->scale;
        s->scale = 0;
    }
    if (s->value == VALUE_DECIMAL && s->precision < s->scale)
        s->precision = s->scale;
}

/* The variation of `connect`, the semantic that the type has in Kafka Connect's world. */
static struct semantic standard_semantic(uint32_t oid, const struct semantic *connect,
                                         const struct type_modes *modes)
{
    struct semantic s = *connect;

    if (is_moment(oid) && modes->time == TIME_ISOSTRING)
        return s;
    for (size_t i = 0; i < ARRAY_LEN(standard_types); i++)
        if (standard_types[i].oid == oid)
            return standard_types[i].semantic;
    standard_decimal(&s);
    return s;
}

static struct semantic connect_semantic(uint32_t oid, int32_t typmod,
                                        const struct type_modes *modes)
{
    switch (oid) {
    case OID_NUMERIC:
        return numeric_semantic(typmod, modes->decimal);
    case OID_MONEY:
        return money_semantic(modes);
    case OID_BIT:
    case OID_VARBIT:
        return bits_semantic(oid, typmod);
    case OID_BYTEA:
        return bytes_semantic(modes->binary);
    case OID_DATE:
        return date_semantic(modes->time);
    case OID_TIME:
        return time_semantic(typmod, modes->time);
    case OID_TIMESTAMP:
        return timestamp_semantic(typmod, modes->time);
    case OID_TIMESTAMPTZ:
        return timestamptz_semantic(typmod);
    case OID_INTERVAL:
        return interval_semantic(modes->interval);
    default:
        return plain_semantic(oid);
    }
}

static struct semantic builtin_semantic(uint32_t oid, int32_t typmod,
                                        const struct type_modes *modes)
{
    struct semantic connect = connect_semantic(oid, typmod, modes);

    return modes->standard ? standard_semantic(oid, &connect, modes) : connect;
}

static struct semantic hstore_semantic(enum hstore_mode mode)
{
    if (mode == HSTORE_MAP)
        return (struct semantic){.base = CONNECT_MAP, .value = VALUE_HSTORE_MAP};
    return (struct semantic)NAMED(CONNECT_STRING, SEMANTIC_JSON, VALUE_HSTORE_JSON);
}

static bool is_extension_type(const struct type *type)
{
    return type->kind == TYPE_BASE && type->oid >= OID_FIRST_NORMAL;
}

static struct semantic extension_semantic(const struct type *type, const struct type_modes *modes)
{
    if (slice_is(type->name, "hstore"))
        return hstore_semantic(modes->hstore);
    for (size_t i = 0; i < ARRAY_LEN(extension_types); i++)
        if (slice_is(type->name, extension_types[i].name))
            return extension_types[i].semantic;
    return text_semantic;
}

static struct semantic element_semantic(const struct type *type, int32_t typmod,
                                        const struct type_modes *modes)
{
    struct semantic s = is_extension_type(type) ? extension_semantic(type, modes)
                                                : builtin_semantic(type->oid, typmod, modes);

    if (type->kind == TYPE_ENUM) {
        s.name = "io.debezium.data.Enum";
        s.labels = type;
    }
    s.debezium = modes->debezium;
    s.strict = modes->strict;
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

bool semantic_of(const struct column *column, const struct type_modes *modes, struct arena *arena,
                 struct semantic *out)
{
    int32_t typmod = column->typmod;
    const struct type *type = column->type;
    struct semantic *element;

    if (type == NULL) {
        *out = builtin_semantic(column->type_oid, typmod, modes);
        out->debezium = modes->debezium;
        out->strict = modes->strict;
        return true;
    }
    type = below_domains(type, &typmod);
    if (!is_array(type)) {
        *out = element_semantic(type, typmod, modes);
        return true;
    }
    element = arena_alloc(arena, sizeof *element);
    if (element == NULL)
        return false;
    *out = (struct semantic){.base = CONNECT_ARRAY,
                             .value = VALUE_ARRAY,
                             .delimiter = delimiter_of(type),
                             .debezium = modes->debezium,
                             .strict = modes->strict,
                             .element = element};
    type = below_domains(type->element, &typmod);
    /* A domain over an array as element: one quoted text for each, kept as it is. */
    *element = is_array(type) ? text_semantic : element_semantic(type, typmod, modes);
    return true;
}

/* Built-in types beyond those that have a semantic of their own which Debezium carries as text,
 * too. */
static const uint32_t known_texts[] = {
    OID_CHAR,     OID_NAME,    OID_TEXT,      OID_CIDR,      OID_MACADDR8,
    OID_MACADDR,  OID_INET,    OID_BPCHAR,    OID_VARCHAR,   OID_INT4RANGE,
    OID_NUMRANGE, OID_TSRANGE, OID_TSTZRANGE, OID_DATERANGE, OID_INT8RANGE,
};
/* Those it carries by themselves, but not in arrays. */
static const uint32_t unknown_in_arrays[] = {OID_NAME, OID_MONEY,  OID_INTERVAL, OID_VARBIT,
                                             OID_XML,  OID_POINT,  OID_LINE,     OID_LSEG,
                                             OID_PATH, OID_CIRCLE, OID_POLYGON};
static const char *const known_extensions[] = {"citext", "hstore", "isbn",   "isbn13", "issn",
                                               "issn13", "ismn",   "ismn13", "ean13",  "upc"};

static bool is_among(uint32_t oid, const uint32_t *oids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (oids[i] == oid)
            return true;
    return false;
}

static bool extension_is_known(const struct type *type)
{
    for (size_t i = 0; i < ARRAY_LEN(known_extensions); i++)
        if (slice_is(type->name, known_extensions[i]))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(extension_types); i++)
        if (slice_is(type->name, extension_types[i].name))
            return true;
    return false;
}

static bool debezium_knows(uint32_t oid)
{
    static const struct type_modes defaults = {0};

    return builtin_semantic(oid, -1, &defaults).value != VALUE_TEXT ||
           plain_semantic(oid).name != NULL || is_among(oid, known_texts, ARRAY_LEN(known_texts));
}

static bool debezium_knows_type(const struct type *type)
{
    if (type->kind == TYPE_ENUM)
        return true;
    if (type->oid >= OID_FIRST_NORMAL)
        return type->kind == TYPE_BASE && extension_is_known(type);
    return debezium_knows(type->oid);
}

bool semantic_is_unknown_to_debezium(const struct column *column)
{
    const struct type *type = column->type;
    int32_t typmod = -1;

    if (type == NULL)
        return !debezium_knows(column->type_oid);
    type = below_domains(type, &typmod);
    if (!is_array(type))
        return !debezium_knows_type(type);
    return type->element->kind == TYPE_DOMAIN || !debezium_knows_type(type->element) ||
           is_among(type->element->oid, unknown_in_arrays, ARRAY_LEN(unknown_in_arrays));
}

static const char *text_zero(const struct semantic *s, bool computed_default)
{
    struct slice name = s->name == NULL ? slice_text("") : slice_text(s->name);

    if ((computed_default && slice_is(name, SEMANTIC_UUID)) || slice_is(name, SEMANTIC_AVRO_UUID))
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
    case VALUE_DECIMAL_DOUBLE:
    case VALUE_MONEY_DOUBLE:
        return "0.0";
    case VALUE_DECIMAL:
    case VALUE_MONEY:
        return "\"AA==\"";
    case VALUE_ANY_DECIMAL:
        return "{\"scale\":0,\"value\":\"AA==\"}";
    case VALUE_DECIMAL_TEXT:
        return "\"0\"";
    case VALUE_MONEY_TEXT:
        return "\"0.00\"";
    case VALUE_TEXT:
        return text_zero(s, computed_default);
    case VALUE_BYTES:
    case VALUE_BYTES_BASE64:
    case VALUE_BYTES_URL:
    case VALUE_BYTES_HEX:
    case VALUE_BITS:
        return "\"\"";
    case VALUE_DATE_ISO:
        return "\"1970-01-01Z\"";
    case VALUE_TIME_ISO:
    case VALUE_TIMETZ:
        return "\"00:00:00Z\"";
    case VALUE_TIMESTAMP_ISO:
        return "\"1970-01-01T00:00:00Z\"";
    case VALUE_TIMESTAMPTZ:
        return computed_default ? "\"1970-01-01T00:00:00.000000Z\"" : "\"1970-01-01T00:00:00Z\"";
    case VALUE_INTERVAL_ISO:
        return "\"P0Y0M0DT0H0M0S\"";
    case VALUE_HSTORE_JSON:
        return "\"{}\"";
    case VALUE_HSTORE_MAP:
        return "{}";
    case VALUE_POINT:
        return ZERO_POINT;
    case VALUE_LINE:
        return "{\"a\":0.0,\"b\":0.0,\"c\":0.0}";
    case VALUE_CIRCLE:
        return "{\"center\":" ZERO_POINT ",\"radius\":0.0}";
    case VALUE_LSEG:
    case VALUE_BOX:
    case VALUE_PATH:
    case VALUE_POLYGON:
    case VALUE_GEOMETRY:
        return "{\"wkb\":\"\",\"srid\":null,\"extensions\":null}";
    case VALUE_GEOGRAPHY:
        return "{\"wkb\":\"\",\"srid\":null}";
    case VALUE_SPARSE_VECTOR:
        return "{\"dimensions\":0,\"vector\":[]}";
    case VALUE_VECTOR:
    case VALUE_ARRAY:
        return "[]";
    case VALUE_INTEGER:
    case VALUE_DATE:
    case VALUE_TIME_MS:
    case VALUE_TIME_US:
    case VALUE_TIME_NS:
    case VALUE_TIMESTAMP_MS:
    case VALUE_TIMESTAMP_US:
    case VALUE_TIMESTAMP_NS:
    case VALUE_TIMESTAMPTZ_US:
    case VALUE_INTERVAL:
        break;
    }
    return "0";
}
