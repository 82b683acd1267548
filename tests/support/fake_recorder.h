/*
 * fake_recorder - a recorder that makes the records it was told to, for tests of sinks.
 *
 * Linked instead of sinks/recorder.c.  What was queued since the last event is what the next event
 * becomes, whatever that event is; nothing queued, nothing made.
 */
#ifndef TESTS_SUPPORT_FAKE_RECORDER_H
#define TESTS_SUPPORT_FAKE_RECORDER_H

#include "sinks/recorder.h"

/* The sink takes it over; keep the pointer to queue records. */
struct recorder *fake_recorder_create(void);

/* NULL for key or value: null.  Bytes are copied. */
void fake_recorder_queue(struct recorder *r, const char *topic, const char *key, const char *value);
/* Adds a header to the record queued last. */
void fake_recorder_header(struct recorder *r, const char *name, const char *value);
/* The next event fails with this. */
void fake_recorder_fail(struct recorder *r, enum error_kind kind, const char *text);

#endif
