/*
 * flat - what stands around the row where the row itself is a record's value.
 *
 *     {"id":7,"note":"x","__deleted":"false","__op":"u","__lsn":100,"__commit_ts":1795236510181222}
 *      \___ the row __/ \_____________________________ told behind it __________________________/
 *
 * As Debezium's transformation ExtractNewRecordState makes it of an envelope (Debezium 3
 * documentation, "New Record State Extraction"): of a change the new row, of a delete the old one.
 * Any field of the envelope can be told, behind the row or in the record's headers.
 *
 * TRUNCATE, which that transformation drops, has no row: its record tells its fields only (with a
 * schema, each column is as where a delete does not tell it), and there is one only where the
 * operation is told, since nobody could tell it from a row otherwise.  Logical messages stay as
 * they are.
 */
#ifndef SINKS_FLAT_H
#define SINKS_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/patterns.h"
#include "millrace/slice.h"
#include "sinks/connect_schema.h"
#include "sinks/name_adjust.h"
#include "sinks/transactions.h"

#define FLAT_HEADERS_MAX 8

/* What becomes of a delete, as Debezium names it. */
enum flat_deletes {
    FLAT_REWRITE_WITH_TOMBSTONE, /* the old row with __deleted "true", and a tombstone behind it */
    FLAT_REWRITE,                /* the old row alone */
    FLAT_TOMBSTONE,              /* the tombstone alone */
    FLAT_DELETE_TO_TOMBSTONE,    /* the same; to Debezium one has a schema and one has none */
    FLAT_DROP,                   /* nothing */
};

struct flat_options {
    struct patterns fields, headers; /* texts: op, source.lsn, lsn, op:operation... */
    const char *prefix;              /* of their names, but for __deleted */
    enum flat_deletes deletes;
};

struct flat_kind; /* one of the fields that can be told */

struct flat_field {
    const struct flat_kind *kind;
    char *name; /* __source_lsn, before it is adjusted */
};

struct flat {
    enum flat_deletes deletes;
    struct flat_field *fields, *headers; /* in the order in which they are told */
    size_t field_count, header_count;
    const char *topic_prefix, *database; /* the recorder's */
    char sequence[64];                   /* of the event told last */
};

/* names: what becomes of the fields' names where they are written; headers' stay as they are.  NULL
 * with ERROR_CONFIG for a text that is no field, or two fields whose names are or become one. */
struct flat *flat_create(const struct flat_options *options, enum name_adjustment names,
                         struct error *err) MUST_CHECK;
void flat_destroy(struct flat *f); /* NULL is fine */

/* Does a delete make a record of the old row; is there a tombstone (behind it, if `wanted`)? */
bool flat_keeps_deletes(const struct flat *f);
bool flat_makes_tombstones(const struct flat *f, bool wanted);
bool flat_tells_op(const struct flat *f);

enum told_kind { TOLD_NULL, TOLD_NUMBER, TOLD_TEXT };

struct told {
    enum told_kind kind;
    int64_t number;
    struct slice text; /* borrowed of the subject or of `f`; valid until the next event is told */
};

/* Of what is told. */
struct flat_subject {
    struct slice schema, table; /* names that outlive what is told */
    const struct event *event;
    char op;
    const struct transaction_block *transaction; /* NULL: none is told */
};

/* Is it the same for all records of a table?  Then it is told without an event. */
bool flat_is_constant(const struct flat_field *field);
struct told flat_tell(struct flat *f, const struct flat_field *field,
                      const struct flat_subject *subject);
/* Optional, whatever it is in the envelope. */
const struct connect_schema *flat_schema(const struct flat_field *field);

#endif
