"""The checker can fail: relays broken on purpose are caught by it, or refuse to go on by themselves.

Each mutant is a build with -DMILLRACE_MUTANT=NAME; tests/run.sh makes them in build/mutant-NAME.
"""
import random
import time

import pytest

from conftest import TREE
from test_kill import SEED, Scene


def mutant(name):
    program = TREE / f"build/mutant-{name}/relay/millrace"
    assert program.exists(), f"{program} is not there: tests/run.sh builds it"
    return program


def verdict(scene, kills, rng):
    """What gives the mutant away: a word, or None."""
    load = scene.load(SEED + "/mutant", 1500, pause=0.002)
    gave_up = None
    for _ in range(kills):
        time.sleep(rng.uniform(0.1, 0.6))
        scene.relay.kill9()
        if scene.relay.exit_code not in (-9, None):
            gave_up = f"exit code {scene.relay.exit_code}"
            break
        scene.relay.start()
    load.join()
    if gave_up:
        return gave_up
    try:
        records = scene.finish()
    except AssertionError:
        return f"exit code {scene.relay.exit_code}"
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
    found = verdict(scene, 12, random.Random(SEED + name))
    assert found, f"seed {SEED}: the mutant {name} went unnoticed"
    print(f"{name}: {found}")
