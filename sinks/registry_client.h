/*
 * registry_client - a schema registry over HTTP, with the interface of Confluent's.
 *
 *     POST /subjects/<subject>           {"schema":"..."}  ->  {"id":7,"schema":"..."}   look up
 *     POST /subjects/<subject>/versions  {"schema":"..."}  ->  {"id":7}                  register
 *     GET  /schemas/ids/7                                  ->  {"schema":"..."}          check
 *     GET  /subjects/<subject>/versions/latest             ->  {"schema":"..."}          a refusal
 *
 * A call waits a tenth of a second at most and then answers ERROR_WAITING: PostgreSQL, the sink and
 * signals are served meanwhile, however long the registry is away.  Questions are asked when a
 * relation is new or has changed, never for an event; answers are kept by subject and schema.
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
    int64_t timeout_ms;            /* for one answer of one address */
};

/* Does not connect yet.  NULL with ERROR_CONFIG when an address makes no sense.  The options are
 * copied. */
struct schema_registry *registry_client_create(const struct registry_options *options,
                                               struct error *err) MUST_CHECK;
const char *registry_client_version(void); /* of libcurl */

#endif
