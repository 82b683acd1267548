/*
 * command_schema - `millrace schema`: the schemas that tables' records will have, without running.
 *
 *     {"table":"public.t","topic":"p.public.t","encoding":"avro",
 *      "key":{"subject":"p.public.t-key","schema":{...}},"value":{...}}
 *
 * on one line for each table; with --key or --value the schema alone, byte by byte as it would be
 * registered.  "key" is null where records have no key.
 */
#ifndef RELAY_COMMAND_SCHEMA_H
#define RELAY_COMMAND_SCHEMA_H

#include <stddef.h>
#include <stdio.h>

#include "relay/exit_code.h"
#include "relay/options.h"

enum schema_part { SCHEMA_BOTH, SCHEMA_KEY, SCHEMA_VALUE };

/* `tables`: schema.table or patterns as in tables.include, each of which must match something; none
 * stands for what would be captured. */
enum exit_code command_schema(const struct options *options, const char *const *tables,
                              size_t table_count, enum schema_part part, int stop_fd, FILE *out);

#endif
