"""ledger - rows with numbers, and which of the numbers have arrived: each once, or the test fails.

    fill(database, 1, 2, 3)                     table item (id, note) with these rows
    write(database, 4)                          one more transaction
    assert_once(run, reader.advance, [1, 2, 3, 4])      all arrive, the relay ends well, none twice
    assert_refused(run, 25, "publication", "does not exist")    it ends by itself and says why
"""
import collections
import json
import subprocess

FAILED = (" error failed ", "millrace: ")  # what begins the line that tells the reason


def fill(database, *ids, table="item"):
    database.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, note text)")
    write(database, *ids, table=table)


def write(database, *ids, table="item"):
    if ids:
        database.execute(f"INSERT INTO {table} VALUES " + ", ".join(f"({i}, 'note {i}')" for i in ids))


def write_each(database, ids):
    """A transaction for each."""
    with database.connect(autocommit=True) as c:
        for i in ids:
            c.execute("INSERT INTO item VALUES (%s, 'x')", [i])


def numbers(records, table=None):
    """The id of every row that was read or inserted, in the order of the records."""
    return [value["after"]["id"] for value in map(decoded, records)
            if value and value["op"] in "rc" and table in (None, value["source"]["table"])]


def decoded(record):
    if isinstance(record, dict):  # a line of `millrace log cat`, or of the stdout sink
        return record["value"]
    return json.loads(record.value) if record.value is not None else None


def wait_for_numbers(run, read, ids, deadline_s=60, table=None):
    wanted = set(ids)
    run.wait_for(lambda: wanted <= set(numbers(read(), table)), deadline_s, f"rows {sorted(wanted)[:9]}...")


def assert_once(run, read, ids, deadline_s=60, table=None):
    """All arrive; the relay is asked to end and does; nothing is there twice, nothing besides."""
    if not run.running():
        run.start()
    wait_for_numbers(run, read, ids, deadline_s, table)
    assert run.terminate() == 0, run.stderr_tail()
    counted = collections.Counter(numbers(read(), table))
    assert counted == collections.Counter(list(ids)), counted - collections.Counter(list(ids))


def assert_refused(run, code, *words, deadline_s=60):
    """The relay ends by itself with the exit code; its last words, one line, hold these."""
    if not run.running():
        run.start()
    assert_ended(run, code, *words, deadline_s=deadline_s)


def assert_ended(run, code, *words, deadline_s=60):
    assert run.wait(deadline_s) == code, run.stderr_tail()
    lines = [line for line in run.stderr().splitlines() if any(sign in line for sign in FAILED)]
    assert len(lines) == 1, run.stderr_tail()
    for word in words:
        assert word in lines[0], f"no {word!r} in: {lines[0]}"


def log_records(program, folder):
    """A function that reads the event log from its beginning."""
    def read():
        done = subprocess.run([program, "log", "cat", folder], capture_output=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return read


def positions(kafka, name):
    """Every record of a relay's position topic."""
    from servers import read_topics

    return read_topics(kafka.bootstrap, f"__millrace.{name}.position")


def put_position(kafka, name, value):
    """Writes a position as if the relay had; None forgets it, as an operator would."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    producer.produce(f"__millrace.{name}.position", key=name, value=value)
    assert producer.flush(30) == 0


def drop_slot(database):
    database.server.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")


def cut_connection(database):
    """Ends the relay's walsender and waits until the slot is free."""
    slot = f"FROM pg_replication_slots WHERE slot_name = '{database.slot}' AND active"
    database.server.execute(f"SELECT pg_terminate_backend(active_pid) {slot}")
    database.server.execute("DO $$ BEGIN FOR i IN 1..500 LOOP "
                            f"EXIT WHEN NOT EXISTS (SELECT {slot}); PERFORM pg_sleep(0.02); END LOOP; END $$")
