/*
 * encode - nanoseconds for an event: ours as JSON and as Avro, jansson's and Avro C's of the same
 * values, in one run; and how often ours allocates once it is warm: never, or it fails.
 *
 *     encode [EVENTS]
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
#include "sinks/recorder.h"
#include "support/fake_registry.h"
#include "support/table_spec.h"

#define EVENTS 200000
#define WARM_UP 100
#define COLUMNS 8
#define BUFFER_BYTES 65536

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

struct bench {
    struct table_spec table;
    struct cell cells[COLUMNS];
    struct event event;
    struct fake_registry registry;
    long events;
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void report(const struct bench *b, const char *what, int64_t from_ns)
{
    printf("%-12s %8.0f ns an event\n", what, (double)(now_ns() - from_ns) / (double)b->events);
}

static void set_up(struct bench *b)
{
    table_spec_read(&b->table, "public", "orders", spec);
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

static void make_one(struct recorder *recorder, struct bench *b)
{
    struct error err = {0};
    struct records records;

    b->event.lsn++;
    if (recorder_make(recorder, &b->event, &records, &err))
        return;
    (void)fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static bool run_ours(struct bench *b, enum encoding_kind encoding, enum envelope_kind envelope,
                     const char *what)
{
    static const char *const told[] = {"op", "lsn", "sequence", "table"};
    struct recorder_options options = {
        .topic_prefix = "shop",
        .topic_delimiter = ".",
        .database = "depot",
        .unavailable_value_placeholder = "?",
        .envelope = envelope,
        .flat = {{told, ARRAY_LEN(told)}, {told, ARRAY_LEN(told)}, "__", FLAT_REWRITE},
        .encoding = encoding,
        .record_limit_bytes = 1 << 20};
    struct recorder *recorder;
    size_t before;
    int64_t from;

    if (encoding == ENCODING_AVRO)
        options.registry = fake_registry_init(&b->registry);
    recorder = recorder_create(&options);
    for (int i = 0; i < WARM_UP; i++)
        make_one(recorder, b);
    before = allocations;
    from = now_ns();
    for (long i = 0; i < b->events; i++)
        make_one(recorder, b);
    report(b, what, from);
    before = allocations - before;
    if (before != 0)
        printf("%-12s %zu allocations\n", what, before);
    recorder_destroy(recorder);
    return before == 0;
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

static json_t *jansson_source(const struct event *e)
{
    json_t *source = json_object();

    json_object_set_new(source, "version", json_string(MILLRACE_VERSION));
    json_object_set_new(source, "connector", json_string("postgresql"));
    json_object_set_new(source, "name", json_string("shop"));
    json_object_set_new(source, "ts_ms", json_integer(e->commit_us / 1000));
    json_object_set_new(source, "snapshot", json_string("false"));
    json_object_set_new(source, "db", json_string("depot"));
    json_object_set_new(source, "sequence", json_string("[\"40210984\",\"40211320\"]"));
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

/* Key and value, as a program would that builds a tree and prints it. */
static void run_jansson(struct bench *b)
{
    static char text[BUFFER_BYTES];
    int64_t from = now_ns();

    for (long i = 0; i < b->events; i++) {
        json_t *key = json_object(), *value = json_object();

        b->event.lsn++;
        json_object_set_new(key, "id", json_integer(strtoll(texts[0], NULL, 10)));
        json_object_set_new(value, "before", json_null());
        json_object_set_new(value, "after", jansson_row());
        json_object_set_new(value, "source", jansson_source(&b->event));
        json_object_set_new(value, "transaction", json_null());
        json_object_set_new(value, "op", json_string("c"));
        json_object_set_new(value, "ts_ms", json_integer(b->event.seen_ns / 1000000));
        json_object_set_new(value, "ts_us", json_integer(b->event.seen_ns / 1000));
        json_object_set_new(value, "ts_ns", json_integer(b->event.seen_ns));
        (void)json_dumpb(key, text, sizeof text, JSON_COMPACT);
        (void)json_dumpb(value, text, sizeof text, JSON_COMPACT);
        json_decref(key);
        json_decref(value);
    }
    report(b, "jansson", from);
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

static void avro_source(const avro_value_t *source, const struct event *e)
{
    avro_text(source, "version", -1, MILLRACE_VERSION);
    avro_text(source, "connector", -1, "postgresql");
    avro_text(source, "name", -1, "shop");
    avro_number(source, "ts_ms", -1, e->commit_us / 1000);
    avro_text(source, "snapshot", 0, "false");
    avro_text(source, "db", -1, "depot");
    avro_text(source, "sequence", 1, "[\"40210984\",\"40211320\"]");
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

static void avro_envelope(struct bench *b, avro_value_t *value)
{
    avro_value_t after, source;

    b->event.lsn++;
    (void)avro_value_reset(value);
    avro_none(value, "before");
    after = avro_field(value, "after", 1);
    avro_row(&after);
    source = avro_field(value, "source", -1);
    avro_source(&source, &b->event);
    avro_none(value, "transaction");
    avro_text(value, "op", -1, "c");
    avro_number(value, "ts_ms", 1, b->event.seen_ns / 1000000);
    avro_number(value, "ts_us", 1, b->event.seen_ns / 1000);
    avro_number(value, "ts_ns", 1, b->event.seen_ns);
}

/* The value alone, by Avro C's value interface, its objects used again. */
static void run_avro_c(struct bench *b, const char *schema_text)
{
    static char bytes[BUFFER_BYTES];
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t value;
    avro_writer_t writer = avro_writer_memory(bytes, sizeof bytes);
    int64_t from;

    if (avro_schema_from_json_length(schema_text, strlen(schema_text), &schema) != 0) {
        (void)fprintf(stderr, "%s\n", avro_strerror());
        exit(1);
    }
    class = avro_generic_class_from_schema(schema);
    (void)avro_generic_value_new(class, &value);
    from = now_ns();
    for (long i = 0; i < b->events; i++) {
        avro_envelope(b, &value);
        avro_writer_reset(writer);
        (void)avro_value_write(writer, &value);
    }
    report(b, "Avro C", from);
    avro_writer_free(writer);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
}

/* Its text must outlive the recorder that asked for it. */
static char *schema_text(struct bench *b)
{
    struct recorder_options options = {.topic_prefix = "shop",
                                       .topic_delimiter = ".",
                                       .database = "depot",
                                       .unavailable_value_placeholder = "?",
                                       .encoding = ENCODING_AVRO,
                                       .record_limit_bytes = 1 << 20};
    struct error err = {0};
    struct recorder *recorder;
    const char *found = NULL;
    char *text;

    options.registry = fake_registry_init(&b->registry);
    recorder = recorder_create(&options);
    if (recorder_topic(recorder, &b->table.relation, &err) != NULL)
        found = fake_registry_schema(&b->registry, "shop.public.orders-value");
    text = mem_text(found);
    recorder_destroy(recorder);
    return text;
}

int main(int argc, char **argv)
{
    static struct bench b;
    char *schema;
    bool silent;

    b.events = argc > 1 ? strtol(argv[1], NULL, 10) : EVENTS;
    set_up(&b);
    schema = schema_text(&b);
    if (schema == NULL || b.events <= 0) {
        free(schema);
        return 2;
    }
    silent = run_ours(&b, ENCODING_JSON, ENVELOPE_DEBEZIUM, "json");
    silent = run_ours(&b, ENCODING_JSON_SCHEMA, ENVELOPE_DEBEZIUM, "json-schema") && silent;
    silent = run_ours(&b, ENCODING_AVRO, ENVELOPE_DEBEZIUM, "avro") && silent;
    silent = run_ours(&b, ENCODING_JSON, ENVELOPE_FLAT, "json flat") && silent;
    silent = run_ours(&b, ENCODING_AVRO, ENVELOPE_FLAT, "avro flat") && silent;
    run_jansson(&b);
    run_avro_c(&b, schema);
    free(schema);
    printf("%s\n", silent ? "no allocation of ours once warm" : "ALLOCATIONS once warm");
    return silent ? 0 : 1;
}
