/*
 * patterns - lists of regular expressions that name tables, columns, prefixes of messages.
 *
 * POSIX extended; each must match the whole of a name, such as "schema.table.column", as in
 * Debezium's include and exclude lists.
 */
#ifndef MILLRACE_PATTERNS_H
#define MILLRACE_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

#include "millrace/attr.h"
#include "millrace/error.h"

struct patterns {
    const char *const *at;
    size_t count;
};

struct pattern;

/* A zeroed one matches nothing. */
struct pattern_set {
    struct pattern *first; /* each leads to the next */
    size_t count;
};

/* Adds one; ERROR_CONFIG naming the option when it is no regular expression. */
bool pattern_set_add(struct pattern_set *set, const char *option, const char *pattern,
                     struct error *err) MUST_CHECK;
bool pattern_set_add_all(struct pattern_set *set, const char *option,
                         const struct patterns *patterns, struct error *err) MUST_CHECK;
/* The index of the first that matches, or `count`. */
size_t pattern_set_find(const struct pattern_set *set, const char *name);
bool pattern_set_matches(const struct pattern_set *set, const char *name);
void pattern_set_done(struct pattern_set *set);

#endif
