/*
 * signals - SIGINT and SIGTERM as a readable descriptor: no handler, no global.
 *
 * To be opened in main() before the first thread exists, so that every thread inherits the mask.
 */
#ifndef RELAY_SIGNALS_H
#define RELAY_SIGNALS_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/error.h"

struct signals {
    int fd;            /* readable while a signal waits to be taken: the stop descriptor */
    unsigned received; /* how many were taken so far */
};

/* Blocks SIGINT and SIGTERM, ignores SIGPIPE and SIGXFSZ (a write beyond a limit is an error code).
 */
bool signals_open(struct signals *s, struct error *err) MUST_CHECK;
/* Takes what waits; true when at least one signal was received since the start. */
bool signals_take(struct signals *s);
void signals_close(struct signals *s);

#endif
