/*
 * value_geometry - reads PostgreSQL's text of geometric types and PostGIS' hexadecimal EWKB.
 *
 *     point    (1.5,-2.25)                       line     {1,-1,0}
 *     lseg     [(0,0),(1,1)]                     box      (3,4),(-1,-2)
 *     path     [(0,0),(1,1)] open                         ((0,0),(1,1)) closed
 *     polygon  ((0,0),(1,1),(2,0))               circle   <(1.5,2.5),0.25>
 *
 * Well-Known Binary as Debezium writes it, little-endian:
 *
 *     01 | type u32: 1 point, 2 line string, 3 polygon | polygon: rings u32 | points u32 | x y ...
 *
 * lseg and path are line strings, box and polygon polygons of one ring, closed by their first point
 * unless that is the last already.  EWKB has 20000000 in the type when an SRID u32 follows it.
 */
#ifndef SINKS_VALUE_GEOMETRY_H
#define SINKS_VALUE_GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/slice.h"

enum geometry_kind { GEOMETRY_LSEG, GEOMETRY_BOX, GEOMETRY_PATH, GEOMETRY_POLYGON };

struct geometry_point {
    double x, y;
};

/* Each replaces the content of its `wkb`, and returns false for anything else or when that is too
 * small (wkb->failed). */
bool geometry_read_point(struct slice text, struct geometry_point *out, struct buf *wkb) MUST_CHECK;
bool geometry_read_line(struct slice text, double out_abc[3]) MUST_CHECK;
bool geometry_read_circle(struct slice text, struct geometry_point *out_center, double *out_radius,
                          struct buf *wkb) MUST_CHECK;
/* *out_closed: of a path. */
bool geometry_read_shape(struct slice text, enum geometry_kind kind, struct buf *wkb,
                         bool *out_closed) MUST_CHECK;
/* The bytes of EWKB as they are, and the SRID, when there is one. */
bool geometry_read_ewkb(struct slice text, struct buf *wkb, bool *out_has_srid,
                        int32_t *out_srid) MUST_CHECK;

#endif
