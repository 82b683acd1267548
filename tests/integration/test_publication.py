"""A publication that millrace neither makes nor alters: what it publishes comes, as it is."""
import json

from conftest import change


def test_table_without_identity_in_a_publication_that_is_there(database, relay, reader):
    """Its inserts come.  The application's UPDATE fails with us or without us, which is worth a warning."""
    database.execute("CREATE TABLE loose (id int); INSERT INTO loose VALUES (1)")
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR ALL TABLES')
    run = relay({"publication.create": "no"})
    said = run.command("check")
    assert said.returncode == 0 and "warning: no usable replica identity" in said.stdout, said.stdout
    run.start()
    run.wait_for_log(" streaming ")
    database.execute("INSERT INTO loose VALUES (2)")
    run.wait_for(lambda: len(reader.advance()) >= 2, 30, "the insert")
    assert run.terminate() == 0
    topic = f"{database.prefix}.public.loose"
    assert [change(r) for r in reader.advance()] == [
        (topic, None, "r", None, {"id": 1}), (topic, None, "c", None, {"id": 2})]
    warned = [line for line in run.stderr().splitlines() if "no_replica_identity" in line]
    assert len(warned) == 1 and " warn " in warned[0] and "loose" in warned[0]


def test_columns_and_rows_that_are_not_published(database, relay, reader):
    """The snapshot reads what the stream would bring."""
    filtered = database.server.version >= 15  # earlier publications have whole tables only
    database.execute("CREATE TABLE item (id int PRIMARY KEY, kept text, secret text)")
    database.execute("INSERT INTO item VALUES (1, 'a', 'x'), (-1, 'b', 'y')")
    what = "item (id, kept) WHERE (id > 0)" if filtered else "item"
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR TABLE {what}')
    run = relay({"publication.create": "no"})
    run.start()
    run.wait_for_log(" streaming ")
    database.execute("INSERT INTO item VALUES (-2, 'c', 'x'), (2, 'd', 'y')")
    topic = f"{database.prefix}.public.item"

    def rows():
        return [json.loads(r.value)["after"] for r in reader.advance() if r.topic == topic]

    run.wait_for(lambda: any(row["id"] == 2 for row in rows()), 30, "the insert")
    assert run.terminate() == 0
    if filtered:
        assert rows() == [{"id": 1, "kept": "a"}, {"id": 2, "kept": "d"}]
    else:
        assert [row["id"] for row in rows()] == [1, -1, -2, 2]
