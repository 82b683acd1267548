"""The checker can fail: relays broken on purpose are caught by it, or refuse to go on by themselves.

Each mutant is a build with -DMILLRACE_MUTANT=NAME; tests/run.sh makes them in build/mutant-NAME.
"""
import random

import pytest

from conftest import TREE
from test_kill import SEED, Scene, kill_under_load


def mutant(name):
    program = TREE / f"build/mutant-{name}/relay/millrace"
    assert program.exists(), f"{program} is not there: tests/run.sh builds it"
    return program


def verdict(scene, kills, rng):
    """What gives the mutant away: a text, or None."""
    load = scene.load(SEED + "/mutant", 300, pause=0.004)
    code = kill_under_load(scene, kills, rng, streaming=1, most_s=1.5)
    load.join()
    if code is None:
        try:
            records = scene.finish()
        except AssertionError:
            code = scene.relay.exit_code
    if code is not None:
        return f"it refused to go on, exit code {code}"
    problems = scene.sequence_problems(records) + scene.state_problems(records)
    return problems[0] if problems else None


@pytest.mark.kills
@pytest.mark.parametrize("name", ["confirm_early", "skip_position", "drop_event"])
def test_mutant_is_caught(name, database, relay, reader):
    program = mutant(name)
    scene = Scene(database, relay, reader)
    scene.relay.binary = program
    scene.start_streaming()
    scene.start_witness()
    found = verdict(scene, 8, random.Random(SEED + name))
    assert found, f"seed {SEED}: the mutant {name} went unnoticed"
    print(f"{name}: {found}")
