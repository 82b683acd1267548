/*
 * avro_schema - a Connect schema as Avro schema text, as Confluent's AvroData spells it.
 *
 *     optional T                  ["null",T], default null
 *     optional T with a default   [T,"null"]
 *     struct a.b.C                record C of namespace a.b; by name from its second use on
 *     name, version, parameters   connect.name, connect.version, connect.parameters, or nothing
 */
#ifndef SINKS_AVRO_SCHEMA_H
#define SINKS_AVRO_SCHEMA_H

#include "millrace/buf.h"
#include "sinks/connect_schema.h"
#include "sinks/recorder.h"

/* Appends the text.  Names are taken as they are: see name_adjust.h. */
void avro_schema_write(const struct connect_schema *schema, enum avro_types types, struct buf *out);

#endif
