#include "support/fake_digest.h"

#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"

struct digest {
    size_t len;
};

static bool all_fail; /* nobody who makes digests lets a test have them */

void fake_digest_fail(bool fails)
{
    all_fail = fails;
}

static size_t length_of(enum digest_kind kind)
{
    switch (kind) {
    case DIGEST_MD5:
        return 16;
    case DIGEST_SHA_256:
        return 32;
    case DIGEST_SHA_512:
        break;
    }
    return 64;
}

struct digest *digest_create(enum digest_kind kind, struct error *err)
{
    struct digest *d = mem_new(struct digest);

    (void)err;
    d->len = length_of(kind);
    return d;
}

void digest_destroy(struct digest *d)
{
    free(d);
}

size_t digest_of(struct digest *d, struct slice first, struct slice second,
                 uint8_t out[DIGEST_BYTES_MAX])
{
    (void)first;
    (void)second;
    if (all_fail)
        return 0;
    memset(out, FAKE_DIGEST_BYTE, d->len);
    return d->len;
}
