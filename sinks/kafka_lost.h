/*
 * kafka_lost - notices that librdkafka has given all brokers up.
 *
 * Since 2.10 it gives up a broker that is not in the cluster's metadata.  A broker whose controller
 * has fenced it (paused, starved of CPU) is not, for a moment; when it was the only one nobody is
 * left who could be asked again (seen with 2.15.1), and records wait until they time out, though
 * the broker is long back.  librdkafka's statistics show it.
 */
#ifndef SINKS_KAFKA_LOST_H
#define SINKS_KAFKA_LOST_H

#include <stdbool.h>
#include <stddef.h>

/* True when no broker is connected to, or being connected to, but the roles that librdkafka keeps
 * besides (the transactions' coordinator).  json: what it gives to a statistics callback (its
 * STATISTICS.md); what cannot be read tells of nothing. */
bool kafka_lost_in(const char *json, size_t len);

#endif
