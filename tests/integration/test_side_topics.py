"""Records beside those of rows: transactions, heartbeats, descriptions of tables; and context headers."""
import collections
import json
import re
import signal

from record_texts import read
from schema_registry import SchemaRegistry

ROWS = 30_000


def values_of(records, topic):
    return [json.loads(r.value) for r in records if r.topic == topic and r.value is not None]


def partitions_of(reader, topic):
    return len(reader.consumer.list_topics(topic, timeout=30).topics[topic].partitions)


# ---- transactions


def blocks(records, prefix):
    """{table: [transaction block]} of the changes, snapshot rows left out."""
    found = collections.defaultdict(list)
    for r in records:
        value = json.loads(r.value) if r.value is not None else {}
        if r.topic.startswith(f"{prefix}.public.") and value["op"] != "r":
            found[r.topic.rpartition(".")[2]].append(value["transaction"])
    return found


def test_counts_go_on_after_a_kill_in_mid_transaction(database, relay, reader):
    """One transaction over many sink transactions: no count is lost, no BEGIN comes twice."""
    database.execute("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)")
    run = relay({"transactions.metadata": True, "commit.records": 10})  # many commits: slow enough to be caught
    run.start()
    run.wait_for_log(" streaming ")
    run.process.signal(signal.SIGSTOP)
    database.execute("DO $$ BEGIN FOR i IN 1..%d LOOP INSERT INTO a VALUES (i); "
                     "IF i %% 3 = 0 THEN INSERT INTO b VALUES (i); END IF; END LOOP; END $$" % ROWS)
    total = ROWS + ROWS // 3
    run.wait_for(lambda: run.step(reader) > 1, 60, "a part of the transaction")
    run.kill9()
    assert 1 < len(reader.advance()) < total, "too late: the transaction is through"
    run.start()
    run.wait_for_log("session_started")
    run.kill9()  # wherever it is
    run.start()
    topic = f"{database.prefix}.transaction"
    run.wait_for(lambda: len(values_of(reader.advance(), topic)) >= 2, 60, "END")
    assert run.terminate() == 0
    begin, end = values_of(reader.advance(), topic)
    assert re.fullmatch(r"\d+:\d+", begin["id"]) and end["id"] == begin["id"]
    assert begin == {"status": "BEGIN", "id": begin["id"], "event_count": None, "data_collections": None,
                     "ts_ms": end["ts_ms"]}
    assert end["status"] == "END" and end["event_count"] == total
    assert end["data_collections"] == [{"data_collection": "public.a", "event_count": ROWS},
                                       {"data_collection": "public.b", "event_count": ROWS // 3}]
    found = blocks(reader.records, database.prefix)
    assert {b["id"] for table in found.values() for b in table} == {begin["id"]}
    for table, count in (("a", ROWS), ("b", ROWS // 3)):
        assert [b["data_collection_order"] for b in found[table]] == list(range(1, count + 1))
    assert sorted(b["total_order"] for table in found.values() for b in table) == list(range(1, total + 1))


# ---- heartbeats


def test_heartbeats_of_an_idle_database(database, relay, reader, kafka):
    database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    run = relay({"heartbeat.interval": "50ms", "heartbeat.prefix": f"{database.prefix}.beats",
                 "topics.partitions": 3})
    run.start()
    topic = f"{database.prefix}.beats.{database.prefix}"
    run.wait_for(lambda: len(values_of(reader.advance(), topic)) >= 3, 30, "three heartbeats")
    assert run.terminate() == 0
    seen = [r for r in reader.advance() if r.topic == topic]
    assert {r.key for r in seen} == {json.dumps({"serverName": database.prefix}, separators=(",", ":")).encode()}
    stamps = [json.loads(r.value)["ts_ms"] for r in seen]
    assert all(set(json.loads(r.value)) == {"ts_ms"} for r in seen) and stamps == sorted(stamps)
    assert partitions_of(reader, topic) == 1


def test_heartbeats_go_on_under_load(database, relay, reader):
    """They stand between whole events, lose none and double none."""
    database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    run = relay({"heartbeat.interval": "1ms", "heartbeat.prefix": f"{database.prefix}.beats",
                 "transactions.metadata": True})
    run.start()
    run.wait_for_log(" streaming ")
    for first in range(0, 20_000, 1000):
        database.execute(f"INSERT INTO a SELECT g FROM generate_series({first}, {first} + 999) g")
    topic = f"{database.prefix}.public.a"
    run.wait_for(lambda: len(values_of(reader.advance(), topic)) >= 20_000, 60, "the rows")
    assert run.terminate() == 0
    reader.advance()
    assert [v["after"]["id"] for v in values_of(reader.records, topic)] == list(range(20_000))
    assert len(values_of(reader.records, f"{database.prefix}.transaction")) == 40
    assert values_of(reader.records, f"{database.prefix}.beats.{database.prefix}")


# ---- relations


def described(record):
    """(old columns, new columns), each name:type; None for no description."""
    value = json.loads(record.value)
    return tuple(value[side] and [f"{c['name']}:{c['type']}" for c in value[side]["columns"]]
                 for side in ("old", "new"))


def test_changes_of_tables_are_told(database, relay, reader):
    database.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    database.execute("CREATE TABLE a (id int PRIMARY KEY, m mood); INSERT INTO a VALUES (1, 'sad')")
    run = relay({"topics.relations": True, "topics.partitions": 3})
    run.start()
    run.wait_for_log(" streaming ")
    database.execute("INSERT INTO a VALUES (2, 'ok')")
    database.execute("BEGIN; ALTER TABLE a ADD COLUMN n numeric(8,3) NOT NULL DEFAULT 1.5; INSERT INTO a VALUES (3); "
                     "ALTER TABLE a RENAME COLUMN n TO weight; INSERT INTO a VALUES (4); COMMIT")
    database.execute("ALTER TABLE a REPLICA IDENTITY FULL; DELETE FROM a WHERE id = 4")
    database.execute("CREATE INDEX ON a (weight); INSERT INTO a VALUES (5)")  # no change of what is told
    topic = f"{database.prefix}.public.a"
    run.wait_for(lambda: len(values_of(reader.advance(), topic)) >= 6, 30, "the changes")
    assert run.terminate() == 0
    told = [r for r in reader.advance() if r.topic == f"{database.prefix}.relations"]
    assert {r.key for r in told} == {b'{"schema":"public","table":"a"}'} and {r.partition for r in told} == {0}
    first, added, renamed = ["id:int4", "m:mood"], ["id:int4", "m:mood", "n:numeric"], \
        ["id:int4", "m:mood", "weight:numeric"]
    assert [described(r) for r in told] == [(None, first), (first, added), (added, renamed), (renamed, renamed)]
    last = json.loads(told[-1].value)
    assert (last["old"]["replica_identity"], last["new"]["replica_identity"]) == ("default", "full")
    assert last["new"]["key"] == ["id"]
    columns = {c["name"]: c for c in last["new"]["columns"]}
    assert columns["m"]["labels"] == ["sad", "ok"] and columns["m"]["type_schema"] == "public"
    assert columns["weight"]["not_null"] and columns["weight"]["typmod"] == (8 << 16 | 3) + 4
    lsns = [json.loads(r.value)["lsn"] for r in told]
    deletes = [json.loads(r.value) for r in reader.records if r.value and b'"op":"d"' in r.value]
    assert lsns == sorted(lsns) and lsns[-1] == deletes[0]["source"]["lsn"]
    # A session describes anew: what changed while nobody looked is seen too.
    database.execute("ALTER TABLE a ADD COLUMN late text")
    run.start()
    database.execute("INSERT INTO a VALUES (6)")
    run.wait_for(lambda: len([r for r in reader.advance() if r.topic == told[0].topic]) > len(told), 30,
                 "the description")
    assert described([r for r in reader.records if r.topic == told[0].topic][-1]) == \
        (None, renamed + ["late:text"])


def test_all_of_them_in_avro(database, relay, reader):
    registry = SchemaRegistry()
    try:
        database.execute("CREATE TABLE a (id int PRIMARY KEY, v text DEFAULT 'x')")
        run = relay({"encoding": "avro", "schema_registry.url": registry.url, "topics.relations": True,
                     "transactions.metadata": True, "heartbeat.interval": "50ms",
                     "heartbeat.prefix": f"{database.prefix}.beats"})
        run.start()
        run.wait_for_log(" streaming ")
        database.execute("INSERT INTO a VALUES (1)")
        topics = [f"{database.prefix}.{last}" for last in ("relations", "transaction", "beats." + database.prefix)]
        run.wait_for(lambda: set(topics) <= {r.topic for r in reader.advance()}, 30, "one of each")
        assert run.terminate() == 0
        found = {t: [json.loads(read("avro", r.value, registry)[1]) for r in reader.advance() if r.topic == t]
                 for t in topics}
        keys = {t: [json.loads(read("avro", r.key, registry)[1]) for r in reader.records if r.topic == t]
                for t in topics}
    finally:
        registry.close()
    change = found[topics[0]][0]
    assert change["old"] is None and change["table"] == "a"
    assert [c["default"] for c in change["new"]["columns"]] == [None, "'x'::text"]
    assert [v["status"] for v in found[topics[1]]] == ["BEGIN", "END"]
    assert found[topics[1]][1]["data_collections"] == [{"data_collection": "public.a", "event_count": 1}]
    assert all(set(v) == {"ts_ms"} for v in found[topics[2]])
    assert keys[topics[2]][0] == {"serverName": database.prefix} and keys[topics[0]] == [
        {"schema": "public", "table": "a"}]


# ---- headers


def test_context_headers(database, relay, reader):
    database.execute("CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1)")
    run = relay({"topics.context_headers": True})
    run.start()
    run.wait_for_log(" streaming ")
    database.execute("DELETE FROM a")
    run.wait_for(lambda: len(reader.advance()) >= 3, 30, "the row, its delete and tombstone")
    assert run.terminate() == 0
    names = ["connectorLogicalName", "taskId", "connectorName", "runId"]
    for r in reader.records:
        assert [name for name, _ in r.headers] == [f"__debezium.context.{name}" for name in names]
        assert [value.decode() for _, value in r.headers[:3]] == [database.prefix, "0", "postgresql"]
    assert len({r.headers[3][1] for r in reader.records}) == 1
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                        reader.records[0].headers[3][1].decode())
