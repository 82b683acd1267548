/* attr - the few compiler attributes that the project uses, by name. */
#ifndef MILLRACE_ATTR_H
#define MILLRACE_ATTR_H

#include <stddef.h> /* ARRAY_LEN's type; and C knows no empty file, which this header alone would be */

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_index, first) __attribute__((format(printf, fmt_index, first)))
#define NORETURN __attribute__((noreturn))
#define NOINLINE __attribute__((noinline)) /* what is rare stays out of what is not */
#define FALLTHROUGH __attribute__((fallthrough))

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

#endif
