"""apicurio - a real schema registry of one's own, in memory: Apicurio, as Confluent's is spoken to.

    registry = Apicurio(); registry.start()         deploy/deps.sh --only registry fetches it
    registry.url, registry.text(7)
    registry.set_compatibility("orders.public.item-value", "BACKWARD")
    registry.close()
"""
import json
import urllib.error
import urllib.parse
import urllib.request

from private_servers import CACHE, Server, clean_environment, free_ports

PROGRAM = CACHE / "apicurio-2.6.13/apicurio-registry-app-2.6.13.Final-runner.jar"


class Apicurio(Server):
    kind = "apicurio"
    deadline_s = 180

    def __init__(self):
        super().__init__()
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}/apis/ccompat/v7"

    @staticmethod
    def is_installed():
        return PROGRAM.exists()

    def command(self):
        return [CACHE / "java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self.port}", "-jar", PROGRAM
                ], clean_environment()

    def is_ready(self):
        try:
            return self.ask("/subjects") is not None
        except OSError:
            return False

    def ask(self, path, method="GET", body=None):
        request = urllib.request.Request(
            self.url + path, method=method, data=body and json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def text(self, number):
        return self.ask(f"/schemas/ids/{number}")["schema"]

    def versions(self, subject):
        return self.ask(f"/subjects/{urllib.parse.quote(subject, safe='')}/versions")

    def set_compatibility(self, subject, level):
        self.ask(f"/config/{urllib.parse.quote(subject, safe='')}", "PUT", {"compatibility": level})
