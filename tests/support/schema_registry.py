"""schema_registry - as much of a Confluent schema registry as a producer and a reader need.

    registry = SchemaRegistry()
    registry.url, registry.text(7)
    registry.close()

Ids are given per schema text, from 1 on.  Everything is accepted: it has no idea of compatibility.
"""
import http.server
import json
import re
import threading
import urllib.parse

JSON = "application/vnd.schemaregistry.v1+json"


class SchemaRegistry:
    def __init__(self):
        self.lock = threading.Lock()
        self.texts = []     # of id 1, 2...
        self.subjects = {}  # name -> ids in the order of their versions
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def text(self, number):
        return self.texts[number - 1]

    # ---- what is asked; each answers (status, body)

    def register(self, subject, asked):
        with self.lock:
            if asked["schema"] not in self.texts:
                self.texts.append(asked["schema"])
            number = self.texts.index(asked["schema"]) + 1
            versions = self.subjects.setdefault(subject, [])
            if number not in versions:
                versions.append(number)
        return 200, {"id": number}

    def look_up(self, subject, asked):
        versions = self.subjects.get(subject)
        if versions is None:
            return 404, {"error_code": 40401, "message": f"Subject '{subject}' not found."}
        for version, number in enumerate(versions, 1):
            if self.text(number) == asked["schema"]:
                return self.version(subject, version, number)
        return 404, {"error_code": 40403, "message": "Schema not found"}

    def latest(self, subject, _):
        versions = self.subjects.get(subject)
        if versions is None:
            return 404, {"error_code": 40401, "message": f"Subject '{subject}' not found."}
        return self.version(subject, len(versions), versions[-1])

    def version(self, subject, version, number):
        return 200, {"subject": subject, "version": version, "id": number, "schema": self.text(number)}

    def by_id(self, number, _):
        if not 0 < int(number) <= len(self.texts):
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

            def reply(self):
                size = int(self.headers.get("Content-Length", 0))
                asked = json.loads(self.rfile.read(size)) if size else None
                path = urllib.parse.urlsplit(self.path).path
                status, body = registry.answer(self.command, path, asked)
                told = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", JSON)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = reply

            def log_message(self, *_):
                pass

        return Handler
