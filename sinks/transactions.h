/*
 * transactions - what is told of the source transactions that events belong to.
 *
 *     in each event "transaction":{"id":"84312:40211480","total_order":3,"data_collection_order":2}
 *     in a topic        BEGIN in front of the first record, END with the counts behind the last
 *
 * Debezium documentation, PostgreSQL connector, "Transaction metadata".  The id is xid:LSN; the LSN
 * is the commit's, so that BEGIN, events and END bear the same one (Debezium takes each event's).
 * A transaction of which nothing is relayed is not told of.
 *
 * Counts are of records: a changed key counts as two, a tombstone as none.  The same event may be
 * made several times before a sink takes it; counts made since transactions_keep() are undone by
 * transactions_undo().
 */
#ifndef SINKS_TRANSACTIONS_H
#define SINKS_TRANSACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/buf.h"
#include "millrace/event.h"
#include "millrace/slice.h"
#include "sinks/table.h"

/* What one record says of its place in the transaction. */
struct transaction_block {
    struct slice id; /* borrowed from struct transactions, until the next one begins */
    uint64_t total_order, collection_order; /* 1 is the first */
};

/* Where records of a transaction go to: a table, or the logical messages. */
struct collection;

struct transactions {
    uint64_t commit_lsn; /* of the transaction that is counted; 0: none yet */
    char id[48];
    size_t id_len;
    uint64_t total, kept_total;
    struct table collections; /* of struct collection, by name */
    struct buf members;       /* of struct collection *: those of this transaction, in order */
    size_t kept_members;
    struct buf counted; /* of struct collection *: one for each count since it was kept */
};

void transactions_init(struct transactions *t);
void transactions_done(struct transactions *t);

/* "schema.table"; an empty schema leaves the table alone.  Lives as long as the transactions. */
struct collection *transactions_collection(struct transactions *t, struct slice schema,
                                           struct slice table);

/* Counts one record of an event of a transaction (event->commit_lsn is not 0).  True: it is the
 * transaction's first, and BEGIN comes in front of it. */
bool transactions_count(struct transactions *t, const struct event *event,
                        struct collection *collection, struct transaction_block *out);
/* Does END have to follow this COMMIT? */
bool transactions_began(const struct transactions *t, const struct event *event);

/* The counts since the last call of either are for good, or never were. */
void transactions_keep(struct transactions *t);
void transactions_undo(struct transactions *t);

/* JSON of the key, and of the values of BEGIN and END. */
void transactions_write_key(const struct transactions *t, struct buf *out);
void transactions_write_begin(const struct transactions *t, const struct event *event,
                              struct buf *out);
void transactions_write_end(const struct transactions *t, const struct event *event,
                            struct buf *out);

#endif
