/*
 * kafka_fault - what an error of librdkafka means: is it for the operator to mend, or worth another
 * try?
 *
 * librdkafka says the cause (wrong password, wrong certificate authority, connection refused) in
 * its error callback and answers the call that waits with a mere time-out.  So the callback takes
 * notes and whoever gives up quotes them.
 */
#ifndef SINKS_KAFKA_FAULT_H
#define SINKS_KAFKA_FAULT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "millrace/attr.h"
#include "millrace/error.h"

#define KAFKA_NOTE_BYTES 400
#define KAFKA_SLICE_MS                                                                             \
    500 /* in one go, so that callbacks are served and stops seen; but see kafka_wait_patient_ms() \
         */

/* The most telling trouble heard of; written by librdkafka's callbacks, from any thread. */
struct kafka_notes {
    pthread_mutex_t lock;
    rd_kafka_resp_err_t code; /* NO_ERROR: nothing was noted */
    int64_t since_ms;         /* when this code was first noted */
    char text[KAFKA_NOTE_BYTES];
    atomic_bool end_repeated; /* librdkafka sent the end of a transaction more than once */
    /* Of the one thread that waits: */
    const char *servers;    /* NULL: nobody is reminded */
    bool heard;             /* something has moved since kafka_notes_remind() looked */
    int64_t quiet_since_ms; /* nothing has since then */
    bool proven;            /* we were let in: what is refused since then may be let in again */
};

/* A wait of many slices. */
struct kafka_wait {
    struct kafka_notes *notes;
    const atomic_bool *stop; /* the sink is being closed; NULL: nobody asks */
    int64_t until_ms;
};

int64_t kafka_clock_ms(void); /* monotonic */

/* ERROR_CONFIG for what no retry mends, else ERROR_LINK. */
enum error_kind kafka_fault_kind(rd_kafka_resp_err_t code);
/* Sets err to "<what>: <detail, or the code's own text>: <what to do>", with the code's kind.  What
 * to do about a broker that is not reached follows from the detail, as librdkafka words it. */
bool kafka_fault_set(struct error *err, rd_kafka_resp_err_t code, const char *detail,
                     const char *fmt, ...) PRINTF_LIKE(4, 5);

/* servers: the bootstrap servers, to remind librdkafka of; the caller's, and as long-lived. */
void kafka_notes_init(struct kafka_notes *n, const char *servers);
void kafka_notes_done(struct kafka_notes *n);
/* Kept unless something more telling stands there already. */
void kafka_notes_take(struct kafka_notes *n, rd_kafka_resp_err_t code, const char *text);
void kafka_notes_clear(struct kafka_notes *n);
/* What stands there, for an operator, and what to do about it. */
void kafka_notes_tell(struct kafka_notes *n, char out_text[KAFKA_NOTE_BYTES]);
/* Makes `n` the configuration's opaque; log lines go there instead of stderr.  With debug=eos among
 * the properties end_repeated is noted. */
void kafka_notes_attach(struct kafka_notes *n, rd_kafka_conf_t *conf);
/* An error callback (rd_kafka_conf_set_error_cb) for a configuration that notes are attached to. */
void kafka_notes_on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque);

/* To be called again and again while something is waited for; after five seconds in which nothing
 * has moved librdkafka is given the bootstrap servers again.
 *
 * Since 2.10 it gives up a broker that is not in the cluster's metadata.  A broker whose controller
 * has fenced it (paused, starved of CPU) is not, for a moment; when it was the only one, nobody is
 * left who could be asked (seen with 2.15.1), and records wait until they time out, though the
 * broker is long back.  To one that knows its brokers it means a connection more, for a while. */
void kafka_notes_remind(struct kafka_notes *n, rd_kafka_t *rk);

/* Serves callbacks for a moment; true when it makes sense to try `what` again.  False: err says
 * that time is up and why nothing came, that the configuration is at fault, or ERROR_STOPPED. */
bool kafka_wait_more(const struct kafka_wait *w, rd_kafka_t *rk, const char *what,
                     struct error *err) MUST_CHECK;
/* To be asked between answers that come without a wait: false with ERROR_STOPPED. */
bool kafka_wait_wanted(const struct kafka_wait *w, const char *what, struct error *err) MUST_CHECK;
/* What a single call may take: a slice, or less when less is left. */
int kafka_wait_slice_ms(const struct kafka_wait *w);
/* For a request whose late answer is lost: longer with each of `tries` before it, to a limit. */
int kafka_wait_patient_ms(const struct kafka_wait *w, unsigned tries);

#endif
