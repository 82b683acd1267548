"""report - what was measured: as tables while it goes on, and as JSON.

A Row is one contender at one piece of work, with the figures of each run; its medians and its ratios
to the floors of the same work are derived here and nowhere else.
"""
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import time

COLUMNS = f"    {'':44s} {'events/s':>11s} {'/source':>8s} {'/sink':>7s} {'from first':>11s} {'/Debezium':>9s} {'CPU us':>7s} {'MiB':>7s} {'PostgreSQL us':>14s} {'Kafka us':>9s} {'cores':>6s}"
FLOORS = {"source": "ratio_source", "sink": "ratio_sink", "debezium": "ratio_debezium"}


@dataclasses.dataclass
class Row:
    case: str
    work: str  # the workload's name
    contender: str
    kind: str  # relay, debezium, or the floor of source or sink
    events: int
    runs: list  # of Figures
    facts: dict = dataclasses.field(default_factory=dict)

    def rates(self, from_first=False):
        return [run.rate_from_first(self.events) if from_first else run.rate(self.events) for run in self.runs]

    def rate(self, from_first=False):
        return statistics.median(self.rates(from_first))

    def cpu_us(self, of="cpu_s"):
        """Microseconds for an event are seconds for a million of them."""
        used = [getattr(run, of) for run in self.runs]
        if None in used:
            return None
        return statistics.median(cpu / (run.events or self.events) for cpu, run in zip(used, self.runs)) * 1e6

    def cores(self):
        """That the process and both servers kept busy together."""
        each = [(run.cpu_s, run.postgres_cpu_s, run.kafka_cpu_s, run.seconds) for run in self.runs]
        return None if any(None in run for run in each) else statistics.median(sum(run[:3]) / run[3] for run in each)

    def peak_mib(self):
        return max((run.peak_mib for run in self.runs if run.peak_mib is not None), default=None)

    def ratio(self, other):
        """Of the rates: run by run where both ran as often, as they ran in turn."""
        alike = other.kind == "debezium"
        if len(self.runs) == len(other.runs):
            return statistics.median(a / b for a, b in zip(self.rates(alike), other.rates()))
        return self.rate(alike) / other.rate()

    def figures(self, floors):
        found = {"case": self.case, "work": self.work, "contender": self.contender, "kind": self.kind,
                 "events": self.events, "events_per_s": self.rate(), "events_per_s_from_first": self.rate(from_first=True),
                 "cpu_s_per_million": self.cpu_us(),
                 "peak_mib": self.peak_mib(), "postgres_cpu_s_per_million": self.cpu_us("postgres_cpu_s"),
                 "kafka_cpu_s_per_million": self.cpu_us("kafka_cpu_s"), "cores": self.cores(), **self.facts,
                 "runs": [dataclasses.asdict(run) for run in self.runs]}
        for kind, floor in floors.items():
            if self.kind == "relay" and (kind == "source" or self.facts["sink"] == "kafka"):
                found[FLOORS[kind]] = self.ratio(floor)
        return found


class Report:
    def __init__(self, options, command):
        self.results, self.failures = [], []
        self.head = {"command": command, "scale": options.scale, "runs": options.runs, "machine": machine(),
                     "versions": versions(options), "began": time.strftime("%Y-%m-%d %H:%M:%S")}
        self.started = time.perf_counter()

    def title(self, text):
        print(f"\n{text}   [{time.perf_counter() - self.started:.0f} s]", flush=True)

    def failed(self, what, problem):
        self.failures.append(f"{what}: {problem}")
        print(f"    FAILED {what}: {problem}", flush=True)

    def rows(self, rows):
        """One piece of work, all its contenders.  The fastest floor of a kind is the floor."""
        rows = [row for row in rows if row.runs]
        floors = {}
        for row in rows:
            if row.kind in FLOORS and (row.kind not in floors or row.rate() > floors[row.kind].rate()):
                floors[row.kind] = row
        print(COLUMNS)
        for row in rows:
            found = row.figures(floors)
            self.results.append(found)
            print(line(found), flush=True)

    def fact(self, case, text, **facts):
        """A figure of another shape: printed as told."""
        self.results.append({"case": case, **facts})
        print(f"    {text}", flush=True)

    def write(self, file):
        found = {**self.head, "seconds": time.perf_counter() - self.started, "failures": self.failures,
                 "results": self.results}
        pathlib.Path(file).write_text(json.dumps(found, indent=1) + "\n")


def line(found):
    def number(name, form):
        value = found.get(name)
        return format("" if value is None else format(value, form.lstrip("0123456789")), f">{form[:form.index('.')]}s")

    first = format(found["events_per_s_from_first"], ",.0f") if "ratio_debezium" in found else ""
    runs = "" if len(found["runs"]) != 1 else "  1 run"
    return (f"    {found['contender']:44s} {found['events_per_s']:11,.0f} {number('ratio_source', '8.2f')} "
            f"{number('ratio_sink', '7.2f')} {first:>11s} {number('ratio_debezium', '9.1f')} "
            f"{number('cpu_s_per_million', '7.2f')} {number('peak_mib', '7.1f')} "
            f"{number('postgres_cpu_s_per_million', '14.2f')} {number('kafka_cpu_s_per_million', '9.2f')} "
            f"{number('cores', '6.2f')}{runs}")


def machine():
    memory = next(row for row in pathlib.Path("/proc/meminfo").read_text().splitlines() if row.startswith("MemTotal"))
    cpu = [row.partition(":")[2].strip() for row in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
           if row.startswith("model name")]
    return {"cores": len(os.sched_getaffinity(0)), "memory_gib": round(int(memory.split()[1]) / 2**20, 1),
            "cpu": cpu[0] if cpu else platform.machine(), "system": platform.release()}


def versions(options):
    def said(*argv):
        return subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False).stdout.strip()

    own = dict(row.split(" ", 1) for row in said(options.millrace, "--version").splitlines() if " " in row)
    found = {**own, "PostgreSQL": said("psql", "--version").split()[2], "Kafka": "4.3.1"}
    return {**found, "Debezium": "3.7.0.Final"} if options.debezium else found
