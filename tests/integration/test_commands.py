"""`millrace plan`, `schema` and `import`: what they say is what the relay does, and they change nothing."""

import json
import subprocess

import pytest

from conftest import change
from servers import Relay, clean_environment
from test_conformance import CASES, RUNS, Run, psql

AVRO_RUNS = [file for file in RUNS if json.loads(file.read_text()).get("encoding") == "avro"]


def schema_lines(run, *words):
    done = run.command("schema", *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def subjects_of(lines):
    """{subject: schema} of what `schema` printed."""
    return {part["subject"]: part["schema"] for line in lines for part in (line["key"], line["value"]) if part}


def registered(folder):
    """{subject: [schema of each version]} of a registry that is a folder."""
    found = {}
    for line in (folder / "subjects").read_text().splitlines():
        number, subject = line.split(" ", 1)
        found.setdefault(subject, []).append(json.loads((folder / f"{number}.avsc").read_text()))
    return found


def records_of(run, folder):
    done = subprocess.run([run.binary, "log", "cat", folder], capture_output=True, text=True)
    return done.stdout.rstrip("\n").split("\n")  # values may hold what Unicode takes for the end of a line


def made_things(database):
    return database.rows("SELECT slot_name FROM pg_replication_slots WHERE database = current_database() "
                         "UNION ALL SELECT pubname FROM pg_publication")


def prepare(database, scenario):
    done = psql(database, "-v", "ON_ERROR_STOP=1", "-f", "setup.sql", folder=scenario)
    assert done.returncode == 0, done.stderr
    database.execute("CREATE TABLE public.zz_done (id int PRIMARY KEY)")


# ---- schema


@pytest.mark.parametrize("file", AVRO_RUNS, ids=lambda file: file.stem)
def test_schemas_are_those_that_are_registered(file, database, relay_to_log, pg, millrace, tmp_path):
    """By the catalogue alone, by the snapshot and by the stream: the same."""
    case = Run(file)
    if pg.version < case.case.get("server", 13):
        pytest.skip("the SQL is of a later PostgreSQL")
    for option in case.unknown_options(millrace):
        pytest.xfail(f"option {option}")
    prepare(database, case.scenario)
    root = case.case.get("publish_via_partition_root", False)
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR ALL TABLES '
                     f"WITH (publish_via_partition_root = {str(root).lower()})")
    registry = tmp_path / "registry"
    run = relay_to_log({"publication.create": "no", **case.settings, "schema_registry.directory": str(registry)})
    before = subjects_of(schema_lines(run))
    assert made_things(database) == [[database.name]] and not registry.exists()

    run.start()
    run.wait_for_log(" streaming ", 60)
    psql(database, "-f", "stream.sql", folder=case.scenario)
    database.execute("INSERT INTO public.zz_done VALUES (1)")
    topic = f'"{database.prefix}.public.zz_done"'
    run.wait_for(lambda: any(topic in line for line in records_of(run, tmp_path / "log")), 60, "the end mark")
    assert run.terminate() == 0

    after = subjects_of(schema_lines(run))
    versions = registered(registry)
    common = versions.keys() & before.keys()
    assert len(common) > 2
    if "late_labels" not in case.case:
        assert {subject: versions[subject] for subject in common} == {s: [before[s]] for s in common}
        assert {s: after[s] for s in after.keys() & before.keys()}.items() <= before.items()
        return
    for subject in common:  # described when its first row came, with the labels of then
        assert versions[subject][0] in [before[subject], after[subject]], subject


def test_schemas_follow_a_changed_table(database, relay_to_log, tmp_path):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')")
    registry = tmp_path / "registry"
    run = relay_to_log({"encoding": "avro", "schema_registry.directory": str(registry)})
    before = subjects_of(schema_lines(run))
    run.start()
    run.wait_for_log(" streaming ", 60)
    database.execute("ALTER TABLE t ADD n numeric(6,2) NOT NULL DEFAULT 1.5, ALTER v SET NOT NULL")
    database.execute("INSERT INTO t VALUES (2, 'b')")
    run.wait_for(lambda: len(records_of(run, tmp_path / "log")) >= 2, 60, "the new row")
    assert run.terminate() == 0
    after, value = subjects_of(schema_lines(run)), f"{database.prefix}.public.t-value"
    assert registered(registry)[value] == [before[value], after[value]] and before[value] != after[value]


def test_connect_schemas_are_those_in_the_records(database, relay_to_log, tmp_path):
    prepare(database, CASES / "types_scalar")
    run = relay_to_log(json.loads((CASES / "types_scalar/runs/types_scalar_schema.json").read_text()))
    told = {line["topic"]: line for line in schema_lines(run)}
    plain = {line["topic"]: line for line in schema_lines(run, "--set", "encoding=json")}
    run.start()
    run.wait_for_log(" streaming ", 60)
    psql(database, "-f", "stream.sql", folder=CASES / "types_scalar")
    database.execute("INSERT INTO public.zz_done VALUES (1)")
    run.wait_for(lambda: any("zz_done" in line for line in records_of(run, tmp_path / "log")), 60, "the end mark")
    assert run.terminate() == 0
    seen = set()
    for record in map(json.loads, records_of(run, tmp_path / "log")):
        line = told[record["topic"]]
        seen.add(record["topic"])
        assert record["key"] is None or record["key"]["schema"] == line["key"]["schema"]
        assert record["value"] is None or record["value"]["schema"] == line["value"]["schema"]
    assert len(seen) > 1
    for topic, line in plain.items():
        assert line["encoding"] == "json"
        assert (line["key"], line["value"]) == (told[topic]["key"], told[topic]["value"])


@pytest.fixture
def two_tables(database):
    database.execute("CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE keyless (v int);"
                     "CREATE SCHEMA other; CREATE TABLE other.a (id int PRIMARY KEY)")
    return database


def test_one_schema_alone_can_be_piped(two_tables, relay_to_log):
    run = relay_to_log({"encoding": "avro", "schema_registry.directory": "/nowhere/at/all"})
    whole = schema_lines(run, "public.a")
    assert [line["table"] for line in whole] == ["public.a"]
    assert whole[0]["key"]["subject"] == f"{two_tables.prefix}.public.a-key"
    key, value = schema_lines(run, "--key", "public.a"), schema_lines(run, "public.a", "--value")
    assert key == [whole[0]["key"]["schema"]]
    assert value == [whole[0]["value"]["schema"]]
    assert [line["table"] for line in schema_lines(run, r".*\.a", "public.keyless")] == [
        "other.a", "public.a", "public.keyless"]
    assert schema_lines(run, "public.keyless")[0]["key"] is None


def test_schemas_of_tables_that_the_configuration_leaves_out(two_tables, relay_to_log):
    run = relay_to_log({"tables.exclude": ["other\\..*"]})
    assert {line["table"] for line in schema_lines(run)} == {"public.a", "public.keyless"}
    assert [line["table"] for line in schema_lines(run, "other.a")] == ["other.a"]


@pytest.mark.parametrize("words, message", [
    (["public.b"], "matches 'public.b': a table is named schema.table, as in public.orders"),
    (["a"], "matches 'a': a table is named schema.table"),
    (["public.a", "nothing.*"], "matches 'nothing.*'"),
    (["("], "\"(\" is not a regular expression"),
    (["--key", "public.keyless"], "table public.keyless has no key, so its records have none either")])
def test_schema_refuses(words, message, two_tables, relay_to_log):
    done = relay_to_log().command("schema", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == (2 if "encoding json" in done.stderr else 1)


def test_the_catalogue_is_enough(two_tables, relay_to_log, pg):
    """Neither SELECT nor REPLICATION, nor a slot, publication or registry."""
    role = f"{two_tables.name}_reader"
    pg.execute(f'CREATE ROLE "{role}" LOGIN')
    try:
        run = relay_to_log({"source.postgres.user": role, "encoding": "avro",
                            "schema_registry.url": "http://127.0.0.1:1"})
        assert {line["table"] for line in schema_lines(run)} == {"public.a", "public.keyless", "other.a"}
        done = run.command("plan", "--json")
        assert done.returncode == 0, done.stderr
        table = next(t for t in json.loads(done.stdout)["tables"] if t["table"] == "public.a")
        assert any("the snapshot may not read it" in text for text in table["errors"])
        assert made_things(two_tables) == []
    finally:
        pg.execute(f'DROP ROLE "{role}"')


# ---- plan


ODD_TABLES = """
CREATE TYPE pair AS (a int, b int);
CREATE TABLE plain (id int PRIMARY KEY, code varchar(10) NOT NULL, at timestamptz(3), n numeric(10,2));
CREATE TABLE keyless (v int);
CREATE TABLE nothing (id int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
CREATE TABLE complete (v text, ts timestamp); ALTER TABLE complete REPLICA IDENTITY FULL;
CREATE TABLE by_index (id int PRIMARY KEY, code text NOT NULL);
CREATE UNIQUE INDEX by_index_code ON by_index (code); ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code;
CREATE TABLE by_unique (code int NOT NULL CONSTRAINT by_unique_code UNIQUE, v int); ALTER TABLE by_unique REPLICA IDENTITY FULL;
CREATE TABLE odd (id int PRIMARY KEY, free numeric, span interval, t time, big text, p pair,
                  made int GENERATED ALWAYS AS (id * 2) STORED, secret text, phone text, "x y" int, l int[], v1 varbit(1));
CREATE TABLE "a b" (id int PRIMARY KEY);
CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY);
CREATE VIEW seen AS SELECT 1 AS one;
CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (100);
CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (parent);
CREATE TABLE shard_1 (id int PRIMARY KEY); CREATE TABLE shard_2 (id int PRIMARY KEY);
"""


@pytest.fixture
def odd(database):
    database.execute(ODD_TABLES)
    return database


def plan_of(run, *words):
    done = run.command("plan", "--json", *words)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    return report, {t["table"].removeprefix("public."): t for t in report["tables"]}


def test_plan_of_an_ordinary_table(odd, relay_to_log):
    _, tables = plan_of(relay_to_log())
    assert tables["plain"] == {
        "table": "public.plain", "topic": f"{odd.prefix}.public.plain", "replica_identity": "default",
        "key": {"columns": ["id"], "from": "primary key", "index": "plain_pkey"},
        "partitions": {"configured": 1, "existing": None, "told": "the sink is not Kafka"},
        "columns": [
            {"column": "id", "type": "integer", "written": "int32", "semantic": None, "null": False, "rule": None},
            {"column": "code", "type": "character varying(10)", "written": "string", "semantic": None,
             "null": False, "rule": None},
            {"column": "at", "type": "timestamp(3) with time zone", "written": "string",
             "semantic": "io.debezium.time.ZonedTimestamp", "null": True, "rule": None},
            {"column": "n", "type": "numeric(10,2)", "written": "bytes",
             "semantic": "org.apache.kafka.connect.data.Decimal", "null": True, "rule": None}],
        "left_out": [], "errors": [], "warnings": []}
    assert made_things(odd) == []


@pytest.mark.parametrize("table, columns, origin, index", [
    ("plain", ["id"], "primary key", "plain_pkey"),
    ("keyless", [], "none", None),
    ("complete", [], "none", None),
    ("by_index", ["code"], "replica identity index", "by_index_code"),
    ("by_unique", ["code"], "unique index", "by_unique_code"),
    ("shard_1", ["id"], "topics.key_columns", None)])
def test_plan_tells_where_keys_come_from(table, columns, origin, index, odd, relay_to_log):
    _, tables = plan_of(relay_to_log({"topics.key_columns": ["public.shard_1:id"]}))
    assert tables[table]["key"] == {"columns": columns, "from": origin, "index": index}


ODDITIES = [  # options, table ("": the whole), what is told
    ({}, "keyless", "no key: "),
    ({}, "keyless", "replica identity default tells no row: "),
    ({}, "nothing", "replica identity nothing tells no row: "),
    ({}, "odd", "free: numeric without a precision"),
    ({}, "odd", "span: types.interval numeric: a month counts as 30.4375 days"),
    ({"types.time": "connect"}, "odd", "t: types.time connect: microseconds are lost"),
    ({"types.time": "nanoseconds"}, "complete", "ts: types.time nanoseconds: only 1677 to 2262 fits"),
    ({"types.decimal": "double"}, "plain", "n: types.decimal double: digits beyond the 15th are lost"),
    ({"types.decimal": "double"}, "odd", "free: types.decimal double"),
    ({}, "odd", "big, p, secret, phone, l, v1: large values that an update does not touch"),
    ({}, "odd", "p: of a type that Debezium does not know, sent as PostgreSQL's text"),
    ({"compatibility": "debezium-3"}, "odd", "p is left out: of a type that Debezium leaves out"),
    ({}, "odd", "made is left out: generated: PostgreSQL does not stream it"),
    ({"columns.exclude": ["public.odd.secret"]}, "odd", "secret is left out: columns.include, columns.exclude"),
    ({"columns.mask": ["6:public.odd.phone"]}, "odd", "phone is hidden: 6 asterisks"),
    ({"columns.truncate": ["3:public.odd.phone"]}, "odd", "phone is hidden: cut to 3 characters"),
    ({"columns.hash": ["public.odd.phone"]}, "odd", "phone is hidden: a salted digest"),
    ({"columns.mask": ["6:public.odd.id"]}, "odd", "columns.truncate, mask and hash are for columns that are sent"),
    ({"names.adjust": "avro"}, "odd", "x y: the name is adjusted in schemas"),
    ({"encoding": "avro"}, "odd", "x y: the name is adjusted in schemas"),
    *(({"encoding": encoding}, table, told) for encoding in ("json-schema", "avro") for table, told in [
        ("odd", "l: an array: a value of several dimensions has no form in the schema and stops"),
        ("odd", "free: numeric: a NaN or an infinity has no form in the schema and stops"),
        ("odd", "v1: bit varying(1): an empty value has no form in the schema and stops"),
        ("plain", "n: numeric: a NaN or an infinity has no form in the schema and stops")]),
    ({"encoding": "json-schema", "types.time": "nanoseconds"}, "complete", "ts: types.time nanoseconds: only 1677 to 2262 "
     "fits, all else has no form in the schema and stops"),
    ({}, "a b", "the topic's name is adjusted"),
    ({}, "root", "partitioned: the changes of its partitions come under its name"),
    ({"publication.via_root": False}, "leaf", "a partition of public.root, with a topic of its own"),
    ({}, "parent", "other tables inherit from it"),
    ({}, "heir", "inherits from public.parent"),
    ({"topics.route": [r".*\.(public\.shard)_[0-9]=>$1"]}, "shard_1", "shares its topic with public.shard_2"),
    ({"topics.key_columns": ["public.plain:code"]}, "plain",
     "topics.key_columns names the column code, which deletes do not tell"),
    ({}, "", "public.fleeting is not captured: unlogged: PostgreSQL writes no WAL for it"),
    ({"tables.include": ["public.(seen|plain)"]}, "", "public.seen is not captured: a view"),
    ({"tables.include": ["public.plain", "public.leaf"], "publication.via_root": True}, "leaf", "a partition of"),
    ({"tables.include": ["public.plain", "publik.x"]}, "", "tables.include: 'publik.x' matches no table"),
    ({"tables.exclude": ["audit.*"]}, "", "tables.exclude: 'audit.*' matches no table"),
    ({"columns.mask": ["4:public.odd.fone"]}, "", "columns.mask: '4:public.odd.fone' matches no column"),
    ({"columns.exclude": ["public.odd.sekret"]}, "", "columns.exclude: 'public.odd.sekret' matches no column"),
    ({"publication.create": "no"}, "", "does not exist: create it, or set publication.create to filtered"),
    ({"tables.include": ["nowhere.*"]}, "", "no table is captured"),
]


@pytest.mark.parametrize("options, table, told", ODDITIES, ids=lambda value: str(value)[:60])
def test_plan_tells_of_what_is_odd(options, table, told, odd, relay_to_log, tmp_path):
    report, tables = plan_of(relay_to_log({"schema_registry.directory": str(tmp_path / "r"), **options}))
    owner = tables[table] if table else report
    texts = owner["errors"] + owner["warnings"]
    assert any(told in text for text in texts), texts
    everything = [report, *report["tables"]]
    assert report["warning_count"] == sum(len(part["warnings"]) for part in everything)
    assert report["error_count"] == sum(len(part["errors"]) for part in everything)


def test_two_tables_that_map_to_one_topic(odd, relay_to_log):
    odd.execute('CREATE TABLE "a_b" (id int PRIMARY KEY)')
    _, tables = plan_of(relay_to_log())
    assert [("both" in text or "topic" in text) for text in tables["a b"]["errors"] + tables["a_b"]["errors"]] == [True]


def test_plan_by_an_existing_publication(odd, relay_to_log, pg):
    odd.execute(f'CREATE PUBLICATION "{odd.name}" FOR TABLE plain, nothing WITH (publish = \'insert,update,delete\')')
    report, tables = plan_of(relay_to_log({"publication.create": "no", "tables.include": ["public.(plain|odd|nothing)"]}))
    assert tables.keys() == {"plain", "nothing"}
    assert {"table": "public.odd", "why": "the publication does not publish it"} in report["not_captured"]
    assert any("does not publish TRUNCATE" in text for text in report["warnings"])
    assert any("PostgreSQL refuses the application's UPDATE" in text for text in tables["nothing"]["warnings"])
    if pg.version < 15:
        return
    odd.execute(f'ALTER PUBLICATION "{odd.name}" SET TABLE plain (id, code) WHERE (id > 7)')
    _, tables = plan_of(relay_to_log({"publication.create": "no"}))
    assert [c["column"] for c in tables["plain"]["columns"]] == ["id", "code"]
    assert {"column": "n", "why": "not in the publication's column list"} in tables["plain"]["left_out"]
    assert any("row filter: (id > 7)" in text for text in tables["plain"]["warnings"])


def test_plan_for_people(odd, relay_to_log):
    done = relay_to_log({"tables.include": ["public.(plain|keyless)"]}).command("plan")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"database {odd.name}, publication {odd.name} (not made yet), encoding json"
    assert "  key               id (primary key plain_pkey)" in lines
    assert "  key               none" in lines
    assert [line.split() for line in lines if line.startswith("    n ")] == [
        ["n", "numeric(10,2)", "->", "bytes", "or", "null", "org.apache.kafka.connect.data.Decimal"]]
    assert lines[-1] == "2 tables, 1 warnings, 1 errors that would stop run"


def test_plan_looks_at_the_topics(odd, relay, kafka, relays):
    options = {"tables.include": ["public.(plain|odd)"]}
    run = relay({**options, "topics.partitions": 3})
    _, tables = plan_of(run)
    assert tables["plain"]["partitions"] == {"configured": 3, "existing": None, "told": "the topic will be made"}
    run.start()
    run.wait_for_log(" streaming ", 60)
    assert run.terminate() == 0
    _, tables = plan_of(run)
    assert tables["plain"]["partitions"] == {"configured": 3, "existing": 3, "told": "exists"}
    _, tables = plan_of(relay({**options, "topics.partitions": 4}))
    assert any("its topic has 3 partitions and topics.partitions says 4" in t for t in tables["odd"]["errors"])
    report, tables = plan_of(relays({**options, "kafka.bootstrap_servers": "127.0.0.1:1", "kafka.timeout": "1s"}))
    assert tables["plain"]["partitions"]["told"] == "Kafka cannot be reached, so what the topic has is not known"
    assert any("the topics cannot be looked at" in text for text in report["warnings"])


@pytest.mark.parametrize("command", ["plan", "schema"])
def test_no_server_is_told_in_one_line(command, two_tables, relay_to_log):
    done = relay_to_log({"source.postgres.port": 1, "encoding": "json-schema"}).command(command)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("millrace: ") and done.stderr.count("\n") == 1


# ---- import


CONNECTOR = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "tasks.max": "1", "plugin.name": "pgoutput", "poll.interval.ms": "50",
    "database.hostname": "127.0.0.1", "database.user": "postgres", "database.password": "never-written",
    "table.include.list": r"public.fruit,public\.veg_\d+", "publication.autocreate.mode": "filtered",
    "decimal.handling.mode": "string", "message.key.columns": "public.fruit:id", "snapshot.mode": "initial",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter", "key.converter.schemas.enable": "false",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
    "topic.creation.default.partitions": "2", "producer.override.linger.ms": "5"}


def as_json(name, config):
    return json.dumps({"name": name, "config": config}, indent=1)


def as_properties(name, config):
    lines = [f"name={name}", "# a comment"]
    return "\n".join(lines + [f"{key} = {value}".replace("\\", "\\\\") for key, value in config.items()]) + "\n"


@pytest.mark.parametrize("form", [as_json, as_properties])
def test_what_is_imported_relays(form, database, kafka, millrace, tmp_path, reader, request):
    database.execute("CREATE TABLE fruit (id int PRIMARY KEY, price numeric);"
                     "CREATE TABLE veg_1 (id int PRIMARY KEY); CREATE TABLE veg_x (id int PRIMARY KEY);"
                     "INSERT INTO fruit VALUES (1, 1.50); INSERT INTO veg_1 VALUES (1); INSERT INTO veg_x VALUES (1)")
    connector, output = tmp_path / "connector", tmp_path / "millrace.yaml"
    connector.write_text(form(database.name, {
        **CONNECTOR, "database.port": str(database.server.port), "database.dbname": database.name,
        "topic.prefix": database.prefix, "slot.name": database.slot, "publication.name": database.name,
        "producer.override.bootstrap.servers": kafka.bootstrap}))
    done = subprocess.run([millrace, "import", connector, "-o", output], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" and "never-written" not in done.stderr + output.read_text()

    class Imported(Relay):
        def write_config(self):
            """It is there."""

    run = Imported(millrace, {}, tmp_path, environment={"MILLRACE_PASSWORD": "x"})
    request.node.relays = [run]
    try:
        checked = subprocess.run([millrace, "check", "-c", output], capture_output=True, text=True,
                                 env=clean_environment(MILLRACE_PASSWORD="x"))
        assert checked.returncode == 0, checked.stdout + checked.stderr
        run.start()
        run.wait_for(lambda: len(reader.advance()) >= 2, 60, "the snapshot")
        database.execute("DELETE FROM fruit WHERE id = 1; TRUNCATE fruit; INSERT INTO veg_1 VALUES (2)")
        run.wait_for(lambda: len(reader.advance()) >= 5, 60, "the changes")
        assert run.terminate() == 0
    finally:
        run.close()
    seen = sorted((change(r) for r in reader.advance()), key=str)
    fruit, veg = f"{database.prefix}.public.fruit", f"{database.prefix}.public.veg_1"
    assert seen == sorted([
        (fruit, {"id": 1}, "r", None, {"id": 1, "price": "1.50"}), (veg, {"id": 1}, "r", None, {"id": 1}),
        (fruit, {"id": 1}, "d", {"id": 1, "price": None}, None), (fruit, {"id": 1}, None, None, None),
        (veg, {"id": 2}, "c", None, {"id": 2})], key=str)


def test_import_refuses_in_one_line(millrace, tmp_path):
    bad = tmp_path / "bad"
    bad.write_text("connector.class=io.debezium.connector.mysql.MySqlConnector\n")
    output = tmp_path / "out.yaml"
    done = subprocess.run([millrace, "import", bad, "-o", output], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "is not Debezium's PostgreSQL connector" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad"]
