"""workloads - what is written into the database before it is streamed.

A Workload makes its tables with create(), then, after a slot has been made, its backlog with write().
rows is the number of row events in the backlog; tables are those that it touches.
"""
import dataclasses

# Columns: (type, expression over the row's number g)
PLAIN = [("int", "g % 1000"), ("text", "'some text of about forty bytes number ' || g"), ("timestamptz", "now()")]
MIXED = [("int", "g"), ("text", "'text ' || g"), ("numeric(12,2)", "g / 7.0"), ("timestamptz", "now()"),
         ("boolean", "g % 2 = 0"), ("double precision", "g / 3.0"), ("date", "date '2026-01-01' + (g % 365)::int"),
         ("uuid", "md5(g::text)::uuid"), ("bigint", "g * 1000003"), ("timestamp", "timestamp '2026-01-01'")]


@dataclasses.dataclass
class Workload:
    name: str
    label: str
    rows: int
    transactions: int
    columns: list = dataclasses.field(default_factory=lambda: PLAIN)
    table_count: int = 1
    partitions: int = 1
    once: bool = False  # too long to be run several times

    @property
    def tables(self):
        return [f"w_{n}" for n in range(self.table_count)]

    def create(self, world):
        columns = ", ".join(f"c{n} {kind}" for n, (kind, _) in enumerate(self.columns))
        for first in range(0, self.table_count, 100):
            world.sql(";".join(f"CREATE TABLE {t} (id bigint PRIMARY KEY, {columns})"
                               for t in self.tables[first:first + 100]))

    def write(self, world):
        each = self.rows // self.transactions
        values = ", ".join(value for _, value in self.columns).replace("'", "''").replace("%", "%%")
        world.sql(
            "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN "
            f"FOR i IN 1..{self.transactions} LOOP EXECUTE format('INSERT INTO w_%s SELECT g, {values} "
            f"FROM generate_series(%s::bigint, %s) g', i % {self.table_count}, (i - 1) * {each} + 1, i * {each}); "
            "COMMIT; END LOOP; END $$")
        relaxed(world, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", world.postgres.dsn("bench"), "-c", "CALL fill()")
        world.sql("DROP PROCEDURE fill")

    def drop(self, world):
        for first in range(0, self.table_count, 100):
            world.sql("DROP TABLE " + ", ".join(self.tables[first:first + 100]))


class Tpcb(Workload):
    """pgbench's own: each transaction three updates and an insert."""

    clients = 4

    @property
    def tables(self):
        return ["pgbench_accounts", "pgbench_tellers", "pgbench_branches", "pgbench_history"]

    def create(self, world):
        self.pgbench(world, "-i", "-q", "-s", str(world.scaled(10)))

    def write(self, world):
        self.pgbench(world, "-n", "-c", self.clients, "-j", 2, "-t", self.transactions // self.clients)

    def pgbench(self, world, *arguments):
        relaxed(world, "pgbench", *arguments, world.postgres.dsn("bench"))

    def drop(self, world):
        world.sql("DROP TABLE " + ", ".join(self.tables))


def relaxed(world, program, *arguments):
    """Not waiting for the disk at each commit; what the WAL then holds is the same."""
    world.programs.start(program, ["env", "PGOPTIONS=-c synchronous_commit=off", program, *arguments]).to_the_end(900)


def text_columns(size):
    return [("text", f"pool_text({size}, g)")]


def wide_columns(count):
    return [MIXED[n % len(MIXED)] for n in range(count)]


def inserts(world):
    return Workload("inserts", "single-row inserts", world.scaled(1_000_000, 100), world.scaled(10_000))


def tpcb(world):
    count = world.scaled(200_000, Tpcb.clients) // Tpcb.clients * Tpcb.clients
    return Tpcb("tpcb", "TPC-B by pgbench", count * 4, count)


def wide(world):
    return Workload("wide", "rows of 100 columns", world.scaled(100_000, 100), world.scaled(1000),
                    columns=wide_columns(99))


def text_1k(world):
    return Workload("text1k", "text of 1 kB", world.scaled(300_000, 100), world.scaled(3000), columns=text_columns(1000))


def text_10k(world):
    return Workload("text10k", "text of 10 kB", world.scaled(50_000, 100), world.scaled(500), columns=text_columns(10000))


def large(world):
    return Workload("large", "one transaction", world.scaled(5_000_000, 100), 1, once=True)


def tables(world):
    count = world.scaled(1000)
    return Workload("tables", f"{count} tables", 300 * count, 10 * count, table_count=count)


ALL = {"inserts": inserts, "tpcb": tpcb, "wide": wide, "text1k": text_1k, "text10k": text_10k, "large": large,
       "tables": tables}
