/*
 * pg_window - how much a server on the same machine may send before it is read.
 *
 * A walsender writes message by message, each with a system call of its own.  As long as the
 * receive window is open, each goes through the whole of TCP as a packet of its own; that is most
 * of what a row costs the server.  Once the window is full, writes gather in the server's send
 * buffer, and come in pieces of the window's size when it opens again.  With a small window that is
 * so whenever we read less often than it takes to fill (relay/loop.c, BUSY_EVENTS).
 *
 * Over a network a small window would wait for round trips: there the kernel tunes it.
 */
#ifndef RELAY_PG_WINDOW_H
#define RELAY_PG_WINDOW_H

#include <stdbool.h>

/* Makes the receive window of a connected socket small if both its ends have one IP address; true
 * if so.  Nothing depends on it but speed, so a failure is no error. */
bool pg_window_narrow(int socket_fd);

#endif
