#include "relay/pg_window.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Of SO_RCVBUF, which the kernel doubles (socket(7)): a window of 36 to 72 kB, after the kernel.
 * One below 32 kB, half of what a window begins with, would stall: a peer that has a packet of that
 * size to send waits for its probe timer, 200 ms.
 */
#define RECEIVE_BUFFER_BYTES (36 * 1024)

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET)
        return memcmp(&((const struct sockaddr_in *)a)->sin_addr,
                      &((const struct sockaddr_in *)b)->sin_addr, sizeof(struct in_addr)) == 0;
    if (a->ss_family == AF_INET6)
        return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                      &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
    return false; /* a Unix socket has no window */
}

static bool is_local(int socket_fd)
{
    struct sockaddr_storage own = {0}, peer = {0};
    socklen_t own_len = sizeof own, peer_len = sizeof peer;

    return getsockname(socket_fd, (struct sockaddr *)&own, &own_len) == 0 &&
           getpeername(socket_fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
           same_address(&own, &peer);
}

bool pg_window_narrow(int socket_fd)
{
    int bytes = RECEIVE_BUFFER_BYTES;

    return is_local(socket_fd) &&
           setsockopt(socket_fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0;
}
