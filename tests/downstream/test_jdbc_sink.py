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
import subprocess

import pytest

from conftest import TREE, Database
from servers import clean_environment

CASES = TREE / "tests/integration/conformance_cases"
CAPTURED = TREE / "tests/downstream/captured"
RUNS = sorted(f.stem for f in CAPTURED.glob("*_schema.jsonl"))
DEADLINE_S = 60

# What the sink cannot store in PostgreSQL, from whoever's topics.
REFUSED = {}
# By table: columns in which tables made from our topics differ, rows of unit/conformance/DIFFERENCES.md.
DIFFERENT = {}

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
    without_key = {r.topic for r in reader.records if r.key is None and b'"op":"t"' not in r.value}
    return {r.topic: r.offset for r in reader.records if r.topic not in without_key}


def sink_all(connect, database, ends, **more):
    """A table of `database` for each topic; {table: what the sink failed of}."""
    names = {topic: f"{database.name}-{topic}" for topic in ends if not topic.rpartition(".")[2].startswith("zz_")}
    for topic, name in names.items():
        connect.sink(name, topic, database, **more)
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
        return made[-1]

    yield make
    for own in made:
        own.drop()


def made(database, table):
    columns = database.rows(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attnum = ANY (i.indkey) "
        f"FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary "
        f"WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname")
    with database.connect() as connection:
        connection.execute("SET extra_float_digits = 3")
        names = [c[0] for c in columns]
        found = connection.execute("SELECT " + ", ".join(f'"{n}"::text' for n in names) + f" FROM {table}").fetchall()
    key = [names.index(c[0]) for c in columns if c[3] == "t"]
    return Made({c[0]: tuple(c[1:]) for c in columns},
                {tuple(row[i] for i in key): dict(zip(names, row)) for row in found})


def differences(table, wanted, got, ignored):
    for name in sorted(set(wanted.columns) | set(got.columns)):
        if wanted.columns.get(name) != got.columns.get(name) and name not in ignored:
            yield f"{table}.{name} is {got.columns.get(name)}, not {wanted.columns.get(name)}"
    yield from row_differences(table, wanted.rows, got.rows, set(wanted.columns) & set(got.columns) - set(ignored))


def row_differences(table, wanted, got, names):
    for key in sorted(set(wanted) | set(got)):
        if key not in got or key not in wanted:
            yield f"{table} {key}: " + ("missing" if key in wanted else "not expected")
            continue
        for name in sorted(names):
            if wanted[key][name] != got[key][name]:
                yield f"{table} {key} {name}: {str(got[key][name])[:200]}, not {str(wanted[key][name])[:200]}"


@pytest.mark.parametrize("run", RUNS)
def test_same_tables_as_from_debezium(run, database, relay, reader, kafka, connect, targets):
    captured, ours = targets("captured"), targets("ours")
    ends = stream(CASES / run.removesuffix("_schema"), database, relay, reader, compatibility="debezium-3")
    said = {captured: sink_all(connect, captured, load_captured(run, kafka)), ours: sink_all(connect, ours, ends)}
    problems = []
    for table, failure in said[captured].items():
        if failure is not None:
            if table not in REFUSED:
                problems.append(f"{table}, captured: {failure}")
        elif table not in said[ours]:
            problems.append(f"{table}: no records of ours")
        elif said[ours][table] is not None:
            problems.append(f"{table}, ours: {said[ours][table]}")
        else:
            problems += differences(table, made(captured, table), made(ours, table), DIFFERENT.get(table, {}))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("run", RUNS)
def test_same_rows_as_in_the_source(run, database, relay, reader, connect, targets):
    target = targets("ours")
    ends = stream(CASES / run.removesuffix("_schema"), database, relay, reader)
    problems, compared = [], 0
    for table, failure in sink_all(connect, target, ends, truncate_enabled="true").items():
        if failure is not None:
            if table not in REFUSED:
                problems.append(f"{table}: {failure}")
            continue
        wanted, got = made(database, table), made(target, table)
        same = {n for n, of in wanted.columns.items() if got.columns.get(n, [None])[0] == of[0]}
        compared += len(same)
        problems += row_differences(table, wanted.rows, got.rows, same - set(DIFFERENT.get(table, {})))
    assert not problems, "\n".join(problems)
    assert compared > 0
