"""The DAG in Airflow on the shipped sample, against the local stack: a command, for it takes minutes.

Usage: AIRFLOW_ENVIRONMENT=FOLDER python -m tests.airflow.whole

FOLDER is what tests/airflow/install.py made. Each scenario is one `airflow dags test` of the written DAG file with the
real command line; printed is what became of the tasks. Ends with 1 when anything is not as it ought to be.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from pipeline.core.topology import MAX_ATTEMPTS, STEPS
from tests.airflow.airflow_home import ENVIRONMENT, AirflowHome, DagRun, TaskEnd
from tests.end_to_end.all_days import opened
from tests.end_to_end.conftest import ROOT, Workspace

SAMPLE = ROOT / "docs" / "sample"
PASSED, HALTED, WARNED = "8b7f947c7755", "71c01dd45b70", "16a8a54a1dbc"
FILES = {PASSED: "2026-11-20T0900.jsonl", HALTED: "2026-11-20T0910.jsonl", WARNED: "2026-11-20T0920.jsonl"}
AWKWARD = "it's {{ 7 * 7 }}; touch pwned $(touch pwned) \".jsonl"
WORDS = {"success": "ok", "failed": "FAILED", "upstream_failed": "-", "skipped": "skipped"}
REFUSING = {
    "NEO4J_URI": "bolt://127.0.0.1:1",
    "NEO4J_PASSWORD": "none",
    **dict.fromkeys(("MONGODB_URI", "MILVUS_URI", "BIGQUERY_PROJECT", "GEMINI_API_KEY"), "local"),
}
"""Every store is local but Neo4j, where nothing listens."""

ALL_OK = ["success"] * len(STEPS)
GRAPH = next(at for at, step in enumerate(STEPS) if step.key == "stage:graph")


@dataclass(slots=True)
class Place:
    """Airflow, Sluicegate and its stores, for some scenarios.

    Args:
        workspace: Sluicegate's folder, with its stack.
        airflow: Airflow's home.
        problems: What is not as it ought to be.
    """

    workspace: Workspace
    airflow: AirflowHome
    problems: list[str] = field(default_factory=list)

    def land(self, batch: str, name: str = "") -> None:
        """Put a file of the sample into the landing folder, complete at once."""
        landing = self.workspace.folder / "landing"
        shutil.copyfile(SAMPLE / "landing" / FILES[batch], landing / ".coming")
        (landing / ".coming").rename(landing / (name or FILES[batch]))

    def expect(self, what: str, holds: bool) -> None:
        """Note what does not hold."""
        if not holds:
            self.problems.append(what)

    def run(self, title: str, **variables: str) -> DagRun:
        """One run of the DAG, and its table."""
        clock = time.perf_counter()
        run = self.airflow.test(**variables)
        click.echo(f"\n{title}: the run is {run.state}, {time.perf_counter() - clock:.0f} s\n{table(run)}")
        return run

    def attempts(self, batch: str, step: str) -> int:
        """How many attempts at a step the ledger has counted."""
        document = json.loads(self.workspace.cli("status", batch, "--json").stdout)
        return int(document["steps"][step]["attempts"])

    def status(self, batch: str) -> str:
        """The batch's status in the ledger."""
        return str(json.loads(self.workspace.cli("status", batch, "--json").stdout)["status"])


def table(run: DagRun) -> str:
    """What became of the tasks: a line a batch, a column a step; tries where there was more than one."""
    lines = ["  ".join(f"{name} {word(run.tasks[name, -1])}" for name in ("plan", "left_out"))]
    rows = [["batch", *(step.key for step in STEPS)]]
    rows += [[batch, *map(word, run.steps(batch))] for batch in run.batches()]
    if len(rows) > 1:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
    return "\n".join(lines)


def word(end: TaskEnd) -> str:
    """How a task ended, in a word."""
    return WORDS.get(end.state, end.state) + (f" ({end.tries} tries)" if end.tries > 1 else "")


def green(place: Place) -> None:
    """A batch that passes, in a file whose name is a trap for shells and templates; then nothing to do."""
    place.land(PASSED, AWKWARD)
    run = place.run("A green run")
    place.expect("green: every step is done", (run.state, run.states(PASSED)) == ("success", ALL_OK))
    place.expect("green: the ledger says closed", place.status(PASSED) == "closed")
    place.expect("green: no name was executed", not list(place.workspace.folder.rglob("pwned")))
    empty = place.run("An empty plan")
    place.expect("empty: the run is green", (empty.state, empty.batches()) == ("success", []))


def halted(place: Place) -> None:
    """A batch the raw gate stops: nothing of it goes on."""
    place.land(HALTED)
    run = place.run("A halted run")
    states = ["success", "success", "failed", *["upstream_failed"] * 5]
    place.expect("halted: the gate fails, what follows does not run", run.states(HALTED) == states)
    place.expect("halted: the run is red", run.state == "failed")
    place.expect("halted: tried once", {end.tries for end in run.steps(HALTED)[:3]} == {1})
    place.expect("halted: the ledger says so", place.status(HALTED) == "halted")
    place.expect("halted: Sluicegate told people, Airflow does not", place.airflow.told() == [])


def outage(place: Place) -> None:
    """Neo4j refuses: four attempts, then the dead-letter queue."""
    place.land(WARNED)
    run = place.run("An outage", **REFUSING)
    failed = run.steps(WARNED)[GRAPH]
    place.expect("outage: four tries", (failed.state, failed.tries) == ("failed", MAX_ATTEMPTS))
    place.expect("outage: the ledger counted the same", place.attempts(WARNED, "stage:graph") == MAX_ATTEMPTS)
    place.expect("outage: the batch is dead", place.status(WARNED) == "dead")
    listed = place.workspace.cli("dlq", "list").stdout
    click.echo(f"\n$ sluicegate dlq list\n{listed.rstrip()}")
    place.expect("outage: it is in the dead-letter queue", WARNED in listed)
    place.expect("outage: Sluicegate told people, Airflow does not", place.airflow.told() == [])


def set_up_wrongly(place: Place) -> None:
    """A setting that is no setting: nobody but Airflow can tell."""
    run = place.run("A setting that is wrong", SLUICEGATE_LEASE_SECONDS="soon")
    told = place.airflow.told()
    click.echo("\n".join(f"on_unreported_failure: {line}" for line in told))
    place.expect("wrong: tried once, red", (run.state, run.tasks["plan", -1].tries) == ("failed", 1))
    place.expect("wrong: Airflow tells, once", len(told) == 1)


def mapped(place: Place) -> None:
    """Three batches at once, one of them halted."""
    for batch in FILES:
        place.land(batch)
    run = place.run("Three batches")
    place.expect("mapped: in the order they landed", run.batches() == list(FILES))
    place.expect("mapped: two go through", run.states(PASSED) == run.states(WARNED) == ALL_OK)
    place.expect("mapped: one halts, the run is red", (run.states(HALTED)[2], run.state) == ("failed", "failed"))
    statuses = [place.status(batch) for batch in FILES]
    place.expect("mapped: the ledger says the same", statuses == ["closed", "halted", "closed"])


def used_up(place: Place) -> None:
    """Two attempts were made by hand before: Airflow has two left, not four."""
    place.land(WARNED)
    file = place.workspace.folder / "landing" / FILES[WARNED]
    for step in STEPS[:GRAPH]:
        arguments = [step.key.partition(":")[0], step.name, WARNED, *(["--file", file] if step is STEPS[0] else [])]
        place.expect(f"used up: {step.key} by hand", place.workspace.cli(*arguments).returncode == 0)
    codes = [place.workspace.cli("stage", "graph", WARNED, **REFUSING).returncode for _ in range(2)]
    place.expect("used up: two outages by hand", codes == [3, 3])
    run = place.run("An outage, two attempts made before", **REFUSING)
    failed = run.steps(WARNED)[GRAPH]
    place.expect("used up: two tries were left", (failed.state, failed.tries) == ("failed", MAX_ATTEMPTS - 2))
    place.expect("used up: four are counted", place.attempts(WARNED, "stage:graph") == MAX_ATTEMPTS)
    place.expect("used up: the batch is dead", place.status(WARNED) == "dead")


@contextmanager
def placed(airflow: Path) -> Iterator[Place]:
    """A place with empty stores, the sample's campaigns, and an empty landing folder.

    Args:
        airflow: The environment Airflow is installed in.
    """
    with opened() as workspace:
        folder = workspace.folder
        (folder / "landing").mkdir()
        workspace.cli("campaigns", "load", SAMPLE / "campaigns.jsonl").check_returncode()
        home = AirflowHome(airflow, folder / "airflow", workspace.environment)
        home.prepare(program=[sys.executable, str(ROOT / "run.py")], folder=folder, landing=folder / "landing")
        yield Place(workspace, home)


GROUPS: tuple[tuple[Callable[[Place], None], ...], ...] = (
    (green, halted, outage, set_up_wrongly),
    (mapped,),
    (used_up,),
)
"""The scenarios that share stores, in order."""


@click.command()
def main() -> None:
    """Run every scenario in the Airflow that AIRFLOW_ENVIRONMENT names, and compare with what ought to be."""
    environment = os.environ.get(ENVIRONMENT)
    if not environment:
        raise click.UsageError(f"{ENVIRONMENT} names no environment; make one: python tests/airflow/install.py FOLDER")
    problems: list[str] = []
    for group in GROUPS:
        with placed(Path(environment)) as place:
            for scenario in group:
                scenario(place)
            problems += place.problems
    for problem in problems:
        click.echo(f"NOT SO: {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
