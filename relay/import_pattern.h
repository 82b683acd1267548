/*
 * import_pattern - a regular expression of Java's as one of ours (POSIX extended).
 *
 *     public\.t_\d+   public\.t_[0-9]+         \Qa.b\E   a\.b         (?:a|b)   (a|b)
 *
 * Both must match the whole of a name.  What has no counterpart (looking ahead, back references,
 * possessive quantifiers, classes of Unicode...) is refused: a pattern that means something else
 * would leave tables out without a word.
 */
#ifndef RELAY_IMPORT_PATTERN_H
#define RELAY_IMPORT_PATTERN_H

#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/buf.h"

/* Appends the pattern.  groups: what groups match matters, and their numbers.  False: *out_why says
 * what has no counterpart, as "looking ahead or behind"; `out` holds something, then. */
bool import_pattern(const char *java, bool groups, struct buf *out,
                    const char **out_why) MUST_CHECK;

#endif
