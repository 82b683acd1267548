/* loop - joins a source to a sink: one thread, one poll. */
#ifndef RELAY_LOOP_H
#define RELAY_LOOP_H
#endif
