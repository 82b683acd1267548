/*
 * encode - nanoseconds for an event: ours as JSON and as Avro, jansson's and Avro C's of the same
 * values, in one run; and how often ours allocates once it is warm: never, or it fails.
 *
 *     encode [--check] [--only NAME] [EVENTS]
 *
 * All take turns, ROUNDS of them; what is printed are medians of CPU time, of a ratio the median of
 * the ratios within each turn, so that what else the machine does meanwhile hardly shows.  --check:
 * fails where ours is less than FASTER times as fast as the library.  --only: one of them alone,
 * for profilers.
 *
 * Every event is a record with key and value; ROWS events are one transaction, seen at once.  The
 * libraries are given numbers where ours reads PostgreSQL's text, and their trees are checked to be
 * what ours writes.
 *
 * Linked with --wrap for malloc and its kin, which counts the calls of our own code.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <avro.h>
#include <jansson.h>

#include "millrace/attr.h"
#include "millrace/mem.h"
#include "sinks/json_write.h"
#include "sinks/recorder.h"
#include "support/fake_registry.h"
#include "support/table_spec.h"

#define EVENTS 110000 /* of each */
#define ROUNDS 11
#define ROWS 10 /* of a transaction */
#define FASTER 5.0
#define WARM_UP 100
#define COLUMNS 8
#define BUFFER_BYTES 65536
#define AVRO_HEAD_BYTES 5

static size_t allocations; /* of this program alone: a bench has no other way to count */

/* The names are what ld's --wrap makes of those it wraps. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    allocations++;
    return __real_realloc(at, size);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static const char spec[] = "*id int8; customer text !; amount numeric(12,2); note text; paid bool; "
                           "weight float8; day date; seen timestamp";
static const char *const texts[COLUMNS] = {
    "7000001", "Ada Lovelace",      "1234.56",    "a note of some length, as notes are",
    "t",       "72.57479999999999", "2024-02-29", "2024-02-29 13:51:30.123456"};

struct avro_c {
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t value;
};

struct bench {
    struct table_spec table;
    struct cell cells[COLUMNS];
    struct event event;
    struct error err;
    struct buf sequence; /* ["99","100"] */
    struct avro_c key, value;
    avro_writer_t writer;
    size_t key_bytes, value_bytes; /* of what a library wrote last */
    char key_at[BUFFER_BYTES], value_at[BUFFER_BYTES];
};

/* One that takes part. */
struct contender {
    const char *name;
    void (*run)(struct bench *b, struct recorder *recorder, long events);
    size_t against; /* which of them ours is compared to; of a library: itself */
    enum encoding_kind encoding;
    enum envelope_kind envelope;
    struct fake_registry registry;
    struct recorder *recorder; /* ours */
    double ns[ROUNDS];
    size_t allocations;
};

/* Of this process: what others do meanwhile does not count. */
static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "encode: %s\n", what);
    exit(1);
}

static void next_event(struct bench *b)
{
    struct event *e = &b->event;

    e->lsn += 168;
    if (e->lsn % ROWS != 0)
        return;
    e->prior_end_lsn = e->lsn - 48;
    e->xid++;
    e->commit_us += 1700;
    e->seen_ns += 1700123;
}

static void set_up_event(struct bench *b)
{
    table_spec_read(&b->table, "public", "orders", spec);
    buf_init(&b->sequence, SIZE_MAX);
    for (size_t i = 0; i < COLUMNS; i++)
        b->cells[i] = (struct cell){CELL_TEXT, slice_text(texts[i])};
    b->event = (struct event){.kind = EVENT_INSERT,
                              .relation = &b->table.relation,
                              .row = {b->cells, COLUMNS},
                              .lsn = 40211320,
                              .prior_end_lsn = 40210984,
                              .xid = 84312,
                              .commit_us = 1785576600412345,
                              .seen_ns = 1785576600650111222};
}

static const struct record *make_one(struct recorder *recorder, struct bench *b)
{
    struct records records;

    next_event(b);
    if (!recorder_make(recorder, &b->event, &records, &b->err))
        fail(b->err.text);
    recorder_taken(recorder);
    return records.at;
}

static void run_ours(struct bench *b, struct recorder *recorder, long events)
{
    for (long i = 0; i < events; i++)
        (void)make_one(recorder, b);
}

/* By our own number writer, lest the libraries pay for printf. */
static const char *sequence(struct bench *b)
{
    struct buf *out = &b->sequence;

    out->len = 0;
    JSON_CONSTANT(out, "[\"");
    json_u64(out, b->event.prior_end_lsn);
    JSON_CONSTANT(out, "\",\"");
    json_u64(out, b->event.lsn);
    buf_append(out, "\"]", sizeof "\"]");
    return (const char *)out->at;
}

static json_t *jansson_row(void)
{
    json_t *row = json_object();

    json_object_set_new(row, "id", json_integer(strtoll(texts[0], NULL, 10)));
    json_object_set_new(row, "customer", json_string(texts[1]));
    json_object_set_new(row, "amount", json_string("AeJA"));
    json_object_set_new(row, "note", json_string(texts[3]));
    json_object_set_new(row, "paid", json_boolean(texts[4][0] == 't'));
    json_object_set_new(row, "weight", json_real(strtod(texts[5], NULL)));
    json_object_set_new(row, "day", json_integer(19782));
    json_object_set_new(row, "seen", json_integer(1709214690123456));
    return row;
}

static json_t *jansson_source(struct bench *b)
{
    const struct event *e = &b->event;
    json_t *source = json_object();

    json_object_set_new(source, "version", json_string(MILLRACE_VERSION));
    json_object_set_new(source, "connector", json_string("postgresql"));
    json_object_set_new(source, "name", json_string("shop"));
    json_object_set_new(source, "ts_ms", json_integer(e->commit_us / 1000));
    json_object_set_new(source, "snapshot", json_string("false"));
    json_object_set_new(source, "db", json_string("depot"));
    json_object_set_new(source, "sequence", json_string(sequence(b)));
    json_object_set_new(source, "ts_us", json_integer(e->commit_us));
    json_object_set_new(source, "ts_ns", json_integer(e->commit_us * 1000));
    json_object_set_new(source, "schema", json_string("public"));
    json_object_set_new(source, "table", json_string("orders"));
    json_object_set_new(source, "txId", json_integer(e->xid));
    json_object_set_new(source, "lsn", json_integer((json_int_t)e->lsn));
    json_object_set_new(source, "xmin", json_null());
    json_object_set_new(source, "origin", json_null());
    json_object_set_new(source, "origin_lsn", json_null());
    return source;
}

static json_t *jansson_key(void)
{
    json_t *key = json_object();

    json_object_set_new(key, "id", json_integer(strtoll(texts[0], NULL, 10)));
    return key;
}

static json_t *jansson_value(struct bench *b)
{
    json_t *value = json_object();

    json_object_set_new(value, "before", json_null());
    json_object_set_new(value, "after", jansson_row());
    json_object_set_new(value, "source", jansson_source(b));
    json_object_set_new(value, "transaction", json_null());
    json_object_set_new(value, "op", json_string("c"));
    json_object_set_new(value, "ts_ms", json_integer(b->event.seen_ns / 1000000));
    json_object_set_new(value, "ts_us", json_integer(b->event.seen_ns / 1000));
    json_object_set_new(value, "ts_ns", json_integer(b->event.seen_ns));
    return value;
}

/* As a program would that builds a tree and prints it. */
static void run_jansson(struct bench *b, struct recorder *recorder, long events)
{
    (void)recorder;
    for (long i = 0; i < events; i++) {
        json_t *key, *value;

        next_event(b);
        key = jansson_key();
        value = jansson_value(b);
        b->key_bytes = json_dumpb(key, b->key_at, sizeof b->key_at, JSON_COMPACT);
        b->value_bytes = json_dumpb(value, b->value_at, sizeof b->value_at, JSON_COMPACT);
        json_decref(key);
        json_decref(value);
    }
}

static avro_value_t avro_field(const avro_value_t *record, const char *name, int branch)
{
    avro_value_t field, chosen;

    (void)avro_value_get_by_name(record, name, &field, NULL);
    if (branch < 0)
        return field;
    (void)avro_value_set_branch(&field, branch, &chosen);
    return chosen;
}

static void avro_text(const avro_value_t *record, const char *name, int branch, const char *text)
{
    avro_value_t field = avro_field(record, name, branch);

    (void)avro_value_set_string(&field, text);
}

static void avro_number(const avro_value_t *record, const char *name, int branch, int64_t number)
{
    avro_value_t field = avro_field(record, name, branch);

    (void)avro_value_set_long(&field, number);
}

static void avro_none(const avro_value_t *record, const char *name)
{
    avro_value_t field = avro_field(record, name, 0);

    (void)avro_value_set_null(&field);
}

static void avro_row(const avro_value_t *row)
{
    static char decimal[] = {1, (char)0xE2, 0x40};
    avro_value_t field;

    avro_number(row, "id", -1, strtoll(texts[0], NULL, 10));
    avro_text(row, "customer", -1, texts[1]);
    field = avro_field(row, "amount", 1);
    (void)avro_value_set_bytes(&field, decimal, sizeof decimal);
    avro_text(row, "note", 1, texts[3]);
    field = avro_field(row, "paid", 1);
    (void)avro_value_set_boolean(&field, texts[4][0] == 't');
    field = avro_field(row, "weight", 1);
    (void)avro_value_set_double(&field, strtod(texts[5], NULL));
    field = avro_field(row, "day", 1);
    (void)avro_value_set_int(&field, 19782);
    avro_number(row, "seen", 1, 1709214690123456);
}

static void avro_source(const avro_value_t *source, struct bench *b)
{
    const struct event *e = &b->event;

    avro_text(source, "version", -1, MILLRACE_VERSION);
    avro_text(source, "connector", -1, "postgresql");
    avro_text(source, "name", -1, "shop");
    avro_number(source, "ts_ms", -1, e->commit_us / 1000);
    avro_text(source, "snapshot", 0, "false");
    avro_text(source, "db", -1, "depot");
    avro_text(source, "sequence", 1, sequence(b));
    avro_number(source, "ts_us", 1, e->commit_us);
    avro_number(source, "ts_ns", 1, e->commit_us * 1000);
    avro_text(source, "schema", -1, "public");
    avro_text(source, "table", -1, "orders");
    avro_number(source, "txId", 1, e->xid);
    avro_number(source, "lsn", 1, (int64_t)e->lsn);
    avro_none(source, "xmin");
    avro_none(source, "origin");
    avro_none(source, "origin_lsn");
}

static void avro_key(const avro_value_t *key)
{
    (void)avro_value_reset(key);
    avro_number(key, "id", -1, strtoll(texts[0], NULL, 10));
}

static void avro_envelope(struct bench *b, const avro_value_t *value)
{
    avro_value_t after, source;

    (void)avro_value_reset(value);
    avro_none(value, "before");
    after = avro_field(value, "after", 1);
    avro_row(&after);
    source = avro_field(value, "source", -1);
    avro_source(&source, b);
    avro_none(value, "transaction");
    avro_text(value, "op", -1, "c");
    avro_number(value, "ts_ms", 1, b->event.seen_ns / 1000000);
    avro_number(value, "ts_us", 1, b->event.seen_ns / 1000);
    avro_number(value, "ts_ns", 1, b->event.seen_ns);
}

static size_t print_avro(struct bench *b, struct avro_c *from, char at[BUFFER_BYTES])
{
    avro_writer_memory_set_dest(b->writer, at, BUFFER_BYTES);
    if (avro_value_write(b->writer, &from->value) != 0)
        return 0;
    return (size_t)avro_writer_tell(b->writer);
}

/* By Avro C's value interface, its objects used again. */
static void run_avro_c(struct bench *b, struct recorder *recorder, long events)
{
    (void)recorder;
    for (long i = 0; i < events; i++) {
        next_event(b);
        avro_key(&b->key.value);
        b->key_bytes = print_avro(b, &b->key, b->key_at);
        avro_envelope(b, &b->value.value);
        b->value_bytes = print_avro(b, &b->value, b->value_at);
    }
}

enum { JSON, JSON_SCHEMA, JSON_FLAT, AVRO, AVRO_FLAT, JANSSON, AVRO_C, CONTENDERS };

static struct recorder *recorder_of(struct contender *c)
{
    static const char *const told[] = {"op", "lsn", "sequence", "table"};
    struct recorder_options options = {
        .topic_prefix = "shop",
        .topic_delimiter = ".",
        .database = "depot",
        .unavailable_value_placeholder = "?",
        .envelope = c->envelope,
        .flat = {{told, ARRAY_LEN(told)}, {told, ARRAY_LEN(told)}, "__", FLAT_REWRITE},
        .encoding = c->encoding,
        .record_limit_bytes = 1 << 20};

    if (c->encoding == ENCODING_AVRO)
        options.registry = fake_registry_init(&c->registry);
    return recorder_create(&options);
}

static void set_up_avro_c(struct avro_c *a, const struct fake_registry *registry,
                          const char *subject)
{
    const char *text = fake_registry_schema(registry, subject);

    if (avro_schema_from_json_length(text, strlen(text), &a->schema) != 0)
        fail(avro_strerror());
    a->class = avro_generic_class_from_schema(a->schema);
    (void)avro_generic_value_new(a->class, &a->value);
}

static void tear_down_avro_c(struct avro_c *a)
{
    avro_value_decref(&a->value);
    avro_value_iface_decref(a->class);
    avro_schema_decref(a->schema);
}

static bool same_json(struct slice ours, const char *theirs, size_t len)
{
    json_t *a = json_loadb((const char *)ours.at, ours.len, 0, NULL);
    json_t *b = json_loadb(theirs, len, 0, NULL);
    bool same = a != NULL && b != NULL && json_equal(a, b) == 1;

    json_decref(a);
    json_decref(b);
    return same;
}

static bool same_avro(struct slice ours, const char *theirs, size_t len)
{
    return ours.len == len + AVRO_HEAD_BYTES && memcmp(ours.at + AVRO_HEAD_BYTES, theirs, len) == 0;
}

/* Both write the same of one event, else they must not be compared. */
static void require_same(struct bench *b, struct contender *ours, struct contender *theirs,
                         bool (*same)(struct slice ours, const char *theirs, size_t len))
{
    const struct event before = b->event;
    const struct record *record = make_one(ours->recorder, b);

    b->event = before;
    theirs->run(b, NULL, 1);
    if (!same(record->key, b->key_at, b->key_bytes) ||
        !same(record->value, b->value_at, b->value_bytes))
        fail("a library writes something else than we do");
}

static void set_up(struct bench *b, struct contender *c)
{
    set_up_event(b);
    for (int i = 0; i < CONTENDERS; i++) {
        if (c[i].run == run_ours) {
            c[i].recorder = recorder_of(&c[i]);
            run_ours(b, c[i].recorder, WARM_UP);
        }
    }
    b->writer = avro_writer_memory(b->value_at, BUFFER_BYTES);
    set_up_avro_c(&b->key, &c[AVRO].registry, "shop.public.orders-key");
    set_up_avro_c(&b->value, &c[AVRO].registry, "shop.public.orders-value");
    require_same(b, &c[JSON], &c[JANSSON], same_json);
    require_same(b, &c[AVRO], &c[AVRO_C], same_avro);
}

static void tear_down(struct bench *b, struct contender *c)
{
    for (int i = 0; i < CONTENDERS; i++)
        recorder_destroy(c[i].recorder);
    tear_down_avro_c(&b->key);
    tear_down_avro_c(&b->value);
    avro_writer_free(b->writer);
    buf_done(&b->sequence);
}

static void measure(struct bench *b, struct contender *c, int round, long events)
{
    size_t before = allocations;
    int64_t from = now_ns();

    c->run(b, c->recorder, events);
    c->ns[round] = (double)(now_ns() - from) / (double)events;
    c->allocations += allocations - before;
}

static int compare(const void *a, const void *b)
{
    const double *first = a, *second = b;

    return (*first > *second) - (*first < *second);
}

static double median(const double values[ROUNDS])
{
    double sorted[ROUNDS];

    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, ROUNDS, sizeof *sorted, compare);
    return sorted[ROUNDS / 2];
}

/* Is ours as fast as it must be?  Flat rows are shown, not judged: they tell headers besides, which
 * no library writes here. */
static bool report(const struct contender *all, const struct contender *c)
{
    const struct contender *other = &all[c->against];
    double ratios[ROUNDS], ratio;

    if (c->recorder == NULL) {
        printf("%-12s %8.0f\n", c->name, median(c->ns));
        return true;
    }
    for (int i = 0; i < ROUNDS; i++)
        ratios[i] = c->ns[i] > 0 ? other->ns[i] / c->ns[i] : 0;
    ratio = median(ratios);
    printf("%-12s %8.0f %8.1f times %-8s %6zu allocations\n", c->name, median(c->ns), ratio,
           other->name, c->allocations);
    return ratio >= FASTER || c->envelope == ENVELOPE_FLAT;
}

static bool compete(struct bench *b, struct contender *c, long events)
{
    bool fast = true;

    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < CONTENDERS; i++)
            measure(b, &c[i], round, events / ROUNDS + 1);
    printf("%-12s %8s %s\n", "", "ns", "  as fast as");
    for (int i = 0; i < CONTENDERS; i++)
        fast = report(c, &c[i]) && fast;
    return fast;
}

static bool run_alone(struct bench *b, struct contender *c, const char *name, long events)
{
    for (int i = 0; i < CONTENDERS; i++) {
        if (strcmp(c[i].name, name) == 0) {
            c[i].run(b, c[i].recorder, events);
            return true;
        }
    }
    (void)fprintf(stderr, "encode: there is no %s\n", name);
    return false;
}

struct arguments {
    bool check;
    const char *only;
    long events;
};

static bool read_arguments(int argc, char **argv, struct arguments *out)
{
    char *end = argv[0];

    *out = (struct arguments){.events = EVENTS};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0)
            out->check = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            out->only = argv[++i];
        else
            out->events = strtol(argv[i], &end, 10);
    }
    return out->events > 0;
}

int main(int argc, char **argv)
{
    static struct bench b;
    static struct contender contenders[CONTENDERS] = {
        [JSON] = {"json", run_ours, JANSSON, .encoding = ENCODING_JSON},
        [JSON_SCHEMA] = {"json-schema", run_ours, JANSSON, .encoding = ENCODING_JSON_SCHEMA},
        [JSON_FLAT] = {"json flat", run_ours, JANSSON, ENCODING_JSON, ENVELOPE_FLAT},
        [AVRO] = {"avro", run_ours, AVRO_C, .encoding = ENCODING_AVRO},
        [AVRO_FLAT] = {"avro flat", run_ours, AVRO_C, ENCODING_AVRO, ENVELOPE_FLAT},
        [JANSSON] = {"jansson", run_jansson, JANSSON, .encoding = ENCODING_JSON},
        [AVRO_C] = {"Avro C", run_avro_c, AVRO_C, .encoding = ENCODING_AVRO},
    };
    struct arguments arguments;
    bool passed, silent = true;

    if (!read_arguments(argc, argv, &arguments)) {
        (void)fprintf(stderr, "usage: encode [--check] [--only NAME] [EVENTS]\n");
        return 2;
    }
    set_up(&b, contenders);
    if (arguments.only != NULL)
        passed = run_alone(&b, contenders, arguments.only, arguments.events);
    else
        passed = compete(&b, contenders, arguments.events) || !arguments.check;
    for (int i = 0; i < CONTENDERS; i++)
        silent = silent && (contenders[i].recorder == NULL || contenders[i].allocations == 0);
    tear_down(&b, contenders);
    if (!silent)
        (void)fprintf(stderr, "encode: ours allocates once warm\n");
    if (!passed)
        (void)fprintf(stderr, "encode: ours is less than %.0f times as fast\n", FASTER);
    return passed && silent ? 0 : 1;
}
