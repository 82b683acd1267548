"""What operators do to a running relay and to what it is connected to, and what tables can be like."""
import json
import random
import re
import signal
import subprocess
import time

import pytest

from conftest import change
from ledger import assert_once, decoded, fill, numbers, wait_for_numbers, write, write_each
from servers import Kafka, TopicReader, wait_until
from test_kill import SEED, Scene, assert_exact


def streaming(run):
    run.start()
    run.wait_for_log("streaming")
    return run


def slot(database, column):
    return database.server.execute(
        f"SELECT {column} FROM pg_replication_slots WHERE slot_name = '{database.slot}'")


def values(reader, table):
    """The values of one table's topic: (op, before, after), without tombstones."""
    return [(op, before, after) for topic, _, op, before, after in map(change, reader.advance())
            if topic.endswith("." + table) and op]


def wait_for_values(run, reader, table, count):
    run.wait_for(lambda: len(values(reader, table)) >= count, 30, f"{count} events of {table}")
    found = values(reader, table)
    assert len(found) == count, found
    return found


# ---- WAL is not kept


@pytest.mark.parametrize("elsewhere", ["in another database", "in a table that is not published"])
def test_slot_moves_while_nothing_is_published(elsewhere, database, relay, reader):
    fill(database, 1)
    database.execute("CREATE UNLOGGED TABLE local (id int); CREATE TABLE unpublished (id int PRIMARY KEY, t text)")
    run = streaming(relay({"commit.idle_interval": "100ms", "tables.include": [r"public\.item"]}))
    wait_for_numbers(run, reader.advance, [1])
    server = database.server
    for i in range(3):
        if elsewhere == "in another database":
            server.execute(f"CREATE TABLE IF NOT EXISTS busy_{database.name} (t text); "
                           f"INSERT INTO busy_{database.name} SELECT repeat('x', 1000) FROM generate_series(1, 100)")
        else:
            database.execute(f"INSERT INTO unpublished SELECT {1000 * i} + g, repeat('x', 1000) FROM generate_series(1, 100) g")
        written, restart = server.execute("SELECT pg_current_wal_lsn()"), slot(database, "restart_lsn")
        run.wait_for(lambda: slot(database, f"confirmed_flush_lsn >= '{written}'") == "t", 30, "the slot to be confirmed")
        server.execute("CHECKPOINT")  # logs which transactions run: restart_lsn can move to there
        run.wait_for(lambda: slot(database, f"restart_lsn > '{restart}'") == "t", 30, "restart_lsn to move")
    assert numbers(reader.advance()) == [1]
    server.execute(f"DROP TABLE IF EXISTS busy_{database.name}")
    assert_once(run, reader.advance, [1])


# ---- servers that stop


def test_fast_stop_of_an_idle_server(database, relay, reader):
    fill(database, 1)
    run = streaming(relay())
    wait_for_numbers(run, reader.advance, [1])
    database.server.stop("fast", deadline_s=10)
    database.server.start()
    write(database, 2)
    wait_for_numbers(run, reader.advance, [2])
    database.server.stop("fast", deadline_s=10)
    run.wait_for_log("session_lost")
    database.server.start()
    write(database, 3)
    assert_once(run, reader.advance, [1, 2, 3])


def under_load(database, relay, reader, disturb, survives=False, times=2):
    """Random transactions, while disturb(scene) happens; then the checker's verdict."""
    scene = Scene(database, relay, reader)
    scene.start_streaming()
    scene.start_witness()
    load = scene.load(SEED, 200, pause=0.005, survives=survives)
    for _ in range(times):
        done = load.done
        wait_until(lambda: load.done > done + 40 or not load.running, 60, "some load")
        disturb(scene)
    load.join()
    records = scene.finish()
    assert_exact(scene, scene.sequence_problems(records) + scene.state_problems(records), SEED)


def test_fast_stop_under_load(database, relay, reader):
    def stop(scene):
        database.server.stop("fast", deadline_s=10)
        database.server.start()

    under_load(database, relay, reader, stop, survives=True)


def test_postgres_killed_under_load(database, relay, reader):
    def kill(scene):
        database.server.kill9()
        database.server.start()

    under_load(database, relay, reader, kill, survives=True)


def test_broker_killed_under_load(database, relay, reader, kafka):
    def kill(scene):
        kafka.kill9()
        kafka.start()

    under_load(database, relay, reader, kill, times=1)


def test_terminated_under_load(database, relay, reader):
    def terminate(scene):
        assert scene.relay.terminate() == 0, scene.relay.stderr_tail()
        scene.relay.start()
        scene.relay.wait_for_log("session_started")

    under_load(database, relay, reader, terminate, times=4)


def write_to_a_hanging_sink(database, run, number):
    """Returns when the relay has the row in hand, as its next status says."""
    write(database, number)
    written = database.server.execute("SELECT pg_current_wal_flush_lsn()")
    run.wait_for(lambda: database.server.execute(
        f"SELECT bool_or(write_lsn >= '{written}') FROM pg_stat_replication "
        f"WHERE pid = (SELECT active_pid FROM pg_replication_slots WHERE slot_name = '{database.slot}')") == "t",
        30, "the row to be read")


def status_often(database):
    database.execute(f"ALTER DATABASE \"{database.name}\" SET wal_sender_timeout = '3s'")


def test_second_signal_ends_at_once(database, relay, reader, kafka):
    """The broker is away, so that draining would last: the second signal does not wait for it."""
    fill(database, 1)
    status_often(database)
    run = streaming(relay({"drain_timeout": "10m"}))
    wait_for_numbers(run, reader.advance, [1])
    kafka.stop()
    try:
        write_to_a_hanging_sink(database, run, 2)
        run.process.signal(signal.SIGTERM)
        time.sleep(1)  # it may take its time; it must not end by the first one
        assert run.running(), run.stderr_tail()
        assert run.terminate(deadline_s=10) == 5, run.stderr_tail()
    finally:
        kafka.start()
    assert_once(run, reader.advance, [1, 2])


def test_draining_has_an_end(database, relay, reader, kafka):
    fill(database, 1)
    status_often(database)
    run = streaming(relay({"drain_timeout": "500ms"}))
    wait_for_numbers(run, reader.advance, [1])
    kafka.stop()
    try:
        write_to_a_hanging_sink(database, run, 2)
        assert run.terminate(deadline_s=15) == 5, run.stderr_tail()
    finally:
        kafka.start()
    del run.config["drain_timeout"]
    assert_once(run, reader.advance, [1, 2])


def test_ended_while_it_waits_for_a_transaction(database, relay, reader):
    """Making a slot waits for every open transaction; a signal does not, and no slot is left behind."""
    fill(database, 1)
    run = relay()
    with database.connect() as other:
        other.execute("INSERT INTO item VALUES (2)")
        run.start()
        run.wait_for(lambda: slot(database, "active") == "t", 30, "the slot")
        assert run.terminate(deadline_s=10) == 0, run.stderr_tail()
        assert slot(database, "slot_name") == ""
    assert_once(run, reader.advance, [1, 2])


def test_killed_while_it_waits_for_a_transaction(database, relay, reader):
    """The server does not notice: the next start waits for the slot, and knows that it is nobody else's."""
    fill(database, 1)
    run = relay({"retry.first": "50ms", "retry.most": "100ms"})
    with database.connect() as other:
        other.execute("INSERT INTO item VALUES (2)")
        run.start()
        run.wait_for_log("slot_waiting")
        run.kill9()
        run.start()
        run.wait_for_log("in use")
    assert_once(run, reader.advance, [1, 2])


def test_ended_while_it_waits_for_a_lock(database, relay, reader):
    fill(database, 1)
    run = relay()
    with database.connect() as other:
        other.execute("ALTER TABLE item ADD extra int")
        run.start()
        database_waits = ("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted "
                          f"AND a.datname = '{database.name}'")
        run.wait_for(lambda: database.server.execute(database_waits) != "0", 30, "the relay to wait for the lock")
        assert run.terminate(deadline_s=10) == 0, run.stderr_tail()
    assert_once(run, reader.advance, [1])


def test_paused_longer_than_a_kafka_transaction_may_last(database, relay, reader, kafka):
    """The broker gives the transaction up meanwhile; the relay is no zombie, and goes on."""
    rows = 30000
    fill(database, 1)
    run = streaming(relay({"kafka.transaction_timeout": "1s", "commit.interval": "400ms"}))
    wait_for_numbers(run, reader.advance, [1])
    everything = TopicReader(kafka.bootstrap, reader.prefix, "read_uncommitted")
    try:
        database.execute(f"INSERT INTO item SELECT g, 'x' FROM generate_series(2, {rows}) g")
        run.wait_for(lambda: len(everything.advance()) > 100, 30, "some of the transaction")
        run.process.signal(signal.SIGSTOP)
        sent = max(everything.ends().values())
        wait_until(lambda: max(reader.ends().values()) >= sent, 60, "the broker to end the transaction")
    finally:
        everything.close()
        run.process.signal(signal.SIGCONT)
    assert_once(run, reader.advance, range(1, rows + 1))


def test_connection_survives_a_sink_that_hangs(database, relay, reader, kafka):
    """Status updates go on, although nothing is read: wal_sender_timeout does not strike.  And the
    operator is told what is waited for."""
    fill(database, 1)
    status_often(database)
    run = streaming(relay({"kafka.queue_max": "64KiB"}))
    wait_for_numbers(run, reader.advance, [1])
    walsender = slot(database, "active_pid")
    kafka.stop()
    try:
        database.execute("INSERT INTO item SELECT g, repeat('x', 2000) FROM generate_series(2, 10000) g")
        run.wait_for_log(" waiting ", 60)  # after 10 s: well beyond the timeout
        assert slot(database, "active_pid") == walsender, run.stderr_tail()
    finally:
        kafka.start()
    run.wait_for_log(" waited ", 60)
    assert_once(run, reader.advance, range(1, 10001))
    reason = re.search(r' waiting seconds=1[0-9] reason="Kafka (.*)"', run.stderr())[1]
    assert kafka.bootstrap in reason and ("no broker can be reached" in reason or "refused" in reason), reason


@pytest.fixture
def hasty_kafka():
    """A broker that its controller fences when it has not been heard for a moment."""
    own = Kafka({"broker.session.timeout.ms": 300, "broker.heartbeat.interval.ms": 150})
    own.start()
    yield own
    own.close()


def test_broker_that_is_fenced_now_and_then(database, relays, hasty_kafka):
    """It is not in the metadata then.  librdkafka gives such a broker up, and with the only one everything."""
    fill(database, 1)
    run = streaming(relays({"kafka.bootstrap_servers": hasty_kafka.bootstrap}))
    for number in range(2, 32):
        hasty_kafka.process.signal(signal.SIGSTOP)
        time.sleep(0.35)
        hasty_kafka.process.signal(signal.SIGCONT)
        time.sleep(0.006 + 0.004 * (number % 5))
        write(database, number)
    assert "Fencing broker 1" in hasty_kafka.log.read_text()
    reader = TopicReader(hasty_kafka.bootstrap, f"{database.prefix}.")  # not before: it is librdkafka's, too
    assert_once(run, reader.advance, range(1, 32))
    reader.close()
    assert "imed out" not in run.stderr(), run.stderr_tail()


# ---- what an operator asks


def field(text, name):
    return next(line.partition(":")[2].strip() for line in text.splitlines() if line.startswith(name + ":"))


def test_status(database, relay, reader):
    fill(database, 1)
    run = relay({"commit.idle_interval": "100ms"})
    before = run.command("status")
    assert before.returncode == 0, before.stderr
    assert field(before.stdout, "position") == "none stored" and field(before.stdout, "slot") == "missing"
    streaming(run)
    wait_for_numbers(run, reader.advance, [1])
    write(database, 2)
    wait_for_numbers(run, reader.advance, [2])

    def caught_up():
        said = run.command("status").stdout
        return said if "lag seconds:           0.0" in said else None

    said = run.wait_for(caught_up, 30, "a lag of zero")
    assert field(said, "relay") == field(said, "slot name") == database.name
    assert field(said, "snapshot") == "done" and field(said, "slot") == "active, wal_status reserved"
    assert field(said, "lag") == "0 bytes" and field(said, "position end_lsn") == field(said, "server wal_lsn")
    assert run.terminate() == 0
    database.execute("INSERT INTO item SELECT g, repeat('x', 1000) FROM generate_series(3, 1000) g")
    said = run.command("status").stdout
    assert int(field(said, "lag").split()[0]) > 900_000
    assert int(field(said, "retained WAL").split()[0]) > 900_000
    assert field(said, "slot").startswith("not active")


def test_check(database, relay, reader, kafka):
    fill(database, 1)
    database.execute("CREATE TABLE loose (id int)")
    run = relay()
    said = run.command("check")
    assert said.returncode == 2, said.stdout + said.stderr
    lines = said.stdout.splitlines()
    assert all(line.startswith(("ok     ", "not ok ")) for line in lines), said.stdout
    assert [line for line in lines if line.startswith("not ok") and "loose" in line and "replica identity" in line]
    database.execute("DROP TABLE loose")
    said = run.command("check")
    assert said.returncode == 0 and "not ok" not in said.stdout, said.stdout
    for word in ("sink: reachable", "wal_level is logical", "has the REPLICATION right", "will be created"):
        assert word in said.stdout, said.stdout
    assert kafka.topics(database.prefix) == {} and slot(database, "slot_name") == "", "check changed something"
    streaming(run)
    wait_for_numbers(run, reader.advance, [1])
    said = run.command("check")
    assert said.returncode == 0 and "in use" in said.stdout, said.stdout


# ---- modes


def test_snapshot_never(database, relay, reader):
    fill(database, 1)
    run = streaming(relay({"snapshot.mode": "never"}))
    write(database, 2)
    assert_once(run, reader.advance, [2])
    write(database, 3)
    assert_once(run, reader.advance, [2, 3])


def test_snapshot_initial_only(database, relay, reader):
    """It ends by itself; a relay of the same name goes on from there."""
    fill(database, 1, 2)
    run = relay({"snapshot.mode": "initial_only"})
    run.start()
    assert run.wait(30) == 0, run.stderr_tail()
    assert sorted(numbers(reader.advance())) == [1, 2] and "slot_keeps_wal" in run.stderr()
    write(database, 3)
    run.config["snapshot.mode"] = "initial"
    assert_once(run, reader.advance, [1, 2, 3])


def test_slot_adopted(database, relay, reader):
    fill(database, 1)
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR TABLE item')
    database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
    write(database, 2)
    run = relay({"slot.adopt": True})
    assert_once(run, reader.advance, [2])
    del run.config["slot.adopt"]
    write(database, 3)
    assert_once(run, reader.advance, [2, 3])


def test_at_least_once(database, relay, reader):
    """Killed at random: something may come twice, nothing is missing, and first arrivals are in order."""
    rng = random.Random(SEED)
    fill(database, 1)
    run = streaming(relay({"kafka.delivery": "at_least_once", "commit.records": 20}))
    last = 1
    for _ in range(5):
        write_each(database, range(last + 1, last + 41))
        last += 40
        time.sleep(rng.uniform(0, 0.2))  # when to kill is what is random here
        run.kill9()
        run.start()
    wait_for_numbers(run, reader.advance, range(1, last + 1))
    assert run.terminate() == 0
    assert list(dict.fromkeys(numbers(reader.advance()))) == list(range(1, last + 1))
    assert {op for _, _, op, _, _ in map(change, reader.records)} <= {"r", "c"}


def test_stdout(database, relays):
    def records():
        return [json.loads(line) for line in run.out.read_text().splitlines(keepends=True) if line.endswith("\n")]

    fill(database, 1, 2)
    run = relays({"sink.type": "stdout"})
    run.start()
    wait_for_numbers(run, records, [1, 2])
    write(database, 3)
    assert_once(run, records, [1, 2, 3])
    assert [r["topic"] for r in records()] == [f"{database.prefix}.public.item"] * 3


def test_stdout_whose_reader_goes_away(database, millrace, relays):
    database.execute("CREATE TABLE item (id int PRIMARY KEY, note text); "
                     "INSERT INTO item SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g")
    run = relays({"sink.type": "stdout"})
    run.write_config()
    with open(run.log, "wb") as log:
        child = subprocess.Popen([millrace, "run", "-c", run.file], stdout=subprocess.PIPE, stderr=log)
    try:
        assert child.stdout.readline()
        child.stdout.close()
        assert child.wait(30) == 1 and "standard output" in run.log.read_text(), run.log.read_text()
    finally:
        child.kill()
        child.wait()


# ---- what is not a row


def test_truncate_of_several_tables(database, relay, reader):
    fill(database, 1)
    database.execute("""CREATE TABLE other (id int PRIMARY KEY);
        CREATE TABLE child (id int PRIMARY KEY REFERENCES other); CREATE TABLE quiet (id int PRIMARY KEY)""")
    run = streaming(relay())
    wait_for_numbers(run, reader.advance, [1])
    database.execute("TRUNCATE item, other CASCADE")
    write(database, 2)
    assert wait_for_values(run, reader, "item", 3)[1:] == [("t", None, None), ("c", None, {"id": 2, "note": "note 2"})]
    for table in "other", "child":
        assert wait_for_values(run, reader, table, 1) == [("t", None, None)]
    assert values(reader, "quiet") == []


def test_logical_messages(database, relay, reader, pg):
    """Transactional ones come with their transaction, others at once; after any restart none twice."""
    def emit(text, transactional):
        return f"SELECT pg_logical_emit_message({transactional}, 'test', '{text}')"

    def texts():
        import base64

        return [base64.b64decode(json.loads(r.value)["message"]["content"]).decode()
                for r in reader.advance() if r.topic.endswith(".message")]

    if pg.version < 14:
        pytest.skip("pgoutput has no messages before PostgreSQL 14")
    fill(database, 1)
    run = streaming(relay({"commit.idle_interval": "100ms"}))
    wait_for_numbers(run, reader.advance, [1])
    expected = []
    for i, end in enumerate([run.kill9, run.terminate, run.kill9, run.terminate]):
        with database.connect() as rolled_back:
            rolled_back.execute(emit(f"{i} rolled back", True))
            rolled_back.execute(emit(f"{i} outside", False))
            rolled_back.rollback()
        with database.connect() as committed:
            committed.execute(f"INSERT INTO item VALUES ({100 + i})")
            committed.execute(emit(f"{i} inside", True))
        expected += [f"{i} outside", f"{i} inside"]
        if i % 2 == 0:
            run.wait_for(lambda: len(texts()) >= len(expected), 30, f"{expected}, not {texts()}")
        end()
        database.execute(emit(f"{i} while down", False))  # its record follows where the relay stood
        expected += [f"{i} while down"]
        run.start()
        run.wait_for(lambda: len(texts()) >= len(expected), 30, f"{expected}, not {texts()}")
    assert run.terminate() == 0
    assert texts() == expected


# ---- which columns and tables


@pytest.mark.parametrize("option, pattern, kept", [
    ("columns.exclude", r"public\.person\.(email|phone)", {"id", "name"}),
    ("columns.include", r"public\.person\.(id|phone)", {"id", "phone"})])
def test_columns_selected(option, pattern, kept, database, relay, reader):
    database.execute("""CREATE TABLE person (id int PRIMARY KEY, name text, email text, phone text);
        INSERT INTO person VALUES (1, 'a', 'b', 'c'); ALTER TABLE person REPLICA IDENTITY FULL""")
    run = streaming(relay({option: [pattern]}))
    database.execute("UPDATE person SET email = 'd', phone = 'e' WHERE id = 1")
    database.execute("DELETE FROM person")
    seen = wait_for_values(run, reader, "person", 3)
    assert [op for op, _, _ in seen] == ["r", "u", "d"]
    assert {frozenset(row) for _, *rows in seen for row in rows if row} == {frozenset(kept)}


@pytest.mark.parametrize("via_root, topics", [(True, {"sale": 4}), (False, {"sale_1": 2, "sale_2": 2})])
def test_partitioned_table(via_root, topics, database, relay, reader):
    database.execute("""CREATE TABLE sale (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
        CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM (0) TO (100);
        CREATE TABLE sale_2 PARTITION OF sale FOR VALUES FROM (100) TO (200);
        INSERT INTO sale VALUES (1, 'a'), (101, 'b')""")
    run = streaming(relay({"publication.via_root": via_root}))
    database.execute("INSERT INTO sale VALUES (2, 'c'), (102, 'd')")
    for table, count in topics.items():
        wait_for_values(run, reader, table, count)
    assert sorted(numbers(reader.advance())) == [1, 2, 101, 102]
    assert {r.topic for r in reader.records} == {f"{database.prefix}.public.{t}" for t in topics}


def test_tables_of_every_shape(database, relay, reader):
    wide = ", ".join(f"c{i} int" for i in range(999))
    database.execute(f"""CREATE TABLE gen (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED);
        CREATE TABLE nothing (); ALTER TABLE nothing REPLICA IDENTITY FULL;
        CREATE TABLE empty (id int PRIMARY KEY);
        CREATE SCHEMA "Odd Schema"; CREATE TABLE "Odd Schema"."T""a.b" ("I d" int PRIMARY KEY, "select" text, "ä" text);
        CREATE TABLE wide (id int PRIMARY KEY, {wide});
        INSERT INTO gen VALUES (1); INSERT INTO nothing DEFAULT VALUES;
        INSERT INTO "Odd Schema"."T""a.b" VALUES (1, 'x', 'y'); INSERT INTO wide (id, c998) VALUES (1, 7)""")
    run = streaming(relay())
    database.execute("""INSERT INTO gen VALUES (2); INSERT INTO nothing DEFAULT VALUES; INSERT INTO empty VALUES (2);
        INSERT INTO "Odd Schema"."T""a.b" VALUES (2, NULL, ''); INSERT INTO wide (id, c0) VALUES (2, 8)""")

    def of(table):
        return [(v["op"], v["after"]) for v in map(decoded, reader.advance()) if v and v["source"]["table"] == table]

    run.wait_for(lambda: len(of("wide")) == 2, 30, "the last table")
    assert run.terminate() == 0
    assert [op for op, _ in of("gen")] == ["r", "c"]
    assert [set(row) for _, row in of("gen")] == [{"id"}] * 2, "a generated column is not in the stream, so nowhere"
    assert of("nothing") == [("r", {}), ("c", {})]
    assert of("empty") == [("c", {"id": 2})]
    assert of('T"a.b') == [("r", {"I d": 1, "select": "x", "ä": "y"}), ("c", {"I d": 2, "select": None, "ä": ""})]
    assert [(op, len(row), row["c998"], row["c0"]) for op, row in of("wide")] == [("r", 1000, 7, None), ("c", 1000, None, 8)]


# ---- tables that change


def test_table_altered(database, relay, reader):
    """Every event has the shape that its table had at that moment, also within one transaction."""
    fill(database, 1)
    run = streaming(relay())
    database.execute("ALTER TABLE item ADD extra int DEFAULT 5")
    database.execute("INSERT INTO item VALUES (2, 'b', 6)")
    database.execute("ALTER TABLE item RENAME note TO remark; ALTER TABLE item DROP extra; INSERT INTO item VALUES (3, 'c')")
    with database.connect() as c:
        c.execute("INSERT INTO item VALUES (4, 'd')")
        c.execute("ALTER TABLE item ADD late text")
        c.execute("INSERT INTO item VALUES (5, 'e', 'l')")
        c.execute("ALTER TABLE item ALTER remark TYPE int USING 9")
        c.execute("INSERT INTO item VALUES (6, 8, 'm')")
    database.execute("UPDATE item SET id = 7 WHERE id = 6")
    run.wait_for(lambda: len(values(reader, "item")) >= 8, 30, "all changes")
    assert run.terminate() == 0
    assert [(op, after) for op, _, after in values(reader, "item")] == [
        ("r", {"id": 1, "note": "note 1"}), ("c", {"id": 2, "note": "b", "extra": 6}),
        ("c", {"id": 3, "remark": "c"}), ("c", {"id": 4, "remark": "d"}),
        ("c", {"id": 5, "remark": "e", "late": "l"}), ("c", {"id": 6, "remark": 8, "late": "m"}),
        ("d", None), ("c", {"id": 7, "remark": 8, "late": "m"})]


def test_enum(database, relay, reader):
    database.execute("""CREATE TYPE mood AS ENUM ('sad', 'it''s ok'); CREATE TABLE item (id int PRIMARY KEY, m mood, ms mood[]);
        INSERT INTO item VALUES (1, 'sad', '{sad,"it''s ok"}')""")
    run = streaming(relay())
    database.execute("ALTER TYPE mood ADD VALUE 'happy'")
    database.execute("INSERT INTO item VALUES (2, 'happy', '{happy,NULL}')")
    assert wait_for_values(run, reader, "item", 2) == [
        ("r", None, {"id": 1, "m": "sad", "ms": ["sad", "it's ok"]}),
        ("c", None, {"id": 2, "m": "happy", "ms": ["happy", None]})]


def test_table_renamed_and_dropped(database, relay, reader):
    fill(database, 1)
    fill(database, 2, table="gone")
    run = streaming(relay())
    database.execute("ALTER TABLE item RENAME TO thing")
    database.execute("INSERT INTO thing VALUES (3, 'x'); INSERT INTO gone VALUES (4, 'y')")
    database.execute("DROP TABLE gone")
    database.execute("INSERT INTO thing VALUES (5, 'z')")
    assert_once(run, reader.advance, [1, 2, 3, 4, 5])
    assert [v[2]["id"] for v in values(reader, "thing")] == [3, 5]


# ---- large transactions


def test_large_transaction_is_cut_and_taken_up_again(database, relay, reader):
    """Spread over many Kafka transactions, and killed in the midst of it: the rest comes, in order, once."""
    rows = 18000
    fill(database, 1)
    run = streaming(relay({"commit.records": 5, "kafka.queue_max": "64KiB"}))
    wait_for_numbers(run, reader.advance, [1])
    run.process.signal(signal.SIGSTOP)  # from here on step by step, lest it be through before it is seen
    with database.connect() as c:
        c.execute("INSERT INTO item SELECT g, 'x' FROM generate_series(2, %s::int) g", [rows // 2])
        c.execute("UPDATE item SET note = 'y' WHERE id = 1")
        c.execute("INSERT INTO item SELECT g, 'x' FROM generate_series(%s::int, %s::int) g", [rows // 2 + 1, rows])
    for share in (0.1, 0.3, 0.6):
        run.wait_for(lambda: run.step(reader) > rows * share, 60, f"{share} of the transaction")
        run.kill9()
        seen = len(reader.advance())
        assert seen < rows, "the whole of it had arrived before the kill"
        assert "position inside:" in run.command("status").stdout
        run.start()
        run.wait_for_log("session_started")
        run.process.signal(signal.SIGSTOP)
    run.process.signal(signal.SIGCONT)
    assert_once(run, reader.advance, range(1, rows + 1))
    assert numbers(reader.records) == list(range(1, rows + 1))
    assert [op for _, _, op, _, _ in map(change, reader.records)].count("u") == 1


def test_transaction_that_outlasts_a_kafka_transaction(database, relay, reader):
    """It is cut before the broker gives up, however long the interval between commits."""
    rows = 25000
    fill(database, 1)
    run = streaming(relay({"kafka.transaction_timeout": "1s", "commit.interval": "400ms", "kafka.queue_max": "64KiB"}))
    wait_for_numbers(run, reader.advance, [1])
    database.execute(f"INSERT INTO item SELECT g, 'x' FROM generate_series(2, {rows}) g")
    assert_once(run, reader.advance, range(1, rows + 1))
    assert "session_lost" not in run.log.read_text()
