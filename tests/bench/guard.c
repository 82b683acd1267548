/*
 * guard - what guard.py counts the instructions of: messages as PostgreSQL sends them, through
 * decoder and recorder.
 *
 *     guard CASE EVENTS [WASTE]   e.g. update/json; WASTE: turns of an idle loop for each event
 *     guard --cases               the cases, one a line
 *     guard --compiler            what the counts hold for: compiler, its major, machine
 *
 * The number of instructions grows by the same amount with each event, so that of two runs of
 * different length only the difference counts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder/copytext.h"
#include "decoder/pgoutput.h"
#include "decoder/walmsg.h"
#include "millrace/attr.h"
#include "millrace/buf.h"
#include "sinks/recorder.h"
#include "support/fake_registry.h"
#include "support/table_spec.h"

#define COLUMNS 8
#define SCRATCH_BYTES ((size_t)1 << 20)
#define PER_TRANSACTION 100
#define HEADER_BYTES 25 /* of XLogData: kind, start, end, time */
#define PG_TIME INT64_C(838891800412345)
#define TURN_NS 1000000

#if defined(__clang__)
#define COMPILER "clang"
#define COMPILER_MAJOR __clang_major__
#else
#define COMPILER "gcc"
#define COMPILER_MAJOR __GNUC__
#endif
#if defined(__x86_64__)
#define MACHINE "x86_64"
#elif defined(__aarch64__)
#define MACHINE "aarch64"
#else
#define MACHINE "other"
#endif

static const char spec[] = "*id int8; customer text !; amount numeric(12,2); note text; paid bool; "
                           "weight float8; day date; seen timestamp";
static const char *const texts[COLUMNS] = {
    "7000001", "Ada Lovelace",      "1234.56",    "a note of some length, \"as notes are\"",
    "t",       "72.57479999999999", "2024-02-29", "2024-02-29 13:51:30.123456"};

struct guard {
    struct table_spec table;
    struct pgoutput *decoder;
    struct recorder *recorder;
    struct fake_registry registry;
    struct arena scratch;
    struct buf begin, change, commit, line;
    uint64_t relation_ids;
    uint64_t lsn;
    int64_t seen_ns;
    uint64_t bytes; /* written; so that nothing is left out as unused */
};

/* ---- messages */

static void put(struct buf *b, uint64_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        buf_byte(b, (uint8_t)(number >> (8 * i)));
}

static void put_text(struct buf *b, struct slice text)
{
    buf_slice(b, text);
    buf_byte(b, '\0');
}

static void put_header(struct buf *b, char tag)
{
    buf_init(b, SIZE_MAX);
    buf_byte(b, 'w');
    put(b, 0, 8);
    put(b, 0, 8);
    put(b, (uint64_t)PG_TIME, 8);
    buf_byte(b, (uint8_t)tag);
}

static void put_relation(struct buf *b, const struct relation *r)
{
    put_header(b, 'R');
    put(b, r->oid, 4);
    put_text(b, r->schema);
    put_text(b, r->name);
    buf_byte(b, (uint8_t)r->identity);
    put(b, r->column_count, 2);
    for (uint16_t i = 0; i < r->column_count; i++) {
        buf_byte(b, r->columns[i].identity);
        put_text(b, r->columns[i].name);
        put(b, r->columns[i].type_oid, 4);
        put(b, (uint32_t)r->columns[i].typmod, 4);
    }
}

/* A row; `columns` of it, the others are null. */
static void put_row(struct buf *b, char mark, int columns)
{
    buf_byte(b, (uint8_t)mark);
    put(b, COLUMNS, 2);
    for (int i = 0; i < COLUMNS; i++) {
        buf_byte(b, i < columns ? 't' : 'n');
        if (i >= columns)
            continue;
        put(b, strlen(texts[i]), 4);
        buf_slice(b, slice_text(texts[i]));
    }
}

static void put_line(struct buf *b)
{
    buf_init(b, SIZE_MAX);
    for (int i = 0; i < COLUMNS; i++) {
        buf_slice(b, slice_text(texts[i]));
        buf_byte(b, i + 1 < COLUMNS ? '\t' : '\n');
    }
}

static void make_change(struct guard *g, char tag)
{
    put_header(&g->change, tag);
    put(&g->change, g->table.relation.oid, 4);
    if (tag == 'D')
        put_row(&g->change, 'K', 1);
    else
        put_row(&g->change, 'N', COLUMNS);
}

static void make_frame(struct guard *g)
{
    put_header(&g->begin, 'B');
    put(&g->begin, 0, 8); /* where it commits */
    put(&g->begin, (uint64_t)PG_TIME, 8);
    put(&g->begin, 84312, 4);
    put_header(&g->commit, 'C');
    buf_byte(&g->commit, 0);
    put(&g->commit, 0, 8);
    put(&g->commit, 0, 8);
    put(&g->commit, (uint64_t)PG_TIME, 8);
}

static void set_lsn(struct buf *b, size_t at, uint64_t lsn)
{
    for (int i = 0; i < 8; i++)
        b->at[at + (size_t)i] = (uint8_t)(lsn >> (8 * (7 - i)));
}

/* ---- events */

static void fail(const struct error *err)
{
    (void)fprintf(stderr, "guard: %s\n", err->text);
    exit(1);
}

static void record(struct guard *g, struct event *event)
{
    struct error err = {0};
    struct records records;

    event->seen_ns = g->seen_ns;
    if (!recorder_make(g->recorder, event, &records, &err))
        fail(&err);
    for (size_t i = 0; i < records.count; i++)
        g->bytes += records.at[i].key.len + records.at[i].value.len;
}

static enum decoded decode(struct guard *g, struct buf *message, struct event *event)
{
    struct error err = {0};
    struct walmsg wal;
    enum decoded decoded;

    set_lsn(message, 1, ++g->lsn);
    arena_reset(&g->scratch);
    if (!walmsg_decode(buf_view(message), &wal, &err))
        fail(&err);
    decoded = pgoutput_decode(g->decoder, wal.wal_start, wal.payload, &g->scratch, event, &err);
    if (decoded == DECODED_FAILED)
        fail(&err);
    return decoded;
}

static void take(struct guard *g, struct buf *message)
{
    struct event event = {0};

    if (decode(g, message, &event) == DECODED_EVENT)
        record(g, &event);
}

/* As the catalogue would. */
static void describe(struct guard *g)
{
    const struct relation *from = &g->table.relation;
    struct buf message;
    struct event event = {0};
    struct arena *arena;
    struct relation *r;

    put_relation(&message, from);
    (void)decode(g, &message, &event);
    r = pgoutput_new_relation(g->decoder, &arena);
    for (uint16_t i = 0; i < r->column_count; i++) {
        r->columns[i].type = from->columns[i].type;
        r->columns[i].not_null = from->columns[i].not_null;
    }
    r->key = from->key;
    r->key_count = from->key_count;
    r->key_is_primary = from->key_is_primary;
    r->described = true;
    buf_done(&message);
}

static void begin(struct guard *g)
{
    uint64_t commit_lsn = g->lsn + (uint64_t)PER_TRANSACTION * 2;

    set_lsn(&g->begin, HEADER_BYTES + 1, commit_lsn);
    set_lsn(&g->commit, HEADER_BYTES + 2, commit_lsn);
    set_lsn(&g->commit, HEADER_BYTES + 10, commit_lsn + 8);
    take(g, &g->begin);
}

static void commit(struct guard *g)
{
    take(g, &g->commit);
    g->lsn += (uint64_t)PER_TRANSACTION * 2;
    g->seen_ns += TURN_NS;
}

static void copy_row(struct guard *g)
{
    struct error err = {0};
    struct event event = {.kind = EVENT_READ,
                          .mark = MARK_TRUE,
                          .lsn = 40211320,
                          .commit_us = 1785576600412345,
                          .xid = 84312,
                          .relation = &g->table.relation};

    arena_reset(&g->scratch);
    if (!copytext_row(buf_view(&g->line), COLUMNS, &g->scratch, &event.row, &err))
        fail(&err);
    record(g, &event);
}

static void waste(long turns)
{
    for (volatile long i = 0; i < turns; i++) {
    }
}

/* ---- cases */

static const struct {
    const char *name;
    enum encoding_kind encoding;
} encodings[] = {
    {"json", ENCODING_JSON}, {"json-schema", ENCODING_JSON_SCHEMA}, {"avro", ENCODING_AVRO}};

static const struct {
    const char *name;
    char tag; /* '\0': a row of COPY */
} kinds[] = {{"insert", 'I'}, {"update", 'U'}, {"delete", 'D'}, {"copy", '\0'}};

static void run(struct guard *g, char tag, long events, long turns)
{
    for (long i = 0; i < events; i++) {
        waste(turns);
        if (tag == '\0') {
            copy_row(g);
            continue;
        }
        if (i % PER_TRANSACTION == 0)
            begin(g);
        take(g, &g->change);
        if (i % PER_TRANSACTION == PER_TRANSACTION - 1)
            commit(g);
    }
}

static void set_up(struct guard *g, enum encoding_kind encoding, char tag)
{
    struct recorder_options options = {.topic_prefix = "shop",
                                       .topic_delimiter = ".",
                                       .database = "depot",
                                       .unavailable_value_placeholder = "?",
                                       .tombstones = true,
                                       .encoding = encoding,
                                       .record_limit_bytes = 1 << 20};

    table_spec_read(&g->table, "public", "orders", spec);
    if (encoding == ENCODING_AVRO)
        options.registry = fake_registry_init(&g->registry);
    g->recorder = recorder_create(&options);
    arena_init(&g->scratch, SCRATCH_BYTES);
    g->lsn = 40210984;
    g->seen_ns = INT64_C(1785576600650111222);
    g->decoder = pgoutput_create(&g->relation_ids, 0, SCRATCH_BYTES);
    make_change(g, tag);
    make_frame(g);
    put_line(&g->line);
    describe(g);
}

static void tear_down(struct guard *g)
{
    pgoutput_destroy(g->decoder);
    recorder_destroy(g->recorder);
    arena_done(&g->scratch);
    buf_done(&g->begin);
    buf_done(&g->change);
    buf_done(&g->commit);
    buf_done(&g->line);
}

static bool run_case(const char *name, long events, long turns)
{
    static struct guard g; /* tables do not belong on a stack */
    char each[64];

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
        for (size_t e = 0; e < ARRAY_LEN(encodings); e++) {
            (void)snprintf(each, sizeof each, "%s/%s", kinds[k].name, encodings[e].name);
            if (strcmp(each, name) != 0)
                continue;
            set_up(&g, encodings[e].encoding, kinds[k].tag);
            run(&g, kinds[k].tag, events, turns);
            tear_down(&g);
            printf("%s: %ld events, %" PRIu64 " bytes\n", name, events, g.bytes);
            return true;
        }
    return false;
}

static void list_cases(void)
{
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
        for (size_t e = 0; e < ARRAY_LEN(encodings); e++)
            printf("%s/%s\n", kinds[k].name, encodings[e].name);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--cases") == 0) {
        list_cases();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--compiler") == 0) {
        printf("%s-%d-%s\n", COMPILER, COMPILER_MAJOR, MACHINE);
        return 0;
    }
    if (argc >= 3 &&
        run_case(argv[1], strtol(argv[2], NULL, 10), argc > 3 ? strtol(argv[3], NULL, 10) : 0))
        return 0;
    (void)fprintf(stderr, "guard CASE EVENTS [WASTE] | --cases | --compiler\n");
    return 2;
}
