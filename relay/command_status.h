/* command_status - `millrace status`: how far the sink is, how far the server, and what lies
 * between. */
#ifndef RELAY_COMMAND_STATUS_H
#define RELAY_COMMAND_STATUS_H

#include <stdio.h>

#include "relay/exit_code.h"
#include "relay/options.h"

/* Reads position and slot, without disturbing a relay that runs, and prints `name: value` lines. */
enum exit_code command_status(const struct options *options, int stop_fd, FILE *out);

/* `millrace check`: one line "ok ..." or "not ok ..." for each thing that run would need. */
enum exit_code command_check(const struct options *options, int stop_fd, FILE *out);

#endif
