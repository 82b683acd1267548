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
}

void envelope_done(struct envelope *e)
{
    buf_done(&e->head);
    for (int mark = 0; mark < ENVELOPE_MARKS; mark++)
        buf_done(&e->marks[mark]);
}

/* A JSON text inside a JSON string: [null,"214020688"] */
static void write_sequence(const struct event *event, struct buf *out)
{
    if (event->prior_end_lsn == 0) {
        JSON_CONSTANT(out, "null");
    } else {
        JSON_CONSTANT(out, "\\\"");
        json_u64(out, event->prior_end_lsn);
        JSON_CONSTANT(out, "\\\"");
    }
    JSON_CONSTANT(out, ",\\\"");
    json_u64(out, event->lsn);
    JSON_CONSTANT(out, "\\\"]\"");
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

void envelope_write_source(const struct envelope *e, const struct event *event,
                           struct slice table_json, struct buf *out)
{
    buf_slice(out, buf_view(&e->head));
    json_i64(out, envelope_floor_divide(event->commit_us, 1000));
    buf_slice(out, buf_view(&e->marks[event->mark]));
    write_sequence(event, out);
    JSON_CONSTANT(out, ",\"ts_us\":");
    json_i64(out, event->commit_us);
    JSON_CONSTANT(out, ",\"ts_ns\":");
    json_i64(out, event->commit_us);
    if (event->commit_us != 0)
        JSON_CONSTANT(out, "000"); /* PostgreSQL knows no nanoseconds */
    buf_slice(out, table_json);
    JSON_CONSTANT(out, ",\"txId\":");
    if (event->xid == 0)
        JSON_CONSTANT(out, "null");
    else
        json_u64(out, event->xid);
    JSON_CONSTANT(out, ",\"lsn\":");
    json_u64(out, event->lsn);
    write_origin(event, out);
}

void envelope_write_tail(const struct event *event, char op, struct buf *out)
{
    JSON_CONSTANT(out, ",\"transaction\":null,\"op\":\"");
    buf_byte(out, (uint8_t)op);
    JSON_CONSTANT(out, "\",\"ts_ms\":");
    json_i64(out, envelope_floor_divide(event->seen_ns, 1000000));
    JSON_CONSTANT(out, ",\"ts_us\":");
    json_i64(out, envelope_floor_divide(event->seen_ns, 1000));
    JSON_CONSTANT(out, ",\"ts_ns\":");
    json_i64(out, event->seen_ns);
    buf_byte(out, '}');
}
