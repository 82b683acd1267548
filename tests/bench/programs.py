"""programs - the processes that are measured: started, watched from outside, always ended.

    pool = Programs(folder)
    program = pool.start("relay", ["millrace", "run", ...])
    figures = program.until(lambda: ..., 60, "the end of the backlog")
    pool.close()

A process that outlives the one that measures (a SIGKILL) is ended by the guard of private_servers.
"""
import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import time

from private_servers import Process, clean_environment, guard

TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """A measurement that could not be made; the text says which, and where to look."""


@dataclasses.dataclass
class Figures:
    """seconds: wall time.  cpu_s: user + system of the one process.  peak_mib: VmHWM.  events, if the
    time is that of fewer than all (see debezium.py).  postgres_cpu_s, kafka_cpu_s: the servers'.
    first_s, first_events: when the first records were in the topics, and how many those were."""

    seconds: float
    cpu_s: float = None
    peak_mib: float = None
    events: int = None
    postgres_cpu_s: float = None
    kafka_cpu_s: float = None
    first_s: float = None
    first_events: int = None

    def take_first(self, first):
        self.first_s, self.first_events = first

    def rate(self, events):
        return (self.events or events) / self.seconds

    def rate_from_first(self, events):
        """As Debezium's clock runs: neither its start nor that of the others counts."""
        if self.first_s is None:
            return self.rate(events)
        return (events - self.first_events) / (self.seconds - self.first_s)


def usage(pid):
    """(CPU seconds so far, peak resident MiB, resident MiB now) of a running process."""
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())

    def mib(name):
        return int(status[name].split()[0]) / 1024

    return sum(times_of(pid)[:2]) / TICKS, mib("VmHWM"), mib("VmRSS")


def cpu_of_all(pid):
    """CPU seconds so far of a process and all its children, those that have ended too."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = sum(times_of(pid)[:4])
    for child in children:
        with contextlib.suppress(OSError):  # it has ended since
            total += sum(times_of(child)[:2])
    return total / TICKS


def times_of(pid):
    """User, system, user and system of its children that have ended: in ticks."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [int(ticks) for ticks in fields[11:15]]


class Program:
    def __init__(self, name, argv, log, stdout=None):
        self.name, self.log = name, log
        with open(log, "ab") as out:
            self.started = time.perf_counter()
            self.child = subprocess.Popen(
                [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=out,
                env=clean_environment(), start_new_session=True)
        self.process = Process.of_child(self.child)
        guard.keep(self.process)

    def seconds(self):
        return time.perf_counter() - self.started

    def figures(self):
        """Of this moment, while it runs."""
        try:
            cpu_s, peak_mib, _ = usage(self.child.pid)
        except (OSError, KeyError):
            raise self.failure("ended by itself") from None
        return Figures(self.seconds(), cpu_s, peak_mib)

    def until(self, done, limit_s, what):
        """Lets it run until done(); the figures of that moment.  It runs on."""
        end = time.perf_counter() + limit_s
        while not done():
            if self.child.poll() is not None:
                raise self.failure(f"ended with status {self.child.returncode} before {what}")
            if time.perf_counter() > end:
                raise self.failure(f"did not reach {what} within {limit_s} s")
            time.sleep(0.005)
        return self.figures()

    def to_the_end(self, limit_s):
        """Lets it end by itself, which must be with 0."""
        end, peak_mib = time.perf_counter() + limit_s, 0
        while True:
            with contextlib.suppress(OSError, KeyError):  # not ru_maxrss: that begins with ours
                peak_mib = usage(self.child.pid)[1]
            pid, status, used = os.wait4(self.child.pid, os.WNOHANG)
            if pid != 0:
                break
            if time.perf_counter() > end:
                raise self.failure(f"did not end within {limit_s} s")
            time.sleep(0.005)
        seconds = self.seconds()
        self.child.returncode = os.waitstatus_to_exitcode(status)
        guard.release(self.process)
        if self.child.returncode != 0:
            raise self.failure(f"ended with status {self.child.returncode}")
        return Figures(seconds, used.ru_utime + used.ru_stime, peak_mib)

    def failure(self, what):
        return Failure(f"{self.name} {what}; it said last:\n{self.last_words()}")

    def last_words(self):
        lines = self.log.read_text(errors="replace").splitlines()[-8:]
        return "\n".join(f"    {line[:300]}" for line in lines) or "    (nothing)"

    def stop(self):
        """SIGTERM, and SIGKILL when that does not end it in time."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(10)
        guard.release(self.process)

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait(10)
        guard.release(self.process)


class Programs:
    def __init__(self, folder):
        self.folder = folder
        self.all = []

    def start(self, name, argv, stdout=None):
        program = Program(name, argv, self.folder / f"{name.replace(' ', '_')}-{len(self.all)}.log", stdout)
        self.all.append(program)
        return program

    def close(self):
        for program in self.all:
            program.kill()
