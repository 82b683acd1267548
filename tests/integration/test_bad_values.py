"""Values, names and tables that a record, Avro or Kafka has no room for: the relay stops and says where,
or does what the option says and counts."""
import pytest

from conftest import change
from ledger import assert_ended, assert_once, assert_refused, fill
from schema_registry import SchemaRegistry

CONFIG, DATA = 2, 3

BAD = "no vector at all"

# By its name pgvector's, by its values not: what a parser of ours is not prepared for.
VECTOR = """CREATE TYPE vector;
    CREATE FUNCTION vector_in(cstring) RETURNS vector LANGUAGE internal IMMUTABLE STRICT AS 'textin';
    CREATE FUNCTION vector_out(vector) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
    CREATE TYPE vector (INPUT = vector_in, OUTPUT = vector_out, LIKE = text)"""


def test_value_that_cannot_be_read(database, relay, reader):
    """Stops by default; as text when that is wanted, and the log tells how many and where."""
    database.execute(f"{VECTOR}; CREATE TABLE item (id int PRIMARY KEY, at vector)")
    run = relay()
    run.start()
    run.wait_for_log("streaming")
    database.execute(f"INSERT INTO item VALUES (1, '{BAD}')")
    assert_ended(run, DATA, "table public.item, column at: cannot read its value of type vector", "LSN ")
    assert BAD not in run.stderr()
    assert reader.advance() == []
    run.config["types.on_bad_value"] = "text"
    run.start()
    run.wait_for(lambda: len(reader.advance()) == 1, 60, "the row")
    run.wait_for_log('bad_values_sent_as_text count=1 last="public.item.at"')
    for i, value in ((2, BAD), (3, "[1,2]"), (4, BAD)):
        database.execute(f"INSERT INTO item VALUES ({i}, '{value}')")
    run.wait_for(lambda: len(reader.advance()) == 4, 60, "all rows")
    assert run.terminate() == 0
    assert run.stderr().count("bad_values_sent_as_text") == 2  # not for each; at the end at the latest
    assert 'bad_values_sent_as_text count=3 last="public.item.at"' in run.stderr()
    assert [change(r)[4]["at"] for r in reader.advance()] == [BAD, BAD, [1, 2], BAD]
    assert BAD not in run.stderr()


def test_two_tables_of_one_topic(database, relay, reader):
    """Not told so: stopped, and nothing of the second one is written.  Told so: both go there."""
    fill(database, 1, table='"a b"')
    fill(database, 2, table='"a_b"')
    run = relay()
    assert_refused(run, CONFIG, "a b", "a_b", f"{database.prefix}.public.a_b", "topics.route")
    run.config["topics.route"] = [f"{database.prefix}\\.public\\.a.b=>{database.prefix}.both"]
    assert_once(run, reader.advance, [1, 2])
    assert {r.topic for r in reader.advance()} == {f"{database.prefix}.both"}


def test_name_that_kafka_refuses(database, relay, reader):
    """Prefix, schema and table always fit into Kafka's 249 characters; where topics.route leads may not."""
    fill(database, 1)
    run = relay({"topics.route": [f".*item=>{database.prefix}.{'x' * 240}"]})
    assert_refused(run, CONFIG, "topics.route", f"topic {database.prefix}.public.item", "more than 249 characters")
    run.config["topics.route"] = [f".*item=>{database.prefix}.a/b"]
    assert_once(run, reader.advance, [1])
    assert {r.topic for r in reader.advance()} == {f"{database.prefix}.a_b"}


def test_names_that_avro_refuses(database, relay, reader):
    """Written in Avro's letters; two that then are the same stop the relay."""
    registry = SchemaRegistry()
    try:
        database.execute('CREATE TABLE "1-t" (id int PRIMARY KEY, "a-b" int, "2" int)')
        database.execute('INSERT INTO "1-t" VALUES (1, 2, 3)')
        run = relay({"encoding": "avro", "schema_registry.url": registry.url})
        run.start()
        run.wait_for(lambda: reader.advance(), 60, "the row")
        assert run.terminate() == 0
        text = registry.text(registry.versions(f"{database.prefix}.public.1-t-value")[0])
        assert '"name":"a_b"' in text and '"name":"_2"' in text and "1-t" not in text.replace(
            f"{database.prefix}.public.1-t", "")
        database.execute('ALTER TABLE "1-t" ADD "a+b" int; INSERT INTO "1-t" VALUES (2, 3, 4, 5)')
        assert_refused(run, CONFIG, "table public.1-t", "two columns come to the same name a_b", "rename")
        run.config["names.adjust"] = "avro_unicode"
        run.start()
        run.wait_for(lambda: len(reader.advance()) == 2, 60, "the second row")
        assert run.terminate() == 0
    finally:
        registry.close()


@pytest.mark.parametrize("declaration, type_name, value, way_out, sent", [
    ("numeric", "numeric", "NaN", {"types.decimal": "string"}, b'"v":"NaN"'),
    ("timestamp", "timestamp", "294276-12-31 23:59:59", {"types.time": "isostring"}, b'"v":"+294276-12-31T23:59:59Z"'),
    ("int[]", "_int4", "{{1,2},{3,4}}", {"encoding": "json"}, b'"v":[[1,2],[3,4]]'),
    ("varbit(1)", "varbit", "", {"columns.exclude": [r"public\.item\.v"]}, b'"after":{"id":1}'),
    ("numeric(9,2)", "numeric", "NaN", {"compatibility": "debezium-3"}, b'"v":null')])
def test_value_that_a_schema_has_no_form_for(declaration, type_name, value, way_out, sent, database, relay, reader):
    """Stops, and goes on by what the message says, or as Debezium does."""
    database.execute(f"CREATE TABLE item (id int PRIMARY KEY, v {declaration})")
    run = relay({"encoding": "json-schema"})
    run.start()
    run.wait_for_log("streaming")
    database.execute(f"INSERT INTO item VALUES (1, '{value}')")
    assert_ended(run, DATA, "table public.item, column v: with encoding json-schema the schema of type "
                 f"{type_name} (oid ", "has no form for the value at LSN ", "types.decimal: string",
                 "types.time: isostring", "columns.exclude", "encoding json")
    assert value == "" or value not in run.stderr()
    assert reader.advance() == []
    run.config |= way_out
    run.start()
    run.wait_for(lambda: len(reader.advance()) == 1, 60, "the row")
    assert run.terminate() == 0
    assert sent in reader.records[0].value, reader.records[0].value
