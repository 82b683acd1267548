/*
 * json_value - one value: PostgreSQL's text in, JSON text out, as the semantic says.
 *
 * What a type of the Debezium envelope cannot hold (NaN and the infinities of numeric, timestamps
 * beyond 64 bits, an empty varbit(1), an array in an array) comes in another form of JSON: as a
 * string of PostgreSQL's text, as nested arrays; as null with semantic.debezium.  With
 * semantic.strict, since a schema describes one form only, it is refused.
 */
#ifndef SINKS_JSON_VALUE_H
#define SINKS_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"
#include "sinks/semantic.h"

/* Scratch memory that is used again for each value. */
struct json_value {
    struct buf work;    /* bytes of one value */
    struct buf element; /* of an array, without backslashes */
    bool unfit;         /* the value was refused, though it is one of its type */
};

void json_value_init(struct json_value *w, size_t limit_bytes);
/* Gives back what one huge value needed. */
void json_value_trim(struct json_value *w, size_t keep_bytes);
void json_value_done(struct json_value *w);

/* Bytes as a string, quotes included. */
void json_bytes(struct buf *out, struct slice bytes, enum binary_mode mode);

/* The short way for what rows are full of: integers and texts.  False: nothing was written, and
 * json_value_write() may know how. */
bool json_value_write_short(const struct semantic *s, struct slice text,
                            struct buf *out) MUST_CHECK;

/* False when the text is not of the type, or scratch memory did not suffice, or the value was
 * refused: json_value_was_unfit() tells.  Something may then have been appended.  Whether it fitted
 * into `out` is out->failed. */
bool json_value_write(struct json_value *w, const struct semantic *s, struct slice text,
                      struct buf *out) MUST_CHECK;

/* Was the value refused that was written last, in vain?  Asked once, and only then. */
bool json_value_was_unfit(struct json_value *w);

/* Refuses the value, or writes what stands for it in JSON without a schema; returns whether it is
 * written.  For the writers of single types. */
bool json_write_beyond(struct json_value *w, const struct semantic *s, struct slice text,
                       struct buf *out) MUST_CHECK;

#endif
