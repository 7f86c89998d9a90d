"""What lines that cannot be read cost, beside as many good ones: the load stage of a batch of each.

    python -m benchmarks.dead_letters [--records 10000] [--repeat 3] [--check]

Both batches go to the same local MongoDB server, one after the other; the ids of each round differ, so that every
round is a batch of its own. See docs/benchmarks.md.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.closing import app_at, made, seconds_of
from pipeline.core.topology import STEPS
from pipeline.local import LocalStack
from pipeline.sources.discovery import discover
from sluicegate.app import App

RECORDS, REPEAT, GOAL = 10_000, 3, 1.5
LOAD = STEPS[0]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the load stage, by round."""

    good: Sequence[float]
    unreadable: Sequence[float]

    @property
    def ratio(self) -> float:
        """How many times as long unreadable lines take."""
        return statistics.median(self.unreadable) / statistics.median(self.good)


@click.command()
@click.option("--records", type=click.IntRange(1), default=RECORDS, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=REPEAT, show_default=True, help="Batches of each kind.")
@click.option("--check", is_flag=True, help=f"Exit with 1 when unreadable lines take more than {GOAL} times as long.")
def main(records: int, repeat: int, check: bool) -> None:
    """Measure on local servers, and print a table."""
    with tempfile.TemporaryDirectory(prefix="sluicegate-dead-") as folder, LocalStack(Path(folder)).use() as at:
        app = app_at(at, Path(folder), f"dead_{uuid.uuid4().hex[:8]}")
        try:
            found = measured(app, Path(folder), records, repeat)
        finally:
            app.close()
    click.echo(table(found, records))
    if check and found.ratio > GOAL:
        sys.exit(1)


def measured(app: App, folder: Path, records: int, repeat: int) -> Cost:
    """Load batches of both kinds, taking turns."""
    good, unreadable = list[float](), list[float]()
    for number in range(repeat):
        lines = [json.dumps({**row, "interaction_id": f"{number}-{row['interaction_id']}"}) for row in made(records)]
        good.append(_loaded(app, folder / f"good-{number}.jsonl", lines))
        unreadable.append(_loaded(app, folder / f"unreadable-{number}.jsonl", [line[:-1] for line in lines]))
    return Cost(good, unreadable)


def table(found: Cost, records: int) -> str:
    """The figures as Markdown."""
    rows = (("good lines", found.good), ("unreadable lines", found.unreadable))
    lines = [f"| {records:,} lines, load stage | seconds, by round | median |", "|---|---|---|"]
    for title, seconds in rows:
        rounds = ", ".join(f"{one:.2f}" for one in seconds)
        lines.append(f"| {title} | {rounds} | {statistics.median(seconds):.2f} |")
    verdict = "PASS" if found.ratio <= GOAL else "FAIL"
    return "\n".join([*lines, f"| goal: at most {GOAL} times | {found.ratio:.2f} times | {verdict} |"])


def _loaded(app: App, path: Path, lines: Sequence[str]) -> float:
    """Seconds that the load stage of a file takes; nothing of the outcome matters here but that it ended."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    [source] = discover([path], max_records=len(lines), min_age=0)
    return seconds_of(app.runner().attempt, source, LOAD)


if __name__ == "__main__":
    main()
