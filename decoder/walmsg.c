/*
 * All integers are big-endian; times are those of pgtime.h; LSNs point behind the last byte.
 *
 *     XLogData   'w'  wal_start 8   wal_end 8   send_time 8   payload ...
 *     keepalive  'k'  wal_end 8     send_time 8   reply_requested 1
 *     status     'r'  write 8   flush 8   apply 8   client_time 8   reply_requested 1
 *
 * From a logical walsender wal_end of XLogData is wal_start once more, so it is not handed on.
 */
#include "decoder/walmsg.h"

#include "decoder/pgtime.h"
#include "millrace/reader.h"

static void read_data(struct reader *r, struct walmsg *out)
{
    out->kind = WALMSG_DATA;
    out->wal_start = reader_u64(r);
    (void)reader_u64(r);
    out->send_us = pgtime_read(r);
    out->payload = reader_bytes(r, reader_left(r));
}

static void read_keepalive(struct reader *r, struct walmsg *out)
{
    uint8_t reply;

    out->kind = WALMSG_KEEPALIVE;
    out->wal_end = reader_u64(r);
    out->send_us = pgtime_read(r);
    reply = reader_u8(r);
    if (reply > 1)
        r->failed = true;
    out->reply_requested = reply == 1;
}

bool walmsg_decode(struct slice message, struct walmsg *out, struct error *err)
{
    struct reader r = reader_over(message);
    struct walmsg got = {0};
    const char *name;
    uint8_t tag = reader_u8(&r);

    if (r.failed)
        return error_set(err, ERROR_DATA, "replication message is empty");
    switch (tag) {
    case 'w':
        name = "XLogData";
        read_data(&r, &got);
        break;
    case 'k':
        name = "keepalive";
        read_keepalive(&r, &got);
        break;
    default:
        return error_set(err, ERROR_DATA, "replication message of unknown type 0x%02x",
                         (unsigned)tag);
    }
    if (!reader_finished(&r))
        return error_set(err, ERROR_DATA, "%s malformed at byte %zu of %zu", name,
                         (size_t)(r.at - r.start), message.len);
    *out = got;
    return true;
}

static uint8_t *write_u64(uint8_t *at, uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(value >> shift);
    return at;
}

void walmsg_status(uint64_t write, uint64_t flush, uint64_t apply, int64_t now_us, bool want_reply,
                   uint8_t out[WALMSG_STATUS_BYTES])
{
    uint8_t *at = out;

    *at++ = 'r';
    at = write_u64(at, write);
    at = write_u64(at, flush);
    at = write_u64(at, apply);
    at = write_u64(at, (uint64_t)now_us - (uint64_t)PGTIME_EPOCH_US);
    *at = want_reply ? 1 : 0;
}
