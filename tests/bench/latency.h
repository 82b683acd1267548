/*
 * latency - what the two halves of bench_latency share: who writes at a steady pace, and who reads.
 *
 * A writer begins its n-th transaction n / rate seconds after the start, or as soon after that as
 * it can: one that is late does not slow the pace, so that a delay is not left out of the figures
 * because it kept the writer waiting.
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct latency {
    const char *bootstrap, *topic;
    const char *conninfo, *sql; /* of the database; conninfo NULL: straight into the topic */
    const char *id;             /* straight into the topic: of the transactions, NULL: without */
    long writers, rate, count;
    long warm;                /* of count: the first ones, which do not count */
    int64_t start_ns;         /* CLOCK_MONOTONIC */
    atomic_long taken;        /* transactions that a writer has begun */
    atomic_int writers_left;  /* that are not finished yet */
    atomic_int_fast64_t late; /* the longest that a transaction began after its time, ns */
};

/* The number of the next transaction, once it is due; -1: that was the last. */
long latency_next(struct latency *l);
/* Bodies of threads: argument is the struct latency. */
void *latency_write_rows(void *argument);
void *latency_write_records(void *argument);

#endif
