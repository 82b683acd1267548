/*
 * semantic - what a column's values are to Kafka Connect, and how PostgreSQL's text of them is
 * read.
 *
 * The type table of the Debezium envelope, in each of its modes.  Every encoding is derived from
 * it: a writer takes `value`, a schema takes base, name and parameters.  Types that the table does
 * not know are strings: their PostgreSQL text.  Nothing is left out.
 *
 * What the values of CONNECT_STRUCT, CONNECT_MAP and the named arrays hold; `?` may be null:
 *
 *     VALUE_ANY_DECIMAL    scale int32, value bytes
 *     VALUE_POINT          x float64, y float64, wkb bytes?, srid int32?   (srid is null)
 *     VALUE_LINE           a float64, b float64, c float64
 *     VALUE_CIRCLE         center VALUE_POINT, radius float64
 *     VALUE_LSEG, _BOX, _PATH, _POLYGON
 *                          wkb bytes, srid int32? (null), extensions map<string, string>?
 *                          {"type":"lseg"}, {"type":"path","closed":"true"}...
 *     VALUE_GEOMETRY       the same; wkb is PostGIS' EWKB, extensions are null
 *     VALUE_GEOGRAPHY      wkb bytes, srid int32?
 *     VALUE_SPARSE_VECTOR  dimensions int16, vector map<int16, float64>
 *     VALUE_VECTOR         array of float64 or float32, none of them null
 *     VALUE_HSTORE_MAP     map<string, string?>
 */
#ifndef SINKS_SEMANTIC_H
#define SINKS_SEMANTIC_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/relation.h"
#include "sinks/type_modes.h"

enum connect_base {
    CONNECT_BOOLEAN,
    CONNECT_INT16,
    CONNECT_INT32,
    CONNECT_INT64,
    CONNECT_FLOAT32,
    CONNECT_FLOAT64,
    CONNECT_STRING,
    CONNECT_BYTES,
    CONNECT_ARRAY,
    CONNECT_MAP, /* keys are strings */
    CONNECT_STRUCT,
};

/* One for each way to turn PostgreSQL's text into a value. */
enum value_kind {
    VALUE_BOOL,
    VALUE_INTEGER,
    VALUE_FLOAT,
    VALUE_DOUBLE,
    VALUE_DECIMAL,        /* scaled to `scale` */
    VALUE_ANY_DECIMAL,    /* {"scale":..,"value":..} */
    VALUE_DECIMAL_TEXT,   /* the digits as PostgreSQL has them */
    VALUE_DECIMAL_DOUBLE, /* the nearest double */
    VALUE_MONEY,
    VALUE_MONEY_TEXT,
    VALUE_MONEY_DOUBLE,
    VALUE_TEXT,
    VALUE_DATE,     /* days */
    VALUE_DATE_ISO, /* 2024-02-29Z */
    VALUE_TIME_MS,
    VALUE_TIME_US,
    VALUE_TIME_NS,
    VALUE_TIME_ISO, /* 13:51:30.1Z */
    VALUE_TIMETZ,
    VALUE_TIMESTAMP_MS,
    VALUE_TIMESTAMP_US,
    VALUE_TIMESTAMP_NS,
    VALUE_TIMESTAMP_ISO, /* 2016-11-04T13:51:30.5Z */
    VALUE_TIMESTAMPTZ,   /* `digits` decimals */
    VALUE_TIMESTAMPTZ_US,
    VALUE_INTERVAL,     /* microseconds */
    VALUE_INTERVAL_ISO, /* P1Y2M3DT4H5M6.78S */
    VALUE_BYTES,
    VALUE_BYTES_BASE64, /* text */
    VALUE_BYTES_URL,    /* text: base64 with - and _ */
    VALUE_BYTES_HEX,    /* text */
    VALUE_BIT,          /* a boolean */
    VALUE_BITS,         /* little-endian bytes */
    VALUE_HSTORE_JSON,  /* text: a JSON object */
    VALUE_HSTORE_MAP,
    VALUE_POINT,
    VALUE_LINE,
    VALUE_LSEG,
    VALUE_BOX,
    VALUE_PATH,
    VALUE_POLYGON,
    VALUE_CIRCLE,
    VALUE_GEOMETRY,  /* of PostGIS */
    VALUE_GEOGRAPHY, /* of PostGIS */
    VALUE_VECTOR,    /* of pgvector */
    VALUE_SPARSE_VECTOR,
    VALUE_ARRAY,
};

#define SEMANTIC_UNLIMITED INT32_MAX
#define SEMANTIC_UUID "io.debezium.data.Uuid"
#define SEMANTIC_JSON "io.debezium.data.Json"
#define SEMANTIC_BITS "io.debezium.data.Bits"
#define SEMANTIC_DECIMAL "org.apache.kafka.connect.data.Decimal"
#define SEMANTIC_POINT "io.debezium.data.geometry.Point"
#define SEMANTIC_GEOMETRY "io.debezium.data.geometry.Geometry"
#define SEMANTIC_SPARSE_VECTOR "io.debezium.data.SparseDoubleVector"

/* Avro's logical types, as names: in semantics of type_modes.standard only. */
#define SEMANTIC_AVRO_UUID "uuid"
#define SEMANTIC_AVRO_DATE "date"
#define SEMANTIC_AVRO_TIME "time-micros"
#define SEMANTIC_AVRO_TIMESTAMP "local-timestamp-micros"
#define SEMANTIC_AVRO_TIMESTAMPTZ "timestamp-micros"

struct semantic {
    enum connect_base base;
    const char *name; /* of the schema: "io.debezium.time.Date"...; NULL: none */
    enum value_kind value;
    int32_t scale;     /* VALUE_DECIMAL, VALUE_DECIMAL_TEXT, VALUE_MONEY; may be negative */
    int32_t precision; /* VALUE_DECIMAL */
    int32_t length;    /* VALUE_BITS; SEMANTIC_UNLIMITED: none */
    uint8_t digits;    /* VALUE_TIMESTAMPTZ: 0 to 6 */
    char delimiter;    /* VALUE_ARRAY: between elements in the text */
    bool finite;       /* the infinities are no values of it, nor is 24:00 */
    bool debezium;     /* what the type cannot hold is written as Debezium has it */
    bool strict;       /* what the type cannot hold is refused */
    const struct semantic *element; /* VALUE_ARRAY, VALUE_VECTOR; constant or in the arena */
    /* The type itself when it is an enum, for its labels; lives as long as the relation only. */
    const struct type *labels;
};

/* False when `arena` is full.  Domains are followed down to what they are made of. */
bool semantic_of(const struct column *column, const struct type_modes *modes, struct arena *arena,
                 struct semantic *out) MUST_CHECK;

/* Does Debezium leave columns of this type out (include.unknown.datatypes is off by default)? */
bool semantic_is_unknown_to_debezium(const struct column *column);

/*
 * What stands where PostgreSQL did not tell the value of a NOT NULL column (a delete under REPLICA
 * IDENTITY DEFAULT): the zero of the type, as JSON text.  Debezium writes a zero of another form
 * where the column has a default that is not a constant; hence computed_default.
 */
const char *semantic_zero(const struct semantic *s, bool computed_default);

#endif
