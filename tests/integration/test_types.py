"""Snapshot and stream give the same bytes, type by type: type_values.py lists types and values.

Each type has two tables, (id, v, a): `fit` with what every encoding can hold, and `unfit`, which relays
with encoding json-schema or avro leave out.  v is a value, a an array of such.  The rows are there before the relay
starts (snapshot), then each is deleted (the old row, under REPLICA IDENTITY FULL) and inserted once more
(stream): the bytes of the three must be one and the same.

The settings of the database are odd ones, and others while streaming than in the snapshot: none may show.
"""
import collections
import io
import json
import struct

import fastavro
import pytest

from conftest import Database, source_config
from record_texts import without_logical_types
from schema_registry import SchemaRegistry
from servers import Relay, TopicReader
from type_values import BUILT_IN, EXTENSIONS, NO_INPUT, Sql, Unfit, postgres_since, types

ENCODINGS = ["json", "json-schema", "avro"]
GROUPS = {"json": ("fit", "unfit"), "json-schema": ("fit",), "avro": ("fit",)}  # tables
SETTINGS = {  # of the database: while the snapshot is read, and while changes are streamed
    "datestyle": ("SQL, DMY", "German"), "intervalstyle": ("sql_standard", "iso_8601"),
    "extra_float_digits": ("-3", "0"), "bytea_output": ("escape", "hex"),
    "timezone": ("Asia/Kolkata", "America/New_York"), "search_path": ("elsewhere", "public, pg_temp"),
    "client_encoding": ("LATIN1", "WIN1252"), "quote_all_identifiers": ("on", "off"),
    "standard_conforming_strings": ("off", "on"), "xmlbinary": ("hex", "base64"), "array_nulls": ("off", "on")}
DEADLINE_S = 180

Table = collections.namedtuple("Table", "name declaration has_array values arrays")


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def expression(value, declaration):
    inner = value.value if isinstance(value, Unfit) else value
    return inner.text if isinstance(inner, Sql) else f"{literal(inner)}::{declaration}"


def arrays(declaration, values):
    """Flat ones, one that does not begin at 1, and ones that schemas have no form for, with two and three dimensions."""
    first, second = values[0], values[-1]
    flat = ["'{}'", "ARRAY[NULL]", f"ARRAY[{', '.join(values)}, NULL]", f"array_fill({first}, ARRAY[2], ARRAY[-3])"]
    deep = [f"ARRAY[[{first}, NULL], [{second}, {first}]]", f"array_fill({second}, ARRAY[2, 1, 2], ARRAY[-1, 0, 5])"]
    return [[f"({a})::{declaration}[]" for a in group] for group in (flat, deep)]


def has_array(declaration, server):
    """dom_array[] is an array of arrays only by name: ARRAY[] makes one array of several dimensions."""
    return declaration != "dom_array" and server.execute(
        f"SELECT typarray <> 0 FROM pg_type WHERE oid = {literal(declaration)}::regtype",
        dbname=server.types_database) == "t"


def tables_of(number, kind, server):
    """`fit` and `unfit` of one type."""
    unfit = [v for v in kind.values if isinstance(v, Unfit)]
    fit = [v for v in kind.values if not isinstance(v, Unfit)]
    groups = [[expression(v, kind.declaration) for v in group] for group in (fit, unfit)]
    with_array = has_array(kind.declaration, server)
    flat, deep = [], []
    if with_array and groups[0]:
        flat, deep = arrays(kind.declaration, groups[0])
    if with_array and groups[1]:
        deep += arrays(kind.declaration, groups[1])[0][2:]
    if with_array and not groups[0]:
        flat = [f"'{{NULL}}'::{kind.declaration}[]"]
    return [Table(f"fit_{number}", kind.declaration, with_array, groups[0], flat),
            Table(f"unfit_{number}", kind.declaration, with_array, groups[1], deep)]


def table_sql(table):
    """The rows: values, then arrays, then one of NULLs."""
    array = f", a {table.declaration}[]" if table.has_array else ""
    columns = "id, v, a" if table.has_array else "id, v"
    rows = [(v, "NULL") for v in table.values] + [("NULL", a) for a in table.arrays] + [("NULL", "NULL")]
    yield (f"CREATE TABLE public.{table.name} (id int PRIMARY KEY, v {table.declaration}{array}); "
           f"ALTER TABLE public.{table.name} REPLICA IDENTITY FULL")
    for i, (v, a) in enumerate(rows):
        yield (f"INSERT INTO public.{table.name} ({columns}) VALUES ({i}, {v}"
               + (f", {a})" if table.has_array else ")"))


def again_sql(table):
    """Deletes every row and inserts it once more."""
    name = f"public.{table.name}"
    return (f"CREATE TEMP TABLE kept AS SELECT * FROM {name}; DELETE FROM {name}; "
            f"INSERT INTO {name} SELECT * FROM kept ORDER BY id; DROP TABLE kept")


# ---- the bytes of a row


def member(text, at, name):
    """The bytes of a JSON member that begins at `at`."""
    head = f'"{name}":'
    assert text.startswith(head, at), text[at:at + 80]
    _, end = json.JSONDecoder().raw_decode(text, at + len(head))
    return text[at + len(head):end], end


def json_rows(payload):
    before, at = member(payload, 1, "before")
    after, _ = member(payload, at + 1, "after")
    return payload, before, after


def row_json(data, _):
    payload, before, after = json_rows(data.decode())
    return json.loads(payload)["op"], None, before if after == "null" else after


def row_json_schema(data, _):
    schema, at = member(data.decode(), 1, "schema")
    payload, _ = member(data.decode(), at + 1, "payload")
    op, _, row = row_json(payload.encode(), None)
    return op, schema, row


class AvroRows:
    """Envelopes begin with the unions before and after; the row is what is between their branch and the next field."""

    def __init__(self, registry):
        self.registry = registry
        self.schemas = {}

    def schema(self, number):
        if number not in self.schemas:
            told = without_logical_types(json.loads(self.registry.text(number)))
            row = told["fields"][0]["type"][1]
            self.schemas[number] = fastavro.parse_schema(told), fastavro.parse_schema(row)
        return self.schemas[number]

    def __call__(self, data, _):
        number = struct.unpack(">I", data[1:5])[0]
        whole, row = self.schema(number)
        op = fastavro.schemaless_reader(io.BytesIO(data[5:]), whole, None)["op"]
        begin = 6 if data[5] == 2 else 7
        stream = io.BytesIO(data[begin:])
        fastavro.schemaless_reader(stream, row, None)
        return op, self.registry.text(number), data[begin:begin + stream.tell()]


def value_of(encoding, row, name):
    """What stands in a JSON row under that name, in its own spelling; None in other encodings."""
    return json.loads(row).get(name, "no such field") if encoding != "avro" else None


# ---- the run


class Stage:
    """All types of one server, read and streamed by a relay for each encoding."""

    def __init__(self, pg, kafka, millrace, folder):
        self.pg, self.kafka, self.millrace, self.folder = pg, kafka, millrace, folder
        self.database = Database(pg, "types")
        self.registry = SchemaRegistry()
        self.relays = {}
        self.records = []
        pg.execute('CREATE DATABASE "types"')
        pg.types_database = "types"
        self.built_in = [row[0] for row in self.database.rows(
            "SELECT t.typname FROM pg_type t LEFT JOIN pg_type e ON e.typarray = t.oid "
            "WHERE e.oid IS NULL AND t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'd', 'e', 'r', 'm') "
            "AND t.typoutput <> 0 ORDER BY t.oid")]
        self.tables = []

    def make(self):
        for name in EXTENSIONS:
            self.database.execute(f"CREATE EXTENSION {name}")
        self.database.execute(postgres_since(self.pg.version))
        for number, kind in enumerate(types(self.pg.version, self.built_in)):
            self.tables += tables_of(number, kind, self.pg)
        with self.database.connect() as connection:
            connection.execute("SET client_encoding = 'UTF8'")
            for table in self.tables:
                for sql in table_sql(table):
                    try:
                        connection.execute(sql)
                    except Exception as problem:
                        raise AssertionError(f"{table.declaration}: {problem}\n{sql}") from None
        self.database.execute("CREATE TABLE public.zz_end (id int PRIMARY KEY); CREATE PUBLICATION types FOR ALL TABLES")

    def play(self):
        self.set_settings(0)
        for encoding in ENCODINGS:
            self.start(encoding)
        for relay in self.relays.values():
            relay.wait_for_log(" streaming ", DEADLINE_S)
            assert relay.terminate() == 0
        self.set_settings(1)
        for relay in self.relays.values():
            relay.start()
        with self.database.connect() as connection:
            for table in self.tables:
                connection.execute(again_sql(table))
            connection.execute("INSERT INTO public.zz_end VALUES (1)")
        self.read()

    def set_settings(self, which):
        for name, values in SETTINGS.items():
            value = values[which] if name == "search_path" else literal(values[which])
            self.pg.execute(f"ALTER DATABASE types SET {name} = {value}")

    def start(self, encoding):
        name = encoding.replace("-", "_")
        config = {
            **source_config(self.database), "name": f"types_{name}", "publication.name": "types",
            "publication.create": "no", "encoding": encoding, "kafka.bootstrap_servers": self.kafka.bootstrap,
            "tables.include": [f"public.({'|'.join(GROUPS[encoding])})_[0-9]+", "public.zz_end"]}
        if encoding == "avro":
            config["schema_registry.url"] = self.registry.url
        self.relays[encoding] = Relay(self.millrace, config, self.folder / name)
        self.relays[encoding].start()

    def read(self):
        for encoding, relay in self.relays.items():
            end = TopicReader(self.kafka.bootstrap, f"{relay.config['name']}.public.zz_end")
            try:
                relay.wait_for(end.advance, DEADLINE_S, "the end mark")
                assert relay.terminate() == 0
            finally:
                end.close()
        reader = TopicReader(self.kafka.bootstrap, "types_")
        try:
            self.records = reader.advance(DEADLINE_S)
        finally:
            reader.close()

    def close(self):
        for relay in self.relays.values():
            relay.close()
        self.registry.close()
        self.database.drop()

    # ---- what came

    def rows(self, encoding):
        """{table: {op: {key bytes: (schema, row bytes)}}}"""
        readers = {"json": row_json, "json-schema": row_json_schema, "avro": AvroRows(self.registry)}
        found = collections.defaultdict(lambda: collections.defaultdict(dict))
        prefix = f"types_{encoding.replace('-', '_')}.public."
        for record in self.records:
            if record.topic.startswith(prefix) and record.value is not None:
                op, schema, row = readers[encoding](record.value, None)
                assert record.key not in found[record.topic[len(prefix):]][op], "twice"
                found[record.topic[len(prefix):]][op][record.key] = schema, row
        return found

    def problems(self, encoding):
        rows = self.rows(encoding)
        for table in self.tables:
            if table.name.startswith(GROUPS[encoding]):
                yield from table_problems(encoding, table, rows[table.name])


def table_problems(encoding, table, rows):
    count = len(table.values) + len(table.arrays) + 1
    for op in "rcd":
        if len(rows[op]) != count:
            yield f"{table.declaration}: {len(rows[op])} records of op {op}, not {count}"
    for op in "cd":
        for key, row in rows["r"].items():
            if rows[op].get(key, row) != row:
                yield f"{table.declaration}: snapshot and op {op} differ:\n  {row}\n  {rows[op][key]}"
    if encoding != "avro":
        kept = [value_of(encoding, row, name) for _, row in rows["r"].values() for name in "va"]
        wanted = len(table.values) + len(table.arrays)
        if sum(v is not None and v != "no such field" for v in kept) != wanted:
            yield f"{table.declaration}: of {wanted} values that are not NULL some are null: {kept}"


@pytest.fixture(scope="module")
def stage(pg, kafka, millrace, tmp_path_factory):
    own = Stage(pg, kafka, millrace, tmp_path_factory.mktemp("types"))
    try:
        own.make()
        own.play()
        yield own
    finally:
        own.close()


def test_every_type_of_the_server_has_values(pg):
    """A type that a new PostgreSQL brings is noticed here."""
    of_server = {row[0] for row in pg.rows(
        "SELECT t.typname FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype <> 'p' "
        "AND t.typtype <> 'c' AND t.typoutput <> 0 AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)")}
    missing = sorted(of_server - set(BUILT_IN))
    assert not missing, f"types without values in type_values.py: {missing}"
    assert {name for name, values in BUILT_IN.items() if not values} == set(NO_INPUT)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_snapshot_and_stream_give_the_same_bytes(encoding, stage, request):
    request.node.relays = [stage.relays[encoding]]
    problems = list(stage.problems(encoding))
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems)[:20000]
