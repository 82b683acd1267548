"""servers - what an integration test starts and looks at, without pytest.

Postgres, Kafka, start_all, close_all, wait_until, guard   from deploy/lib/private_servers.py
Relay          one `millrace` process: start it, kill it, wait for what it does
TopicReader    what a read_committed consumer sees, from the beginning to the last stable offset
yaml_text      a configuration as YAML

    relay = Relay(binary, {"name": "orders", ...}, folder)
    relay.start()
    relay.wait_for(lambda: len(reader.advance()) >= 3, 30, "three records")
    relay.kill9(); relay.start()
    assert relay.terminate() == 0
"""

import collections
import json
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy/lib"))

from private_servers import (  # noqa: E402,F401 (handed on to the tests)
    CACHE, Kafka, Postgres, Process, Server, ServerError, clean_environment, close_all, free_ports, guard,
    start_all, wait_until)


def yaml_text(value, indent=0):
    """Nested dicts, lists of scalars, scalars.  Texts are quoted as JSON, which YAML reads too.

    A dotted key is a path: {"kafka.bootstrap_servers": "x"} is {"kafka": {"bootstrap_servers": "x"}}.
    """
    lines = []
    for key, item in nested(value).items():
        if isinstance(item, dict):
            lines.append(f"{' ' * indent}{key}:\n{yaml_text(item, indent + 2)}")
        else:
            lines.append(f"{' ' * indent}{key}: {json.dumps(item, ensure_ascii=False)}\n")
    return "".join(lines)


def nested(paths):
    tree = {}
    for path, item in paths.items():
        *parents, leaf = path.split(".")
        at = tree
        for parent in parents:
            at = at.setdefault(parent, {})
        if isinstance(item, dict) and isinstance(at.get(leaf), dict):
            at[leaf].update(nested(item))
        else:
            at[leaf] = nested(item) if isinstance(item, dict) else item
    return tree


class Relay:
    """`millrace run` with a configuration of its own; may be started again after it ended.

    config may be changed between starts: the file is written at each.  Everything that the process
    says on stderr is appended to folder/relay.log, what it says on stdout to folder/relay.out
    (the records, if the sink is stdout).
    """

    def __init__(self, binary, config, folder, arguments=(), environment=None):
        self.binary = pathlib.Path(binary)
        self.config = config
        self.folder = pathlib.Path(folder)
        self.arguments = list(arguments)  # after `run -c FILE`
        self.environment = environment or {}
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "millrace.yaml"
        self.log = self.folder / "relay.log"
        self.out = self.folder / "relay.out"
        self.child = None
        self.process = None

    def start(self):
        assert not self.running(), "the relay runs already"
        self.write_config()
        with open(self.log, "ab") as log, open(self.out, "ab") as out:
            self.log_from = log.tell()
            self.child = subprocess.Popen(
                [str(self.binary), "run", "-c", str(self.file), *self.arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                env=clean_environment(**self.environment), start_new_session=True)
        self.process = Process.of_child(self.child)
        guard.keep(self.process)

    def write_config(self):
        self.file.write_text(yaml_text(self.config))

    def command(self, *words, timeout_s=60):
        """Another subcommand with the same configuration: command("status"), command("check")."""
        self.write_config()
        first, *rest = words
        return subprocess.run(
            [str(self.binary), first, "-c", str(self.file), *rest], capture_output=True, text=True,
            timeout=timeout_s, stdin=subprocess.DEVNULL, env=clean_environment(**self.environment))

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.alive()

    def stderr(self):
        """What the process said since its last start."""
        return self.log.read_bytes()[self.log_from:].decode(errors="replace")

    def kill9(self):
        """SIGKILL.  Nothing happens if it ended by itself: see exit_code."""
        if self.process is not None:
            self.process.signal(signal.SIGKILL)
            self.wait()

    def terminate(self, deadline_s=30):
        """SIGTERM; the exit code."""
        self.process.signal(signal.SIGTERM)
        return self.wait(deadline_s)

    def step(self, reader, moment_s=0.05):
        """Lets a stopped relay go on for a moment; how many records there are then."""
        self.process.signal(signal.SIGCONT)
        time.sleep(moment_s)
        self.process.signal(signal.SIGSTOP)
        return len(reader.advance())

    def wait(self, deadline_s=30):
        """Waits until it ends; the exit code, negative for a signal."""
        try:
            code = self.process.wait(deadline_s, "the relay to end")
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}\n{self.stderr_tail()}") from None
        guard.release(self.process)
        return code

    @property
    def exit_code(self):
        """None while it runs."""
        return None if self.child is None else self.child.poll()

    def wait_for(self, predicate, deadline_s, what):
        """predicate()'s first true value, while the relay runs: when it ends first, that fails."""
        def true_or_gone():
            return predicate() or (not self.running() and "gone")

        try:
            value = wait_until(true_or_gone, deadline_s, what)
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}\n{self.stderr_tail()}") from None
        if value == "gone":
            value = predicate()  # it may have come true with the last thing that the relay did
        if not value:
            raise AssertionError(
                f"the relay ended with exit code {self.exit_code} before: {what}\n{self.stderr_tail()}")
        return value

    def wait_for_log(self, text, deadline_s=30):
        """Until a line since the last start holds the text."""
        self.wait_for(lambda: text in self.stderr(), deadline_s, f'"{text}" in the log')

    def stderr_tail(self, lines=20):
        return "\n".join(self.stderr().splitlines()[-lines:])

    def close(self):
        if self.process is not None:
            self.kill9()


Record = collections.namedtuple("Record", "topic partition offset key value headers timestamp_ms")


class TopicReader:
    """Every record of the topics whose names begin with a prefix, as bytes, in the order of offsets.

    Topics may appear later.  isolation "read_uncommitted" shows what aborted transactions left.
    """

    def __init__(self, bootstrap, prefix, isolation="read_committed"):
        from confluent_kafka import Consumer

        self.prefix = prefix
        self.records = []
        self.reached = {}  # (topic, partition) -> the offset up to which everything was read
        self.consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False,
            "isolation.level": isolation, "enable.partition.eof": True, "auto.offset.reset": "error",
            "fetch.wait.max.ms": 20, "fetch.error.backoff.ms": 20, "reconnect.backoff.max.ms": 500,
            "topic.metadata.refresh.interval.ms": -1, "socket.timeout.ms": 5000, "log_level": 0})

    def advance(self, deadline_s=60):
        """Reads on to where every partition ends now; all records since the beginning."""
        ends = self.ends()
        self.assign(ends)

        def there():
            self.take(self.consumer.consume(1000, 0.05))
            return all(self.reached[p] >= end for p, end in ends.items())

        if ends:
            wait_until(there, deadline_s, f"the consumer to reach {ends}")
        return self.records

    def ends(self):
        """Each partition's last stable offset (read_committed), or its end (read_uncommitted)."""
        topics = self.consumer.list_topics(timeout=30).topics
        partitions = [(t, p) for t, topic in topics.items() if t.startswith(self.prefix)
                      for p in topic.partitions]
        return {p: self.end(p) for p in partitions}

    def end(self, partition, deadline_s=30):
        """A broker that has just come up may not lead its partitions yet."""
        from confluent_kafka import KafkaException, TopicPartition

        problems = []

        def ask():
            try:
                if problems:
                    self.consumer.list_topics(timeout=5)  # who leads it, which is not asked by itself
                return self.consumer.get_watermark_offsets(TopicPartition(*partition), 5)
            except KafkaException as problem:
                problems.append(problem)
                return None

        try:
            return wait_until(ask, deadline_s, f"the end of {partition}")[1]
        except TimeoutError as late:
            raise TimeoutError(f"{late}: {problems[-1]}") from None

    def assign(self, partitions):
        from confluent_kafka import TopicPartition

        new = [p for p in partitions if p not in self.reached]
        if new:
            self.consumer.incremental_assign([TopicPartition(t, p, 0) for t, p in new])
            self.reached.update({p: 0 for p in new})

    def take(self, messages):
        from confluent_kafka import KafkaError, KafkaException

        for m in messages:
            partition = (m.topic(), m.partition())
            if m.error() is None:
                self.records.append(Record(
                    *partition, m.offset(), m.key(), m.value(), m.headers() or [], m.timestamp()[1]))
                self.reached[partition] = m.offset() + 1
            elif m.error().code() == KafkaError._PARTITION_EOF:
                self.reached[partition] = m.offset()  # past the control records, too
            elif m.error().fatal() or not m.error().retriable():
                raise KafkaException(m.error())

    def wait_for(self, predicate, deadline_s, what):
        """Reads on until predicate(records) is true; the records."""
        wait_until(lambda: predicate(self.advance()), deadline_s, what)
        return self.records

    def close(self):
        self.consumer.close()


def read_topics(bootstrap, prefix, isolation="read_committed"):
    """Everything there is, once."""
    reader = TopicReader(bootstrap, prefix, isolation)
    try:
        return reader.advance()
    finally:
        reader.close()
