#include "sinks/registry_client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <jansson.h>

#include "millrace/buf.h"
#include "millrace/mem.h"
#include "sinks/json_write.h"
#include "sinks/murmur2.h"
#include "sinks/schema_change.h"
#include "sinks/table.h"

#define ANSWER_LIMIT_BYTES ((size_t)1 << 20)
#define URLS_MAX 16
#define FIRST_PAUSE_MS 100
#define MOST_PAUSE_MS 2000
#define REASON_MAX 300 /* of what the registry tells */

/* What was asked before, by subject and schema. */
struct known_schema {
    char *subject;
    struct buf schema;
    uint32_t id;
};

struct address {
    char *url;  /* without a slash at the end */
    char *name; /* host:port, for errors: the address may hold a password */
};

struct registry_client {
    struct schema_registry base;
    struct address addresses[URLS_MAX];
    size_t address_count;
    size_t current; /* the one that answered last */
    char *user, *password, *token, *ca, *certificate, *key;
    int64_t timeout_ms;
    struct table known; /* of struct known_schema */
    CURL *curl;
    struct curl_slist *headers;
    struct buf answer;
};

enum ask_outcome {
    ASK_ANSWERED, /* by something: see the status */
    ASK_NOBODY,   /* try again, or another */
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

static void pause_ms(int64_t ms)
{
    const struct timespec wait = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    if (ms > 0)
        (void)nanosleep(&wait, NULL);
}

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

/* libcurl takes anything but `size * count` as a failure. */
static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
    struct buf *answer = context;

    buf_append(answer, bytes, size * count);
    return answer->failed ? 0 : size * count;
}

static void set_up(struct registry_client *c, int64_t left_ms)
{
    CURL *h = c->curl;

    curl_easy_reset(h);
    (void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(h, CURLOPT_HTTPHEADER, c->headers);
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, receive);
    (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, &c->answer);
    (void)curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)left_ms);
    if (c->ca != NULL)
        (void)curl_easy_setopt(h, CURLOPT_CAINFO, c->ca);
    if (c->certificate != NULL)
        (void)curl_easy_setopt(h, CURLOPT_SSLCERT, c->certificate);
    if (c->key != NULL)
        (void)curl_easy_setopt(h, CURLOPT_SSLKEY, c->key);
    if (c->token != NULL) {
        (void)curl_easy_setopt(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        (void)curl_easy_setopt(h, CURLOPT_XOAUTH2_BEARER, c->token);
    } else if (c->user != NULL) {
        (void)curl_easy_setopt(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        (void)curl_easy_setopt(h, CURLOPT_USERNAME, c->user);
        (void)curl_easy_setopt(h, CURLOPT_PASSWORD, c->password == NULL ? "" : c->password);
    }
}

/* <url>/subjects/<subject><tail> */
static bool set_url(struct registry_client *c, const char *subject, const char *tail)
{
    char *escaped = curl_easy_escape(c->curl, subject, 0);
    struct buf url;
    bool fits;

    buf_init(&url, SIZE_MAX);
    buf_text(&url, c->addresses[c->current].url);
    JSON_CONSTANT(&url, "/subjects/");
    buf_text(&url, escaped == NULL ? "" : escaped);
    buf_text(&url, tail);
    buf_byte(&url, '\0');
    fits = escaped != NULL && !url.failed &&
           curl_easy_setopt(c->curl, CURLOPT_URL, (const char *)url.at) == CURLE_OK;
    curl_free(escaped);
    buf_done(&url);
    return fits;
}

/* One request to the current address; no body: GET. */
static enum ask_outcome ask(struct registry_client *c, const char *subject, const char *tail,
                            const struct buf *body, int64_t left_ms, long *out_status,
                            struct error *err)
{
    const char *name = c->addresses[c->current].name;
    CURLcode code;

    buf_reset(&c->answer, ANSWER_LIMIT_BYTES);
    set_up(c, left_ms > 0 ? left_ms : 1);
    if (body != NULL) {
        (void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, (const char *)body->at);
        (void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
    }
    if (!set_url(c, subject, tail)) {
        (void)error_set(err, ERROR_SYSTEM, "no memory to ask the schema registry");
        return ASK_NOBODY;
    }
    code = curl_easy_perform(c->curl);
    *out_status = 0;
    if (c->answer.failed) { /* nothing that we could wait for */
        (void)error_set(err, ERROR_CONFIG,
                        "schema registry %s: its answer about %s is larger than %zu bytes: is "
                        "schema_registry.url right?",
                        name, subject, ANSWER_LIMIT_BYTES);
        return ASK_ANSWERED;
    }
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, out_status);
        return ASK_ANSWERED;
    }
    (void)error_set(err, ERROR_LINK, "schema registry %s: %s", name, curl_easy_strerror(code));
    return ASK_NOBODY;
}

/* The registry's own words about a refusal, or "no reason given". */
static void reason_of(const struct registry_client *c, char reason[REASON_MAX + 1])
{
    json_t *answer = json_loadb((const char *)c->answer.at, c->answer.len, 0, NULL);
    const char *message = json_string_value(json_object_get(answer, "message"));

    (void)snprintf(reason, REASON_MAX + 1, "%s", message == NULL ? "no reason given" : message);
    json_decref(answer);
}

static bool read_id(struct registry_client *c, const char *subject, uint32_t *out_id,
                    struct error *err)
{
    const char *name = c->addresses[c->current].name;
    json_t *answer = json_loadb((const char *)c->answer.at, c->answer.len, 0, NULL);
    json_t *id = json_object_get(answer, "id");
    bool is_number = json_is_integer(id);
    json_int_t number = is_number ? json_integer_value(id) : 0;
    bool is_object = json_is_object(answer);

    json_decref(answer);
    if (!is_object)
        return error_set(err, ERROR_CONFIG,
                         "schema registry %s: its answer about %s is not a JSON object: is "
                         "schema_registry.url right?",
                         name, subject);
    if (!is_number || number < 0 || number > INT32_MAX)
        return error_set(err, ERROR_CONFIG,
                         "schema registry %s: its answer about %s has no id of 0 to %ld", name,
                         subject, (long)INT32_MAX);
    *out_id = (uint32_t)number;
    return true;
}

/* 409: tells what differs from the version that is there, as far as it can be found out. */
static bool fail_incompatible(struct registry_client *c, const struct question *q, int64_t left_ms,
                              struct error *err)
{
    struct error ignored = {0};
    char reason[REASON_MAX + 1], change[SCHEMA_CHANGE_BYTES] = "";
    json_t *answer;
    const char *before;
    long status;

    reason_of(c, reason);
    if (ask(c, q->subject, "/versions/latest", NULL, left_ms, &status, &ignored) == ASK_ANSWERED &&
        status == 200) {
        answer = json_loadb((const char *)c->answer.at, c->answer.len, 0, NULL);
        before = json_string_value(json_object_get(answer, "schema"));
        if (before != NULL)
            schema_change_describe(slice_text(before), q->schema, change);
        json_decref(answer);
    }
    return error_set(err, ERROR_CONFIG,
                     "subject %s: the schema registry refuses the new schema%s%s: %s; change the "
                     "table or the subject's compatibility",
                     q->subject, change[0] == '\0' ? "" : ", in which ", change, reason);
}

static bool fail_status(struct registry_client *c, const struct question *q, long status,
                        struct error *err)
{
    char reason[REASON_MAX + 1];

    reason_of(c, reason);
    if (status == 401 || status == 403)
        return error_set(err, ERROR_CONFIG,
                         "schema registry %s: refuses our login for subject %s (%ld): %s; check "
                         "schema_registry.user, .password or .token",
                         c->addresses[c->current].name, q->subject, status, reason);
    return error_set(err, ERROR_CONFIG, "schema registry %s: answers %ld for subject %s: %s",
                     c->addresses[c->current].name, status, q->subject, reason);
}

/* Will the same question be answered better later? */
static bool is_passing(long status)
{
    return status == 408 || status == 429 || status >= 500;
}

/* Once round all addresses, from the one that answered last on. */
static enum ask_outcome ask_all(struct registry_client *c, const struct question *q,
                                const struct buf *body, int64_t deadline, long *out_status,
                                struct error *err)
{
    for (size_t i = 0; i < c->address_count; i++) {
        *err = (struct error){0};
        if (ask(c, q->subject, "/versions", body, deadline - now_ms(), out_status, err) ==
            ASK_ANSWERED) {
            if (!is_passing(*out_status))
                return ASK_ANSWERED;
            (void)error_set(err, ERROR_LINK, "schema registry %s: answers %ld",
                            c->addresses[c->current].name, *out_status);
        }
        c->current = (c->current + 1) % c->address_count;
    }
    return ASK_NOBODY;
}

/* Until somebody answers, or the time is over. */
static enum ask_outcome ask_until(struct registry_client *c, const struct question *q,
                                  const struct buf *body, int64_t deadline, long *out_status,
                                  struct error *err)
{
    int64_t wait = FIRST_PAUSE_MS;

    for (;;) {
        if (ask_all(c, q, body, deadline, out_status, err) == ASK_ANSWERED)
            return ASK_ANSWERED;
        if (now_ms() + wait >= deadline) {
            (void)error_wrap(err, "subject %s: no answer within %" PRId64 " ms", q->subject,
                             c->timeout_ms);
            return ASK_NOBODY;
        }
        pause_ms(wait);
        wait = wait * 2 < MOST_PAUSE_MS ? wait * 2 : MOST_PAUSE_MS;
    }
}

static bool read_answer(struct registry_client *c, const struct question *q, long status,
                        int64_t left_ms, uint32_t *out_id, struct error *err)
{
    if (status == 200)
        return read_id(c, q->subject, out_id, err);
    if (status == 409)
        return fail_incompatible(c, q, left_ms, err);
    return fail_status(c, q, status, err);
}

static bool register_schema(struct registry_client *c, const struct question *q, uint32_t *out_id,
                            struct error *err)
{
    int64_t deadline = now_ms() + c->timeout_ms;
    struct error attempt = {0};
    struct buf body;
    bool answered;
    long status = 0;

    buf_init(&body, SIZE_MAX);
    JSON_CONSTANT(&body, "{\"schema\":");
    json_text(&body, q->schema);
    buf_byte(&body, '}');
    answered = !body.failed &&
               ask_until(c, q, &body, deadline, &status, &attempt) == ASK_ANSWERED && status != 0;
    buf_done(&body);
    if (attempt.kind == ERROR_NONE && !answered)
        return error_set(err, ERROR_SYSTEM, "no memory to ask the schema registry");
    if (!answered)
        return error_set(err, attempt.kind, "%s", attempt.text);
    return read_answer(c, q, status, deadline - now_ms(), out_id, err);
}

static bool client_id_of(struct schema_registry *registry, const char *subject, struct slice schema,
                         uint32_t *out_id, struct error *err)
{
    struct registry_client *c = client_of(registry);
    const struct question q = {subject, schema};
    const struct known_schema *known =
        table_find(&c->known, hash_of(subject, schema), is_known, &q);

    if (known != NULL) {
        *out_id = known->id;
        return true;
    }
    if (!register_schema(c, &q, out_id, err))
        return false;
    remember(c, &q, *out_id);
    return true;
}

static void client_destroy(struct schema_registry *registry)
{
    struct registry_client *c = client_of(registry);
    char *texts[] = {c->user, c->password, c->token, c->ca, c->certificate, c->key};

    for (size_t i = 0; i < c->address_count; i++) {
        free(c->addresses[i].url);
        free(c->addresses[i].name);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    for (size_t i = 0; i < c->known.size; i++) {
        struct known_schema *known = c->known.slots[i].item;

        if (known == NULL)
            continue;
        free(known->subject);
        buf_done(&known->schema);
        free(known);
    }
    table_done(&c->known);
    buf_done(&c->answer);
    curl_slist_free_all(c->headers);
    curl_easy_cleanup(c->curl);
    free(c);
    curl_global_cleanup();
}

static const struct schema_registry_ops client_ops = {
    .name = "http", .id_of = client_id_of, .destroy = client_destroy};

/* host:port of the address; NULL when it is none. */
static char *name_of(const char *url)
{
    CURLU *parts = curl_url();
    char *host = NULL, *port = NULL, *scheme = NULL, *name = NULL;
    size_t size;

    if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        size = strlen(host) + strlen(port) + 2;
        name = mem_zero(size, 1);
        (void)snprintf(name, size, "%s:%s", host, port);
    }
    curl_free(host);
    curl_free(port);
    curl_free(scheme);
    curl_url_cleanup(parts);
    return name;
}

static bool add_address(struct registry_client *c, struct slice text, struct error *err)
{
    struct address *address = &c->addresses[c->address_count];

    while (text.len > 0 && text.at[0] == ' ')
        text = slice_of(text.at + 1, text.len - 1);
    while (text.len > 0 && (text.at[text.len - 1] == '/' || text.at[text.len - 1] == ' '))
        text.len--;
    if (c->address_count == URLS_MAX)
        return error_set(err, ERROR_CONFIG, "schema_registry.url: more than %d addresses",
                         URLS_MAX);
    address->url = mem_zero(text.len + 1, 1);
    memcpy(address->url, text.at, text.len);
    address->name = name_of(address->url);
    c->address_count++;
    if (address->name == NULL)
        return error_set(err, ERROR_CONFIG,
                         "schema_registry.url: address %zu is no http:// or https:// address",
                         c->address_count);
    return true;
}

static bool add_addresses(struct registry_client *c, const char *list, struct error *err)
{
    for (;;) {
        size_t len = strcspn(list, ",");

        if (!add_address(c, slice_of(list, len), err))
            return false;
        if (list[len] == '\0')
            return true;
        list += len + 1;
    }
}

struct schema_registry *registry_client_create(const struct registry_options *options,
                                               struct error *err)
{
    struct registry_client *c = mem_new(struct registry_client);

    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    c->base.ops = &client_ops;
    c->user = mem_text(options->user);
    c->password = mem_text(options->password);
    c->token = mem_text(options->token);
    c->ca = mem_text(options->ca);
    c->certificate = mem_text(options->certificate);
    c->key = mem_text(options->key);
    c->timeout_ms = options->timeout_ms;
    buf_init(&c->answer, ANSWER_LIMIT_BYTES);
    c->curl = curl_easy_init();
    c->headers = curl_slist_append(NULL, "Content-Type: application/vnd.schemaregistry.v1+json");
    if (c->curl == NULL || c->headers == NULL)
        (void)error_set(err, ERROR_SYSTEM, "no memory for the client of the schema registry");
    else if (add_addresses(c, options->url, err))
        return &c->base;
    client_destroy(&c->base);
    return NULL;
}

const char *registry_client_version(void)
{
    return LIBCURL_VERSION;
}
