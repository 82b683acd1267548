/* The one file that knows Linux's signalfd. */
#include "relay/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool signals_open(struct signals *s, struct error *err)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t wanted;

    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGINT);
    (void)sigaddset(&wanted, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &wanted, NULL) != 0 || sigaction(SIGPIPE, &ignore, NULL) != 0 ||
        sigaction(SIGXFSZ, &ignore, NULL) != 0)
        return error_os(err, errno, "cannot set up signals");
    s->received = 0;
    s->fd = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->fd < 0)
        return error_os(err, errno, "signalfd");
    return true;
}

bool signals_take(struct signals *s)
{
    struct signalfd_siginfo info;

    while (read(s->fd, &info, sizeof info) == (ssize_t)sizeof info)
        s->received++;
    return s->received > 0;
}

void signals_close(struct signals *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}
