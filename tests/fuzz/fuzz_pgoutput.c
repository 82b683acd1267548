/*
 * Input: messages, each with its length in two bytes before it.  They go through one decoder as the
 * source would send them, until one is refused; relations are taken without being described.
 */
#include <string.h>

#include "decoder/pgoutput.h"
#include "millrace/reader.h"
#include "tests/fuzz/fuzz.h"

#define SCRATCH_BYTES ((size_t)1 << 20)
#define RELATION_BYTES ((size_t)1 << 16)

struct session {
    uint64_t relation_ids;
    struct pgoutput *p;
    struct arena scratch;

    bool in_transaction;
    uint64_t commit_lsn; /* of the last BEGIN */
    uint64_t ordinal;
};

static void check_row(const struct relation *relation, const struct row *row, bool may_be_unchanged)
{
    require(row->cells != NULL && row->count == relation->column_count);
    for (uint16_t i = 0; i < row->count; i++) {
        require(row->cells[i].kind != CELL_UNCHANGED || may_be_unchanged);
        if (row->cells[i].kind == CELL_TEXT)
            touch(row->cells[i].text);
    }
}

static void check_relation(const struct relation *relation)
{
    require(relation->id != 0 && !relation->described);
    touch(relation->schema);
    touch(relation->name);
    for (uint16_t i = 0; i < relation->column_count; i++)
        touch(relation->columns[i].name);
    require(relation_same_wire(relation, relation));
}

static void check_rows(const struct event *e)
{
    check_relation(e->relation);
    require((e->old_kind != OLD_NONE) == (e->old.cells != NULL));
    require((e->kind != EVENT_DELETE) == (e->row.cells != NULL));
    if (e->old.cells != NULL)
        check_row(e->relation, &e->old, false);
    if (e->row.cells != NULL)
        check_row(e->relation, &e->row, e->kind == EVENT_UPDATE && e->old_kind != OLD_FULL);
}

static void check_change(struct session *s, const struct event *e)
{
    require(s->in_transaction && e->commit_lsn == s->commit_lsn);
    require(e->ordinal == ++s->ordinal);
    require(e->end_lsn == 0);
}

static void check_begin(struct session *s, const struct event *e)
{
    require(!s->in_transaction && e->commit_lsn > s->commit_lsn && e->prior_end_lsn < UINT64_MAX);
    s->in_transaction = true;
    s->commit_lsn = e->commit_lsn;
    s->ordinal = 0;
}

static void check_message(struct session *s, const struct event *e)
{
    require(e->transactional == s->in_transaction);
    touch(e->prefix);
    touch(e->content);
    if (e->transactional)
        check_change(s, e);
    else
        require(e->commit_lsn == 0 && e->ordinal == 0 && e->end_lsn == e->lsn);
}

static void check_event(struct session *s, const struct event *e)
{
    touch(e->origin);
    switch (e->kind) {
    case EVENT_BEGIN:
        check_begin(s, e);
        break;
    case EVENT_COMMIT:
        require(s->in_transaction && e->commit_lsn == s->commit_lsn && e->end_lsn > e->commit_lsn);
        s->in_transaction = false;
        break;
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_DELETE:
        check_change(s, e);
        check_rows(e);
        break;
    case EVENT_TRUNCATE:
        check_change(s, e);
        for (uint32_t i = 0; i < e->truncated_count; i++)
            check_relation(e->truncated[i]);
        break;
    case EVENT_MESSAGE:
        check_message(s, e);
        break;
    case EVENT_READ:
    case EVENT_SNAPSHOT_BEGIN:
    case EVENT_SNAPSHOT_END:
    case EVENT_RELATION:
    case EVENT_PROGRESS:
    case EVENT_HEARTBEAT:
        abort(); /* never of the stream */
    }
    require(pgoutput_in_transaction(s->p) == s->in_transaction);
}

static void check_new_relation(struct session *s)
{
    const struct relation *replaced = pgoutput_replaced_relation(s->p);
    struct arena *arena;
    const struct relation *relation = pgoutput_new_relation(s->p, &arena);

    check_relation(relation);
    require(relation->id == s->relation_ids && arena->used_bytes <= RELATION_BYTES);
    if (replaced == NULL)
        return;
    check_relation(replaced);
    require(replaced->oid == relation->oid && replaced->id < relation->id);
}

/* False after a refusal: nothing may follow. */
static bool decode(struct session *s, struct slice message)
{
    struct error err = {0};
    struct event event;

    arena_reset(&s->scratch);
    switch (pgoutput_decode(s->p, 1, message, &s->scratch, &event, &err)) {
    case DECODED_EVENT:
        check_event(s, &event);
        break;
    case DECODED_RELATION:
        check_new_relation(s);
        break;
    case DECODED_NOTHING:
        break;
    case DECODED_FAILED:
        require_refusal(&err, ERROR_DATA);
        return false;
    }
    require(err.kind == ERROR_NONE);
    return true;
}

/* In a block of its own, so that ASan sees the first byte read past it. */
static bool decode_copy(struct session *s, struct slice message)
{
    uint8_t *block = malloc(message.len);
    bool more;

    require(block != NULL);
    memcpy(block, message.at, message.len);
    more = decode(s, slice_of(block, message.len));
    free(block);
    return more;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_over(slice_of(data, size));
    struct session s = {0};
    bool more = true;

    arena_init(&s.scratch, SCRATCH_BYTES);
    s.p = pgoutput_create(&s.relation_ids, 0, RELATION_BYTES);
    while (more && reader_left(&r) > 0) {
        struct slice message = reader_bytes(&r, reader_u16(&r));

        if (r.failed) /* the last one is shorter than it says */
            break;
        more = decode_copy(&s, message);
    }
    pgoutput_destroy(s.p);
    arena_done(&s.scratch);
    return 0;
}
