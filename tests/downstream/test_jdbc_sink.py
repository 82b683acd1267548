"""Debezium's JDBC sink, in Kafka Connect, makes from our topics the tables that it makes from Debezium's.

captured/RUN.jsonl and RUN.schemas.jsonl hold what Debezium 3.7.0.Final wrote (JsonConverter with schemas) for
the SQL of tests/integration/conformance_cases/SCENARIO: topic, headers, key and value as [line of the
schemas, from 0, payload].  The same SQL goes through millrace with encoding json-schema, and

    test_same_tables_as_from_debezium     with compatibility: debezium-3, both make the same tables: columns,
                                          types, NOT NULL, keys, rows
    test_same_rows_as_in_the_source       without it, columns that have the same type in the source hold the same
                                          values there, TRUNCATE and key changes included

One sink for each topic, so that a table which the sink refuses (REFUSED) takes no other with it.
"""
import collections
import json
import re
import subprocess

import pytest

from conftest import TREE, Database
from orders import streamed
from servers import clean_environment

CASES = TREE / "tests/integration/conformance_cases"
CAPTURED = TREE / "tests/downstream/captured"
RUNS = sorted(f.stem for f in CAPTURED.glob("*_schema.jsonl"))
DIFFERENCES = TREE / "tests/unit/conformance/DIFFERENCES.md"
DEADLINE_S = 60

# What the sink cannot store in PostgreSQL, from whoever's topics: whole tables, and columns that are left to it
# (field.exclude.list) so that it stores the others.
REFUSED = {
    "g_geo": "no column type for io.debezium.data.geometry.Line; points want PostGIS",
    "n_date": "infinity is a number of days that PostgreSQL refuses as a date",
    "n_ts": "infinity is a number of milliseconds that PostgreSQL refuses as a timestamp",
    "d_time": "24:00 is no LocalTime",
}
LEFT_TO_THE_SINK = {
    "a_known": ["n62", "n", "d", "ti", "tz", "ts", "tstz", "y"],  # decimal(6,2)[]...: no array types of such names; numbers for dates
    "a_other": ["p", "bx", "mo", "vb", "bi"],  # geometry[], of PostGIS; decimal(38,2)[], bit(4)[]
    "t_default": ["p"],      # DEFAULT '10:00' of a time
    "r_toast": ["da", "j", "jb"], # date[]; the placeholder of an unchanged value is no JSON
    "t_notnull": ["p"],      # ST_GeomFromWKB, of PostGIS
    "t_num": ["nneg"],       # numeric(5,-2)
    "u_domain": ["pa"],      # decimal(9,3)[]
}
# Columns of a run that hold what a schema has no form for, and which Debezium has nulls for: without compatibility:
# debezium-3 the relay stops at them (DIFFERENCES.md, schema-unfit), so that it must leave them out.
UNFIT = {
    "types_nonfinite_schema": [r"public\.n_num\.n2?"],
    "types_scalar_schema": [r"public\.t_bits\.vb1"],
}
# Columns that differ from those made of Debezium's topics, each with its row of DIFFERENCES.md.
DIFFERENT = {
    "d_date": {"d": "bc-dates"},
    "r_index": {"*": "index-key"},
    "t_serial": {"twice": "generated"},
    "t_text": {"nm": "name-columns"},
    "u_enum": {"ma": "enum-arrays"},
    "u_ext": {"h": "hstore-order"},
}
# Columns whose default is another value each time.
VOLATILE = {"t_default": {"e", "g"}}
# Columns that differ from the source's, though their type is the same.
UNFAITHFUL = {
    "a_other": {"iv": "an interval is a number of microseconds"},
    "d_iv": {"iv": "an interval is a number of microseconds", "ym": "likewise"},
    "g_doc": {"tv": "the sink writes 'it''s' as 'its'"},
    "n_float": {"f4": "NaN and infinities are texts in JSON, which Connect's JsonConverter reads as 0", "f8": "likewise"},
    "t_bits": {"vb": "bits have no length"},
    "t_default": {"o": "an interval is a number of microseconds"},
}

# What a user sets so that the sink does not change what it reads: NULL is no default, TRUNCATE is done.
FAITHFUL = {
    "truncate_enabled": "true", "value_converter": "org.apache.kafka.connect.json.JsonConverter",
    "value_converter_replace_null_with_default": "false"}
RENAMED = {"r_new", "r_renamed"}  # rows of one table in two topics
NOT_PUBLISHED = {"r_unlogged"}  # DIFFERENCES.md, unlogged

Made = collections.namedtuple("Made", "columns rows")  # rows: {key: {column: text}}


def lines(file):
    return [json.loads(line) for line in file.read_text().rstrip("\n").split("\n")]


def message(schemas, part):
    """The bytes that Debezium wrote; None stays None."""
    return None if part is None else f'{{"schema":{schemas[part[0]]},"payload":{part[1]}}}'.encode()


def load_captured(run, kafka):
    """{topic: offset of its last record}"""
    from confluent_kafka import Producer

    schemas, records = lines(CAPTURED / f"{run}.schemas.jsonl"), lines(CAPTURED / f"{run}.jsonl")
    count = collections.Counter(r["topic"] for r in records)
    failures = []
    for topic in count:
        kafka.create_topic(topic)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    for r in records:
        producer.produce(r["topic"], message(schemas, r["value"]), message(schemas, r["key"]),
                         headers=[(name, text.encode()) for name, text in r.get("headers", [])],
                         on_delivery=lambda problem, _: failures.append(problem) if problem else None)
    assert producer.flush(60) == 0 and not failures, failures
    return {topic: number - 1 for topic, number in count.items()}


def psql(database, file):
    return subprocess.run(["psql", "-X", "-q", "-At", "-d", database.server.dsn(database.name), "-f", file],
                          capture_output=True, text=True, cwd=file.parent, env=clean_environment())


def stream(scenario, database, relay, reader, **config):
    """Runs the scenario's SQL through the relay; {topic: offset of its last record} of topics with keys."""
    psql(database, scenario / "setup.sql")
    database.execute("CREATE TABLE zz_end (id int PRIMARY KEY)")
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR ALL TABLES')
    own = relay({"encoding": "json-schema", "publication.create": "no", **config})
    own.start()
    own.wait_for_log(" streaming ", DEADLINE_S)
    psql(database, scenario / "stream.sql")
    database.execute("INSERT INTO zz_end VALUES (1)")
    own.wait_for(lambda: any(r.topic.endswith(".zz_end") for r in reader.advance()), DEADLINE_S, "the end")
    assert own.terminate() == 0
    without_key = {r.topic for r in reader.advance() if r.key is None and r.value and b'"op":"t"' not in r.value}
    return {r.topic: r.offset for r in reader.records if r.topic not in without_key}


def sink_all(connect, database, ends, **more):
    """A table of `database` for each topic; {table: what the sink failed of}."""
    names = {topic: f"{database.name}-{topic}" for topic in ends if not topic.rpartition(".")[2].startswith("zz_")}
    for topic, name in names.items():
        excluded = [f"{topic}:{field}" for field in LEFT_TO_THE_SINK.get(topic.rpartition(".")[2], [])]
        connect.sink(name, topic, database, **more, **({"field_exclude_list": ",".join(excluded)} if excluded else {}))
    outcomes = {topic.rpartition(".")[2]: connect.outcome(name, ends[topic]) for topic, name in names.items()}
    for name in names.values():
        connect.drop(name)
    return outcomes


@pytest.fixture
def targets(database, pg):
    """Makes databases for sinks to write to."""
    made = []

    def make(name):
        made.append(Database(pg, f"{database.name}_{name}"))
        pg.execute(f'CREATE DATABASE "{made[-1].name}"')
        made[-1].execute("CREATE EXTENSION ltree; CREATE EXTENSION citext; CREATE EXTENSION hstore")
        return made[-1]

    yield make
    for own in made:
        own.drop()


def made(database, table, key=None):
    """The table as the database has it; rows by its primary key, or by the columns of `key`."""
    columns = database.rows(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attnum = ANY (i.indkey) "
        f"FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary "
        f"WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname")
    with database.connect() as connection:
        connection.execute("SET extra_float_digits = 3")
        names = [c[0] for c in columns]
        found = connection.execute("SELECT " + ", ".join(f'"{n}"::text' for n in names) + f" FROM {table}").fetchall()
    key = [names.index(n) for n in key or key_of(columns)]
    return Made({c[0]: tuple(c[1:]) for c in columns},
                {tuple(row[i] for i in key): dict(zip(names, row)) for row in found})


def key_of(columns):
    return [name for name, _, _, is_key in columns if is_key == "t"]


def differences(table, wanted, got, left_out):
    for name in sorted(set(wanted.columns) | set(got.columns)):
        if wanted.columns.get(name) != got.columns.get(name) and name not in left_out:
            yield f"{table}.{name} is {got.columns.get(name)}, not {wanted.columns.get(name)}"
    yield from row_differences(table, wanted.rows, got.rows, set(wanted.columns) & set(got.columns) - left_out)


def row_differences(table, wanted, got, names):
    for key in sorted(set(wanted) | set(got)):
        if key not in got or key not in wanted:
            yield f"{table} {key}: " + ("missing" if key in wanted else "not expected")
            continue
        for name in sorted(names):
            if wanted[key][name] != got[key][name]:
                yield f"{table} {key} {name}: {str(got[key][name])[:200]}, not {str(wanted[key][name])[:200]}"


def ignored(table):
    return set(DIFFERENT.get(table, {})) | VOLATILE.get(table, set())


def stored(outcomes, refused):
    """The tables that the sink has stored; it must have refused those of `refused`, and no others."""
    failed = {table: failure for table, failure in outcomes.items() if failure is not None}
    surprising = {table: failed.get(table, "stored") for table in outcomes
                  if (table in failed) != (table in refused)}
    assert not surprising, surprising
    return sorted(set(outcomes) - set(failed))


def test_every_difference_has_its_reason():
    reasons = set(re.findall(r"^\| ([a-z-]+) \|", DIFFERENCES.read_text(), re.M))
    assert {reason for columns in DIFFERENT.values() for reason in columns.values()} <= reasons


@pytest.mark.parametrize("run", RUNS)
def test_same_tables_as_from_debezium(run, database, relay, reader, kafka, connect, targets):
    captured, ours = targets("captured"), targets("ours")
    ends = stream(CASES / run.removesuffix("_schema"), database, relay, reader, compatibility="debezium-3")
    wanted = stored(sink_all(connect, captured, load_captured(run, kafka)), REFUSED)
    got = stored(sink_all(connect, ours, ends), REFUSED)
    assert set(wanted) - NOT_PUBLISHED <= set(got)
    problems = [problem for table in wanted if table not in NOT_PUBLISHED and "*" not in ignored(table)
                for problem in differences(table, made(captured, table), made(ours, table), ignored(table))]
    assert wanted and not problems, "\n".join(problems)


@pytest.mark.parametrize("run", RUNS)
def test_same_rows_as_in_the_source(run, database, relay, reader, connect, targets):
    target = targets("ours")
    ends = stream(CASES / run.removesuffix("_schema"), database, relay, reader,
                  **({"columns.exclude": UNFIT[run]} if run in UNFIT else {}))
    tables = stored(sink_all(connect, target, ends, **FAITHFUL), REFUSED)
    problems, compared = [], 0
    for table in tables:
        if table in RENAMED:
            continue
        got = made(target, table)
        wanted = made(database, table, key_of([(n, *of) for n, of in got.columns.items()]))
        same = {n for n, of in wanted.columns.items() if got.columns.get(n, [None])[0] == of[0]}
        compared += len(same)
        problems += row_differences(table, wanted.rows, got.rows, same - set(UNFAITHFUL.get(table, {})))
    assert compared and not problems, "\n".join(problems)


def test_a_table_is_followed_through_every_kind_of_change(database, relay, reader, connect, targets):
    target = targets("ours")
    topic = streamed(database, relay, "DEFAULT", encoding="json-schema")
    end = max(r.offset for r in reader.advance() if r.topic == topic)
    stored(sink_all(connect, target, {topic: end}, **FAITHFUL), {})
    wanted, got = made(database, "orders"), made(target, "orders")
    assert len(wanted.rows) > 300
    assert not list(row_differences("orders", wanted.rows, got.rows, wanted.columns))
