/*
 * encoding - how a record's bytes are made; the recorder decides which records there are.
 *
 * Every encoding writes a row as one straight run: constants that the plan holds, and values.
 *
 *     head | row: before | between | row: after | tail(event)
 *     a row: row_head, fields, row_tail; or row_null
 *
 *     json: head {"before":       lead ,"name":                 null ,"name":null
 *           between ,"after":
 *     avro: head 00, schema id    lead nothing, or the branch   null the branch of null
 *           between nothing
 *
 * json-schema is json with {"schema":...,"payload": in front of everything and } behind.
 * The constants of all encodings are made from JSON (zeros, placeholders, defaults), so each fact
 * about them is told once.
 */
#ifndef SINKS_ENCODING_H
#define SINKS_ENCODING_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "sinks/json_value.h"
#include "sinks/name_adjust.h"
#include "sinks/placeholder.h"
#include "sinks/plan.h"
#include "sinks/recorder.h"
#include "sinks/rules.h"
#include "sinks/transactions.h"

enum encode_outcome {
    ENCODE_DONE,
    ENCODE_MALFORMED, /* the text is not of the type; or scratch memory or `out` is full */
    ENCODE_UNFIT,     /* the schema has no form for this value: NaN as a decimal... */
    ENCODE_NULL,      /* NULL, and the column was described as NOT NULL */
    ENCODE_UNHIDDEN,  /* a rule hides it, and that failed: no memory, or no hash could be made */
};

/* A column that is NOT NULL by what the catalogue told, but held a NULL at its place of the log. */
struct loose_column {
    uint64_t relation_id;
    uint16_t column;
};

struct side_schema;
struct side_topic;

struct encoding {
    const struct encoding_ops *ops;
    struct slice row_null, row_head, row_tail, between; /* constants of the program */
    bool has_schemas;                                   /* plans need a Connect schema */
    bool has_commas; /* in front of each field of a row but the first */
    enum name_adjustment names;
    struct type_modes types;
    uint64_t bad_values;       /* written as text, though of another type: types.on_bad_value */
    uint16_t bad_column;       /* of the last one, as an index into its relation's columns */
    struct flat *flat;         /* the recorder's; NULL: the envelope stands around the rows */
    struct slice flat_tail;    /* the last of a flat record */
    struct encoding *text;     /* how headers tell a key; NULL: as this encoding's own payload */
    const struct rules *rules; /* the recorder's; NULL: none */
    struct buf hidden;         /* a value that a rule changed */
    struct buf loose;          /* of struct loose_column: few, if any */
    struct json_value json;
    struct placeholder placeholder;
    enum unavailable_values unavailable_values;
    struct buf unavailable; /* what the row written last did not know: ["a","b" */
    const struct transaction_block *transaction; /* of the record being made; NULL: not told */
};

/* What a column looks like in JSON, to be turned into the encoding's own constants. */
struct column_texts {
    struct slice name;    /* adjusted */
    bool first;           /* of its row or key */
    struct slice absent;  /* JSON of the value where it was not told */
    struct slice unknown; /* JSON where an unchanged value is not known; empty: the field is left
                           * out; at NULL: an error */
};

struct encoding_ops {
    const char *name;
    /* Fills lead, null, absent and unknown; false when `arena` is full. */
    bool (*column)(struct encoding *e, struct arena *arena, const struct column_texts *texts,
                   struct plan_column *out);
    /* Fills the heads of a plan whose columns and schemas are there: looks schemas up, where the
     * encoding has a registry for them. */
    bool (*heads)(struct encoding *e, struct plan *plan, struct error *err);
    /* Behind its lead.  ENCODE_UNFIT: nothing was appended. */
    enum encode_outcome (*value)(struct encoding *e, const struct plan_column *column,
                                 struct slice text, struct buf *out);
    /* Everything behind the rows of a change. */
    void (*tail)(struct encoding *e, const struct plan *plan, const struct event *event, char op,
                 struct buf *out);
    /* What is told behind a flat row: in front of a value, and the value. */
    void (*told_lead)(struct slice name, struct buf *out);
    void (*told_value)(const struct told *told, struct buf *out);
    /* A logical message.  False: the registry refused; too large is key->failed, value->failed. */
    bool (*message)(struct encoding *e, const struct topic *topic, const struct event *event,
                    struct buf *key, struct buf *value, struct key_frame *out_frame,
                    struct error *err);
    /* Fills the heads and the frame of a topic for side records (side_records.h). */
    bool (*side_heads)(struct encoding *e, const struct side_schema *schema, struct side_topic *t,
                       struct error *err);
    /* Appends a side record, given as JSON.  False: it does not fit. */
    bool (*side)(struct encoding *e, const struct side_schema *schema, const struct side_topic *t,
                 const struct buf *key_json, const struct buf *value_json, struct buf *key,
                 struct buf *value);
    void (*destroy)(struct encoding *e);
};

/* The options' texts must outlive the encoding. */
struct encoding *encoding_create(const struct recorder_options *options);
void encoding_destroy(struct encoding *e); /* NULL is fine */

struct encoding *json_encoding_create(const struct recorder_options *options, bool with_schemas);
struct encoding *avro_encoding_create(const struct recorder_options *options);

/* Does the column hold no NULL, by all that is known? */
bool encoding_not_null(const struct encoding *e, const struct relation *relation, uint16_t column);
/* From the next compilation on it may.  False when it could already, or without memory. */
bool encoding_loosen(struct encoding *e, const struct relation *relation, uint16_t column);

/* What a rule leaves of a column's text; borrowed until the next call.  When e->hidden.failed it is
 * none of it, and not to be sent. */
struct slice encoding_hide(struct encoding *e, const struct column_rule *rule, struct slice text);

static inline struct slice encoding_hidden(struct encoding *e, const struct column_rule *rule,
                                           struct slice text)
{
    return rule->kind == COLUMN_AS_IT_IS ? text : encoding_hide(e, rule, text);
}

/* For the makers above. */
void encoding_init(struct encoding *e, const struct encoding_ops *ops,
                   const struct recorder_options *options);
void encoding_done(struct encoding *e);

#endif
