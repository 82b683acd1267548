"""The whole path once: the rows that are there, then every change, in order; nothing twice."""

import json
import subprocess

import pytest

from conftest import change

pytestmark = pytest.mark.smoke


def fill(database):
    database.execute("CREATE TABLE fruit (id int PRIMARY KEY, name text)")
    database.execute("INSERT INTO fruit VALUES (1, 'apple'), (2, 'pear'), (3, NULL)")


def write_changes(database):
    for sql in ("INSERT INTO fruit VALUES (4, 'quince')", "UPDATE fruit SET name = 'fig' WHERE id = 3",
                "DELETE FROM fruit WHERE id = 1"):
        database.execute(sql)


def expected_changes(topic):
    """Default replica identity: an update has no before, a delete has the key alone."""
    return [
        (topic, {"id": 4}, "c", None, {"id": 4, "name": "quince"}),
        (topic, {"id": 3}, "u", None, {"id": 3, "name": "fig"}),
        (topic, {"id": 1}, "d", {"id": 1, "name": None}, None),
        (topic, {"id": 1}, None, None, None)]


def test_snapshot_then_changes_arrive_in_order(database, relay, reader):
    fill(database)
    run = relay()
    run.start()
    run.wait_for(lambda: len(reader.advance()) >= 3, 30, "the snapshot")
    write_changes(database)
    run.wait_for(lambda: len(reader.advance()) >= 7, 30, "the changes")

    seen = [change(r) for r in reader.records]
    topic = f"{database.prefix}.public.fruit"
    names = {1: "apple", 2: "pear", 3: None}
    assert sorted(seen[:3], key=str) == [
        (topic, {"id": i}, "r", None, {"id": i, "name": names[i]}) for i in names]
    assert seen[3:] == expected_changes(topic)
    assert run.terminate() == 0


def test_nothing_comes_twice_after_sigterm_and_after_sigkill(database, relay, reader):
    fill(database)
    run = relay()
    run.start()
    run.wait_for(lambda: len(reader.advance()) >= 3, 30, "the snapshot")
    assert run.terminate() == 0
    database.execute("INSERT INTO fruit VALUES (5, 'plum')")
    run.start()
    run.wait_for(lambda: len(reader.advance()) >= 4, 30, "what was written meanwhile")
    run.kill9()
    write_changes(database)
    run.start()
    run.wait_for(lambda: len(reader.advance()) >= 8, 30, "the changes")
    assert run.terminate() == 0

    topic = f"{database.prefix}.public.fruit"
    plum = (topic, {"id": 5}, "c", None, {"id": 5, "name": "plum"})
    assert [change(r) for r in reader.advance()][3:] == [plum, *expected_changes(topic)]


def test_event_log_holds_the_same(database, relay_to_log, millrace, tmp_path):
    def records():
        done = subprocess.run([millrace, "log", "cat", tmp_path / "log"], capture_output=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    fill(database)
    run = relay_to_log()
    run.start()
    run.wait_for(lambda: len(records()) >= 3, 30, "the snapshot")
    write_changes(database)
    run.wait_for(lambda: len(records()) >= 7, 30, "the changes")
    assert run.terminate() == 0

    ops = [r["value"] and r["value"]["op"] for r in records()]
    assert ops == ["r", "r", "r", "c", "u", "d", None]
    assert subprocess.run([millrace, "log", "verify", tmp_path / "log"]).returncode == 0
