/* Both schema registries: the client against every answer a server may give, and the directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/registry_client.h"
#include "sinks/registry_directory.h"
#include "sinks/schema_change.h"

#define ANSWERS_MAX 8
#define DRIP_MS 20
#define REQUEST_BYTES 8192
#define JSON_ANSWER(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body

static const char SILENCE[] = "(takes the question and never answers)";
static const char HUGE_ANSWER[] = "(two megabytes)";
static const char DRIP[] = "(a byte now and then)";

/* Answers one connection after the other, from a thread. */
struct server {
    int listener;
    uint16_t port;
    const char *answers[ANSWERS_MAX]; /* the last one again and again */
    size_t asked;
    char requests[ANSWERS_MAX][REQUEST_BYTES];
    int silent[ANSWERS_MAX];
    size_t silent_count;
    pthread_t thread;
};

/* Up to the end of the body that Content-Length announces. */
static void read_request(int peer, char *request)
{
    size_t len = 0;

    memset(request, 0, REQUEST_BYTES);
    while (len < REQUEST_BYTES - 1) {
        ssize_t got = read(peer, request + len, REQUEST_BYTES - 1 - len);
        const char *head_end, *length;

        if (got <= 0)
            return;
        len += (size_t)got;
        head_end = strstr(request, "\r\n\r\n");
        length = strstr(request, "Content-Length: ");
        if (head_end != NULL &&
            (length == NULL || len >= (size_t)(head_end + 4 - request) + (size_t)atoi(length + 16)))
            return;
    }
}

static void send_all(int peer, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(peer, text, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        text += sent;
        len -= (size_t)sent;
    }
}

static void send_huge(int peer)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    size_t size = (size_t)2 << 20;
    char *body = malloc(size);

    assert_non_null(body);
    memset(body, ' ', size);
    send_all(peer, head, sizeof head - 1);
    send_all(peer, body, size);
    free(body);
}

/* Until nobody listens any more. */
static void send_drip(int peer)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    const struct timespec wait = {0, DRIP_MS * 1000000L};

    send_all(peer, head, sizeof head - 1);
    while (send(peer, " ", 1, MSG_NOSIGNAL) == 1)
        (void)nanosleep(&wait, NULL);
}

static void *serve(void *context)
{
    struct server *s = context;

    for (;;) {
        int peer = accept(s->listener, NULL, NULL);
        const char *answer = s->answers[0];

        if (peer < 0)
            return NULL;
        for (size_t i = 1; i <= s->asked && i < ANSWERS_MAX && s->answers[i] != NULL; i++)
            answer = s->answers[i];
        read_request(peer, s->requests[s->asked < ANSWERS_MAX ? s->asked : ANSWERS_MAX - 1]);
        s->asked++;
        if (answer == SILENCE && s->silent_count < ANSWERS_MAX) {
            s->silent[s->silent_count++] = peer;
            continue;
        }
        if (answer == HUGE_ANSWER)
            send_huge(peer);
        else if (answer == DRIP)
            send_drip(peer);
        else
            send_all(peer, answer, strlen(answer));
        (void)shutdown(peer, SHUT_WR);
        (void)close(peer);
    }
}

static void server_start(struct server *s, const char *const *answers)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;

    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < ANSWERS_MAX && answers[i] != NULL; i++)
        s->answers[i] = answers[i];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &len), 0);
    s->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    (void)shutdown(s->listener, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    for (size_t i = 0; i < s->silent_count; i++)
        (void)close(s->silent[i]);
}

static struct schema_registry *client_for(const struct server *s, const char *before,
                                          int64_t timeout_ms)
{
    struct error err = {0};
    char url[256];
    const struct registry_options options = {
        .url = url, .user = "reader", .password = "secret", .timeout_ms = timeout_ms};
    struct schema_registry *registry;

    (void)snprintf(url, sizeof url, "%shttp://127.0.0.1:%u/", before, s->port);
    registry = registry_client_create(&options, &err);
    if (registry == NULL)
        fail_msg("%s", err.text);
    return registry;
}

/* Asks until there is an answer, or until what it waits for is told in these words. */
static bool ask(struct schema_registry *registry, const char *subject, const char *schema,
                const char *waits_for, uint32_t *out_id, struct error *err)
{
    for (;;) {
        *err = (struct error){0};
        if (registry->ops->id_of(registry, subject, slice_text(schema), out_id, err))
            return true;
        if (err->kind != ERROR_WAITING ||
            (waits_for != NULL && strstr(err->text, waits_for) != NULL))
            return false;
    }
}

static bool find(struct schema_registry *registry, const char *subject, const char *schema,
                 uint32_t *out_id)
{
    struct error err;

    if (ask(registry, subject, schema, NULL, out_id, &err))
        return true;
    fail_msg("%s", err.text);
    return false;
}

#define FIELD(name, type) "{\\\"name\\\":\\\"" name "\\\",\\\"type\\\":" type "}"
#define ROW(id, note)                                                                              \
    "{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"Key\\\",\\\"fields\\\":[" FIELD(                \
        "id", id) "," FIELD("note", note) "]}"
#define LONG "\\\"long\\\""
#define STRING "\\\"string\\\""
/* The new schema as the registry tells it: with another layout of the text. */
#define SAME_ROW                                                                                   \
    "{\\\"name\\\":\\\"Key\\\",\\\"type\\\":\\\"record\\\",\\\"doc\\\":\\\"\\\",\\\"fields\\\":["  \
    "{\\\"name\\\":\\\"id\\\",\\\"type\\\":{\\\"type\\\":\\\"long\\\",\\\"x\\\":1},"               \
    "\\\"default\\\":0},"                                                                          \
    "" FIELD("note", STRING) "]}"
#define OLD_ROW                                                                                    \
    "{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"Key\\\",\\\"fields\\\":[{\\\"name\\\":"         \
    "\\\"id\\\",\\\"type\\\":\\\"int\\\",\\\"default\\\":\\\"\\\\u0000\\\"}," FIELD("note",        \
                                                                                    STRING) "]}"

#define UNKNOWN                                                                                    \
    JSON_ANSWER("404 Not Found", "{\"error_code\":40403,\"message\":\"Schema not found\"}")
#define KNOWN                                                                                      \
    JSON_ANSWER("200 OK",                                                                          \
                "{\"subject\":\"t-key\",\"version\":1,\"id\":7,\"schema\":\"" SAME_ROW "\"}")
#define GIVEN JSON_ANSWER("200 OK", "{\"id\":7}")
#define BY_ID(row) JSON_ANSWER("200 OK", "{\"schema\":\"" row "\"}")

static const char new_schema[] = "{\"type\":\"record\",\"name\":\"Key\",\"fields\":[{\"name\":"
                                 "\"id\",\"type\":\"long\"},{\"name\":\"note\",\"type\":"
                                 "\"string\"}]}";

struct answer_row {
    const char *name;
    const char *answers[ANSWERS_MAX];
    enum error_kind kind; /* ERROR_NONE: id 7 */
    const char *text;     /* in the error */
};

static const struct answer_row answer_rows[] = {
    {"known", {KNOWN}, ERROR_NONE, NULL},
    {"known, the schema not told", {GIVEN, BY_ID(SAME_ROW)}, ERROR_NONE, NULL},
    {"registered", {UNKNOWN, GIVEN, BY_ID(SAME_ROW)}, ERROR_NONE, NULL},
    {"may register, not look up",
     {JSON_ANSWER("403 No", ""), GIVEN, JSON_ANSWER("403 No", "")},
     ERROR_NONE,
     NULL},
    {"a later try",
     {JSON_ANSWER("503 Busy", ""), JSON_ANSWER("500 No", "x"), JSON_ANSWER("429 Slow", ""), KNOWN},
     ERROR_NONE,
     NULL},
    {"another kind of content",
     {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n{\"id\":7}",
      BY_ID(SAME_ROW)},
     ERROR_NONE,
     NULL},
    {"hangs up once", {"", KNOWN}, ERROR_NONE, NULL},
    {"half a body once",
     {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":7", KNOWN},
     ERROR_NONE,
     NULL},
    {"half a head once", {"HTTP/1.1 200 OK\r\nContent-Le", KNOWN}, ERROR_NONE, NULL},
    {"the id comes later", {UNKNOWN, GIVEN, UNKNOWN, UNKNOWN, BY_ID(SAME_ROW)}, ERROR_NONE, NULL},
    {"always busy", {JSON_ANSWER("503 Busy", "")}, ERROR_WAITING, "answers 503; waiting"},
    {"always too much", {JSON_ANSWER("429 Slow", "")}, ERROR_WAITING, "answers 429; waiting"},
    {"always at fault", {JSON_ANSWER("500 No", "")}, ERROR_WAITING, "answers 500; waiting"},
    {"not yet", {SILENCE}, ERROR_WAITING, "has not answered yet about subject t-key"},
    {"silent", {SILENCE}, ERROR_WAITING, "timed out after "},
    {"drips", {DRIP}, ERROR_WAITING, "timed out after "},
    {"hangs up", {""}, ERROR_WAITING, "Empty reply from server; waiting"},
    {"half a body",
     {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":7"},
     ERROR_WAITING,
     "with 93 bytes "}, /* remaining to read, or missing: as libcurl says it */
    {"not HTTP", {"SSH-2.0-OpenSSH\r\n"}, ERROR_WAITING, "HTTP/0.9"},
    {"an id that nobody knows",
     {UNKNOWN, GIVEN, UNKNOWN},
     ERROR_WAITING,
     "does not know the id 7 that it has given"},
    {"not JSON", {JSON_ANSWER("200 OK", "<html>")}, ERROR_CONFIG, "is not a JSON object"},
    {"nothing",
     {JSON_ANSWER("200 OK", "")},
     ERROR_WAITING,
     "answers 200 and nothing else; waiting"},
    {"half a head", {"HTTP/1.1 200 OK\r\nContent-Le"}, ERROR_WAITING, "answers 200 and nothing"},
    {"a list", {JSON_ANSWER("200 OK", "[7]")}, ERROR_CONFIG, "is not a JSON object"},
    {"a number", {JSON_ANSWER("200 OK", "7")}, ERROR_CONFIG, "is not a JSON object"},
    {"no id", {JSON_ANSWER("200 OK", "{}")}, ERROR_CONFIG, "has no id"},
    {"a text as id", {JSON_ANSWER("200 OK", "{\"id\":\"7\"}")}, ERROR_CONFIG, "has no id"},
    {"a fraction as id", {JSON_ANSWER("200 OK", "{\"id\":7.0}")}, ERROR_CONFIG, "has no id"},
    {"an id below 0", {JSON_ANSWER("200 OK", "{\"id\":-1}")}, ERROR_CONFIG, "has no id"},
    {"an id beyond 31 bits",
     {JSON_ANSWER("200 OK", "{\"id\":2147483648}")},
     ERROR_CONFIG,
     "has no id"},
    {"an id beyond 32 bits",
     {JSON_ANSWER("200 OK", "{\"id\":4294967303}")},
     ERROR_CONFIG,
     "has no id"},
    {"an id beyond 64 bits",
     {JSON_ANSWER("200 OK", "{\"id\":18446744073709551623}")},
     ERROR_CONFIG,
     "is not a JSON object"},
    {"another schema",
     {JSON_ANSWER("200 OK", "{\"id\":7,\"schema\":\"" OLD_ROW "\"}")},
     ERROR_CONFIG,
     "has the id 7, but keeps another schema under it"},
    {"another schema under the id",
     {UNKNOWN, GIVEN, BY_ID(ROW(LONG, LONG))},
     ERROR_CONFIG,
     "has the id 7, but keeps another schema under it"},
    {"no schema under the id",
     {UNKNOWN, GIVEN, JSON_ANSWER("200 OK", "{}")},
     ERROR_CONFIG,
     "subject t-key has no schema"},
    {"huge", {HUGE_ANSWER}, ERROR_CONFIG, "its answer is larger than 10"},
    {"refused login",
     {JSON_ANSWER("401 No", "{\"message\":\"who are you\"}")},
     ERROR_CONFIG,
     "refuses our login for subject t-key (401): who are you; check"},
    {"no permission",
     {JSON_ANSWER("403 No", "{\"message\":\"not you\"}")},
     ERROR_CONFIG,
     "refuses our login for subject t-key (403): not you; check"},
    {"somewhere else",
     {JSON_ANSWER("404 Not Found", "<html>")},
     ERROR_CONFIG,
     "answers 404 for subject t-key: no reason given; does schema_registry.url lack a path"},
    {"sent away",
     {"HTTP/1.1 301 Moved\r\nLocation: http://u:secret@elsewhere:8081/x\r\nConnection: "
      "close\r\n\r\n"},
     ERROR_CONFIG,
     "answers 301 for subject t-key and sends us to elsewhere:8081"},
    {"refused schema",
     {UNKNOWN, JSON_ANSWER("422 No", "{\"error_code\":42201,\"message\":\"Invalid\\nschema\"}")},
     ERROR_CONFIG,
     "answers 422 for subject t-key: Invalid?schema; it cannot read the schema"},
    {"incompatible",
     {UNKNOWN, JSON_ANSWER("409 Conflict", "{\"message\":\"READER_FIELD_MISSING_DEFAULT_VALUE\"}"),
      JSON_ANSWER("200 OK", "{\"id\":3,\"schema\":\"" OLD_ROW "\"}")},
     ERROR_CONFIG,
     "subject t-key: refuses the new schema, in which column id has another type; change the table "
     "or the subject's compatibility; it says: READER_FIELD_MISSING_DEFAULT_VALUE"},
    {"incompatible, and no more",
     {UNKNOWN, JSON_ANSWER("409 Conflict", "{\"message\":\"no\"}"), JSON_ANSWER("404 No", "")},
     ERROR_CONFIG,
     "refuses the new schema; change the table or the subject's compatibility; it says: no"},
    {"incompatible, and gone",
     {UNKNOWN, JSON_ANSWER("409 Conflict", "<html>"), ""},
     ERROR_CONFIG,
     "refuses the new schema; change the table or the subject's compatibility; it says: no reason"},
};

static void test_answer(void **state)
{
    const struct answer_row *row = *state;
    bool waits = row->kind == ERROR_WAITING;
    struct server server;
    struct schema_registry *registry;
    struct error err = {0};
    char host[64];
    uint32_t id = 0;
    bool found;

    server_start(&server, row->answers);
    registry = client_for(&server, "", waits ? 400 : 20000);
    found = ask(registry, "t-key", new_schema, row->text, &id, &err);
    schema_registry_destroy(registry);
    server_stop(&server);
    assert_int_equal(err.kind, row->kind);
    assert_int_equal(found, row->kind == ERROR_NONE);
    (void)snprintf(host, sizeof host, "schema registry 127.0.0.1:%u: ", server.port);
    if (found)
        assert_int_equal(id, 7);
    else if (strstr(err.text, row->text) == NULL || strstr(err.text, host) != err.text)
        fail_msg("%s", err.text);
    assert_null(strstr(err.text, "secret"));
}

/* Questions and their logins, of which each text is to hold one. */
static void test_requests(void **state)
{
    static const char *const answers[ANSWERS_MAX] = {
        UNKNOWN, GIVEN, JSON_ANSWER("200 OK", "{\"schema\":\"\\\"int\\\"\"}"),
        JSON_ANSWER("200 OK", "{\"id\":7,\"schema\":\"\\\"int\\\"\"}")};
    static const char *const lines[] = {
        "POST /subjects/a%2Fb-key HTTP/1.1\r\n", "POST /subjects/a%2Fb-key/versions HTTP/1.1\r\n",
        "GET /schemas/ids/7?subject=a%2Fb-key HTTP/1.1\r\n", "POST /subjects/c-key HTTP/1.1\r\n"};
    struct server server;
    struct schema_registry *registry;
    uint32_t id = 0;

    (void)state;
    server_start(&server, answers);
    registry = client_for(&server, "", 20000);
    assert_true(find(registry, "a/b-key", "\"int\"", &id));
    assert_int_equal(server.asked, 3);
    assert_true(find(registry, "a/b-key", "\"int\"", &id));
    assert_int_equal(server.asked, 3); /* the second time from memory */
    assert_true(find(registry, "c-key", "\"int\"", &id));
    assert_int_equal(server.asked, 4); /* by subject */
    schema_registry_destroy(registry);
    server_stop(&server);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_ptr_equal(strstr(server.requests[i], lines[i]), server.requests[i]);
        assert_non_null(
            strstr(server.requests[i], "\r\nAuthorization: Basic cmVhZGVyOnNlY3JldA==\r\n"));
    }
    assert_non_null(strstr(server.requests[1], "\r\n\r\n{\"schema\":\"\\\"int\\\"\"}"));
}

static void test_token(void **state)
{
    static const char *const answers[ANSWERS_MAX] = {KNOWN};
    struct registry_options options = {.token = "tok", .timeout_ms = 20000};
    struct server server;
    struct schema_registry *registry;
    struct error err = {0};
    char url[64];
    uint32_t id = 0;

    (void)state;
    server_start(&server, answers);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", server.port);
    options.url = url;
    registry = registry_client_create(&options, &err);
    assert_non_null(registry);
    assert_true(find(registry, "t", new_schema, &id));
    schema_registry_destroy(registry);
    server_stop(&server);
    assert_non_null(strstr(server.requests[0], "\r\nAuthorization: Bearer tok\r\n"));
}

/* The question is changed while it is under way: the answer to the first one is not taken for the
 * second's. */
static void test_other_question(void **state)
{
    static const char *const answers[ANSWERS_MAX] = {
        SILENCE, JSON_ANSWER("200 OK", "{\"id\":9,\"schema\":\"\\\"int\\\"\"}"), KNOWN};
    struct server server;
    struct schema_registry *registry;
    struct error err = {0};
    uint32_t id = 0;

    (void)state;
    server_start(&server, answers);
    registry = client_for(&server, "", 20000);
    while (server.silent_count == 0) { /* until it has been asked */
        err = (struct error){0};
        assert_false(registry->ops->id_of(registry, "t-key", slice_text(new_schema), &id, &err));
        assert_int_equal(err.kind, ERROR_WAITING);
    }
    assert_true(find(registry, "t-value", "\"int\"", &id));
    assert_int_equal(id, 9);
    assert_true(find(registry, "t-key", new_schema, &id));
    assert_int_equal(id, 7);
    schema_registry_destroy(registry);
    server_stop(&server);
}

struct layout_row {
    const char *name, *one, *other;
    bool same;
};

#define RECORD(head, fields) "{\"type\":\"record\"," head ",\"fields\":[" fields "]}"
#define A_INT "{\"name\":\"a\",\"type\":\"int\"}"

static const struct layout_row layout_rows[] = {
    {"primitive", "\"int\"", "{\"type\":\"int\",\"connect.version\":1}", true},
    {"other primitive", "\"int\"", "\"long\"", false},
    {"wrapped twice", "{\"type\":{\"type\":\"int\",\"a\":1}}", "\"int\"", true},
    {"namespace apart", RECORD("\"name\":\"a.b.C\"", A_INT),
     RECORD("\"name\":\"C\",\"namespace\":\"a.b\"", A_INT), true},
    {"other namespace", RECORD("\"name\":\"a.b.C\"", A_INT), RECORD("\"name\":\"C\"", A_INT),
     false},
    {"inherited namespace",
     RECORD("\"name\":\"a.C\"", "{\"name\":\"x\",\"type\":" RECORD("\"name\":\"a.D\"", "") "}"),
     RECORD("\"name\":\"C\",\"namespace\":\"a\"",
            "{\"name\":\"x\",\"type\":" RECORD("\"name\":\"D\"", "") "}"),
     true},
    {"a reference with and without namespace",
     RECORD("\"name\":\"a.C\"", "{\"name\":\"x\",\"type\":[\"null\",\"a.C\"]}"),
     RECORD("\"name\":\"a.C\"", "{\"name\":\"x\",\"type\":[\"null\",\"C\"]}"), true},
    {"a reference elsewhere",
     RECORD("\"name\":\"a.C\"", "{\"name\":\"x\",\"type\":[\"null\",\"a.C\"]}"),
     RECORD("\"name\":\"a.C\"", "{\"name\":\"x\",\"type\":[\"null\",\"b.C\"]}"), false},
    {"default and doc", RECORD("\"name\":\"C\"", A_INT),
     RECORD("\"name\":\"C\",\"doc\":\"d\"", "{\"default\":1,\"name\":\"a\",\"type\":\"int\"}"),
     true},
    {"a field more", RECORD("\"name\":\"C\"", A_INT), RECORD("\"name\":\"C\"", ""), false},
    {"a field renamed", RECORD("\"name\":\"C\"", A_INT),
     RECORD("\"name\":\"C\"", "{\"name\":\"b\",\"type\":\"int\"}"), false},
    {"branches turned", "[\"null\",\"int\"]", "[\"int\",\"null\"]", false},
    {"a branch less", "[\"null\",\"int\"]", "[\"null\"]", false},
    {"nullable", "[\"null\",\"int\"]", "\"int\"", false},
    {"arrays", "{\"type\":\"array\",\"items\":\"int\"}", "{\"type\":\"array\",\"items\":\"long\"}",
     false},
    {"maps", "{\"type\":\"map\",\"values\":\"int\"}", "{\"type\":\"map\",\"values\":\"int\"}",
     true},
    {"array and map", "{\"type\":\"array\",\"items\":\"int\"}",
     "{\"type\":\"map\",\"values\":\"int\"}", false},
    {"enums", "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}",
     "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", false},
    {"fixed", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}",
     "{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}", false},
    {"no JSON", "\"int\"", "{", false},
    {"no schemas", "7", "7", false},
    {"nothing", "", "", false},
    {"a type that is none", "{\"type\":null}", "{\"type\":null}", false},
};

static void test_layout(void **state)
{
    const struct layout_row *row = *state;

    assert_int_equal(schema_change_same_layout(slice_text(row->one), slice_text(row->other)),
                     row->same);
    assert_int_equal(schema_change_same_layout(slice_text(row->other), slice_text(row->one)),
                     row->same);
}

/* The first address is dead, the second one answers; it stays the one that is asked. */
static void test_several(void **state)
{
    static const char *const answers[ANSWERS_MAX] = {KNOWN};
    struct server server, dead;
    struct schema_registry *registry;
    char before[64];
    uint32_t id = 0;

    (void)state;
    server_start(&dead, answers);
    server_stop(&dead);
    server_start(&server, answers);
    (void)snprintf(before, sizeof before, "http://u:secret@127.0.0.1:%u,", dead.port);
    registry = client_for(&server, before, 20000);
    assert_true(find(registry, "t-key", new_schema, &id));
    assert_true(find(registry, "t-value", new_schema, &id));
    assert_int_equal(server.asked, 2);
    schema_registry_destroy(registry);
    server_stop(&server);
}

/* The first address takes the question and never answers. */
static void test_slow_first(void **state)
{
    static const char *const silence[ANSWERS_MAX] = {SILENCE}, *const answers[ANSWERS_MAX] = {
                                                                   KNOWN};
    struct server slow, server;
    struct schema_registry *registry;
    char before[64];
    uint32_t id = 0;

    (void)state;
    server_start(&slow, silence);
    server_start(&server, answers);
    (void)snprintf(before, sizeof before, "http://127.0.0.1:%u,", slow.port);
    registry = client_for(&server, before, 400);
    assert_true(find(registry, "t-key", new_schema, &id));
    assert_true(find(registry, "t-value", new_schema, &id));
    assert_int_equal(slow.asked, 1);
    assert_int_equal(server.asked, 2); /* the one that has answered stays the first */
    schema_registry_destroy(registry);
    server_stop(&server);
    server_stop(&slow);
}

static void test_addresses(void **state)
{
    static const char *const wrong[] = {"", "localhost", "ftp://localhost", "http://a,,http://b",
                                        "http://"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        const struct registry_options options = {.url = wrong[i], .timeout_ms = 100};
        struct error err = {0};

        if (registry_client_create(&options, &err) != NULL)
            fail_msg("%s was taken", wrong[i]);
        assert_int_equal(err.kind, ERROR_CONFIG);
    }
}

static struct schema_registry *open_directory(const char *path)
{
    struct error err = {0};
    struct schema_registry *registry = registry_directory_create(path, &err);

    if (registry == NULL)
        fail_msg("%s", err.text);
    return registry;
}

static uint32_t id_in(struct schema_registry *registry, const char *subject, const char *schema)
{
    struct error err = {0};
    uint32_t id = 0;

    if (!registry->ops->id_of(registry, subject, slice_text(schema), &id, &err))
        fail_msg("%s", err.text);
    return id;
}

static void append(const char *folder, const char *name, const char *text)
{
    char path[512];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"1.avsc", "2.avsc", "3.avsc", "subjects"};
    char path[512];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static void test_directory(void **state)
{
    char folder[] = "registry-XXXXXX";
    struct schema_registry *registry;
    struct error err = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    registry = open_directory(folder);
    assert_int_equal(id_in(registry, "a-key", "\"int\""), 1);
    assert_int_equal(id_in(registry, "a-key", "\"long\""), 2);
    assert_int_equal(id_in(registry, "b-key", "\"int\""), 1); /* one schema, one id */
    assert_int_equal(id_in(registry, "a-key", "\"int\""), 1);
    schema_registry_destroy(registry);
    append(folder, "subjects", "3 half"); /* the machine went down there */
    registry = open_directory(folder);
    assert_int_equal(id_in(registry, "b-key", "\"int\""), 1);
    assert_int_equal(id_in(registry, "half", "\"string\""), 3);
    schema_registry_destroy(registry);
    append(folder, "subjects", "no number\n");
    assert_null(registry_directory_create(folder, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    remove_folder(folder);
}

static size_t add_rows(struct CMUnitTest *tests)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(answer_rows); i++)
        tests[n++] = (struct CMUnitTest){.name = answer_rows[i].name,
                                         .test_func = test_answer,
                                         .initial_state = (void *)(uintptr_t)&answer_rows[i]};
    for (size_t i = 0; i < ARRAY_LEN(layout_rows); i++)
        tests[n++] = (struct CMUnitTest){.name = layout_rows[i].name,
                                         .test_func = test_layout,
                                         .initial_state = (void *)(uintptr_t)&layout_rows[i]};
    return n;
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(answer_rows) + ARRAY_LEN(layout_rows)];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_requests),  cmocka_unit_test(test_token),
        cmocka_unit_test(test_several),   cmocka_unit_test(test_slow_first),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_other_question),
        cmocka_unit_test(test_directory),
    };

    assert_int_equal(add_rows(tests), ARRAY_LEN(tests));
    return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(others, NULL, NULL);
}
