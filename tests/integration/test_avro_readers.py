"""Avro as others read it: fastavro finds in our records what they were made to say.

tests/unit/test_avro_oracle.c makes random records of every type in every mode, with the schemas as a
registry was given them, and writes besides what each must say: worked out from numbers, with nothing
of the writer's.  Values that fastavro gives a Python type (avro.types: standard) are compared with
the text that SQL shows.
"""

import datetime
import decimal
import io
import json
import os
import struct
import subprocess
import uuid

import fastavro
import pytest

HEAD_BYTES = 5
EPOCH = datetime.datetime(1970, 1, 1)


@pytest.fixture(scope="module")
def runs(millrace, tmp_path_factory):
    """{variant: (schemas, records)}"""
    path = tmp_path_factory.mktemp("avro") / "records.jsonl"
    program = millrace.parents[1] / "tests/unit/test_avro_oracle"
    done = subprocess.run([program], env=dict(os.environ, MILLRACE_ORACLE_DUMP=str(path)),
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {}
    with path.open(encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if "variant" in line:
                records = []
                found[line["variant"]] = (line, records)
            else:
                records.append(line)
    return found


def parsed(schema):
    """As Avro's specification has it: a logical type that is none, such as a decimal of negative scale
    (numeric(5,-2) as connect maps it), is left aside.  fastavro refuses the schema instead."""

    def legal(node):
        if isinstance(node, list):
            return [legal(item) for item in node]
        if not isinstance(node, dict):
            return node
        scale = node.get("scale")
        ignored = ["logicalType"] if isinstance(scale, int) and not 0 <= scale <= node["precision"] else []
        return {name: legal(item) for name, item in node.items() if name not in ignored}

    return fastavro.parse_schema(legal(schema))


def read(schema, hexadecimal):
    """One record in Confluent's frame, all of it."""
    stream = io.BytesIO(bytes.fromhex(hexadecimal))
    assert stream.read(HEAD_BYTES)[0] == 0
    value = fastavro.schemaless_reader(stream, schema)
    assert stream.read() == b""
    return value


def moment_us(moment):
    return (moment - EPOCH) // datetime.timedelta(microseconds=1)


def plain(value, expected):
    """A value of fastavro's as the tree has it; what it has a Python type for by its number."""
    if isinstance(value, dict):
        assert isinstance(expected, dict) and value.keys() == expected.keys()
        return {name: plain(value[name], expected[name]) for name in value}
    if isinstance(value, list):
        assert isinstance(expected, list) and len(value) == len(expected)
        return [plain(*pair) for pair in zip(value, expected)]
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, decimal.Decimal):
        unscaled = int(value.scaleb(-value.as_tuple().exponent))
        return {"hex": unscaled.to_bytes(unscaled_length(unscaled), "big", signed=True).hex()}
    if isinstance(value, datetime.datetime):
        return moment_us(value.replace(tzinfo=None)) // (1 if moment_in_us(value, expected) else 1000)
    if isinstance(value, datetime.date):
        return (value - EPOCH.date()).days
    if isinstance(value, datetime.time):
        us = ((value.hour * 60 + value.minute) * 60 + value.second) * 1000000 + value.microsecond
        return us if us == expected else us // 1000
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, float):
        return same_float(value, expected)
    return value


def moment_in_us(value, expected):
    return moment_us(value.replace(tzinfo=None)) == expected


def unscaled_length(number):
    return ((number if number >= 0 else ~number).bit_length() + 8) // 8


def same_float(value, expected):
    """What is expected, if it is the same number in this width."""
    wanted = float(expected)
    bits = struct.pack("<d", value)
    narrow = struct.pack("<f", wanted) if abs(wanted) < 3.5e38 or wanted in (float("inf"), float("-inf")) else b""
    same = bits == struct.pack("<d", wanted) or (value != value and wanted != wanted)
    same = same or (narrow and bits == struct.pack("<d", struct.unpack("<f", narrow)[0]))
    return expected if same else value


VARIANTS = ["connect", "texts", "nanoseconds", "milliseconds", "microseconds", "microclock", "standard",
            "standard-texts"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_fastavro_finds_what_was_written(runs, variant):
    with decimal.localcontext(decimal.Context(prec=200)):
        schemas, records = runs[variant]
        key_schema, value_schema = parsed(schemas["key_schema"]), parsed(schemas["value_schema"])
        assert len(records) >= 100
        for record in records:
            key = read(key_schema, record["key"])
            value = read(value_schema, record["value"])
            assert plain(key, record["key_tree"]) == record["key_tree"]
            assert plain(value, record["tree"]) == record["tree"]


def as_sql(name, value):
    """What SQL shows of a value of one of Avro's logical types; None: it is of none."""
    if isinstance(value, decimal.Decimal):
        return value
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else None


def from_sql(value, text):
    if isinstance(value, decimal.Decimal):
        return decimal.Decimal(text.replace("$", "").replace(",", ""))
    if isinstance(value, datetime.datetime):
        whole, _, fraction = text.removesuffix("+00").partition(".")
        return (datetime.datetime.strptime(whole.rjust(19, "0"), "%Y-%m-%d %H:%M:%S") +
                datetime.timedelta(microseconds=int(fraction.ljust(6, "0") or 0)))
    if isinstance(value, datetime.time):
        return datetime.time.fromisoformat(text.ljust(15, "0") if "." in text else text).isoformat()
    return text


def test_standard_types_are_pythons_own(runs):
    """Without a word of Kafka Connect in the schema, and each with the value that SQL shows."""
    kinds = {"n": decimal.Decimal, "nn": decimal.Decimal, "nt": decimal.Decimal, "mo": decimal.Decimal,
             "d": datetime.date, "ti": datetime.time, "t3": datetime.time, "ts": datetime.datetime,
             "ts3": datetime.datetime, "tt": datetime.datetime, "u": uuid.UUID, "un": uuid.UUID,
             "any": str, "iv": str, "tz": str, "bs": str, "j": str}
    seen = set()

    with decimal.localcontext(decimal.Context(prec=200)):
        schemas, records = runs["standard"]
        assert "connect." not in json.dumps(schemas)
        schema = fastavro.parse_schema(schemas["value_schema"])
        for record in records:
            row = read(schema, record["value"])
            row = row["after"] or row["before"]
            for name, text in record["texts"].items():
                value = row[name]
                if name in kinds and value is not None:
                    assert type(value) is kinds[name]
                    seen.add(name)
                shown = as_sql(name, value)
                if shown is not None:
                    assert shown == from_sql(value, text), name
            if isinstance(row["tt"], datetime.datetime):
                assert row["tt"].tzinfo is not None and (row["ts"] is None or row["ts"].tzinfo is None)
    assert seen == kinds.keys()
