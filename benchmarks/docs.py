"""What publishing one batch costs after 10, 1,000 and 10,000 batches, beside GX's UpdateDataDocsAction.

    python -m benchmarks.docs

Ours: three validation results, the batch's page, its neighbour's, the day's list and the first page, over a ledger on a
real MongoDB server (history made synthetically). GX's: its action after so many stored results of the same suite. The
sizes take turns, so that a noisy machine is unfair to none; a figure is the median of its turns.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import great_expectations
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.checkpoint import UpdateDataDocsAction

from checkpoints.data_docs.addresses import day_page
from checkpoints.data_docs.gate_pages import GatePages
from checkpoints.data_docs.publisher import Publisher
from checkpoints.data_docs.storage import SiteFiles
from checkpoints.project import NO_PROGRESS_BARS, new_context
from expectations_plugins.core.masking import Masks
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.local import LocalStack
from pipeline.stores.mongodb.history import MongoHistory
from pipeline.stores.mongodb.ledger_queries import BATCHES
from tests.fakes.history import EVERY, document, fill

SIZES = (10, 1_000, 10_000)
GX_SIZES = (10, 100, 400, 800)
TURNS = 15
GOAL = 1.2
GATES = 3
NOW = datetime.now(UTC)


@dataclass
class Ours:
    """A site with a history of some length."""

    size: int
    database: Database
    publisher: Publisher
    gates: GatePages
    identifiers: list[list[str]]
    number: int

    def publish(self) -> float:
        """Publish the next batch; seconds."""
        new = document(self.number, NOW + EVERY * (self.number - self.size + 1))
        self.database[BATCHES].insert_one(new)
        self.number += 1
        start = time.perf_counter()
        for _ in range(GATES):
            self.gates.publish(self.identifiers)
        self.publisher.batch(str(new["_id"]))
        return time.perf_counter() - start


def ours(size: int, uri: str, folder: Path) -> Ours:
    """Make a site whose days' lists are there already, as they are after so many batches."""
    database = connect(uri, f"docs_{uuid.uuid4().hex[:8]}")
    history = MongoHistory(database)
    history.prepare()
    fill(database, size, NOW)
    context, checkpoint = project(folder / f"ours-{size}", new_context)
    result = checkpoint.run(run_id=run_id(0))
    files = SiteFiles.of(context)
    for path in parts_of_days(NOW - EVERY * (size - 1), NOW + timedelta(days=2)):
        files.write(path, "")
    identifiers = [[str(part) for part in key.to_tuple()] for key in result.run_results]
    publisher = Publisher(files, history, lambda _: 0, Masks())
    return Ours(size, database, publisher, GatePages(context, Masks()), identifiers, size)


def parts_of_days(first: datetime, last: datetime) -> Iterator[str]:
    """The first part of every day between two moments."""
    for number in range((last.date() - first.date()).days + 1):
        yield day_page(str(first.date() + timedelta(days=number)), 1)


def project(folder: Path, make: Callable[[str], Any]) -> tuple[Any, Any]:
    """A GX project with one suite of two expectations over a small frame, and its checkpoint."""
    folder.mkdir(parents=True)
    context = make(str(folder))
    frame = pd.DataFrame({"user_id": ["u_001", "u_002", None], "value": [1, 2, 3]})
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("interactions")
    batch = asset.add_batch_definition_whole_dataframe("all")
    suite = context.suites.add(great_expectations.ExpectationSuite(name="raw"))
    suite.add_expectation(gxe.ExpectColumnValuesToNotBeNull(column="user_id"))
    suite.add_expectation(gxe.ExpectColumnValuesToBeBetween(column="value", min_value=0, max_value=10))
    definition = context.validation_definitions.add(
        great_expectations.ValidationDefinition(name="raw", data=batch, suite=suite)
    )
    checkpoint = context.checkpoints.add(
        great_expectations.Checkpoint(name="raw", validation_definitions=[definition], actions=[])
    )
    return context, _Bound(checkpoint, frame)


@dataclass
class _Bound:
    """A checkpoint with the frame it checks."""

    checkpoint: Any
    frame: pd.DataFrame

    def run(self, run_id: Any) -> Any:
        return self.checkpoint.run(batch_parameters={"dataframe": self.frame}, run_id=run_id)


def run_id(number: int) -> Any:
    """A run id of its own for each check."""
    return great_expectations.RunIdentifier(run_name=f"run-{number:05d}", run_time=NOW + timedelta(minutes=number))


def plain_context(folder: str) -> Any:
    """A GX project as GX makes it."""
    context = great_expectations.get_context(mode="file", project_root_dir=folder)
    context.variables.progress_bars = NO_PROGRESS_BARS
    context.variables.analytics_enabled = False
    context.variables.save()
    return context


def of_gx(folder: Path, told: Callable[[str], None]) -> dict[int, float]:
    """Seconds GX's action takes after so many runs."""
    _context, checkpoint = project(folder / "gx", plain_context)
    action, found, result = UpdateDataDocsAction(name="docs"), dict[int, float](), None
    for number in range(1, max(GX_SIZES) + 1):
        result = checkpoint.run(run_id=run_id(number))
        if number in GX_SIZES:
            times = []
            for _ in range(3):
                start = time.perf_counter()
                action.run(result)
                times.append(time.perf_counter() - start)
            found[number] = statistics.median(times)
            told(f"GX after {number:,} runs: {found[number]:.2f} s")
    return found


@contextlib.contextmanager
def sites(folder: Path) -> Iterator[list[Ours]]:
    """A site of each size on one server."""
    with LocalStack(folder / "stack").use({"mongodb"}) as endpoints:
        yield [ours(size, str(endpoints.mongodb_uri), folder) for size in SIZES]


@click.command()
@click.option("--turns", default=TURNS, show_default=True, help="How often each size is measured.")
@click.option("--gx/--no-gx", "with_gx", default=True, help="Measure GX's action too; some minutes.")
def main(turns: int, with_gx: bool) -> None:
    """Measure, and print a table."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="sluicegate-docs-") as name, sites(Path(name)) as made:
        for one in made:
            one.publish()  # what is made once a process is not a batch's cost
        times: dict[int, list[float]] = {one.size: [] for one in made}
        for _ in range(turns):
            for one in made:
                times[one.size].append(one.publish())
        medians = {size: statistics.median(found) for size, found in times.items()}
        theirs = of_gx(Path(name), lambda text: click.echo(text, err=True)) if with_gx else {}
    click.echo(table(medians, theirs))


def table(medians: dict[int, float], theirs: dict[int, float]) -> str:
    """The figures as Markdown."""
    least = medians[SIZES[0]]
    rows = [
        "| batches before | ours, s | times the first | GX's action, s | times its first |",
        "|---:|---:|---:|---:|---:|",
    ]
    for size in sorted({*medians, *theirs}):
        own = f"{medians[size]:.3f} | {medians[size] / least:.2f}" if size in medians else " | "
        gx = f"{theirs[size]:.3f} | {theirs[size] / theirs[GX_SIZES[0]]:.2f}" if size in theirs else " | "
        rows.append(f"| {size:,} | {own} | {gx} |")
    ratio = medians[SIZES[-1]] / least
    verdict = "holds" if ratio <= GOAL else "is missed"
    return "\n".join(
        [*rows, "", f"From {SIZES[0]:,} to {SIZES[-1]:,} batches: {ratio:.2f} times; the goal of {GOAL} {verdict}."]
    )


if __name__ == "__main__":
    main()
