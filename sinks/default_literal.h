/*
 * default_literal - the constant in a column's default expression, as PostgreSQL's text of the
 * value.
 *
 *     'it''s'::text    '-7'::integer    42    3.14    true    E'a\\b'::text
 *
 * As pg_get_expr() prints it.  Anything else (now(), nextval(...), 3 + 4) is computed, no constant.
 */
#ifndef SINKS_DEFAULT_LITERAL_H
#define SINKS_DEFAULT_LITERAL_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"

/* Replaces the content of `out` by the value's text.  False: not a constant. */
bool default_literal_read(struct slice expression, struct buf *out) MUST_CHECK;

#endif
