/* Both schema registries: the client against every answer a server may give, and the directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

#define ANSWERS_MAX 8
#define REQUEST_BYTES 8192
#define JSON_ANSWER(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body

static const char SILENCE[] = "(takes the question and never answers)";
static const char HUGE_ANSWER[] = "(two megabytes)";

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

#define OLD_ROW                                                                                    \
    "{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"Key\\\",\\\"fields\\\":[{\\\"name\\\":"         \
    "\\\"id\\\",\\\"type\\\":\\\"int\\\",\\\"default\\\":\\\"\\\\u0000\\\"},{\\\"name\\\":"        \
    "\\\"note\\\",\\\"type\\\":"                                                                   \
    "\\\"string\\\"}]}"

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
    {"registered", {JSON_ANSWER("200 OK", "{\"id\":7}")}, ERROR_NONE, NULL},
    {"a later try",
     {JSON_ANSWER("503 Busy", ""), JSON_ANSWER("500 No", "x"), JSON_ANSWER("200 OK", "{\"id\":7}")},
     ERROR_NONE,
     NULL},
    {"hangs up once", {"", JSON_ANSWER("200 OK", "{\"id\":7}")}, ERROR_NONE, NULL},
    {"always busy", {JSON_ANSWER("503 Busy", "")}, ERROR_LINK, "answers 503"},
    {"silent", {SILENCE}, ERROR_LINK, "no answer within 400 ms"},
    {"not HTTP", {"SSH-2.0-OpenSSH\r\n"}, ERROR_LINK, "subject t-key"},
    {"not JSON", {JSON_ANSWER("200 OK", "<html>")}, ERROR_CONFIG, "is not a JSON object"},
    {"nothing", {JSON_ANSWER("200 OK", "")}, ERROR_CONFIG, "is not a JSON object"},
    {"no id", {JSON_ANSWER("200 OK", "{}")}, ERROR_CONFIG, "has no id"},
    {"a text as id", {JSON_ANSWER("200 OK", "{\"id\":\"7\"}")}, ERROR_CONFIG, "has no id"},
    {"an id below 0", {JSON_ANSWER("200 OK", "{\"id\":-1}")}, ERROR_CONFIG, "has no id"},
    {"an id beyond 31 bits",
     {JSON_ANSWER("200 OK", "{\"id\":2147483648}")},
     ERROR_CONFIG,
     "has no id"},
    {"huge", {HUGE_ANSWER}, ERROR_CONFIG, "larger than 1048576 bytes"},
    {"refused login",
     {JSON_ANSWER("401 No", "{\"message\":\"who are you\"}")},
     ERROR_CONFIG,
     "refuses our login for subject t-key (401): who are you"},
    {"refused schema",
     {JSON_ANSWER("422 No", "{\"error_code\":42201,\"message\":\"Invalid schema\"}")},
     ERROR_CONFIG,
     "answers 422 for subject t-key: Invalid schema"},
    {"incompatible",
     {JSON_ANSWER("409 Conflict", "{\"message\":\"READER_FIELD_MISSING_DEFAULT_VALUE\"}"),
      JSON_ANSWER("200 OK", "{\"id\":3,\"schema\":\"" OLD_ROW "\"}")},
     ERROR_CONFIG,
     "subject t-key: the schema registry refuses the new schema, in which column id has another "
     "type: READER_FIELD_MISSING_DEFAULT_VALUE"},
    {"incompatible, and no more",
     {JSON_ANSWER("409 Conflict", "{\"message\":\"no\"}"), JSON_ANSWER("404 No", "")},
     ERROR_CONFIG,
     "refuses the new schema: no"},
};

static void test_answer(void **state)
{
    const struct answer_row *row = *state;
    struct server server;
    struct schema_registry *registry;
    struct error err = {0};
    uint32_t id = 0;
    bool found;

    server_start(&server, row->answers);
    registry = client_for(&server, "", row->kind == ERROR_LINK ? 400 : 20000);
    found = registry->ops->id_of(registry, "t-key", slice_text(new_schema), &id, &err);
    schema_registry_destroy(registry);
    server_stop(&server);
    assert_int_equal(err.kind, row->kind);
    assert_int_equal(found, row->kind == ERROR_NONE);
    if (found)
        assert_int_equal(id, 7);
    else if (strstr(err.text, row->text) == NULL)
        fail_msg("%s", err.text);
    assert_null(strstr(err.text, "secret"));
}

static void test_request(void **state)
{
    static const char *const answers[ANSWERS_MAX] = {JSON_ANSWER("200 OK", "{\"id\":7}")};
    struct server server;
    struct schema_registry *registry;
    struct error err = {0};
    uint32_t id = 0;

    (void)state;
    server_start(&server, answers);
    registry = client_for(&server, "", 20000);
    assert_true(registry->ops->id_of(registry, "a/b-key", slice_text("\"int\""), &id, &err));
    assert_true(registry->ops->id_of(registry, "a/b-key", slice_text("\"int\""), &id, &err));
    assert_int_equal(server.asked, 1); /* the second time from memory */
    assert_true(registry->ops->id_of(registry, "c-key", slice_text("\"int\""), &id, &err));
    assert_int_equal(server.asked, 2); /* by subject */
    schema_registry_destroy(registry);
    server_stop(&server);
    assert_non_null(strstr(server.requests[0], "POST /subjects/a%2Fb-key/versions HTTP/1.1\r\n"));
    assert_non_null(
        strstr(server.requests[0], "\r\nAuthorization: Basic cmVhZGVyOnNlY3JldA==\r\n"));
    assert_non_null(strstr(server.requests[0], "\r\n\r\n{\"schema\":\"\\\"int\\\"\"}"));
}

static void test_token(void **state)
{
    static const char *const answers[ANSWERS_MAX] = {JSON_ANSWER("200 OK", "{\"id\":7}")};
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
    assert_true(registry->ops->id_of(registry, "t", slice_text("\"int\""), &id, &err));
    schema_registry_destroy(registry);
    server_stop(&server);
    assert_non_null(strstr(server.requests[0], "\r\nAuthorization: Bearer tok\r\n"));
}

/* The first address is dead, the second one answers; it stays the one that is asked. */
static void test_several(void **state)
{
    static const char *const answers[ANSWERS_MAX] = {JSON_ANSWER("200 OK", "{\"id\":7}")};
    struct server server, dead;
    struct schema_registry *registry;
    struct error err = {0};
    char before[64];
    uint32_t id = 0;

    (void)state;
    server_start(&dead, answers);
    server_stop(&dead);
    server_start(&server, answers);
    (void)snprintf(before, sizeof before, "http://u:secret@127.0.0.1:%u,", dead.port);
    registry = client_for(&server, before, 20000);
    assert_true(registry->ops->id_of(registry, "t-key", slice_text("\"int\""), &id, &err));
    schema_registry_destroy(registry);
    server_stop(&server);
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

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(answer_rows)];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_request),   cmocka_unit_test(test_token),
        cmocka_unit_test(test_several),   cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_directory),
    };

    for (size_t i = 0; i < ARRAY_LEN(answer_rows); i++)
        tests[i] = (struct CMUnitTest){.name = answer_rows[i].name,
                                       .test_func = test_answer,
                                       .initial_state = (void *)(uintptr_t)&answer_rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(others, NULL, NULL);
}
