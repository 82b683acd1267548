"""Minutes of random faults, one over the other, under random transactions: the log is still exact.

Everything comes from one seed, which a failing run prints; set MILLRACE_SEED to run it again.
"""
import os
import random
import signal
import time

import pytest

from servers import TopicReader
from test_kill import SEED, Scene, assert_exact

DESCRIPTORS_MAX = 100  # of a relay, however often it has lost its servers
# Everything committed; left before that, since a server was away; not yet listening to signals.
ENDED_AS_ASKED = (0, 5, -signal.SIGTERM)


class Soak:
    """What can go wrong.  Whatever the relay is not told to die of, it lives through."""

    def __init__(self, scene, kafka, rng):
        self.scene, self.relay, self.rng = scene, scene.relay, rng
        self.kafka, self.postgres = kafka, scene.database.server
        self.done = []

    def relay_killed(self):
        self.relay.kill9()
        self.relay.start()

    def relay_terminated(self):
        self.assert_alive()
        code = self.relay.terminate(60)
        assert code in ENDED_AS_ASKED, f"exit code {code}\n{self.relay.stderr_tail()}"
        self.relay.start()

    def relay_frozen(self):
        self.relay.process.signal(signal.SIGSTOP)
        time.sleep(3)
        self.relay.process.signal(signal.SIGCONT)

    def walsender_killed(self):
        if self.postgres.running():
            self.postgres.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots "
                                  f"WHERE slot_name = '{self.scene.database.slot}' AND active")

    def postgres_crashed(self):
        self.postgres.stop("immediate")
        self.perhaps_more()
        self.postgres.start()

    def broker_killed(self):
        self.kafka.kill9()
        self.perhaps_more()
        self.kafka.start()

    OF_RELAY = [relay_killed, relay_terminated, relay_frozen]
    ALL = [*OF_RELAY, relay_killed, walsender_killed, walsender_killed, postgres_crashed, broker_killed]

    def perhaps_more(self):
        """While a server is away: nothing, or a while of nothing, or the relay too."""
        chance = self.rng.random()
        if chance < 0.3:
            time.sleep(self.rng.uniform(0, 3))
        elif chance < 0.6:
            self.inflict(self.rng.choice(self.OF_RELAY))

    def inflict(self, fault):
        self.done.append(fault.__name__)
        fault(self)

    def assert_alive(self):
        assert self.relay.running(), f"the relay ended with exit code {self.relay.exit_code} after " \
                                     f"{self.done[-5:]}\n{self.relay.stderr_tail()}"

    def assert_small(self):
        try:
            held = len(os.listdir(f"/proc/{self.relay.pid}/fd"))
        except OSError:
            return
        assert held < DESCRIPTORS_MAX, f"{held} descriptors after {self.done[-20:]}"

    def run(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self.rng.uniform(0.0, 2.0) ** 2)  # when is what is random here
            self.inflict(self.rng.choice(self.ALL))
            self.assert_alive()
            self.assert_small()


@pytest.mark.long
@pytest.mark.kills
def test_soak(database, relay, kafka, request):
    seconds = request.config.getoption("--soak-seconds")
    print(f"seed {SEED}")
    scene = Scene(database, relay, reader=None)
    scene.relay.config.update({"commit.records": 50,  # larger transactions are cut
                               "kafka.transaction_timeout": "10s", "retry.give_up": "0s", "retry.most": "1s"})
    scene.start_streaming()
    scene.start_witness()
    soak = Soak(scene, kafka, random.Random(SEED + "/soak"))
    load = scene.load(SEED + "/soak", 0, pause=0.1, survives=True)
    try:
        soak.run(seconds)
    finally:
        load.join()
    scene.reader = TopicReader(kafka.bootstrap, f"{database.prefix}.")
    try:
        records = scene.finish()
    finally:
        scene.reader.close()
    print(f"{load.done} transactions, {len(records)} records, {len(soak.done)} faults: {soak.done}")
    assert_exact(scene, scene.sequence_problems(records) + scene.state_problems(records), SEED)
