"""Killed at random, many times, under random transactions: nothing lost, nothing doubled.

The checker shares no code with the relay: see checker.py.  A failing run prints its seed; set
MILLRACE_SEED to run it again.
"""
import os
import random
import time

import pytest

import checker
from servers import wait_until
from workload import SCHEMA, TABLES, Load

SEED = os.environ.get("MILLRACE_SEED") or str(time.time_ns())


class Scene:
    """A database under load, its witness, a relay, and what a consumer sees."""

    def __init__(self, database, relay, reader, partitions=1):
        self.database, self.reader, self.partitions = database, reader, partitions
        self.relay = relay({"topics.partitions": partitions, "log.level": "info", "commit.records": 500})
        database.execute(SCHEMA)

    def start_streaming(self):
        self.relay.start()
        self.relay.wait_for(lambda: self.snapshot_is_through(), 60, "the snapshot")

    def snapshot_is_through(self):
        status = self.relay.command("status")
        return "snapshot:" in status.stdout and "done" in status.stdout

    def start_witness(self):
        self.database.execute("SELECT pg_create_logical_replication_slot("
                              f"'{self.database.slot}_witness', 'test_decoding')")

    def witnessed(self):
        with self.database.connect(autocommit=True) as c:
            c.execute("SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET bytea_output = 'hex'; SET extra_float_digits = 3")
            rows = c.execute("SELECT data FROM pg_logical_slot_get_changes(%s, NULL, NULL, 'include-xids', '1', "
                             "'skip-empty-xacts', '1')", (self.database.slot + "_witness",)).fetchall()
        return [row[0] for row in rows]

    def load(self, seed, count, pause=0.0, survives=False):
        info = self.database.server.dsn(self.database.name) + " options='-c timezone=UTC'"
        return Load(info, seed, count, truncates=self.partitions == 1, pause=pause, survives=survives)

    def finish(self):
        """A last row, and all that comes before it; a relay that gave up is the caller's to see."""
        mark = random.randint(900_000_000, 999_999_999)
        self.database.execute(f"INSERT INTO w_cleared VALUES ({mark}, 0)")
        text = f'"id":{mark}'.encode()
        self.relay.wait_for(lambda: any(r.value and text in r.value and b'"op":"c"' in r.value
                                        for r in self.reader.advance()), 120, "the last row")
        assert self.relay.terminate() == 0
        return self.reader.advance()

    def topic_of(self, table):
        return self.database.prefix + "." + table.replace(" ", "_")

    def table_rows(self, table):
        """What the table holds, every column as PostgreSQL's text."""
        schema, name = table.name.split(".", 1)
        columns = ", ".join('"{}"::text'.format(c.replace('"', '""')) for c, _ in table.columns)
        with self.database.connect() as c:
            c.execute("SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET bytea_output = 'hex'")
            rows = c.execute(f'SELECT {columns} FROM "{schema}"."{name}"').fetchall()
        return [{column: value for (column, _), value in zip(table.columns, row)} for row in rows]

    def state_problems(self, records, tables=TABLES.values()):
        problems = []
        for table in tables:
            mine = [r for r in records if r.topic == self.topic_of(table.name)]
            problems += checker.compare_state(table, mine, self.table_rows(table))
        return problems

    def sequence_problems(self, records):
        return checker.compare_sequence(TABLES, self.topic_of, records, self.witnessed(), self.partitions)


def kill_under_load(scene, kills, rng, streaming=0.75, most_s=0.5):
    """Kills at random moments: most often while it streams, sometimes while it still starts.

    The exit code with which the relay ended by itself, if it did; None after all the kills.
    """
    for _ in range(kills):
        if rng.random() < streaming:
            wait_until(lambda: "session_started" in scene.relay.stderr() or not scene.relay.running(),
                       60, "the relay to stream")
        time.sleep(most_s * rng.random() ** 2)  # when to kill is what is random here
        scene.relay.kill9()
        if scene.relay.exit_code != -9:
            return scene.relay.exit_code
        scene.relay.start()
    return None


def assert_exact(scene, problems, seed):
    shown = "\n".join(problems[:20])
    assert not problems, f"seed {seed}: {len(problems)} problems:\n{shown}"


@pytest.fixture
def kills(request):
    return request.config.getoption("--kills")


@pytest.mark.kills
def test_killed_while_streaming(database, relay, reader, kills):
    scene = Scene(database, relay, reader)
    rng = random.Random(SEED)
    scene.start_streaming()
    scene.start_witness()
    load = scene.load(SEED, 2000, pause=0.004)
    assert kill_under_load(scene, kills, rng) is None
    load.join()
    records = scene.finish()
    assert_exact(scene, scene.sequence_problems(records) + scene.state_problems(records), SEED)


@pytest.mark.kills
def test_killed_while_streaming_to_three_partitions(database, relay, reader, kills):
    scene = Scene(database, relay, reader, partitions=3)
    rng = random.Random(SEED + "/3")
    scene.start_streaming()
    scene.start_witness()
    load = scene.load(SEED + "/3", 600, pause=0.004)
    assert kill_under_load(scene, max(5, kills // 4), rng) is None
    load.join()
    records = scene.finish()
    assert_exact(scene, scene.sequence_problems(records) + scene.state_problems(records), SEED)


@pytest.mark.kills
def test_killed_in_the_snapshot(database, relay, reader, kills):
    """Rows may be repeated, but the state is right: no phantom, also of rows deleted in between."""
    scene = Scene(database, relay, reader)
    rng = random.Random(SEED + "/snapshot")
    database.execute("INSERT INTO w_simple (id, v, t) SELECT g, g, repeat('s', 200) FROM generate_series(501, 120500) g")
    load = scene.load(SEED + "/snapshot", 600, pause=0.01)
    scene.relay.start()
    for i in range(max(5, kills // 4)):
        time.sleep(rng.uniform(0.05, 0.5))
        scene.relay.kill9()
        database.execute(f"DELETE FROM w_simple WHERE id % 1000 = {i} AND id BETWEEN 501 AND 120500; "
                         f"DELETE FROM w_loose WHERE x = {i % 10}; UPDATE w_simple SET id = id + 200000 "
                         f"WHERE id % 1000 = {500 + i} AND id BETWEEN 501 AND 120500")
        scene.relay.start()
    load.join()
    records = scene.finish()
    assert_exact(scene, scene.state_problems(records), SEED)
