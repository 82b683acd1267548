"""What can be wrong outside, one by one: the relay says what, where and what to do, ends with the
exit code that means it (relay/exit_code.h), and publishes nothing wrong.  Once the cause is mended, the
same relay goes on, and every row arrives once.
"""
import os
import resource
import signal
import subprocess

import pytest

from conftest import Database
from ledger import (
    assert_ended, assert_once, assert_refused, cut_connection, drop_slot, fill, log_records, numbers,
    positions, put_position, wait_for_numbers, write, write_each)
from servers import Postgres, free_ports, wait_until

FAULT, CONFIG, DATA, FENCED = 1, 2, 3, 4
SLOT_MISSING, SLOT_INVALIDATED, SLOT_FOREIGN, SLOT_AHEAD, SLOT_WITHOUT_POSITION = 20, 21, 22, 23, 24
PUBLICATION_MISSING, OTHER_CLUSTER, POSITION_UNREADABLE = 25, 26, 29

SOON = {"retry.first": "50ms", "retry.most": "100ms", "retry.give_up": "1s"}


@pytest.fixture(scope="module")
def other_server():
    """A second PostgreSQL cluster, whose settings a test may change."""
    server = Postgres(settings={"max_slot_wal_keep_size": "1MB"})
    server.start()
    yield server
    server.close()


@pytest.fixture
def other_database(other_server, database):
    """Of the same name as `database`, in the other cluster."""
    other_server.execute(f'CREATE DATABASE "{database.name}"')
    mine = Database(other_server, database.name)
    yield mine
    mine.drop()


@pytest.fixture
def role(database):
    """A role that may log in, and nothing else."""
    name = f"{database.name}_role"
    database.execute(f'CREATE ROLE "{name}" LOGIN')
    yield name
    database.execute(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')


def started(relay, reader, database, *ids, **config):
    """A relay that has copied the rows `ids` and streams."""
    fill(database, *ids)
    run = relay(config)
    run.start()
    wait_for_numbers(run, reader.advance, ids)
    run.wait_for_log("streaming")
    return run


def stopped(relay, reader, database, *ids, **config):
    run = started(relay, reader, database, *ids, **config)
    assert run.terminate() == 0
    return run


# ---- the configuration


def test_option_misspelt_in_the_file(database, relay, reader):
    fill(database, 1)
    run = relay({"topics.partition": 3})
    assert_refused(run, CONFIG, "millrace.yaml:", "'topics.partition'", "did you mean 'topics.partitions'?")
    del run.config["topics.partition"]
    assert_once(run, reader.advance, [1])


@pytest.mark.parametrize("arguments, words", [
    (["--set", "slot.nam=x"], ["--set", "'slot.nam'", "did you mean 'slot.name'?"]),
    (["--set", "commit.interval=soon"], ["--set", "commit.interval"]),
    (["--set", "commit.interval"], ["--set wants PATH=VALUE"]),
    (["--confg", "x"], ["unknown flag '--confg'", "did you mean '--config'?"])])
def test_option_misspelt_on_the_command_line(database, relay, arguments, words):
    assert_refused(relay(arguments=arguments), CONFIG, *words)


def test_command_misspelt(millrace):
    done = subprocess.run([millrace, "rum"], capture_output=True, text=True)
    assert done.returncode == CONFIG
    assert done.stderr == "millrace: unknown command 'rum': did you mean 'run'?\n"


# ---- PostgreSQL: to be reached, and allowed


def test_postgres_unreachable(database, relay, reader):
    fill(database, 1)
    port = free_ports(1)[0]
    run = relay({**SOON, "source.postgres.port": port})
    assert_refused(run, FAULT, f'port {port} failed: Connection refused: start the server there, or correct '
                   'source.postgres.host', f'database \\"{database.name}\\"')
    assert "?" not in run.stderr()
    assert run.stderr().count("session_lost") > 2
    run.config["source.postgres.port"] = database.server.port
    assert_once(run, reader.advance, [1])


def test_wrong_password(database, role, relay, reader):
    fill(database, 1)
    database.execute(f"""SET password_encryption = 'scram-sha-256'; ALTER ROLE "{role}" REPLICATION PASSWORD 'right';
        GRANT SELECT ON item TO "{role}"; CREATE PUBLICATION "{database.name}" FOR TABLE item""")
    hba = database.server.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n{before}")
    database.execute("SELECT pg_reload_conf()")
    try:
        run = relay({"source.postgres.user": role, "source.postgres.password": "not the secret"})
        assert_refused(run, CONFIG, "password authentication failed", role)
        assert "not the secret" not in run.stderr()
        run.config["source.postgres.password"] = "right"
        assert_once(run, reader.advance, [1])
    finally:
        hba.write_text(before)
        database.execute("SELECT pg_reload_conf()")


def test_role_without_replication(database, role, relay, reader):
    fill(database, 1)
    database.execute(f'GRANT SELECT ON item TO "{role}"; CREATE PUBLICATION "{database.name}" FOR TABLE item')
    run = relay({"source.postgres.user": role, "publication.create": "no"})
    assert_refused(run, CONFIG, role, "ALTER ROLE", "REPLICATION")
    database.execute(f'ALTER ROLE "{role}" REPLICATION')
    assert_once(run, reader.advance, [1])


def test_role_without_select(database, role, relay, reader):
    """LOGIN, REPLICATION and SELECT is all that a role needs when somebody else makes the publication."""
    fill(database, 1)
    database.execute(f"""CREATE SCHEMA shut; CREATE TABLE shut.item (id int PRIMARY KEY);
        INSERT INTO shut.item VALUES (2); ALTER ROLE "{role}" REPLICATION; GRANT SELECT ON item TO "{role}";
        CREATE PUBLICATION "{database.name}" FOR TABLE item, shut.item""")
    run = relay({"source.postgres.user": role, "publication.create": "no"})
    assert_refused(run, CONFIG, "shut", "item", "GRANT SELECT ON", "GRANT USAGE ON SCHEMA")
    assert numbers(reader.advance()) == []
    database.execute(f'GRANT USAGE ON SCHEMA shut TO "{role}"; GRANT SELECT ON shut.item TO "{role}"')
    run.start()
    wait_for_numbers(run, reader.advance, [1, 2])
    database.execute("INSERT INTO item VALUES (3); INSERT INTO shut.item VALUES (4)")
    assert_once(run, reader.advance, [1, 2, 3, 4])
    assert run.command("status").returncode == 0
    assert run.command("check").returncode == 0


def test_role_that_may_not_create_the_publication(database, role, relay, reader):
    fill(database, 1)
    database.execute(f'ALTER ROLE "{role}" REPLICATION; GRANT SELECT ON item TO "{role}"')
    run = relay({"source.postgres.user": role})
    assert_refused(run, CONFIG, "creating publication", database.name, "ownership")
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR TABLE item')
    assert_once(run, reader.advance, [1])


@pytest.mark.parametrize("option, value, words", [
    ("source.postgres.database", "not_there", ['database \\"not_there\\" does not exist']),
    ("source.postgres.user", "nobody_here", ['role \\"nobody_here\\" does not exist'])])
def test_database_or_role_missing(option, value, words, database, relay):
    assert_refused(relay({option: value}), CONFIG, *words)


def test_row_level_security_that_would_hide_rows(database, role, relay, reader):
    fill(database, 1)
    database.execute(f"""ALTER ROLE "{role}" REPLICATION; GRANT SELECT ON item TO "{role}";
        ALTER TABLE item ENABLE ROW LEVEL SECURITY; CREATE PUBLICATION "{database.name}" FOR TABLE item""")
    run = relay({"source.postgres.user": role})
    assert_refused(run, CONFIG, "row level security", "item", "BYPASSRLS")
    database.execute(f'ALTER ROLE "{role}" BYPASSRLS')
    assert_once(run, reader.advance, [1])


def test_wal_level_replica(other_database, relay, reader):
    server = other_database.server
    server.settings["wal_level"] = "replica"
    server.restart()
    try:
        fill(other_database, 1)
        run = relay({"source.postgres.port": server.port})
        assert_refused(run, CONFIG, "wal_level is replica", "ALTER SYSTEM SET wal_level = logical")
    finally:
        server.settings["wal_level"] = "logical"
        server.restart()
    assert_once(run, reader.advance, [1])


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_database_that_is_not_utf8(encoding, database, relay, reader):
    name = f"{database.name}_old"
    database.server.execute(f"CREATE DATABASE \"{name}\" ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    try:
        run = relay({"source.postgres.database": name})
        assert_refused(run, CONFIG, name, f"encoding is {encoding}", "UTF8")
    finally:
        database.server.execute(f'DROP DATABASE "{name}"')
    fill(database, 1)
    run.config["source.postgres.database"] = database.name
    assert_once(run, reader.advance, [1])


# ---- publication and tables


def test_publication_missing(database, relay, reader):
    fill(database, 1)
    run = relay({"publication.create": "no"})
    assert_refused(run, PUBLICATION_MISSING, "publication", database.name, "does not exist",
                   "CREATE PUBLICATION", "publication.create")
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR TABLE item')
    assert_once(run, reader.advance, [1])


def test_publication_dropped_while_streaming(database, relay, reader, kafka):
    """What is written without it is not published: only a new snapshot has it."""
    run = started(relay, reader, database, 1)
    database.execute(f'DROP PUBLICATION "{database.name}"')
    write(database, 2)
    assert_ended(run, PUBLICATION_MISSING, "publication", database.name, "snapshot")
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR TABLE item')
    assert_refused(run, PUBLICATION_MISSING, "publication", "does not exist at this place of the log")
    assert numbers(reader.advance()) == [1]
    drop_slot(database)
    put_position(kafka, database.name, None)
    assert_once(run, reader.advance, [1, 1, 2])


def test_publication_dropped_while_down(database, relay, reader):
    run = stopped(relay, reader, database, 1)
    database.execute(f'DROP PUBLICATION "{database.name}"')
    assert_refused(run, PUBLICATION_MISSING, "publication", "is gone from database")


@pytest.mark.parametrize("create", ["no", "filtered"])
def test_table_missing_from_the_publication(create, database, relay, reader):
    fill(database, 1)
    fill(database, 2, table="other")
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR TABLE item')
    run = relay({"publication.create": create, "tables.include": [r"public\.(item|other)"]})
    assert_refused(run, PUBLICATION_MISSING, "does not publish", "other", "ALTER PUBLICATION", "ADD TABLE")
    database.execute(f'ALTER PUBLICATION "{database.name}" ADD TABLE other')
    assert_once(run, reader.advance, [1, 2])


def test_pattern_that_matches_nothing(database, relay, reader):
    fill(database, 1)
    run = relay({"tables.include": ["item"]})
    assert_refused(run, CONFIG, "no table", "tables.include")
    run.config["tables.include"] = [r"public\.item"]
    assert_once(run, reader.advance, [1])


def test_table_without_replica_identity(database, relay, reader):
    """The publication would make the application's own updates fail."""
    database.execute("CREATE TABLE item (id int, note text); INSERT INTO item VALUES (1, 'a')")
    run = relay()
    assert_refused(run, CONFIG, "no usable replica identity", "item", "primary key", "REPLICA IDENTITY FULL")
    database.execute("UPDATE item SET note = 'b'")
    database.execute("ALTER TABLE item REPLICA IDENTITY FULL")
    run.start()
    wait_for_numbers(run, reader.advance, [1])
    database.execute("UPDATE item SET note = 'c'")
    write(database, 2)
    assert_once(run, reader.advance, [1, 2])


# ---- the slot


def test_slot_of_another_plugin(database, relay, reader):
    fill(database, 1)
    database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}', 'test_decoding')")
    run = relay()
    assert_refused(run, SLOT_FOREIGN, database.slot, "test_decoding", "slot.name")
    assert database.rows(f"SELECT plugin FROM pg_replication_slots WHERE slot_name = '{database.slot}'") == [
        ["test_decoding"]]
    drop_slot(database)
    assert_once(run, reader.advance, [1])


def test_slot_that_is_physical(database, relay, reader):
    fill(database, 1)
    database.execute(f"SELECT pg_create_physical_replication_slot('{database.slot}')")
    run = relay()
    assert_refused(run, SLOT_FOREIGN, database.slot, "physical", "slot.name")
    drop_slot(database)
    assert_once(run, reader.advance, [1])


def test_slot_of_another_database(database, relay, reader):
    fill(database, 1)
    database.server.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
    run = relay()
    assert_refused(run, SLOT_FOREIGN, database.slot, "postgres", database.name)
    drop_slot(database)
    assert_once(run, reader.advance, [1])


def test_slot_without_stored_position(database, relay, reader):
    fill(database, 1)
    database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
    run = relay()
    assert_refused(run, SLOT_WITHOUT_POSITION, database.slot, "no position is stored", "slot.adopt")
    drop_slot(database)
    assert_once(run, reader.advance, [1])


def test_slot_in_use_elsewhere(database, relay, reader, tmp_path):
    run = stopped(relay, reader, database, 1)
    write(database, 2)
    reading = subprocess.Popen(
        ["pg_recvlogical", "-d", database.server.dsn(database.name), "-S", database.slot,
         "--start", "-f", os.devnull, "-o", "proto_version=1", "-o", f"publication_names={database.name}",
         "-F", "0"], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: database.rows("SELECT active FROM pg_replication_slots "
                                         f"WHERE slot_name = '{database.slot}'") == [["t"]], 30, "the other reader")
        run.config.update(SOON)
        assert_refused(run, FAULT, database.slot, "in use", "stop the other reader")
    finally:
        reading.kill()
        reading.wait()
        cut_connection(database)
    run.config.update({"retry.give_up": "60s"})
    assert_once(run, reader.advance, [1, 2])


def test_slot_dropped_while_down(database, relay, reader, kafka):
    run = stopped(relay, reader, database, 1)
    drop_slot(database)
    write(database, 2)
    assert_refused(run, SLOT_MISSING, database.slot, "does not exist", "delete the stored position")
    assert numbers(reader.advance()) == [1]
    put_position(kafka, database.name, None)
    assert_once(run, reader.advance, [1, 1, 2])


def test_slot_dropped_while_running(database, relay, reader):
    run = started(relay, reader, database, 1)
    database.execute("SELECT pg_terminate_backend(active_pid), pg_sleep(0.1), pg_drop_replication_slot(slot_name) "
                     f"FROM pg_replication_slots WHERE slot_name = '{database.slot}'")
    write(database, 2)
    assert_ended(run, SLOT_MISSING, database.slot, "does not exist")
    assert numbers(reader.advance()) == [1]


def test_slot_dropped_and_made_again(database, relay, reader, kafka):
    run = stopped(relay, reader, database, 1)
    drop_slot(database)
    write(database, 2)
    database.execute(f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
    write(database, 3)
    assert_refused(run, SLOT_AHEAD, database.slot, "ahead of the stored position", "drop the slot")
    assert numbers(reader.advance()) == [1]
    drop_slot(database)
    put_position(kafka, database.name, None)
    assert_once(run, reader.advance, [1, 1, 2, 3])


def lose_wal(database):
    """The server throws away what the slot still needs."""
    def lost():
        database.execute("SELECT pg_switch_wal()")
        database.execute("CHECKPOINT")
        return database.rows("SELECT wal_status FROM pg_replication_slots "
                             f"WHERE slot_name = '{database.slot}'") == [["lost"]]

    wait_until(lost, 30, "the server to invalidate the slot")


def test_slot_invalidated_while_down(other_database, relay, reader, kafka):
    run = stopped(relay, reader, other_database, 1, **{"source.postgres.port": other_database.server.port})
    write(other_database, 2)
    lose_wal(other_database)
    assert_refused(run, SLOT_INVALIDATED, other_database.slot, "invalidated", "max_slot_wal_keep_size")
    assert numbers(reader.advance()) == [1]
    drop_slot(other_database)
    put_position(kafka, other_database.name, None)
    assert_once(run, reader.advance, [1, 1, 2])


def test_slot_invalidated_while_running(other_database, relay, reader):
    run = started(relay, reader, other_database, 1, **{"source.postgres.port": other_database.server.port})
    run.process.signal(signal.SIGSTOP)
    write(other_database, 2)
    lose_wal(other_database)
    run.process.signal(signal.SIGCONT)
    assert_ended(run, SLOT_INVALIDATED, other_database.slot, "max_slot_wal_keep_size")


# ---- the stored position


def test_position_of_another_cluster(database, other_database, relay, reader):
    run = stopped(relay, reader, database, 1)
    fill(other_database, 7)
    run.config["source.postgres.port"] = other_database.server.port
    assert_refused(run, OTHER_CLUSTER, "system identifier", "another name")
    assert other_database.rows("SELECT FROM pg_replication_slots") == []
    run.config["source.postgres.port"] = database.server.port
    write(database, 2)
    assert_once(run, reader.advance, [1, 2])


def test_position_of_another_database(database, relay, reader):
    run = stopped(relay, reader, database, 1)
    run.config["source.postgres.database"] = "postgres"
    run.config["topics.prefix"] = database.name
    assert_refused(run, OTHER_CLUSTER, "belongs to database", database.name)


@pytest.mark.parametrize("damage, words", [
    (lambda good: good.replace(b"timeline 1", b"timeline 2"), ["damaged"]),
    (lambda good: good[:40], []),
    (lambda good: good.replace(b"millrace-position 1", b"millrace-position 2"), ["version"])])
def test_position_unreadable(damage, words, database, relay, reader, kafka):
    run = stopped(relay, reader, database, 1)
    good = positions(kafka, database.name)[-1].value
    put_position(kafka, database.name, damage(good))
    write(database, 2)
    assert_refused(run, POSITION_UNREADABLE, "position topic", database.name, *words)
    put_position(kafka, database.name, good)
    assert_once(run, reader.advance, [1, 2])


# ---- Kafka


def test_broker_unreachable_at_the_start(database, relay, reader, kafka):
    fill(database, 1)
    port = free_ports(1)[0]
    run = relay({**SOON, "kafka.timeout": "2s", "kafka.bootstrap_servers": f"127.0.0.1:{port}"})
    words = [f"Kafka 127.0.0.1:{port}: ", "Connection refused: start the broker there, or correct "
             "kafka.bootstrap_servers"]
    assert_refused(run, FAULT, *words)
    checked = run.command("check")
    assert checked.returncode == FAULT
    said, = [line for line in checked.stdout.splitlines() if line.startswith("not ok")]
    assert all(word in said for word in words), said
    run.config["kafka.bootstrap_servers"] = "no..host:9092"
    assert_refused(run, FAULT, "no..host:9092", "make that host name known here", "or correct kafka.bootstrap_servers")
    run.config["kafka.bootstrap_servers"] = kafka.bootstrap
    assert_once(run, reader.advance, [1])


def test_broker_that_goes_away_and_comes_back(database, relay, reader, kafka):
    run = started(relay, reader, database, 1)
    kafka.stop()
    write(database, 2)
    write(database, 3)
    kafka.start()
    write(database, 4)
    assert_once(run, reader.advance, [1, 2, 3, 4])


def test_topic_with_another_partition_count(database, relay, reader, kafka):
    fill(database, 1)
    topic = f"{database.prefix}.public.item"
    kafka.create_topic(topic, partitions=3)
    run = relay()
    assert_refused(run, CONFIG, topic, "has 3 partitions, it should have 1")
    run.config["topics.partitions"] = 3
    assert_once(run, reader.advance, [1])


def test_topic_missing_that_is_not_to_be_created(database, relay, reader, kafka):
    fill(database, 1)
    run = relay({"topics.create": False})
    position = f"__millrace.{database.name}.position"
    assert_refused(run, CONFIG, f"topic {position} is missing", "kafka-topics.sh", "--config cleanup.policy=compact")
    kafka.create_topic(position, cleanup_policy="compact")
    topic = f"{database.prefix}.public.item"
    assert_refused(run, CONFIG, f"topic {topic} is missing", "topics.create", "--partitions 1")
    kafka.create_topic(topic)
    assert_once(run, reader.advance, [1])


def test_position_topic_that_would_forget(database, relay, reader, kafka):
    fill(database, 1)
    kafka.create_topic(f"__millrace.{database.name}.position", cleanup_policy="delete")
    assert_refused(relay(), CONFIG, "cleanup.policy=delete", "would forget the position", "kafka-configs.sh")


def test_record_larger_than_the_topic_takes(database, relay, reader, kafka):
    topic = f"{database.prefix}.public.item"
    kafka.create_topic(topic, max_message_bytes=20000)
    run = started(relay, reader, database, 1)
    database.execute("INSERT INTO item SELECT 2, string_agg(md5(g::text), '') FROM generate_series(1, 2000) g")
    write(database, 3)
    assert_ended(run, CONFIG, topic, "max.message.bytes")
    assert numbers(reader.advance()) == [1]
    set_topic(kafka, topic, "max.message.bytes", "1000000")
    assert_once(run, reader.advance, [1, 2, 3])


def set_topic(kafka, topic, name, value):
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin = kafka.admin()  # a future of the call is lost when the client goes
    admin.incremental_alter_configs([resource])[resource].result(30)


def test_record_larger_than_message_max(database, relay, reader):
    run = started(relay, reader, database, 1, **{"kafka.message_max": "20KiB"})
    database.execute("INSERT INTO item VALUES (2, repeat('x', 50000))")
    write(database, 3)
    assert_ended(run, CONFIG, "public.item", "kafka.message_max", "20480")
    assert numbers(reader.advance()) == [1]
    run.config["kafka.message_max"] = "1MiB"
    assert_once(run, reader.advance, [1, 2, 3])


def test_record_larger_than_limits_record(database, relay, reader):
    run = started(relay, reader, database, 1, **{"limits.record": "20KiB"})
    database.execute("INSERT INTO item VALUES (2, repeat('x', 50000))")
    assert_ended(run, CONFIG, "public.item", "limits.record")
    del run.config["limits.record"]
    assert_once(run, reader.advance, [1, 2])


def test_position_topic_deleted(database, relay, reader, kafka):
    """Nobody can tell any more what was published: it does not guess."""
    run = stopped(relay, reader, database, 1)
    delete_topic(kafka, f"__millrace.{database.name}.position")
    assert_refused(run, SLOT_WITHOUT_POSITION, database.slot, "no position is stored")


def delete_topic(kafka, topic):
    admin = kafka.admin()
    admin.delete_topics([topic])[topic].result(30)
    wait_until(lambda: kafka.topics(topic) == {}, 30, f"topic {topic} to be gone")


# ---- the disk under the event log


@pytest.fixture
def small_disk(tmp_path):
    """A folder in a file system of 4 MiB; where none can be mounted, None."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True).returncode == 0
    yield folder if mounted else None
    if mounted:
        subprocess.run(["umount", "-l", folder], check=True)


def test_disk_full_under_the_event_log(database, relay_to_log, millrace, small_disk):
    if small_disk is None:
        pytest.skip("a small file system cannot be mounted here")
    read = log_records(millrace, small_disk / "log")
    fill(database, 1)
    run = relay_to_log({"event_log.directory": str(small_disk / "log")})
    run.start()
    wait_for_numbers(run, read, [1])
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2 << 20))
    database.execute("INSERT INTO item SELECT g, repeat('x', 30000) FROM generate_series(2, 90) g")
    assert_ended(run, FAULT, "segment", "disk full, nothing is lost: free space")
    assert numbers(read()) == [1]
    ballast.unlink()
    assert_once(run, read, range(1, 91))


def test_file_size_limit_under_the_event_log(database, relay_to_log, millrace, tmp_path):
    read = log_records(millrace, tmp_path / "log")
    fill(database, 1)
    run = relay_to_log()
    run.start()
    wait_for_numbers(run, read, [1])
    resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    database.execute("INSERT INTO item SELECT g, repeat('x', 30000) FROM generate_series(2, 90) g")
    assert_ended(run, FAULT, "segment", "file size limit reached, nothing is lost")
    assert numbers(read()) == [1]
    assert_once(run, read, range(1, 91))


def test_event_log_that_another_relay_writes(database, relay_to_log, millrace, tmp_path):
    read = log_records(millrace, tmp_path / "log")
    fill(database, 1)
    run = relay_to_log()
    run.start()
    wait_for_numbers(run, read, [1])
    twin = relay_to_log({**SOON, "slot.name": f"{database.slot}_2"})
    twin.start()
    code = twin.wait(30)
    assert code in (FAULT, CONFIG, FENCED), twin.stderr_tail()
    assert str(tmp_path / "log") in twin.stderr() and "another" in twin.stderr(), twin.stderr_tail()
    write(database, 2)
    assert_once(run, read, [1, 2])


# ---- two relays of one name


def test_second_relay_waits_and_takes_over(database, relay, reader):
    first = started(relay, reader, database, 1)
    second = relay({**SOON, "retry.give_up": "60s"})
    second.start()
    second.wait_for_log("in use")
    write(database, 2)
    wait_for_numbers(first, reader.advance, [2])
    first.kill9()
    write(database, 3)
    assert_once(second, reader.advance, [1, 2, 3])


def test_paused_relay_is_fenced(database, relay, reader):
    """It wakes up with changes in hand that the second one has published meanwhile."""
    first = started(relay, reader, database, 1, **{"commit.records": 10})
    second = relay({**SOON, "retry.give_up": "60s", "commit.records": 10})
    first.process.signal(signal.SIGSTOP)
    write_each(database, range(2, 202))
    second.start()
    second.wait_for_log("in use")
    cut_connection(database)
    wait_for_numbers(second, reader.advance, range(1, 202))
    first.process.signal(signal.SIGCONT)
    write(database, 202)
    assert_ended(first, FENCED, "has taken over", database.name)
    assert_once(second, reader.advance, range(1, 203))
