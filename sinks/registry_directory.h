/*
 * registry_directory - a schema registry of files, for sinks on this machine.
 *
 *     7.avsc      the schema of id 7
 *     subjects    a line for each version of a subject: 7 orders.public.t-value
 *
 * A file is there, and durable, before its line is; a line without its end is none.
 */
#ifndef SINKS_REGISTRY_DIRECTORY_H
#define SINKS_REGISTRY_DIRECTORY_H

#include "millrace/attr.h"
#include "millrace/error.h"
#include "sinks/schema_registry.h"

/* Makes the directory when it is missing.  NULL with ERROR_SYSTEM or, when what is there makes no
 * sense, ERROR_CONFIG. */
struct schema_registry *registry_directory_create(const char *path, struct error *err) MUST_CHECK;

#endif
