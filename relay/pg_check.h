/*
 * pg_check - may we start, and where?  Preflight and the gap conditions.
 *
 * The rules: a stored position and a slot must belong together and to this server; whatever would
 * publish past a gap stops with ERROR_GAP and its own reason (millrace/error.h, enum gap).
 */
#ifndef RELAY_PG_CHECK_H
#define RELAY_PG_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/position.h"
#include "relay/pg_catalog.h"
#include "relay/pg_conn.h"
#include "relay/postgres.h"

/* What the server says, gathered by pg_gather(). */
struct pg_facts {
    int server_version;
    uint64_t system_id;
    uint32_t timeline;
    uint64_t wal_lsn; /* IDENTIFY_SYSTEM xlogpos */
    char database[64];
    bool in_recovery;
    bool slot_exists;
    bool slot_active;
    int32_t slot_active_pid;
    bool slot_logical, slot_temporary, slot_two_phase;
    char slot_plugin[64], slot_database[64];
    char slot_wal_status[16];    /* "" when NULL */
    char slot_invalidation[64];  /* invalidation_reason, 17+; "" when NULL or older */
    uint64_t slot_restart_lsn;   /* 0 when NULL */
    uint64_t slot_confirmed_lsn; /* 0 when NULL */
    bool publication_exists;
    /* Timeline history: the switch point at which the stored timeline was left; 0: it is the
     * current one or unknown to the server. */
    uint64_t timeline_left_at;
    bool timeline_known; /* the stored timeline is the current one or in its history */
};

/* Gathers the facts: catalogue queries on `sql`, IDENTIFY_SYSTEM and TIMELINE_HISTORY on
 * `replication`. */
bool pg_gather(struct pg_conn *sql, struct pg_conn *replication,
               const struct postgres_options *options, const struct position *stored,
               struct pg_facts *out, struct error *err) MUST_CHECK;

enum pg_start {
    PG_START_SNAPSHOT, /* nothing stored, no slot (or the one we meant to make: dropped first):
                        * create the slot, copy, stream */
    PG_START_FRESH,    /* nothing stored, no slot, no snapshot wanted: create the slot, stream */
    PG_START_REREAD,   /* crashed in the snapshot: same slot, read the tables again, stream */
    PG_START_STREAM,   /* go on at stored->end_lsn */
    PG_START_ADOPT, /* slot without a position, adoption asked for: stream from confirmed_flush */
};

/* Pure.  When the server left `timeline`, according to the history file of a later one: the LSN of
 * the switch.  0 when the file does not name it, or makes no sense. */
uint64_t pg_timeline_left_at(struct slice history, uint32_t timeline);

/* Pure.  The decision matrix: ERROR_GAP or ERROR_CONFIG with what happened and what to do, or
 * ERROR_LINK when the slot is active elsewhere (to be tried again, never fallen through). */
bool pg_decide(const struct pg_facts *facts, const struct postgres_options *options,
               const struct position *stored, enum pg_start *out_start,
               struct error *err) MUST_CHECK;

/* wal_level, REPLICATION right, free slots and walsenders, encoding; SELECT on each selected table
 * (snapshot only); replica identity of each table that a publication yet to be made would send
 * updates or deletes of (with an existing one that is a warning in the log); every included table
 * published.  The first failure, with the exact statement that mends it (GRANT SELECT ON ... TO
 * ...; ALTER TABLE ... REPLICA IDENTITY ...). */
bool pg_preflight(struct pg_conn *sql, const struct pg_facts *facts,
                  const struct postgres_options *options, const struct pg_selection *selection,
                  bool will_copy, struct error *err) MUST_CHECK;

/* The same, and each thing that was looked at through `line`, also after a failure; false when
 * there was one (err is the first). */
bool pg_preflight_report(struct pg_conn *sql, const struct pg_facts *facts,
                         const struct postgres_options *options,
                         const struct pg_selection *selection, bool will_copy,
                         void (*line)(void *context, bool ok, const char *text), void *context,
                         struct error *err) MUST_CHECK;

/* CREATE PUBLICATION for exactly the selected tables (publication.create: filtered) when it is
 * missing; when it exists and options say filtered, selected tables that it lacks are an error that
 * names them. */
bool pg_publication_ensure(struct pg_conn *sql, const struct pg_facts *facts,
                           const struct postgres_options *options,
                           const struct pg_selection *selection, struct error *err) MUST_CHECK;

#endif
