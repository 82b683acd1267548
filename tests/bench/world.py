"""world - the servers that a benchmark runs against, and what every case asks of them."""
import contextlib
import json
import pathlib
import shutil
import struct
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/lib"))
sys.path.insert(0, str(ROOT / "tests/support"))
from private_servers import Kafka, Postgres, close_all, guard, start_all  # noqa: E402
from programs import Failure, Programs, cpu_of_all, usage  # noqa: E402
from schema_registry import SchemaRegistry  # noqa: E402

# As a server would be run, but for what would disturb at random: unlike the tests' it flushes.
POSTGRES = {"fsync": "on", "full_page_writes": "on", "max_wal_size": "24GB", "checkpoint_timeout": "1h",
            "shared_buffers": "512MB", "autovacuum": "off", "jit": "off"}
DATABASE = "bench"


class Broker(Kafka):
    """With the Java options of Kafka's own kafka-server-start.sh."""

    java_options = ["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
                    "-XX:+ExplicitGCInvokesConcurrent", "-Xshare:auto"]
    heap = ["-Xms1g", "-Xmx1g"]


SAMPLE_RECORDS = 20000
NONE = 0xFFFFFFFF


class World:
    """options: the command line's.  Closed, nothing is left of it."""

    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-bench-"))
        guard.keep_folder(self.folder)
        self.programs = Programs(self.folder)
        self.postgres, self.kafka = Postgres(settings=POSTGRES), Broker()
        self.registry = self.watcher = self.consumer = self.debezium = None
        self.number = 0

    def start(self):
        start_all(self.kafka, self.postgres)
        self.registry = SchemaRegistry()
        self.make_database()

    def make_database(self):
        self.postgres.execute(f"CREATE DATABASE {DATABASE}")
        self.watcher = self.postgres.connect(DATABASE, autocommit=True)

    def clear(self):
        """After a failure, of which anything may be left: a new database."""
        self.programs.close()
        self.watcher.close()
        self.postgres.restart()  # whoever holds a slot is gone
        for slot, in self.postgres.rows("SELECT slot_name FROM pg_replication_slots"):
            self.postgres.execute(f"SELECT pg_drop_replication_slot('{slot}')")
        self.postgres.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        self.make_database()

    def close(self):
        self.programs.close()
        for thing in (self.watcher, self.consumer, self.registry):
            if thing is not None:
                with contextlib.suppress(Exception):
                    thing.close()
        close_all(self.kafka, self.postgres)
        shutil.rmtree(self.folder, ignore_errors=True)
        guard.release_folder(self.folder)

    def scaled(self, number, least=1):
        return max(least, int(number * self.options.scale))

    def fresh_name(self):
        self.number += 1
        return f"bench_{self.number}"

    def beside(self, measure):
        """measure()'s Figures, with what the servers used meanwhile."""
        before = self.servers_cpu_s()
        figures = measure()
        figures.postgres_cpu_s, figures.kafka_cpu_s = (b - a for a, b in zip(before, self.servers_cpu_s()))
        return figures

    def servers_cpu_s(self):
        """(PostgreSQL's, with its backends; the broker's)"""
        return cpu_of_all(self.postgres.process.pid), usage(self.kafka.process.pid)[0]

    # ---- PostgreSQL

    def sql(self, text):
        return self.postgres.execute(text, DATABASE)

    def one(self, text, *values):
        """The first column of the first row, over a connection that stays; None without a row."""
        row = self.watcher.execute(text, values).fetchone()
        return None if row is None else row[0]

    def confirmed(self, slot, lsn):
        return self.one("SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots WHERE slot_name = %s",
                        lsn, slot) or False

    def streaming(self, slot):
        return self.one("SELECT 1 FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid "
                        "WHERE s.slot_name = %s AND r.state = 'streaming'", slot) is not None

    def mark(self):
        """A position that whoever follows the database confirms before long."""
        lsn = self.sql("SELECT pg_current_wal_insert_lsn()")
        self.sql("SELECT pg_logical_emit_message(false, 'bench', 'mark')")
        return lsn

    def copy_slot(self, origin):
        name = self.fresh_name()
        self.sql(f"SELECT pg_copy_logical_replication_slot('{origin}', '{name}')")
        return name

    def drop_slot(self, slot):
        """Waits until its user is gone; a slot that is not there is none."""
        end = time.perf_counter() + 30
        while self.one("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", slot):
            with contextlib.suppress(Exception):
                self.one("SELECT pg_drop_replication_slot(%s)", slot)
            if time.perf_counter() > end:
                raise Failure(f"slot {slot} is still in use")
            time.sleep(0.02)

    # ---- Kafka

    def client(self):
        from confluent_kafka import Consumer

        if self.consumer is None:
            self.consumer = Consumer({
                "bootstrap.servers": self.kafka.bootstrap, "group.id": "bench", "enable.auto.commit": False,
                "auto.offset.reset": "earliest", "isolation.level": "read_committed", "log_level": 0,
                "enable.partition.eof": True, "topic.metadata.refresh.interval.ms": -1})
        return self.consumer

    def make_topics(self, prefix, tables, partitions=1):
        from confluent_kafka.admin import NewTopic

        admin = self.kafka.admin()
        names = [f"{prefix}.public.{table}" for table in tables]
        for first in range(0, len(names), 200):
            asked = [NewTopic(n, num_partitions=partitions, replication_factor=1) for n in names[first:first + 200]]
            for made in admin.create_topics(asked, operation_timeout=60).values():
                made.result(90)

    def drop_topics(self, prefix):
        admin = self.kafka.admin()
        gone = list(self.kafka.topics(f"{prefix}."))
        for first in range(0, len(gone), 200):
            for done in admin.delete_topics(gone[first:first + 200], operation_timeout=60).values():
                done.result(90)

    def ends(self, prefix, tables, partitions=1):
        """Sum of the last stable offsets: records, and in transactions their markers too.  They are a
        moment behind a commit, since the markers are written after its answer."""
        return sum(self.end(f"{prefix}.public.{t}", p) for t in tables for p in range(partitions))

    def end(self, topic, partition):
        """0 as long as its broker has not heard of a new topic."""
        from confluent_kafka import KafkaError, KafkaException, TopicPartition

        try:
            return self.client().get_watermark_offsets(TopicPartition(topic, partition), timeout=30)[1]
        except KafkaException as problem:
            if problem.args[0].code() in (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART,
                                          KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC):
                return 0
            raise Failure(f"topic {topic}: {problem}") from None

    def await_ends(self, prefix, tables, partitions, least, limit_s=15):
        """The sum of the ends when it has come to `least`, or as it is when time is out."""
        end = time.perf_counter() + limit_s
        while (found := self.ends(prefix, tables, partitions)) < least and time.perf_counter() < end:
            time.sleep(0.02)
        return found

    def sample(self, prefix, tables, partitions, file):
        """Writes the first records of the topics into a file for produce.c."""
        from confluent_kafka import TopicPartition

        client = self.client()
        client.assign([TopicPartition(f"{prefix}.public.{t}", p, 0) for t in tables for p in range(partitions)])
        left, taken, end = len(tables) * partitions, 0, time.perf_counter() + 60
        with open(file, "wb") as out:
            while left and taken < SAMPLE_RECORDS:
                for message in client.consume(1000, 0.2):
                    if message.error() is not None:
                        left -= 1  # the end of a partition
                        continue
                    out.write(packed(message, prefix))
                    taken += 1
                if time.perf_counter() > end:
                    raise Failure(f"the topics of {prefix} could not be read")
        client.unassign()
        if taken == 0:
            raise Failure(f"the topics of {prefix} are empty")

    def make_up(self, tables, file):
        with open(file, "wb") as out:
            for n in range(SAMPLE_RECORDS):
                row = {"id": n, "c0": n % 1000, "c1": f"some text of about forty bytes number {n}"}
                value = {"before": None, "after": row, "source": {"db": DATABASE, "lsn": n * 256, "txId": n // 100},
                         "op": "c", "ts_ms": 1_767_225_600_000 + n}
                out.write(pack(0, f".public.{tables[n % len(tables)]}".encode(), json.dumps({"id": n}).encode(),
                               json.dumps(value).encode()))


def packed(message, prefix):
    return pack(message.partition(), message.topic().removeprefix(prefix).encode(), message.key(), message.value())


def pack(partition, topic, key, value):
    sizes = [NONE if text is None else len(text) for text in (key, value)]
    return struct.pack("=4I", partition, len(topic), *sizes) + topic + (key or b"") + (value or b"")
