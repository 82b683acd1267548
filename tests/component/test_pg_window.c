/* The receive window of a server on the same machine. */
#include "relay/pg_window.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "millrace/attr.h"

#define MESSAGE_BYTES 130
#define MESSAGES 50000

/* Both ends of a connection. */
struct link {
    int reader, writer;
};

static int buffer_of(int socket_fd)
{
    int bytes = 0;
    socklen_t len = sizeof bytes;

    assert_int_equal(getsockopt(socket_fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len), 0);
    return bytes;
}

static struct sockaddr_storage address(const char *text, socklen_t *out_len)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;

    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        *out_len = sizeof *in;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
        in6->sin6_family = AF_INET6;
        *out_len = sizeof *in6;
    }
    return storage;
}

/* False when the machine lacks the address. */
static bool join(struct link *link, const char *reader, const char *writer)
{
    socklen_t len, own_len;
    struct sockaddr_storage to = address(writer, &len), from = address(reader, &own_len);
    int server = socket(to.ss_family, SOCK_STREAM, 0);

    if (server < 0 || bind(server, (struct sockaddr *)&to, len) != 0) {
        (void)close(server);
        return false;
    }
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&to, &len), 0);
    link->reader = socket(from.ss_family, SOCK_STREAM, 0);
    assert_int_equal(bind(link->reader, (struct sockaddr *)&from, own_len), 0);
    assert_int_equal(connect(link->reader, (struct sockaddr *)&to, len), 0);
    link->writer = accept(server, NULL, NULL);
    assert_true(link->writer >= 0);
    (void)close(server);
    return true;
}

static void part(const struct link *link)
{
    (void)close(link->reader);
    (void)close(link->writer);
}

struct row {
    const char *name;
    const char *reader, *writer;
    bool narrowed;
};

static const struct row rows[] = {
    {"one IPv4 address", "127.0.0.1", "127.0.0.1", true},
    {"one IPv6 address", "::1", "::1", true},
    {"two addresses", "127.0.0.2", "127.0.0.1", false},
};

static void only_one_machine_is_narrowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct link link = {-1, -1};
        int before;

        if (!join(&link, rows[i].reader, rows[i].writer)) {
            print_message("%s: this machine has none\n", rows[i].name);
            continue;
        }
        before = buffer_of(link.reader);
        assert_int_equal(pg_window_narrow(link.reader), rows[i].narrowed);
        if ((buffer_of(link.reader) < before) != rows[i].narrowed)
            fail_msg("%s: %d bytes of buffer were %d", rows[i].name, buffer_of(link.reader),
                     before);
        part(&link);
    }
}

static void what_has_no_window_is_left_alone(void **state)
{
    int pair[2];
    int before;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    before = buffer_of(pair[0]);
    assert_false(pg_window_narrow(pair[0]));
    assert_int_equal(buffer_of(pair[0]), before);
    (void)close(pair[0]);
    (void)close(pair[1]);
    assert_false(pg_window_narrow(-1));
}

/* Writes until the socket takes no more; returns what it took. */
static size_t write_some(int fd, size_t most)
{
    char message[MESSAGE_BYTES] = {0};
    size_t written = 0;

    while (written < most) {
        size_t len = most - written < sizeof message ? most - written : sizeof message;
        ssize_t took = send(fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (took < 0)
            break;
        written += (size_t)took;
    }
    return written;
}

static size_t read_some(int fd)
{
    char bytes[16384];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    size_t total = 0;
    ssize_t len;

    assert_int_equal(poll(&ready, 1, 60000), 1);
    while ((len = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        total += (size_t)len;
    return total;
}

/* A reader that comes late each time, a writer of small messages: nothing is lost or stuck. */
static void small_messages_pass(void **state)
{
    const size_t whole = (size_t)MESSAGES * MESSAGE_BYTES;
    size_t written = 0, seen = 0;
    struct link link = {-1, -1};

    (void)state;
    assert_true(join(&link, "127.0.0.1", "127.0.0.1"));
    assert_true(pg_window_narrow(link.reader));
    while (seen < whole) {
        written += write_some(link.writer, whole - written);
        seen += read_some(link.reader);
    }
    assert_int_equal(seen, whole);
    part(&link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_one_machine_is_narrowed),
        cmocka_unit_test(what_has_no_window_is_left_alone),
        cmocka_unit_test(small_messages_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
