#include "relay/exit_code.h"

static const struct exit_code_help codes[] = {
    {EXIT_OK, "ok", "Ended as asked: SIGTERM, or a source that was read to its end."},
    {EXIT_FAULT, "fault",
     "A link did not come back in time, or memory, disk or descriptors ran out. "
     "Mend the cause and start again; nothing is lost."},
    {EXIT_CONFIG, "config",
     "The command line, the configuration or a right on a server must be changed. "
     "Change what the message names, then start again."},
    {EXIT_DATA, "data",
     "Bytes arrived that make no sense: a bug or a damaged source. "
     "Report the message; do not skip the change."},
    {EXIT_FENCED, "fenced",
     "Another instance of this relay has taken over. "
     "Stop one of the two, or give each a name of its own."},
    {EXIT_INTERRUPTED, "interrupted",
     "A second signal arrived while draining, and the relay left at once. "
     "Start again; nothing is lost."},
    {EXIT_SLOT_MISSING, "slot_missing",
     "A position is stored, but the replication slot is gone, and with it perhaps changes. "
     "Find out who dropped it; then delete the stored position to begin with a new snapshot."},
    {EXIT_SLOT_INVALIDATED, "slot_invalidated",
     "The server has thrown away WAL that the slot still needed. "
     "Raise max_slot_wal_keep_size, drop the slot and delete the stored position to begin with a "
     "new snapshot."},
    {EXIT_SLOT_FOREIGN, "slot_foreign",
     "The slot belongs to another plugin or database, or is two-phase. "
     "Choose another slot.name, or drop the slot if nobody needs it."},
    {EXIT_SLOT_AHEAD, "slot_ahead",
     "The slot is ahead of the stored position: somebody else consumed or recreated it. "
     "Find out who; then drop the slot and delete the stored position to begin with a new "
     "snapshot."},
    {EXIT_SLOT_WITHOUT_POSITION, "slot_without_position",
     "The slot exists, but no position is stored: it may belong to somebody else. "
     "Drop it, choose another slot.name, or set slot.adopt to stream from where it is."},
    {EXIT_PUBLICATION_MISSING, "publication_missing",
     "The publication is missing or lacks a table that is configured. "
     "Create it or add the table, or set publication.create to filtered before the first start."},
    {EXIT_OTHER_CLUSTER, "other_cluster",
     "The stored position was made from another PostgreSQL cluster. "
     "Connect to the right one, or give this relay a name of its own."},
    {EXIT_OTHER_TIMELINE, "other_timeline",
     "The stored position is not in this server's history: a failover lost it. "
     "Compare the data; then delete the stored position to begin with a new snapshot."},
    {EXIT_BEYOND_WAL, "beyond_wal",
     "The server's WAL ends before the stored position: it was restored from a backup. "
     "Compare the data; then delete the stored position to begin with a new snapshot."},
    {EXIT_POSITION_UNREADABLE, "position_unreadable",
     "The stored position is damaged or of a version that this program does not know. "
     "Run the version that wrote it, or delete it to begin with a new snapshot."},
};

static enum exit_code code_of_gap(enum gap gap)
{
    switch (gap) {
    case GAP_NONE:
        return EXIT_FAULT;
    case GAP_SLOT_MISSING:
        return EXIT_SLOT_MISSING;
    case GAP_SLOT_INVALIDATED:
        return EXIT_SLOT_INVALIDATED;
    case GAP_SLOT_FOREIGN:
        return EXIT_SLOT_FOREIGN;
    case GAP_SLOT_AHEAD:
        return EXIT_SLOT_AHEAD;
    case GAP_SLOT_WITHOUT_POSITION:
        return EXIT_SLOT_WITHOUT_POSITION;
    case GAP_PUBLICATION_MISSING:
        return EXIT_PUBLICATION_MISSING;
    case GAP_OTHER_CLUSTER:
        return EXIT_OTHER_CLUSTER;
    case GAP_OTHER_TIMELINE:
        return EXIT_OTHER_TIMELINE;
    case GAP_BEYOND_WAL:
        return EXIT_BEYOND_WAL;
    case GAP_POSITION_UNREADABLE:
        return EXIT_POSITION_UNREADABLE;
    }
    return EXIT_FAULT;
}

enum exit_code exit_code_of(const struct error *err)
{
    switch (err->kind) {
    case ERROR_NONE:
    case ERROR_STOPPED: /* asked for while we waited: not a fault */
        return EXIT_OK;
    case ERROR_CONFIG:
        return EXIT_CONFIG;
    case ERROR_LINK:
    case ERROR_SYSTEM:
    case ERROR_WAITING:
        return EXIT_FAULT;
    case ERROR_DATA:
        return EXIT_DATA;
    case ERROR_GAP:
        return code_of_gap(err->gap);
    case ERROR_FENCED:
        return EXIT_FENCED;
    }
    return EXIT_FAULT;
}

const struct exit_code_help *exit_code_list(unsigned *out_count)
{
    *out_count = ARRAY_LEN(codes);
    return codes;
}
