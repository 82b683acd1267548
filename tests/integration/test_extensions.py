"""PostGIS and pgvector on real servers: what each value of theirs becomes, in snapshot and stream, json, json-schema
and avro.  What is expected is told by the extension's own functions (ST_AsEWKB, ST_SRID, the text of a vector).

citext, ltree, hstore and isn, which every server has, are with the other types in type_values.py.
"""
import base64
import json
import struct

import pytest

from conftest import Database, source_config
from record_texts import read
from schema_registry import SchemaRegistry
from servers import CACHE, Postgres, Relay, TopicReader

DEADLINE_S = 60
ENCODINGS = ["json", "json-schema", "avro"]

GEOMETRIES = [
    "POINT(1.5 -2.25)", "POINT EMPTY", "POINT Z (1 2 3)", "POINT ZM (1 2 3 4)", "POINT M (1 2 4)",
    "SRID=4326;POINT(13.4 52.5)", "SRID=3187;POINT Z (174.9479 -36.7208 1e300)",
    "LINESTRING(0 0,1e-300 1,2 2)", "LINESTRING EMPTY", "SRID=4326;POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 2,1 1))",
    "MULTIPOINT(0 0,1 2)", "MULTILINESTRING((0 0,1 2),(3 2,5 4))", "SRID=4326;MULTIPOLYGON(((0 0,1 0,1 1,0 1,0 0)))",
    "SRID=4326;GEOMETRYCOLLECTION(POINT(2 3),LINESTRING(2 3,3 4),GEOMETRYCOLLECTION EMPTY)", "GEOMETRYCOLLECTION EMPTY",
    "CIRCULARSTRING(0 0,1 1,1 0)", "TRIANGLE((0 0,0 9,9 0,0 0))", "TIN(((0 0 0,0 0 1,0 1 0,0 0 0)))"]
GEOGRAPHIES = ["POINT(13.4 52.5)", "POINT EMPTY", "LINESTRING Z (0 0 1,1 1 2)", "SRID=4267;POINT(-110 30)",
               "GEOMETRYCOLLECTION(POINT(2 3),LINESTRING(2 3,3 4))"]
VECTORS = ["[1,2,3.5]", "[0,-0,1e-30]", "[-3.4028235e38,0.1,16777216]"]
HALVES = ["[1,2,3.5]", "[0,65504,-6e-8]"]
SPARSE = ["{1:1.5,3:-2}/5", "{}/3", "{32767:0.1}/32767"]


# ---- the servers


@pytest.fixture(scope="module")
def postgis(pg):
    offered(pg, "postgis", "postgresql-MAJOR-postgis-3: deploy/deps.sh --only tests installs it where Debian has it")
    return pg


@pytest.fixture(scope="module")
def pgvector(pg):
    """The distribution's server, or one that brings pgvector along (deploy/deps.sh --only tests)."""
    if has(pg, "vector") or not (CACHE / "postgres-pgvector").exists():
        offered(pg, "vector", "neither postgresql-MAJOR-pgvector nor the server of deploy/deps.sh --only tests")
        yield pg
    else:
        server = Postgres("pgvector")
        server.start()
        yield server
        server.close()


def has(server, extension):
    return bool(server.rows(f"SELECT 1 FROM pg_available_extensions WHERE name = '{extension}'"))


def offered(server, extension, hint):
    if not has(server, extension):
        pytest.skip(f"PostgreSQL {server.version} in {server.bin} has no extension {extension} ({hint})")


# ---- one run for each encoding


def after(record, encoding, registry):
    """(op, row) of a record."""
    _, payload = read(encoding, record.value, registry)
    event = json.loads(payload)
    return event["op"], event["after"]


def rows_of(database, kafka, millrace, folder, encoding, registry):
    """{op: {id: row}}: the rows of table `thing` by the snapshot (r), and the same once more by the stream (c), id + 1000."""
    name = f"{database.name}_{encoding.replace('-', '_')}"
    relay = Relay(millrace, {
        **source_config(database), "name": name, "encoding": encoding, "tables.include": ["public.thing"],
        "kafka.bootstrap_servers": kafka.bootstrap, "schema_registry.url": registry.url}, folder / encoding)
    reader = TopicReader(kafka.bootstrap, f"{name}.public.thing")
    count = int(database.rows("SELECT count(*) FROM thing WHERE id < 1000")[0][0])
    try:
        relay.start()
        relay.wait_for_log(" streaming ", DEADLINE_S)
        columns = [c[0] for c in database.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'thing'::regclass "
                                               "AND attnum > 1 ORDER BY attnum")]
        names = ", ".join(columns)
        database.execute(f"INSERT INTO thing (id, {names}) SELECT id + 1000, {names} FROM thing WHERE id < 1000 ORDER BY id")
        relay.wait_for(lambda: len(reader.advance()) >= 2 * count, DEADLINE_S, f"{2 * count} rows")
        assert relay.terminate() == 0
        found = {"r": {}, "c": {}}
        for record in reader.records:
            op, row = after(record, encoding, registry)
            assert row["id"] not in found[op]
            found[op][row["id"]] = row
        assert len(found["r"]) == len(found["c"]) == count
        return found
    finally:
        reader.close()
        relay.close()
        database.execute("DELETE FROM thing WHERE id >= 1000")


@pytest.fixture
def registry():
    own = SchemaRegistry()
    yield own
    own.close()


@pytest.fixture
def database_on(request):
    """Makes the test's database on any server."""
    made = []

    def make(server):
        request.config.millrace_tests = getattr(request.config, "millrace_tests", 0) + 1
        made.append(Database(server, f"x{request.config.millrace_tests}"))
        server.execute(f'CREATE DATABASE "{made[-1].name}"')
        return made[-1]

    yield make
    for own in made:
        own.drop()


def assert_rows(found, expected):
    """Both ways in which rows came; expected: {id: {column: value}}"""
    for op, shift in (("r", 0), ("c", 1000)):
        for number, row in expected.items():
            got = {name: value for name, value in found[op][number + shift].items() if name != "id"}
            assert got == row, (op, number)
        assert len(found[op]) == len(expected)


# ---- PostGIS


def struct_of(ewkb_hex, srid, more):
    """No SRID (0) is null."""
    if not ewkb_hex:
        return None
    return {"wkb": base64.b64encode(bytes.fromhex(ewkb_hex)).decode(), "srid": int(srid) or None, **more}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_geometry_and_geography(encoding, postgis, database_on, kafka, millrace, registry, tmp_path):
    database = database_on(postgis)
    database.execute("CREATE EXTENSION postgis")
    database.execute("CREATE TABLE thing (id int PRIMARY KEY, g geometry, p geometry(Point, 4326), o geography, "
                     "gs geometry[], os geography[])")
    for i, text in enumerate(GEOMETRIES):
        database.execute(f"INSERT INTO thing (id, g, gs) VALUES ({i}, '{text}', ARRAY['{text}', NULL, 'POINT(0 0)']::geometry[])")
    for i, text in enumerate(GEOGRAPHIES, 100):
        database.execute(f"INSERT INTO thing (id, o, os) VALUES ({i}, '{text}', ARRAY[NULL, '{text}']::geography[])")
    database.execute("INSERT INTO thing (id, p) VALUES (200, ST_SetSRID(ST_MakePoint(13.4, 52.5), 4326)); "
                     "INSERT INTO thing (id) VALUES (201); INSERT INTO thing (id, gs, os) VALUES (202, '{}', '{NULL}')")
    expected = {int(i): {"g": None, "p": None, "o": None, "gs": None, "os": None} for i, in
                database.rows("SELECT id FROM thing")}
    geometry = {"extensions": None}
    for column, more in (("g", geometry), ("p", geometry), ("o", {})):
        for i, ewkb, srid in database.rows(
                f"SELECT id, encode(ST_AsEWKB({column}::geometry, 'NDR'), 'hex'), ST_SRID({column}::geometry) "
                f"FROM thing WHERE {column} IS NOT NULL"):
            expected[int(i)][column] = struct_of(ewkb, srid, more)
    for column, more in (("gs", geometry), ("os", {})):
        for i in [int(i) for i, in database.rows(f"SELECT id FROM thing WHERE {column} IS NOT NULL")]:
            expected[i][column] = [struct_of(*row, more) for row in database.rows(
                f"SELECT encode(ST_AsEWKB(x::geometry, 'NDR'), 'hex'), ST_SRID(x::geometry) "
                f"FROM thing, unnest({column}) WITH ORDINALITY AS u (x, n) WHERE id = {i} ORDER BY n")]
    assert_rows(rows_of(database, kafka, millrace, tmp_path, encoding, registry), expected)


# ---- pgvector


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_vectors(encoding, pgvector, database_on, kafka, millrace, registry, tmp_path):
    database = database_on(pgvector)
    database.execute("CREATE EXTENSION vector")
    new = bool(database.rows("SELECT 1 FROM pg_type WHERE typname = 'sparsevec'"))  # 0.7
    more = ", h halfvec, h3 halfvec(3), s sparsevec" if new else ""
    database.execute(f"CREATE TABLE thing (id int PRIMARY KEY, v vector, v3 vector(3), vs vector[]{more})")
    names = ["v", "v3", "vs", *(["h", "h3", "s"] if new else [])]
    expected = {}

    def put(column, text, value):
        number = len(expected)
        database.execute(f"INSERT INTO thing (id, {column}) VALUES ({number}, '{text}')")
        expected[number] = {**dict.fromkeys(names), column: value}

    for text in VECTORS:
        for column in ("v", "v3"):
            put(column, text, numbers(text))
        put("vs", '{"' + text + '",NULL}', [numbers(text), None])
    if new:
        for text in HALVES:
            for column in ("h", "h3"):
                put(column, text, numbers(database.rows(f"SELECT '{text}'::halfvec")[0][0]))
        for text in SPARSE:
            put("s", text, sparse(text) if encoding == "json" else text)
    number = len(expected)
    database.execute(f"INSERT INTO thing (id) VALUES ({number})")
    expected[number] = dict.fromkeys(names)
    found = rows_of(database, kafka, millrace, tmp_path, encoding, registry)
    for op in found.values():
        for row in op.values():
            for name in names:
                row[name] = singles(row[name])
    assert_rows(found, {i: {n: singles(v) for n, v in row.items()} for i, row in expected.items()})


def numbers(text):
    return json.loads(text)


def sparse(text):
    inside, _, dimensions = text[1:].partition("}/")
    pairs = (pair.split(":") for pair in inside.split(",") if pair)
    return {"dimensions": int(dimensions), "vector": [[int(i), float(n)] for i, n in pairs]}


def singles(value):
    """Numbers as 4-byte floats, of which the text may have more digits or fewer."""
    if isinstance(value, dict):
        return {k: singles(v) for k, v in value.items()}
    if isinstance(value, list):
        return [singles(v) for v in value]
    return struct.unpack("f", struct.pack("f", value))[0] if isinstance(value, (int, float)) else value
