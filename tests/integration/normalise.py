"""Volatile parts of records -> stable names, so that what two relays wrote for the same SQL can be compared.

A record is a dict of topic, key, value (JSON texts as they stood in the topic, None for null) and headers
(a list of [name, text]).  Texts are compared as texts: member order, number spelling and escapes count.

What is replaced, and nothing else:

    topic                       without "<prefix>." (of heartbeats: "<prefix>" at the end is "<name>")
    source.name, source.db      "<name>", "<db>"
    source.version              "<version>"
    every ts_ms, ts_us, ts_ns   "<ts_ms>", "<ts_us>", "<ts_ns>" (outside the rows)
    source.lsn, origin_lsn      "<lsn>"
    source.txId                 "<tx>", or null
    source.sequence             "<sequence>"
    source.snapshot of a row    "<mark>" where op is r: it depends on the order of the tables
    a source block that looks like all others by now
                                "<source MARK TABLE>"
    transaction ids             "<tx>": of the transaction block and of the transaction topic
    serverName of a heartbeat   "<name>"
    headers                     __debezium.context.* left out
    columns named as volatile   "<volatile>" where not null; as ignored: left out
"""
import json
import re

STAMPS = ("ts_ms", "ts_us", "ts_ns")
PLACEHOLDERS = {"version": "<version>", "name": "<name>", "ts_ms": "<ts_ms>", "db": "<db>",
                "sequence": "<sequence>", "ts_us": "<ts_us>", "ts_ns": "<ts_ns>", "txId": "<tx>",
                "lsn": "<lsn>", "origin_lsn": "<lsn>"}
USUAL_SOURCE = ["version", "connector", "name", "ts_ms", "snapshot", "db", "sequence", "ts_us", "ts_ns",
                "schema", "table", "txId", "lsn", "xmin", "origin", "origin_lsn"]
MARK = "\x01"
HEARTBEATS = "__debezium-heartbeat"


def _number(text):
    return f"{MARK}{text}{MARK}"


def _load(text):
    """JSON with every number kept as it was spelt."""
    return json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_number)


def _escape(text):
    """Strings as Jackson writes them: surrogates for what lies beyond U+FFFF, upper-case hex."""
    out = []
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    for c in text:
        if c in short:
            out.append(short[c])
        elif ord(c) < 0x20:
            out.append(f"\\u{ord(c):04X}")
        elif ord(c) > 0xFFFF:
            rest = ord(c) - 0x10000
            out.append(f"\\u{0xD800 + (rest >> 10):04X}\\u{0xDC00 + (rest & 0x3FF):04X}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def _dump(value):
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        spelt = re.fullmatch(f"{MARK}(.*){MARK}", value)
        return spelt.group(1) if spelt else _escape(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return "{" + ",".join(_escape(k) + ":" + _dump(v) for k, v in value.items()) + "}"


def _source(block, op):
    block = {k: PLACEHOLDERS.get(k, v) if v is not None else None for k, v in block.items()}
    if op == "r":
        block["snapshot"] = "<mark>"
    usual = {**PLACEHOLDERS, "connector": "postgresql", "xmin": None, "origin": None, "origin_lsn": None}
    if list(block) == USUAL_SOURCE and {**block, **usual} == block:
        return f"<source {block['snapshot']} {block['schema']}.{block['table']}>"
    return block


def _row(row, table, case):
    if row is None:
        return None
    volatile, ignored = case.get("volatile", {}).get(table, []), case.get("ignored", {}).get(table, [])
    return {k: "<volatile>" if k in volatile and v is not None else v
            for k, v in row.items() if k not in ignored}


def _flat_row(row, topic, case):
    row = _row(row, topic, case)
    if row.get("__op") == "r" and "__source_snapshot" in row:
        row["__source_snapshot"] = "<mark>"
    return row


def _event(event, topic, case):
    """A change event or logical message."""
    event["source"] = _source(event["source"], event["op"])
    if event.get("transaction") is not None:
        event["transaction"]["id"] = "<tx>"
    for side in ("before", "after"):
        if side in event:
            event[side] = _row(event[side], topic, case)
    return event


def value(text, topic, case):
    if text is None:
        return None
    told = _load(text)
    if "source" in told:
        told = _event(told, topic, case)
    elif topic == "transaction":
        told["id"] = "<tx>"
    elif not topic.startswith(HEARTBEATS):
        return _dump(_flat_row(told, topic, case))
    return _dump({k: f"<{k}>" if k in STAMPS else v for k, v in told.items()})


def key(text, topic):
    if topic == "transaction":
        return _dump({"id": "<tx>"} | {k: v for k, v in _load(text).items() if k != "id"})
    if topic.startswith(HEARTBEATS):
        return _dump({"serverName": "<name>"} | {k: v for k, v in _load(text).items() if k != "serverName"})
    return text


def short_topic(topic, prefix):
    if topic == f"{HEARTBEATS}.{prefix}":
        return f"{HEARTBEATS}.<name>"
    return topic.removeprefix(prefix + ".")


def record(raw, prefix, case):
    topic = short_topic(raw["topic"], prefix)
    headers = [[k, v] for k, v in raw["headers"] if not k.startswith("__debezium.context.")]
    return {"topic": topic, "key": key(raw["key"], topic), "value": value(raw["value"], topic, case),
            "headers": headers}


def _flat(text, path):
    """(field path, text of its value) of every field of a JSON text."""
    def walk(value, path):
        if isinstance(value, dict) and value:
            for name, item in value.items():
                yield from walk(item, f"{path}.{name}")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for i, item in enumerate(value):
                yield from walk(item, f"{path}[{i}]")
        else:
            yield path, _dump(value)

    if text is None:
        yield path, "no value at all"
    else:
        yield from walk(_load(text), path)


def _field_differences(path, expected, got):
    """The fields in which two JSON texts differ; the texts themselves if only their order does."""
    if expected == got:
        return []
    wanted, seen = dict(_flat(expected, path)), dict(_flat(got, path))
    both = [*wanted, *(name for name in seen if name not in wanted)]
    found = [(name, wanted.get(name, "no such field"), seen.get(name, "no such field"))
             for name in both if wanted.get(name) != seen.get(name)]
    return found or [(path, expected, got)]


def _record_differences(expected, got):
    found = [difference for part in ("key", "value", "key_schema", "value_schema")
             for difference in _field_differences(part, expected.get(part), got.get(part))]
    if expected["headers"] != got["headers"]:
        found.append(("headers", expected["headers"], got["headers"]))
    return found


def compare(expected, got):
    """Differences as texts, none when all is well: topic, offset, field path, expected, got.

    Both are in the order of each topic's partition; topics are compared one by one.
    """
    found = []
    for topic in sorted({r["topic"] for r in [*expected, *got]}):
        wanted = [r for r in expected if r["topic"] == topic]
        seen = [r for r in got if r["topic"] == topic]
        if len(wanted) != len(seen):
            found.append(f"{topic}: expected {len(wanted)} records, got {len(seen)}")
        for offset, (one, other) in enumerate(zip(wanted, seen)):
            for path, text, instead in _record_differences(one, other):
                found.append(f"{topic} offset {offset} {path}:\n  expected {text}\n  got      {instead}")
        found += [f"{topic} offset {i}: missing {wanted[i]}" for i in range(len(seen), len(wanted))]
        found += [f"{topic} offset {i}: not expected {seen[i]}" for i in range(len(wanted), len(seen))]
    return found
