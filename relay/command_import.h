/*
 * command_import - `millrace import FILE [-o FILE]`: a Debezium connector's configuration as ours.
 */
#ifndef RELAY_COMMAND_IMPORT_H
#define RELAY_COMMAND_IMPORT_H

#include <stdio.h>

#include "relay/exit_code.h"

/* Writes the YAML to a new file, or to `out` when `output` is NULL, and to `notes` a line for each
 * thing to be told.  On a failure no file is left behind. */
enum exit_code command_import(const char *input, const char *output, FILE *out, FILE *notes);

#endif
