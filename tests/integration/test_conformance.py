"""Record by record what Debezium 3.7 wrote for the same SQL, but for the listed differences.

conformance_cases/SCENARIO/: setup.sql (tables, and the rows that the snapshot reads), stream.sql (one
transaction a statement, unless it says BEGIN) and, where there is something to say, case.json:

    publish_via_partition_root   of the publication
    volatile, ignored            columns by table: see normalise.py
    late_labels                  of enums, added by stream.sql: schemas may tell them early
    server                       the oldest major that knows the SQL (partition_root: that notices a
                                 DETACH, 14 goes on under the root's name); 13 if absent

and runs/, the ways in which it was taken:

    RUN.json             the relay's options
    RUN.jsonl            the records, as normalise.py leaves them; key_schema, value_schema: which line
                         (from 0) of RUN.schemas.jsonl; differs: rows of
                         tests/unit/conformance/DIFFERENCES.md; reference: what Debezium wrote there
    RUN.schemas.jsonl    the schemas' texts, with what they all share by the names of
                         conformance_cases/common.json; of Avro with sorted members

All runs of a scenario stream from one database at the same time, each with a slot and topics of its own,
which are named after the run: that name is part of schemas.

What normalise.py takes out of the records (LSNs, transaction ids, times) is held against the server's
own account of the same transactions: another slot, read by SQL.
"""
import collections
import functools
import json
import re
import struct
import subprocess

import pytest

from conftest import TREE, Database, source_config
from normalise import HEARTBEATS, compare, record
from record_texts import read
from schema_registry import SchemaRegistry
from servers import Relay, TopicReader, clean_environment, wait_until

CASES = TREE / "tests/integration/conformance_cases"
COMMON = json.loads((CASES / "common.json").read_text())
DIFFERENCES = TREE / "tests/unit/conformance/DIFFERENCES.md"
RUNS = sorted(CASES.glob("*/runs/*.json"))
DEADLINE_S = 60
POSTGRES_EPOCH_US = 946_684_800_000_000


def psql(database, *arguments, folder):
    """As in the captures: statement by statement, and on after a failure unless told otherwise."""
    return subprocess.run(
        ["psql", "-X", "-q", "-At", "-d", database.server.dsn(database.name), *arguments],
        capture_output=True, text=True, cwd=folder,
        env=clean_environment(PGOPTIONS="-c client_min_messages=warning"))


# ---- what the server says of the same transactions


Change = collections.namedtuple("Change", "xid commit_us prior")  # prior: end of the commit before


def server_account(database, slot, publication):
    """[(LSN, message of pgoutput as hex)] of what a slot holds for that publication."""
    messages = ", 'messages', 'true'" if database.server.version >= 14 else ""
    return database.rows(
        "SELECT lsn - '0/0', encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes("
        f"'{slot}', NULL, NULL, 'proto_version', '1', 'publication_names', '{publication}'{messages})")


def server_changes(account, start, kinds):
    """{(is it a message?, LSN): Change} of an account's transactions that end after `start`.

    A message bears the LSN of its end, which is that of the next change.  pgoutput says

        B  final LSN (8 bytes), commit time (8), xid (4)
        I U D T, M with flags (1) 1
        C  flags (1), commit LSN (8), end LSN (8), commit time (8)

    and, wherever it likes, M with flags 0: a message that belongs to no transaction.
    """
    changes, prior, xid, commit_us, lsns = {}, None, None, None, []
    for lsn, data in account:
        kind, body = chr(int(data[:2], 16)), bytes.fromhex(data[2:])
        if kind == "B":
            _, commit_us, xid = struct.unpack(">QqI", body)
            commit_us, lsns = commit_us + POSTGRES_EPOCH_US, []
        elif kind == "M" and body[0] == 0:
            changes[True, int(lsn)] = Change(None, None, prior)
        elif kind in kinds:
            lsns.append((kind == "M", int(lsn)))
        elif kind == "C" and struct.unpack(">BQQq", body)[2] > start:
            changes.update({at: Change(xid, commit_us, prior) for at in lsns})
            prior = struct.unpack(">BQQq", body)[2]
    return changes


def wanted_source(lsn, change):
    prior = None if change.prior is None else str(change.prior)
    wanted = {"txId": change.xid, "sequence": json.dumps([prior, str(lsn)], separators=(",", ":"))}
    if change.commit_us is not None:
        wanted |= {"ts_ms": change.commit_us // 1000, "ts_us": change.commit_us,
                   "ts_ns": change.commit_us * 1000}
    return wanted


def stream_problems(sources, changes, is_all):
    """txId, lsn, sequence and times of streamed records against the server's account.

    is_all: every change of the account makes a record.
    """
    found, told = [], set()
    for where, source, op in sources:
        place = op == "m", source["lsn"]
        if place not in changes:
            found.append(f"{where} source.lsn: {source['lsn']} is no change's")
            continue
        told.add(place)
        found += [f"{where} source.{name}:\n  expected {value}\n  got      {source[name]}"
                  for name, value in wanted_source(source["lsn"], changes[place]).items()
                  if source[name] != value]
    silent = sorted(set(changes) - told) if is_all else []
    return found + [f"the change at LSN {lsn} made no record" for _, lsn in silent]


# ---- the snapshot


def wanted_marks(count, first_table, last_table):
    """Of the rows of one table, as Debezium gives them."""
    marks = ["true"] * count
    marks[0] = "first_in_data_collection"
    marks[-1] = "last_in_data_collection"
    if last_table:
        marks[-1] = "last"
    if first_table:
        marks[0] = "first"
    return marks


def snapshot_problems(sources, start):
    """One table after the other: `first` and `last` once, every table opened and closed."""
    tables = collections.defaultdict(list)
    for _, source in sources:
        tables[f"{source['schema']}.{source['table']}"].append(source["snapshot"])
    found = []
    for mark in ("first", "last") if len(sources) > 1 else ():
        count = sum(source["snapshot"] == mark for _, source in sources)
        if count != 1:
            found.append(f"{count} rows have the mark {mark}")
    for table, marks in tables.items():
        wanted = wanted_marks(len(marks), marks[0] == "first", marks[-1] == "last")
        if marks != wanted:
            found.append(f"{table} source.snapshot:\n  expected {wanted}\n  got      {marks}")
    if len({source["txId"] for _, source in sources}) > 1:
        found.append("rows of the snapshot differ in txId")
    wanted = (start, f'[null,"{start}"]')
    places = [(where, (source["lsn"], source["sequence"])) for where, source in sources]
    found += [f"{where} source.lsn, source.sequence:\n  expected {wanted}\n  got      {got}"
              for where, got in places if got != wanted]
    return found


# ---- one run


@functools.cache
def known_options(program):
    """Those that the relay has by now."""
    told = subprocess.run([program, "help", "options"], capture_output=True, text=True, check=True)
    return frozenset(re.findall(r"^  ([a-z_.]+)$", told.stdout, re.M))


def schema_text(text, case):
    """As in RUN.schemas.jsonl."""
    parsed = json.loads(text)
    if isinstance(parsed, dict) and parsed["type"] != "struct":  # the order of members is Avro's own
        text = json.dumps(parsed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    for name, part in COMMON.items():
        text = text.replace(part, f'"{name}"')
    return without_labels(text, case)


def without_labels(text, case):
    for label in case.get("late_labels", []):
        text = text.replace(f",{label}", "")
    return text


class Run:
    """What is expected of the relay, and (since Stage.play) what it did."""

    # Options by which a change may be left without a record.
    SELECTION = {"tables.include", "tables.exclude", "messages.include", "messages.exclude",
                 "topics.skipped_operations", "envelope"}

    def __init__(self, file):
        self.name = file.stem
        self.scenario = file.parents[1]
        self.settings = json.loads(file.read_text())
        self.encoding = self.settings.get("encoding", "json")
        case = self.scenario / "case.json"
        self.case = json.loads(case.read_text()) if case.exists() else {}
        schemas = file.with_suffix(".schemas.jsonl")
        self.schemas = schemas.read_text().split("\n") if schemas.exists() else []
        lines = file.with_suffix(".jsonl").read_text().rstrip("\n").split("\n")
        self.expected = [self.told(json.loads(line)) for line in lines]
        self.relay = self.start = self.problem = None
        self.records = []

    def told(self, line):
        for part in ("key_schema", "value_schema"):
            line[part] = without_labels(self.schemas[line[part]], self.case) if part in line else None
        return {"headers": [], **line}

    def unknown_options(self, program):
        return sorted(set(self.settings) - known_options(program))

    def counts_messages(self):
        return "transactions.metadata" in self.settings and any(r["topic"] == "message" for r in self.expected)

    def topics(self):
        return f"{self.name}.", f"{HEARTBEATS}.{self.name}"

    def is_done(self, records):
        topics = {r.topic for r in records}
        wanted = {f"{self.name}.public.zz_done"}
        if "heartbeat.interval" in self.settings:
            wanted.add(f"{HEARTBEATS}.{self.name}")
        return wanted <= topics

    # ---- against what was expected

    def parts(self, r, registry):
        key_schema, key = read(self.encoding, r.key, registry)
        value_schema, value = read(self.encoding, r.value, registry)
        return {"topic": r.topic, "key": key, "value": value,
                "headers": [[name, text.decode()] for name, text in r.headers],
                "key_schema": key_schema and schema_text(key_schema, self.case),
                "value_schema": value_schema and schema_text(value_schema, self.case)}

    def problems(self, stage):
        self.records.sort(key=lambda r: (r.topic, r.partition, r.offset))
        raw = [self.parts(r, stage.registry) for r in self.records]
        expected = self.expected
        if stage.database.server.version < 14:  # whose pgoutput does not publish messages
            expected = [r for r in expected if r["topic"] != "message"]
        got = [{**record(r, self.name, self.case), "key_schema": r["key_schema"],
                "value_schema": r["value_schema"]} for r in raw]
        sources = sources_of(raw, self.name)
        kinds = "IUDTM" if self.settings.get("topics.truncates", True) else "IUDM"
        changes = server_changes(stage.accounts[stage.publication(self)], self.start, kinds)
        is_all = not self.SELECTION & set(self.settings)
        return [
            *compare(expected, once_each_heartbeat(got)),
            *snapshot_problems([(w, source) for w, source, op in sources if op == "r"], self.start),
            *stream_problems([s for s in sources if s[2] != "r"], changes, is_all)]


def once_each_heartbeat(records):
    """How many there are is a matter of time."""
    seen = []
    for r in records:
        if not r["topic"].startswith(HEARTBEATS) or r not in seen:
            seen.append(r)
    return seen


def sources_of(raw, prefix):
    """(topic and place, source block, operation) of every record that has a source."""
    values = [(at, r["topic"].removeprefix(prefix + "."), json.loads(r["value"]))
              for at, r in enumerate(raw) if r["value"] is not None]
    return [(f"{topic} (record {at} of all)", value["source"], value["op"])
            for at, topic, value in values if "source" in value]


def stream_start(relay):
    """The LSN from which the relay streams, once it does."""
    relay.wait_for_log(" streaming ", DEADLINE_S)
    high, low = re.search(r" streaming .* lsn=([0-9A-F]+)/([0-9A-F]+)", relay.stderr()).groups()
    return int(high, 16) << 32 | int(low, 16)


# ---- all runs of a scenario, at once


class Stage:
    """One database, the relays of the runs beside each other, the SQL once."""

    def __init__(self, runs, server, kafka, millrace, folder):
        self.runs, self.kafka, self.millrace, self.folder = runs, kafka, millrace, folder
        self.scenario = runs[0].scenario
        self.database = Database(server, f"stage_{self.scenario.name}")
        self.registry = SchemaRegistry()
        self.accounts = {}  # publication -> what the server says

    def play(self):
        server = self.database.server
        server.execute(f'CREATE DATABASE "{self.database.name}"')
        try:
            self.set_up(self.runs[0].case)
            self.each(self.begin)
            self.each(self.wait_until_it_streams)
            psql(self.database, "-f", "stream.sql", folder=self.scenario)
            self.database.execute("INSERT INTO public.zz_done VALUES (1)")
            self.read_to_the_end()
            self.accounts = {p: server_account(self.database, f"{self.database.name}_witness", p)
                             for p in {self.publication(run) for run in self.runs}}
        finally:
            for run in self.runs:
                if run.relay is not None:
                    run.relay.close()
            self.registry.close()
            self.database.drop()

    def set_up(self, case):
        name, root = self.database.name, case.get("publish_via_partition_root", False)
        done = psql(self.database, "-v", "ON_ERROR_STOP=1", "-f", "setup.sql", folder=self.scenario)
        assert done.returncode == 0, done.stderr
        self.database.execute("CREATE TABLE public.zz_done (id int PRIMARY KEY)")
        self.database.execute(f'CREATE PUBLICATION "{name}" FOR ALL TABLES '
                              f"WITH (publish_via_partition_root = {str(root).lower()})")
        self.database.execute(f"SELECT pg_create_logical_replication_slot('{name}_witness', 'pgoutput')")

    def each(self, step):
        """What goes wrong with one run is that run's problem."""
        for run in self.runs:
            if run.problem is None:
                try:
                    step(run)
                except (AssertionError, TimeoutError) as problem:
                    run.problem = problem

    def begin(self, run):
        run.relay = Relay(self.millrace, self.config(run), self.folder / run.name)
        run.relay.start()

    def publication(self, run):
        return run.name if "publication.create" in run.settings else self.database.name

    def config(self, run):
        config = {
            **source_config(self.database), "name": run.name, "slot.name": run.name,
            "publication.name": self.publication(run), "publication.create": "no",
            "kafka.bootstrap_servers": self.kafka.bootstrap, "snapshot.workers": 1,
            "topics.relations": False,  # the reference has none
            **run.settings}
        if run.encoding == "avro":
            config["schema_registry.url"] = self.registry.url
        return config

    def wait_until_it_streams(self, run):
        run.start = stream_start(run.relay)

    def end(self, run):
        assert run.relay.terminate() == 0

    def read_to_the_end(self):
        """Until every run has its end mark, or its relay is gone."""
        reader = TopicReader(self.kafka.bootstrap, tuple(t for run in self.runs for t in run.topics()))
        try:
            wait_until(lambda: self.are_all_done(reader.advance()), DEADLINE_S, "the end marks")
        except TimeoutError as problem:
            for run in self.runs:
                if not run.is_done(run.records):
                    run.problem = run.problem or problem
        try:
            self.each(self.end)
            self.hand_out(reader.advance())
        finally:
            reader.close()

    def are_all_done(self, records):
        self.hand_out(records)
        return all(run.problem is not None or run.is_done(run.records) or not run.relay.running()
                   for run in self.runs)

    def hand_out(self, records):
        for run in self.runs:
            run.records = [r for r in records if r.topic.startswith(run.topics())]


@pytest.fixture(scope="module")
def played(request, pg, kafka, millrace, tmp_path_factory):
    """Plays a run's scenario, with all those of its runs that were chosen and can be: once."""
    chosen = [item.callspec.params["file"] for item in request.session.items
              if getattr(item, "originalname", None) == "test_same_records_as_the_reference"]
    stages = {}

    def play(file):
        scenario = file.parents[1]
        if scenario not in stages:
            runs = [Run(f) for f in chosen if f.parents[1] == scenario]
            runs = [run for run in runs if not run.unknown_options(millrace)]
            stages[scenario] = Stage(runs, pg, kafka, millrace, tmp_path_factory.mktemp(scenario.name))
            try:
                stages[scenario].play()
            except Exception as problem:  # of setup.sql, of a server: every run of it says so
                for run in runs:
                    run.problem = run.problem or problem
        stage = stages[scenario]
        return stage, next(run for run in stage.runs if run.name == file.stem)

    return play


def test_every_difference_has_its_reason():
    reasons = set(re.findall(r"^\| ([a-z-]+) \|", DIFFERENCES.read_text(), re.M)) - {"id"}
    used = {difference for file in RUNS for r in Run(file).expected for difference in r.get("differs", [])}
    assert used and used <= reasons


@pytest.mark.parametrize("file", [
    pytest.param(file, id=file.stem, marks=pytest.mark.xdist_group(file.parents[1].name)) for file in RUNS])
def test_same_records_as_the_reference(file, played, pg, millrace, request):
    run = Run(file)
    if pg.version < run.case.get("server", 13):
        pytest.skip("the SQL is of a later PostgreSQL")
    if pg.version < 14 and run.counts_messages():
        pytest.skip("messages are counted, which pgoutput publishes since PostgreSQL 14")
    for option in run.unknown_options(millrace):
        pytest.xfail(f"option {option}")
    stage, run = played(file)
    request.node.relays = [run.relay] if run.relay is not None else []
    if run.problem is not None:
        raise run.problem
    problems = run.problems(stage)
    assert not problems, f"{len(problems)} differences:\n" + "\n".join(problems)
