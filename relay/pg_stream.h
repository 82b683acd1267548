/*
 * pg_stream - the logical replication stream: START_REPLICATION, messages in, status updates out.
 *
 *     libpq buffer -> one CopyData message (freed at the next call) -> envelope -> decoder -> event
 *                                                                               |
 *       dropped: transactions before the start, events durable already,  <------+
 *                relations that are left out, what a snapshot read again shows already
 *
 * Nothing is copied: an event borrows from the message.
 */
#ifndef RELAY_PG_STREAM_H
#define RELAY_PG_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/position.h"
#include "millrace/source.h"
#include "relay/pg_session.h"

struct pg_stream;

/* Starts at start->end_lsn on the session's replication connection (opened again if it broke).
 * `durable_lsn` is what the sink holds, 0 when it holds nothing: then the first event is an urgent
 * EVENT_PROGRESS to the start, so that a slot is not left without a stored position. */
struct pg_stream *pg_stream_open(struct pg_session *session, const struct position *start,
                                 uint64_t durable_lsn, struct error *err) MUST_CHECK;
enum source_outcome pg_stream_next(struct pg_stream *stream, struct event *out_event,
                                   struct error *err) MUST_CHECK;
/* As struct source's, of the last SOURCE_IDLE. */
int64_t pg_stream_gather_us(const struct pg_stream *stream);
bool pg_stream_confirm(struct pg_stream *stream, uint64_t end_lsn, struct error *err) MUST_CHECK;
bool pg_stream_tick(struct pg_stream *stream, int64_t now_us, struct error *err) MUST_CHECK;
/* Returns how many of `out` are filled: 0 or 1. */
size_t pg_stream_poll(struct pg_stream *stream, struct pollfd *out, bool want_input);
/* Tells the server the last durable position and ends the stream, waiting a second at most.  NULL
 * is fine. */
void pg_stream_close(struct pg_stream *stream);

#endif
