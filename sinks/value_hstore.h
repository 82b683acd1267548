/*
 * value_hstore - walks PostgreSQL's text of an hstore, pair by pair, without allocation.
 *
 *     "k"=>"v", "a b"=>"c\"d", "n"=>NULL
 *
 * Manual, appendix F, hstore.  As hstore_out() prints it: every key and value in quotes.
 */
#ifndef SINKS_VALUE_HSTORE_H
#define SINKS_VALUE_HSTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/slice.h"

enum hstore_token {
    HSTORE_PAIR, /* reader.key and reader.value; each `\` in them hides the byte behind it */
    HSTORE_END,  /* all of it has been read, and it was well formed */
    HSTORE_MALFORMED,
};

struct hstore_reader {
    const uint8_t *at, *end;
    bool started, failed;
    struct slice key;   /* without quotes; points into the text */
    struct slice value; /* likewise; only when has_value */
    bool has_value;     /* false: NULL */
};

struct hstore_reader hstore_reader_over(struct slice text);
/* HSTORE_END and HSTORE_MALFORMED stay for good. */
enum hstore_token hstore_reader_next(struct hstore_reader *r) MUST_CHECK;

#endif
