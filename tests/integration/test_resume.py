"""Where the relay goes on: right there, neither before nor behind; and not at all once it was told to end."""
import base64
import json
import signal

import psycopg

from ledger import fill, wait_for_numbers, write
from servers import read_topics, wait_until


def messages(records):
    values = [json.loads(r.value) for r in records if r.value is not None]
    return [base64.b64decode(v["message"]["content"]).decode() for v in values if v["op"] == "m"]


def test_message_right_behind_the_position(database, relay, reader):
    """A message outside any transaction whose record begins where the stream does."""
    fill(database, 1)
    database.execute("CREATE PUBLICATION everything FOR TABLE item")
    database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
    with psycopg.connect(**database.server.conninfo(database.name), autocommit=True) as session:
        end = None
        for attempt in range(20):  # until nobody else's record comes between the two
            session.execute(f"INSERT INTO item VALUES ({attempt + 100}, 'x')")
            end = session.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]
            session.execute(f"SELECT pg_logical_emit_message(false, 'p', 'number {attempt}')")
            moved = session.execute("SELECT end_lsn FROM pg_replication_slot_advance(%s, %s)",
                                    (database.slot, end)).fetchone()[0]
            if moved == end:
                break
        assert moved == end
    run = relay({"publication.name": "everything", "publication.create": "no", "slot.adopt": True})
    run.start()
    write(database, 2)
    wait_for_numbers(run, reader.advance, [2])
    assert messages(reader.records) == [f"number {attempt}"]
    for _ in range(2):  # and once it is behind us it does not come again
        assert run.terminate() == 0
        run.start()
        run.wait_for_log("session_started")
    write(database, 3)
    wait_for_numbers(run, reader.advance, [3])
    assert messages(reader.records) == [f"number {attempt}"]


def test_terminated_while_nothing_works(database, relay, reader, kafka):
    """Told to end, it is waiting for a commit; then the other link breaks too: it ends nevertheless."""
    fill(database, 1)
    database.execute(f"ALTER DATABASE \"{database.name}\" SET wal_sender_timeout = '1s'")
    run = relay({"drain_timeout": "120s", "retry.give_up": "0s"})
    run.start()
    wait_for_numbers(run, reader.advance, [1])
    kafka.process.signal(signal.SIGSTOP)
    try:
        write(database, 2)
        wait_until(lambda: confirmed_behind(database), 30, "the row to be read")
        run.process.signal(signal.SIGTERM)
        database.server.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots "
                                f"WHERE slot_name = '{database.slot}'")
        assert run.wait(60) == 5, run.stderr_tail()
    finally:
        kafka.process.signal(signal.SIGCONT)
    run.start()
    # A consumer's connection may stay dead after such a pause: a new one.
    wait_for_numbers(run, lambda: read_topics(kafka.bootstrap, f"{database.prefix}."), [1, 2])


def confirmed_behind(database):
    """The row was sent, and a status update has said that we took it."""
    return database.rows("SELECT 1 FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid "
                         f"WHERE s.slot_name = '{database.slot}' AND r.write_lsn > r.flush_lsn")


ROWS = 150_000


def fill_many(database):
    fill(database)
    database.execute(f"INSERT INTO item SELECT g, repeat('x', 100) FROM generate_series(1, {ROWS}) g")


def cut(database, kind):
    """Ends the relay's connections of that kind ("walsender", "client backend")."""
    database.server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                            f"backend_type = '{kind}' AND application_name = 'millrace {database.slot}'")


def test_finished_snapshot_is_not_read_again(database, relay, reader):
    """The connection that is to stream has died while the tables were read: that costs a session."""
    fill_many(database)
    run = relay()
    run.start()
    run.wait_for_log("snapshot_started")
    cut(database, "walsender")
    assert "snapshot_done" not in run.stderr(), "too late"
    run.wait_for_log("session_lost")
    run.wait_for_log(" streaming ")
    assert run.stderr().count("snapshot_started") == 1
    write(database, ROWS + 1)
    wait_for_numbers(run, reader.advance, [ROWS + 1])
    assert len(reader.records) == ROWS + 1


def test_half_a_snapshot_is_not_all_of_it(database, relays):
    """A sink that keeps no position: after a lost connection the rows come again, rather than not."""
    fill_many(database)
    run = relays({"sink.type": "stdout"})
    run.start()
    run.wait_for(lambda: run.out.stat().st_size > 1_000_000, 30, "some rows")
    cut(database, "client backend")
    assert "snapshot_done" not in run.stderr(), "too late"
    run.wait_for_log(" streaming ")
    seen = {json.loads(line)["value"]["after"]["id"] for line in run.out.read_text().splitlines()}
    assert seen == set(range(1, ROWS + 1))
