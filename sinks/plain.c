#include "sinks/plain.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "millrace/buf.h"
#include "millrace/mem.h"
#include "sinks/record_json.h"

#define WRITE_BYTES ((size_t)64 * 1024)
#define LINE_LIMIT_BYTES ((size_t)3 << 30)

struct plain_sink {
    struct sink base;
    struct recorder *recorder;
    int fd;            /* stdout only */
    struct buf buffer; /* stdout only */
    bool has_committed;
    bool is_broken;
};

static struct plain_sink *plain_of(struct sink *sink)
{
    return (struct plain_sink *)sink;
}

static bool plain_recover(struct sink *sink, struct position *out_position, struct error *err)
{
    (void)sink;
    (void)err;
    *out_position = (struct position){0};
    return true;
}

static bool write_failed(int os_errno, struct error *err)
{
    if (os_errno == EPIPE)
        return error_set(err, ERROR_SYSTEM, "the reader of standard output went away");
    return error_os(err, os_errno, "cannot write to standard output");
}

/* Somebody may have made the descriptor non-blocking; it is shared with the terminal. */
static bool may_retry(int fd, int os_errno)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};

    if (os_errno == EINTR)
        return true;
    return (os_errno == EAGAIN || os_errno == EWOULDBLOCK) &&
           (poll(&wait, 1, -1) >= 0 || errno == EINTR);
}

static bool flush(struct plain_sink *plain, struct error *err)
{
    size_t done = 0, piece;
    ssize_t wrote;

    if (plain->buffer.failed)
        return error_set(err, ERROR_SYSTEM, "no memory for a line of standard output");
    while (done < plain->buffer.len) {
        piece = plain->buffer.len - done;
        wrote =
            write(plain->fd, plain->buffer.at + done, piece < WRITE_BYTES ? piece : WRITE_BYTES);
        if (wrote < 0 && !may_retry(plain->fd, errno))
            return write_failed(errno, err);
        if (wrote > 0)
            done += (size_t)wrote;
    }
    buf_reset(&plain->buffer, 4 * WRITE_BYTES);
    return true;
}

static bool put_lines(struct plain_sink *plain, const struct records *records, struct error *err)
{
    for (size_t i = 0; i < records->count; i++) {
        record_json_append(&plain->buffer, &records->at[i], NULL);
        if ((plain->buffer.failed || plain->buffer.len >= WRITE_BYTES) && !flush(plain, err))
            return false;
    }
    return true;
}

static void count(struct sink *sink, const struct records *records)
{
    for (size_t i = 0; i < records->count; i++)
        sink->pending_bytes += records->at[i].key.len + records->at[i].value.len;
    sink->pending_records += records->count;
}

static bool refuse_broken(struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "the sink is not usable after an earlier failure");
}

static enum put_outcome plain_put(struct sink *sink, const struct event *event, struct error *err)
{
    struct plain_sink *plain = plain_of(sink);
    struct records records;

    if (plain->is_broken) {
        (void)refuse_broken(err);
        return PUT_FAILED;
    }
    plain->is_broken = true;
    if (!recorder_make(plain->recorder, event, &records, err))
        return PUT_FAILED;
    if (plain->fd >= 0 && !put_lines(plain, &records, err))
        return PUT_FAILED;
    plain->is_broken = false;
    recorder_taken(plain->recorder);
    count(sink, &records);
    return PUT_TAKEN;
}

static bool plain_commit(struct sink *sink, const struct position *position, struct error *err)
{
    struct plain_sink *plain = plain_of(sink);

    (void)position; /* nothing is kept: every run begins anew */
    if (plain->is_broken)
        return refuse_broken(err);
    if (!flush(plain, err)) {
        plain->is_broken = true;
        return false;
    }
    sink->pending_records = sink->pending_bytes = 0;
    plain->has_committed = true;
    return true;
}

static enum reap_outcome plain_reap(struct sink *sink, struct error *err)
{
    struct plain_sink *plain = plain_of(sink);
    bool news = plain->has_committed;

    if (plain->is_broken) {
        (void)refuse_broken(err);
        return REAP_BROKEN;
    }
    plain->has_committed = false;
    return news ? REAP_COMMITTED : REAP_PENDING;
}

static int plain_fd(const struct sink *sink)
{
    (void)sink;
    return -1;
}

static void plain_close(struct sink *sink)
{
    struct plain_sink *plain = plain_of(sink);

    if (plain == NULL)
        return;
    recorder_destroy(plain->recorder);
    buf_done(&plain->buffer);
    free(plain);
}

static const struct sink_ops stdout_ops = {
    .name = "stdout",
    .recover = plain_recover,
    .put = plain_put,
    .commit = plain_commit,
    .reap = plain_reap,
    .fd = plain_fd,
    .close = plain_close,
};

static const struct sink_ops null_ops = {
    .name = "null",
    .recover = plain_recover,
    .put = plain_put,
    .commit = plain_commit,
    .reap = plain_reap,
    .fd = plain_fd,
    .close = plain_close,
};

static struct sink *create(const struct sink_ops *ops, int fd, struct recorder *recorder)
{
    struct plain_sink *plain = mem_new(struct plain_sink);

    *plain = (struct plain_sink){.base.ops = ops, .recorder = recorder, .fd = fd};
    buf_init(&plain->buffer, LINE_LIMIT_BYTES);
    return &plain->base;
}

struct sink *stdout_sink_create(int fd, struct recorder *recorder)
{
    return create(&stdout_ops, fd, recorder);
}

struct sink *null_sink_create(struct recorder *recorder)
{
    return create(&null_ops, -1, recorder);
}
