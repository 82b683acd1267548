"""orders - a table, and changes of it of every kind, that every consumer must follow."""
DEADLINE_S = 60

SETUP = """
CREATE TABLE orders (id int PRIMARY KEY, region text, amount numeric(12,2) NOT NULL, items int, weight float8,
                     paid boolean, placed timestamptz NOT NULL);
INSERT INTO orders SELECT i, (ARRAY['north', 'süd', NULL, ''])[1 + i % 4], i * 1.25, i % 7, i / 8.0, i % 3 = 0,
       '2024-02-29 12:00+00'::timestamptz + i * interval '1 hour' FROM generate_series(1, 400) i"""

CHANGES = [
    "INSERT INTO orders SELECT i, 'west', i, 1, 0.5, NULL, now() FROM generate_series(401, 500) i",
    "UPDATE orders SET amount = amount + 0.01, items = NULL WHERE id % 5 = 0",
    "UPDATE orders SET region = 'moved' WHERE id % 11 = 0",
    "UPDATE orders SET id = id + 10000 WHERE id % 17 = 0",  # a key change: delete, tombstone, create
    "DELETE FROM orders WHERE id % 13 = 0",
    "BEGIN; UPDATE orders SET region = 'gone'; ROLLBACK",
    "BEGIN; INSERT INTO orders VALUES (-1, 'süd', -7.77, 0, -1, true, now()); UPDATE orders SET amount = 8 WHERE id = -1; COMMIT",
    "UPDATE orders SET region = region",  # nothing changes
    "DELETE FROM orders WHERE region = ''"]


def streamed(database, relay, identity, **config):
    """Its topic, after all changes."""
    database.execute(SETUP)
    database.execute(f"ALTER TABLE orders REPLICA IDENTITY {identity}")
    own = relay(config)
    own.start()
    own.wait_for_log(" streaming ", DEADLINE_S)
    with database.connect(autocommit=True) as connection:
        for sql in CHANGES:
            connection.execute(sql)
    end = database.rows("SELECT pg_current_wal_insert_lsn() - '0/0'")[0][0]
    own.wait_for(lambda: confirmed(database, end), DEADLINE_S, "the changes to be confirmed")
    assert own.terminate() == 0
    return f"{database.prefix}.public.orders"


def confirmed(database, lsn):
    return database.rows(f"SELECT confirmed_flush_lsn - '0/0' >= {lsn} FROM pg_replication_slots "
                         f"WHERE slot_name = '{database.slot}'") == [["t"]]
