/* murmur2 - the hash by which Java producers choose a record's partition. */
#ifndef SINKS_MURMUR2_H
#define SINKS_MURMUR2_H

#include <stdint.h>

#include "millrace/slice.h"

/* org.apache.kafka.common.utils.Utils.murmur2. */
uint32_t murmur2(struct slice bytes);

/* BuiltInPartitioner.partitionForKey: toPositive(murmur2(key)) % partitions. */
int32_t murmur2_partition(struct slice key, int32_t partitions);

#endif
