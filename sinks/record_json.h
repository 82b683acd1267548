/*
 * record_json - a record as one line of JSON, for people and pipes.
 *
 *     {"topic":"shop.public.orders","key":{"id":7},"value":null,"headers":{}}
 *
 * Keys and values stand there as the JSON they are, null where they are null; Avro as
 * {"avro_id":7,"base64":"AgI="}, its id and what follows it; a header's value is bytes, so it
 * stands there as a string.
 */
#ifndef SINKS_RECORD_JSON_H
#define SINKS_RECORD_JSON_H

#include <stdint.h>

#include "millrace/buf.h"
#include "sinks/recorder.h"

/* Appends the line, its newline included.  With an `offset`, that comes first:
 * {"offset":12,"topic":... */
void record_json_append(struct buf *out, const struct record *record, const uint64_t *offset);

#endif
