#include "relay/pg_feedback.h"

#define STATUS_MOST_US 10000000
#define STATUS_LEAST_US 100000

void pg_feedback_init(struct pg_feedback *f, uint64_t start_lsn, uint64_t durable,
                      int64_t wal_sender_timeout_ms, int64_t silence_timeout_ms, int64_t now_us)
{
    int64_t every_us = wal_sender_timeout_ms * 1000 / 4;

    if (wal_sender_timeout_ms <= 0 || every_us > STATUS_MOST_US)
        every_us = STATUS_MOST_US;
    if (every_us < STATUS_LEAST_US)
        every_us = STATUS_LEAST_US;
    *f = (struct pg_feedback){.received = start_lsn,
                              .durable = durable,
                              .status_every_us = every_us,
                              .silence_us = silence_timeout_ms * 1000,
                              .sent_us = now_us,
                              .heard_us = now_us};
}

void pg_feedback_returned(struct pg_feedback *f, uint64_t end_lsn)
{
    if (end_lsn > f->received)
        f->received = end_lsn;
}

bool pg_feedback_keepalive(struct pg_feedback *f, uint64_t wal_end, bool reply_requested,
                           uint64_t *out_end_lsn)
{
    bool news = wal_end > f->received;

    pg_feedback_returned(f, wal_end);
    *out_end_lsn = f->received;
    if (reply_requested && f->durable < f->received && f->urgent < f->received) {
        f->urgent = f->received;
        return true;
    }
    return news;
}

bool pg_feedback_confirm(struct pg_feedback *f, uint64_t end_lsn)
{
    if (end_lsn > f->received)
        return false;
    if (end_lsn > f->durable)
        f->durable = end_lsn;
    return true;
}

void pg_feedback_heard(struct pg_feedback *f, int64_t now_us)
{
    f->heard_us = now_us;
    f->asked = false;
}

void pg_feedback_sent(struct pg_feedback *f, int64_t now_us, bool asked)
{
    f->sent_us = now_us;
    f->asked = f->asked || asked;
}

enum pg_feedback_due pg_feedback_due(const struct pg_feedback *f, int64_t now_us)
{
    int64_t silent_us = now_us - f->heard_us;

    if (f->silence_us > 0 && silent_us >= f->silence_us)
        return PG_FEEDBACK_DEAD;
    if (f->silence_us > 0 && silent_us >= f->silence_us / 2 && !f->asked)
        return PG_FEEDBACK_ASK;
    if (now_us - f->sent_us >= f->status_every_us)
        return PG_FEEDBACK_STATUS;
    return PG_FEEDBACK_NOTHING;
}

uint64_t pg_feedback_flush(const struct pg_feedback *f)
{
    return f->durable;
}
