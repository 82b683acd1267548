#include "sinks/registry_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "millrace/mem.h"

#define URLS_MAX 16

struct address {
    char *url; /* without a slash at the end */
    char *name;
};

struct registry_http {
    struct address addresses[URLS_MAX];
    size_t address_count;
    char *user, *password, *token, *ca, *certificate, *key;
    int64_t timeout_ms;
    CURLM *multi;
    CURL *easy;
    bool in_flight;
    size_t address; /* that was asked last */
    struct curl_slist *headers;
    struct buf answer;
    size_t answer_limit_bytes;
    long status;
    char detail[CURL_ERROR_SIZE];
};

/* ---- addresses ---- */

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

static bool add_address(struct registry_http *h, struct slice text, struct error *err)
{
    struct address *address = &h->addresses[h->address_count];

    while (text.len > 0 && text.at[0] == ' ')
        text = slice_of(text.at + 1, text.len - 1);
    while (text.len > 0 && (text.at[text.len - 1] == '/' || text.at[text.len - 1] == ' '))
        text.len--;
    if (h->address_count == URLS_MAX)
        return error_set(err, ERROR_CONFIG, "schema_registry.url: more than %d addresses",
                         URLS_MAX);
    address->url = mem_zero(text.len + 1, 1);
    memcpy(address->url, text.at, text.len);
    address->name = name_of(address->url);
    h->address_count++;
    if (address->name == NULL)
        return error_set(err, ERROR_CONFIG,
                         "schema_registry.url: address %zu is no http:// or https:// address",
                         h->address_count);
    return true;
}

static bool add_addresses(struct registry_http *h, const char *list, struct error *err)
{
    for (;;) {
        size_t len = strcspn(list, ",");

        if (!add_address(h, slice_of(list, len), err))
            return false;
        if (list[len] == '\0')
            return true;
        list += len + 1;
    }
}

size_t registry_http_addresses(const struct registry_http *h)
{
    return h->address_count;
}

const char *registry_http_name(const struct registry_http *h, size_t address)
{
    return h->addresses[address].name;
}

/* ---- create, destroy ---- */

static bool add_header(struct registry_http *h, const char *line)
{
    struct curl_slist *longer = curl_slist_append(h->headers, line);

    if (longer != NULL)
        h->headers = longer;
    return longer != NULL;
}

/* An empty Expect: curl would wait for the server's leave to send a body of 1 MiB. */
static bool prepare(struct registry_http *h)
{
    h->multi = curl_multi_init();
    h->easy = curl_easy_init();
    return h->multi != NULL && h->easy != NULL &&
           add_header(h, "Content-Type: application/vnd.schemaregistry.v1+json") &&
           add_header(h, "Expect:");
}

struct registry_http *registry_http_create(const struct registry_options *options,
                                           struct error *err)
{
    struct registry_http *h = mem_new(struct registry_http);

    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    h->user = mem_text(options->user);
    h->password = mem_text(options->password);
    h->token = mem_text(options->token);
    h->ca = mem_text(options->ca);
    h->certificate = mem_text(options->certificate);
    h->key = mem_text(options->key);
    h->timeout_ms = options->timeout_ms;
    buf_init(&h->answer, 0);
    if (!prepare(h))
        (void)error_set(err, ERROR_SYSTEM, "no memory for the client of the schema registry");
    else if (add_addresses(h, options->url, err))
        return h;
    registry_http_destroy(h);
    return NULL;
}

static void give_up(struct registry_http *h)
{
    if (h->in_flight)
        (void)curl_multi_remove_handle(h->multi, h->easy);
    h->in_flight = false;
}

void registry_http_destroy(struct registry_http *h)
{
    if (h == NULL)
        return;
    give_up(h);
    for (size_t i = 0; i < h->address_count; i++) {
        free(h->addresses[i].url);
        free(h->addresses[i].name);
    }
    free(h->user);
    free(h->password);
    free(h->token);
    free(h->ca);
    free(h->certificate);
    free(h->key);
    buf_done(&h->answer);
    curl_slist_free_all(h->headers);
    curl_easy_cleanup(h->easy);
    (void)curl_multi_cleanup(h->multi);
    free(h);
    curl_global_cleanup();
}

/* ---- ask ---- */

/* libcurl takes anything but `size * count` as a failure. */
static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
    struct buf *answer = context;

    buf_append(answer, bytes, size * count);
    return answer->failed ? 0 : size * count;
}

/* A password for the key is given, though there is none: OpenSSL would ask the terminal for it. */
static void set_tls(struct registry_http *h)
{
    if (h->ca != NULL)
        (void)curl_easy_setopt(h->easy, CURLOPT_CAINFO, h->ca);
    if (h->certificate != NULL)
        (void)curl_easy_setopt(h->easy, CURLOPT_SSLCERT, h->certificate);
    if (h->key != NULL)
        (void)curl_easy_setopt(h->easy, CURLOPT_SSLKEY, h->key);
    (void)curl_easy_setopt(h->easy, CURLOPT_KEYPASSWD, "");
}

static void set_login(struct registry_http *h)
{
    if (h->token != NULL) {
        (void)curl_easy_setopt(h->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        (void)curl_easy_setopt(h->easy, CURLOPT_XOAUTH2_BEARER, h->token);
    } else if (h->user != NULL) {
        (void)curl_easy_setopt(h->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        (void)curl_easy_setopt(h->easy, CURLOPT_USERNAME, h->user);
        (void)curl_easy_setopt(h->easy, CURLOPT_PASSWORD, h->password == NULL ? "" : h->password);
    }
}

/* QUICK_EXIT: giving up a question must not wait for the resolver's thread. */
static void set_up(struct registry_http *h)
{
    CURL *easy = h->easy;

    curl_easy_reset(easy);
    h->detail[0] = '\0';
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "millrace/" MILLRACE_VERSION);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, h->headers);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, h->detail);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, &h->answer);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)h->timeout_ms);
    set_tls(h);
    set_login(h);
}

/* <url><before><subject><behind> */
static bool set_url(struct registry_http *h, const struct registry_question *q)
{
    char *escaped = curl_easy_escape(h->easy, q->subject, 0);
    struct buf url;
    bool fits;

    buf_init(&url, SIZE_MAX);
    buf_text(&url, h->addresses[q->address].url);
    buf_text(&url, q->before);
    buf_text(&url, escaped == NULL ? "" : escaped);
    buf_text(&url, q->behind);
    buf_byte(&url, '\0');
    fits = escaped != NULL && !url.failed &&
           curl_easy_setopt(h->easy, CURLOPT_URL, (const char *)url.at) == CURLE_OK;
    curl_free(escaped);
    buf_done(&url);
    return fits;
}

void registry_http_ask(struct registry_http *h, const struct registry_question *question)
{
    give_up(h);
    h->status = 0;
    h->address = question->address;
    h->answer_limit_bytes = question->answer_limit_bytes;
    buf_done(&h->answer);
    buf_init(&h->answer, question->answer_limit_bytes);
    set_up(h);
    if (question->body.at != NULL) {
        (void)curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, (const char *)question->body.at);
        (void)curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)question->body.len);
    }
    h->in_flight = set_url(h, question) && curl_multi_add_handle(h->multi, h->easy) == CURLM_OK;
}

/* ---- wait ---- */

/* What OpenSSL says when the other side has refused our certificate, or misses it; and what libcurl
 * makes of it where TLS 1.2 says that ours is over. */
static bool is_about_our_certificate(const struct registry_http *h, const char *detail)
{
    const char *alert = strstr(detail, "alert");

    if (alert != NULL)
        return strstr(alert, "certificate") != NULL || strstr(alert, "unknown ca") != NULL;
    return h->certificate != NULL && strcmp(detail, "SSL certificate verification failed") == 0;
}

static bool fail_tls(const struct registry_http *h, const char *name, const char *detail,
                     struct error *err)
{
    if (h->certificate == NULL)
        return error_set(err, ERROR_CONFIG,
                         "schema registry %s: wants a certificate of ours (%s): set "
                         "schema_registry.certificate and .key",
                         name, detail);
    return error_set(err, ERROR_CONFIG,
                     "schema registry %s: refuses our certificate (%s): look at "
                     "schema_registry.certificate, when it ends and who has signed it",
                     name, detail);
}

static bool fail(const struct registry_http *h, CURLcode code, struct error *err)
{
    const char *name = registry_http_name(h, h->address);
    const char *detail = h->detail[0] != '\0' ? h->detail : curl_easy_strerror(code);

    if (h->answer.failed)
        return error_set(err, ERROR_CONFIG,
                         "schema registry %s: its answer is larger than %zu bytes: is "
                         "schema_registry.url right?",
                         name, h->answer_limit_bytes);
    if (code == CURLE_OUT_OF_MEMORY)
        return error_set(err, ERROR_SYSTEM, "no memory to ask the schema registry");
    if (code == CURLE_SSL_CACERT_BADFILE)
        return error_set(err, ERROR_CONFIG, "schema_registry.ca: cannot be used: %s", detail);
    if (code == CURLE_SSL_CERTPROBLEM)
        return error_set(err, ERROR_CONFIG,
                         "schema_registry.certificate or .key: cannot be used: %s", detail);
    if (is_about_our_certificate(h, detail))
        return fail_tls(h, name, detail, err);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return error_set(err, ERROR_CONFIG,
                         "schema registry %s: its certificate cannot be trusted (%s): set "
                         "schema_registry.ca to the authority that has signed it, or renew it",
                         name, detail);
    if (strstr(detail, "alert handshake failure") != NULL) /* TLS 1.2 says no more */
        return error_set(err, ERROR_CONFIG,
                         "schema registry %s: refuses the TLS handshake (%s): does it want a "
                         "certificate of ours (schema_registry.certificate and .key)?",
                         name, detail);
    if (strstr(detail, "wrong version number") != NULL)
        return error_set(err, ERROR_CONFIG,
                         "schema registry %s: does not speak TLS: is schema_registry.url to begin "
                         "with http:// ?",
                         name);
    return error_set(err, ERROR_LINK, "schema registry %s: %s", name, detail);
}

static enum http_outcome finish(struct registry_http *h, CURLcode code, struct error *err)
{
    give_up(h);
    if (code != CURLE_OK || h->answer.failed) {
        (void)fail(h, code, err);
        return HTTP_FAILED;
    }
    (void)curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &h->status);
    return HTTP_ANSWERED;
}

enum http_outcome registry_http_wait(struct registry_http *h, int64_t wait_ms, struct error *err)
{
    int running = 0, left = 0;
    const CURLMsg *news;

    if (!h->in_flight) /* nor could it be asked */
        return finish(h, CURLE_OUT_OF_MEMORY, err);
    if (curl_multi_perform(h->multi, &running) != CURLM_OK)
        return finish(h, CURLE_OUT_OF_MEMORY, err);
    if (running > 0 && wait_ms > 0 &&
        (curl_multi_poll(h->multi, NULL, 0, (int)wait_ms, NULL) != CURLM_OK ||
         curl_multi_perform(h->multi, &running) != CURLM_OK))
        return finish(h, CURLE_OUT_OF_MEMORY, err);
    news = curl_multi_info_read(h->multi, &left);
    if (news == NULL || news->msg != CURLMSG_DONE)
        return HTTP_WAITING;
    return finish(h, news->data.result, err);
}

long registry_http_status(const struct registry_http *h)
{
    return h->status;
}

struct slice registry_http_answer(const struct registry_http *h)
{
    return buf_view(&h->answer);
}

void registry_http_redirect(const struct registry_http *h, char *out, size_t size)
{
    char *url = NULL, *name = NULL;

    (void)curl_easy_getinfo(h->easy, CURLINFO_REDIRECT_URL, &url);
    name = url == NULL ? NULL : name_of(url);
    (void)snprintf(out, size, "%s", name == NULL ? "" : name);
    free(name);
}

const char *registry_http_version(void)
{
    return LIBCURL_VERSION;
}
