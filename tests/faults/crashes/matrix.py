"""The crash matrix as a command: every scenario, killed at every point, run again, compared with an undisturbed run.

Usage: python -m tests.faults.crashes.matrix [--scenario NAME] [--signal KILL|TERM] [--every N] [--part I/N]
       python -m tests.faults.crashes.matrix --then all     # go on with other commands than the one that was killed
Prints how many points there are, and each run whose state differs; exits with 1 when there is one.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from expectations_plugins.core.errors import ExitCode
from pipeline.local import LocalStack
from tests.faults.crashes.scenarios import FILE, FOLLOWING, RUN, SCENARIOS, Command, Scenario
from tests.faults.crashes.spare import Ended, Order, Spare
from tests.faults.crashes.stack import Ground, Plot
from tests.faults.crashes.state import Reader, reader

SIGNALS = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM}
RUNS = 3
MOST = {"transient": 0.15, "terminal": 0.03, "committed": 0.1, "partial": 0.1}
"""The highest odds of each fault, a write."""

EXPECTED = {0, 2, 4, 5, 10}
"""Exit codes of commands that are run again after a crash: some of them have nothing left to do, and say so."""


@dataclass(frozen=True, slots=True)
class Crash:
    """Where a run dies.

    Args:
        command: Index of the command.
        at: The point, from 0.
        point: Its name.
        number: The signal.
    """

    command: int
    at: int
    point: str
    number: int


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A scenario as it goes without a crash."""

    state: Mapping[str, Any]
    points: Sequence[Sequence[str]]

    def crashes(self, numbers: Sequence[int]) -> Iterator[Crash]:
        """Every place to die at."""
        for command, points in enumerate(self.points):
            for at, point in enumerate(points):
                for number in numbers:
                    yield Crash(command, at, point, number)


class Matrix:
    """Runs scenarios.

    Args:
        ground: Where.
        spare: Runs command lines.
        stores: Reads what came of them.
    """

    def __init__(self, ground: Ground, spare: Spare, stores: Reader) -> None:
        self._ground, self._spare, self._stores = ground, spare, stores
        self._expected: dict[tuple[str, tuple[str, ...]], Mapping[str, Any]] = {}

    def load_campaigns(self) -> None:
        """Once: the catalogue all scenarios share."""
        plot = self._ground.plot()
        path = plot.folder / "campaigns.jsonl"
        path.write_text('{"campaign_id": "c_known"}\n{"campaign_id": "c_other"}\n', encoding="utf-8")
        ended = self._run(plot, Command(("campaigns", "load", str(path))), None)
        assert ended.code == 0, said(plot)

    def undisturbed(self, scenario: Scenario) -> Undisturbed:
        """Run a scenario to its end, and again the scheduler's command."""
        whole = self._undisturbed(scenario, scenario.commands)
        assert whole.state["ledger"]["status"] == scenario.status, whole.state["ledger"]
        return whole

    def _undisturbed(self, scenario: Scenario, commands: Sequence[Command]) -> Undisturbed:
        plot = self._landed(scenario)
        points = [self._run(plot, command, None).points for command in commands]
        self._settle(plot)
        return Undisturbed(self._stores.state(plot.prefix), points)

    def followed(
        self, scenario: Scenario, crash: Crash, following: Command
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Kill a decision in a scenario, and go on with another command instead of the same one.

        A decision that is in the ledger must be carried out by that command. One that is not was not made: it is made
        after a command that decides nothing; one that decides comes in its place.

        Returns:
            The state as it must be, and as it is.
        """
        plot, commands = self._landed(scenario), list(scenario.commands)
        before, killed, after = commands[: crash.command], commands[crash.command], commands[crash.command + 1 :]
        following = replace(following, variables=killed.variables)  # gates judge by the settings of whoever goes on
        for command in before:
            self._run(plot, command, None)
        made = self._stores.decisions(plot.prefix)
        ended = self._run(plot, killed, crash)
        assert ended.code in {-signal.SIGKILL, 143}, f"{ended.code} at {crash}: {said(plot)}"
        is_made = self._stores.decisions(plot.prefix) > made
        expected = [*before, *([killed] if is_made or not following.decides else []), following, *after]
        found = [following, *([] if is_made or following.decides else [killed, following]), *after]
        for command in found:
            self._run(plot, command, None)
        self._settle(plot)
        key = (scenario.name, tuple(map(repr, expected)))
        if key not in self._expected:
            self._expected[key] = self._undisturbed(scenario, expected).state
        return self._expected[key], self._stores.state(plot.prefix)

    def crashed(self, scenario: Scenario, crash: Crash) -> tuple[Mapping[str, Any], Plot]:
        """Run a scenario with one crash in it; after it the same command again, then the others."""
        plot = self._landed(scenario)
        for number, command in enumerate(scenario.commands):
            ended = self._run(plot, command, crash if number == crash.command else None)
            if number != crash.command:
                continue
            assert ended.code in {-signal.SIGKILL, 143}, f"{ended.code} at {crash}: {said(plot)}"
            again = self._run(plot, command, None)
            assert again.code in EXPECTED, f"{again.code} after {crash}: {said(plot)}"
            if command.arguments != RUN and command is not scenario.commands[-1]:
                self._run(plot, replace(command, arguments=RUN), None)
        self._settle(plot)
        return self._stores.state(plot.prefix), plot

    def forget(self, plot: Plot) -> None:
        """Take a run that has been looked at out of the ledger."""
        self._stores.forget(plot.prefix)

    def with_faults(self, scenario: Scenario, seed: int) -> tuple[Mapping[str, Any], list[int]]:
        """Run each command of a scenario with stores that fail by chance until it has done its work, or RUNS times.

        A batch that a terminal fault made a dead letter is replayed. The last run of each command has no faults.

        Returns:
            The state, and the exit codes.
        """
        chance = random.Random(seed)
        plot, codes = self._landed(scenario), list[int]()
        for command in scenario.commands:
            for _ in range(RUNS):
                odds = {name: chance.uniform(0, most) for name, most in MOST.items()} | {
                    "seed": chance.randrange(2**31)
                }
                codes.append(self._run(plot, command, None, odds).code)
                assert codes[-1] != ExitCode.BUG, said(plot)
            codes += [self._run(plot, one, None).code for one in (*self._revive(plot, command), command)]
            self._run(plot, replace(command, arguments=RUN), None)
        self._settle(plot)
        return self._stores.state(plot.prefix), codes

    def without_ledger(self, scenario: Scenario) -> Mapping[str, Any]:
        """Run a scenario, lose the ledger, and run it again."""
        plot = self._landed(scenario)
        for command in scenario.commands:
            self._run(plot, command, None)
        batch_id = self._stores.batch_id(plot.prefix)
        for name in ("batches", "leases"):
            self._stores.mongodb[name].delete_one({"_id": batch_id})
        for command in scenario.commands:
            self._run(plot, command, None)
        return self._stores.state(plot.prefix)

    def _revive(self, plot: Plot, command: Command) -> list[Command]:
        batch_id = self._stores.batch_id(plot.prefix)
        dead = batch_id is not None and self._stores.status(batch_id) == "dead"
        return [replace(command, arguments=("dlq", "replay", "{batch}"))] if dead else []

    def _settle(self, plot: Plot) -> None:
        ended = self._run(plot, Command(RUN), None)
        assert ended.code in EXPECTED, said(plot)

    def _landed(self, scenario: Scenario) -> Plot:
        plot = self._ground.plot()
        scenario.land(plot)
        return plot

    def _run(self, plot: Plot, command: Command, crash: Crash | None, odds: Mapping[str, float] | None = None) -> Ended:
        self._ground.gemini(*command.gemini)
        self._stores.expire_leases()
        batch = self._stores.batch_id(plot.prefix) or landed_id(plot)
        known = {"batch": batch, "prefix": plot.prefix, "folder": str(plot.folder)}
        arguments = [argument.format(**known) for argument in command.arguments]
        order = Order(arguments, plot.variables(**command.variables), str(plot.folder), odds=odds or {})
        return self._spare.run(order if crash is None else replace(order, at=crash.at, number=crash.number))


def landed_id(plot: Plot) -> str:
    """The id of the batch that has landed; "" when none has."""
    path = plot.folder / FILE
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def said(plot: Plot) -> str:
    """What the last command of a run printed."""
    return "\n".join((plot.folder / name).read_text("utf-8", "replace")[-3_000:] for name in ("stdout", "stderr"))


def difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """What differs, as lines; empty when nothing does."""
    left, right = (json.dumps(one, indent=1, sort_keys=True).splitlines() for one in (expected, found))
    return "\n".join(difflib.unified_diff(left, right, "undisturbed", "crashed", lineterm="", n=2))


def _part(context: click.Context, parameter: click.Parameter, given: str) -> tuple[int, int]:
    """(share, shares), from 0."""
    share, _, shares = given.partition("/")
    if not (share.isdigit() and shares.isdigit() and 1 <= int(share) <= int(shares)):
        raise click.BadParameter(f"{given!r} is not I/N, e.g. 1/3.", context, parameter)
    return int(share) - 1, int(shares)


@click.command()
@click.option("--scenario", "names", multiple=True, type=click.Choice(list(SCENARIOS)), help="May be repeated.")
@click.option("--signal", "signals", multiple=True, type=click.Choice(list(SIGNALS)), help="May be repeated.")
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Every n-th point only.")
@click.option(
    "--then",
    "followers",
    multiple=True,
    type=click.Choice([*FOLLOWING, "all"]),
    help="Kill decisions only, and go on with this command instead. May be repeated.",
)
@click.option("--part", metavar="I/N", default="1/1", callback=_part, help="The I-th of N shares, for N runs at once.")
def main(
    names: Sequence[str], signals: Sequence[str], every: int, followers: Sequence[str], part: tuple[int, int]
) -> None:
    """Run the matrix on servers of its own."""
    then = list(FOLLOWING) if "all" in followers else list(dict.fromkeys(followers))
    wrong = total = 0
    share, shares = part
    numbers = [SIGNALS[name] for name in signals or SIGNALS]
    with Spare() as spare:
        for scenario in (SCENARIOS[name] for name in names or SCENARIOS):
            start = time.monotonic()
            with _on_new_servers(spare) as matrix:
                whole = matrix.undisturbed(scenario)
                crashes: list[tuple[Crash, str]] = [
                    (crash, follower)
                    for crash in whole.crashes(numbers)
                    for follower in (then if scenario.commands[crash.command].decides else []) or ([] if then else [""])
                ][::every][share::shares]
                failed = sum(_differs(matrix, scenario, whole, *crash) for crash in crashes)
            wrong, total = wrong + failed, total + len(crashes)
            points, took = sum(map(len, whole.points)), time.monotonic() - start
            click.echo(f"{scenario.name}: {points} points, {len(crashes)} crashes, {failed} differ ({took:.0f} s)")
    click.echo(f"{total} crashes, {wrong} differ")
    sys.exit(1 if wrong else 0)


@contextmanager
def _on_new_servers(spare: Spare) -> Iterator[Matrix]:
    """For each scenario: the local servers grow slow over some hundred runs."""
    with tempfile.TemporaryDirectory(prefix="sluicegate-crashes-") as folder:
        home = Path(folder)
        with LocalStack(home / "stack").use() as endpoints, reader(endpoints) as stores:
            matrix = Matrix(Ground.prepared(endpoints, home), spare, stores)
            matrix.load_campaigns()
            yield matrix


def _differs(matrix: Matrix, scenario: Scenario, whole: Undisturbed, crash: Crash, follower: str) -> bool:
    try:
        if follower:
            told = difference(*matrix.followed(scenario, crash, Command(FOLLOWING[follower])))
        else:
            found, plot = matrix.crashed(scenario, crash)
            told = difference(whole.state, found)
            matrix.forget(plot)
    except AssertionError as error:
        told = str(error)
    if told:
        click.echo(f"--- {scenario.name}, {crash}{follower and ', then '}{follower}\n{told}")
    return bool(told)


if __name__ == "__main__":
    main()
