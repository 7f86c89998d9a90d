"""A dozen crashes of the matrix, and stores that fail by chance; the whole of both is a command.

python -m tests.faults.crashes.matrix        # every point of every scenario, SIGKILL and SIGTERM
python -m tests.faults.crashes.matrix --then all    # every point of a decision, and another command after it
SLUICEGATE_FAULTS=long python -m pytest tests/faults/test_crash_matrix.py
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local import LocalStack
from tests.faults.crashes.matrix import Crash, Matrix, Undisturbed, difference
from tests.faults.crashes.scenarios import FOLLOWING, SCENARIOS, Command
from tests.faults.crashes.spare import Spare
from tests.faults.crashes.stack import Ground
from tests.faults.crashes.state import reader

LONG = os.environ.get("SLUICEGATE_FAULTS") == "long"
CRASHES = 12
FOLLOWED = 6
SEEDS = range(60 if LONG else 4)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    folder: Path = tmp_path_factory.mktemp("crashes")
    with LocalStack(folder / "stack").use() as endpoints, reader(endpoints) as stores, Spare() as spare:
        made = Matrix(Ground.prepared(endpoints, folder), spare, stores)
        made.load_campaigns()
        yield made


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Undisturbed]:
    """Scenarios as they go without a crash, by name; each is run when it is first asked for."""
    return {}


def known(matrix: Matrix, undisturbed: dict[str, Undisturbed], name: str) -> Undisturbed:
    if name not in undisturbed:
        undisturbed[name] = matrix.undisturbed(SCENARIOS[name])
    return undisturbed[name]


@pytest.mark.parametrize("number", range(CRASHES))
def test_a_crash_leaves_nothing_that_another_run_does_not_mend(
    matrix: Matrix, undisturbed: dict[str, Undisturbed], number: int
) -> None:
    """The points are the same every time, a different one in each scenario, so that a failure can be repeated."""
    name = list(SCENARIOS)[number % len(SCENARIOS)]
    whole = known(matrix, undisturbed, name)
    chance = random.Random(f"{name} {number}")
    crash: Crash = chance.choice(list(whole.crashes([signal.SIGTERM if number % 4 == 3 else signal.SIGKILL])))
    found, _ = matrix.crashed(SCENARIOS[name], crash)
    assert not (told := difference(whole.state, found)), f"{crash}\n{told}"


@pytest.mark.parametrize("number", range(FOLLOWED))
def test_a_decision_that_was_killed_is_carried_out_by_another_command(matrix: Matrix, number: int) -> None:
    """A different decision each time, killed at another point, and followed by another command."""
    deciding = [name for name, one in SCENARIOS.items() if any(command.decides for command in one.commands)]
    name, then = deciding[number % len(deciding)], list(FOLLOWING)[number % len(FOLLOWING)]
    whole = matrix.undisturbed(SCENARIOS[name])
    chance = random.Random(f"{name} {then}")
    crashes = [one for one in whole.crashes([signal.SIGKILL]) if SCENARIOS[name].commands[one.command].decides]
    crash = chance.choice(crashes)
    expected, found = matrix.followed(SCENARIOS[name], crash, Command(FOLLOWING[then]))
    assert not (different := difference(expected, found)), f"{name}, {crash}, then {then}\n{different}"


def test_two_undisturbed_runs_have_the_same_state(matrix: Matrix, undisturbed: dict[str, Undisturbed]) -> None:
    """So that a difference means something; and the points cover every port."""
    first = known(matrix, undisturbed, "halted, resumed")
    again = matrix.undisturbed(SCENARIOS["halted, resumed"])
    assert not difference(first.state, again.state)
    assert again.points == first.points
    ports = {point.split()[1].split(".")[0] for points in first.points for point in points}
    assert ports >= {"ledger", "raw_store", "metrics", "graph_store", "vectors", "journal", "gate", "alerts"}


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_of_faults_ends_in_the_same_state(
    matrix: Matrix, undisturbed: dict[str, Undisturbed], seed: int
) -> None:
    """Stores that fail before, after and in the middle of writes, over several runs; then one without faults."""
    name = ("tolerant run", "halted, resumed", "fallbacks, embedded again")[seed % 3]
    whole = known(matrix, undisturbed, name)
    found, tried = matrix.with_faults(SCENARIOS[name], seed)
    assert not (told := difference(whole.state, found)), f"seed {seed}: {tried}\n{told}"


def test_a_ledger_that_was_lost_loads_nothing_twice(matrix: Matrix, undisturbed: dict[str, Undisturbed]) -> None:
    whole = known(matrix, undisturbed, "tolerant run")
    found = matrix.without_ledger(SCENARIOS["tolerant run"])
    assert not (told := difference(whole.state, found)), told
