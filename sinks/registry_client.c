/*
 * One schema at a time goes these steps; what is told under each name is in steps[]:
 *
 *     LOOK_UP -- 200 --> known                               the ordinary case: one question
 *        |
 *       404 (or another refusal)
 *        v
 *     REGISTER -- 200 --> CHECK -- same schema --> known      a new one: as its readers will ask
 *        |
 *       409 --> COMPARE --> refused, with the column          why not
 *
 * No answer, 429 or 5xx: the next address, and after the last one a pause that grows.
 */
#include "sinks/registry_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "millrace/buf.h"
#include "millrace/mem.h"
#include "sinks/json_write.h"
#include "sinks/murmur2.h"
#include "sinks/registry_http.h"
#include "sinks/schema_change.h"
#include "sinks/table.h"

/* Answers hold the schema, each of its bytes as six of JSON at most; and some words. */
#define ANSWER_WORDS_BYTES ((size_t)1 << 20)
#define ANSWER_FACTOR 6
#define SLICE_MS 100 /* that one call waits at most */
#define FIRST_PAUSE_MS 100
#define MOST_PAUSE_MS 2000
#define REASON_MAX 300 /* of what the registry tells */
#define PATH_BYTES 64

enum step { STEP_NONE, STEP_LOOK_UP, STEP_REGISTER, STEP_CHECK, STEP_COMPARE };

/* What was asked before, by subject and schema. */
struct known_schema {
    char *subject;
    struct buf schema;
    uint32_t id;
};

/* The schema that is being asked for. */
struct asking {
    enum step step;
    char *subject;
    struct buf schema;
    struct buf body; /* {"schema":"..."} */
    uint32_t id;     /* that was given, and is not checked yet */
    char reason[REASON_MAX + 1];
    bool in_flight;
    size_t failures;        /* of addresses, one after the other */
    bool may_pass;          /* and not all because of our configuration */
    int64_t pause_ms;       /* behind the next round of failures */
    int64_t pause_until_ms; /* 0: none */
    struct error trouble;   /* of the last failure */
};

struct registry_client {
    struct schema_registry base;
    struct registry_http *http;
    size_t current;     /* the address that answered last */
    struct table known; /* of struct known_schema */
    struct asking asking;
};

enum progress {
    PROGRESS_DONE,   /* asking.id is the id */
    PROGRESS_ON,     /* another question */
    PROGRESS_FAILED, /* err says why */
};

static struct registry_client *client_of(struct schema_registry *registry)
{
    return (struct registry_client *)registry;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(int64_t ms)
{
    const struct timespec wait = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    if (ms > 0)
        (void)nanosleep(&wait, NULL);
}

/* ---- what is known ---- */

static uint64_t hash_of(const char *subject, struct slice schema)
{
    return (uint64_t)murmur2(slice_text(subject)) << 32 | murmur2(schema);
}

struct question {
    const char *subject;
    struct slice schema;
};

static bool is_known(const void *item, const void *key)
{
    const struct known_schema *known = item;
    const struct question *question = key;

    return strcmp(known->subject, question->subject) == 0 &&
           slice_equal(buf_view(&known->schema), question->schema);
}

static void remember(struct registry_client *c, const struct question *q, uint32_t id)
{
    struct known_schema *known = mem_new(struct known_schema);

    known->subject = mem_text(q->subject);
    buf_init(&known->schema, SIZE_MAX);
    buf_slice(&known->schema, q->schema);
    known->id = id;
    table_add(&c->known, hash_of(q->subject, q->schema), known);
}

/* ---- what is being asked ---- */

static void asking_done(struct asking *a)
{
    free(a->subject);
    buf_done(&a->schema);
    buf_done(&a->body);
    *a = (struct asking){0};
}

static bool is_asked(const struct asking *a, const struct question *q)
{
    return a->step != STEP_NONE && strcmp(a->subject, q->subject) == 0 &&
           slice_equal(buf_view(&a->schema), q->schema);
}

static bool begin(struct registry_client *c, const struct question *q, struct error *err)
{
    struct asking *a = &c->asking;

    asking_done(a);
    a->step = STEP_LOOK_UP;
    a->subject = mem_text(q->subject);
    buf_init(&a->schema, SIZE_MAX);
    buf_slice(&a->schema, q->schema);
    buf_init(&a->body, SIZE_MAX);
    JSON_CONSTANT(&a->body, "{\"schema\":");
    json_text(&a->body, q->schema);
    buf_byte(&a->body, '}');
    a->pause_ms = FIRST_PAUSE_MS;
    return (!a->schema.failed && !a->body.failed) ||
           error_set(err, ERROR_SYSTEM, "no memory to ask the schema registry");
}

static void go_to(struct asking *a, enum step step)
{
    a->step = step;
    a->failures = 0;
    a->may_pass = false;
}

static const char *name_now(const struct registry_client *c)
{
    return registry_http_name(c->http, c->current);
}

static void ask(struct registry_client *c)
{
    struct asking *a = &c->asking;
    char path[PATH_BYTES];
    struct registry_question q = {
        .address = c->current,
        .before = "/subjects/",
        .subject = a->subject,
        .behind = "/versions",
        .answer_limit_bytes = ANSWER_WORDS_BYTES + ANSWER_FACTOR * a->schema.len,
    };

    if (a->step == STEP_LOOK_UP || a->step == STEP_REGISTER)
        q.body = buf_view(&a->body);
    if (a->step == STEP_LOOK_UP)
        q.behind = "";
    if (a->step == STEP_COMPARE)
        q.behind = "/versions/latest";
    if (a->step == STEP_CHECK) { /* with the subject: it may live in a context of its own */
        (void)snprintf(path, sizeof path, "/schemas/ids/%" PRIu32 "?subject=", a->id);
        q.before = path;
        q.behind = "";
    }
    registry_http_ask(c->http, &q);
    a->in_flight = true;
}

/* ---- answers ---- */

static json_t *parse_answer(const struct registry_client *c)
{
    struct slice answer = registry_http_answer(c->http);

    return json_loadb((const char *)answer.at, answer.len, JSON_ALLOW_NUL, NULL);
}

/* The registry's own words about a refusal, or "no reason given". */
static void keep_reason(struct registry_client *c)
{
    json_t *answer = parse_answer(c);
    const char *message = json_string_value(json_object_get(answer, "message"));

    (void)snprintf(c->asking.reason, sizeof c->asking.reason, "%s",
                   message == NULL || message[0] == '\0' ? "no reason given" : message);
    json_decref(answer);
}

static bool fail_answer(const struct registry_client *c, const char *what, struct error *err)
{
    return error_set(err, ERROR_CONFIG,
                     "schema registry %s: its answer about subject %s %s: is schema_registry.url "
                     "right?",
                     name_now(c), c->asking.subject, what);
}

static bool fail_other_schema(const struct registry_client *c, uint32_t id, struct error *err)
{
    return error_set(err, ERROR_CONFIG,
                     "schema registry %s: says that the schema of subject %s has the id %" PRIu32
                     ", but keeps another schema under it, with which nobody could read our "
                     "records: is there a cache between us, or are these several registries?",
                     name_now(c), c->asking.subject, id);
}

/* {"id":7}, and the schema when it is told. */
static bool read_id(struct registry_client *c, const json_t *answer, struct error *err)
{
    const json_t *id = json_object_get(answer, "id");
    const char *schema = json_string_value(json_object_get(answer, "schema"));
    json_int_t number = json_integer_value(id);

    if (!json_is_object(answer))
        return fail_answer(c, "is not a JSON object", err);
    if (!json_is_integer(id) || number < 0 || number > INT32_MAX)
        return fail_answer(c, "has no id of 0 to 2147483647", err);
    if (schema != NULL &&
        !schema_change_same_layout(slice_text(schema), buf_view(&c->asking.schema)))
        return fail_other_schema(c, (uint32_t)number, err);
    c->asking.id = (uint32_t)number;
    return true;
}

static enum progress take_id(struct registry_client *c, struct error *err)
{
    json_t *answer = parse_answer(c);
    bool told = json_is_string(json_object_get(answer, "schema"));
    bool good = read_id(c, answer, err);

    json_decref(answer);
    if (!good)
        return PROGRESS_FAILED;
    if (told)
        return PROGRESS_DONE;
    go_to(&c->asking, STEP_CHECK);
    return PROGRESS_ON;
}

static bool fail_redirect(const struct registry_client *c, long status, struct error *err)
{
    char where[256];

    registry_http_redirect(c->http, where, sizeof where);
    return error_set(err, ERROR_CONFIG,
                     "schema registry %s: answers %ld for subject %s and sends us to %s, where our "
                     "login will not go by itself: put that address into schema_registry.url",
                     name_now(c), status, c->asking.subject,
                     where[0] == '\0' ? "another address" : where);
}

static bool fail_status(struct registry_client *c, long status, struct error *err)
{
    const char *advice = "look at the registry's log";

    if (status >= 300 && status < 400)
        return fail_redirect(c, status, err);
    keep_reason(c);
    if (status == 401 || status == 403)
        return error_set(err, ERROR_CONFIG,
                         "schema registry %s: refuses our login for subject %s (%ld): %s; check "
                         "schema_registry.user, .password or .token, and that it may write there",
                         name_now(c), c->asking.subject, status, c->asking.reason);
    if (status == 404 || status == 405)
        advice = "does schema_registry.url lack a path, such as /apis/ccompat/v7?";
    else if (status == 422)
        advice = "it cannot read the schema, or may not be written to (mode READONLY)";
    return error_set(err, ERROR_CONFIG, "schema registry %s: answers %ld for subject %s: %s; %s",
                     name_now(c), status, c->asking.subject, c->asking.reason, advice);
}

/* Advice first: what the registry tells may be long. */
static bool fail_incompatible(const struct registry_client *c, const char *change,
                              struct error *err)
{
    const struct asking *a = &c->asking;

    return error_set(err, ERROR_CONFIG,
                     "schema registry %s: subject %s: refuses the new schema%s%s; change the table "
                     "or the subject's compatibility; it says: %s",
                     name_now(c), a->subject, change[0] == '\0' ? "" : ", in which ", change,
                     a->reason);
}

/* The version that is there, as far as it can be found out. */
static enum progress compare(struct registry_client *c, struct error *err)
{
    char change[SCHEMA_CHANGE_BYTES] = "";
    json_t *answer = parse_answer(c);
    const char *before = json_string_value(json_object_get(answer, "schema"));

    if (before != NULL)
        schema_change_describe(slice_text(before), buf_view(&c->asking.schema), change);
    json_decref(answer);
    (void)fail_incompatible(c, change, err);
    return PROGRESS_FAILED;
}

/* Does the id lead to our schema?  Who may register and not read is believed. */
static enum progress check(struct registry_client *c, long status, struct error *err)
{
    json_t *answer;
    const char *schema;
    bool same;

    if (status == 401 || status == 403 || status == 405)
        return PROGRESS_DONE;
    if (status != 200) {
        (void)fail_status(c, status, err);
        return PROGRESS_FAILED;
    }
    answer = parse_answer(c);
    schema = json_string_value(json_object_get(answer, "schema"));
    if (schema == NULL) {
        (void)fail_answer(c, "has no schema", err);
        json_decref(answer);
        return PROGRESS_FAILED;
    }
    same = schema_change_same_layout(slice_text(schema), buf_view(&c->asking.schema));
    json_decref(answer);
    if (same)
        return PROGRESS_DONE;
    (void)fail_other_schema(c, c->asking.id, err);
    return PROGRESS_FAILED;
}

static enum progress take_answer(struct registry_client *c, long status, struct error *err)
{
    struct asking *a = &c->asking;

    if (a->step == STEP_COMPARE)
        return compare(c, err);
    if (a->step == STEP_CHECK)
        return check(c, status, err);
    if (status == 200)
        return take_id(c, err);
    if (a->step == STEP_LOOK_UP && status >= 400 && status != 401) {
        go_to(a, STEP_REGISTER);
        return PROGRESS_ON;
    }
    if (status == 409) {
        keep_reason(c);
        go_to(a, STEP_COMPARE);
        return PROGRESS_ON;
    }
    (void)fail_status(c, status, err);
    return PROGRESS_FAILED;
}

/* Will the same question be answered better later?  What ends within the head looks like an empty
 * answer.  An id that was just given may not have reached all registries of a cluster. */
static bool is_passing(const struct registry_client *c, long status)
{
    return status == 408 || status == 429 || status >= 500 ||
           (status == 200 && registry_http_answer(c->http).len == 0) ||
           (c->asking.step == STEP_CHECK && status == 404);
}

/* ---- trouble ---- */

/* The next address; behind the last one a pause, or, when all are at fault by our configuration,
 * the end. */
static enum progress try_elsewhere(struct registry_client *c, const struct error *trouble,
                                   struct error *err)
{
    struct asking *a = &c->asking;

    a->trouble = *trouble;
    a->may_pass = a->may_pass || trouble->kind == ERROR_LINK;
    if (a->step == STEP_COMPARE) {
        (void)fail_incompatible(c, "", err);
        return PROGRESS_FAILED;
    }
    c->current = (c->current + 1) % registry_http_addresses(c->http);
    if (++a->failures < registry_http_addresses(c->http))
        return PROGRESS_ON;
    if (!a->may_pass) {
        *err = *trouble;
        return PROGRESS_FAILED;
    }
    a->failures = 0;
    a->may_pass = false;
    a->pause_until_ms = now_ms() + a->pause_ms;
    a->pause_ms = a->pause_ms * 2 < MOST_PAUSE_MS ? a->pause_ms * 2 : MOST_PAUSE_MS;
    return PROGRESS_ON;
}

static enum progress take_outcome(struct registry_client *c, enum http_outcome outcome,
                                  struct error *trouble, struct error *err)
{
    long status = registry_http_status(c->http);

    if (outcome == HTTP_FAILED && trouble->kind == ERROR_SYSTEM) {
        *err = *trouble;
        return PROGRESS_FAILED;
    }
    if (outcome == HTTP_FAILED)
        return try_elsewhere(c, trouble, err);
    if (!is_passing(c, status))
        return take_answer(c, status, err);
    if (status == 404)
        (void)error_set(trouble, ERROR_LINK,
                        "schema registry %s: does not know the id %" PRIu32 " that it has given",
                        name_now(c), c->asking.id);
    else
        (void)error_set(trouble, ERROR_LINK, "schema registry %s: answers %ld%s", name_now(c),
                        status, status == 200 ? " and nothing else" : "");
    return try_elsewhere(c, trouble, err);
}

/* ---- id_of ---- */

static bool still_waiting(const struct registry_client *c, struct error *err)
{
    const struct asking *a = &c->asking;

    if (a->trouble.kind == ERROR_NONE)
        return error_set(err, ERROR_WAITING,
                         "schema registry %s: has not answered yet about subject %s", name_now(c),
                         a->subject);
    return error_set(err, ERROR_WAITING, "%s; waiting for an answer about subject %s",
                     a->trouble.text, a->subject);
}

/* True behind the pause. */
static bool pause_is_over(struct asking *a, int64_t until_ms)
{
    int64_t end_ms = a->pause_until_ms < until_ms ? a->pause_until_ms : until_ms;

    sleep_ms(end_ms - now_ms());
    if (now_ms() < a->pause_until_ms)
        return false;
    a->pause_until_ms = 0;
    return true;
}

/* One step further, or as long as `until_ms`: *out_waiting. */
static enum progress go_on(struct registry_client *c, int64_t until_ms, bool *out_waiting,
                           struct error *err)
{
    struct error trouble = {0};
    enum http_outcome outcome;

    if (c->asking.pause_until_ms != 0 && !pause_is_over(&c->asking, until_ms)) {
        *out_waiting = true;
        return PROGRESS_ON;
    }
    if (!c->asking.in_flight)
        ask(c);
    outcome = registry_http_wait(c->http, until_ms - now_ms(), &trouble);
    if (outcome == HTTP_WAITING) {
        *out_waiting = now_ms() >= until_ms;
        return PROGRESS_ON;
    }
    c->asking.in_flight = false;
    return take_outcome(c, outcome, &trouble, err);
}

static bool client_id_of(struct schema_registry *registry, const char *subject, struct slice schema,
                         uint32_t *out_id, struct error *err)
{
    struct registry_client *c = client_of(registry);
    const struct question q = {subject, schema};
    const struct known_schema *known =
        table_find(&c->known, hash_of(subject, schema), is_known, &q);
    int64_t until_ms = now_ms() + SLICE_MS;
    enum progress progress = PROGRESS_ON;
    bool waiting = false;

    if (known != NULL) {
        *out_id = known->id;
        return true;
    }
    if (!is_asked(&c->asking, &q) && !begin(c, &q, err))
        return false;
    while (progress == PROGRESS_ON && !waiting)
        progress = go_on(c, until_ms, &waiting, err);
    if (progress == PROGRESS_ON)
        return still_waiting(c, err);
    if (progress == PROGRESS_DONE) {
        *out_id = c->asking.id;
        remember(c, &q, *out_id);
    }
    asking_done(&c->asking);
    return progress == PROGRESS_DONE;
}

/* ---- create, destroy ---- */

static void client_destroy(struct schema_registry *registry)
{
    struct registry_client *c = client_of(registry);

    registry_http_destroy(c->http);
    asking_done(&c->asking);
    for (size_t i = 0; i < c->known.size; i++) {
        struct known_schema *known = c->known.slots[i].item;

        if (known == NULL)
            continue;
        free(known->subject);
        buf_done(&known->schema);
        free(known);
    }
    table_done(&c->known);
    free(c);
}

static const struct schema_registry_ops client_ops = {
    .name = "http", .id_of = client_id_of, .destroy = client_destroy};

struct schema_registry *registry_client_create(const struct registry_options *options,
                                               struct error *err)
{
    struct registry_client *c = mem_new(struct registry_client);

    c->base.ops = &client_ops;
    c->http = registry_http_create(options, err);
    if (c->http != NULL)
        return &c->base;
    client_destroy(&c->base);
    return NULL;
}

const char *registry_client_version(void)
{
    return registry_http_version();
}
