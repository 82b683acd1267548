"""Rows as values: what a relay with `envelope: flat` writes is what another writes, taken out of its envelope.

Both follow one database at the same time, each with a slot and topics of its own.
"""
import json
import subprocess

import pytest

from record_texts import read
from schema_registry import SchemaRegistry
from servers import TopicReader

LONG = "repeat('x', 3000)"
SETUP = """
CREATE TABLE keyed (id int PRIMARY KEY, note text, n int NOT NULL, big text);
ALTER TABLE keyed ALTER big SET STORAGE EXTERNAL;
CREATE TABLE bare (a int, b text);
ALTER TABLE bare REPLICA IDENTITY FULL;
CREATE TABLE first (big text NOT NULL, id int PRIMARY KEY);
ALTER TABLE first ALTER big SET STORAGE EXTERNAL;
INSERT INTO keyed VALUES (1, 'one', 1, NULL), (2, NULL, 2, 'short');
INSERT INTO bare VALUES (1, 'one');
"""
CHANGES = f"""
INSERT INTO keyed VALUES (3, 'three', 3, {LONG});
UPDATE keyed SET n = 33 WHERE id = 3;
UPDATE keyed SET id = 4, note = '{{' WHERE id = 3;
DELETE FROM keyed WHERE id = 4;
INSERT INTO bare VALUES (2, NULL);
UPDATE bare SET b = 'two' WHERE a = 2;
DELETE FROM bare WHERE a = 1;
INSERT INTO first VALUES ({LONG}, 1);
UPDATE first SET id = 2;
TRUNCATE keyed, first;
INSERT INTO keyed VALUES (9, 'last', 9, NULL);
"""
# Columns, and what a schema asks for where there is nothing to say.
ROWS = {"keyed": {"id": 0, "note": None, "n": 0, "big": None}, "bare": {"a": None, "b": None},
        "first": {"big": "", "id": 0}}
SCHEMA_TYPES = {"__deleted": "string", "__op": "string", "__lsn": "int64", "__commit_ts": "int64"}
AVRO_TYPES = {"int64": "long"}


def flat(table, envelope, has_schema):
    """A change event's row, and what is told behind it."""
    op, source = envelope["op"], envelope["source"]
    row = envelope["before"] if op == "d" else envelope["after"] or {}
    if has_schema:
        row = {column: row.get(column, nothing) for column, nothing in ROWS[table].items()}
    told = {"__deleted": "true" if op in "dt" else "false", "__op": op,
            "__lsn": source["lsn"], "__commit_ts": source["ts_us"]}
    if op == "r":  # each relay has its own snapshot
        told |= {"__lsn": None, "__commit_ts": None}
    return row | told


def told(payload):
    """As `flat` tells it; the order of members is part of it."""
    value = json.loads(payload)
    if value.get("__op") == "r":
        assert value["__lsn"] > 0 and value["__commit_ts"] > 10 ** 15
        value |= {"__lsn": None, "__commit_ts": None}
    return list(value.items())


def parts(record, prefix, encoding, registry):
    key_schema, key = read(encoding, record.key, registry)
    value_schema, value = read(encoding, record.value, registry)
    return record.topic.removeprefix(prefix + "."), key and json.loads(key), value, value_schema


def taken_out(records, prefix, has_schema):
    """What an envelope's topics come to: (topic, key, members or None, headers)."""
    for r in records:
        topic, key, value, _ = parts(r, prefix, "json", None)
        table = topic.removeprefix("public.")
        if value is not None:
            value = list(flat(table, json.loads(value), has_schema).items())
        yield topic, key, value, r.headers


def as_they_stand(records, prefix, encoding, registry):
    for r in records:
        topic, key, value, _ = parts(r, prefix, encoding, registry)
        yield topic, key, value and told(value), r.headers


def assert_schema(encoding, topic, prefix, schema):
    """Named after the topic, required, and its last fields optional, of the right types."""
    schema = json.loads(schema)
    if encoding == "avro":
        assert (schema["namespace"], schema["name"]) == (f"{prefix}.{topic}", "Value")
        types = {f["name"]: f["type"] for f in schema["fields"]}
        wanted = {name: ["null", AVRO_TYPES.get(t, t)] for name, t in SCHEMA_TYPES.items()}
    else:
        assert (schema["name"], schema["optional"]) == (f"{prefix}.{topic}.Value", False)
        types = {f["field"]: (f["type"], f["optional"]) for f in schema["fields"]}
        wanted = {name: (t, True) for name, t in SCHEMA_TYPES.items()}
    assert {name: types[name] for name in SCHEMA_TYPES} == wanted
    assert list(types)[-4:] == list(SCHEMA_TYPES)


def is_last(records, prefix):
    mine = [r for r in records if r.topic == f"{prefix}.public.keyed"]
    return mine and b"last" in (mine[-1].value or b"")


def by_topic(records):
    return sorted(records, key=lambda r: r[0])


@pytest.mark.parametrize("encoding", ["json", "json-schema", "avro"])
def test_the_row_is_what_the_envelope_holds(encoding, database, relay, kafka):
    database.execute(SETUP)
    whole, bare = f"{database.name}_whole", f"{database.name}_flat"
    registry = SchemaRegistry()
    reader = TopicReader(kafka.bootstrap, (f"{whole}.", f"{bare}."))
    try:
        runs = [relay({"name": whole}),
                relay({"name": bare, "envelope": "flat", "encoding": encoding,
                       **({"schema_registry.url": registry.url} if encoding == "avro" else {})})]
        for run in runs:
            run.start()
            run.wait_for_log(" streaming ", 60)
        for statement in CHANGES.strip().split("\n"):
            database.execute(statement)
        for run, name in zip(runs, (whole, bare)):
            run.wait_for(lambda: is_last(reader.advance(), name), 60, "the last row")
        for run in runs:
            assert run.terminate() == 0
        records = reader.advance()
        schemas = [parts(r, bare, encoding, registry) for r in records if r.topic.startswith(bare)]
    finally:
        reader.close()
        registry.close()
    expected = list(taken_out([r for r in records if r.topic.startswith(whole)], whole, encoding != "json"))
    got = list(as_they_stand([r for r in records if r.topic.startswith(bare)], bare, encoding, registry))
    assert by_topic(got) == by_topic(expected)
    assert {dict(value or {}).get("__op") for _, _, value, _ in got} == {"r", "c", "u", "d", "t", None}
    for topic, _, _, schema in schemas:
        if schema is not None:
            assert_schema(encoding, topic, bare, schema)


# ---- what an update did not touch, and nobody knows


def unavailable(records):
    return [(r["value"]["after"], r["headers"]) for r in records if r["value"] and r["value"]["op"] == "u"]


def test_the_log_and_stdout_tell_what_is_not_there(database, relay_to_log, relays, millrace, tmp_path):
    def logged():
        done = subprocess.run([millrace, "log", "cat", tmp_path / "log"], capture_output=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def written():
        return [json.loads(line) for line in stdout.out.read_text().splitlines(keepends=True)
                if line.endswith("\n")]

    database.execute("CREATE TABLE doc (body text, id int PRIMARY KEY, n int)")
    database.execute("ALTER TABLE doc ALTER body SET STORAGE EXTERNAL")
    log = relay_to_log({"name": f"{database.name}_log"})
    stdout = relays({"name": f"{database.name}_out", "sink.type": "stdout"})
    for run in (log, stdout):
        run.start()
        run.wait_for_log(" streaming ", 60)
    database.execute(f"INSERT INTO doc VALUES ({LONG}, 1, 1)")
    database.execute("UPDATE doc SET n = 2")
    for run, records in ((log, logged), (stdout, written)):
        run.wait_for(lambda: unavailable(records()), 60, "the update")
        assert unavailable(records()) == [({"id": 1, "n": 2}, {"millrace.unavailable": '["body"]'})]
        assert run.terminate() == 0
