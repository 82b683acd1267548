/* md5 - RFC 1321; for name-based UUIDs (RFC 4122, version 3) only, never for security. */
#ifndef SINKS_MD5_H
#define SINKS_MD5_H

#include <stdint.h>

#include "millrace/slice.h"

void md5(struct slice bytes, uint8_t out_digest[16]);

#endif
