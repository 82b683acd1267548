#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "decoder/pgoutput.h"
#include "millrace/buf.h"
#include "millrace/lsn.h"
#include "tests/support/block.h"

#define LIMIT_BYTES ((size_t)1 << 20)

/* What the decoder has seen before the message of a row. */
enum before {
    FRESH,     /* nothing */
    DESCRIBED, /* RELATION of 16385, public.t (id int4 key, note text) */
    OPEN,      /* the same, and BEGIN of a transaction with commit LSN 0/100 */
};

#define RELATION_T                                                                                 \
    "52 00004001 'public'00 't'00 64 0002  01 'id'00 00000017 ffffffff  00 'note'00 00000019 "     \
    "ffffffff"
#define RELATION_T_WIDER                                                                           \
    "52 00004001 'public'00 't'00 66 0003  01 'id'00 00000017 ffffffff  01 'note'00 00000019 "     \
    "ffffffff"                                                                                     \
    " 01 'more'00 00000014 ffffffff"
#define BEGIN_100 "42 0000000000000100 0000000000000007 000002da"
#define COMMIT_100 "43 00 0000000000000100 0000000000000130 0000000000000007"
#define INSERT_7 "49 00004001 4e 0002 74 00000001 37 6e"
#define BEGIN_HEX(lsn) "42 00000000" lsn " 0000000000000007 000002da"
#define COMMIT_HEX(lsn, end) "43 00 00000000" lsn " 00000000" end " 0000000000000007"
#define MESSAGE_HEX(flags) "4d " flags " 0000000000000050 'audit'00 00000003 010203"

struct fixture {
    uint64_t relation_ids;
    struct arena scratch;
    struct pgoutput *p;
    struct slice message; /* of the last decode: the event borrows from it */
    struct event event;
    struct error err;
};

static enum decoded decode(struct fixture *f, struct slice message)
{
    block_free(f->message);
    f->message = message;
    arena_reset(&f->scratch);
    f->err = (struct error){0};
    return pgoutput_decode(f->p, 0x50, message, &f->scratch, &f->event, &f->err);
}

static enum decoded decode_hex(struct fixture *f, const char *hex)
{
    return decode(f, block_hex(hex));
}

static void fixture_init(struct fixture *f, enum before before)
{
    *f = (struct fixture){0};
    arena_init(&f->scratch, LIMIT_BYTES);
    f->p = pgoutput_create(&f->relation_ids, 0x80, LIMIT_BYTES);
    if (before != FRESH)
        assert_int_equal(decode_hex(f, RELATION_T), DECODED_RELATION);
    if (before == OPEN)
        assert_int_equal(decode_hex(f, BEGIN_100), DECODED_EVENT);
}

static void fixture_done(struct fixture *f)
{
    pgoutput_destroy(f->p);
    arena_done(&f->scratch);
    block_free(f->message);
}

static void render_row(struct buf *out, const char *name, const struct relation *relation,
                       struct row row)
{
    if (row.cells == NULL)
        return;
    assert(relation != NULL);
    assert_int_equal(row.count, relation->column_count);
    buf_printf(out, " %s(", name);
    for (uint16_t i = 0; i < row.count; i++) {
        buf_printf(out, "%s%.*s=", i == 0 ? "" : ", ", SLICE_ARGS(relation->columns[i].name));
        if (row.cells[i].kind == CELL_TEXT)
            buf_printf(out, "'%.*s'", SLICE_ARGS(row.cells[i].text));
        else
            buf_text(out, row.cells[i].kind == CELL_NULL ? "NULL" : "unchanged");
    }
    buf_byte(out, ')');
}

static void render_relation(struct buf *out, const struct relation *relation)
{
    buf_printf(out, " %.*s.%.*s", SLICE_ARGS(relation->schema), SLICE_ARGS(relation->name));
}

static void render_event(struct buf *out, const struct event *e)
{
    buf_text(out, event_kind_name(e->kind));
    for (uint32_t i = 0; i < e->truncated_count; i++)
        render_relation(out, e->truncated[i]);
    if (e->relation != NULL)
        render_relation(out, e->relation);
    render_row(out, e->old_kind == OLD_KEY ? "key" : "old", e->relation, e->old);
    render_row(out, "new", e->relation, e->row);
    if (e->kind == EVENT_BEGIN || e->kind == EVENT_COMMIT)
        buf_printf(out, " %s", lsn_format(e->commit_lsn).text);
    if (e->kind == EVENT_MESSAGE)
        buf_printf(out, " %.*s %zu bytes %stransactional", SLICE_ARGS(e->prefix), e->content.len,
                   e->transactional ? "" : "not ");
    buf_printf(out, "%s%s", e->cascade ? " cascade" : "",
               e->restart_identity ? " restart identity" : "");
    if (e->ordinal != 0)
        buf_printf(out, " #%" PRIu64, e->ordinal);
}

static void render_described(struct buf *out, struct pgoutput *p)
{
    const struct relation *replaced = pgoutput_replaced_relation(p);
    struct arena *arena;
    const struct relation *relation = pgoutput_new_relation(p, &arena);

    assert_true(arena->used_bytes > 0);
    buf_printf(out, "RELATION %" PRIu64, relation->id);
    render_relation(out, relation);
    buf_printf(out, " %c", (char)relation->identity);
    for (uint16_t i = 0; i < relation->column_count; i++)
        buf_printf(out, " %.*s%s:%" PRIu32 ":%" PRId32, SLICE_ARGS(relation->columns[i].name),
                   relation->columns[i].identity ? "*" : "", relation->columns[i].type_oid,
                   relation->columns[i].typmod);
    if (replaced != NULL)
        buf_printf(out, " for %" PRIu64, replaced->id);
}

static void render(struct buf *out, struct fixture *f, enum decoded outcome)
{
    switch (outcome) {
    case DECODED_EVENT:
        render_event(out, &f->event);
        break;
    case DECODED_RELATION:
        render_described(out, f->p);
        break;
    case DECODED_NOTHING:
        buf_text(out, "nothing");
        break;
    case DECODED_FAILED:
        assert_int_equal(f->err.kind, ERROR_DATA);
        buf_text(out, f->err.text);
        break;
    }
}

struct decode_case {
    const char *name;
    enum before before;
    const char *hex;    /* messages with a '|' between them; in lower case, 'text' for its bytes */
    const char *expect; /* what came of each, with " | " between */
};

static struct decode_case decode_cases[] = {
    /* What servers send. */
    {"begin", FRESH, BEGIN_100, "BEGIN 0/100"},
    {"empty transaction", FRESH, BEGIN_100 "|" COMMIT_100, "BEGIN 0/100 | COMMIT 0/100"},
    {"insert", OPEN, INSERT_7, "INSERT public.t new(id='7', note=NULL) #1"},
    {"insert of an empty text", OPEN, "49 00004001 4e 0002 74 00000001 37 74 00000000",
     "INSERT public.t new(id='7', note='') #1"},
    {"update, note untouched", OPEN, "55 00004001 4e 0002  74 00000001 37  75",
     "UPDATE public.t new(id='7', note=unchanged) #1"},
    {"update of the key", OPEN, "55 00004001 4b 0002 74 00000001 37 6e  4e 0002 74 00000001 38 75",
     "UPDATE public.t key(id='7', note=NULL) new(id='8', note=unchanged) #1"},
    {"update, full", OPEN,
     "55 00004001 4f 0002 74 00000001 37 74 00000001 61  4e 0002 74 00000001 37 74 00000001 62",
     "UPDATE public.t old(id='7', note='a') new(id='7', note='b') #1"},
    {"update, full: unchanged is what was", OPEN,
     "55 00004001 4f 0002 74 00000001 37 74 00000001 61  4e 0002 74 00000001 38 75",
     "UPDATE public.t old(id='7', note='a') new(id='8', note='a') #1"},
    {"update, full: unchanged NULL", OPEN,
     "55 00004001 4f 0002 74 00000001 37 6e  4e 0002 74 00000001 38 75",
     "UPDATE public.t old(id='7', note=NULL) new(id='8', note=NULL) #1"},
    {"delete by key", OPEN, "44 00004001 4b 0002 74 00000001 37 6e",
     "DELETE public.t key(id='7', note=NULL) #1"},
    {"delete, full", OPEN, "44 00004001 4f 0002 74 00000001 37 74 00000001 61",
     "DELETE public.t old(id='7', note='a') #1"},
    {"truncate", OPEN, "54 00000001 00 00004001", "TRUNCATE public.t #1"},
    {"truncate, cascade", OPEN, "54 00000001 01 00004001", "TRUNCATE public.t cascade #1"},
    {"truncate, all of it", OPEN, "54 00000002 03 00004001 00004001",
     "TRUNCATE public.t public.t cascade restart identity #1"},
    {"message in the transaction", OPEN, MESSAGE_HEX("01") "|" INSERT_7,
     "MESSAGE audit 3 bytes transactional #1 | INSERT public.t new(id='7', note=NULL) #2"},
    {"message outside", DESCRIBED, MESSAGE_HEX("00"), "MESSAGE audit 3 bytes not transactional"},
    {"message without anything", DESCRIBED, "4d 00 0000000000000050 00 00000000",
     "MESSAGE  0 bytes not transactional"},
    {"origin", OPEN, "4f 000000000000aaaa 'node'00|" INSERT_7,
     "nothing | INSERT public.t new(id='7', note=NULL) #1"},
    {"type", FRESH, "59 00004002 'public'00 'mood'00", "nothing"},
    {"type of a domain", OPEN, "59 00004002 00 'int4'00", "nothing"},
    {"relation", FRESH, RELATION_T, "RELATION 1 public.t d id*:23:-1 note:25:-1"},
    {"relation of pg_catalog", FRESH, "52 00004005 00 'x'00 6e 0000", "RELATION 1 pg_catalog.x n"},
    {"relation with typmod", FRESH, "52 00004005 'S'00 'T'00 69 0001 00 'v'00 00000413 0000000e",
     "RELATION 1 S.T i v:1043:14"},
    {"relation once more", DESCRIBED, RELATION_T,
     "RELATION 2 public.t d id*:23:-1 note:25:-1 for 1"},
    {"relation changed between inserts", OPEN,
     INSERT_7 "|" RELATION_T_WIDER "|49 00004001 4e 0003 74 00000001 38 6e 74 00000001 39|"
              "49 00004001 4e 0002 6e 6e",
     "INSERT public.t new(id='7', note=NULL) #1 | "
     "RELATION 2 public.t f id*:23:-1 note*:25:-1 more*:20:-1 for 1 | "
     "INSERT public.t new(id='8', note=NULL, more='9') #2 | "
     "relation public.t: INSERT: row has 2 columns, the relation has 3"},
    {"two transactions that touch", OPEN,
     COMMIT_100 "|" BEGIN_HEX("00000130") "|" INSERT_7 "|" COMMIT_HEX("00000130", "00000131"),
     "COMMIT 0/100 | BEGIN 0/130 | INSERT public.t new(id='7', note=NULL) #1 | COMMIT 0/130"},

    /* Bytes that make no sense. */
    {"empty message", OPEN, "", "message is empty"},
    {"value longer than the message", OPEN, "49 00004001 4e 0002  74 7fffffff 37",
     "relation public.t: INSERT malformed at byte 13 of 14"},
    {"value of 4 GiB", OPEN, "49 00004001 4e 0002  74 ffffffff 37",
     "relation public.t: INSERT malformed at byte 13 of 14"},
    {"bytes left over", OPEN, "49 00004001 4e 0002  74 00000001 37  6e  00",
     "relation public.t: INSERT malformed at byte 15 of 16"},
    {"short oid", OPEN, "49 000040", "INSERT malformed at byte 1 of 4"},
    {"unknown relation", OPEN, "49 0000ffff 4e 0000", "INSERT: relation 65535 was never described"},
    {"update of an unknown relation", OPEN, "55 0000ffff 4e 0000",
     "UPDATE: relation 65535 was never described"},
    {"delete of an unknown relation", OPEN, "44 0000ffff 4b 0000",
     "DELETE: relation 65535 was never described"},
    {"truncate of an unknown relation", OPEN, "54 00000002 00 00004001 0000ffff",
     "TRUNCATE: relation 65535 was never described"},
    {"insert with an old row", OPEN, "49 00004001 4b 0002 6e 6e",
     "relation public.t: INSERT malformed at byte 6 of 10"},
    {"update without a new row", OPEN, "55 00004001 4b 0002 6e 6e",
     "relation public.t: UPDATE malformed at byte 10 of 10"},
    {"update with two old rows", OPEN, "55 00004001 4b 0002 6e 6e 4f 0002 6e 6e",
     "relation public.t: UPDATE malformed at byte 11 of 15"},
    {"delete with a new row", OPEN, "44 00004001 4e 0002 6e 6e",
     "relation public.t: DELETE malformed at byte 6 of 10"},
    {"too few columns", OPEN, "49 00004001 4e 0001 6e",
     "relation public.t: INSERT: row has 1 columns, the relation has 2"},
    {"too many columns", OPEN, "49 00004001 4e ffff 6e",
     "relation public.t: INSERT: row has 65535 columns, the relation has 2"},
    {"unchanged in an insert", OPEN, "49 00004001 4e 0002 6e 75",
     "relation public.t: INSERT: column note is unchanged where no value was before"},
    {"unchanged in an old row", OPEN, "44 00004001 4f 0002 6e 75",
     "relation public.t: DELETE: column note is unchanged where no value was before"},
    {"binary cell", OPEN, "49 00004001 4e 0002 62 00000004 00000007 6e",
     "relation public.t: INSERT: column id is in binary format, which was not asked for"},
    {"binary cell in an old row", OPEN, "55 00004001 4f 0002 6e 62 00000000 4e 0002 6e 6e",
     "relation public.t: UPDATE: column note is in binary format, which was not asked for"},
    {"truncate of nothing", OPEN, "54 00000000 00", "TRUNCATE malformed at byte 6 of 6"},
    {"truncate of too many", OPEN, "54 ffffffff 00 00004001", "TRUNCATE malformed at byte 6 of 10"},
    {"relation with an unknown flag", FRESH,
     "52 00004001 'public'00 't'00 64 0001  02 'id'00 00000017 ffffffff",
     "RELATION malformed at byte 18 of 29"},
    {"relation with too many columns", FRESH, "52 00004001 'public'00 't'00 64 0641",
     "RELATION public.t has 1601 columns, more than 1600"},
    {"relation without an end to its name", FRESH, "52 00004001 'public'00 't'",
     "RELATION malformed at byte 12 of 13"},
    {"time that cannot be told", FRESH, "42 0000000000000100 7fffffffffffffff 000002da",
     "BEGIN malformed at byte 17 of 21"},
    {"message longer than itself", DESCRIBED, "4d 00 0000000000000050 00 00000001",
     "MESSAGE malformed at byte 15 of 15"},

    /* Messages out of place. */
    {"insert outside", DESCRIBED, INSERT_7, "INSERT outside a transaction"},
    {"update outside", DESCRIBED, "55", "UPDATE outside a transaction"},
    {"delete outside", DESCRIBED, "44", "DELETE outside a transaction"},
    {"truncate outside", DESCRIBED, "54", "TRUNCATE outside a transaction"},
    {"origin outside", DESCRIBED, "4f", "ORIGIN outside a transaction"},
    {"commit outside", DESCRIBED, COMMIT_100, "COMMIT outside a transaction"},
    {"insert after the commit", OPEN, COMMIT_100 "|" INSERT_7,
     "COMMIT 0/100 | INSERT outside a transaction"},
    {"begin inside", OPEN, BEGIN_HEX("00000200"), "BEGIN inside a transaction"},
    {"begin without a commit LSN", FRESH, BEGIN_HEX("00000000"),
     "BEGIN: commit LSN 0/0 is not above 0/0 of the transaction before"},
    {"the same transaction twice", OPEN, COMMIT_100 "|" BEGIN_100,
     "COMMIT 0/100 | BEGIN: commit LSN 0/100 is not above 0/100 of the transaction before"},
    {"an older transaction", OPEN, COMMIT_100 "|" BEGIN_HEX("000000ff"),
     "COMMIT 0/100 | BEGIN: commit LSN 0/FF is not above 0/100 of the transaction before"},
    {"commit of another transaction", OPEN, COMMIT_HEX("00000101", "00000130"),
     "COMMIT of 0/101 does not match its BEGIN of 0/100"},
    {"commit that ends before itself", OPEN, COMMIT_HEX("00000100", "00000100"),
     "COMMIT of 0/100 ends before itself, at 0/100"},
    {"transactional message outside", DESCRIBED, MESSAGE_HEX("01"),
     "MESSAGE that is transactional outside a transaction"},
    {"other message inside", OPEN, MESSAGE_HEX("00"),
     "MESSAGE that is not transactional inside a transaction"},

    /* Messages of options that we never set. */
    {"stream start", DESCRIBED, "53 000002da 01", "STREAM START was not asked for"},
    {"stream stop", DESCRIBED, "45", "STREAM STOP was not asked for"},
    {"stream commit", DESCRIBED, "63", "STREAM COMMIT was not asked for"},
    {"stream abort", DESCRIBED, "41", "STREAM ABORT was not asked for"},
    {"stream prepare", DESCRIBED, "70", "STREAM PREPARE was not asked for"},
    {"begin prepare", DESCRIBED, "62", "BEGIN PREPARE was not asked for"},
    {"prepare", OPEN, "50", "PREPARE was not asked for"},
    {"commit prepared", DESCRIBED, "4b", "COMMIT PREPARED was not asked for"},
    {"rollback prepared", DESCRIBED, "72", "ROLLBACK PREPARED was not asked for"},
    {"unknown message", OPEN, "7a", "message of unknown type 0x7a"},
};

/* One message of hex, which ends at '|' or at the end; *at moves behind it. */
static struct slice next_message(const char **at)
{
    size_t len = strcspn(*at, "|");
    char hex[1024];

    assert_true(len < sizeof hex);
    memcpy(hex, *at, len);
    hex[len] = '\0';
    *at += len + ((*at)[len] == '|');
    return block_hex(hex);
}

static void decodes(void **state)
{
    const struct decode_case *c = *state;
    const char *at = c->hex;
    struct fixture f;
    struct buf got;

    fixture_init(&f, c->before);
    buf_init(&got, 65536);
    do {
        if (got.len > 0)
            buf_text(&got, " | ");
        render(&got, &f, decode(&f, next_message(&at)));
    } while (*at != '\0');
    buf_byte(&got, '\0');
    assert_string_equal((const char *)got.at, c->expect);
    buf_done(&got);
    fixture_done(&f);
}

/* The outcome of some bytes on a decoder of their own. */
static enum decoded outcome_of(enum before before, const uint8_t *at, size_t len)
{
    struct fixture f;
    enum decoded outcome;

    fixture_init(&f, before);
    outcome = decode(&f, block_copy(at, len));
    assert_int_equal(f.err.kind, outcome == DECODED_FAILED ? ERROR_DATA : ERROR_NONE);
    fixture_done(&f);
    return outcome;
}

static void truncate_every_way(const struct decode_case *c)
{
    const char *at = c->hex;
    struct slice whole = next_message(&at);

    if (outcome_of(c->before, whole.at, whole.len) != DECODED_FAILED)
        for (size_t len = 0; len < whole.len; len++)
            assert_int_equal(outcome_of(c->before, whole.at, len), DECODED_FAILED);
    block_free(whole);
}

static void lengthen_by_one(const struct decode_case *c)
{
    const char *at = c->hex;
    struct slice whole = next_message(&at);
    uint8_t longer[1024] = {0};

    if (outcome_of(c->before, whole.at, whole.len) != DECODED_FAILED) {
        memcpy(longer, whole.at, whole.len);
        assert_int_equal(outcome_of(c->before, longer, whole.len + 1), DECODED_FAILED);
    }
    block_free(whole);
}

static void every_truncation_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(decode_cases); i++)
        truncate_every_way(&decode_cases[i]);
}

static void one_byte_more_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(decode_cases); i++)
        lengthen_by_one(&decode_cases[i]);
}

/* Puts every value into one byte of a message: just those in `good` are understood. */
static void try_byte(enum before before, const char *hex, size_t offset, const char *good,
                     size_t good_count)
{
    struct slice message = block_hex(hex);

    for (unsigned value = 0; value < 256; value++) {
        bool expect = memchr(good, (int)value, good_count) != NULL;

        block_bytes(message)[offset] = (uint8_t)value;
        assert_int_equal(outcome_of(before, message.at, message.len) != DECODED_FAILED, expect);
    }
    block_free(message);
}

static void every_tag(void **state)
{
    (void)state;
    try_byte(OPEN, INSERT_7, 0, "IU", 2);
    try_byte(OPEN, "55 00004001 4e 0002 6e 6e", 0, "IU", 2);
    try_byte(OPEN, "44 00004001 4b 0002 6e 6e", 0, "D", 1);
}

static void every_row_mark(void **state)
{
    (void)state;
    try_byte(OPEN, INSERT_7, 5, "N", 1);
    try_byte(OPEN, "44 00004001 4b 0002 6e 6e", 5, "KO", 2);
    try_byte(OPEN, "55 00004001 4e 0002 6e 6e", 5, "N", 1);
    try_byte(OPEN, "55 00004001 4b 0002 6e 6e 4e 0002 6e 6e", 5, "KO", 2);
    try_byte(OPEN, "55 00004001 4b 0002 6e 6e 4e 0002 6e 6e", 10, "N", 1);
}

static void every_cell_kind(void **state)
{
    (void)state;
    try_byte(OPEN, "49 00004001 4e 0002 6e 6e", 8, "n", 1);
    try_byte(OPEN, "49 00004001 4e 0002 6e 6e", 9, "n", 1);
    try_byte(OPEN, "55 00004001 4e 0002 6e 6e", 9, "nu", 2);
    try_byte(OPEN, "44 00004001 4f 0002 6e 6e", 9, "n", 1);
    try_byte(OPEN, "49 00004001 4e 0002 6e 74 00000001 61", 9, "t", 1);
    try_byte(OPEN, "49 00004001 4e 0002 6e 62 00000001 61", 9, "t", 1);
}

static void every_flag(void **state)
{
    (void)state;
    try_byte(OPEN, COMMIT_100, 1, "\0", 1);
    try_byte(OPEN, "54 00000001 00 00004001", 5, "\0\1\2\3", 4);
    try_byte(OPEN, MESSAGE_HEX("01"), 1, "\1", 1);
    try_byte(DESCRIBED, MESSAGE_HEX("00"), 1, "\0", 1);
    try_byte(FRESH, RELATION_T, 14, "dnfi", 4);
    try_byte(FRESH, RELATION_T, 17, "\0\1", 2);
}

static void every_cell_length(void **state)
{
    struct slice message = block_hex("49 00004001 4e 0002 6e 74 00000005 'abcde'");

    (void)state;
    for (unsigned shift = 0; shift < 32; shift += 8)
        for (unsigned value = 0; value < 256; value++) {
            uint8_t *length = block_bytes(message) + 10;
            uint32_t encoded = value << shift;

            for (unsigned i = 0; i < 4; i++)
                length[i] = (uint8_t)(encoded >> (24 - 8 * i));
            assert_int_equal(outcome_of(OPEN, message.at, message.len) == DECODED_EVENT,
                             encoded == 5);
        }
    block_free(message);
}

static void every_column_count(void **state)
{
    struct slice message = block_hex(INSERT_7);

    (void)state;
    for (unsigned count = 0; count < 4096; count++) {
        block_bytes(message)[6] = (uint8_t)(count >> 8);
        block_bytes(message)[7] = (uint8_t)count;
        assert_int_equal(outcome_of(OPEN, message.at, message.len) == DECODED_EVENT, count == 2);
    }
    block_free(message);
}

static void fields_of_a_transaction(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, OPEN);
    assert_int_equal(f.event.kind, EVENT_BEGIN);
    assert_int_equal(f.event.lsn, 0x50);
    assert_int_equal(f.event.commit_lsn, 0x100);
    assert_int_equal(f.event.prior_end_lsn, 0x80);
    assert_int_equal(f.event.end_lsn, 0);
    assert_int_equal(f.event.xid, 730);
    assert_true(f.event.commit_us == 946684800000007);
    assert_int_equal(decode_hex(&f, "4f 000000000000aaaa 'node'00"), DECODED_NOTHING);
    for (uint64_t ordinal = 1; ordinal <= 3; ordinal++) {
        assert_int_equal(decode_hex(&f, INSERT_7), DECODED_EVENT);
        assert_int_equal(f.event.lsn, 0x50);
        assert_int_equal(f.event.commit_lsn, 0x100);
        assert_int_equal(f.event.prior_end_lsn, 0x80);
        assert_int_equal(f.event.end_lsn, 0);
        assert_int_equal(f.event.ordinal, ordinal);
        assert_int_equal(f.event.xid, 730);
        assert_true(f.event.commit_us == 946684800000007);
        assert_true(slice_is(f.event.origin, "node"));
        assert_int_equal(f.event.origin_lsn, 0xaaaa);
        assert_int_equal(f.event.seen_ns, 0);
        assert_int_equal(f.event.mark, MARK_NONE);
    }
    assert_true(pgoutput_in_transaction(f.p));
    assert_int_equal(decode_hex(&f, COMMIT_100), DECODED_EVENT);
    assert_false(pgoutput_in_transaction(f.p));
    assert_int_equal(f.event.kind, EVENT_COMMIT);
    assert_int_equal(f.event.commit_lsn, 0x100);
    assert_int_equal(f.event.end_lsn, 0x130);
    assert_int_equal(f.event.prior_end_lsn, 0x80);
    assert_int_equal(f.event.ordinal, 0);
    assert_int_equal(f.event.xid, 730);
    assert_true(slice_is(f.event.origin, "node"));
    fixture_done(&f);
}

static void next_transaction_starts_afresh(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, OPEN);
    assert_int_equal(decode_hex(&f, "4f 000000000000aaaa 'node'00"), DECODED_NOTHING);
    assert_int_equal(decode_hex(&f, INSERT_7), DECODED_EVENT);
    assert_int_equal(decode_hex(&f, COMMIT_100), DECODED_EVENT);
    assert_int_equal(decode_hex(&f, BEGIN_HEX("00000200")), DECODED_EVENT);
    assert_int_equal(decode_hex(&f, INSERT_7), DECODED_EVENT);
    assert_int_equal(f.event.ordinal, 1);
    assert_int_equal(f.event.commit_lsn, 0x200);
    assert_int_equal(f.event.prior_end_lsn, 0x130);
    assert_int_equal(f.event.origin.len, 0);
    assert_int_equal(f.event.origin_lsn, 0);
    fixture_done(&f);
}

static void last_origin_counts(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, OPEN);
    assert_int_equal(decode_hex(&f, "4f 000000000000aaaa 'node'00"), DECODED_NOTHING);
    assert_int_equal(decode_hex(&f, "4f 000000000000bbbb 'other'00"), DECODED_NOTHING);
    assert_int_equal(decode_hex(&f, INSERT_7), DECODED_EVENT);
    assert_true(slice_is(f.event.origin, "other"));
    assert_int_equal(f.event.origin_lsn, 0xbbbb);
    fixture_done(&f);
}

static void fields_of_a_message_outside(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, OPEN);
    assert_int_equal(decode_hex(&f, "4f 000000000000aaaa 'node'00"), DECODED_NOTHING);
    assert_int_equal(decode_hex(&f, COMMIT_100), DECODED_EVENT);
    assert_int_equal(decode_hex(&f, "4d 00 0000000000000150 'audit'00 00000003 010203"),
                     DECODED_EVENT);
    assert_int_equal(f.event.lsn, 0x150);
    assert_int_equal(f.event.end_lsn, 0x150);
    assert_int_equal(f.event.commit_lsn, 0);
    assert_int_equal(f.event.prior_end_lsn, 0x130);
    assert_int_equal(f.event.ordinal, 0);
    assert_int_equal(f.event.xid, 0);
    assert_int_equal(f.event.commit_us, 0);
    assert_int_equal(f.event.origin.len, 0);
    assert_ptr_equal(f.event.content.at, f.message.at + f.message.len - 3);
    fixture_done(&f);
}

static void replaced_relation_lives_on(void **state)
{
    struct fixture f;
    const struct relation *before, *after;
    struct arena *arena;

    (void)state;
    fixture_init(&f, DESCRIBED);
    assert_null(pgoutput_replaced_relation(f.p));
    before = pgoutput_new_relation(f.p, &arena);
    assert_int_equal(decode_hex(&f, RELATION_T), DECODED_RELATION);
    after = pgoutput_new_relation(f.p, &arena);
    assert_ptr_equal(pgoutput_replaced_relation(f.p), before);
    assert_true(relation_same_wire(before, after));
    assert_int_not_equal(before->id, after->id);
    assert_int_equal(decode_hex(&f, RELATION_T_WIDER), DECODED_RELATION);
    assert_false(
        relation_same_wire(pgoutput_replaced_relation(f.p), pgoutput_new_relation(f.p, &arena)));
    assert_int_equal(decode_hex(&f, BEGIN_100), DECODED_EVENT);
    assert_null(pgoutput_replaced_relation(f.p));
    fixture_done(&f);
}

static void broken_relation_replaces_nothing(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, OPEN);
    assert_int_equal(decode_hex(&f, RELATION_T " 00"), DECODED_FAILED);
    assert_int_equal(f.relation_ids, 1);
    assert_int_equal(decode_hex(&f, INSERT_7), DECODED_EVENT);
    assert_int_equal(f.event.relation->id, 1);
    fixture_done(&f);
}

/* A relation "s.rN" without columns. */
static struct slice numbered_relation(uint32_t oid)
{
    char hex[128];

    (void)snprintf(hex, sizeof hex, "52 %08" PRIx32 " 's'00 'r%" PRIu32 "'00 6e 0000", oid, oid);
    return block_hex(hex);
}

static struct slice numbered_insert(uint32_t oid)
{
    char hex[128];

    (void)snprintf(hex, sizeof hex, "49 %08" PRIx32 " 4e 0000", oid);
    return block_hex(hex);
}

static void ten_thousand_relations(void **state)
{
    struct fixture f;
    char name[16];

    (void)state;
    fixture_init(&f, OPEN);
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t oid = 20000; oid < 30000; oid++) {
            assert_int_equal(decode(&f, numbered_relation(oid)), DECODED_RELATION);
            assert_int_equal(pgoutput_replaced_relation(f.p) != NULL, round == 1);
        }
    for (uint32_t oid = 20000; oid < 30000; oid++) {
        (void)snprintf(name, sizeof name, "r%" PRIu32, oid);
        assert_int_equal(decode(&f, numbered_insert(oid)), DECODED_EVENT);
        assert_true(slice_is(f.event.relation->name, name));
    }
    assert_int_equal(decode(&f, numbered_insert(30000)), DECODED_FAILED);
    fixture_done(&f);
}

static void limits_are_named(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, OPEN);
    f.scratch.limit_bytes = 32;
    assert_int_equal(decode_hex(&f, INSERT_7), DECODED_FAILED);
    assert_string_equal(f.err.text,
                        "relation public.t: INSERT: row of 2 columns passes the limit of 32 bytes");
    fixture_done(&f);

    fixture_init(&f, OPEN);
    f.scratch.limit_bytes = 0;
    assert_int_equal(decode_hex(&f, "54 00000001 00 00004001"), DECODED_FAILED);
    assert_string_equal(f.err.text, "TRUNCATE of 1 relations passes the limit of 0 bytes");
    fixture_done(&f);
}

/* Whether that is enough for RELATION_T; else the error names the limit. */
static bool describes_within(size_t limit_bytes)
{
    struct fixture f = {0};
    char expect[128];
    bool enough;

    arena_init(&f.scratch, LIMIT_BYTES);
    f.p = pgoutput_create(&f.relation_ids, 0, limit_bytes);
    enough = decode_hex(&f, RELATION_T) == DECODED_RELATION;
    (void)snprintf(expect, sizeof expect,
                   "RELATION public.t: its description passes the limit of %zu bytes", limit_bytes);
    assert_string_equal(f.err.text, enough ? "" : expect);
    fixture_done(&f);
    return enough;
}

static void relation_limit_is_named(void **state)
{
    size_t limit_bytes = 0;

    (void)state;
    while (!describes_within(limit_bytes))
        limit_bytes++;
    assert_in_range(limit_bytes, 64, 1024);
}

static void long_origin_is_refused(void **state)
{
    struct fixture f;
    uint8_t message[1 + 8 + 9000] = {'O'};

    (void)state;
    fixture_init(&f, OPEN);
    memset(message + 9, 'x', sizeof message - 10);
    assert_int_equal(decode(&f, block_copy(message, sizeof message)), DECODED_FAILED);
    assert_string_equal(f.err.text, "ORIGIN: a name of 8999 bytes passes the limit of 8192");
    fixture_done(&f);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(every_truncation_fails),
        cmocka_unit_test(one_byte_more_fails),
        cmocka_unit_test(every_tag),
        cmocka_unit_test(every_row_mark),
        cmocka_unit_test(every_cell_kind),
        cmocka_unit_test(every_flag),
        cmocka_unit_test(every_cell_length),
        cmocka_unit_test(every_column_count),
        cmocka_unit_test(fields_of_a_transaction),
        cmocka_unit_test(next_transaction_starts_afresh),
        cmocka_unit_test(last_origin_counts),
        cmocka_unit_test(fields_of_a_message_outside),
        cmocka_unit_test(replaced_relation_lives_on),
        cmocka_unit_test(broken_relation_replaces_nothing),
        cmocka_unit_test(ten_thousand_relations),
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(relation_limit_is_named),
        cmocka_unit_test(long_origin_is_refused),
    };
    struct CMUnitTest tests[ARRAY_LEN(decode_cases) + ARRAY_LEN(others)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(decode_cases); i++)
        tests[n++] = (struct CMUnitTest){
            .name = decode_cases[i].name, .test_func = decodes, .initial_state = &decode_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests_name("pgoutput", tests, NULL, NULL);
}
