"""Random transactions by several writers, from a seed: every kind of change that a table can see."""
import random
import threading
import time

import psycopg

from checker import Table

SCHEMA = """
CREATE TABLE w_simple (id int PRIMARY KEY, v int, t text, n numeric(12,3), at timestamptz, b bytea, f bool);
CREATE TABLE w_pair (b text, v text, a int, PRIMARY KEY (a, b));
CREATE TABLE w_toast (id int PRIMARY KEY, big text, v int);
ALTER TABLE w_toast ALTER big SET STORAGE EXTERNAL;
CREATE TABLE w_full (id int PRIMARY KEY, big text, v int);
ALTER TABLE w_full ALTER big SET STORAGE EXTERNAL;
ALTER TABLE w_full REPLICA IDENTITY FULL;
CREATE TABLE w_loose (x int, note text);
ALTER TABLE w_loose REPLICA IDENTITY FULL;
CREATE TABLE w_cleared (id int PRIMARY KEY, v int);
CREATE TABLE "W Odd.Name" ("Id" int PRIMARY KEY, "sel""ect" text);
INSERT INTO w_simple SELECT g, g, 'row ' || g, g + 0.125, '2020-01-01 00:00:00Z'::timestamptz + g * interval '1 s',
    decode(lpad(to_hex(g), 8, '0'), 'hex'), g % 2 = 0 FROM generate_series(1, 500) g;
INSERT INTO w_pair SELECT 'k' || g, 'v' || g, g FROM generate_series(1, 200) g;
INSERT INTO w_toast SELECT g, repeat(g::text || '-', 1500), g FROM generate_series(1, 50) g;
INSERT INTO w_full SELECT g, repeat(g::text || '+', 1500), g FROM generate_series(1, 50) g;
INSERT INTO w_loose SELECT g % 10, NULLIF('note ' || g % 7, 'note 3') FROM generate_series(1, 100) g;
INSERT INTO w_cleared SELECT g, g FROM generate_series(1, 20) g;
INSERT INTO "W Odd.Name" VALUES (1, 'one'), (2, NULL);
"""

TABLES = {t.name: t for t in [
    Table("public.w_simple", [("id", "int"), ("v", "int"), ("t", "text"), ("n", "numeric:3"),
                              ("at", "timestamptz"), ("b", "bytea"), ("f", "bool")], ["id"]),
    Table("public.w_pair", [("b", "text"), ("v", "text"), ("a", "int")], ["a", "b"]),
    Table("public.w_toast", [("id", "int"), ("big", "text"), ("v", "int")], ["id"]),
    Table("public.w_full", [("id", "int"), ("big", "text"), ("v", "int")], ["id"], full=True),
    Table("public.w_loose", [("x", "int"), ("note", "text")], [], full=True),
    Table("public.w_cleared", [("id", "int"), ("v", "int")], ["id"]),
    Table("public.W Odd.Name", [("Id", "int"), ('sel"ect', "text")], ["Id"]),
]}

TEXTS = ["plain", "", None, "it's", 'quo"te', "back\\slash", "tab\there", "new\nline", "ünïcödé 漢字 🚀",
         "null", "{json}", "\x01control", " spaces ", "new-tuple: x"]


class Writer:
    """One connection, one stream of transactions; keys are its own, so that writers do not deadlock."""

    def __init__(self, conninfo, seed, number, count, truncates, pause=0.0, survives=False):
        self.random = random.Random(f"{seed}/{number}")
        self.conninfo, self.number, self.count = conninfo, number, count
        self.truncates, self.pause = truncates, pause
        self.survives = survives  # connects again when the server goes away
        self.base = 1_000_000 * (number + 1)
        self.next_id = self.base
        self.done = 0
        self.stopping = threading.Event()
        self.error = None

    def fresh(self):
        self.next_id += 1
        return self.next_id

    def some_id(self):
        low = max(self.base, self.next_id - 60)
        return self.random.randint(low, self.next_id + 1)

    def text(self):
        if self.random.random() < 0.02:
            return "x" * self.random.randint(3000, 120000)
        return self.random.choice(TEXTS)

    def insert_simple(self, cursor):
        r = self.random
        cursor.execute("INSERT INTO w_simple VALUES (%s,%s,%s,%s,%s,%s,%s)",
                       (self.fresh(), r.randint(-2**31, 2**31 - 1), self.text(), f"{r.randint(-10**8, 10**8)}.125",
                        f"20{r.randint(10, 30)}-0{r.randint(1, 9)}-1{r.randint(0, 9)} 10:20:30.{r.randint(0, 999999):06d}Z",
                        r.randbytes(r.randint(0, 40)), r.choice([True, False, None])))

    def update_simple(self, cursor):
        cursor.execute("UPDATE w_simple SET v = v / 2 + 1, t = %s WHERE id = %s", (self.text(), self.some_id()))

    def rekey_simple(self, cursor):
        cursor.execute("UPDATE w_simple SET id = %s, v = 0 WHERE id = %s", (self.fresh(), self.some_id()))

    def delete_simple(self, cursor):
        cursor.execute("DELETE FROM w_simple WHERE id = %s", (self.some_id(),))

    def several_rows(self, cursor):
        cursor.execute("UPDATE w_simple SET v = id %% 1000 WHERE id BETWEEN %s AND %s",
                       (self.next_id - 12, self.next_id))

    def pair(self, cursor):
        key = self.fresh()
        cursor.execute("INSERT INTO w_pair VALUES (%s,%s,%s)", (f"w{self.number}", self.text(), key))
        if self.random.random() < 0.5:
            cursor.execute("UPDATE w_pair SET b = b || '!' WHERE a = %s", (self.some_id(),))
        if self.random.random() < 0.3:
            cursor.execute("DELETE FROM w_pair WHERE a = %s", (self.some_id(),))

    def toast(self, cursor):
        for name in ("w_toast", "w_full"):
            cursor.execute(f"INSERT INTO {name} VALUES (%s,%s,1)", (self.fresh(), "T" * self.random.randint(2500, 9000)))
            cursor.execute(f"UPDATE {name} SET v = v + 1 WHERE id = %s", (self.some_id(),))
            if self.random.random() < 0.4:
                cursor.execute(f"UPDATE {name} SET big = %s WHERE id = %s", (self.text(), self.some_id()))
            if self.random.random() < 0.3:
                cursor.execute(f"DELETE FROM {name} WHERE id = %s", (self.some_id(),))

    def loose(self, cursor):
        mark = f"w{self.number}"
        cursor.execute("INSERT INTO w_loose VALUES (%s,%s),(%s,NULL)", (self.fresh(), mark, self.next_id))
        cursor.execute("UPDATE w_loose SET note = %s WHERE x = %s", (self.text(), self.some_id()))
        if self.random.random() < 0.3:
            cursor.execute("DELETE FROM w_loose WHERE x = %s", (self.some_id(),))

    def copy(self, cursor):
        with cursor.copy("COPY w_simple (id, v, t) FROM STDIN") as copy:
            for _ in range(self.random.randint(1, 300)):
                copy.write_row((self.fresh(), 7, self.random.choice(TEXTS)))

    def cleared(self, cursor):
        cursor.execute("INSERT INTO w_cleared VALUES (%s, 1)", (self.fresh(),))
        if self.truncates and self.random.random() < 0.1:
            cursor.execute("TRUNCATE w_cleared")

    def odd(self, cursor):
        cursor.execute('INSERT INTO "W Odd.Name" VALUES (%s, %s)', (self.fresh(), self.text()))

    ACTIONS = [insert_simple, insert_simple, update_simple, update_simple, rekey_simple, delete_simple,
               several_rows, pair, toast, loose, copy, cleared, odd]

    def transaction(self, connection):
        kind = self.random.random()
        with connection.cursor() as cursor:
            for _ in range(self.random.randint(1, 6)):
                action = self.random.choice(self.ACTIONS)
                if self.random.random() < 0.15:
                    cursor.execute("SAVEPOINT s")
                    action(self, cursor)
                    cursor.execute("ROLLBACK TO s" if self.random.random() < 0.6 else "RELEASE s")
                else:
                    action(self, cursor)
        if kind < 0.12:
            connection.rollback()
        else:
            connection.commit()

    def wanted(self):
        return self.done < self.count or not self.stopping.is_set()

    def work(self):
        with psycopg.connect(self.conninfo) as connection:
            while self.wanted():
                try:
                    self.transaction(connection)
                    self.done += 1
                except psycopg.errors.DeadlockDetected:
                    connection.rollback()
                time.sleep(self.pause)

    def run(self):
        try:
            while self.wanted():
                try:
                    self.work()
                except (psycopg.OperationalError, psycopg.InterfaceError):
                    if not self.survives:
                        raise
                    time.sleep(0.05)
        except Exception as error:  # handed to whoever waits
            self.error = error


class Load:
    """Several writers at once: at least `count` transactions in all, and on until join()."""

    def __init__(self, conninfo, seed, count, writers=4, truncates=True, pause=0.0, survives=False):
        # One writer truncates: TRUNCATE takes a lock that would serialise the others.
        self.writers = [Writer(conninfo, seed, n, count // writers, truncates and n == 0, pause, survives)
                        for n in range(writers)]
        self.threads = [threading.Thread(target=w.run, daemon=True) for w in self.writers]
        for thread in self.threads:
            thread.start()

    @property
    def done(self):
        return sum(w.done for w in self.writers)

    @property
    def running(self):
        return any(t.is_alive() for t in self.threads)

    def join(self):
        for writer in self.writers:
            writer.stopping.set()
        for thread in self.threads:
            thread.join()
        for writer in self.writers:
            if writer.error:
                raise writer.error
