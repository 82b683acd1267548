"""The benchmark itself, at a tiny size: it measures what it says, tells what fails, leaves nothing."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

from conftest import TREE
from servers import wait_until

sys.path.insert(0, str(TREE / "tests/bench"))

TINY = ["--scale", "0.001", "--runs", "2"]
INSERTS = ["stream", "--workloads", "inserts", "--contenders", "recvlogical|Kafka exactly once, json$"]


def heed_interrupts():
    """A shell's background jobs, of which the tests may be one, ignore SIGINT, and what they start does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def bench(millrace, tmp_path):
    """Starts the benchmark with the tools of the relay's build; its temporary files are in .folder."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))  # one that PostgreSQL's user may pass
    folder.chmod(0o755)
    started = []

    def start(*arguments, program=millrace):
        process = subprocess.Popen(
            [sys.executable, TREE / "tests/bench/bench.py", *TINY, *arguments, "--millrace", program,
             "--tools", millrace.parents[1] / "tests/bench", "--json", tmp_path / "report.json"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "TMPDIR": str(folder)},
            preexec_fn=heed_interrupts)
        started.append(process)
        return process

    start.folder = folder
    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
    wait_until(lambda: not using(folder), 30, "the guard to end what was left")
    shutil.rmtree(folder, ignore_errors=True)


def finish(process):
    """(exit status, what it printed)"""
    text, _ = process.communicate(timeout=600)
    return process.returncode, text


def report(tmp_path):
    return json.loads((tmp_path / "report.json").read_text())


def using(folder):
    """Processes that work in the folder, or are told of it."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes().decode(errors="replace") + os.readlink(entry / "cwd")
        except OSError:
            continue  # gone
        if str(folder) in told:
            found.append(f"{entry.name}: {told[:200]}")
    return found


def test_each_case_has_its_figures(bench, tmp_path):
    status, text = finish(bench("stream", "snapshot", "latency", "memory", "encode", "--workloads", "inserts,tpcb,wide,large", "--plots", str(tmp_path),
                                "--contenders", "recvlogical|COPY|json$|transactions|^millrace, exactly once$"))
    assert status == 0, text
    found = report(tmp_path)
    assert found["failures"] == []
    rows = [r for r in found["results"] if r["case"] in ("stream", "snapshot")]
    assert {r["work"] for r in rows} == {"inserts", "tpcb", "wide", "large", "1 workers", "2 workers", "4 workers"}, text
    for row in rows:
        assert row["events_per_s"] > 0 and row["peak_mib"] > 1, row
        assert len(row["runs"]) == (1 if row["work"] == "large" else 2), row
        if row["kind"] == "relay":
            assert row["ratio_source"] > 0 and (row["sink"] == "null" or row["ratio_sink"] > 0), row
    delays = [r for r in found["results"] if r["case"] == "latency"]
    assert [(r["rate"], r["records"]) for r in delays] == [(500, 500)] * 2 + [(2000, 2000)] * 2, text
    assert all(0 < r["p50_ms"] <= r["p99_ms"] <= r["max_ms"] for r in delays), delays
    assert {r["case"] for r in found["results"]} == {"stream", "snapshot", "latency", "memory", "start", "encode"}
    assert (tmp_path / "throughput.png").read_bytes().startswith(b"\x89PNG")
    assert using(bench.folder) == []
    assert list(bench.folder.iterdir()) == []


def test_cost_as_work_grows_is_drawn(bench, tmp_path):
    status, text = finish(bench("scale", "--plots", str(tmp_path), "--contenders", "null"))
    assert status == 0, text
    points = report(tmp_path)["results"]
    assert {r["work"] for r in points} == {"columns", "bytes of text", "rows in a transaction", "tables", "partitions"}
    assert [r["value"] for r in points if r["work"] == "columns"] == [1, 4, 16, 64, 256]
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def wrapped(millrace, tmp_path, more):
    """A program that is the relay, but for more arguments."""
    program = tmp_path / "wrapped"
    program.write_text(f'#!/bin/sh\n[ "$1" != run ] || exec {millrace} "$@" {more}\nexec {millrace} "$@"\n')
    program.chmod(0o755)
    return program


def test_rows_that_did_not_come_are_told(bench, tmp_path, millrace):
    losing = wrapped(millrace, tmp_path, "--set tables.exclude=public.w_0")
    status, text = finish(bench(*INSERTS, program=losing))
    assert status == 1
    assert "Kafka exactly once, json: 1000 rows were written, but the topics end at 0" in text
    assert {r["contender"] for r in report(tmp_path)["results"]} == {"pg_recvlogical"}  # the others went on


def test_a_relay_that_ends_is_told_with_its_last_words(bench, tmp_path, millrace):
    refused = wrapped(millrace, tmp_path, "--set kafka.timeout=never")
    status, text = finish(bench(*INSERTS, program=refused))
    assert status == 1
    assert "ended with status 2 before the end of the backlog" in text and "kafka.timeout" in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_leaves_nothing_behind(bench, number):
    process = bench("stream", "--workloads", "tpcb", "--scale", "1")
    for line in process.stdout:
        if line.startswith("stream, tpcb"):
            break
    wait_until(lambda: len(using(bench.folder)) >= 2, 60, "both servers")
    process.send_signal(number)
    process.wait(60)
    assert process.returncode != 0
    wait_until(lambda: not using(bench.folder), 30, "everything to end")
    wait_until(lambda: not list(bench.folder.iterdir()), 30, "its folders to go")
