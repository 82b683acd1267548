/*
 * plan_report - what `millrace plan` tells, as a JSON tree; the text for people is made from it
 * too.
 *
 *     {"database":..,"publication":{"name":..,"exists":..,"via_root":..},"encoding":..,
 *      "tables":[{"table":"public.t","topic":..,"routed_from":..,
 *                 "key":{"columns":[..],"from":"primary key","index":..},
 *                 "partitions":{"configured":1,"existing":null,"told":"missing"},
 *                 "replica_identity":"default",
 *                 "columns":[{"column":..,"type":"numeric(10,2)","written":"bytes","semantic":..,
 *                             "null":true,"rule":..}],
 *                 "left_out":[{"column":..,"why":..}],"errors":[..],"warnings":[..]}],
 *      "not_captured":[{"table":..,"why":..}],"errors":[],"warnings":[..],
 *      "warning_count":..,"error_count":..}
 *
 * An error is what would stop `millrace run`; everything else that is lost or odd is a warning.
 */
#ifndef RELAY_PLAN_REPORT_H
#define RELAY_PLAN_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include "millrace/attr.h"
#include "relay/options.h"
#include "relay/pg_describe.h"

struct plan;

struct planning {
    const struct options *options;
    const struct description *description;
    json_t *root;
};

void plan_warn(json_t *owner, const char *fmt, ...) PRINTF_LIKE(2, 3);   /* adds to "warnings" */
void plan_refuse(json_t *owner, const char *fmt, ...) PRINTF_LIKE(2, 3); /* adds to "errors" */

/* Everything about the columns of a table: columns, left_out, and their warnings. */
void plan_report_columns(const struct planning *p, const struct described_table *table,
                         const struct plan *plan, json_t *out);
/* Everything else about it but the partitions.  `plan` may be NULL: then only what is known without
 * it. */
void plan_report_table(const struct planning *p, const struct described_table *table,
                       const struct plan *plan, json_t *out);
/* What concerns no single table: publication, not_captured, patterns that match nothing. */
void plan_report_whole(const struct planning *p, json_t *out);

/* Writes the tree for people. */
void plan_write_text(const json_t *root, FILE *out);

#endif
