"""consumers - programs of others that read the topics, each unchanged and on loopback.

Connect     a Kafka Connect worker in which Debezium's JDBC sink runs: sink(), outcome(), drop()
flink_sql   runs SQL statements in Flink's own mini cluster and hands out what the last one printed

deploy/deps.sh --only downstream fetches both.
"""
import json
import pathlib
import subprocess
import urllib.error
import urllib.request

from servers import CACHE, Server, free_ports, clean_environment, wait_until

JARS = CACHE / "connect-4.3.1"
PLUGINS = CACHE / "jdbc-sink-3.6.0"
FLINK = CACHE / "flink-2.3.0"
JAVA_OPTIONS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
DEADLINE_S = 120

LOG4J = """status=warn
rootLogger.level=warn
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
"""


class Connect(Server):
    """One standalone worker; JSON with schemas, as Debezium's topics are by default."""

    kind = "connect"
    deadline_s = 120

    def __init__(self, bootstrap):
        super().__init__()
        self.state = {"port": free_ports(1)[0], "bootstrap": bootstrap}

    url = property(lambda self: f"http://127.0.0.1:{self.state['port']}")

    def command(self):
        settings = {
            "bootstrap.servers": self.state["bootstrap"], "listeners": self.url, "plugin.path": PLUGINS,
            "plugin.discovery": "service_load", "offset.storage.file.filename": self.folder / "offsets",
            "offset.flush.interval.ms": 500, "connector.client.config.override.policy": "All",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "consumer.isolation.level": "read_committed", "consumer.auto.offset.reset": "earliest"}
        worker = self.folder / "worker.properties"
        worker.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        (self.folder / "log4j2.properties").write_text(LOG4J)
        return [CACHE / "java", *JAVA_OPTIONS, "-Xmx384m",
                f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}", "-cp", f"{JARS}/*",
                "org.apache.kafka.connect.cli.ConnectStandalone", worker], clean_environment()

    def is_ready(self):
        try:
            return any(p["class"].endswith("JdbcSinkConnector") for p in self.ask("GET", "/connector-plugins"))
        except (OSError, AssertionError):  # not there yet, or not all of it
            return False

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as problem:
            raise AssertionError(f"{method} {path}: {problem.code} {problem.read().decode()}") from None
        return json.loads(text) if text else None

    def sink(self, name, topic, database, **more):
        """Debezium's JDBC sink, which makes and fills a table of that database: of the source's name.

        Headers are left as texts.  Connect's default takes a header like {"a":1,"b":"x"} (the old key, behind a
        change of a key of two columns) for a map that no schema fits, and the sink stops: Debezium's as ours.
        """
        self.ask("POST", "/connectors", {"name": name, "config": {
            "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "tasks.max": "1", "topics": topic,
            "connection.url": f"jdbc:postgresql://127.0.0.1:{database.server.port}/{database.name}",
            "connection.username": "postgres", "connection.password": "none",
            "connection.pool.min_size": "1", "connection.pool.max_size": "2",
            "insert.mode": "upsert", "delete.enabled": "true", "schema.evolution": "basic",
            "primary.key.mode": "record_key", "collection.name.format": topic.rpartition(".")[2],
            "header.converter": "org.apache.kafka.connect.storage.StringConverter",
            "consumer.override.fetch.max.wait.ms": "50",
            **{key.replace("_", "."): value for key, value in more.items()}}})

    def drop(self, name):
        self.ask("DELETE", f"/connectors/{name}")

    def failure(self, name):
        """What ended a task: the last cause of its trace; None if all is well."""
        status = self.ask("GET", f"/connectors/{name}/status")
        traces = [t["trace"] for t in [status["connector"], *status["tasks"]] if t["state"] == "FAILED"]
        return traces[0].rpartition("Caused by: ")[2].partition("\n\tat ")[0] if traces else None

    def outcome(self, name, end):
        """None when the sink has stored the record at offset `end` of the topic's only partition; or its failure."""
        def stored_or_failed():
            return self.failure(name) or (self.reached(name) > end and "stored")

        said = wait_until(stored_or_failed, DEADLINE_S, f"the sink {name} to store the record {end}")
        return None if said == "stored" else said

    def reached(self, name):
        told = self.ask("GET", f"/connectors/{name}/offsets")["offsets"]
        return max((o["offset"]["kafka_offset"] for o in told if o["offset"]), default=0)


def flink_sql(statements, folder):
    """Runs the statements one after the other; the lines that queries among them printed.

    A job that fails is an AssertionError with what Flink said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "job.sql"
    script.write_text(";\n".join(statements))
    (folder / "log4j2.properties").write_text(LOG4J.replace("appender.out.name=out", "appender.out.name=out\n"
                                                            "appender.out.target=SYSTEM_ERR"))
    opened = [f"--add-opens=java.base/java.{p}=ALL-UNNAMED" for p in ("lang", "util", "time", "nio", "net")]
    done = subprocess.run(
        [CACHE / "java", *JAVA_OPTIONS, "-Xmx768m", *opened,
         f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}", "-cp", f"{FLINK}/*",
         pathlib.Path(__file__).with_name("FlinkSql.java"), script],
        capture_output=True, text=True, timeout=300, cwd=folder, env=clean_environment(), stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"Flink ended with {done.returncode}:\n{done.stderr[-6000:]}"
    return done.stdout.splitlines()
