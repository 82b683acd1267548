/* option_text - from what is written to what is meant: files, ${VARIABLES} and secrets. */
#ifndef RELAY_OPTION_TEXT_H
#define RELAY_OPTION_TEXT_H

#include <stdbool.h>

#include "millrace/arena.h"
#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"

#define OPTION_FILE_MAX_BYTES ((size_t)1024 * 1024)

/* Appends the whole configuration file.  ERROR_CONFIG "cannot read PATH: ..." when it is missing, a
 * directory, or larger than OPTION_FILE_MAX_BYTES. */
bool option_text_read_file(const char *path, struct buf *out, struct error *err) MUST_CHECK;

/* `${NAME}` becomes the variable's value, `$$` a dollar; any other dollar stands for itself, as
 * regular expressions need it.  ERROR_CONFIG names the variable that is not set. */
bool option_text_expand(const char *text, struct arena *memory, const char **out,
                        struct error *err) MUST_CHECK;

/* What a secret option means: like the above, but "file:PATH" is the first line of that file, which
 * nobody but its owner and group may be able to read or write. */
bool option_text_expand_secret(const char *text, struct arena *memory, const char **out,
                               struct error *err) MUST_CHECK;

#endif
