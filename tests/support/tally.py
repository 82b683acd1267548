"""tally - how many tests a JUnit file of ctest or pytest tells of:  tally.py FILE...

Prints `passed failed skipped`.  A cmocka program is one test for ctest, which keeps what it said:
its cases are counted instead, and a program that failed without a failed case (a crash, a leak)
counts as one failure more.
"""

import re
import sys
import xml.etree.ElementTree


def cmocka_cases(text):
    """(passed, failed, skipped) of the groups in a program's output; None if it is not cmocka's."""
    if not re.search(r"^\[=+\] .*Running \d+ test", text, re.M):
        return None

    def total(word):
        return sum(int(n) for n in re.findall(rf"^\[\s*{word}\s*\] (?:.*: )?(\d+) test", text, re.M))

    return total("PASSED"), total("FAILED"), total("SKIPPED")


def outcome(case):
    """(passed, failed, skipped) of one <testcase>."""
    bad = case.find("failure") is not None or case.find("error") is not None
    skipped = case.find("skipped") is not None
    bad = bad or case.get("status") == "fail"
    cases = cmocka_cases(case.findtext("system-out") or "")
    if cases is None:
        return (0, 1, 0) if bad else (0, 0, 1) if skipped else (1, 0, 0)
    passed, failed, left_out = cases
    return passed, max(failed, 1 if bad else 0), left_out


def main():
    cases = [case for name in sys.argv[1:]
             for case in xml.etree.ElementTree.parse(name).getroot().iter("testcase")]
    print(*(sum(column) for column in zip((0, 0, 0), *map(outcome, cases))))


if __name__ == "__main__":
    main()
