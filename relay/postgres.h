/*
 * postgres - the source that reads a PostgreSQL database: consistent snapshot, then the logical
 * replication stream.
 */
#ifndef RELAY_POSTGRES_H
#define RELAY_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/patterns.h"
#include "millrace/source.h"

enum publication_create {
    PUBLICATION_NO,       /* must exist */
    PUBLICATION_FILTERED, /* made when missing, for exactly the selected tables; never FOR ALL
                             TABLES */
};

enum snapshot_mode {
    SNAPSHOT_INITIAL, /* when the sink holds no position */
    SNAPSHOT_NEVER,   /* stream from the slot's consistent point only */
    SNAPSHOT_ONLY,    /* copy, then end */
};

struct postgres_options {
    const char *url; /* postgresql://... or key=value words; secret; NULL: the fields below */
    const char *host, *port, *database, *user;
    const char *password; /* secret */
    const char *sslmode, *sslrootcert, *sslcert, *sslkey;
    int64_t connect_timeout_ms;
    int64_t silence_timeout_ms; /* no byte from the server for this long: the link is dead */
    int64_t query_timeout_ms;   /* of a catalogue query while streaming */

    const char *slot;
    bool slot_create;
    bool slot_failover; /* PostgreSQL 17 and newer */
    bool slot_adopt;    /* a slot without a stored position: stream from where it is, no snapshot */
    const char *publication;
    enum publication_create publication_create;
    bool publication_via_root; /* publish_via_partition_root of the publication that we make */

    struct patterns tables_include, tables_exclude; /* empty include: all */
    struct patterns columns_include, columns_exclude;

    enum snapshot_mode snapshot_mode;
    int64_t snapshot_workers;
    size_t message_limit_bytes;  /* one message, one row */
    size_t relation_limit_bytes; /* one relation's description */
};

/* Nothing is connected yet.  Options must outlive the source. */
struct source *postgres_source_create(const struct postgres_options *options, int stop_fd);

/* What `millrace status` shows of the server's side. */
struct postgres_status {
    char database[64]; /* as the server names it, whatever the url said */
    uint64_t system_id;
    uint32_t timeline;
    uint64_t wal_lsn; /* pg_current_wal_lsn */
    bool slot_exists, slot_active;
    char wal_status[16]; /* pg_replication_slots.wal_status */
    uint64_t restart_lsn, confirmed_flush_lsn;
    int64_t retained_bytes; /* wal_lsn - restart_lsn */
    int64_t now_us;         /* the server's clock, microseconds since 1970 */
};

bool postgres_read_status(const struct postgres_options *options, int stop_fd,
                          struct postgres_status *out, struct error *err) MUST_CHECK;

/* `millrace check`: connects, and reports through `line` each thing that run would need (ok or not,
 * what to do, with the exact GRANT where a right is missing).  Changes nothing.  False: err is the
 * first failure. */
bool postgres_check(const struct postgres_options *options, int stop_fd,
                    void (*line)(void *context, bool ok, const char *text), void *context,
                    struct error *err) MUST_CHECK;

/* PQlibVersion: 150018 is 15.18. */
int postgres_library_version(void);

#endif
