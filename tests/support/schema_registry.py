"""schema_registry - as much of a Confluent schema registry as a producer and a reader need.

    registry = SchemaRegistry()
    registry.url, registry.text(7), registry.schema(7)
    registry.set_compatibility("orders.public.item-value", "BACKWARD")
    registry.close()

    SchemaRegistry(port=8081)                   on a port of one's own: again after close()
    SchemaRegistry(tls=context)                 https
    SchemaRegistry(login="Basic cmVhZ...")      everybody else gets 401

Ids are given per schema text, from 1 on, and outlive close() when `state` is handed on.  Under NONE,
which is the default, everything is accepted; BACKWARD knows two rules: a new field needs a default,
and a type may become a wider one only.

registry.trouble, when it is set, is asked first: a function of the handler (its .command and .path)
that returns True when it has answered, or not answered, by itself.
"""
import contextlib
import http.server
import json
import os
import re
import socket
import ssl
import threading
import urllib.parse

JSON = "application/vnd.schemaregistry.v1+json"
WIDER = {("int", "long"), ("int", "float"), ("int", "double"), ("long", "float"), ("long", "double"),
         ("float", "double"), ("string", "bytes"), ("bytes", "string")}


class State:
    """What a registry keeps."""

    def __init__(self):
        self.texts = []     # of id 1, 2...
        self.subjects = {}  # name -> ids in the order of their versions
        self.levels = {}    # name -> compatibility


class SchemaRegistry:
    def __init__(self, port=0, tls=None, login=None, state=None):
        self.lock = threading.Lock()
        self.state = state or State()
        self.login = login
        self.trouble = None
        self.requests = []  # "POST /subjects/x", in the order of their coming
        self.server = Server(("127.0.0.1", port), self.handler())
        self.server.tls = tls
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        """Nobody is answered any more, nor those who are connected already."""
        self.server.shutdown()
        self.server.hang_up()
        self.server.server_close()
        self.thread.join()

    # ---- for tests

    def text(self, number):
        return self.state.texts[number - 1]

    def schema(self, number):
        return json.loads(self.text(number))

    def versions(self, subject):
        """The ids of a subject, in the order of its versions."""
        return self.state.subjects.get(subject, [])

    def set_compatibility(self, subject, level):
        self.state.levels[subject] = level

    # ---- what is asked; each answers (status, body)

    def register(self, subject, asked):
        with self.lock:
            texts, versions = self.state.texts, self.state.subjects.get(subject, [])
            problem = None
            if versions and self.state.levels.get(subject, "NONE") == "BACKWARD":
                problem = incompatibility(json.loads(asked["schema"]), self.schema(versions[-1]))
            if problem:
                return 409, {"error_code": 409, "message": "Schema being registered is incompatible "
                             f'with an earlier schema for subject "{subject}", details: [{problem}]'}
            if asked["schema"] not in texts:
                texts.append(asked["schema"])
            number = texts.index(asked["schema"]) + 1
            if number not in versions:
                self.state.subjects.setdefault(subject, []).append(number)
        return 200, {"id": number}

    def look_up(self, subject, asked):
        versions = self.state.subjects.get(subject)
        if versions is None:
            return 404, {"error_code": 40401, "message": f"Subject '{subject}' not found."}
        for version, number in enumerate(versions, 1):
            if self.text(number) == asked["schema"]:
                return self.version(subject, version, number)
        return 404, {"error_code": 40403, "message": "Schema not found"}

    def latest(self, subject, _):
        versions = self.state.subjects.get(subject)
        if versions is None:
            return 404, {"error_code": 40401, "message": f"Subject '{subject}' not found."}
        return self.version(subject, len(versions), versions[-1])

    def version(self, subject, version, number):
        return 200, {"subject": subject, "version": version, "id": number, "schema": self.text(number)}

    def by_id(self, number, _):
        if not 0 < int(number) <= len(self.state.texts):
            return 404, {"error_code": 40403, "message": "Schema not found"}
        return 200, {"schema": self.text(int(number))}

    def answer(self, method, path, asked):
        for wanted, pattern, answer in (
                ("POST", r"/subjects/([^/]+)/versions", self.register),
                ("POST", r"/subjects/([^/]+)", self.look_up),
                ("GET", r"/subjects/([^/]+)/versions/latest", self.latest),
                ("GET", r"/schemas/ids/(\d+)", self.by_id)):
            found = re.fullmatch(pattern, path)
            if method == wanted and found:
                return answer(urllib.parse.unquote(found[1]), asked)
        return 404, {"error_code": 404, "message": f"HTTP 404 Not Found: {method} {path}"}

    def handler(self):
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or the body waits 40 ms for the client's delayed ACK of the head

            def reply(self):
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size)
                path = urllib.parse.urlsplit(self.path).path
                registry.requests.append(f"{self.command} {urllib.parse.unquote(path)}")
                if registry.trouble is not None and registry.trouble(self):
                    return
                if registry.login not in (None, self.headers.get("Authorization")):
                    self.tell(401, {"error_code": 401, "message": "Unauthorized"})
                else:
                    self.tell(*registry.answer(self.command, path, json.loads(body) if body else None))

            def tell(self, status, body, **headers):
                """A body that is no text is told as JSON."""
                told = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": JSON, **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = reply

            def log_message(self, *_):
                pass

        return Handler


def hear_out(connection):
    """Closes our side, and reads on until the client closes its: with bytes left unread the kernel
    would reset the connection, and the client might never see the alert that was sent to it."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as plain_socket:
        plain_socket.settimeout(10)
        plain_socket.shutdown(socket.SHUT_WR)
        while plain_socket.recv(65536):
            pass


class Server(http.server.ThreadingHTTPServer):
    """The handshake is made by the thread of the connection."""

    def __init__(self, *where):
        super().__init__(*where)
        self.tls = None
        self.connections = []

    def process_request(self, request, client_address):
        self.connections.append(request)
        super().process_request(request, client_address)

    def hang_up(self):
        for request in self.connections:
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is gone

    def finish_request(self, request, client_address):
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as wrapped:
            try:
                wrapped.do_handshake()
            except (ssl.SSLError, OSError):
                hear_out(wrapped)  # a client without a certificate, or that does not trust ours
                return
            with contextlib.suppress(ssl.SSLError, OSError):
                super().finish_request(wrapped, client_address)

    def handle_error(self, request, client_address):
        pass  # a client that hangs up


# ---- compatibility


def fields_of(schema):
    return {f["name"]: f for f in schema.get("fields", [])} if isinstance(schema, dict) else {}


def plain(schema):
    """{"type": "long", "connect.version": 1} is "long"."""
    while isinstance(schema, dict) and schema["type"] not in ("record", "array", "map", "enum", "fixed"):
        schema = schema["type"]
    return schema


def incompatibility(new, old):
    """Why a reader of the new schema cannot read what the old one wrote; None when it can."""
    new, old = plain(new), plain(old)
    if isinstance(new, list) or isinstance(old, list):
        branches = [plain(b) for b in (new if isinstance(new, list) else [new])]
        for branch in [plain(b) for b in (old if isinstance(old, list) else [old])]:
            if all(incompatibility(mine, branch) for mine in branches):
                return incompatibility(branches[-1], branch)
        return None
    if isinstance(new, str) or isinstance(old, str):
        names = name_of(old), name_of(new)
        return None if names[0] == names[1] or names in WIDER else mismatch(new, old)
    if new["type"] != old["type"] or name_of(new) != name_of(old):
        return mismatch(new, old)
    for part in ("items", "values"):
        if part in new:
            return incompatibility(new[part], old[part])
    others = fields_of(old)
    for name, field in fields_of(new).items():
        if name not in others:
            if "default" not in field:
                return (f"{{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field "
                        f"'{name}' in the new schema has no default value', additionalInfo:'{name}'}}")
            continue
        problem = incompatibility(field["type"], others[name]["type"])
        if problem:
            return problem
    return None


def name_of(schema):
    """Without its namespace, which stands in the text or around it."""
    name = schema if isinstance(schema, str) else schema.get("name", schema["type"])
    return name.rpartition(".")[2]


def mismatch(new, old):
    return f"{{errorType:'TYPE_MISMATCH', description:'{name_of(old)} became {name_of(new)}'}}"
