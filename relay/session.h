/*
 * session - recover, start, relay; and again from the beginning when a link was lost.
 *
 * The one place that decides what to do about a failure, and logs it.
 */
#ifndef RELAY_SESSION_H
#define RELAY_SESSION_H

#include "relay/exit_code.h"
#include "relay/options.h"
#include "relay/signals.h"

/* Runs until stopped, ended, or a failure that trying again does not mend. */
enum exit_code session_run(const struct options *options, struct signals *signals);

#endif
