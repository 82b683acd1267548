/*
 * registry_http - one question at a time to a schema registry, over HTTP, without blocking.
 *
 *     registry_http_ask()    begins a question to one of the addresses
 *     registry_http_wait()   waits a little for its answer
 *
 * Knows addresses, logins and TLS; what is asked and answered is registry_client's.
 */
#ifndef SINKS_REGISTRY_HTTP_H
#define SINKS_REGISTRY_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"
#include "millrace/slice.h"
#include "sinks/registry_client.h"

struct registry_http;

/* NULL with ERROR_CONFIG when an address makes no sense.  The options are copied. */
struct registry_http *registry_http_create(const struct registry_options *options,
                                           struct error *err) MUST_CHECK;
void registry_http_destroy(struct registry_http *h); /* NULL is fine */

size_t registry_http_addresses(const struct registry_http *h);
/* host:port, for messages: the address itself may hold a password. */
const char *registry_http_name(const struct registry_http *h, size_t address);

struct registry_question {
    size_t address;
    const char *before, *subject, *behind; /* of the path; the subject is escaped */
    struct slice body;                     /* at == NULL: GET, else POST */
    size_t answer_limit_bytes;
};

/* An earlier question is given up.  The body must live until the answer is there. */
void registry_http_ask(struct registry_http *h, const struct registry_question *question);

enum http_outcome {
    HTTP_WAITING,  /* no answer yet */
    HTTP_ANSWERED, /* see registry_http_status() and _answer() */
    HTTP_FAILED,   /* ERROR_LINK: another address, or later; ERROR_CONFIG: certificates; an answer
                    * larger than the limit; ERROR_SYSTEM: no memory */
};

/* Blocks for wait_ms at most. */
enum http_outcome registry_http_wait(struct registry_http *h, int64_t wait_ms,
                                     struct error *err) MUST_CHECK;
long registry_http_status(const struct registry_http *h);
struct slice registry_http_answer(const struct registry_http *h); /* until the next question */
/* host:port that the answer sends us to; empty when it does not. */
void registry_http_redirect(const struct registry_http *h, char *out, size_t size);

const char *registry_http_version(void); /* of libcurl */

#endif
