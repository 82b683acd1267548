/*
 * kafka_transaction - the thread that makes the calls which block, and tells the loop when they are
 * done.
 *
 *     loop's thread                        helper
 *     ask(JOB_OPEN)      ----------------> fence, position topic, read the position
 *     take(JOB_OPEN)     <- wake_fd -----  done, or the producer has failed
 *     produce ...                          serves delivery reports and errors
 *     ask(JOB_TOPICS)    ----------------> look topics up, make them
 *     ask(JOB_COMMIT)    ----------------> position record, flush
 *     produce ...        <- wake_fd -----  exactly once: the other lane is to be filled; commit
 *     take(JOB_COMMIT)   <- wake_fd -----  done, or the producer has failed
 *
 * From ask() until take() says so, the job's arguments and (JOB_COMMIT) the transaction of the lane
 * that was filled belong to the helper.  A job that fails is never done: the producer has failed,
 * and says why.
 */
#ifndef SINKS_KAFKA_TRANSACTION_H
#define SINKS_KAFKA_TRANSACTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "millrace/attr.h"
#include "millrace/error.h"
#include "millrace/position.h"
#include "sinks/kafka.h"
#include "sinks/kafka_producer.h"
#include "sinks/kafka_topics.h"

enum kafka_job { JOB_OPEN = 1, JOB_TOPICS = 2, JOB_COMMIT = 4 };

struct kafka_transaction {
    struct kafka_producer *producer;
    struct kafka_topic position_topic; /* the helper's */

    struct position position;   /* JOB_OPEN: what was read; JOB_COMMIT: what to write */
    struct kafka_topic *topics; /* JOB_TOPICS: a list to fill in */

    pthread_t thread;
    bool started;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards the two below */
    unsigned wanted;      /* jobs asked for and not finished */
    unsigned done;        /* jobs finished and not taken */
};

bool kafka_transaction_start(struct kafka_transaction *t, struct kafka_producer *p,
                             struct error *err) MUST_CHECK;
/* Aborts what is open, within two seconds, and ends the thread.  A zeroed one is fine. */
void kafka_transaction_stop(struct kafka_transaction *t);

void kafka_transaction_ask(struct kafka_transaction *t, enum kafka_job job);
/* True once for each job that was done. */
bool kafka_transaction_take(struct kafka_transaction *t, enum kafka_job job);

#endif
