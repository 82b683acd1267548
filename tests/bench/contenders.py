"""contenders - who takes over the same backlog, or the same table: the relay, and its floors.

follow(world, workload, slot, end) reads the slot's backlog up to the position `end`;
read(world, table) reads a whole table.  Both return Figures.
"""
import json
import subprocess

from programs import Failure, Figures
from world import DATABASE

PATIENCE_S = 900
TOPICS_WATCHED = 16  # to ask a thousand for their ends takes as long as to fill them


def millrace(world, name, **settings):
    """Starts a relay of that name, with its settings over those that all have."""
    given = {
        "name": name, "source.postgres.host": "127.0.0.1", "source.postgres.port": world.postgres.port,
        "source.postgres.user": "postgres", "source.postgres.database": DATABASE,
        "publication.create": "filtered", "kafka.bootstrap_servers": world.kafka.bootstrap,
        "log.level": "warn", **settings}
    if given.get("sink.type") == "null":
        del given["kafka.bootstrap_servers"]
    if given.get("encoding") == "avro":
        given["schema_registry.url"] = world.registry.url
    empty = world.folder / "empty.yaml"
    empty.write_text("{}\n")
    arguments = [world.options.millrace, "run", "-c", empty]
    for path, value in given.items():
        arguments += ["--set", f"{path}={value}"]
    return world.programs.start(f"millrace {name}", arguments)


class Recvlogical:
    """The floor of a stream: PostgreSQL's own client throws the bytes of the slot away."""

    label, kind = "pg_recvlogical", "source"

    def follow(self, world, workload, slot, end):
        return world.beside(lambda: world.programs.start("pg_recvlogical", [
            "pg_recvlogical", "-d", world.postgres.dsn(DATABASE), "--slot", slot, "--start", "--no-loop",
            "-f", "/dev/null", "-o", "proto_version=1", "-o", "publication_names=pub",
            f"--endpos={end}"]).to_the_end(PATIENCE_S))


class Copy:
    """The floor of a snapshot: as many connections, each with its share of the table's blocks."""

    kind = "source"

    def __init__(self, workers):
        self.workers, self.label = workers, f"COPY to /dev/null, {workers}"

    def read(self, world, table, rows):
        step = int(world.sql(f"SELECT pg_relation_size('{table}') / 8192")) // self.workers + 1

        def measure():
            copies = [world.programs.start("psql", [
                "psql", "-X", "-q", "-d", world.postgres.dsn(DATABASE), "-c",
                f"COPY (SELECT * FROM {table} WHERE ctid >= '({w * step},0)' AND ctid < '({(w + 1) * step},0)') TO STDOUT"],
                stdout=subprocess.DEVNULL) for w in range(self.workers)]
            each = [copy.to_the_end(PATIENCE_S) for copy in copies]
            return Figures(max(f.seconds for f in each), sum(f.cpu_s for f in each), sum(f.peak_mib for f in each))

        return world.beside(measure)


class Millrace:
    """The relay; sink "null" or "kafka"."""

    kind = "relay"
    deliveries = {"exactly_once": "exactly once", "at_least_once": "at least once"}

    def __init__(self, sink, encoding="json", delivery="exactly_once", workers=2, sampled=None):
        self.sink, self.encoding, self.delivery, self.workers = sink, encoding, delivery, workers
        self.sampled = sampled  # a Sample to be taken of what it writes
        self.label = f"millrace, null, {encoding}" if sink == "null" else (
            f"millrace, Kafka {self.deliveries[delivery]}, {encoding}")

    def settings(self):
        return {"sink.type": self.sink, "kafka.delivery": self.delivery, "encoding": self.encoding}

    def follow(self, world, workload, slot, end):
        tables = [*workload.tables, "done"]
        if self.sink == "kafka":
            world.make_topics(slot, tables, workload.partitions)
        relays, first = [], []
        watched = self.sink == "kafka" and len(workload.tables) * workload.partitions <= TOPICS_WATCHED

        def look_for_first():
            """Notes when the first records are in the topics, and how many."""
            count = world.ends(slot, workload.tables, workload.partitions)
            if count > 0:
                first.append((relays[0].seconds(), count))

        def done():
            if watched and not first:
                look_for_first()
            return world.confirmed(slot, end)

        def measure():
            relays.append(millrace(world, slot, **{
                **self.settings(), "slot.name": slot, "slot.adopt": "true", "snapshot.mode": "never",
                "publication.name": "pub", "publication.create": "no", "topics.partitions": workload.partitions}))
            return relays[0].until(done, PATIENCE_S, "the end of the backlog")

        figures = world.beside(measure)
        relays[0].stop()
        if self.sink == "kafka":
            figures.take_first(first[0] if first else (None, None))
            self.look(world, slot, workload.tables, workload.partitions, workload.rows)
        return figures

    def read(self, world, table, rows):
        name = world.fresh_name()
        if self.sink == "kafka":
            world.make_topics(name, [table])
        figures = world.beside(lambda: millrace(world, name, **{
            **self.settings(), "snapshot.mode": "initial_only", "snapshot.workers": self.workers,
            "tables.include": f"public.{table}"}).to_the_end(PATIENCE_S))
        if self.sink == "kafka":
            self.look(world, name, [table], 1, rows)
        world.drop_slot(name)
        world.sql(f"DROP PUBLICATION IF EXISTS {name}")
        return figures

    def look(self, world, prefix, tables, partitions, rows):
        """Is all there?  Then the topics go, but for a sample of them."""
        found = world.await_ends(prefix, tables, partitions, rows)
        if found < rows or (self.delivery == "at_least_once" and found != rows):
            raise Failure(f"{self.label}: {rows} rows were written, but the topics end at {found}")
        if self.sampled is not None and self.sampled.file is None:
            self.sampled.take(world, prefix, tables, partitions)
        world.drop_topics(prefix)


class Sample:
    """The first records that a relay wrote, for Librdkafka."""

    file = None

    def take(self, world, prefix, tables, partitions):
        self.tables, self.partitions = tables, partitions
        file = world.folder / f"{prefix}.records"
        world.sample(prefix, tables, partitions, file)
        self.file = file


def made_up(world):
    """A Sample that nobody wrote: rows of four tables, much as a relay's."""
    sample = Sample()
    sample.tables, sample.partitions, sample.file = [f"m_{n}" for n in range(4)], 1, world.folder / "made-up.records"
    if not sample.file.exists():
        world.make_up(sample.tables, sample.file)
    return sample


class Librdkafka:
    """The floor of the Kafka sink: produce.c writes a sample over and over, in transactions that are
    committed as often as the relay's are by default, or without, idempotent."""

    kind = "sink"
    # What sinks/kafka_config.c tells librdkafka, for the same batches.
    properties = {"compression.type": "lz4", "linger.ms": 20, "batch.size": 1000000,
                  "queue.buffering.max.kbytes": 65536}

    def __init__(self, sample, transactions=True, small=False):
        self.sample, self.transactions = sample, transactions
        if small:  # many requests, for warming up
            self.properties = {**self.properties, "linger.ms": 1, "batch.size": 20000}
        self.label = "librdkafka alone, " + ("transactions" if transactions else "idempotent")

    def write(self, world, rows):
        if self.sample.file is None:
            raise Failure("no relay has written the records that it is to write")
        name = world.fresh_name()
        world.make_topics(name, self.sample.tables, self.sample.partitions)
        arguments = [tool(world, "bench_produce"), "-b", world.kafka.bootstrap, "-p", name, "-f", self.sample.file, "-n", rows]
        for key, value in self.properties.items():
            arguments += ["-X", f"{key}={value}"]
        if self.transactions:
            arguments += ["-t", name]
        figures = world.beside(lambda: world.programs.start("librdkafka", arguments).to_the_end(PATIENCE_S))
        world.drop_topics(name)
        return figures

    def follow(self, world, workload, slot, end):
        return self.write(world, workload.rows)

    def read(self, world, table, rows):
        return self.write(world, rows)


def tool(world, name):
    return world.options.tools / name


def latency(world, topic, rate, seconds, **more):
    """Runs bench_latency; what it says.  more: its options by letter."""
    arguments = [tool(world, "bench_latency"), "-b", world.kafka.bootstrap, "-t", topic, "-r", rate, "-s", seconds]
    for letter, value in more.items():
        arguments += [f"-{letter}", value]
    program = world.programs.start("latency", arguments)
    program.to_the_end(seconds * 3 + 120)
    return json.loads(program.log.read_text().splitlines()[-1])
