/* crc32c - the Castagnoli checksum (RFC 3720, appendix B.4) of our own records. */
#ifndef MILLRACE_CRC32C_H
#define MILLRACE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Checksum of `len` bytes, continuing from `crc` (0 to begin with). */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
