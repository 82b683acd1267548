"""cases - what is measured.  Each takes the World and the Report.

stream    the backlog of each workload: pg_recvlogical, the relay into nothing and into Kafka, librdkafka alone
snapshot  a table, over 1, 2 and 4 connections: COPY, the relay into nothing and into Kafka, librdkafka alone
latency   from the commit in PostgreSQL to a read_committed consumer, at 500 and 2,000 transactions a second
memory    a large transaction, a row of 30 MB, 1,000 tables, idle with 100; start with a position to first event
encode    nanoseconds to encode an event: ours, jansson, Avro C
scale     cost as work grows: columns, text, transaction size, tables, partitions
"""
import contextlib
import re
import subprocess
import time

import workloads
from contenders import Copy, Librdkafka, Millrace, Recvlogical, Sample, latency as run_latency, made_up, millrace, tool
from debezium import PROMPT
from private_servers import ServerError
from programs import Failure, usage
from report import Row
from workloads import PLAIN, Workload

COMPARED = ("inserts", "tpcb")  # with Debezium, unless --everything


# ---- turns


def chosen(world, contenders):
    return [c for c in contenders if re.search(world.options.contenders, c.label)]


def in_turn(world, report, contenders, runs, one):
    """A B C A B C ...: {contender: [Figures]}.  Who fails is told, and has no further turn."""
    found, lost = {c: [] for c in contenders}, set()
    for turn in range(runs):
        for c in contenders:
            if c in lost or turn >= (world.options.debezium_runs if c.kind == "debezium" else runs):
                continue
            try:
                found[c].append(one(c))
            except (Failure, ServerError, OSError) as problem:
                report.failed(c.label, problem)
                lost.add(c)
                world.programs.close()
    return found


def backlog(world, report, workload, contenders, runs):
    """Writes the workload behind a slot, and lets each contender follow a copy of that slot."""
    workload.create(world)
    world.sql("CREATE TABLE done (id serial PRIMARY KEY)")
    world.sql("CREATE PUBLICATION pub FOR TABLE done, " + ", ".join(workload.tables))
    world.sql("SELECT pg_create_logical_replication_slot('origin', 'pgoutput')")
    workload.write(world)
    end = world.sql("SELECT pg_current_wal_insert_lsn()")
    world.sql("INSERT INTO done DEFAULT VALUES")  # so that `end` is passed by a commit, not by an idle position
    world.sql("CHECKPOINT")

    def follow(contender):
        slot = world.copy_slot("origin")
        try:
            return contender.follow(world, workload, slot, end)
        finally:
            with contextlib.suppress(Failure):
                world.drop_slot(slot)

    found = in_turn(world, report, contenders, 1 if workload.once else runs, follow)
    world.drop_slot("origin")
    world.sql("DROP PUBLICATION pub; DROP TABLE done")
    workload.drop(world)
    world.sql("CHECKPOINT")
    return found


def rows_of(case, work, events, found, **facts):
    return [Row(case, work, c.label, c.kind, events, runs, {"sink": getattr(c, "sink", None), **facts})
            for c, runs in found.items()]


# ---- stream


def stream_contenders(world, workload):
    options, sample = world.options, Sample()
    full = workload.name == "inserts" or options.everything
    first, *others = options.encodings
    found = [Recvlogical(), Millrace("null", first), Millrace("kafka", first, sampled=sample), Librdkafka(sample)]
    if full:
        found += [Librdkafka(sample, transactions=False), Millrace("kafka", first, "at_least_once")]
        for encoding in others:
            found += [Millrace("null", encoding), Millrace("kafka", encoding)]
    if world.debezium and (workload.name in COMPARED or options.everything):
        found.append(world.debezium)
        if full:
            found.append(world.debezium.as_shipped())
    return chosen(world, found)


def stream(world, report):
    for name in world.options.workloads:
        workload = workloads.ALL[name](world)
        report.title(f"stream, {workload.name}: {workload.label}: {workload.rows:,} events in "
                     f"{workload.transactions:,} transactions")
        try:
            found = backlog(world, report, workload, stream_contenders(world, workload), world.options.runs)
        except (Failure, ServerError) as problem:
            report.failed(f"stream, {workload.name}", problem)
            world.clear()
            continue
        report.rows(rows_of("stream", workload.name, workload.rows, found, transactions=workload.transactions))


def warm(world, report):
    """Broker and Debezium's worker have seen the work before it is measured: a machine that runs Java
    for the first time is busy compiling it, half of what the broker used in the first turns."""
    report.title("warming up, not measured")
    for turn in range(world.scaled(24, 1)):
        Librdkafka(made_up(world), small=turn % 2 == 0).write(world, world.scaled(500_000, 1000))
    if world.debezium:
        workload = Workload("warm", "", world.scaled(200_000, 1000), world.scaled(2000))
        backlog(world, report, workload, [world.debezium], 3)


# ---- snapshot


def snapshot_contenders(world, workers):
    sample, encoding = Sample(), world.options.encodings[0]
    found = [Copy(workers), Millrace("null", encoding, workers=workers),
             Millrace("kafka", encoding, workers=workers, sampled=sample), Librdkafka(sample)]
    if workers == 2:
        found += [Millrace("null", other, workers=workers) for other in world.options.encodings[1:]]
        if world.debezium:
            found.append(world.debezium)
    return chosen(world, found)


def snapshot(world, report):
    table = Workload("snapshot", "a table", world.scaled(2_000_000, 100), 1)
    table.create(world)
    table.write(world)
    world.sql("VACUUM ANALYZE w_0")
    world.sql("CREATE PUBLICATION pub FOR TABLE w_0")
    world.sql("CHECKPOINT")
    for workers in (1, 2, 4):
        report.title(f"snapshot: {table.rows:,} rows, {workers} connections (start of the program included)")
        found = in_turn(world, report, snapshot_contenders(world, workers), world.options.runs,
                        lambda contender: contender.read(world, "w_0", table.rows))
        report.rows(rows_of("snapshot", f"{workers} workers", table.rows, found, workers=workers))
    world.sql("DROP PUBLICATION pub")
    table.drop(world)


# ---- latency


def latency(world, report):
    seconds = world.scaled(60)
    world.sql("CREATE TABLE l (id bigserial PRIMARY KEY, t text)")
    world.sql("CREATE PUBLICATION pub FOR TABLE l")
    for rate in (500, 2000):
        report.title(f"latency: {rate} single-row transactions a second for {seconds} s, milliseconds from the "
                     "commit to a read_committed consumer")
        whos = [("librdkafka alone, transactions", lambda: straight(world, rate, seconds, True)),
                ("librdkafka alone, idempotent", lambda: straight(world, rate, seconds, False)),
                ("millrace, exactly once", lambda: relayed(world, rate, seconds, "exactly_once")),
                ("millrace, at least once", lambda: relayed(world, rate, seconds, "at_least_once"))]
        if world.debezium:
            whos.append(("Debezium, at least once", lambda: connected(world, rate, seconds)))
        for who, measure in whos:
            if not re.search(world.options.contenders, who):
                continue
            try:
                delays(report, rate, who, measure())
            except (Failure, ServerError, OSError) as problem:
                report.failed(f"latency, {who}, {rate} tx/s", problem)
                world.programs.close()
    world.sql("DROP PUBLICATION pub; DROP TABLE l")


def delays(report, rate, who, found):
    cpu = found.get("cpu_us_per_event")
    report.fact("latency", f"{who:32s} p50 {found['p50_ms']:6.1f}  p99 {found['p99_ms']:6.1f}  p99.9 "
                f"{found['p999_ms']:6.1f}  max {found['max_ms']:6.1f}   {found['records']} records"
                + ("" if cpu is None else f"   {cpu:5.1f} us CPU each   {found['peak_mib']:.1f} MiB"),
                rate=rate, contender=who, **found)


def straight(world, rate, seconds, transactions):
    """The floor: what Kafka and the measuring itself cost, without PostgreSQL and without a relay."""
    name = world.fresh_name()
    world.make_topics(name, ["l"])
    found = run_latency(world, f"{name}.public.l", rate, max(1, seconds // 4), **({"i": name} if transactions else {}))
    world.drop_topics(name)
    return found


def paced(world, topic, rate, seconds, pid):
    cpu_from, _, _ = usage(pid)
    found = run_latency(world, topic, rate, seconds, d=world.postgres.dsn("bench"),
                        q="INSERT INTO l (t) VALUES ('some text of about forty bytes number 1234')")
    cpu_to, peak, _ = usage(pid)
    return {**found, "cpu_us_per_event": (cpu_to - cpu_from) / found["records"] * 1e6, "peak_mib": peak}


def relayed(world, rate, seconds, delivery):
    name = world.fresh_name()
    world.make_topics(name, ["l"])
    relay = millrace(world, name, **{"kafka.delivery": delivery, "publication.name": "pub", "publication.create": "no",
                                     "snapshot.mode": "never"})
    relay.until(settled(world, name), 60, "the stream")
    found = paced(world, f"{name}.public.l", rate, seconds, relay.child.pid)
    forget(world, relay, name)
    return found


def connected(world, rate, seconds):
    debezium, name = world.debezium, world.fresh_name()
    world.make_topics(name, ["l"])
    debezium.start(world, name, **{**PROMPT, "snapshot.mode": "no_data"})
    debezium.wait(name, lambda: world.streaming(name), "the stream")
    found = paced(world, f"{name}.public.l", rate, seconds, debezium.worker.process.pid)
    debezium.stop(world, name)
    world.drop_topics(name)
    return found


def settled(world, slot):
    """Tells when a relay that was just started has confirmed a position of after its start."""
    seen = []

    def done():
        if not seen and world.streaming(slot):
            seen.append(world.mark())
        return bool(seen) and world.confirmed(slot, seen[0])

    return done


def forget(world, relay, name):
    relay.stop()
    world.drop_slot(name)
    world.sql(f"DROP PUBLICATION IF EXISTS {name}")
    world.drop_topics(name)


# ---- memory


def memory(world, report):
    report.title("memory: peak resident MiB into Kafka, exactly once, snapshot and stream")
    for case in (large_transaction, large_row, many_tables, idle, first_event):
        try:
            case(world, report)
        except (Failure, ServerError, OSError) as problem:
            report.failed(case.__name__, problem)
            world.programs.close()


def taken_over(world, report, what, pattern, write):
    """Peak of a relay that has read the tables, and then streams what write() writes."""
    name = world.fresh_name()
    relay = millrace(world, name, **{"tables.include": pattern})
    relay.until(settled(world, name), 300, "the end of the snapshot")
    started = relay.seconds()
    write()
    end = world.mark()
    figures = relay.until(lambda: world.confirmed(name, end), 600, "the end of the stream")
    forget(world, relay, name)
    report.fact("memory", f"{what:44s} {figures.peak_mib:7.1f} MiB   up after {started:.2f} s   "
                f"{figures.cpu_s:.2f} CPU s", what=what, peak_mib=figures.peak_mib, up_s=started, cpu_s=figures.cpu_s)


def large_transaction(world, report):
    rows = world.scaled(2_000_000, 100)
    world.sql("CREATE TABLE m_large (id bigint PRIMARY KEY, t text)")
    taken_over(world, report, f"one transaction of {rows:,} rows", "public.m_large", lambda: world.sql(
        f"INSERT INTO m_large SELECT g, 'row number ' || g FROM generate_series(1, {rows}) g"))
    world.sql("DROP TABLE m_large")


def large_row(world, report):
    pieces = world.scaled(983_040)  # of 32 bytes
    world.sql("CREATE TABLE m_row (id int PRIMARY KEY, t text)")
    taken_over(world, report, f"one row of {pieces * 32 / 2**20:.0f} MiB", "public.m_row", lambda: world.sql(
        f"INSERT INTO m_row SELECT 1, string_agg(md5(g::text), '') FROM generate_series(1, {pieces}) g"))
    world.sql("DROP TABLE m_row")


def many_tables(world, report):
    many = Workload("many", "", world.scaled(1000), world.scaled(1000), table_count=world.scaled(1000))
    many.create(world)
    taken_over(world, report, f"{many.table_count} tables, a row each", "public[.]w_[0-9]+", lambda: many.write(world))
    many.drop(world)


def idle(world, report):
    seconds, name = world.scaled(30, 2), world.fresh_name()
    many = Workload("idle", "", 100, 100, table_count=100)
    many.create(world)
    relay = millrace(world, name, **{"tables.include": "public[.]w_[0-9]+"})
    relay.until(settled(world, name), 300, "the end of the snapshot")
    cpu_from, _, _ = usage(relay.child.pid)
    time.sleep(seconds)
    cpu_to, peak, now = usage(relay.child.pid)
    percent = (cpu_to - cpu_from) / seconds * 100
    forget(world, relay, name)
    many.drop(world)
    report.fact("memory", f"{'idle for ' + str(seconds) + ' s with 100 tables':44s} {peak:7.1f} MiB   now {now:.1f} MiB   "
                f"{percent:.2f} % of a core", what="idle, 100 tables", peak_mib=peak, resident_mib=now, cpu_percent=percent)


def first_event(world, report):
    """A relay that has a position is started with a row waiting: until a consumer could have it."""
    name = world.fresh_name()
    world.sql("CREATE TABLE f (id serial PRIMARY KEY)")
    relay = millrace(world, name, **{"tables.include": "public.f"})
    relay.until(settled(world, name), 60, "the stream")
    seconds = []
    for _ in range(max(3, world.options.runs)):
        relay.stop()
        before = world.ends(name, ["f"]) if seconds else 0
        world.sql("INSERT INTO f DEFAULT VALUES")
        relay = millrace(world, name, **{"tables.include": "public.f"})
        relay.until(lambda: world.ends(name, ["f"]) > before, 60, "its first event")
        seconds.append(relay.seconds())
    forget(world, relay, name)
    world.sql("DROP TABLE f")
    middle = sorted(seconds)[len(seconds) // 2]
    report.fact("start", f"{'start with a position to the first event':44s} {middle:7.2f} s", seconds=middle, runs=seconds)


# ---- encode


def encode(world, report):
    events = world.scaled(200_000, 100)
    report.title(f"encode: nanoseconds an event, {events} events of eight columns")
    done = subprocess.run([tool(world, "bench_encode"), str(events)], capture_output=True, text=True, check=False)
    for text in done.stdout.splitlines():
        told = re.fullmatch(r"(\S.*?) +(\d+)(?: +([\d.]+) times .*)?", text)
        if told:
            report.fact("encode", text, contender=told[1], ns_per_event=float(told[2]),
                        times_as_fast=float(told[3]) if told[3] else None)
        else:
            print(f"    {text}")
    if done.returncode != 0:
        report.failed("encode", f"ended with status {done.returncode} {done.stderr}")


# ---- scale


def growing(world):
    """(axis, value, Workload) for each point; everything but the axis as it is for single-row inserts."""
    most = world.scaled(300_000, 1000)

    def work(rows, each=100, **more):
        transactions = max(1, rows // each)
        return Workload("scale", "", transactions * each, transactions, **more)

    for count in (1, 4, 16, 64, 256):
        yield "columns", count, work(min(most, most * 16 // count), columns=workloads.wide_columns(count))
    for size in (10, 100, 1000, 10000):
        yield "bytes of text", size, work(min(most, most * 1000 // size), columns=workloads.text_columns(size))
    for each in (1, 10, 100, 1000, 10_000, 100_000, 1_000_000):
        if each <= 4 * most:
            yield "rows in a transaction", each, work(most // 3 if each == 1 else max(most, each), each)
    for count in sorted({world.scaled(count) for count in (1, 10, 100, 1000)}):
        yield "tables", count, work(most, 30, columns=PLAIN, table_count=count)
    for count in (1, 4, 16, 64):
        yield "partitions", count, work(most, partitions=count)


def scale(world, report):
    report.title("scale: events/s, CPU us an event, peak MiB against the size of the work")
    print(f"    {'':34s} {'pg_recvlogical':>14s} | {'into nothing':>24s} | {'into Kafka, exactly once':>26s}")
    for axis, value, workload in growing(world):
        contenders = chosen(world, [Recvlogical(), Millrace("null"), Millrace("kafka")])
        found = backlog(world, report, workload, contenders, 1)
        rows = [row for row in rows_of("scale", axis, workload.rows, found, value=value) if row.runs]
        report.results += [row.figures({}) for row in rows]
        if len(rows) == 3:
            print(f"    {axis:24s} {value:9,d} {rows[0].rate():14,.0f} | " + " | ".join(
                f"{r.rate():10,.0f} {r.cpu_us():6.2f} {r.peak_mib():6.1f}" for r in rows[1:]), flush=True)


CASES = {"stream": stream, "snapshot": snapshot, "latency": latency, "memory": memory, "encode": encode, "scale": scale}
