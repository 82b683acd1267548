/* registry - the one place that names concrete sources and sinks. */
#ifndef RELAY_REGISTRY_H
#define RELAY_REGISTRY_H

#include <stdbool.h>
#include <stdio.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/position.h"
#include "millrace/sink.h"
#include "millrace/source.h"
#include "relay/options.h"

/* `database` is the source's, for the events' source block.  Options must outlive the sink. */
struct sink *registry_make_sink(const struct options *options, const char *database, int stop_fd,
                                struct error *err) MUST_CHECK;
struct source *registry_make_source(const struct options *options, int stop_fd);

/* Does the configured sink keep positions?  (stdout and null do not: every run goes on wherever the
 * slot is.) */
bool registry_keeps_position(const struct options *options);

/* The stored position, read without disturbing a relay that runs; known == false when there is
 * none. */
bool registry_read_position(const struct options *options, struct position *out,
                            struct error *err) MUST_CHECK;

/* Makes what shows how records will look: a recorder of that encoding, without a sink.  Nothing is
 * registered and nobody is asked; what would be registered is in *out_collected (NULL: do not
 * tell; NULL too when the encoding has no registry), which lives as long as the recorder. */
struct recorder *registry_make_recorder(const struct options *options, enum encoding_kind encoding,
                                        const char *database,
                                        struct schema_registry **out_collected) MUST_CHECK;

/* Partitions that topics have now, 0 for those that are missing.  False: they cannot be told, and
 * err says why; the sink may have none, too. */
bool registry_read_partitions(const struct options *options, const char *const *topics,
                              size_t count, int32_t *out_partitions, struct error *err) MUST_CHECK;

/* What can be checked of the records' rules and the sink's options without reaching it. */
bool registry_check_options(const struct options *options, struct error *err) MUST_CHECK;

/* The versions of the libraries that sources and sinks stand on, a line each. */
void registry_write_versions(FILE *out);

#endif
