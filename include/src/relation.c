#include "millrace/relation.h"

static bool same_column(const struct column *a, const struct column *b)
{
    return slice_equal(a->name, b->name) && a->type_oid == b->type_oid && a->typmod == b->typmod &&
           a->identity == b->identity;
}

bool relation_same_wire(const struct relation *a, const struct relation *b)
{
    if (a->oid != b->oid || a->identity != b->identity || a->column_count != b->column_count ||
        !slice_equal(a->schema, b->schema) || !slice_equal(a->name, b->name))
        return false;
    for (uint16_t i = 0; i < a->column_count; i++)
        if (!same_column(&a->columns[i], &b->columns[i]))
            return false;
    return true;
}

const char *replica_identity_name(enum replica_identity identity)
{
    switch (identity) {
    case IDENTITY_DEFAULT:
        return "default";
    case IDENTITY_NOTHING:
        return "nothing";
    case IDENTITY_FULL:
        return "full";
    case IDENTITY_INDEX:
        return "index";
    }
    return "unknown";
}
