/*
 * The messages, as proto.c of PostgreSQL writes them.  Integers are big-endian, texts end in a NUL,
 * times are those of pgtime.h.
 *
 *     B  BEGIN     commit_lsn 8   commit_time 8   xid 4
 *     C  COMMIT    flags 1 (0)   commit_lsn 8   end_lsn 8   commit_time 8
 *     O  ORIGIN    origin_lsn 8   name\0
 *     R  RELATION  oid 4   schema\0 ("": pg_catalog)   name\0   identity 1   columns 2, each:
 *                    flags 1 (1: identity)   name\0   type_oid 4   typmod 4
 *     Y  TYPE      oid 4   schema\0   name\0
 *     I  INSERT    relation 4   'N' row
 *     U  UPDATE    relation 4   [ 'K' row | 'O' row ]   'N' row
 *     D  DELETE    relation 4   ( 'K' row | 'O' row )
 *     T  TRUNCATE  relations 4   options 1 (1: cascade, 2: restart identity)   oid 4 each
 *     M  MESSAGE   flags 1 (1: transactional)   lsn 8   prefix\0   length 4   content
 *                    (the lsn is where its record ends, so one may resume there without a repeat)
 *
 *     row          columns 2, each:  'n' null  |  'u' unchanged  |  't' length 4 text
 *
 * Protocol 2 puts an xid behind the tag only inside a streamed transaction; those we never ask for.
 *
 * Every reader below goes the same way: read straight through, check once that the message was
 * whole, check what it says, act.
 */
#include "decoder/pgoutput.h"

#include <inttypes.h>
#include <stdlib.h>

#include "decoder/pgtime.h"
#include "decoder/relation_cache.h"
#include "millrace/lsn.h"
#include "millrace/mem.h"
#include "millrace/reader.h"

#define ORIGIN_LIMIT_BYTES 8192 /* an origin's name is indexed, so it is shorter than a page */

struct pgoutput {
    uint64_t *relation_ids;
    size_t relation_limit_bytes;
    struct relation_cache cache;
    struct relation_entry *newest;   /* of the last R; owned by the cache */
    struct relation_entry *replaced; /* by the last R; owned here until the next message */

    bool in_transaction;
    struct event told; /* what all events of the open transaction tell, else those of the last one;
                        * the ordinal is that of its last change */
    struct arena origin_arena;
};

/* One call of pgoutput_decode(). */
struct decoding {
    struct pgoutput *p;
    const char *name; /* of the message, for errors */
    uint64_t wal_start;
    struct slice message;
    struct reader reader;
    struct arena *scratch;
    const struct relation *relation; /* that the message is about, once known; for errors */
    struct error *err;
};

/* Where a message may stand. */
enum place { ANYWHERE, INSIDE, OUTSIDE };

struct pgoutput *pgoutput_create(uint64_t *relation_ids, uint64_t prior_end_lsn,
                                 size_t relation_limit_bytes)
{
    struct pgoutput *p = mem_new(struct pgoutput);

    p->relation_ids = relation_ids;
    p->relation_limit_bytes = relation_limit_bytes;
    p->told.prior_end_lsn = prior_end_lsn;
    relation_cache_init(&p->cache);
    arena_init(&p->origin_arena, ORIGIN_LIMIT_BYTES);
    return p;
}

void pgoutput_destroy(struct pgoutput *p)
{
    if (p == NULL)
        return;
    relation_entry_destroy(p->replaced);
    relation_cache_done(&p->cache);
    arena_done(&p->origin_arena);
    free(p);
}

struct relation *pgoutput_new_relation(struct pgoutput *p, struct arena **out_arena)
{
    *out_arena = &p->newest->arena;
    return &p->newest->relation;
}

const struct relation *pgoutput_replaced_relation(const struct pgoutput *p)
{
    return p->replaced == NULL ? NULL : &p->replaced->relation;
}

bool pgoutput_in_transaction(const struct pgoutput *p)
{
    return p->in_transaction;
}

uint32_t pgoutput_xid(const struct pgoutput *p)
{
    return p->told.xid;
}

/* The single place that says whether the message was read to its very end. */
static bool whole(struct decoding *d)
{
    if (reader_finished(&d->reader))
        return true;
    return error_set(d->err, ERROR_DATA, "%s malformed at byte %zu of %zu", d->name,
                     (size_t)(d->reader.at - d->reader.start), d->message.len);
}

/* An event between BEGIN and COMMIT, these included. */
static void begin_event(const struct decoding *d, enum event_kind kind, struct event *event)
{
    *event = d->p->told;
    event->kind = kind;
    event->lsn = d->wal_start;
}

static void begin_change(struct decoding *d, enum event_kind kind, struct event *event)
{
    d->p->told.ordinal++;
    begin_event(d, kind, event);
}

static enum decoded read_begin(struct decoding *d, struct event *event)
{
    struct pgoutput *p = d->p;
    uint64_t commit_lsn = reader_u64(&d->reader);
    int64_t commit_us = pgtime_read(&d->reader);
    uint32_t xid = reader_u32(&d->reader);

    if (!whole(d))
        return DECODED_FAILED;
    if (commit_lsn <= p->told.commit_lsn) { /* refuses 0 too */
        error_set(d->err, ERROR_DATA,
                  "BEGIN: commit LSN %s is not above %s of the transaction before",
                  lsn_format(commit_lsn).text, lsn_format(p->told.commit_lsn).text);
        return DECODED_FAILED;
    }
    p->in_transaction = true;
    p->told.commit_lsn = commit_lsn;
    p->told.commit_us = commit_us;
    p->told.xid = xid;
    p->told.ordinal = 0;
    p->told.origin = (struct slice){NULL, 0};
    p->told.origin_lsn = 0;
    begin_event(d, EVENT_BEGIN, event);
    return DECODED_EVENT;
}

static bool commit_fits(struct decoding *d, uint8_t flags, uint64_t commit_lsn, uint64_t end_lsn)
{
    if (flags != 0)
        return error_set(d->err, ERROR_DATA, "COMMIT has unknown flags 0x%02x", (unsigned)flags);
    if (commit_lsn != d->p->told.commit_lsn)
        return error_set(d->err, ERROR_DATA, "COMMIT of %s does not match its BEGIN of %s",
                         lsn_format(commit_lsn).text, lsn_format(d->p->told.commit_lsn).text);
    if (end_lsn <= commit_lsn)
        return error_set(d->err, ERROR_DATA, "COMMIT of %s ends before itself, at %s",
                         lsn_format(commit_lsn).text, lsn_format(end_lsn).text);
    return true;
}

static enum decoded read_commit(struct decoding *d, struct event *event)
{
    struct pgoutput *p = d->p;
    uint8_t flags = reader_u8(&d->reader);
    uint64_t commit_lsn = reader_u64(&d->reader);
    uint64_t end_lsn = reader_u64(&d->reader);

    p->told.commit_us = pgtime_read(&d->reader);
    if (!whole(d) || !commit_fits(d, flags, commit_lsn, end_lsn))
        return DECODED_FAILED;
    p->told.ordinal = 0;
    begin_event(d, EVENT_COMMIT, event);
    event->end_lsn = end_lsn;
    p->in_transaction = false;
    p->told.prior_end_lsn = end_lsn;
    return DECODED_EVENT;
}

/* May stand more than once in a transaction: the last one counts. */
static enum decoded read_origin(struct decoding *d, struct event *event)
{
    struct pgoutput *p = d->p;
    uint64_t origin_lsn = reader_u64(&d->reader);
    struct slice name = reader_cstring(&d->reader);

    (void)event;
    if (!whole(d))
        return DECODED_FAILED;
    arena_reset(&p->origin_arena);
    if (!arena_copy(&p->origin_arena, name, &p->told.origin)) {
        error_set(d->err, ERROR_DATA, "ORIGIN: a name of %zu bytes passes the limit of %d",
                  name.len, ORIGIN_LIMIT_BYTES);
        return DECODED_FAILED;
    }
    p->told.origin_lsn = origin_lsn;
    return DECODED_NOTHING;
}

/* Takes the entry: from now on it is what is known of its oid. */
static void put_relation(struct pgoutput *p, struct relation_entry *entry)
{
    entry->relation.id = ++*p->relation_ids;
    p->newest = entry;
    p->replaced = relation_cache_put(&p->cache, entry);
}

bool pgoutput_renew_relation(struct pgoutput *p, uint32_t oid, struct error *err)
{
    const struct relation *known = relation_cache_find(&p->cache, oid);
    struct relation_entry *entry = relation_entry_create(p->relation_limit_bytes);

    if (known == NULL || !relation_entry_copy(entry, known)) {
        relation_entry_destroy(entry);
        return error_set(err, ERROR_DATA, "relation %" PRIu32 " cannot be described again", oid);
    }
    put_relation(p, entry);
    return true;
}

static enum decoded read_relation(struct decoding *d, struct event *event)
{
    struct pgoutput *p = d->p;
    struct relation_entry *entry = relation_entry_create(p->relation_limit_bytes);

    (void)event;
    if (!relation_entry_read(entry, &d->reader, d->err) || !whole(d)) {
        relation_entry_destroy(entry);
        return DECODED_FAILED;
    }
    put_relation(p, entry);
    return DECODED_RELATION;
}

/* Types are described from the catalogue: the stream tells neither their kind nor their elements.
 */
static enum decoded read_type(struct decoding *d, struct event *event)
{
    (void)event;
    (void)reader_u32(&d->reader);
    (void)reader_cstring(&d->reader);
    (void)reader_cstring(&d->reader);
    return whole(d) ? DECODED_NOTHING : DECODED_FAILED;
}

/* The relation of the next oid; NULL with err set when that is cut short or was never described. */
static const struct relation *read_target(struct decoding *d)
{
    uint32_t oid = reader_u32(&d->reader);
    const struct relation *relation;

    if (d->reader.failed) {
        (void)whole(d);
        return NULL;
    }
    relation = relation_cache_find(&d->p->cache, oid);
    if (relation == NULL)
        error_set(d->err, ERROR_DATA, "%s: relation %" PRIu32 " was never described", d->name, oid);
    return relation;
}

static bool refuse_cell(struct decoding *d, uint16_t index, const char *why)
{
    return error_set(d->err, ERROR_DATA, "%s: column %.*s is %s", d->name,
                     SLICE_ARGS(d->relation->columns[index].name), why);
}

/* Where a row may say "unchanged", and what that stands for. */
struct unchanged {
    bool allowed;
    const struct cell *old; /* the whole old row, when it came along; else NULL */
};

/* False with err set when the row does not fit its relation.  Bytes that make no sense only fail
 * the reader; so does a reader that had failed already. */
static bool read_row(struct decoding *d, struct unchanged unchanged, struct row *out_row)
{
    struct reader r = d->reader; /* of our own, so that it can stay in registers */
    uint16_t count = reader_u16(&r);
    struct cell *cells;

    if (!r.failed && count != d->relation->column_count)
        return error_set(d->err, ERROR_DATA, "%s: row has %u columns, the relation has %u", d->name,
                         (unsigned)count, (unsigned)d->relation->column_count);
    cells = arena_alloc(d->scratch, count * sizeof *cells);
    if (cells == NULL)
        return error_set(d->err, ERROR_DATA, "%s: row of %u columns passes the limit of %zu bytes",
                         d->name, (unsigned)count, d->scratch->limit_bytes);
    for (uint16_t i = 0; i < count && !r.failed; i++) {
        switch (reader_u8(&r)) {
        case 't':
            cells[i] = (struct cell){CELL_TEXT, reader_bytes(&r, reader_u32(&r))};
            break;
        case 'n':
            cells[i] = (struct cell){.kind = CELL_NULL};
            break;
        case 'u':
            if (!unchanged.allowed)
                return refuse_cell(d, i, "unchanged where no value was before");
            cells[i] =
                unchanged.old != NULL ? unchanged.old[i] : (struct cell){.kind = CELL_UNCHANGED};
            break;
        case 'b':
            return refuse_cell(d, i, "in binary format, which was not asked for");
        default:
            r.failed = true;
        }
    }
    d->reader = r;
    *out_row = (struct row){cells, count};
    return true;
}

static enum decoded read_insert(struct decoding *d, struct event *event)
{
    struct row row;

    d->relation = read_target(d);
    if (d->relation == NULL)
        return DECODED_FAILED;
    if (reader_u8(&d->reader) != 'N')
        d->reader.failed = true;
    if (!read_row(d, (struct unchanged){.allowed = false}, &row) || !whole(d))
        return DECODED_FAILED;
    begin_change(d, EVENT_INSERT, event);
    event->relation = d->relation;
    event->row = row;
    return DECODED_EVENT;
}

/* OLD_NONE: `mark` does not announce an old row. */
static enum old_row old_row_of(uint8_t mark)
{
    return mark == 'K' ? OLD_KEY : mark == 'O' ? OLD_FULL : OLD_NONE;
}

static enum decoded read_update(struct decoding *d, struct event *event)
{
    struct row old = {NULL, 0}, row;
    enum old_row old_kind;
    uint8_t mark;

    d->relation = read_target(d);
    if (d->relation == NULL)
        return DECODED_FAILED;
    mark = reader_u8(&d->reader);
    old_kind = old_row_of(mark);
    if (old_kind != OLD_NONE) {
        if (!read_row(d, (struct unchanged){.allowed = false}, &old))
            return DECODED_FAILED;
        mark = reader_u8(&d->reader);
    }
    if (mark != 'N')
        d->reader.failed = true;
    if (!read_row(d, (struct unchanged){true, old_kind == OLD_FULL ? old.cells : NULL}, &row) ||
        !whole(d))
        return DECODED_FAILED;
    begin_change(d, EVENT_UPDATE, event);
    event->relation = d->relation;
    event->row = row;
    event->old = old;
    event->old_kind = old_kind;
    return DECODED_EVENT;
}

static enum decoded read_delete(struct decoding *d, struct event *event)
{
    enum old_row old_kind;
    struct row old;

    d->relation = read_target(d);
    if (d->relation == NULL)
        return DECODED_FAILED;
    old_kind = old_row_of(reader_u8(&d->reader));
    if (old_kind == OLD_NONE)
        d->reader.failed = true;
    if (!read_row(d, (struct unchanged){.allowed = false}, &old) || !whole(d))
        return DECODED_FAILED;
    begin_change(d, EVENT_DELETE, event);
    event->relation = d->relation;
    event->old = old;
    event->old_kind = old_kind;
    return DECODED_EVENT;
}

/* `count` is not more than what is left can hold. */
static const struct relation **read_targets(struct decoding *d, uint32_t count)
{
    const struct relation **targets =
        arena_array(d->scratch, count, sizeof(const struct relation *));

    if (targets == NULL) {
        error_set(d->err, ERROR_DATA,
                  "TRUNCATE of %" PRIu32 " relations passes the limit of %zu bytes", count,
                  d->scratch->limit_bytes);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        targets[i] = read_target(d);
        if (targets[i] == NULL)
            return NULL;
    }
    return targets;
}

static enum decoded read_truncate(struct decoding *d, struct event *event)
{
    uint32_t count = reader_u32(&d->reader);
    uint8_t options = reader_u8(&d->reader);
    const struct relation **targets;

    if (count == 0 || count > reader_left(&d->reader) / 4 || options > 3)
        d->reader.failed = true;
    if (d->reader.failed) {
        (void)whole(d);
        return DECODED_FAILED;
    }
    targets = read_targets(d, count);
    if (targets == NULL || !whole(d))
        return DECODED_FAILED;
    begin_change(d, EVENT_TRUNCATE, event);
    event->cascade = (options & 1) != 0;
    event->restart_identity = (options & 2) != 0;
    event->truncated = targets;
    event->truncated_count = count;
    return DECODED_EVENT;
}

static enum decoded read_message(struct decoding *d, struct event *event)
{
    uint8_t flags = reader_u8(&d->reader);
    uint64_t lsn = reader_u64(&d->reader);
    struct slice prefix = reader_cstring(&d->reader);
    struct slice content = reader_bytes(&d->reader, reader_u32(&d->reader));
    bool transactional = flags == 1;

    if (flags > 1)
        d->reader.failed = true;
    if (!whole(d))
        return DECODED_FAILED;
    if (transactional != d->p->in_transaction) {
        error_set(d->err, ERROR_DATA, "MESSAGE that is %stransactional %s a transaction",
                  transactional ? "" : "not ", transactional ? "outside" : "inside");
        return DECODED_FAILED;
    }
    if (transactional)
        begin_change(d, EVENT_MESSAGE, event);
    else
        *event = (struct event){
            .kind = EVENT_MESSAGE, .end_lsn = lsn, .prior_end_lsn = d->p->told.prior_end_lsn};
    event->lsn = lsn;
    event->transactional = transactional;
    event->prefix = prefix;
    event->content = content;
    return DECODED_EVENT;
}

/* The most frequent first.  Without a reader: belongs to options that we never set. */
static const struct message_type {
    uint8_t tag;
    enum place place;
    const char *name;
    enum decoded (*read)(struct decoding *d, struct event *event);
} message_types[] = {
    {'I', INSIDE, "INSERT", read_insert},       {'U', INSIDE, "UPDATE", read_update},
    {'D', INSIDE, "DELETE", read_delete},       {'B', OUTSIDE, "BEGIN", read_begin},
    {'C', INSIDE, "COMMIT", read_commit},       {'R', ANYWHERE, "RELATION", read_relation},
    {'Y', ANYWHERE, "TYPE", read_type},         {'T', INSIDE, "TRUNCATE", read_truncate},
    {'M', ANYWHERE, "MESSAGE", read_message},   {'O', INSIDE, "ORIGIN", read_origin},
    {'S', ANYWHERE, "STREAM START", NULL},      {'E', ANYWHERE, "STREAM STOP", NULL},
    {'c', ANYWHERE, "STREAM COMMIT", NULL},     {'A', ANYWHERE, "STREAM ABORT", NULL},
    {'p', ANYWHERE, "STREAM PREPARE", NULL},    {'b', ANYWHERE, "BEGIN PREPARE", NULL},
    {'P', ANYWHERE, "PREPARE", NULL},           {'K', ANYWHERE, "COMMIT PREPARED", NULL},
    {'r', ANYWHERE, "ROLLBACK PREPARED", NULL},
};

/* NULL with err set when a message with this tag must not come now. */
static const struct message_type *type_of(uint8_t tag, bool in_transaction, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(message_types); i++) {
        const struct message_type *type = &message_types[i];

        if (type->tag != tag)
            continue;
        if (type->read == NULL)
            error_set(err, ERROR_DATA, "%s was not asked for", type->name);
        else if (type->place == INSIDE && !in_transaction)
            error_set(err, ERROR_DATA, "%s outside a transaction", type->name);
        else if (type->place == OUTSIDE && in_transaction)
            error_set(err, ERROR_DATA, "%s inside a transaction", type->name);
        else
            return type;
        return NULL;
    }
    error_set(err, ERROR_DATA, "message of unknown type 0x%02x", (unsigned)tag);
    return NULL;
}

enum decoded pgoutput_decode(struct pgoutput *p, uint64_t wal_start, struct slice message,
                             struct arena *scratch, struct event *out_event, struct error *err)
{
    struct decoding d = {.p = p,
                         .wal_start = wal_start,
                         .message = message,
                         .reader = reader_over(message),
                         .scratch = scratch,
                         .err = err};
    const struct message_type *type;
    enum decoded outcome;
    uint8_t tag = reader_u8(&d.reader);

    relation_entry_destroy(p->replaced);
    p->replaced = NULL;
    if (d.reader.failed) {
        error_set(err, ERROR_DATA, "message is empty");
        return DECODED_FAILED;
    }
    type = type_of(tag, p->in_transaction, err);
    if (type == NULL)
        return DECODED_FAILED;
    d.name = type->name;
    outcome = type->read(&d, out_event);
    if (outcome == DECODED_FAILED && d.relation != NULL)
        error_wrap(err, "relation %.*s.%.*s", SLICE_ARGS(d.relation->schema),
                   SLICE_ARGS(d.relation->name));
    return outcome;
}
