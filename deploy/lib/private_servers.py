"""private_servers - a PostgreSQL and a Kafka broker of one's own, for the tests and the quickstart.

Each server lives in one folder, listens on free loopback ports only, and is started and stopped by
its process id.  Nothing outside that folder is read or written, no service of the machine touched.
Only Python's standard library is needed (Kafka.admin and Postgres.connect import a client).

    kafka, postgres = Kafka(), Postgres()
    start_all(kafka, postgres)              # side by side: about 3 s
    postgres.execute("create table t (id int primary key)")
    ...
    postgres.stop("immediate"); postgres.start()
    close_all(kafka, postgres)

Nothing is left behind when the program that started the servers dies, even by SIGKILL: a guard (a
small process of its own session) holds the other end of a pipe, and when that closes kills what is
still there and removes the folders.  guarded=False leaves the server running; its folder then
holds server.json, and Postgres.adopt(folder) or Kafka.adopt(folder) takes it up again.

As a program:  private_servers.py start FOLDER postgres [kafka]  |  stop FOLDER...
"""

import atexit
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CACHE = pathlib.Path(os.environ.get("MILLRACE_CACHE") or pathlib.Path.home() / ".cache/millrace")
POLL_S = 0.02


class ServerError(Exception):
    """A server did not do what was asked; the text ends with the last lines of its log."""


def wait_until(predicate, deadline_s, what):
    """Returns predicate()'s first true value; TimeoutError naming `what` after deadline_s.  What it says
    counts by when it was asked: on a busy machine an answer may take long."""
    end = time.monotonic() + deadline_s
    while True:
        late = time.monotonic() > end
        value = predicate()
        if value:
            return value
        if late:
            raise TimeoutError(f"after {deadline_s} s still waiting: {what}")
        time.sleep(POLL_S)


def free_ports(count):
    """Loopback ports nobody listens on.  All are held until all are chosen, so they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def clean_environment(**more):
    """The environment without what would steer libpq or Java elsewhere."""
    steering = ("PG", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(steering)}
    return {**kept, **more}


# ---- processes


def process_started(pid):
    """When the process began, in clock ticks since boot; None when it is gone or a zombie.

    With the id it names one process for good: ids are used again, (id, start) pairs are not.
    """
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def process_children(pid):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(entry.parent.name))
    return found


class Process:
    """One process: a child of ours, or one that an earlier program started."""

    def __init__(self, pid, started, child=None):
        self.pid, self.started, self.child = pid, started, child

    @classmethod
    def spawn(cls, argv, log, env=None, cwd=None):
        """Both outputs are appended to the file `log`.  A session of its own: ^C is not for it."""
        with open(log, "ab") as out:
            child = subprocess.Popen(
                [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=env, cwd=cwd, start_new_session=True)
        return cls.of_child(child)

    @classmethod
    def of_child(cls, child):
        """child: a subprocess.Popen."""
        return cls(child.pid, process_started(child.pid), child)

    def alive(self):
        if self.child is not None and self.child.poll() is not None:
            return False
        return self.started is not None and process_started(self.pid) == self.started

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def kill_family(self):
        """SIGKILL for the process and its children, which then hold nothing of it any more."""
        if self.alive():
            children = [Process(pid, process_started(pid)) for pid in process_children(self.pid)]
            self.signal(signal.SIGKILL)
            for child in children:
                child.signal(signal.SIGKILL)
            for process in (self, *children):
                process.wait(10, "the end of a killed process")

    def wait(self, deadline_s, what):
        """Waits for the end.  The exit code of a child of ours (negative: a signal), else None."""
        wait_until(lambda: not self.alive(), deadline_s, what)
        return self.child.wait() if self.child is not None else None


class Guard:
    """Kills what its owner leaves behind.  Told by lines of JSON: [keep?, "process"|"folder", ...]"""

    def __init__(self):
        self.pipe = None

    def tell(self, *message):
        if self.pipe is None:
            self.pipe = subprocess.Popen(
                [sys.executable, __file__, "guard"], stdin=subprocess.PIPE, text=True,
                stdout=subprocess.DEVNULL, start_new_session=True).stdin
            atexit.register(self.pipe.close)
        self.pipe.write(json.dumps(message) + "\n")
        self.pipe.flush()

    def keep(self, process):
        self.tell(True, "process", process.pid, process.started)

    def release(self, process):
        self.tell(False, "process", process.pid, process.started)

    def keep_folder(self, folder):
        self.tell(True, "folder", str(folder))

    def release_folder(self, folder):
        self.tell(False, "folder", str(folder))

    @staticmethod
    def watch():
        """The guard's own life: read until the owner is gone, then clear up."""
        held = set()
        for line in sys.stdin:
            keep, *what = json.loads(line)
            (held.add if keep else held.discard)(tuple(what))
        for kind, *what in sorted(held, reverse=True):  # processes before folders
            if kind == "process":
                Process(*what).kill_family()
            else:
                shutil.rmtree(what[0], ignore_errors=True)


guard = Guard()


# ---- servers


class Server:
    """What PostgreSQL and Kafka have in common: a folder, a log file, a process."""

    kind = None
    deadline_s = 60

    def __init__(self, folder=None, guarded=True):
        self.guarded = guarded
        self.process = None
        if folder is None:
            folder = tempfile.mkdtemp(prefix=f"millrace-{self.kind}-")
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # PostgreSQL may run as another user than the owner
        self.log = self.folder / "server.log"
        self.state = {}  # what adopt() needs, besides the process
        if guarded:
            guard.keep_folder(self.folder)

    @classmethod
    def adopt(cls, folder):
        """The server that an earlier program started in the folder, running or not."""
        state = json.loads((pathlib.Path(folder) / "server.json").read_text())
        self = cls.__new__(cls)
        Server.__init__(self, folder, guarded=False)
        self.state = state["state"]
        self.process = Process(*state["process"])
        return self

    def running(self):
        return self.process is not None and self.process.alive()

    def start(self):
        self.launch()
        self.wait_ready()

    def launch(self):
        """Starts the process and returns; wait_ready() waits for it."""
        if self.running():
            raise ServerError(f"{self.kind} in {self.folder} runs already")
        argv, env = self.command()
        self.log_from = self.log.stat().st_size if self.log.exists() else 0
        self.process = Process.spawn(argv, self.log, env=env, cwd=self.folder)
        if self.guarded:
            guard.keep(self.process)
        else:
            (self.folder / "server.json").write_text(json.dumps(
                {"state": self.state, "process": [self.process.pid, self.process.started]}))

    def wait_ready(self, deadline_s=None):
        def ready_or_gone():
            return self.is_ready() or not self.process.alive()

        try:
            wait_until(ready_or_gone, deadline_s or self.deadline_s, f"{self.kind} to start")
        except TimeoutError as problem:
            raise ServerError(f"{problem}\n{self.log_tail()}") from None
        if not self.process.alive():
            raise ServerError(f"{self.kind} ended while starting:\n{self.log_tail()}")

    def log_tail(self, lines=15):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(no log)"

    def end(self, number, deadline_s=None):
        """Sends the signal and waits.  ServerError, and SIGKILL, when it does not end in time."""
        if self.process is None:
            return
        self.process.signal(number)
        try:
            self.process.wait(deadline_s or self.deadline_s, f"{self.kind} to stop")
        except TimeoutError as problem:
            self.process.kill_family()
            raise ServerError(f"{problem}\n{self.log_tail()}") from None
        finally:
            self.released()

    def kill9(self):
        """SIGKILL, children too: what a crash of the server leaves on its disk."""
        if self.process is not None:
            self.process.kill_family()
            self.released()

    def released(self):
        if self.guarded:
            guard.release(self.process)

    def close(self):
        """Ends the server for good and removes its folder.  May be called twice."""
        self.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.guarded:
            guard.release_folder(self.folder)


class Postgres(Server):
    """A PostgreSQL cluster, superuser postgres, no password, TCP on 127.0.0.1 only.

    version: None is the newest that the distribution installed, otherwise a major: the
    distribution's, or the one that `deploy/deps.sh --postgres MAJOR` fetched; "pgvector": the one that
    deploy/deps.sh fetched where the distribution has no pgvector.
    settings: more lines for postgresql.conf, after (so instead of) the ones below.
    """

    kind = "postgres"

    # synchronous_commit stays on: decoding ends at flushed WAL, and with it off a committed row is
    # not to be read from a slot until the WAL writer comes round.
    defaults = {
        "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "wal_level": "logical",
        "max_wal_senders": 20, "max_replication_slots": 20, "max_connections": 100, "fsync": "off",
        "full_page_writes": "off", "shared_buffers": "128MB", "max_wal_size": "2GB",
        "log_replication_commands": "on", "log_line_prefix": "%m [%p] %e ", "timezone": "UTC"}

    def __init__(self, version=None, settings=None, folder=None, guarded=True):
        super().__init__(folder, guarded)
        self.state = {
            "bin": str(postgres_bin(version, self.folder)), "port": free_ports(1)[0],
            "settings": {**self.defaults, **(settings or {})}}

    port = property(lambda self: self.state["port"])
    bin = property(lambda self: pathlib.Path(self.state["bin"]))
    data = property(lambda self: self.folder / "data")
    settings = property(lambda self: self.state["settings"])
    version = property(lambda self: int((self.data / "PG_VERSION").read_text()))

    def command(self):
        if not self.data.exists():
            self.make_cluster()
        self.write_settings()
        return [*unprivileged(), self.bin / "postgres", "-D", self.data], clean_environment()

    def make_cluster(self):
        closed = [p for p in self.folder.parents if not p.stat().st_mode & 0o001]
        if os.geteuid() == 0 and closed:
            raise ServerError(f"PostgreSQL does not run as root, and {unprivileged_user()} may not pass "
                              f"{closed[-1]}: choose another folder than {self.folder}")
        self.data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(unprivileged_user())
            os.chown(self.data, owner.pw_uid, owner.pw_gid)
        done = subprocess.run(
            [*unprivileged(), self.bin / "initdb", "-D", self.data, "-U", "postgres", "--encoding=UTF8",
             "--locale=C", "--no-sync", "--auth=trust"],
            capture_output=True, text=True, env=clean_environment(), cwd=self.folder)
        if done.returncode != 0:
            raise ServerError(f"initdb in {self.data} failed:\n{done.stderr}")

    def write_settings(self):
        def line(name, value):
            return "{} = '{}'\n".format(name, str(value).replace("'", "''"))

        values = {**self.settings, "port": self.port}
        (self.data / "postgresql.conf").write_text("".join(line(n, v) for n, v in values.items()))

    def is_ready(self):
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def stop(self, mode="fast", deadline_s=None):
        """mode: smart waits for the clients, fast sends them away, immediate is a crash."""
        signals = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
        self.end(signals[mode], deadline_s)

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def conninfo(self, dbname="postgres", user="postgres"):
        return {"host": "127.0.0.1", "port": self.port, "user": user, "dbname": dbname}

    def dsn(self, dbname="postgres", user="postgres"):
        return " ".join(f"{k}={v}" for k, v in self.conninfo(dbname, user).items())

    def execute(self, sql, dbname="postgres", user="postgres", stdin=None):
        """Runs the SQL by psql, one line a row, columns apart by a tab; ServerError as psql says it.

        Several statements are one transaction, except when one of them cannot be in one: then
        give them as separate calls.
        """
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
             "-d", self.dsn(dbname, user), "-c", sql],
            capture_output=True, env=clean_environment(), stdin=stdin or subprocess.DEVNULL)
        if done.returncode != 0:
            raise ServerError(done.stderr.decode(errors="replace").strip())
        return done.stdout.decode().rstrip("\n")

    def rows(self, sql, dbname="postgres", user="postgres"):
        """The rows of execute() as lists of texts; NULL reads as an empty text."""
        text = self.execute(sql, dbname, user)
        return [line.split("\t") for line in text.split("\n")] if text else []

    def connect(self, dbname="postgres", user="postgres", **more):
        """A psycopg connection (needs the tests' Python environment)."""
        import psycopg

        return psycopg.connect(**self.conninfo(dbname, user), **more)


def postgres_bin(version, folder):
    """The folder of a major's programs, made readable for the user that the server runs as."""
    system = {int(p.parent.name): p for p in pathlib.Path("/usr/lib/postgresql").glob("[0-9]*/bin")
              if (p / "postgres").exists()}
    if version is None:
        if not system:
            raise ServerError("no PostgreSQL is installed: run deploy/deps.sh")
        return system[max(system)]
    if version in system:
        return system[version]
    fetched = CACHE / f"postgres-{version}"
    if not (fetched / "bin/postgres").exists():
        raise ServerError(f"PostgreSQL {version} is not there: run deploy/deps.sh --postgres {version}")
    if os.geteuid() != 0 or all(p.stat().st_mode & 0o001 for p in fetched.resolve().parents):
        return fetched / "bin"
    shutil.copytree(fetched, folder / "programs", symlinks=True)  # the cache is in root's home
    return folder / "programs/bin"


def unprivileged_user():
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


def unprivileged():
    """In front of a command that refuses to run as root."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(unprivileged_user())
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


class Kafka(Server):
    """One Kafka 4 broker that is its own controller (KRaft), plaintext, data in the folder.

    After kill9() a start takes 5 to 6 s: the broker waits until its old registration ran out.
    """

    kind = "kafka"
    cluster_id = "MkU3OEVBNTcwNTJENDM2Qg"
    # Up soon and small; tests/bench has those of a server.
    java_options = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    heap = ["-Xms128m", "-Xmx384m"]

    # transaction.abort.timed.out.transaction.cleanup.interval.ms is left alone on purpose: with a
    # low value Kafka 4.3.1 can leave a transaction hanging for ever after a kill.
    defaults = {
        "process.roles": "broker,controller", "node.id": 1, "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "num.partitions": 1, "default.replication.factor": 1, "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1, "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1, "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4, "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1, "share.coordinator.state.topic.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0, "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 500, "num.network.threads": 2, "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 8388608, "log.index.size.max.bytes": 1048576,
        "auto.create.topics.enable": "false"}

    log4j = "\n".join([
        "status=warn", "rootLogger.level=info", "rootLogger.appenderRefs=out",
        "rootLogger.appenderRef.out.ref=out", "appender.out.type=Console", "appender.out.name=out",
        "appender.out.layout.type=PatternLayout",
        "appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n", ""])

    def __init__(self, settings=None, folder=None, guarded=True):
        super().__init__(folder, guarded)
        port, controller_port = free_ports(2)
        self.state = {"port": port, "controller_port": controller_port, "settings": settings or {}}

    port = property(lambda self: self.state["port"])
    bootstrap = property(lambda self: f"127.0.0.1:{self.port}")

    def command(self):
        jars = CACHE / "kafka-4.3.1"
        java = CACHE / "java"
        if not jars.exists() or not java.exists():
            raise ServerError("Kafka or Java is not there: run deploy/deps.sh")
        controller = f"127.0.0.1:{self.state['controller_port']}"
        settings = {
            **self.defaults, "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "log.dirs": self.folder / "data", **self.state["settings"]}
        (self.folder / "server.properties").write_text(
            "".join(f"{name}={value}\n" for name, value in settings.items()))
        (self.folder / "log4j2.properties").write_text(self.log4j)
        # The first start formats the storage; one process id for both, so one thing to wait for.
        common = [java, *self.java_options, "-Dlog4j2.configurationFile=log4j2.properties",
                  "-cp", f"{jars}/*"]
        script = ('format=$1; shift; if [ ! -e data/meta.properties ]; then "$@" -Xmx128m '
                  "kafka.tools.StorageTool format -t \"$format\" -c server.properties || exit 1; fi; "
                  f'exec "$@" {" ".join(self.heap)} -XX:MaxDirectMemorySize=256m kafka.Kafka server.properties')
        return ["sh", "-c", script, "kafka", self.cluster_id, *common], clean_environment()

    def is_ready(self):
        with open(self.log, "rb") as log:
            log.seek(self.log_from)
            return b"Kafka Server started" in log.read()

    def stop(self, deadline_s=None):
        self.end(signal.SIGTERM, deadline_s)

    def restart(self):
        self.stop()
        self.start()

    def admin(self):
        """confluent_kafka's AdminClient (needs the tests' Python environment)."""
        from confluent_kafka.admin import AdminClient

        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def create_topic(self, name, partitions=1, **config):
        """config: Kafka's names with _ for the dots, cleanup_policy="compact"."""
        from confluent_kafka.admin import NewTopic

        dotted = {key.replace("_", "."): str(value) for key, value in config.items()}
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=dotted)
        admin = self.admin()  # a future of the call is lost when the client goes
        admin.create_topics([topic])[name].result(30)

    def topics(self, prefix=""):
        """{name: number of partitions}"""
        found = self.admin().list_topics(timeout=30).topics
        return {name: len(t.partitions) for name, t in found.items() if name.startswith(prefix)}


def start_all(*servers):
    """Side by side.  When one fails, none is left."""
    try:
        for server in sorted(servers, key=lambda s: s.kind):  # Kafka takes longer: first
            server.launch()
        for server in servers:
            server.wait_ready()
    except BaseException:
        close_all(*servers)
        raise


def close_all(*servers):
    for server in servers:
        server.close()


def main(argv):
    kinds = {"postgres": Postgres, "kafka": Kafka}
    if argv == ["guard"]:
        Guard.watch()
    elif len(argv) >= 3 and argv[0] == "start" and set(argv[2:]) <= set(kinds):
        folder = pathlib.Path(argv[1])
        servers = [kinds[name](folder=folder / name, guarded=False) for name in argv[2:]]
        start_all(*servers)
        for server in servers:
            print(f"{server.kind}_port={server.port}")
    elif len(argv) == 2 and argv[0] == "stop":
        for name in kinds:
            folder = pathlib.Path(argv[1]) / name
            if (folder / "server.json").exists():
                kinds[name].adopt(folder).stop()
    else:
        print(__doc__.rpartition("As a program:")[2].strip(), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ServerError as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
