/*
 * type_modes - which of several forms values of a type take; named as Debezium names them.
 */
#ifndef SINKS_TYPE_MODES_H
#define SINKS_TYPE_MODES_H

#include <stdbool.h>
#include <stdint.h>

/* Each enum in the order of its option's choices; the default is the first. */
enum decimal_mode { DECIMAL_PRECISE, DECIMAL_STRING, DECIMAL_DOUBLE };
enum time_mode {
    TIME_ADAPTIVE,
    TIME_ADAPTIVE_MICROSECONDS, /* time as microseconds, the rest adaptive */
    TIME_CONNECT,               /* Kafka Connect's own types: milliseconds */
    TIME_ISOSTRING,
    TIME_MICROSECONDS,
    TIME_NANOSECONDS,
};
enum interval_mode { INTERVAL_NUMERIC, INTERVAL_STRING };
enum binary_mode { BINARY_BYTES, BINARY_BASE64, BINARY_BASE64_URL_SAFE, BINARY_HEX };
enum hstore_mode { HSTORE_JSON, HSTORE_MAP };

/* What becomes of a value that its type's parser cannot read. */
enum bad_value { BAD_VALUE_STOPS, BAD_VALUE_TEXT };

#define MONEY_FRACTION_DIGITS 2 /* of money as we read it; fewer would round */

/* A zeroed one has the defaults. */
struct type_modes {
    enum decimal_mode decimal;
    enum time_mode time;
    enum interval_mode interval;
    enum binary_mode binary;
    enum hstore_mode hstore;
    int32_t money_fraction_digits; /* below MONEY_FRACTION_DIGITS: that */
    enum bad_value on_bad_value;
    bool standard; /* Avro's own logical types; the encoding says so, see avro.types */
    bool debezium; /* nothing that Debezium 3 would not write; see DIFFERENCES.md */
    bool strict;   /* nothing that a schema would not describe; the encoding says so */
};

#endif
