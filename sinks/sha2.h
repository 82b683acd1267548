/* sha2 - the digests of FIPS 180-4, of two texts one behind the other: salt and value. */
#ifndef SINKS_SHA2_H
#define SINKS_SHA2_H

#include <stdint.h>

#include "millrace/slice.h"

#define SHA256_BYTES 32
#define SHA512_BYTES 64

void sha256(struct slice first, struct slice second, uint8_t out[SHA256_BYTES]);
void sha512(struct slice first, struct slice second, uint8_t out[SHA512_BYTES]);

#endif
