"""Record by record what Debezium 3.7 wrote for the same SQL, but for the listed differences.

conformance_cases/SCENARIO/: setup.sql (tables, and the rows that the snapshot reads), stream.sql (one
transaction a statement, unless it says BEGIN), expected.jsonl (tests/unit/conformance/DIFFERENCES.md),
case.json:

    truncates                    does the case hold records of TRUNCATE?
    publish_via_partition_root   of the publication
    volatile, ignored            columns by table: see normalise.py
    server                       the oldest major that knows the SQL (partition_root: that notices a
                                 DETACH, 14 goes on under the root's name); 13 if absent

What normalise.py takes out of the records (LSNs, transaction ids, times) is held against the server's
own account of the same transactions: a second slot, read by SQL.
"""
import collections
import json
import re
import struct
import subprocess

import pytest

from conftest import TREE
from normalise import compare, record
from servers import clean_environment

CASES = TREE / "tests/integration/conformance_cases"
DIFFERENCES = TREE / "tests/unit/conformance/DIFFERENCES.md"
SCENARIOS = sorted(p.name for p in CASES.iterdir())
POSTGRES_EPOCH_US = 946_684_800_000_000


def psql(database, *arguments, folder):
    """As in the captures: statement by statement, and on after a failure unless told otherwise."""
    return subprocess.run(
        ["psql", "-X", "-q", "-At", "-d", database.server.dsn(database.name), *arguments],
        capture_output=True, text=True, cwd=folder,
        env=clean_environment(PGOPTIONS="-c client_min_messages=warning"))


# ---- what the server says of the same transactions


Change = collections.namedtuple("Change", "xid commit_us prior")  # prior: end of the commit before


def server_changes(database, slot, start, kinds):
    """{(is it a message?, LSN): Change} of what a slot holds of the transactions that end after `start`.

    A message bears the LSN of its end, which is that of the next change.  pgoutput says

        B  final LSN (8 bytes), commit time (8), xid (4)
        I U D T, M with flags (1) 1
        C  flags (1), commit LSN (8), end LSN (8), commit time (8)

    and, wherever it likes, M with flags 0: a message that belongs to no transaction.
    """
    changes, prior, xid, commit_us, lsns = {}, None, None, None, []
    messages = ", 'messages', 'true'" if database.server.version >= 14 else ""
    for lsn, data in database.rows(
            "SELECT lsn - '0/0', encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes("
            f"'{slot}', NULL, NULL, 'proto_version', '1', 'publication_names', '{database.name}'{messages})"):
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


def stream_problems(sources, changes):
    """txId, lsn, sequence and times of streamed records against the server's account."""
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
    return found + [f"the change at LSN {lsn} made no record" for _, lsn in sorted(set(changes) - told)]


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


# ---- one scenario


class Scenario:
    def __init__(self, name):
        self.folder = CASES / name
        self.case = json.loads((self.folder / "case.json").read_text())
        self.expected = [json.loads(line) for line in (self.folder / "expected.jsonl").open()]

    def set_up(self, database):
        done = psql(database, "-v", "ON_ERROR_STOP=1", "-f", "setup.sql", folder=self.folder)
        assert done.returncode == 0, done.stderr
        root = self.case.get("publish_via_partition_root", False)
        database.execute("CREATE TABLE public.zz_done (id int PRIMARY KEY)")
        database.execute(f'CREATE PUBLICATION "{database.name}" FOR ALL TABLES '
                         f"WITH (publish_via_partition_root = {str(root).lower()})")

    def change(self, database):
        psql(database, "-f", "stream.sql", folder=self.folder)
        database.execute("INSERT INTO public.zz_done VALUES (1)")

    def differences(self, records, database):
        expected = self.expected
        if database.server.version < 14:  # whose pgoutput does not publish messages
            expected = [r for r in expected if r["topic"] != "message"]
        return compare(expected, [record(r, database.prefix, self.case) for r in records])


def as_raw(r):
    def text(data):
        return None if data is None else data.decode()

    return {"topic": r.topic, "key": text(r.key), "value": text(r.value),
            "headers": [[name, text(value)] for name, value in r.headers]}


def sources_of(records, prefix):
    """(topic and offset, source block, operation) of every record that has a value."""
    values = [(r, json.loads(r.value)) for r in records if r.value is not None]
    return [(f"{r.topic.removeprefix(prefix + '.')} offset {r.offset}", value["source"], value["op"])
            for r, value in values]


def stream_start(run):
    """The LSN from which the relay streams, once it does."""
    run.wait_for_log(" streaming ")
    high, low = re.search(r" streaming .* lsn=([0-9A-F]+)/([0-9A-F]+)", run.stderr()).groups()
    return int(high, 16) << 32 | int(low, 16)


def test_every_difference_has_its_reason():
    reasons = set(re.findall(r"^\| ([a-z-]+) \|", DIFFERENCES.read_text(), re.M)) - {"id"}
    used = {difference for name in SCENARIOS for r in Scenario(name).expected
            for difference in r.get("differs", [])}
    assert used and used <= reasons


@pytest.mark.parametrize("name", SCENARIOS)
def test_same_records_as_the_reference(name, database, relay, reader):
    scenario = Scenario(name)
    if database.server.version < scenario.case.get("server", 13):
        pytest.skip("the SQL is of a later PostgreSQL")
    scenario.set_up(database)
    witness = f"{database.name}_witness"
    database.execute(f"SELECT pg_create_logical_replication_slot('{witness}', 'pgoutput')")
    truncates = scenario.case["truncates"]
    run = relay({"publication.create": "no", "snapshot.workers": 1, "topics.truncates": truncates})
    run.start()
    start = stream_start(run)
    scenario.change(database)
    done = f"{database.prefix}.public.zz_done"
    run.wait_for(lambda: any(r.topic == done for r in reader.advance()), 60, "the end mark")
    assert run.terminate() == 0

    records = sorted(reader.advance(), key=lambda r: (r.topic, r.partition, r.offset))
    sources = sources_of(records, database.prefix)
    changes = server_changes(database, witness, start, "IUDTM" if truncates else "IUDM")
    problems = [
        *scenario.differences([as_raw(r) for r in records], database),
        *snapshot_problems([(where, source) for where, source, op in sources if op == "r"], start),
        *stream_problems([source for source in sources if source[2] != "r"], changes)]
    assert not problems, f"{len(problems)} differences:\n" + "\n".join(problems)
