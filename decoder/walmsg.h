/*
 * walmsg - the envelope around logical replication messages, in CopyData both ways.
 *
 * PostgreSQL manual, section 55.4 "Streaming Replication Protocol": XLogData 'w', primary keepalive
 * 'k', standby status update 'r'.
 */
#ifndef DECODER_WALMSG_H
#define DECODER_WALMSG_H

#include <stdbool.h>
#include <stdint.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/slice.h"

enum walmsg_kind { WALMSG_DATA, WALMSG_KEEPALIVE };

struct walmsg {
    enum walmsg_kind kind;
    uint64_t wal_start;   /* DATA: LSN of the change; 0 for R, Y and some B: never a position */
    uint64_t wal_end;     /* KEEPALIVE: end of what the server has decoded and sent */
    int64_t send_us;      /* the server's clock, microseconds since 1970 */
    bool reply_requested; /* KEEPALIVE */
    struct slice payload; /* DATA: borrows from the message */
};

/* False with ERROR_DATA when the message is cut short, has bytes left over, another
 * tag, a reply flag that is neither 0 nor 1, or a time beyond what microseconds since 1970 can
 * tell. */
bool walmsg_decode(struct slice message, struct walmsg *out, struct error *err) MUST_CHECK;

#define WALMSG_STATUS_BYTES 34

/* Writes a standby status update.  The three LSNs are "last byte + 1"; only `flush` moves the slot.
 * now_us: microseconds since 1970. */
void walmsg_status(uint64_t write, uint64_t flush, uint64_t apply, int64_t now_us, bool want_reply,
                   uint8_t out[WALMSG_STATUS_BYTES]);

#endif
