#include "sinks/avro_envelope.h"

#include "sinks/avro_write.h"
#include "sinks/json_write.h"

#define SNAPSHOT_BRANCH 0 /* it has a default, hence its union begins with the value */
#define SEQUENCE_END "\"]"

/* Behind the second LSN: xmin; origin and its LSN when there is none. */
static const uint8_t no_xmin[] = {AVRO_BRANCH_NULL};
static const uint8_t no_origin[] = {AVRO_BRANCH_NULL, AVRO_BRANCH_NULL};

void avro_write_optional_long(struct buf *out, bool present, int64_t number)
{
    buf_byte(out, present ? AVRO_BRANCH_VALUE : AVRO_BRANCH_NULL);
    if (present)
        avro_write_long(out, number);
}

void avro_envelope_init(struct avro_envelope *e, const char *name, const char *database)
{
    *e = (struct avro_envelope){.failed = false};
    buf_init(&e->head, SIZE_MAX);
    avro_write_bytes(&e->head, slice_text(MILLRACE_VERSION));
    avro_write_bytes(&e->head, slice_text("postgresql"));
    avro_write_bytes(&e->head, slice_text(name));
    for (int mark = 0; mark < ENVELOPE_MARKS; mark++) {
        struct buf *b = &e->marks[mark];

        buf_init(b, SIZE_MAX);
        buf_byte(b, SNAPSHOT_BRANCH);
        avro_write_bytes(b, slice_text(envelope_mark_name((enum snapshot_mark)mark)));
        avro_write_bytes(b, slice_text(database));
        buf_byte(b, AVRO_BRANCH_VALUE);
    }
    buf_init(&e->before, SIZE_MAX);
    buf_init(&e->sequence, SIZE_MAX);
    buf_init(&e->times, SIZE_MAX);
    buf_init(&e->number, SIZE_MAX);
    buf_init(&e->seen, SIZE_MAX);
}

void avro_envelope_done(struct avro_envelope *e)
{
    buf_done(&e->head);
    for (int mark = 0; mark < ENVELOPE_MARKS; mark++)
        buf_done(&e->marks[mark]);
    buf_done(&e->before);
    buf_done(&e->sequence);
    buf_done(&e->times);
    buf_done(&e->number);
    buf_done(&e->seen);
}

static void make_before(struct avro_envelope *e, const struct event *event)
{
    e->before.len = 0;
    buf_slice(&e->before, buf_view(&e->head));
    avro_write_long(&e->before, envelope_floor_divide(event->commit_us, 1000));
    buf_slice(&e->before, buf_view(&e->marks[event->mark]));
}

/* ["99","100"] up to the second number */
static void make_sequence(struct avro_envelope *e, const struct event *event)
{
    struct buf *out = &e->sequence;

    out->len = 0;
    if (event->prior_end_lsn == 0) {
        JSON_CONSTANT(out, "[null,\"");
        return;
    }
    JSON_CONSTANT(out, "[\"");
    json_u64(out, event->prior_end_lsn);
    JSON_CONSTANT(out, "\",\"");
}

static void make_times(struct avro_envelope *e, const struct event *event)
{
    struct buf *out = &e->times;

    out->len = 0;
    JSON_CONSTANT(out, SEQUENCE_END);
    avro_write_optional_long(out, true, event->commit_us);
    avro_write_optional_long(out, true, envelope_nanoseconds(event->commit_us));
}

static void make_number(struct avro_envelope *e, const struct event *event)
{
    e->number.len = 0;
    avro_write_optional_long(&e->number, event->xid != 0, event->xid);
    buf_byte(&e->number, AVRO_BRANCH_VALUE);
}

static void make_source(struct avro_envelope *e, const struct event *event)
{
    make_before(e, event);
    make_sequence(e, event);
    make_times(e, event);
    make_number(e, event);
    e->failed =
        e->failed || e->before.failed || e->sequence.failed || e->times.failed || e->number.failed;
    envelope_source_made(&e->made, event);
}

static void write_origin(const struct event *event, struct buf *out)
{
    buf_byte(out, AVRO_BRANCH_VALUE);
    avro_write_bytes(out, event->origin);
    avro_write_optional_long(out, true, (int64_t)event->origin_lsn);
}

/* The sequence is of at most 47 bytes: its length takes one. */
static uint8_t *put_source(uint8_t *to, const struct avro_envelope *e, uint64_t lsn,
                           struct slice table)
{
    uint8_t *length;

    to = slice_put(to, buf_view(&e->before));
    length = to++;
    to = slice_put(to, buf_view(&e->sequence));
    to = json_put_u64(to, lsn);
    *length = (uint8_t)(((size_t)(to - length) - 1 + sizeof SEQUENCE_END - 1) << 1);
    to = slice_put(to, buf_view(&e->times));
    to = slice_put(to, table);
    to = slice_put(to, buf_view(&e->number));
    to = avro_put_long(to, (int64_t)lsn);
    return slice_put(to, slice_of(no_xmin, sizeof no_xmin));
}

void avro_envelope_write_source(struct avro_envelope *e, const struct event *event,
                                struct slice table, struct buf *out)
{
    uint8_t *to;

    if (!envelope_source_is_made(&e->made, event))
        make_source(e, event);
    to = buf_room(out, e->before.len + 1 + e->sequence.len + JSON_NUMBER_MAX + e->times.len +
                           table.len + e->number.len + AVRO_LONG_MAX + sizeof no_xmin +
                           sizeof no_origin);
    if (to == NULL)
        return;
    to = put_source(to, e, event->lsn, table);
    if (event->origin.len == 0)
        to = slice_put(to, slice_of(no_origin, sizeof no_origin));
    out->len = (size_t)(to - out->at);
    if (event->origin.len > 0)
        write_origin(event, out);
    out->failed = out->failed || e->failed;
}

static void make_seen(struct avro_envelope *e, const struct event *event)
{
    struct buf *out = &e->seen;

    out->len = 0;
    avro_write_optional_long(out, true, envelope_floor_divide(event->seen_ns, 1000000));
    avro_write_optional_long(out, true, envelope_floor_divide(event->seen_ns, 1000));
    avro_write_optional_long(out, true, event->seen_ns);
    e->failed = e->failed || out->failed;
    envelope_seen_made(&e->made, event);
}

void avro_envelope_write_transaction(const struct transaction_block *block, struct buf *out)
{
    buf_byte(out, block == NULL ? AVRO_BRANCH_NULL : AVRO_BRANCH_VALUE);
    if (block == NULL)
        return;
    avro_write_bytes(out, block->id);
    avro_write_long(out, (int64_t)block->total_order);
    avro_write_long(out, (int64_t)block->collection_order);
}

void avro_envelope_write_tail(struct avro_envelope *e, const struct event *event, char op,
                              const struct transaction_block *block, struct buf *out)
{
    const uint8_t start[] = {1 << 1, (uint8_t)op};
    uint8_t *to;

    if (!envelope_seen_is_made(&e->made, event))
        make_seen(e, event);
    avro_envelope_write_transaction(block, out);
    to = buf_room(out, sizeof start + e->seen.len);
    if (to == NULL)
        return;
    to = slice_put(to, slice_of(start, sizeof start));
    (void)slice_put(to, buf_view(&e->seen));
    out->len += sizeof start + e->seen.len;
    out->failed = out->failed || e->failed;
}
