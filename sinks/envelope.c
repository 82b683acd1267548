#include "sinks/envelope.h"

#include "sinks/json_write.h"

const char *envelope_mark_name(enum snapshot_mark mark)
{
    switch (mark) {
    case MARK_NONE:
        return "false";
    case MARK_FIRST:
        return "first";
    case MARK_FIRST_IN_TABLE:
        return "first_in_data_collection";
    case MARK_TRUE:
        return "true";
    case MARK_LAST_IN_TABLE:
        return "last_in_data_collection";
    case MARK_LAST:
        break;
    }
    return "last";
}

void envelope_init(struct envelope *e, const char *name, const char *database)
{
    buf_init(&e->head, SIZE_MAX);
    JSON_CONSTANT(&e->head, "\"source\":{\"version\":\"" MILLRACE_VERSION
                            "\",\"connector\":\"postgresql\",\"name\":");
    json_text(&e->head, slice_text(name));
    JSON_CONSTANT(&e->head, ",\"ts_ms\":");
    for (int mark = 0; mark < ENVELOPE_MARKS; mark++) {
        struct buf *b = &e->marks[mark];

        buf_init(b, SIZE_MAX);
        JSON_CONSTANT(b, ",\"snapshot\":");
        json_text(b, slice_text(envelope_mark_name((enum snapshot_mark)mark)));
        JSON_CONSTANT(b, ",\"db\":");
        json_text(b, slice_text(database));
        JSON_CONSTANT(b, ",\"sequence\":\"[");
    }
    buf_init(&e->before, SIZE_MAX);
    buf_init(&e->times, SIZE_MAX);
    buf_init(&e->number, SIZE_MAX);
    buf_init(&e->seen, SIZE_MAX);
}

void envelope_done(struct envelope *e)
{
    buf_done(&e->head);
    for (int mark = 0; mark < ENVELOPE_MARKS; mark++)
        buf_done(&e->marks[mark]);
    buf_done(&e->before);
    buf_done(&e->times);
    buf_done(&e->number);
    buf_done(&e->seen);
}

static void write_origin(const struct event *event, struct buf *out)
{
    if (event->origin.len == 0) {
        JSON_CONSTANT(out, ",\"xmin\":null,\"origin\":null,\"origin_lsn\":null}");
        return;
    }
    JSON_CONSTANT(out, ",\"xmin\":null,\"origin\":");
    json_text(out, event->origin);
    JSON_CONSTANT(out, ",\"origin_lsn\":");
    json_u64(out, event->origin_lsn);
    buf_byte(out, '}');
}

int64_t envelope_floor_divide(int64_t number, int64_t by)
{
    return number / by - (number % by < 0 ? 1 : 0);
}

int64_t envelope_nanoseconds(int64_t us)
{
    if (us > INT64_MAX / 1000)
        return INT64_MAX;
    return us < INT64_MIN / 1000 ? INT64_MIN : us * 1000;
}

static bool source_is_made(const struct envelope *e, const struct event *event)
{
    return e->made_of.commit_us == event->commit_us && e->made_of.xid == event->xid &&
           e->made_of.prior_end_lsn == event->prior_end_lsn && e->made_of.mark == event->mark &&
           e->number.len > 0;
}

/* The sequence is a JSON text inside a JSON string: [null,"214020688"] */
static void make_before(struct envelope *e, const struct event *event)
{
    struct buf *out = &e->before;

    out->len = 0;
    buf_slice(out, buf_view(&e->head));
    json_i64(out, envelope_floor_divide(event->commit_us, 1000));
    buf_slice(out, buf_view(&e->marks[event->mark]));
    if (event->prior_end_lsn == 0) {
        JSON_CONSTANT(out, "null");
    } else {
        JSON_CONSTANT(out, "\\\"");
        json_u64(out, event->prior_end_lsn);
        JSON_CONSTANT(out, "\\\"");
    }
    JSON_CONSTANT(out, ",\\\"");
}

static void make_times(struct envelope *e, const struct event *event)
{
    struct buf *out = &e->times;

    out->len = 0;
    JSON_CONSTANT(out, "\\\"]\",\"ts_us\":");
    json_i64(out, event->commit_us);
    JSON_CONSTANT(out, ",\"ts_ns\":");
    json_i64(out, event->commit_us);
    if (event->commit_us != 0)
        JSON_CONSTANT(out, "000"); /* PostgreSQL knows no nanoseconds */
}

static void make_number(struct envelope *e, const struct event *event)
{
    struct buf *out = &e->number;

    out->len = 0;
    JSON_CONSTANT(out, ",\"txId\":");
    if (event->xid == 0)
        JSON_CONSTANT(out, "null");
    else
        json_u64(out, event->xid);
    JSON_CONSTANT(out, ",\"lsn\":");
}

static void make_source(struct envelope *e, const struct event *event)
{
    make_before(e, event);
    make_times(e, event);
    make_number(e, event);
    e->failed = e->failed || e->before.failed || e->times.failed || e->number.failed;
    e->made_of.mark = event->mark;
    e->made_of.commit_us = event->commit_us;
    e->made_of.prior_end_lsn = event->prior_end_lsn;
    e->made_of.xid = event->xid;
}

void envelope_write_source(struct envelope *e, const struct event *event, struct slice table_json,
                           struct buf *out)
{
    if (!source_is_made(e, event))
        make_source(e, event);
    buf_slice(out, buf_view(&e->before));
    json_u64(out, event->lsn);
    buf_slice(out, buf_view(&e->times));
    buf_slice(out, table_json);
    buf_slice(out, buf_view(&e->number));
    json_u64(out, event->lsn);
    write_origin(event, out);
    out->failed = out->failed || e->failed;
}

static void make_seen(struct envelope *e, int64_t seen_ns)
{
    struct buf *out = &e->seen;

    out->len = 0;
    JSON_CONSTANT(out, "\",\"ts_ms\":");
    json_i64(out, envelope_floor_divide(seen_ns, 1000000));
    JSON_CONSTANT(out, ",\"ts_us\":");
    json_i64(out, envelope_floor_divide(seen_ns, 1000));
    JSON_CONSTANT(out, ",\"ts_ns\":");
    json_i64(out, seen_ns);
    buf_byte(out, '}');
    e->failed = e->failed || out->failed;
    e->made_of.seen_ns = seen_ns;
}

void envelope_write_transaction(const struct transaction_block *block, struct buf *out)
{
    if (block == NULL) {
        JSON_CONSTANT(out, ",\"transaction\":null");
        return;
    }
    JSON_CONSTANT(out, ",\"transaction\":{\"id\":\"");
    buf_slice(out, block->id);
    JSON_CONSTANT(out, "\",\"total_order\":");
    json_u64(out, block->total_order);
    JSON_CONSTANT(out, ",\"data_collection_order\":");
    json_u64(out, block->collection_order);
    buf_byte(out, '}');
}

void envelope_write_tail(struct envelope *e, const struct event *event, char op,
                         const struct transaction_block *block, struct buf *out)
{
    if (e->seen.len == 0 || e->made_of.seen_ns != event->seen_ns)
        make_seen(e, event->seen_ns);
    envelope_write_transaction(block, out);
    JSON_CONSTANT(out, ",\"op\":\"");
    buf_byte(out, (uint8_t)op);
    buf_slice(out, buf_view(&e->seen));
    out->failed = out->failed || e->failed;
}
