/*
 * command_plan - `millrace plan`: what each table will become, and everything that is lost or odd.
 *
 * Asks the catalogue, and Kafka for the partitions of topics that exist; makes and changes nothing.
 */
#ifndef RELAY_COMMAND_PLAN_H
#define RELAY_COMMAND_PLAN_H

#include <stdbool.h>
#include <stdio.h>

#include "relay/exit_code.h"
#include "relay/options.h"

/* as_json: one object, see plan_report.h.  EXIT_OK also with warnings and errors in the plan: they
 * are counted in it. */
enum exit_code command_plan(const struct options *options, bool as_json, int stop_fd, FILE *out);

#endif
