"""An independent witness: does the log say exactly what the database did?

Two questions, answered without any code of the relay:

state      replaying the topics gives the tables, byte for byte per column (compare_state)
sequence   the events of the topics are those that test_decoding saw on a slot of its own: none missing,
           none doubled, in order, in the right partition (compare_sequence)

Everything is brought to one canonical text per value: PostgreSQL's own, under UTC and ISO dates.
"""
import base64
import collections
import dataclasses
import json
import re
from datetime import datetime, timezone

UNAVAILABLE = "millrace.unavailable"
UNCHANGED = object()


@dataclasses.dataclass
class Table:
    """A table under test: columns as (name, kind), key columns, partitions of its topic."""

    name: str  # schema.table, without quotes
    columns: list  # of (name, kind); kind: int, text, numeric:<scale>, timestamptz, bytea, bool
    key: list
    full: bool = False


@dataclasses.dataclass
class Change:
    """One change, from either side."""

    op: str  # c u d t
    table: str
    key: str = None  # JSON text, None: no key
    old: dict = None
    new: dict = None


# ---- Kafka's side -------------------------------------------------------------------------------


def timestamptz(text):
    moment = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def from_json(kind, value):
    """The canonical text of a JSON value; None stays None."""
    if value is None:
        return None
    if kind == "int":
        return str(value)
    if kind == "bool":
        return "true" if value else "false"
    if kind.startswith("numeric"):
        scale = int(kind.partition(":")[2])
        number = int.from_bytes(base64.b64decode(value), "big", signed=True)
        digits = str(abs(number)).rjust(scale + 1, "0")
        return ("-" if number < 0 else "") + digits[:-scale] + "." + digits[-scale:]
    if kind == "timestamptz":
        return timestamptz(value)
    if kind == "bytea":
        return "\\x" + base64.b64decode(value).hex()
    return value


def from_postgres(kind, text):
    """The canonical text of what PostgreSQL prints."""
    if text is None or text is UNCHANGED:
        return text
    if kind == "bool":
        return {"t": "true", "f": "false"}.get(text, text)
    if kind == "timestamptz":
        return timestamptz(re.sub(r"([+-]\d\d)$", r"\1:00", text.replace(" ", "T", 1)))
    return text


def row_from_json(table, row):
    if row is None:
        return None
    kinds = dict(table.columns)
    return {name: from_json(kinds[name], value) for name, value in row.items()}


def new_row(table, record, row):
    """With what the record's header says is not in it."""
    unchanged = json.loads(dict(record.headers).get(UNAVAILABLE, "[]"))
    if row is None or not unchanged:
        return row_from_json(table, row)
    return row_from_json(table, row) | {name: UNCHANGED for name in unchanged if name not in row}


def row_from_postgres(table, row):
    if row is None:
        return None
    kinds = dict(table.columns)
    return {name: from_postgres(kinds[name], row.get(name)) for name in kinds}


def change_of(record, tables):
    """A record as a Change; None for a tombstone or a snapshot row."""
    if record.value is None:
        return None
    value = json.loads(record.value)
    if value["op"] == "r":
        return None
    name = value["source"]["schema"] + "." + value["source"]["table"]
    table = tables[name]
    return Change(value["op"], name, record.key.decode() if record.key is not None else None,
                  row_from_json(table, value["before"]), new_row(table, record, value["after"]))


def murmur2(data):
    """Kafka's Java producer: org.apache.kafka.common.utils.Utils.murmur2."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    tail = data[whole:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key, count):
    return (murmur2(key) & 0x7FFFFFFF) % count


# ---- test_decoding's side -----------------------------------------------------------------------

COLUMN = re.compile(r'\s*("(?:[^"]|"")+"|[^\s\[]+)\[([^\]]*(?:\[\])?)\]:')


def parse_tuple(text):
    """id[integer]:1 note[text]:'it''s' ... -> {name: text or None or UNCHANGED}"""
    row, at = {}, 0
    while at < len(text):
        match = COLUMN.match(text, at)
        if match is None:
            raise ValueError(f"test_decoding: cannot read a column at byte {at}")
        name = match.group(1).strip('"').replace('""', '"')
        at = match.end()
        if text[at] == "'":
            end = at + 1
            while True:
                end = text.index("'", end)
                if text[end + 1:end + 2] != "'":
                    break
                end += 2
            row[name], at = text[at + 1:end].replace("''", "'"), end + 1
        else:
            end = text.find(" ", at)
            end = len(text) if end < 0 else end
            word = text[at:end]
            row[name] = None if word == "null" else UNCHANGED if word == "unchanged-toast-datum" else word
            at = end
    return row


def parse_witness(lines):
    """test_decoding's lines -> [(table, action, old, new)], in commit order."""
    seen = []
    for line in lines:
        if line.startswith(("BEGIN", "COMMIT")):
            continue
        match = re.match(r"table (.+?): (INSERT|UPDATE|DELETE|TRUNCATE): ", line)
        names, action = match.group(1).replace('"', ""), match.group(2)
        rest = line[match.end():]
        if action == "TRUNCATE":
            seen += [(name, "t", None, None) for name in names.split(", ")]
        elif action == "INSERT":
            seen.append((names, "c", None, parse_tuple(rest)))
        elif action == "DELETE":
            seen.append((names, "d", parse_tuple(rest), None))
        elif rest.startswith("old-key: "):
            old, _, new = rest[len("old-key: "):].partition(" new-tuple: ")
            # The border may also stand inside a quoted value: try each until both sides read.
            while True:
                try:
                    seen.append((names, "u", parse_tuple(old), parse_tuple(new)))
                    break
                except (ValueError, IndexError):
                    more, border, new = new.partition(" new-tuple: ")
                    if not border:
                        raise
                    old += " new-tuple: " + more
        else:
            seen.append((names, "u", None, parse_tuple(rest)))
    return seen


def key_text(table, row):
    if not table.key:
        return None
    kinds = dict(table.columns)
    return json.dumps({name: int(row[name]) if kinds[name] == "int" else row[name] for name in table.key},
                      ensure_ascii=False, separators=(",", ":"))


def fill_unchanged(old, new):
    """Under FULL the untouched value is known from the old row."""
    return {name: old[name] if value is UNCHANGED else value for name, value in new.items()}


def expected_of(tables, witnessed):
    """What the topics must hold: changes in order, a key change as delete and create."""
    for name, action, old, new in witnessed:
        if name not in tables:
            continue
        table = tables[name]
        new = row_from_postgres(table, new)
        full_old = row_from_postgres(table, old) if table.full else None
        if full_old is not None and new is not None:
            new = fill_unchanged(full_old, new)
        if action == "t":
            yield Change("t", name)
        elif action == "c":
            yield Change("c", name, key_text(table, new), None, new)
        elif action == "d":
            yield Change("d", name, key_text(table, row_from_postgres(table, old)), full_old, None)
        elif old is not None and table.key and any(old.get(k) != new[k] for k in table.key):
            yield Change("d", name, key_text(table, row_from_postgres(table, old)), full_old, None)
            yield Change("c", name, key_text(table, new), None, new)
        else:
            yield Change("u", name, key_text(table, new), full_old, new)


# ---- the two questions --------------------------------------------------------------------------


def same(table, expected, seen):
    if (expected.op, expected.table, expected.key) != (seen.op, seen.table, seen.key):
        return False
    if expected.new != seen.new:
        return False
    # Without FULL a delete's old row is only its key; the rest is filler.
    return not table.full or expected.old == seen.old


def describe(change):
    return f"{change.op} {change.table} key {change.key}" if change else "nothing"


def compare_sequence(tables, topic_of, records, witness_lines, partitions):
    """Problems, each a line; an empty list: the sequences are equal. records: in offset order."""
    wanted = collections.defaultdict(list)
    for change in expected_of(tables, parse_witness(witness_lines)):
        where = 0 if partitions == 1 or change.key is None else partition_of(change.key.encode(), partitions)
        wanted[topic_of(change.table), None if change.key is None else where].append(change)
    seen = collections.defaultdict(list)
    problems = tombstone_problems(records)
    for record in records:
        change = change_of(record, tables)
        if change is not None:
            seen[record.topic, None if change.key is None else record.partition].append(change)
    for place in sorted(set(wanted) | set(seen), key=str):
        problems += first_difference(tables, place, wanted[place], seen[place])
    return problems


def first_difference(tables, place, wanted, seen):
    for i in range(max(len(wanted), len(seen))):
        expected = wanted[i] if i < len(wanted) else None
        got = seen[i] if i < len(seen) else None
        if expected is None or got is None or not same(tables[expected.table], expected, got):
            return [f"{place}: event {i}: expected {describe(expected)}, got {describe(got)} "
                    f"({len(wanted)} expected, {len(seen)} seen)"]
    return []


def tombstone_problems(records):
    """Each keyed delete is followed, in its partition, by the tombstone of its key; and only those."""
    problems, waiting = [], {}
    for record in records:
        place = record.topic, record.partition
        due = waiting.pop(place, None)
        if record.value is None:
            if due != record.key:
                problems.append(f"{place}: offset {record.offset}: a tombstone without its delete")
            continue
        if due is not None:
            problems.append(f"{place}: offset {record.offset}: the delete before it has no tombstone")
        if record.key is not None and json.loads(record.value).get("op") == "d":
            waiting[place] = record.key
    return problems + [f"{place}: the last delete has no tombstone" for place in waiting]


def replay(table, records):
    """The rows that a follower of the topic holds: {key: row}, or a Counter of rows without a key."""
    keyed, loose = {}, collections.Counter()

    def identity(row):
        return json.dumps(row, sort_keys=True, ensure_ascii=False)

    for record in records:
        if record.value is None:
            keyed.pop(record.key, None)
            continue
        value = json.loads(record.value)
        before, after = row_from_json(table, value["before"]), new_row(table, record, value["after"])
        if value["op"] == "t":
            keyed.clear()
            loose.clear()
        elif record.key is None:
            if before is not None:
                loose[identity(before)] -= 1
            if after is not None:
                loose[identity(after)] += 1
        elif after is None:
            keyed.pop(record.key, None)
        else:
            known = keyed.get(record.key, {})
            keyed[record.key] = {k: known.get(k) if v is UNCHANGED else v for k, v in after.items()}
    return keyed if table.key else +loose


def compare_state(table, records, rows):
    """Problems; rows: what the table holds, as dictionaries of PostgreSQL's text."""
    rows = [row_from_postgres(table, row) for row in rows]
    rebuilt = replay(table, records)
    if not table.key:
        wanted = collections.Counter(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows)
        return [] if wanted == rebuilt else [
            f"{table.name}: {sum((wanted - rebuilt).values())} rows missing, "
            f"{sum((rebuilt - wanted).values())} rows too many"]
    wanted = {key_text(table, row).encode(): row for row in rows}
    problems = [f"{table.name}: row {key.decode()} is missing" for key in wanted.keys() - rebuilt.keys()]
    problems += [f"{table.name}: row {key.decode()} is a phantom" for key in rebuilt.keys() - wanted.keys()]
    for key in wanted.keys() & rebuilt.keys():
        problems += [f"{table.name}: row {key.decode()}: column {name} differs"
                     for name in wanted[key] if wanted[key][name] != rebuilt[key].get(name)]
    return problems
