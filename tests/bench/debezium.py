"""debezium - a Kafka Connect worker with Debezium's PostgreSQL connector, tuned, to compare with.

Its worker runs before the clock starts, a first connector has made its code warm, and the clock runs
from its first record in the topics to its last: neither the start of Java nor of a connector counts.
Then it idles on, so nothing of it is in the figures of the others but its resident memory.
"""
import json
import time
import urllib.error
import urllib.request

from contenders import PATIENCE_S
from private_servers import CACHE, Server, ServerError, clean_environment, free_ports
from programs import Failure, Figures, usage
from world import DATABASE

JAVA = ["-Xms512m", "-Xmx1g", "-XX:+UseParallelGC", "-Xshare:auto"]
JSON = {f"{side}.converter{rest}": value for side in ("key", "value") for rest, value in (
    ("", "org.apache.kafka.connect.json.JsonConverter"), (".schemas.enable", "false"))}
NEEDED = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1",
    "plugin.name": "pgoutput", "publication.name": "pub", "publication.autocreate.mode": "disabled"}
# Larger batches and queues than by default, no waits between them, none of the optional extras.
TUNED = {
    "max.batch.size": "16384", "max.queue.size": "65536", "poll.interval.ms": "5",
    "snapshot.fetch.size": "20000", "snapshot.max.threads": "2", "extended.headers.enabled": "false",
    "producer.override.linger.ms": "5", "producer.override.batch.size": "1000000",
    "producer.override.buffer.memory": "134217728", "producer.override.compression.type": "lz4",
    "producer.override.max.request.size": "16777216"}
PROMPT = {"producer.override.linger.ms": "0", "poll.interval.ms": "1"}  # for delays, not for rates


class Connect(Server):
    kind = "connect"

    def __init__(self, kafka):
        super().__init__()
        self.kafka = kafka
        self.state = {"port": free_ports(1)[0]}

    def command(self):
        home = CACHE / "debezium-3.7.0"
        if not home.exists():
            raise ServerError("Debezium is not there: run deploy/deps.sh --only debezium")
        settings = {
            "bootstrap.servers": self.kafka.bootstrap, "listeners": f"http://127.0.0.1:{self.state['port']}",
            "plugin.path": home / "plugins", "offset.storage.file.filename": self.folder / "offsets",
            "offset.flush.interval.ms": 1000, "connector.client.config.override.policy": "All", **JSON}
        (self.folder / "worker.properties").write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
        (self.folder / "log4j2.properties").write_text(self.kafka.log4j.replace("level=info", "level=warn"))
        return [CACHE / "java", *JAVA, "-Dlog4j2.configurationFile=log4j2.properties", "-cp", f"{home}/jars/*",
                "org.apache.kafka.connect.cli.ConnectStandalone", "worker.properties"], clean_environment()

    def is_ready(self):
        try:
            return self.ask("GET", "/connectors") is not None
        except OSError:
            return False

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.state['port']}{path}", method=method,
            headers={"Content-Type": "application/json"}, data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as reply:
            text = reply.read()
        return json.loads(text) if text else None


class Debezium:
    kind = "debezium"

    def __init__(self, worker, tuned=True):
        self.worker, self.tuned = worker, tuned
        self.label = f"Debezium {'tuned' if tuned else 'as shipped'}, at least once, json"

    def as_shipped(self):
        return Debezium(self.worker, tuned=False)

    # ---- connectors

    def start(self, world, name, **more):
        self.worker.ask("PUT", f"/connectors/{name}/config", {
            **NEEDED, **(TUNED if self.tuned else {}), "database.hostname": "127.0.0.1", "database.port": str(world.postgres.port),
            "database.user": "postgres", "database.password": "unused", "database.dbname": DATABASE,
            "topic.prefix": name, "slot.name": name, **more})

    def stop(self, world, name):
        self.worker.ask("DELETE", f"/connectors/{name}")
        world.drop_slot(name)

    def check(self, name):
        """Failure when its task failed."""
        try:
            state = self.worker.ask("GET", f"/connectors/{name}/status")
        except urllib.error.HTTPError:
            return  # not there yet
        for task in state["tasks"]:
            if task["state"] == "FAILED":
                raise Failure(f"Debezium's task failed: {task.get('trace', '')[:600]}")

    def wait(self, name, done, what):
        end, look = time.perf_counter() + PATIENCE_S, 0
        while not (value := done()):
            if time.perf_counter() > look:
                self.check(name)
                look = time.perf_counter() + 2
            if time.perf_counter() > end:
                raise Failure(f"Debezium did not reach {what} within {PATIENCE_S} s\n{self.worker.log_tail()}")
            time.sleep(0.02)
        return value

    def measured(self, world, name, tables, partitions, rows):
        """From the first record to the last."""
        pid = self.worker.process.pid

        def come():
            return world.ends(name, tables, partitions)

        first = self.wait(name, come, "a first record")

        def measure():
            started, (cpu_from, _, _) = time.perf_counter(), usage(pid)
            self.wait(name, lambda: come() >= rows, "the end of the rows")
            seconds, (cpu_to, peak, _) = time.perf_counter() - started, usage(pid)
            return Figures(seconds, cpu_to - cpu_from, peak, rows - first)

        figures = world.beside(measure)
        if come() != rows:
            raise Failure(f"Debezium: {rows} rows were written, but the topics end at {come()}")
        return figures

    # ---- as a contender

    def follow(self, world, workload, slot, end):
        world.make_topics(slot, [*workload.tables, "done"], workload.partitions)
        self.start(world, slot, **{"snapshot.mode": "no_data"})
        figures = self.measured(world, slot, workload.tables, workload.partitions, workload.rows)
        self.stop(world, slot)
        world.drop_topics(slot)
        return figures

    def read(self, world, table, rows):
        name = world.fresh_name()
        world.make_topics(name, [table])
        self.start(world, name, **{"snapshot.mode": "initial_only", "table.include.list": f"public.{table}"})
        figures = self.measured(world, name, [table], 1, rows)
        self.stop(world, name)
        world.drop_topics(name)
        return figures
