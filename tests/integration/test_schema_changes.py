"""Tables that change while the relay runs, also in the middle of a transaction, and while it does not:
each event carries the schema in force at its place in the log, in json-schema and Avro alike.
"""
import json
import threading

import pytest

import record_texts
from ledger import assert_ended
from schema_registry import SchemaRegistry
from servers import wait_until

CONFIG, DATA = 2, 3


@pytest.fixture
def registry():
    own = SchemaRegistry()
    yield own
    own.close()


@pytest.fixture(params=["json-schema", "avro"])
def encoding(request):
    return request.param


@pytest.fixture
def run(database, relay, registry, encoding):
    """A relay of all tables, also of later ones."""
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR ALL TABLES')
    more = {"schema_registry.url": registry.url} if encoding == "avro" else {}
    return relay({"encoding": encoding, "publication.create": "no", "log.level": "info", **more})


# ---- what an event tells of itself


KINDS = {"int16": "int", "int32": "int", "int64": "long"}


def avro_kind(schema):
    if isinstance(schema, list):
        kinds = [avro_kind(branch) for branch in schema if branch != "null"]
        return f"{kinds[0]}?"
    return schema if isinstance(schema, str) else schema["type"]


def json_kind(field):
    return KINDS.get(field["type"], field["type"]) + ("?" if field["optional"] else "")


def columns(encoding, schema):
    """"id:int note:string?" of a row's schema."""
    if encoding == "avro":
        return " ".join(f"{f['name']}:{avro_kind(f['type'])}" for f in schema["fields"])
    return " ".join(f"{f['field']}:{json_kind(f)}" for f in schema["fields"])


def row_schema(encoding, envelope):
    name = "name" if encoding == "avro" else "field"
    before = next(f for f in envelope["fields"] if f[name] == "before")
    if encoding == "avro":
        return next(branch for branch in before["type"] if branch != "null")
    return before


class Told:
    """One record: topic, key columns, row columns, op, and the row."""

    def __init__(self, record, encoding, registry, prefix):
        self.topic = record.topic.removeprefix(f"{prefix}.public.")
        self.key_id, self.value_id = (int.from_bytes(part[1:5]) if part else None
                                      for part in (record.key, record.value))
        schema, payload = record_texts.read(encoding, record.value, registry)
        key_schema, key = record_texts.read(encoding, record.key, registry)
        self.key = key and columns(encoding, json.loads(key_schema))
        self.key_values = key and json.loads(key)
        self.columns = columns(encoding, row_schema(encoding, json.loads(schema)))
        self.schema = json.loads(schema)
        change = json.loads(payload)
        self.op, self.row, self.before = change["op"], change["after"], change["before"]
        self.lsn = change["source"]["lsn"]
        if self.row is not None:
            assert list(self.row) == [c.partition(":")[0] for c in self.columns.split()]

    def __repr__(self):
        return f"{self.op} {self.topic} [{self.key}] {self.columns}"


def told(reader, encoding, registry, prefix):
    """All changes, without tombstones, in the order of the log: topics have none among them."""
    changes = [Told(r, encoding, registry, prefix) for r in reader.advance() if r.value is not None]
    return sorted(changes, key=lambda change: change.lsn)


def play(database, run, reader, encoding, registry, transactions):
    """Each text is one transaction; until their end has arrived, marked by a table of its own.  What
    each change tells, as texts, in the order of the commits; and the changes."""
    database.execute("CREATE TABLE finish (id int)")
    if not run.running():
        run.start()
    run.wait_for_log("streaming")
    for sql in transactions:
        database.execute(f"BEGIN; {sql}; COMMIT")
    database.execute("INSERT INTO finish VALUES (1)")
    return finish(database, run, reader, encoding, registry)


def finish(database, run, reader, encoding, registry):
    def read():
        return told(reader, encoding, registry, database.prefix)

    run.wait_for(lambda: any(t.topic == "finish" for t in read()), 60, "the end")
    assert run.terminate() == 0
    changes = [t for t in read() if t.topic != "finish"]
    return [repr(t) for t in changes], changes


def test_columns_in_mid_transaction(database, run, reader, encoding, registry):
    """The catalogue shows only what came of it in the end; names and types are the stream's."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)")
    texts, changes = play(database, run, reader, encoding, registry, [
        """INSERT INTO t VALUES (1, 'x');
           ALTER TABLE t ADD b int NOT NULL DEFAULT 7; INSERT INTO t VALUES (2, 'y', 8);
           ALTER TABLE t RENAME a TO c; UPDATE t SET c = 'z' WHERE id = 1;
           ALTER TABLE t ALTER c TYPE int USING 5; INSERT INTO t VALUES (3, 6, 9);
           ALTER TABLE t DROP b; INSERT INTO t VALUES (4, 7);
           ALTER TABLE t ADD b text; INSERT INTO t VALUES (5, 8, 'b'); DELETE FROM t WHERE id = 5""",
        "INSERT INTO t VALUES (6, 9, 'x')"])
    assert texts == [
        "c t [id:int] id:int a:string?",
        "c t [id:int] id:int a:string? b:int?",
        "u t [id:int] id:int c:string? b:int?",
        "c t [id:int] id:int c:int? b:int?",
        "c t [id:int] id:int c:int?",
        "c t [id:int] id:int c:int? b:string?",
        "d t [id:int] id:int c:int? b:string?",
        "c t [id:int] id:int c:int? b:string?"]
    assert [c.row for c in changes] == [
        {"id": 1, "a": "x"}, {"id": 2, "a": "y", "b": 8}, {"id": 1, "c": "z", "b": 7},
        {"id": 3, "c": 6, "b": 9}, {"id": 4, "c": 7}, {"id": 5, "c": 8, "b": "b"}, None,
        {"id": 6, "c": 9, "b": "x"}]
    if encoding == "avro":
        ids = registry.versions(f"{database.prefix}.public.t-value")
        assert [c.value_id for c in changes] == [*ids, ids[-1], ids[-1]]  # a version for each, in order
        assert {c.key_id for c in changes} == set(registry.versions(f"{database.prefix}.public.t-key"))


def test_columns_between_transactions(database, run, reader, encoding, registry):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)")
    texts, _ = play(database, run, reader, encoding, registry, [
        "INSERT INTO t VALUES (1, 'x')",
        "ALTER TABLE t ADD b int NOT NULL DEFAULT 7", "INSERT INTO t VALUES (2, 'y', 8)",
        "ALTER TABLE t RENAME a TO c", "INSERT INTO t VALUES (3, 'z', 9)",
        "ALTER TABLE t ALTER c TYPE int USING 5", "INSERT INTO t VALUES (4, 6, 9)",
        "ALTER TABLE t DROP b", "INSERT INTO t VALUES (5, 7)"])
    assert [t.split(" ", 3)[3].replace("?", "") for t in texts] == [
        "id:int a:string", "id:int a:string b:int", "id:int c:string b:int", "id:int c:int b:int",
        "id:int c:int"]
    assert {t.split(" ", 3)[2] for t in texts} == {"[id:int]"}


def test_key_and_identity_in_mid_transaction(database, run, reader, encoding, registry):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL)")
    texts, changes = play(database, run, reader, encoding, registry, [
        """INSERT INTO t VALUES (1, 10);
           ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (a, id); INSERT INTO t VALUES (2, 20);
           DELETE FROM t WHERE id = 2;
           ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t VALUES (3, 30);
           ALTER TABLE t ALTER id DROP NOT NULL; INSERT INTO t VALUES (4, 40);
           ALTER TABLE t REPLICA IDENTITY FULL; UPDATE t SET id = 5 WHERE id = 4;
           ALTER TABLE t ADD PRIMARY KEY (a); ALTER TABLE t REPLICA IDENTITY DEFAULT;
           UPDATE t SET a = 41 WHERE id = 5"""])
    assert [(c.op, c.key) for c in changes] == [
        ("c", "id:int"), ("c", "id:int a:int"), ("d", "id:int a:int"), ("c", None), ("c", None),
        ("u", "a:int"), ("d", "a:int"), ("c", "a:int")], texts
    assert changes[5].before == {"id": 4, "a": 40} and changes[5].row == {"id": 5, "a": 40}
    assert [c.key_values for c in changes[6:]] == [{"a": 40}, {"a": 41}]
    assert changes[0].columns == "id:int a:int" and changes[6].columns == "id:int? a:int"


@pytest.fixture
def standbys(pg):
    """Sets whose answers a commit waits for."""
    def name(names):
        pg.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        pg.execute("SELECT pg_reload_conf()")
        wait_until(lambda: pg.execute("SHOW synchronous_standby_names") == names, 30, "the reload")

    yield name
    name("")


def stream_under(database, run, standbys, names):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL); CREATE TABLE finish (id int)")
    run.start()
    run.wait_for_log("streaming")
    standbys(names)


def begin_commit(database, sql):
    """In a thread of its own, since the commit may wait."""
    thread = threading.Thread(target=lambda: database.execute(f"BEGIN; {sql}; COMMIT"))
    thread.start()
    return thread


KEY_CHANGED = """ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (a), REPLICA IDENTITY FULL;
                 INSERT INTO t VALUES (1, 10)"""


@pytest.mark.parametrize("encoding", ["json-schema"], indirect=True)
def test_commit_that_a_standby_holds_back(database, run, reader, encoding, registry, standbys):
    """The stream brings it while the catalogue still shows what was before."""
    stream_under(database, run, standbys, "nobody")
    held = begin_commit(database, KEY_CHANGED)
    run.wait_for_log("transaction_unseen")
    assert held.is_alive() and reader.advance() == []
    run.wait_for_log("session_lost", 60)  # asked for again after 10 s
    assert "standby" in run.stderr()
    standbys("")
    held.join()
    database.execute("INSERT INTO finish VALUES (1)")
    texts, _ = finish(database, run, reader, encoding, registry)
    assert texts == ["c t [a:int] id:int a:int"]


@pytest.mark.parametrize("encoding", ["json-schema"], indirect=True)
def test_commit_that_waits_for_the_relay(database, run, reader, encoding, registry, standbys):
    """Nobody waits for the other for ever."""
    stream_under(database, run, standbys, "*")
    database.execute("INSERT INTO t VALUES (1, 10)")
    database.execute("INSERT INTO finish VALUES (1)")
    standbys("")
    texts, _ = finish(database, run, reader, encoding, registry)
    assert texts == ["c t [id:int] id:int a:int"]


def test_tables_renamed_dropped_made_again_attached(database, run, reader, encoding, registry):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (id int PRIMARY KEY, b int);"
                     "CREATE TABLE p (id int PRIMARY KEY, c text) PARTITION BY RANGE (id);"
                     "CREATE TABLE p2 (c text, id int PRIMARY KEY)")
    texts, _ = play(database, run, reader, encoding, registry, [
        """INSERT INTO t VALUES (1, 'x'); INSERT INTO u VALUES (1, 1);
           ALTER TABLE t RENAME TO v; INSERT INTO v VALUES (2, 'x');
           ALTER TABLE u RENAME TO t; INSERT INTO t VALUES (3, 2);
           DROP TABLE t; CREATE TABLE t (k text PRIMARY KEY, id int); INSERT INTO t VALUES ('k', 4)""",
        "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, z int); INSERT INTO t VALUES (5, 6)",
        """INSERT INTO p2 VALUES ('x', 7); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (0) TO (9);
           INSERT INTO p VALUES (8, 'y')"""])
    assert texts == [
        "c t [id:int] id:int a:string?", "c u [id:int] id:int b:int?", "c v [id:int] id:int a:string?",
        "c t [id:int] id:int b:int?", "c t [k:string] k:string id:int?", "c t [id:int] id:int z:int?",
        "c p2 [id:int] c:string? id:int", "c p2 [id:int] c:string? id:int"]


def test_partition_attached_of_a_root(database, run, reader, encoding, registry):
    database.execute(f"ALTER PUBLICATION \"{database.name}\" SET (publish_via_partition_root = true);"
                     "CREATE TABLE p (id int PRIMARY KEY, c text) PARTITION BY RANGE (id);"
                     "CREATE TABLE p2 (c text, id int PRIMARY KEY)")
    texts, changes = play(database, run, reader, encoding, registry, [
        """INSERT INTO p2 VALUES ('x', 7); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (0) TO (9);
           INSERT INTO p VALUES (8, 'y')"""])
    assert texts == ["c p2 [id:int] c:string? id:int", "c p [id:int] id:int c:string?"]
    assert changes[1].row == {"id": 8, "c": "y"}


def allowed(encoding, change):
    """The labels of the last column, which is an enum or an array of one."""
    field = row_schema(encoding, change.schema)["fields"][-1]
    if encoding == "avro":
        schema = next(b for b in field["type"] if isinstance(b, dict))
        if schema["type"] == "array":
            schema = next(b for b in schema["items"] if isinstance(b, dict))
        return schema["connect.parameters"]["allowed"]
    return field.get("items", field)["parameters"]["allowed"]


def begin_moods(database, run, read, column, first):
    """A table with a column of that type, and its first row streamed."""
    database.execute(f"CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (id int PRIMARY KEY, m {column})")
    run.start()
    run.wait_for_log("streaming")
    database.execute(f"INSERT INTO t VALUES (1, '{first}')")
    run.wait_for(read, 60, "the first row")


def test_enum_label_added(database, run, reader, encoding, registry):
    begin_moods(database, run, lambda: told(reader, encoding, registry, database.prefix), "mood", "ok")
    _, changes = play(database, run, reader, encoding, registry, [
        "ALTER TYPE mood ADD VALUE 'happy'", "INSERT INTO t VALUES (2, 'happy')",
        "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'", "INSERT INTO t VALUES (3, 'blue')"])
    assert [(c.row["m"], allowed(encoding, c)) for c in changes] == [
        ("ok", "sad,ok"), ("happy", "sad,ok,happy"), ("blue", "blue,ok,happy")]


def test_enum_label_added_in_array(database, run, reader, encoding, registry):
    begin_moods(database, run, lambda: told(reader, encoding, registry, database.prefix), "mood[]", "{ok}")
    _, changes = play(database, run, reader, encoding, registry, [
        "ALTER TYPE mood ADD VALUE 'happy'", "INSERT INTO t VALUES (2, '{sad,NULL,happy}')"])
    assert [(c.row["m"], allowed(encoding, c)) for c in changes] == [
        (["ok"], "sad,ok"), (["sad", None, "happy"], "sad,ok,happy")]


# ---- a relay that lags behind


def lag(database, run, reader, encoding, registry, before, meanwhile):
    """The relay streams, stops; the transactions of `before` are made, then those of `meanwhile`; it
    comes again and finds the catalogue as those have left it."""
    run.start()
    run.wait_for_log("streaming")
    assert run.terminate() == 0
    for sql in (*before, *meanwhile):
        database.execute(f"BEGIN; {sql}; COMMIT")
    return play(database, run, reader, encoding, registry, [])


@pytest.mark.parametrize("meanwhile, wanted", [
    ("ALTER TABLE t DROP CONSTRAINT t_pkey, ALTER id DROP NOT NULL", "id:int n:int?"),
    ("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (n)", "id:int n:int"),
    ("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, n)", "id:int n:int"),
    ("ALTER TABLE t DROP n", "id:int n:int?"),
    ("ALTER TABLE t DROP id", "id:int n:int?"),
    ("ALTER TABLE t RENAME id TO num", "id:int n:int?"),
    ("ALTER TABLE t ALTER id TYPE text", "id:int n:int?"),
    ("ALTER TABLE t RENAME TO s", "id:int n:int?"),
    ("DROP TABLE t", "id:int n:int?"),
    ("DROP TABLE t; CREATE TABLE t (x text PRIMARY KEY)", "id:int n:int?")],
    ids=["no key", "other key", "longer key", "column", "key column", "renamed", "retyped", "table renamed",
         "dropped", "made again"])
def test_catalogue_read_late(database, run, reader, encoding, registry, meanwhile, wanted):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n int)")
    _, changes = lag(database, run, reader, encoding, registry,
                     ["INSERT INTO t VALUES (1, 2)", "UPDATE t SET id = 3", "DELETE FROM t"], [meanwhile])
    assert [(c.op, c.key, c.columns) for c in changes] == [
        (op, "id:int", wanted) for op in ("c", "d", "c", "d")]
    assert [c.key_values for c in changes] == [{"id": 1}, {"id": 1}, {"id": 3}, {"id": 3}]
    assert {c.topic for c in changes} == {"t"}


def test_not_null_since(database, run, reader, encoding, registry):
    """A NULL was there, at that place of the log."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n int, m text)")
    _, changes = lag(database, run, reader, encoding, registry,
                     ["INSERT INTO t VALUES (1, 2, 'x')", "INSERT INTO t VALUES (2, NULL, NULL)",
                      "UPDATE t SET n = 3, m = 'y' WHERE id = 2"],
                     ["ALTER TABLE t ALTER n SET NOT NULL, ALTER m SET NOT NULL", "INSERT INTO t VALUES (3, 4, 'z')"])
    assert [c.row for c in changes] == [
        {"id": 1, "n": 2, "m": "x"}, {"id": 2, "n": None, "m": None}, {"id": 2, "n": 3, "m": "y"},
        {"id": 3, "n": 4, "m": "z"}]
    assert changes[1].columns == "id:int n:int? m:string?" and changes[3].columns == "id:int n:int m:string"


def test_types_dropped_since(database, run, reader, encoding, registry):
    database.execute("CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN small AS int;"
                     "CREATE TABLE t (id int PRIMARY KEY, m mood, s small, a mood[])")
    _, changes = lag(database, run, reader, encoding, registry,
                     ["INSERT INTO t VALUES (1, 'sad', 7, '{sad}')"], ["DROP TABLE t; DROP TYPE mood; DROP DOMAIN small"])
    assert [(c.key, c.columns) for c in changes] == [("id:int", "id:int m:string? s:string? a:string?")]
    assert changes[0].row == {"id": 1, "m": "sad", "s": "7", "a": "{sad}"}
