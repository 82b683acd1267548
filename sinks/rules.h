/*
 * rules - which events make no record, what keys are made of, and what is hidden in columns.
 *
 * A rule for tables or columns is one text of the configuration:
 *
 *     topics.key_columns   schema.table:column,column    the columns that make the record's key
 *     columns.truncate     10:schema.table.column        at most ten characters of it
 *     columns.mask         6:schema.table.column         six asterisks, also for NULL
 *     columns.hash         schema.table.column           salted SHA-2 in hexadecimal digits
 *
 * The part that names them is a regular expression (millrace/patterns.h); the first rule that
 * matches holds.  What is hidden is hidden in new rows, old rows and keys alike.
 */
#ifndef SINKS_RULES_H
#define SINKS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/error.h"
#include "millrace/event.h"
#include "millrace/patterns.h"
#include "millrace/relation.h"
#include "millrace/slice.h"

enum hash_algorithm { HASH_SHA_256, HASH_SHA_512 };

/* A zeroed one has no rules. */
struct rule_options {
    struct patterns skipped_operations; /* c, u, d, t; none stands for none */
    struct patterns messages_include, messages_exclude;
    struct patterns key_columns;
    struct patterns truncate, mask, hash;
    enum hash_algorithm hash_algorithm;
    const char *hash_salt; /* NULL: none */
};

enum column_rule_kind { COLUMN_AS_IT_IS, COLUMN_TRUNCATE, COLUMN_MASK, COLUMN_HASH };

struct column_rule {
    enum column_rule_kind kind;
    uint32_t length; /* characters that are left; COLUMN_HASH: 0 stands for all */
};

struct rules;

/* NULL with ERROR_CONFIG for a rule that is malformed.  The options' texts must outlive the rules.
 */
struct rules *rules_create(const struct rule_options *options, struct error *err) MUST_CHECK;
void rules_destroy(struct rules *rules); /* NULL is fine */

/* Rows and TRUNCATE by their operation, messages by their prefix. */
bool rules_skip(const struct rules *rules, const struct event *event);

/* The rule of a table's column.  Its type must be one of characters, or another that is sent as a
 * text: that is the caller's to check. */
struct column_rule rules_column(const struct rules *rules, const struct relation *relation,
                                const struct column *column);
/* Replaces the content of `out` by what is left of the text.  out->failed, which tells of this call
 * only: it did not fit, or no hash could be made. */
void rules_hide(const struct rules *rules, const struct column_rule *rule, struct slice text,
                struct buf *out);

/* How many columns topics.key_columns names for the table, written to `out` as indexes, which has
 * room for relation->column_count; 0: no rule.  ERROR_CONFIG and -1 when the table lacks one. */
int rules_key(const struct rules *rules, const struct relation *relation, uint16_t *out,
              struct error *err) MUST_CHECK;

#endif
