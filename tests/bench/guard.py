"""Instructions for each event, counted by callgrind, held against figures that were stored: a regression shows
without a clock.

    guard.py PROGRAM [--junit FILE]   PROGRAM: bench_guard of the release build; every case within TOLERANCE of its
                                      figure, in both directions: what is faster is stored, or the next regression
                                      would hide behind it
    guard.py PROGRAM --store          writes the figures of this compiler; commit the file

Figures are a compiler's: those of a compiler that nobody has stored are skipped, by name.  That a loop which somebody
adds is noticed is a case of its own.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import xml.sax.saxutils

FIGURES = pathlib.Path(__file__).with_name("guard_figures.txt")
TOLERANCE = 0.02  # memcpy is another on other processors: 0.4 %
SHORT, LONG = 1000, 3000  # events; what counts is the difference
WASTE = 100  # turns of an idle loop for each event, which must be noticed
WASTED_CASE = "insert/json"


def count(program, *arguments):
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *map(str, arguments)],
        capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        sys.exit(f"guard: {program} {' '.join(map(str, arguments))} under valgrind failed:\n{done.stderr}")
    return int(found.group(1))


def instructions(program, case, waste=0):
    """For each event."""
    return round((count(program, case, LONG, waste) - count(program, case, SHORT, waste)) / (LONG - SHORT))


def ask(program, question):
    return subprocess.run([program, question], check=True, capture_output=True, text=True).stdout.split()


def read_figures():
    """{(compiler, case): instructions}"""
    if not FIGURES.exists():
        return {}
    lines = [line.split() for line in FIGURES.read_text().splitlines() if line and not line.startswith("#")]
    return {(compiler, case): int(number) for compiler, case, number in lines}


def store(program):
    compiler, = ask(program, "--compiler")
    figures = {key: number for key, number in read_figures().items() if key[0] != compiler}
    for case in ask(program, "--cases"):
        figures[compiler, case] = instructions(program, case)
        print(f"{compiler} {case} {figures[compiler, case]}", flush=True)
    FIGURES.write_text(
        "# Instructions for each event: compiler, case, number.  Written by tests/bench/guard.py --store\n" +
        "".join(f"{compiler} {case} {number}\n" for (compiler, case), number in sorted(figures.items())))


def judge(number, figure):
    """What is wrong, or None."""
    change = number / figure - 1
    if abs(change) <= TOLERANCE:
        return None
    what = ("slower: find out why, or say in the commit what it buys" if change > 0 else "faster")
    return (f"{number} instructions an event, stored are {figure} ({change:+.1%}): {what}; "
            "then tests/bench/guard.py build/release/tests/bench/bench_guard --store")


def check(program):
    """[(case, kind, text)]; kind: passed, failure, skipped"""
    compiler, = ask(program, "--compiler")
    figures = read_figures()
    outcomes = []
    for case in ask(program, "--cases"):
        if (compiler, case) not in figures:
            outcomes.append((case, "skipped", f"no figure is stored for {compiler}"))
            continue
        wrong = judge(instructions(program, case), figures[compiler, case])
        outcomes.append((case, "failure" if wrong else "passed", wrong or ""))
    plain = instructions(program, WASTED_CASE)
    noticed = judge(instructions(program, WASTED_CASE, WASTE), plain)
    outcomes.append(("a loop that was added is noticed", "passed" if noticed else "failure",
                     "" if noticed else f"{WASTE} more turns of a loop for each event were not"))
    return outcomes


def write_junit(path, outcomes):
    quote = xml.sax.saxutils.quoteattr
    path.write_text("<testsuite name='guard'>\n" + "".join(
        f"<testcase classname='guard' name={quote(case)}>" +
        ("" if kind == "passed" else f"<{kind} message={quote(text)}/>") + "</testcase>\n"
        for case, kind, text in outcomes) + "</testsuite>\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program", type=pathlib.Path)
    arguments.add_argument("--junit", type=pathlib.Path)
    arguments.add_argument("--store", action="store_true")
    options = arguments.parse_args()
    program = os.fspath(options.program.resolve())
    if options.store:
        store(program)
        return 0
    outcomes = check(program)
    for case, kind, text in outcomes:
        print(f"{kind.upper()} {case}{': ' if text else ''}{text}")
    if options.junit:
        write_junit(options.junit, outcomes)
    return any(kind == "failure" for _, kind, _ in outcomes)


if __name__ == "__main__":
    sys.exit(main())
