/*
 * semantic - what a column's values are to Kafka Connect, and how PostgreSQL's text of them is
 * read.
 *
 * The type table of the Debezium envelope (time.precision.mode adaptive, decimal.handling.mode
 * precise, binary.handling.mode bytes, interval.handling.mode numeric).  Every encoding is derived
 * from it: the JSON writer takes `value`, a schema takes base, name and parameters.  Types that the
 * table does not know are strings: their PostgreSQL text.  Nothing is left out.
 */
#ifndef SINKS_SEMANTIC_H
#define SINKS_SEMANTIC_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/relation.h"

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
    VALUE_DECIMAL,     /* scaled to `scale` */
    VALUE_ANY_DECIMAL, /* {"scale":..,"value":..} */
    VALUE_MONEY,
    VALUE_TEXT,
    VALUE_DATE, /* days */
    VALUE_TIME_MS,
    VALUE_TIME_US,
    VALUE_TIMETZ,
    VALUE_TIMESTAMP_MS,
    VALUE_TIMESTAMP_US,
    VALUE_TIMESTAMPTZ, /* `digits` decimals */
    VALUE_INTERVAL,    /* microseconds */
    VALUE_BYTES,
    VALUE_BIT,  /* a boolean */
    VALUE_BITS, /* little-endian bytes */
    VALUE_ARRAY,
};

#define SEMANTIC_UNLIMITED INT32_MAX
#define SEMANTIC_UUID "io.debezium.data.Uuid"
#define SEMANTIC_JSON "io.debezium.data.Json"
#define SEMANTIC_BITS "io.debezium.data.Bits"
#define SEMANTIC_DECIMAL "org.apache.kafka.connect.data.Decimal"

struct semantic {
    enum connect_base base;
    const char *name; /* of the schema: "io.debezium.time.Date"...; NULL: none */
    enum value_kind value;
    int32_t scale;                  /* VALUE_DECIMAL, VALUE_MONEY; may be negative */
    int32_t precision;              /* VALUE_DECIMAL */
    int32_t length;                 /* VALUE_BITS; SEMANTIC_UNLIMITED: none */
    uint8_t digits;                 /* VALUE_TIMESTAMPTZ: 0 to 6 */
    char delimiter;                 /* VALUE_ARRAY: between elements in the text */
    const struct semantic *element; /* VALUE_ARRAY; in the arena */
    /* The type itself when it is an enum, for its labels; lives as long as the relation only. */
    const struct type *labels;
};

/* False when `arena` is full.  Domains are followed down to what they are made of. */
bool semantic_of(const struct column *column, struct arena *arena, struct semantic *out) MUST_CHECK;

/*
 * What stands where PostgreSQL did not tell the value of a NOT NULL column (a delete under REPLICA
 * IDENTITY DEFAULT): the zero of the type, as JSON text.  Debezium writes a zero of another form
 * where the column has a default that is not a constant; hence computed_default.
 */
const char *semantic_zero(const struct semantic *s, bool computed_default);

#endif
