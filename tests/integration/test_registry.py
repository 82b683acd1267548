"""The schema registry, over HTTP and end to end: logins, TLS, several addresses, hanging, away, wrong
answers, refusals.  The relay says what, where and what to do; once the cause is mended it goes on, and
every row arrives once.  Each answer that a server may give is in tests/component/test_registry.c.
"""
import base64
import json
import ssl
import subprocess
import threading

import pytest

import record_texts
from ledger import assert_ended, assert_once, assert_refused, fill, wait_for_numbers, write
from schema_registry import SchemaRegistry, State
from servers import free_ports, wait_until

CONFIG = 2
SECRET = "not-for-the-log"


@pytest.fixture
def registry():
    own = SchemaRegistry()
    yield own
    own.close()


@pytest.fixture
def registries():
    """Makes registries; they are closed at the end, even if the test has done so already."""
    made = []

    def make(**more):
        made.append(SchemaRegistry(**more))
        return made[-1]

    yield make
    for own in made:
        own.close()


@pytest.fixture
def avro(database, relay):
    """Makes a relay that writes Avro with the schemas of these registries; of all tables, also later ones."""
    database.execute(f'CREATE PUBLICATION "{database.name}" FOR ALL TABLES')

    def make(*registries, **more):
        url = ",".join(r if isinstance(r, str) else r.url for r in registries)
        return relay({"encoding": "avro", "schema_registry.url": url, "log.level": "info",
                      "publication.create": "no", **more})

    return make


def lines(reader, registry):
    """A function that reads all records, as ledger.decoded() takes them."""
    def line(record):
        text = record_texts.read("avro", record.value, registry)[1]
        return {"topic": record.topic, "value": text and json.loads(text)}

    return lambda: [line(record) for record in reader.advance()]


# ---- logins and TLS


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("login, right, wrong", [
    (basic("reader", SECRET), {"schema_registry.user": "reader", "schema_registry.password": SECRET},
     {"schema_registry.user": "reader", "schema_registry.password": f"{SECRET}-2"}),
    (f"Bearer {SECRET}", {"schema_registry.token": SECRET}, {"schema_registry.token": f"{SECRET}-2"})],
    ids=["basic", "bearer"])
def test_login(database, avro, reader, registries, login, right, wrong):
    registry = registries(login=login)
    fill(database, 1)
    run = avro(registry, **wrong)
    assert_refused(run, CONFIG, f"127.0.0.1:{registry.port}", f"subject {database.prefix}.public.item-key",
                   "refuses our login", "(401): Unauthorized", "schema_registry.user, .password or .token")
    assert SECRET not in run.stderr()
    assert reader.advance() == []
    for option in wrong:
        del run.config[option]
    run.config.update(right)
    assert_once(run, lines(reader, registry), [1])


def test_login_within_the_address(database, avro, reader, registries):
    registry = registries(login=basic("reader", SECRET))
    fill(database, 1)
    run = avro(registry.url.replace("://", f"://reader:{SECRET}-2@"))
    assert_refused(run, CONFIG, f"127.0.0.1:{registry.port}", "refuses our login")
    assert SECRET not in run.stderr()
    run.config["schema_registry.url"] = registry.url.replace("://", f"://reader:{SECRET}@")
    assert_once(run, lines(reader, registry), [1])


class Certificates:
    """Authorities "ca" and "other"; server.pem by ca; what clients show: client, strange, expired."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("ca", "other"):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                         "-days", "30", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        self.issue("server", "ca", "30", "-extfile", "names")
        self.issue("client", "ca", "30")
        self.issue("strange", "other", "30")
        self.issue("expired", "ca", "-1")
        self.openssl("ec", "-aes128", "-passout", f"pass:{SECRET}", "-in", "client.key", "-out", "locked.key")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def issue(self, name, authority, days, *more):
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                     "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey",
                     f"{authority}.key", "-CAcreateserial", "-days", days, "-out", f"{name}.pem", *more)

    def path(self, name):
        return str(self.folder / name)

    def server(self, asks=ssl.CERT_NONE, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("server.pem"), self.path("server.key"))
        context.load_verify_locations(self.path("ca.pem"))
        context.verify_mode = asks
        if version is not None:
            context.maximum_version = version
        return context

    def client(self, certificate, key=None):
        return {"schema_registry.ca": self.path("ca.pem"),
                "schema_registry.certificate": self.path(f"{certificate}.pem"),
                "schema_registry.key": self.path(f"{key or certificate}.key")}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("wrong, words", [
    ({}, ["its certificate cannot be trusted", "schema_registry.ca"]),
    ({"schema_registry.ca": "other.pem"}, ["its certificate cannot be trusted", "schema_registry.ca"]),
    ({"schema_registry.ca": "nowhere.pem"}, ["schema_registry.ca", "nowhere.pem"])],
    ids=["none", "another", "missing"])
def test_own_authority(database, avro, reader, registries, certificates, wrong, words):
    registry = registries(tls=certificates.server())
    fill(database, 1)
    run = avro(registry, **{k: certificates.path(v) for k, v in wrong.items()})
    assert_refused(run, CONFIG, *words)
    run.config["schema_registry.ca"] = certificates.path("ca.pem")
    assert_once(run, lines(reader, registry), [1])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("certificate, key, words", [
    (None, None, ["certificate of ours", "schema_registry.certificate and .key"]),
    ("strange", None, ["refuses our certificate", "unknown ca", "who has signed it"]),
    ("expired", None, ["refuses our certificate", "when it ends"]),
    ("client", "strange", ["schema_registry.certificate or .key: cannot be used"]),
    ("client", "locked", ["schema_registry.certificate or .key: cannot be used"])],
    ids=["none", "strange", "expired", "other-key", "locked-key"])
def test_own_certificate(database, avro, reader, registries, certificates, version, certificate, key, words):
    registry = registries(tls=certificates.server(ssl.CERT_REQUIRED, version))
    fill(database, 1)
    run = avro(registry, **{"schema_registry.ca": certificates.path("ca.pem")})
    if certificate is not None:
        run.config.update(certificates.client(certificate, key))
    assert_refused(run, CONFIG, *words)
    assert SECRET not in run.stderr()
    run.config.update(certificates.client("client"))
    assert_once(run, lines(reader, registry), [1])


def test_http_where_tls_is_spoken_and_the_other_way_round(database, avro, reader, registries, certificates):
    tls, plain = registries(tls=certificates.server()), registries()
    fill(database, 1)
    run = avro(plain.url.replace("http:", "https:"))
    assert_refused(run, CONFIG, f"127.0.0.1:{plain.port}", "does not speak TLS", "http://")
    run.config["schema_registry.url"] = tls.url.replace("https:", "http:")
    run.start()
    run.wait_for_log(f" waiting ")
    assert f"schema registry 127.0.0.1:{tls.port}: " in run.stderr()
    assert run.terminate() == 0
    run.config.update({"schema_registry.url": tls.url, "schema_registry.ca": certificates.path("ca.pem")})
    assert_once(run, lines(reader, tls), [1])


# ---- several addresses


def test_dead_and_hanging_addresses_first(database, avro, reader, registries):
    hanging, good = registries(), registries()
    never = threading.Event()
    hanging.trouble = lambda _: never.wait()
    fill(database, 1)
    run = avro(f"http://127.0.0.1:{free_ports(1)[0]}", hanging, good, **{"schema_registry.timeout": "300ms"})
    try:
        run.start()
        wait_for_numbers(run, lines(reader, good), [1])
        asked = len(hanging.requests)
        database.execute("CREATE TABLE more (id int PRIMARY KEY); INSERT INTO more VALUES (2)")
        assert_once(run, lines(reader, good), [1, 2])
        assert len(hanging.requests) == asked  # the one that has answered stays the first
        assert "waiting" not in run.stderr()
    finally:
        never.set()


# ---- hanging, away


def backend(database, heard_of_since="-infinity"):
    """The pid of the relay's walsender, if the relay has sent a word since then; else None."""
    found = database.rows("SELECT r.pid FROM pg_replication_slots l "
                          "JOIN pg_stat_replication r ON r.pid = l.active_pid "
                          f"WHERE l.slot_name = '{database.slot}' AND r.reply_time > '{heard_of_since}'")
    return found[0][0] if found else None


@pytest.mark.parametrize("kind", ["hangs", "drips", "is away"])
def test_waiting_keeps_the_replication_link(database, avro, reader, registries, kind):
    """For several times wal_sender_timeout: the same walsender is there, and hears of us."""
    fill(database, 1)
    database.execute(f"ALTER DATABASE \"{database.name}\" SET wal_sender_timeout = '1s'")
    registry = registries()
    never = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        while not never.wait(0.02):
            handler.wfile.write(b" ")
        return True

    run = avro(registry)
    run.start()
    wait_for_numbers(run, lines(reader, registry), [1])
    first = run.wait_for(lambda: backend(database), 30, "the walsender")
    if kind == "is away":
        registry.close()
    else:
        registry.trouble = drip if kind == "drips" else lambda _: never.wait()
    with database.connect(autocommit=True) as c:
        c.execute("CREATE TABLE more (id int PRIMARY KEY)")
        for i in range(2, 12):
            c.execute("INSERT INTO more VALUES (%s)", [i])
            c.execute("INSERT INTO item VALUES (%s, 'x')", [100 + i])
    later = database.rows("SELECT clock_timestamp() + '4s'")[0][0]
    assert run.wait_for(lambda: backend(database, later), 60, "the server to hear of us 4 s later") == first
    run.wait_for_log(" waiting ")
    assert f"schema registry 127.0.0.1:{registry.port}: " in run.stderr()
    assert f"subject {database.prefix}.public.more-key" in run.stderr()
    assert "session_lost" not in run.stderr()
    registry.trouble = None
    never.set()
    if kind == "is away":
        registry = registries(port=registry.port, state=registry.state)
    assert_once(run, lines(reader, registry), [1, *range(2, 12), *range(102, 112)])
    assert " waited " in run.stderr() and "session_lost" not in run.stderr()


def test_waiting_ends_when_asked_to(database, avro, reader, registries):
    """Also during the snapshot; and what was before it is committed meanwhile."""
    fill(database, 1)
    state, port = State(), free_ports(1)[0]
    run = avro(f"http://127.0.0.1:{port}")
    run.start()
    run.wait_for_log(" waiting ")
    assert run.terminate() == 0
    registry = registries(port=port, state=state)
    run.start()
    wait_for_numbers(run, lines(reader, registry), [1])
    registry.close()
    database.execute("CREATE TABLE more (id int PRIMARY KEY); INSERT INTO more VALUES (3)")
    run.wait_for_log(" waiting ")
    assert run.terminate() == 0
    registry = registries(port=port, state=state)
    assert_once(run, lines(reader, registry), [1, 3])


def test_what_came_before_is_committed_while_waiting(database, avro, reader, registries):
    fill(database, 1)
    registry = registries()
    run = avro(registry)
    run.start()
    wait_for_numbers(run, lines(reader, registry), [1])
    registry.close()
    database.execute("CREATE TABLE more (id int PRIMARY KEY)")
    with database.connect() as c:
        c.execute("INSERT INTO item VALUES (2, 'before')")
        c.execute("INSERT INTO more VALUES (3)")
    write(database, 4)
    run.wait_for_log(" waiting ")
    run.wait_for(lambda: [v["value"]["after"]["id"] for v in lines(reader, registry)()] == [1, 2], 60,
                 "what was taken before the registry went away")
    registry = registries(port=registry.port, state=registry.state)
    assert_once(run, lines(reader, registry), [1, 2, 3, 4])


# ---- wrong answers


def redirect(handler):
    handler.tell(301, "", Location=f"http://user:{SECRET}@elsewhere.example:8081/")
    return True


def other_schema(handler):
    if "/schemas/ids/" not in handler.path:
        return False
    handler.tell(200, {"schema": '"int"'})
    return True


def answers(status, body):
    def answer(handler):
        handler.tell(status, body)
        return True

    return answer


@pytest.mark.parametrize("trouble, words", [
    (answers(200, "<html>"), ["is not a JSON object", "is schema_registry.url right?"]),
    (answers(200, {"id": 1 << 33}), ["has no id of 0 to 2147483647"]),
    (answers(200, {"id": -1}), ["has no id of 0 to 2147483647"]),
    (answers(200, {"id": "7"}), ["has no id of 0 to 2147483647"]),
    (answers(200, " " * (8 << 20)), ["its answer is larger than"]),
    (other_schema, ["keeps another schema under it"]),
    (redirect, ["answers 301", "elsewhere.example:8081", "schema_registry.url"]),
    (answers(403, {"message": "no"}), ["refuses our login", "(403)"]),
    (answers(404, "<html>"), ["answers 404", "does schema_registry.url lack a path"]),
    (answers(422, {"message": "Invalid schema"}), ["answers 422", "Invalid schema"])],
    ids=["html", "2^33", "negative", "text", "huge", "other-schema", "301", "403", "404", "422"])
def test_wrong_answers(database, avro, reader, registry, trouble, words):
    fill(database, 1)
    registry.trouble = trouble
    run = avro(registry)
    assert_refused(run, CONFIG, f"schema registry 127.0.0.1:{registry.port}", *words)
    assert SECRET not in run.stderr()
    assert reader.advance() == []
    registry.trouble = None
    assert_once(run, lines(reader, registry), [1])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_refusals(database, avro, reader, registry, status):
    fill(database, 1)
    registry.trouble = answers(status, "")
    run = avro(registry)
    run.start()
    run.wait_for_log(f"answers {status}; waiting for an answer about subject {database.prefix}.public.item-key")
    assert reader.advance() == []
    registry.trouble = None
    assert_once(run, lines(reader, registry), [1])


# ---- subjects


@pytest.mark.parametrize("strategy, subjects", [
    ("topic", ["{0}.public.item-key", "{0}.public.item-value"]),
    ("record", ["{0}.public.item.Key", "{0}.public.item.Envelope"]),
    ("topic-record", ["{0}.public.item-{0}.public.item.Key", "{0}.public.item-{0}.public.item.Envelope"])])
def test_subjects(database, avro, reader, registry, strategy, subjects):
    fill(database, 1)
    run = avro(registry, **{"schema_registry.subjects": strategy})
    assert_once(run, lines(reader, registry), [1])
    record, = reader.advance()
    key, value = (int.from_bytes(part[1:5]) for part in (record.key, record.value))
    wanted = [s.format(database.prefix) for s in subjects]
    assert registry.state.subjects == {wanted[0]: [key], wanted[1]: [value]}
    asked = len(registry.requests)
    run.start()
    write(database, 2)
    assert_once(run, lines(reader, registry), [1, 2])
    assert registry.requests[asked:] == [f"POST /subjects/{s}" for s in wanted]  # looked up, no more


# ---- refusals


def test_refused_change(database, avro, reader, registry):
    """Nothing of the event or behind it is written; once the operator allows it, exactly there on."""
    fill(database, 1)
    run = avro(registry)
    run.start()
    wait_for_numbers(run, lines(reader, registry), [1])
    subject = f"{database.prefix}.public.item-value"
    registry.set_compatibility(subject, "BACKWARD")
    write(database, 2)
    with database.connect() as c:
        c.execute("INSERT INTO item VALUES (3, 'as before')")
        c.execute("ALTER TABLE item ALTER note TYPE int USING 7, ALTER note SET NOT NULL")
        c.execute("INSERT INTO item VALUES (4, 8)")
        c.execute("INSERT INTO item VALUES (5, 9)")
    database.execute("CREATE TABLE more (id int PRIMARY KEY); INSERT INTO more VALUES (6)")
    words = (f"subject {subject}", "refuses the new schema, in which column note has another type",
             "TYPE_MISMATCH", "change the table or the subject's compatibility", "table public.item")
    assert_ended(run, CONFIG, *words)
    seen = [v["value"]["after"]["id"] for v in lines(reader, registry)()]
    assert seen in ([1], [1, 2])
    assert_refused(run, CONFIG, *words)  # again, and no more is written
    assert [v["value"]["after"]["id"] for v in lines(reader, registry)()] in ([1], [1, 2])
    assert len(registry.versions(subject)) == 1
    registry.set_compatibility(subject, "NONE")
    assert_once(run, lines(reader, registry), [1, 2, 3, 4, 5, 6])
    assert [v["value"]["after"]["id"] for v in lines(reader, registry)()] == [1, 2, 3, 4, 5, 6]
    assert len(registry.versions(subject)) == 2
