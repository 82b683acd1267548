/*
 * registry_client - a schema registry over HTTP, with the interface of Confluent's.
 *
 *     POST /subjects/<subject>/versions  {"schema":"..."}   ->   {"id":7}
 *
 * The call waits for the answer: at most `timeout_ms` in all, which must be well below the source's
 * wal_sender_timeout, since nobody answers PostgreSQL meanwhile.  It happens when a relation is new
 * or has changed, never for an event.  When no registry answers, the error is ERROR_LINK: the
 * session ends, nothing of the event was taken, and it begins again at the last position once the
 * back-off of all links has passed.
 */
#ifndef SINKS_REGISTRY_CLIENT_H
#define SINKS_REGISTRY_CLIENT_H

#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "sinks/schema_registry.h"

struct registry_options {
    const char *url;       /* one or several, with commas between them; tried in turn */
    const char *directory; /* see registry_directory.h */
    const char *user, *password;
    const char *token;             /* instead of user and password */
    const char *ca;                /* PEM file; the system's when NULL */
    const char *certificate, *key; /* PEM files of our own */
    int64_t timeout_ms;
};

/* Does not connect yet.  NULL with ERROR_CONFIG when an address makes no sense.  The options are
 * copied. */
struct schema_registry *registry_client_create(const struct registry_options *options,
                                               struct error *err) MUST_CHECK;
const char *registry_client_version(void); /* of libcurl */

#endif
