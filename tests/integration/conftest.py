"""Fixtures of the integration tests: real servers once a session, everything else fresh for each test.

pg, kafka    the servers (tests/support/servers.py); started side by side before the first test
database     a database of the test's own: .name, .execute, .rows, .connect, and the names that
             belong to it: .slot, .prefix (of topics)
relay        makes relays of that database into Kafka: relay(), relay({"topics.partitions": 3})
relay_to_log makes relays of that database into a local event log
reader       a TopicReader of that prefix
"""

import json
import pathlib
import re
import shutil
import sys

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests/support"))

from servers import Kafka, Postgres, Relay, TopicReader, close_all, start_all  # noqa: E402


def pytest_addoption(parser):
    group = parser.getgroup("millrace")
    group.addoption("--millrace", default=TREE / "build/release/relay/millrace", metavar="PROGRAM",
                    help="the relay to test")
    group.addoption("--postgres-version", type=int, metavar="MAJOR",
                    help="instead of the distribution's (deploy/deps.sh --postgres MAJOR)")
    group.addoption("--kills", type=int, default=20, help="how often the kill tests kill the relay")
    group.addoption("--soak-seconds", type=int, default=60, help="how long the soak test goes on")


def pytest_configure(config):
    config.addinivalue_line("markers", "kills: kills the relay at random, many times; wants its full speed")
    config.addinivalue_line("markers", "long: takes as long as it is told to")
    config.addinivalue_line("markers", "smoke: the whole path once, in seconds; runs on every build")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its relays said last."""
    report = yield
    if report.failed:
        for relay in getattr(item, "relays", []):
            if relay.log.exists():
                tail = relay.log.read_text(errors="replace")[-6000:]
                report.sections.append((f"relay log {relay.log}", tail))
    return report


# ---- servers


@pytest.fixture(scope="session")
def millrace(request):
    program = pathlib.Path(request.config.getoption("--millrace")).resolve()
    if not program.exists():
        pytest.exit(f"{program} is not there: build it first (make release)", returncode=2)
    return program


@pytest.fixture(scope="session")
def servers(request):
    """Those that the chosen tests ask for."""
    wanted = {name for item in request.session.items for name in item.fixturenames}
    running = {}
    if "pg" in wanted:
        running["pg"] = Postgres(request.config.getoption("--postgres-version"))
    if "kafka" in wanted:
        running["kafka"] = Kafka()
    start_all(*running.values())
    yield running
    close_all(*running.values())


@pytest.fixture(scope="session")
def pg(servers):
    return servers["pg"]


@pytest.fixture(scope="session")
def kafka(servers):
    return servers["kafka"]


# ---- of one test


class Database:
    """A database of the test's own, and the names that go with it."""

    def __init__(self, server, name):
        self.server = server
        self.name = self.slot = self.prefix = name

    def execute(self, sql, **more):
        return self.server.execute(sql, dbname=self.name, **more)

    def rows(self, sql):
        return self.server.rows(sql, dbname=self.name)

    def connect(self, **more):
        return self.server.connect(dbname=self.name, **more)

    def drop(self):
        if not self.server.running():
            self.server.start()
        slots = f"FROM pg_replication_slots WHERE database = '{self.name}'"
        self.server.execute(f"SELECT pg_terminate_backend(active_pid) {slots} AND active")
        self.server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                            f"WHERE datname = '{self.name}'")
        self.server.execute(
            "DO $$ BEGIN FOR i IN 1..500 LOOP "
            f"EXIT WHEN NOT EXISTS (SELECT {slots} AND active); PERFORM pg_sleep(0.02); END LOOP; END $$")
        self.server.execute(f"SELECT pg_drop_replication_slot(slot_name) {slots}")
        self.server.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')


@pytest.fixture
def database(request, pg):
    """Named after the test: its name is the relay's, the slot's and the topics' too."""
    request.config.millrace_tests = getattr(request.config, "millrace_tests", 0) + 1
    words = re.sub(r"[^a-z0-9]+", "_", request.node.name.lower().removeprefix("test_"))[:30].strip("_")
    mine = Database(pg, f"t{request.config.millrace_tests}_{words}")
    pg.execute(f'CREATE DATABASE "{mine.name}"')
    yield mine
    mine.drop()


@pytest.fixture
def relays(request, database, millrace, tmp_path):
    """Makes relays from a configuration; they are gone before the database is."""
    request.node.relays = made = []

    def make(config, **more):
        here = tmp_path if not made else tmp_path / f"relay-{len(made) + 1}"
        own = Relay(millrace, {**source_config(database), **config}, here, **more)
        made.append(own)
        return own

    yield make
    for own in made:
        own.close()
    shutil.rmtree(tmp_path / "log", ignore_errors=True)


def source_config(database):
    return {
        "name": database.name, "source.postgres.host": "127.0.0.1",
        "source.postgres.port": database.server.port, "source.postgres.database": database.name,
        "source.postgres.user": "postgres", "publication.create": "filtered",
        "retry.give_up": "120s", "log.level": "debug",
        "topics.relations": False}  # tests count records; test_side_topics.py is about these


@pytest.fixture
def relay(relays, kafka):
    def make(config=None, **more):
        return relays({"kafka.bootstrap_servers": kafka.bootstrap, **(config or {})}, **more)

    return make


@pytest.fixture
def relay_to_log(relays, tmp_path):
    def make(config=None, **more):
        return relays({"event_log.directory": str(tmp_path / "log"), **(config or {})}, **more)

    return make


@pytest.fixture
def reader(database, kafka):
    own = TopicReader(kafka.bootstrap, f"{database.prefix}.")
    yield own
    own.close()


# ---- words for assertions


def change(record):
    """(topic, key, op, before, after) of a record; op is None for a tombstone."""
    value = json.loads(record.value) if record.value is not None else {}
    key = json.loads(record.key) if record.key is not None else None
    return record.topic, key, value.get("op"), value.get("before"), value.get("after")
