/*
 * route - which topic a table's records go to instead of the one of its own.
 *
 *     shop\.public\.orders_[0-9]+=>shop.orders       shop\.(.*)\.(.*)=>$2.$1
 *
 * What stands in front of => is a regular expression (POSIX extended) that must match the whole
 * name of the topic; $1 to $9, or \1 to \9, stand for its groups.  The first rule that matches
 * holds.  Several tables may be led to one topic: that is what rules are for.
 */
#ifndef SINKS_ROUTE_H
#define SINKS_ROUTE_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/patterns.h"
#include "sinks/topic_name.h"

struct routes;

/* NULL with ERROR_CONFIG for a rule that is malformed.  The texts must outlive the routes. */
struct routes *routes_create(const struct patterns *rules, struct error *err) MUST_CHECK;
void routes_destroy(struct routes *routes); /* NULL is fine */

/* Replaces *name when a rule matches; *out_rule is that rule then, else NULL.  ERROR_CONFIG when
 * the new name is empty or too long. */
bool routes_apply(const struct routes *routes, struct topic_name *name, const char **out_rule,
                  struct error *err) MUST_CHECK;

#endif
