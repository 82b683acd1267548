#include "relay/pg_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "relay/log.h"

#define EVERY_US 1000000

void pg_progress_init(struct pg_progress *p, size_t tables, uint64_t blocks, int64_t now_us)
{
    *p = (struct pg_progress){.tables_total = tables,
                              .blocks_total = blocks,
                              .terminal = isatty(STDERR_FILENO) == 1,
                              .begun_us = now_us,
                              .told_us = now_us};
}

static uint64_t rate_of(uint64_t rows, int64_t spent_us)
{
    return spent_us > 0 ? (uint64_t)((double)rows * 1e6 / (double)spent_us) : 0;
}

int64_t pg_progress_eta_s(const struct pg_progress *p, int64_t now_us)
{
    double spent_s = (double)(now_us - p->begun_us) / 1e6;

    if (p->blocks_done == 0)
        return -1;
    return (int64_t)(spent_s * (double)(p->blocks_total - p->blocks_done) / (double)p->blocks_done);
}

void pg_progress_tick(struct pg_progress *p, int64_t now_us)
{
    uint64_t rate = rate_of(p->rows - p->told_rows, now_us - p->told_us);
    int64_t eta_s = pg_progress_eta_s(p, now_us);

    if (now_us - p->told_us < EVERY_US)
        return;
    p->told_us = now_us;
    p->told_rows = p->rows;
    if (p->terminal)
        (void)fprintf(stderr,
                      "\r\033[Ksnapshot: %" PRIu64 " rows, %" PRIu64 " rows/s, %zu of %zu tables, "
                      "%" PRId64 " s left",
                      p->rows, rate, p->tables_done, p->tables_total, eta_s < 0 ? 0 : eta_s);
    else
        log_line(LOG_INFO, "snapshot_progress",
                 "rows=%" PRIu64 " rows_per_s=%" PRIu64 " tables=%zu/%zu eta_s=%" PRId64, p->rows,
                 rate, p->tables_done, p->tables_total, eta_s);
}

void pg_progress_end(struct pg_progress *p, int64_t now_us)
{
    if (p->terminal)
        (void)fprintf(stderr, "\r\033[K");
    log_line(LOG_INFO, "snapshot_done",
             "rows=%" PRIu64 " rows_per_s=%" PRIu64 " tables=%zu ms=%" PRId64, p->rows,
             rate_of(p->rows, now_us - p->begun_us), p->tables_total,
             (now_us - p->begun_us) / 1000);
}
