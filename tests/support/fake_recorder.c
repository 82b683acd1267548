#include "tests/support/fake_recorder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"

#define QUEUE_MAX 64

struct fake_topic {
    struct topic topic;
    struct fake_topic *next;
};

struct batch {
    struct record records[QUEUE_MAX];
    size_t count;
};

struct recorder {
    struct fake_topic *topics;
    struct batch queued;
    struct batch made; /* what the last event became; lives until the next one */
    enum error_kind fail_kind;
    const char *fail_text;
};

static struct slice copy_text(const char *text)
{
    if (text == NULL)
        return (struct slice){NULL, 0};
    return slice_text(mem_text(text));
}

static void free_bytes(struct slice s)
{
    free((void *)(uintptr_t)s.at);
}

static void forget(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct record *record = &batch->records[i];

        free_bytes(record->key);
        free_bytes(record->value);
        for (size_t h = 0; h < record->header_count; h++)
            free_bytes(record->headers[h].value);
    }
    batch->count = 0;
}

static struct topic *topic_named(struct recorder *r, const char *name)
{
    struct fake_topic *topic = r->topics;

    while (topic != NULL && strcmp(topic->topic.name, name) != 0)
        topic = topic->next;
    if (topic == NULL) {
        topic = mem_new(struct fake_topic);
        *topic = (struct fake_topic){.topic.name = mem_text(name), .next = r->topics};
        r->topics = topic;
    }
    return &topic->topic;
}

struct recorder *fake_recorder_create(void)
{
    return mem_new(struct recorder);
}

void fake_recorder_queue(struct recorder *r, const char *topic, const char *key, const char *value)
{
    struct record *record = &r->queued.records[r->queued.count];

    assert(r->queued.count < QUEUE_MAX);
    *record = (struct record){.topic = topic_named(r, topic),
                              .has_key = key != NULL,
                              .key = copy_text(key),
                              .has_value = value != NULL,
                              .value = copy_text(value)};
    record->partition_key = record->key;
    r->queued.count++;
}

void fake_recorder_header(struct recorder *r, const char *name, const char *value)
{
    struct record *record = &r->queued.records[r->queued.count - 1];

    assert(r->queued.count > 0 && record->header_count < RECORD_HEADERS_MAX);
    record->headers[record->header_count++] = (struct header){name, copy_text(value)};
}

void fake_recorder_fail(struct recorder *r, enum error_kind kind, const char *text)
{
    r->fail_kind = kind;
    r->fail_text = text;
}

/* The real one's interface. */

struct recorder *recorder_create(const struct recorder_options *options)
{
    (void)options;
    return fake_recorder_create();
}

void recorder_destroy(struct recorder *r)
{
    struct fake_topic *topic;

    if (r == NULL)
        return;
    forget(&r->queued);
    forget(&r->made);
    while ((topic = r->topics) != NULL) {
        r->topics = topic->next;
        free((void *)(uintptr_t)topic->topic.name);
        free(topic);
    }
    free(r);
}

bool recorder_make(struct recorder *r, const struct event *event, struct records *out,
                   struct error *err)
{
    (void)event;
    if (r->fail_kind != ERROR_NONE)
        return error_set(err, r->fail_kind, "%s", r->fail_text);
    forget(&r->made);
    r->made = r->queued;
    r->queued.count = 0;
    *out = (struct records){r->made.records, r->made.count};
    return true;
}

void recorder_taken(struct recorder *r)
{
    (void)r;
}

struct topic *recorder_topic(struct recorder *r, const struct relation *relation, struct error *err)
{
    char name[256];

    (void)err;
    assert(relation->name.len < sizeof name);
    memcpy(name, relation->name.at, relation->name.len);
    name[relation->name.len] = '\0';
    return topic_named(r, name);
}

void recorder_each_topic(struct recorder *r, void (*visit)(struct topic *topic, void *context),
                         void *context)
{
    for (struct fake_topic *topic = r->topics; topic != NULL; topic = topic->next)
        visit(&topic->topic, context);
}
