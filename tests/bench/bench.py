"""Speed, CPU and memory of the relay, each figure beside its floor in the same run.

Cases: stream, snapshot, latency, memory, encode, scale; see tests/bench/README.md for what each
measures.  Every contender of a piece of work has its turn, then all again (A B A B), and medians are
printed.  Ratios are what to quote: the machine is shared by all servers.
"""
import argparse
import pathlib
import re
import shlex
import signal
import subprocess
import sys

from world import ROOT, World  # noqa: I001 (it finds the modules of other folders)
import cases
import plot
import workloads
from debezium import Connect, Debezium
from private_servers import ServerError
from programs import Failure
from report import Report

ENCODINGS = ["json", "json-schema", "avro"]


def listed(choices):
    def read(text):
        found = text.split(",")
        for word in found:
            if word not in choices:
                raise argparse.ArgumentTypeError(f"{word} is none of {', '.join(choices)}")
        return found

    return read


def options_read():
    arguments = argparse.ArgumentParser(prog="tests/bench/run.sh", description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = arguments.add_argument
    add("case", nargs="*", default=["all"], choices=[*cases.CASES, "all"])
    add("--scale", type=float, default=1.0, help="fraction of the full size, for a quick look")
    add("--runs", type=int, default=3, help="turns of each contender")
    add("--workloads", type=listed(workloads.ALL), default=list(workloads.ALL),
        help=f"of the stream: some of {','.join(workloads.ALL)}")
    add("--encodings", type=listed(ENCODINGS), default=ENCODINGS,
        help="some of json,json-schema,avro; the first is compared everywhere, the others with single-row inserts")
    add("--everything", action="store_true", help="all contenders at every workload, not only where it matters most")
    add("--contenders", type=re.compile, default="", metavar="REGEX",
        help="only those whose label, as in the tables, matches; librdkafka needs a relay into Kafka before it")
    add("--debezium", action="store_true", help="also Debezium's connector, tuned (fetched from Maven Central)")
    add("--debezium-runs", type=int, default=1, help="its turns; it takes its time")
    add("--json", type=pathlib.Path, metavar="FILE", help="all figures, each run's")
    add("--plots", type=pathlib.Path, metavar="FOLDER", help="throughput.png and growth.png")
    add("--millrace", type=pathlib.Path, default=ROOT / "build/release/relay/millrace", help="the program to measure")
    add("--tools", type=pathlib.Path, default=ROOT / "build/release/tests/bench", help="where bench_produce... are")
    options = arguments.parse_args()
    if options.scale <= 0 or options.runs < 1 or options.debezium_runs < 1:
        arguments.error("--scale, --runs and --debezium-runs must be above 0")
    return options


def measure(world, report, options):
    """Runs the cases; one that fails is told and the next begins."""
    worker = Connect(world.kafka) if options.debezium else None
    world.debezium = Debezium(worker) if worker else None
    try:
        world.start()
        if worker:
            worker.start()
        if options.case != ["encode"]:
            cases.warm(world, report)
        for name, case in cases.CASES.items():
            if name in options.case or "all" in options.case:
                try:
                    case(world, report)
                except (Failure, ServerError) as problem:
                    report.failed(name, problem)
                    world.clear()
    except (Failure, ServerError) as problem:
        report.failed("start", problem)
    finally:
        if worker:
            worker.close()
        world.close()


def main():
    options = options_read()
    report = Report(options, "tests/bench/run.sh " + shlex.join(sys.argv[1:]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        measure(World(options), report, options)
    except KeyboardInterrupt:
        report.failed("all", "interrupted")
    finally:
        if options.json:
            report.write(options.json)
        if options.plots and report.results:
            try:
                plot.draw(report.results, options.plots)
            except (OSError, subprocess.CalledProcessError) as problem:
                report.failed("plots", problem)
    for failure in report.failures:
        print(f"bench: FAILED {failure}", file=sys.stderr)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
