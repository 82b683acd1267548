"""Records as they stand in a topic -> (schema text or None, payload as a JSON text), for each encoding.

    json         the text itself
    json-schema  {"schema":S,"payload":P} -> S, P
    avro         byte 0, schema id (4 bytes), body -> the registry's text of that id, the body as the
                 JSON text that it would be without a schema
"""
import base64
import io
import json
import struct

import fastavro


def _json(data, _):
    return None, data.decode()


def _json_schema(data, _):
    text = data.decode()
    head, middle = '{"schema":', ',"payload":'
    _, end = json.JSONDecoder().raw_decode(text, len(head))
    if not text.startswith(head) or not text.startswith(middle, end) or not text.endswith("}"):
        raise ValueError(f"no schema and payload: {text[:200]}")
    return text[len(head):end], text[end + len(middle):-1]


def _avro(data, registry):
    magic, number = struct.unpack_from(">BI", data)
    if magic != 0:
        raise ValueError(f"a record begins with {magic}, not with 0")
    text = registry.text(number)
    return text, avro_payload(text, data[5:])


READERS = {"json": _json, "json-schema": _json_schema, "avro": _avro}


def read(encoding, data, registry):
    return (None, None) if data is None else READERS[encoding](data, registry)


# ---- avro


def without_logical_types(schema):
    """So that fastavro hands out what the bytes say: numbers and bytes."""
    if isinstance(schema, dict):
        return {k: without_logical_types(v) for k, v in schema.items() if k != "logicalType"}
    if isinstance(schema, list):
        return [without_logical_types(branch) for branch in schema]
    return schema


def _jsonable(value, depth=0):
    """Members of a column's value by name: maps have no order, and that of structs is the schema's."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        members = value.items() if depth < 2 else sorted(value.items())
        return {k: _jsonable(v, depth + 1) for k, v in members}
    if isinstance(value, list):
        return [_jsonable(item, depth + 1) for item in value]
    return value


def avro_payload(schema_text, body):
    schema = fastavro.parse_schema(without_logical_types(json.loads(schema_text)))
    stream = io.BytesIO(body)
    value = fastavro.schemaless_reader(stream, schema, None)
    if stream.tell() != len(body):
        raise ValueError(f"{len(body) - stream.tell()} bytes after the end of the record")
    return json.dumps(_jsonable(value), ensure_ascii=False, separators=(",", ":"))
