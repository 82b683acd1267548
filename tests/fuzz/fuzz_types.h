/* fuzz_types - a column of a type, and the modes, that a byte of the input chooses. */
#ifndef TESTS_FUZZ_FUZZ_TYPES_H
#define TESTS_FUZZ_FUZZ_TYPES_H

#include "millrace/attr.h"
#include "millrace/relation.h"
#include "sinks/pg_oid.h"
#include "sinks/type_modes.h"

#define FUZZ_OID_EXTENSION 20001
#define FUZZ_OID_COMPOSITE 20002
#define FUZZ_OID_MULTIRANGE 4451

struct fuzz_column {
    struct type type, array;
    struct column column; /* of one of them */
    bool semantic_is_sparse;
};

static inline void fuzz_column_of(uint8_t byte, struct fuzz_column *out)
{
    static const struct {
        uint32_t oid;
        const char *name;
        int32_t typmod;
        enum type_kind kind;
    } types[] = {
        {OID_BYTEA, "bytea", -1, TYPE_BASE},
        {OID_INTERVAL, "interval", -1, TYPE_BASE},
        {OID_DATE, "date", -1, TYPE_BASE},
        {OID_TIME, "time", -1, TYPE_BASE},
        {OID_TIMESTAMP, "timestamp", -1, TYPE_BASE},
        {OID_TIMETZ, "timetz", -1, TYPE_BASE},
        {OID_TIMESTAMPTZ, "tstz", -1, TYPE_BASE},
        {OID_NUMERIC, "numeric", -1, TYPE_BASE},
        {OID_MONEY, "money", -1, TYPE_BASE},
        {OID_POINT, "point", -1, TYPE_BASE},
        {OID_LINE, "line", -1, TYPE_BASE},
        {OID_LSEG, "lseg", -1, TYPE_BASE},
        {OID_BOX, "box", -1, TYPE_BASE},
        {OID_PATH, "path", -1, TYPE_BASE},
        {OID_POLYGON, "polygon", -1, TYPE_BASE},
        {OID_CIRCLE, "circle", -1, TYPE_BASE},
        {FUZZ_OID_EXTENSION, "hstore", -1, TYPE_BASE},
        {FUZZ_OID_EXTENSION, "geometry", -1, TYPE_BASE},
        {FUZZ_OID_EXTENSION, "geography", -1, TYPE_BASE},
        {FUZZ_OID_EXTENSION, "vector", -1, TYPE_BASE},
        {FUZZ_OID_EXTENSION, "halfvec", -1, TYPE_BASE},
        {FUZZ_OID_EXTENSION, "sparsevec", -1, TYPE_BASE},
        {OID_FLOAT4, "float4", -1, TYPE_BASE},
        {OID_FLOAT8, "float8", -1, TYPE_BASE},
        {OID_VARBIT, "varbit", -1, TYPE_BASE},
        {OID_BOOL, "bool", -1, TYPE_BASE},
        {OID_NUMERIC, "numeric", (10 << 16 | 2) + 4, TYPE_BASE},
        {OID_TIMESTAMP, "timestamp", 3, TYPE_BASE},
        {OID_TIME, "time", 0, TYPE_BASE},
        {OID_BIT, "bit", 1, TYPE_BASE},
        {OID_INT8, "int8", -1, TYPE_BASE},
        {OID_INT2, "int2", -1, TYPE_BASE},
        {OID_UUID, "uuid", -1, TYPE_BASE},
        {OID_INT4RANGE, "int4range", -1, TYPE_RANGE},
        {FUZZ_OID_MULTIRANGE, "int4multirange", -1, TYPE_BASE},
        {FUZZ_OID_COMPOSITE, "pair", -1, TYPE_BASE},
    };
    size_t which = byte % 128 % ARRAY_LEN(types);

    out->type = (struct type){.oid = types[which].oid,
                              .name = slice_text(types[which].name),
                              .kind = types[which].kind,
                              .delimiter = types[which].oid == OID_BOX ? ';' : ',',
                              .base_typmod = -1};
    out->array = (struct type){.oid = 30001,
                               .name = slice_text("_array"),
                               .kind = TYPE_BASE,
                               .delimiter = ',',
                               .element = &out->type,
                               .base_typmod = -1};
    out->column = (struct column){.typmod = types[which].typmod,
                                  .type = byte >= 128 ? &out->array : &out->type};
    out->column.type_oid = out->column.type->oid;
    out->semantic_is_sparse = slice_is(out->type.name, "sparsevec");
}

static inline struct type_modes fuzz_modes_of(uint8_t byte)
{
    return (struct type_modes){.decimal = (enum decimal_mode)(byte % 3),
                               .time = (enum time_mode)(byte / 3 % 6),
                               .interval = (enum interval_mode)(byte % 2),
                               .binary = (enum binary_mode)(byte % 4),
                               .hstore = (enum hstore_mode)(byte / 2 % 2),
                               .strict = byte / 4 % 2 == 1,
                               .debezium = byte >= 128};
}

#endif
