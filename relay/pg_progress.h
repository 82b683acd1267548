/* pg_progress - tells how far a snapshot is: a log line each second, on a terminal one line that is
 * rewritten. */
#ifndef RELAY_PG_PROGRESS_H
#define RELAY_PG_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg_progress {
    uint64_t rows;
    uint64_t blocks_done, blocks_total;
    size_t tables_done, tables_total;
    bool terminal;
    int64_t begun_us, told_us;
    uint64_t told_rows;
};

void pg_progress_init(struct pg_progress *p, size_t tables, uint64_t blocks, int64_t now_us);
void pg_progress_tick(struct pg_progress *p, int64_t now_us);
/* All is read: the summary. */
void pg_progress_end(struct pg_progress *p, int64_t now_us);

/* Seconds that are left if the rest goes as fast as what is done; -1: not known yet. */
int64_t pg_progress_eta_s(const struct pg_progress *p, int64_t now_us);

#endif
