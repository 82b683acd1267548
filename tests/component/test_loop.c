/* The loop between a source and a sink that fail on command. */
#include "relay/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "millrace/mem.h"
#include "support/fake_world.h"

static const struct loop_options quick = {.commit_records = 10,
                                          .commit_bytes = 1000000,
                                          .commit_interval_ms = 1000,
                                          .cut_interval_ms = 16000,
                                          .idle_interval_ms = 0,
                                          .drain_timeout_ms = 5000};

struct scene {
    struct world *world;
    struct signals signals;
    struct loop_stats stats;
    struct error err;
};

static int open_scene(void **state)
{
    struct scene *s = mem_new(struct scene);

    s->world = mem_new(struct world);
    world_init(s->world);
    if (!signals_open(&s->signals, &s->err))
        return -1;
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;

    (void)signals_take(&s->signals);
    signals_close(&s->signals);
    free(s->world);
    free(s);
    return 0;
}

static enum loop_end run_once(struct scene *s, const struct loop_options *options)
{
    struct source *source = world_source(s->world);
    struct sink *sink = world_sink(s->world);
    struct position position;
    enum loop_end end;

    s->err = (struct error){0};
    assert_true(sink->ops->recover(sink, &position, &s->err));
    assert_true(source->ops->start(source, &position, &s->err));
    end = loop_run(source, sink, &position, options, &s->signals, &s->stats, &s->err);
    source->ops->close(source);
    sink->ops->close(sink);
    return end;
}

/* As the session does: again from what is durable, until the source is through. */
static unsigned run_to_the_end(struct scene *s, const struct loop_options *options)
{
    unsigned failures = 0;

    while (run_once(s, options) == LOOP_FAILED) {
        assert_int_equal(s->err.kind, ERROR_LINK);
        assert_true(++failures < 100);
    }
    return failures;
}

static void assert_exact(const struct world *w)
{
    size_t index;

    if (!world_is_exact(w, &index))
        fail_msg("event %zu is missing, doubled or out of order", index);
    assert_false(w->confirmed_too_much);
}

static void add_transactions(struct world *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        (void)world_add_transaction(w, i % 7);
}

static void everything_arrives_once(void **state)
{
    struct scene *s = *state;

    add_transactions(s->world, 100);
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_exact(s->world);
    assert_int_equal(s->world->confirmed_lsn, s->world->position.end_lsn);
    assert_int_equal(s->world->position.ordinal, 0);
}

static void transactions_are_batched_whole(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 30; i++)
        (void)world_add_transaction(s->world, 4);
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_exact(s->world);
    assert_in_range(s->world->commits, 8,
                    12); /* at 12 records each, not at 4, and never within one */
}

static void idle_source_is_committed_at_once(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 10; i++)
        (void)world_add_transaction(s->world, 1);
    s->world->idle_every = 4; /* BEGIN INSERT COMMIT idle */
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_exact(s->world);
    assert_in_range(s->world->commits, 9, 11);
}

static void idle_inside_a_transaction_does_not_cut_it(void **state)
{
    struct scene *s = *state;

    (void)world_add_transaction(s->world, 9);
    s->world->idle_every = 2;
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_exact(s->world);
    assert_int_equal(s->world->commits, 1);
}

static void huge_transaction_is_cut(void **state)
{
    struct scene *s = *state;

    (void)world_add_transaction(s->world, 1000);
    s->world->commit_number = 5;
    s->world->fate = FATE_LOST;
    assert_int_equal(run_to_the_end(s, &quick), 1);
    assert_exact(s->world);
    assert_in_range(s->world->commits, 20, 40);
}

static void progress_alone_moves_the_position(void **state)
{
    struct scene *s = *state;

    world_add_progress(s->world, false);
    world_add_progress(s->world, true);
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_int_equal(s->world->position.end_lsn, s->world->next_lsn);
    assert_int_equal(s->world->confirmed_lsn, s->world->next_lsn);
}

/* The first idle commit is not due for an hour, but the server waits for an answer. */
static void urgent_progress_does_not_wait(void **state)
{
    struct scene *s = *state;
    struct loop_options lazy = quick;

    lazy.idle_interval_ms = 3600000;
    world_add_progress(s->world, true);
    s->world->endless = true;
    s->world->signal_after = 3; /* never reached by events: IDLE does not count */
    (void)world_add_transaction(s->world, 1);
    assert_int_equal(run_once(s, &lazy), LOOP_STOPPED);
    assert_true(s->world->commits >= 1);
    assert_int_equal(s->world->confirmed_lsn, s->world->position.end_lsn);
}

static void refused_events_are_put_again(void **state)
{
    struct scene *s = *state;

    add_transactions(s->world, 50);
    s->world->full_every = 3;
    s->world->slow_commit_polls = 3;
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_exact(s->world);
    assert_true(s->world->ticks > 0);
}

static void waiting_sink_is_asked_again(void **state)
{
    struct scene *s = *state;

    add_transactions(s->world, 2);
    s->world->waits = 5;
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_exact(s->world);
    assert_int_equal(s->world->waits, 0);
    assert_true(s->world->ticks >= 5); /* the source was served meanwhile */
}

static void signal_ends_waiting(void **state)
{
    struct scene *s = *state;

    add_transactions(s->world, 2);
    s->world->waits = UINT32_MAX;
    s->world->signal_after = 2;
    assert_int_equal(run_once(s, &quick), LOOP_STOPPED);
    assert_int_equal(s->world->committed_count, 0);
}

static void source_that_must_write_is_called(void **state)
{
    struct scene *s = *state;

    add_transactions(s->world, 3);
    s->world->writes_first = true;
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_exact(s->world);
}

static void source_that_waits_for_confirm_is_called(void **state)
{
    struct scene *s = *state;

    add_transactions(s->world, 3);
    s->world->awaits_durable = true;
    s->world->slow_commit_polls = 2;
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_exact(s->world);
}

static void failed_record_is_sent_again(void **state)
{
    struct scene *s = *state;

    add_transactions(s->world, 20);
    s->world->fail_put_after = 3;
    assert_int_equal(run_to_the_end(s, &quick), 1);
    assert_exact(s->world);
}

static void failed_record_is_not_confirmed(void **state)
{
    struct scene *s = *state;

    (void)world_add_transaction(s->world, 5);
    s->world->fail_put_after = 3;
    assert_int_equal(run_once(s, &quick), LOOP_FAILED);
    assert_int_equal(s->world->confirmed_lsn, 0);
    assert_int_equal(s->world->committed_count, 0);
    assert_string_equal(s->err.text, "the broker went away");
}

struct fate_case {
    const char *name;
    enum fate fate;
};

static struct fate_case fates[] = {
    {"commit lost", FATE_LOST},
    {"commit durable, its answer lost", FATE_DURABLE_BUT_BROKEN},
};

static void commit_of_unknown_outcome(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(fates); i++) {
        for (unsigned number = 1; number < 12; number++) {
            struct scene *s = *state;

            world_init(s->world);
            add_transactions(s->world, 30);
            s->world->commit_number = number;
            s->world->fate = fates[i].fate;
            assert_true(run_to_the_end(s, &quick) <= 1);
            assert_exact(s->world);
        }
    }
}

static void lost_source_goes_on(void **state)
{
    for (unsigned after = 1; after < 40; after++) {
        struct scene *s = *state;

        world_init(s->world);
        add_transactions(s->world, 12);
        s->world->fail_next_after = after;
        (void)run_to_the_end(s, &quick);
        assert_exact(s->world);
    }
}

static void signal_drains(void **state)
{
    struct scene *s = *state;

    (void)world_add_transaction(s->world, 500);
    s->world->signal_after = 7; /* within the transaction: the position says where */
    s->world->slow_commit_polls = 2;
    assert_int_equal(run_once(s, &quick), LOOP_STOPPED);
    assert_true(s->world->committed_count > 0);
    assert_true(s->world->committed_count < 500 || s->world->position.ordinal == 0);
    assert_int_equal(s->world->confirmed_lsn, s->world->position.end_lsn);
    s->signals.received = 0;
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_exact(s->world);
}

#define DRAIN_TURNS_MOST 8 /* some for each commit and its end; going round makes thousands */

static void assert_drained_at_rest(const struct scene *s)
{
    unsigned turns = s->world->ticks - s->world->signal_ticks;

    if (turns > DRAIN_TURNS_MOST)
        fail_msg("%u turns while draining", turns);
    assert_int_equal(s->world->confirmed_lsn, s->world->position.end_lsn);
}

/* The source has more, which is not wanted any longer. */
static void draining_waits_for_the_commit_at_rest(void **state)
{
    for (unsigned pipelined = 0; pipelined < 2; pipelined++) {
        struct scene *s = *state;

        world_init(s->world);
        (void)world_add_transaction(s->world, 500);
        s->world->signal_after = 7;
        s->world->commit_ms = 50;
        s->world->pipelined = pipelined == 1;
        assert_int_equal(run_once(s, &quick), LOOP_STOPPED);
        assert_true(s->world->committed_count > 0);
        assert_drained_at_rest(s);
        s->signals.received = 0;
    }
}

/* The event in hand waits for somebody else, and what came before it is to be committed. */
static void draining_behind_a_waiting_sink_is_at_rest(void **state)
{
    struct scene *s = *state;
    struct loop_options lazy = quick;

    lazy.idle_interval_ms = 3600000;
    world_add_progress(s->world, false);
    (void)world_add_transaction(s->world, 5);
    s->world->waits = UINT32_MAX;
    s->world->signal_after = 2;
    s->world->commit_ms = 50;
    assert_int_equal(run_once(s, &lazy), LOOP_STOPPED);
    assert_int_equal(s->world->commits, 1);
    assert_drained_at_rest(s);
}

static void second_signal_leaves_at_once(void **state)
{
    struct scene *s = *state;

    (void)world_add_transaction(s->world, 50);
    s->world->signal_after = 7;
    s->world->signals = 2;
    assert_int_equal(run_once(s, &quick), LOOP_INTERRUPTED);
    s->signals.received = 0;
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_exact(s->world);
}

static void drain_ends_when_the_sink_hangs(void **state)
{
    struct scene *s = *state;
    struct loop_options hasty = quick;

    hasty.drain_timeout_ms = 50;
    (void)world_add_transaction(s->world, 5);
    s->world->endless = true;
    s->world->signal_after = 3;
    s->world->slow_commit_polls = 1000000000;
    assert_int_equal(run_once(s, &hasty), LOOP_INTERRUPTED);
    assert_int_equal(s->world->confirmed_lsn, 0);
}

/* A small generator, so that a failing seed can be run again anywhere. */
static unsigned roll(uint64_t *seed, unsigned below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % below;
}

static void give_orders(struct world *w, uint64_t *seed)
{
    w->fail_next_after = roll(seed, 3) == 0 ? 1 + roll(seed, 80) : 0;
    w->fail_put_after = roll(seed, 3) == 0 ? w->puts + 1 + roll(seed, 80) : 0;
    w->full_every = roll(seed, 2) == 0 ? 2 + roll(seed, 9) : 0;
    w->idle_every = roll(seed, 2) == 0 ? 2 + roll(seed, 9) : 0;
    w->slow_commit_polls = roll(seed, 4);
    w->pipelined = roll(seed, 2) == 0;
    w->repeats = roll(seed, 2) == 0;
    w->commit_number = roll(seed, 2) == 0 ? w->commits + 1 + roll(seed, 4) : 0;
    w->fate = (enum fate)(1 + roll(seed, 2));
}

/* Though nothing else happens. */
static void heartbeats_are_committed(void **state)
{
    struct scene *s = *state;
    struct loop_options options = quick;

    options.heartbeat_interval_ms = 1;
    options.idle_interval_ms = 3600000;
    s->world->endless = true;
    s->world->signal_after_heartbeats = 5;
    assert_int_equal(run_once(s, &options), LOOP_STOPPED);
    assert_true(s->world->heartbeats >= 5);
    assert_true(s->world->commits >= 4);
    assert_int_equal(s->stats.events, 0);
}

/* Much has come and there is nothing more: the source is let alone for a moment. */
static void what_a_busy_source_sends_is_left_to_gather(void **state)
{
    struct scene *s = *state;

    (void)world_add_transaction(s->world, 2000);
    s->world->idle_every = 1500;
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_true(s->world->unread_polls > 0);
    assert_exact(s->world);
}

/* Forty times there is nothing to read, with events refused behind each commit: few commits. */
static void a_busy_source_is_committed_seldom(void **state)
{
    struct scene *s = *state;
    struct loop_options options = quick;

    options.commit_records = 100000;
    options.commit_interval_ms = 3600000;
    for (int i = 0; i < 40; i++)
        (void)world_add_transaction(s->world, 149);
    s->world->idle_every = 152; /* BEGIN 149 COMMIT idle */
    s->world->commit_ms = 20;
    assert_int_equal(run_once(s, &options), LOOP_ENDED);
    assert_exact(s->world);
    assert_in_range(s->world->commits, 2, 10);
}

/* Its last transaction is not kept for what does not come. */
static void a_busy_source_that_falls_silent_is_committed(void **state)
{
    struct scene *s = *state;
    struct loop_options options = quick;

    options.commit_records = 100000;
    options.commit_interval_ms = 3600000;
    for (int i = 0; i < 4; i++)
        (void)world_add_transaction(s->world, 149);
    s->world->idle_every = 152; /* BEGIN 149 COMMIT idle */
    s->world->commit_ms = 20;
    s->world->awaits_durable = true;
    assert_int_equal(run_once(s, &options), LOOP_ENDED);
    assert_exact(s->world);
}

/* Nothing would be gained by it. */
static void large_pieces_are_read_at_once(void **state)
{
    struct scene *s = *state;

    (void)world_add_transaction(s->world, 2000);
    s->world->idle_every = 1500;
    s->world->large_pieces = true;
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_int_equal(s->world->unread_polls, 0);
    assert_exact(s->world);
}

static void a_quiet_source_is_read_at_once(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 10; i++)
        (void)world_add_transaction(s->world, 3);
    s->world->idle_every = 2;
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_int_equal(s->world->unread_polls, 0);
    assert_exact(s->world);
}

static void no_heartbeats_unless_asked(void **state)
{
    struct scene *s = *state;

    (void)world_add_transaction(s->world, 100);
    assert_int_equal(run_once(s, &quick), LOOP_ENDED);
    assert_int_equal(s->world->heartbeats, 0);
}

/* What is told again after a cut is neither counted nor committed again. */
static void repeated_events_move_nothing(void **state)
{
    struct scene *s = *state;

    (void)world_add_transaction(s->world, 100);
    s->world->repeats = true;
    s->world->fail_next_after = 60;
    assert_int_equal(run_to_the_end(s, &quick), 1);
    assert_true(s->world->repeated >= 40);
    assert_int_equal(s->stats.events, (60 - 1) + 101 - s->world->repeated);
    assert_exact(s->world);
}

static void every_schedule_is_exact(void **state)
{
    struct scene *s = *state;
    struct loop_options beating = quick;

    beating.heartbeat_interval_ms = 1;
    for (uint64_t first = 1; first <= 2000; first++) {
        uint64_t seed = first;
        const struct loop_options *options = roll(&seed, 2) == 0 ? &quick : &beating;

        world_init(s->world);
        for (int i = 0; i < 20; i++)
            (void)world_add_transaction(s->world, roll(&seed, 12) == 0 ? 60 : roll(&seed, 6));
        for (int lives = 0; lives < 6; lives++) {
            give_orders(s->world, &seed);
            if (run_once(s, options) == LOOP_ENDED)
                break;
        }
        give_orders(s->world, &seed);
        s->world->fail_next_after = s->world->fail_put_after = s->world->commit_number = 0;
        assert_int_equal(run_once(s, options), LOOP_ENDED);
        if (s->world->confirmed_too_much)
            fail_msg("seed %llu: confirmed more than was durable", (unsigned long long)first);
        assert_exact(s->world);
    }
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(everything_arrives_once),
        SCENE(transactions_are_batched_whole),
        SCENE(idle_source_is_committed_at_once),
        SCENE(idle_inside_a_transaction_does_not_cut_it),
        SCENE(huge_transaction_is_cut),
        SCENE(progress_alone_moves_the_position),
        SCENE(urgent_progress_does_not_wait),
        SCENE(refused_events_are_put_again),
        SCENE(waiting_sink_is_asked_again),
        SCENE(signal_ends_waiting),
        SCENE(source_that_must_write_is_called),
        SCENE(source_that_waits_for_confirm_is_called),
        SCENE(failed_record_is_sent_again),
        SCENE(failed_record_is_not_confirmed),
        SCENE(commit_of_unknown_outcome),
        SCENE(lost_source_goes_on),
        SCENE(signal_drains),
        SCENE(draining_waits_for_the_commit_at_rest),
        SCENE(draining_behind_a_waiting_sink_is_at_rest),
        SCENE(second_signal_leaves_at_once),
        SCENE(drain_ends_when_the_sink_hangs),
        SCENE(heartbeats_are_committed),
        SCENE(what_a_busy_source_sends_is_left_to_gather),
        SCENE(a_busy_source_is_committed_seldom),
        SCENE(a_busy_source_that_falls_silent_is_committed),
        SCENE(large_pieces_are_read_at_once),
        SCENE(a_quiet_source_is_read_at_once),
        SCENE(no_heartbeats_unless_asked),
        SCENE(repeated_events_move_nothing),
        SCENE(every_schedule_is_exact),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
