/*
 * change_records - the records that a change of a table makes: which ones, under which keys, with
 * which headers.
 *
 *     insert, row of the snapshot    the change
 *     update                         the change; of the key: as a delete and an insert, each with a
 *                                    header that tells the other key
 *     delete                         the change, and its tombstone
 *     truncate                       one record for each table
 *
 * They are appended to those of the recorder's event, and stand in its buffers (recorder_state.h).
 */
#ifndef SINKS_CHANGE_RECORDS_H
#define SINKS_CHANGE_RECORDS_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "sinks/plan.h"
#include "sinks/recorder.h"

/* Of an INSERT, UPDATE, DELETE or READ, by the plan of its relation.  False: as recorder_make(); or
 * r->loosened, *err untouched: what was appended is to be forgotten and made by another plan. */
bool change_records_row(struct recorder *r, const struct event *event, struct plan *plan,
                        struct error *err) MUST_CHECK;

/* Of one table of a TRUNCATE.  Their values stand one behind the other and may still move, so that
 * each is cut out by change_records_part(), when all are there. */
bool change_records_truncate(struct recorder *r, const struct event *event,
                             const struct relation *relation, struct plan *plan,
                             struct error *err) MUST_CHECK;
void change_records_part(struct recorder *r);

#endif
