"""Flink SQL's `debezium-json`, unchanged, computes over our topics what PostgreSQL computes over the tables.

Flink takes an update back by the content of `before`: tables want REPLICA IDENTITY FULL, without which the
job ends ("The "before" field of UPDATE message is null"), for Debezium's topics as for ours.  It does not
know TRUNCATE (op t) and messages (op m) either; messages have a topic of their own here as there, truncates
are left out by topics.truncates: false, as Debezium leaves them out.
"""
import pytest

from consumers import flink_sql
from orders import streamed

FOR_FLINK = {"types.decimal": "string", "topics.partitions": 3}

AGGREGATES = ("count(*), count(items), sum(amount), sum(items), min(amount), max(id), "
              "sum(CASE WHEN paid THEN 1 ELSE 0 END), sum(weight)")

TABLE = """
CREATE TABLE orders (id INT, region STRING, amount STRING, items INT, weight DOUBLE, paid BOOLEAN, placed STRING,
                     of_table STRING METADATA FROM 'value.source.table' VIRTUAL)
WITH ('connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{bootstrap}',
      'properties.isolation.level' = 'read_committed', 'scan.startup.mode' = 'earliest-offset',
      'scan.bounded.mode' = 'latest-offset', 'value.format' = 'debezium-json',
      'value.debezium-json.schema-include' = '{schema}')"""

QUERY = ("SELECT region, of_table, count(*), count(items), sum(CAST(amount AS DECIMAL(12, 2))), sum(items), "
         "min(CAST(amount AS DECIMAL(12, 2))), max(id), sum(CASE WHEN paid THEN 1 ELSE 0 END), sum(weight) "
         "FROM orders GROUP BY region, of_table")


def of_postgres(database):
    """As FlinkSql.java prints them."""
    rows = database.execute(
        f"COPY (SELECT region, 'orders', {AGGREGATES} FROM orders GROUP BY region) TO STDOUT").split("\n")
    return sorted(rows)


def of_flink(lines):
    """Doubles have their .0 in Java only."""
    return sorted(line.removesuffix(".0") for line in lines)


def of_topic(topic, kafka, encoding):
    return TABLE.format(topic=topic, bootstrap=kafka.bootstrap, schema=str(encoding == "json-schema").lower())


@pytest.mark.parametrize("encoding", ["json", "json-schema"])
def test_aggregates_are_those_of_postgres(encoding, database, relay, kafka, tmp_path):
    topic = streamed(database, relay, "FULL", **FOR_FLINK, encoding=encoding)
    got = of_flink(flink_sql([of_topic(topic, kafka, encoding), QUERY], tmp_path / "flink"))
    assert got == of_postgres(database)
    assert len(got) > 4


def test_flink_wants_the_whole_old_row(database, relay, kafka, tmp_path):
    topic = streamed(database, relay, "DEFAULT", **FOR_FLINK)
    with pytest.raises(AssertionError, match="REPLICA IDENTITY"):
        flink_sql([of_topic(topic, kafka, "json"), QUERY], tmp_path / "flink")
