/*
 * fake_digest - digests that fail when they are told to, for tests of those who use them.
 *
 * Linked instead of sinks/digest.c.  Whatever is digested, all bytes are FAKE_DIGEST_BYTE.
 */
#ifndef SUPPORT_FAKE_DIGEST_H
#define SUPPORT_FAKE_DIGEST_H

#include <stdbool.h>

#include "sinks/digest.h"

#define FAKE_DIGEST_BYTE 0xAB

/* From now on, of every digest. */
void fake_digest_fail(bool fails);

#endif
