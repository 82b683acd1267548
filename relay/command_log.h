/*
 * command_log - `millrace log cat|verify|stat DIR`: looks into an event log, without the writer's
 * lock.
 *
 *     cat DIR [--topic NAME] [--from OFFSET]   the committed records, a line of JSON each
 *     verify DIR                               checks every frame of every segment, a line for each
 *     stat DIR                                 segments, bytes, records, topics, position
 */
#ifndef RELAY_COMMAND_LOG_H
#define RELAY_COMMAND_LOG_H

#include <stdio.h>

#include "relay/exit_code.h"

/* `argv` begins with the word behind "log".  verify ends with EXIT_DATA when a segment is damaged.
 */
enum exit_code command_log(int argc, const char *const *argv, FILE *out, FILE *err);

#endif
