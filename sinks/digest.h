/*
 * digest - SHA-2 and MD5, by OpenSSL's libcrypto.
 *
 * Made once and used for every value: finding the method in OpenSSL costs more than the digest.
 */
#ifndef SINKS_DIGEST_H
#define SINKS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/slice.h"

enum digest_kind {
    DIGEST_MD5, /* for name-based UUIDs (RFC 4122, version 3) only, never for security */
    DIGEST_SHA_256,
    DIGEST_SHA_512,
};

#define DIGEST_BYTES_MAX 64

struct digest;

/* NULL with ERROR_CONFIG when this machine's libcrypto does not offer it. */
struct digest *digest_create(enum digest_kind kind, struct error *err) MUST_CHECK;
void digest_destroy(struct digest *d); /* NULL is fine */

/* Of two texts one behind the other, such as salt and value.  How many bytes were written: 16, 32
 * or 64; 0 when libcrypto has failed (no memory). */
size_t digest_of(struct digest *d, struct slice first, struct slice second,
                 uint8_t out[DIGEST_BYTES_MAX]) MUST_CHECK;

#endif
