"""Speed and memory of the relay, each figure beside its floor in the same run.

    stream    a backlog of single-row inserts: relay (null sink, encoding on; Kafka, exactly once)
              against pg_recvlogical writing the same slot's bytes to /dev/null
    snapshot  a table: relay (null sink; Kafka) against COPY TO STDOUT to /dev/null over as many connections
    memory    peak resident memory of the relay: a 2-million-row transaction, a 30 MB row, 1,000 tables
    latency   milliseconds from the commit in PostgreSQL (source.ts_us) to a consumer of the topic, at 500 and at
              2,000 transactions a second, exactly once (read_committed) and at least once

Each case is run --runs times in turn with its floor (A B A B ...); medians are printed.  Ratios are what
to quote: the machine is shared by all servers.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/lib"))
from private_servers import Kafka, Postgres, close_all, start_all  # noqa: E402

MILLRACE = ROOT / "build/release/relay/millrace"  # --millrace names another
CASES = ["stream", "snapshot", "memory", "latency"]
TICKS = os.sysconf("SC_CLK_TCK")


class Relay:
    """One `millrace run`, watched from outside."""

    program = MILLRACE

    def __init__(self, postgres, name, folder, **settings):
        self.log = open(folder / f"{name}.log", "ab")
        base = {"name": name, "source.postgres.host": "127.0.0.1", "source.postgres.port": postgres.port,
                "source.postgres.user": "postgres", "source.postgres.database": "bench",
                "publication.create": "filtered", "log.level": "warn"}
        (folder / "empty.yaml").write_text("{}\n")
        arguments = [self.program, "run", "-c", folder / "empty.yaml"]
        for path, value in {**base, **settings}.items():
            arguments += ["--set", f"{path}={value}"]
        self.started = time.perf_counter()
        self.process = subprocess.Popen([str(a) for a in arguments], stdout=self.log, stderr=self.log)

    def figures(self):
        """Seconds so far, CPU seconds (user + system), peak resident MiB; while it still runs."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return (time.perf_counter() - self.started, (int(fields[11]) + int(fields[12])) / TICKS, peak / 1024)

    def until(self, done, limit_s=900):
        """Runs until done(); returns figures() of that moment, then stops it."""
        end = time.perf_counter() + limit_s
        while not done():
            if self.process.poll() is not None:
                sys.exit(f"bench: the relay ended with {self.process.returncode}: see {self.log.name}")
            if time.perf_counter() > end:
                self.process.kill()
                sys.exit("bench: the relay did not get there in time")
            time.sleep(0.005)
        figures = self.figures()
        self.stop()
        return figures

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def to_the_end(self):
        """Runs until it ends by itself; seconds, CPU seconds, peak MiB."""
        _, status, usage = os.wait4(self.process.pid, 0)
        if status != 0:
            sys.exit(f"bench: the relay ended with status {status}: see {self.log.name}")
        return time.perf_counter() - self.started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Bench:
    def __init__(self, scale, runs):
        self.scale, self.runs = scale, runs
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-bench-"))
        self.postgres, self.kafka = Postgres(), Kafka()
        start_all(self.kafka, self.postgres)
        self.postgres.execute("CREATE DATABASE bench")
        self.number = 0

    def sql(self, text):
        return self.postgres.execute(text, "bench")

    def fresh_name(self):
        self.number += 1
        return f"bench_{self.number}"

    def confirmed(self, slot, lsn):
        with self.postgres.connect("bench", autocommit=True) as c:
            row = c.execute("SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots WHERE slot_name = %s",
                            (lsn, slot)).fetchone()
        return row is not None and row[0]

    def settled(self, slot):
        """Until a relay has stored its first position: what comes from now on is its backlog."""
        while not int(self.sql(f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}' AND active")):
            time.sleep(0.02)
        mark = self.sql("SELECT pg_logical_emit_message(false, 'bench', 'mark')")
        return lambda: self.confirmed(slot, mark)

    def drop_slot(self, slot):
        deadline = time.perf_counter() + 30
        while time.perf_counter() < deadline:
            with contextlib.suppress(Exception):
                self.sql(f"SELECT pg_drop_replication_slot('{slot}')")
                return
            time.sleep(0.05)

    # -- stream

    def recvlogical(self, slot, publication, end):
        started = time.perf_counter()
        subprocess.run(["pg_recvlogical", "-d", self.postgres.dsn("bench"), "--slot", slot, "--start", "--no-loop",
                        "-f", "/dev/null", "-o", "proto_version=1", "-o", f"publication_names={publication}",
                        f"--endpos={end}"], check=True)
        return time.perf_counter() - started

    def write_backlog(self, rows, transactions):
        each = rows // transactions
        self.sql("CREATE TABLE IF NOT EXISTS b (id bigserial PRIMARY KEY, a int, t text, at timestamptz)")
        self.sql("CREATE PROCEDURE fill(n int, m int) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..n LOOP "
                 "INSERT INTO b (a, t, at) SELECT g, 'some text of about forty bytes number ' || g, now() "
                 "FROM generate_series(1, m) g; COMMIT; END LOOP; END $$")
        # Two statements: a procedure that commits must not stand in a transaction of its caller's.
        self.sql(f"CALL fill({transactions}, {each})")
        self.sql("DROP PROCEDURE fill")
        end = self.sql("SELECT pg_current_wal_insert_lsn()")
        self.sql("INSERT INTO b (a) VALUES (0)")  # so that `end` is passed by a commit, not by an idle position
        return end

    def stream(self):
        rows, transactions = int(1_000_000 * self.scale), int(10_000 * self.scale)
        self.sql("CREATE TABLE b (id bigserial PRIMARY KEY, a int, t text, at timestamptz)")
        self.sql("CREATE PUBLICATION pub FOR TABLE b")
        # The Kafka relay makes its own slot, at the place where the backlog will begin.
        kafka_names = [self.fresh_name() for _ in range(self.runs)]
        kafka = {"kafka.bootstrap_servers": self.kafka.bootstrap, "snapshot.mode": "never",
                 "publication.name": "pub", "publication.create": "no"}
        for name in kafka_names:
            relay = Relay(self.postgres, name, self.folder, **kafka)
            relay.until(self.settled(name))
        floors = [self.fresh_name() for _ in range(self.runs)]
        nulls = [self.fresh_name() for _ in range(self.runs)]
        for slot in floors + nulls:
            self.sql(f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')")
        end = self.write_backlog(rows, transactions)
        floor, null, log = [], [], []
        for i in range(self.runs):
            floor.append(self.recvlogical(floors[i], "pub", end))
            self.drop_slot(floors[i])
            null.append(Relay(self.postgres, nulls[i], self.folder, **{
                "sink.type": "null", "publication.name": "pub", "publication.create": "no"}).until(
                lambda: self.confirmed(nulls[i], end)))
            self.drop_slot(nulls[i])
            log.append(Relay(self.postgres, kafka_names[i], self.folder, **kafka).until(
                lambda: self.confirmed(kafka_names[i], end)))
            self.drop_slot(kafka_names[i])
        print(f"\nstream: {rows} single-row inserts in {transactions} transactions")
        self.report("pg_recvlogical", rows, [(s, None, None) for s in floor])
        self.report("millrace, null sink", rows, null, floor)
        self.report("millrace, Kafka exactly once", rows, log, floor)
        self.sql("DROP PUBLICATION pub; DROP TABLE b")

    # -- snapshot

    def copy(self, workers):
        blocks = int(self.sql("SELECT pg_relation_size('s') / 8192"))
        step = blocks // workers + 1
        started = time.perf_counter()
        copies = [subprocess.Popen(
            ["psql", "-X", "-q", "-d", self.postgres.dsn("bench"), "-c",
             f"COPY (SELECT * FROM s WHERE ctid >= '({w * step},0)' AND ctid < '({(w + 1) * step},0)') TO STDOUT"],
            stdout=subprocess.DEVNULL) for w in range(workers)]
        if any(c.wait() != 0 for c in copies):
            sys.exit("bench: COPY failed")
        return time.perf_counter() - started

    def snapshot(self):
        rows, workers = int(2_000_000 * self.scale), 2
        self.sql("CREATE TABLE s (id bigint PRIMARY KEY, a int, t text, at timestamptz)")
        self.sql("INSERT INTO s SELECT g, g % 1000, 'some text of about forty bytes number ' || g, now() "
                 f"FROM generate_series(1, {rows}) g")
        self.sql("VACUUM ANALYZE s")
        floor, null, kafka = [], [], []
        for _ in range(self.runs):
            floor.append(self.copy(workers))
            for kept, sink in ((null, {"sink.type": "null"}), (kafka, {"kafka.bootstrap_servers": self.kafka.bootstrap})):
                name = self.fresh_name()
                kept.append(Relay(self.postgres, name, self.folder, **{
                    "snapshot.mode": "initial_only", "snapshot.workers": workers,
                    "tables.include": "public.s", **sink}).to_the_end())
                self.drop_slot(name)
        print(f"\nsnapshot: {rows} rows, {workers} connections (start of the program included)")
        self.report("COPY TO STDOUT", rows, [(s, None, None) for s in floor])
        self.report("millrace, null sink", rows, null, floor)
        self.report("millrace, Kafka exactly once", rows, kafka, floor)
        self.sql("DROP TABLE s")

    # -- memory

    def streamed(self, name, settings, write):
        """Peak figures of a relay that takes over what write() writes."""
        relay = Relay(self.postgres, name, self.folder, **settings)
        settled = self.settled(name)
        while not settled():
            time.sleep(0.05)
            if relay.process.poll() is not None:
                sys.exit(f"bench: the relay ended: see {relay.log.name}")
        write()
        end = self.sql("SELECT pg_current_wal_insert_lsn()")
        self.sql("SELECT pg_logical_emit_message(false, 'bench', 'end')")
        figures = relay.until(lambda: self.confirmed(name, end))
        self.drop_slot(name)
        return figures

    def memory(self):
        kafka = {"kafka.bootstrap_servers": self.kafka.bootstrap, "topics.partitions": 1}
        rows = int(2_000_000 * self.scale)
        self.sql("CREATE TABLE m_tx (id bigint PRIMARY KEY, t text)")
        self.sql("CREATE TABLE m_big (id int PRIMARY KEY, t text)")
        tables = int(1000 * self.scale)
        for first in range(1, tables + 1, 100):
            self.sql(";".join(f"CREATE TABLE m_{n} (id int PRIMARY KEY, t text)"
                              for n in range(first, min(first + 100, tables + 1))))
        cases = [
            (f"one transaction of {rows} rows", "public.m_tx", lambda: self.sql(
                f"INSERT INTO m_tx SELECT g, 'row number ' || g FROM generate_series(1, {rows}) g")),
            ("one row of 30 MB", "public.m_big", lambda: self.sql(
                "INSERT INTO m_big SELECT 1, string_agg(md5(g::text), '') FROM generate_series(1, 983040) g")),
            (f"{tables} tables, a row each", "public[.]m_[0-9]+", lambda: self.sql(
                f"DO $$ BEGIN FOR i IN 1..{tables} LOOP EXECUTE 'INSERT INTO m_' || i || ' VALUES (1, ''x'')'; "
                "END LOOP; END $$")),
        ]
        print("\nmemory: peak resident MiB, snapshot and stream, Kafka exactly once")
        for label, tables_pattern, write in cases:
            name = self.fresh_name()
            seconds, cpu, peak = self.streamed(name, {**kafka, "tables.include": tables_pattern}, write)
            print(f"  {label:36s} {peak:8.1f} MiB   {seconds:7.2f} s   {cpu:6.2f} CPU s")

    # -- latency

    def consumer(self, topic, isolation):
        import confluent_kafka

        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.kafka.bootstrap, "group.id": "bench", "isolation.level": isolation,
            "enable.auto.commit": False, "fetch.wait.max.ms": 10, "fetch.error.backoff.ms": 1})
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_END)])
        consumer.poll(2)  # until it stands at the end
        return consumer

    def delays(self, consumer, writer):
        """Milliseconds of each record that comes while `writer` runs, and shortly after."""
        found, until = [], None
        while until is None or time.perf_counter() < until:
            message = consumer.poll(0.1)
            seen = time.time()
            if message is not None and message.error() is None:
                found.append(seen * 1e3 - json.loads(message.value())["source"]["ts_us"] / 1e3)
            if until is None and writer.poll() is not None:
                until = time.perf_counter() + 1
        return sorted(found)

    def latency(self):
        seconds = max(5, int(60 * self.scale))
        script = self.folder / "one_row.sql"
        script.write_text("INSERT INTO l (t) VALUES ('some text of about forty bytes number 1234');\n")
        self.sql("CREATE TABLE l (id bigserial PRIMARY KEY, t text)")
        print(f"\nlatency: commit in PostgreSQL to consumer, single-row transactions for {seconds} s, milliseconds")
        for delivery, isolation in (("exactly_once", "read_committed"), ("at_least_once", "read_uncommitted")):
            for rate in (500, 2000):
                name = self.fresh_name()
                relay = Relay(self.postgres, name, self.folder, **{
                    "kafka.bootstrap_servers": self.kafka.bootstrap, "kafka.delivery": delivery,
                    "topics.partitions": 1, "tables.include": "public.l"})
                settled = self.settled(name)
                while not settled():
                    time.sleep(0.02)
                consumer = self.consumer(f"{name}.public.l", isolation)
                writer = subprocess.Popen(
                    ["pgbench", "-n", "-c", "4", "-R", str(rate), "-T", str(seconds), "-f", script,
                     self.postgres.dsn("bench")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                found = self.delays(consumer, writer)
                consumer.close()
                _, cpu, peak = relay.figures()
                relay.stop()
                self.drop_slot(name)
                if not found:
                    sys.exit(f"bench: no record came: see {relay.log.name}")
                print(f"  {delivery:14s} {rate:5d} tx/s   p50 {found[len(found) // 2]:6.1f}   "
                      f"p99 {found[len(found) * 99 // 100]:6.1f}   max {found[-1]:6.1f}   "
                      f"{len(found)} records   {cpu / len(found) * 1e6:5.1f} us CPU/record   peak {peak:5.1f} MiB",
                      flush=True)
        self.sql("DROP TABLE l")

    def report(self, label, rows, figures, floor=None):
        seconds = statistics.median(f[0] for f in figures)
        line = f"  {label:32s} {rows / seconds:12,.0f} rows/s"
        if floor is not None:
            ratios = [b / f[0] for b, f in zip(floor, figures)]
            cpu = statistics.median(f[1] for f in figures) / rows * 1e6
            peak = max(f[2] for f in figures)
            line += f"   ratio to floor {statistics.median(ratios):5.2f}   {cpu:5.2f} us CPU/row   peak {peak:6.1f} MiB"
        print(line, flush=True)

    def close(self):
        close_all(self.kafka, self.postgres)
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("case", nargs="*", default=["all"], choices=[*CASES, "all"])
    arguments.add_argument("--scale", type=float, default=1.0, help="fraction of the full size")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--millrace", type=pathlib.Path, default=MILLRACE, help="the program to measure")
    options = arguments.parse_args()
    Relay.program = options.millrace
    cases = CASES if "all" in options.case else options.case
    bench = Bench(options.scale, options.runs)
    try:
        for case in cases:
            getattr(bench, case)()
    finally:
        bench.close()


if __name__ == "__main__":
    main()
