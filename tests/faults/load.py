"""A day of 10-minute batches in one run: a command, for it takes minutes.

Usage: python -m tests.faults.load [--day N] [--batches N]

Cuts a real day by its timestamps into 144 files, many small, some empty, and gives them to one `run.py run`.
Then: what each batch took, from its start to the start of the next, so with the ledger and the docs; what our process
and each server computed meanwhile; and how much memory ours held. Times are fitted as `a + b * records + c * position`,
and a `d` for batches that are not empty (least squares), so that the busy hours do not look like growth. Exits with 1
when a batch is not closed, a record is missing, memory grew by a tenth, or by a fifth what `run.py` or the servers but
MongoDB compute for a batch, or the time it takes. With the local MongoDB that may be three tenths: that server is
written in Python, and goes one by one through what another finds by an index;
tests/stores/mongodb/test_mongodb_plans.py holds that each question has its index. By how much a fixed piece of work
takes longer at last is the machine's, and taken off first.

SLUICEGATE_CONFORMANCE_MONGODB_URI, in the environment, is a MongoDB to use in place of the local one, in a database of
its own that is dropped at the end.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
import pymongo

from pipeline.local import LocalStack
from tests.commands import environment
from tests.conftest import OTHER_MONGODB, REAL_LOGS
from tests.faults.crashes.stack import ROOT, Ground
from tests.faults.watching import CONTROL, Usage, watched

WINDOWS = 144
MINUTES = 10
BUSY = 54
"""The window at 9:00, when the shop opens: a shorter run begins here."""
GROWN, GROWN_LOCALLY, LARGER = 0.20, 0.30, 0.10
"""How much more the last batch may take than the first: time and CPU time; time with the local MongoDB; memory."""
RUN, MONGODB = "run.py", "mongodb"
SETTLED = 12
"""Batches after which caches are warm: memory is compared from here on."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch took."""

    position: int
    records: int
    seconds: float
    megabytes: float
    status: str
    steps: Mapping[str, float]
    computed: Mapping[str, float]
    control: float


@click.command()
@click.option("--day", type=click.IntRange(1, 20), default=1, show_default=True, help="Which of the real days.")
@click.option("--batches", type=click.IntRange(SETTLED * 2, WINDOWS), default=WINDOWS, show_default=True)
def main(day: int, batches: int) -> None:
    """Run a day of 10-minute batches, and see whether the last is as quick as the first."""
    logs = sorted((REAL_LOGS / "logs").glob("*.jsonl.gz"))
    if not logs:
        raise click.UsageError(f"the real logs are not at {REAL_LOGS}; see docs/testing.md")
    with tempfile.TemporaryDirectory(prefix="load-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        files, total = cut(logs[day - 1], folder / "landing", batches)
        stack = LocalStack(folder / "stack")
        with stack.use() as endpoints, other_mongodb() as used:
            done = measured(Ground.prepared(endpoints, folder), stack, files, used)
    problems = [*wrong(done, total), *grown(done)]
    table(done)
    parts(done)
    for problem in problems:
        click.echo(f"NOT SO: {problem}")
    sys.exit(1 if problems else 0)


def cut(log: Path, folder: Path, windows: int) -> tuple[list[Path], int]:
    """Write a day's records into a file for each window of ten minutes; how many there were."""
    lines: list[list[str]] = [[] for _ in range(WINDOWS)]
    with gzip.open(log, "rt", encoding="utf-8") as opened:
        for line in opened:
            at = datetime.fromisoformat(json.loads(line)["timestamp"])
            lines[(at.hour * 60 + at.minute) // MINUTES].append(line)
    folder.mkdir()
    first = min(WINDOWS - windows, BUSY)
    numbers = range(first, first + windows)
    files = [folder / f"{n * MINUTES // 60:02d}{n * MINUTES % 60:02d}.jsonl" for n in numbers]
    chosen = lines[first : first + windows]
    for number, (path, window) in enumerate(zip(files, chosen, strict=True)):
        # two empty files would be the same batch: batches are named by their bytes
        path.write_text("".join(window) if window else "\n" * number, encoding="utf-8")
    return files, sum(len(window) for window in chosen)


@contextmanager
def other_mongodb() -> Iterator[Mapping[str, str]]:
    """Settings of a MongoDB that is not the local one, if there is one."""
    if not (uri := os.environ.get(OTHER_MONGODB)):
        yield {}
        return
    name = f"load_{uuid.uuid4().hex[:8]}"
    with pymongo.MongoClient[dict[str, object]](uri) as client:
        try:
            yield {"MONGODB_URI": uri, "MONGODB_DATABASE": name}
        finally:
            client.drop_database(name)


def measured(ground: Ground, stack: LocalStack, files: list[Path], other: Mapping[str, str]) -> list[Batch]:
    """Run them in one go, our process and the servers looked at meanwhile.

    Without retryable writes: the local MongoDB looks through those of the last half hour at each write. That is three
    batches for who runs every ten minutes, and all of them here.
    """
    own = {"SLUICEGATE_USER_ID_TOLERANCE": "1", "SLUICEGATE_HOME": str(ground.folder / "home")}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), "run", "--json", *map(str, files)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment() | ground.variables() | own | other,
        text=True,
    )
    unused = {MONGODB} if other else set()
    servers = {server.name: server.pid for server in stack.status() if server.pid and server.name not in unused}
    with watched({RUN: process.pid, **servers}) as seen:
        output, log = process.communicate()
    document = json.loads(output) if output else {"batches": []}
    if len(document["batches"]) != len(files) or not all(batch["steps"] for batch in document["batches"]):
        last = "\n".join(log.splitlines()[-20:])
        raise click.ClickException(f"run.py ended with {process.returncode}, and not every batch was begun:\n{last}")
    return list(read(document, seen))


def read(document: Mapping[str, Any], seen: Mapping[str, Usage]) -> Iterator[Batch]:
    """What `run --json` said of each batch, with what the processes used."""
    batches = document["batches"]
    moments = [datetime.fromisoformat(batch["steps"][0]["start_time"]) for batch in batches]
    moments.append(
        datetime.fromisoformat(batches[-1]["steps"][-1]["end_time"] or batches[-1]["steps"][-1]["start_time"])
    )
    cpu = {name: usage.cpu_between(moments) for name, usage in seen.items() if name != CONTROL}
    control = seen[CONTROL].cpu_around(moments)
    for position, batch in enumerate(batches):
        yield Batch(
            position=position,
            records=batch["counts"]["read"],
            seconds=(moments[position + 1] - moments[position]).total_seconds(),
            megabytes=seen[RUN].megabytes_at(moments[position + 1]),
            status=batch["status"],
            steps={step["key"]: float(step["duration_s"]) for step in batch["steps"]},
            computed={name: used[position] for name, used in cpu.items()},
            control=control[position],
        )


def wrong(done: list[Batch], total: int) -> Iterator[str]:
    """What was lost."""
    for batch in done:
        if batch.status != "closed":
            yield f"batch {batch.position} is {batch.status}"
    if (read_ := sum(batch.records for batch in done)) != total:
        yield f"{read_:,} records were read, the day has {total:,}"


def grown(done: list[Batch]) -> Iterator[str]:
    """What takes more at the end than in the beginning."""
    before, after = ends(done, [batch.control for batch in done])
    slower = after / before
    click.echo(f"The machine: {CONTROL} takes {slower - 1:+.0%} at last. What follows is told without that.")
    others = [sum(batch.computed.values()) - batch.computed[RUN] - batch.computed.get(MONGODB, 0.0) for batch in done]
    for what, seconds, limit in (
        ("takes", [batch.seconds for batch in done], GROWN_LOCALLY if MONGODB in done[0].computed else GROWN),
        ("costs run.py", [batch.computed[RUN] for batch in done], GROWN),
        ("costs the servers but MongoDB", others, GROWN),
    ):
        first, last = ends(done, seconds)
        more = last / first / slower - 1
        click.echo(f"A batch {what} {first:.2f} s at first, {last:.2f} s at last: {more:+.0%}.")
        if more > limit:
            yield f"the last batch {what} {more:.0%} more than the first"
    early, late = (
        float(np.median([b.megabytes for b in part])) for part in (done[SETTLED:][:SETTLED], done[-SETTLED:])
    )
    click.echo(f"Memory: {early:,.0f} MB after {SETTLED} batches, {late:,.0f} MB at the end.")
    if late > early * (1 + LARGER):
        yield f"memory grew from {early:,.0f} MB to {late:,.0f} MB"


def ends(done: Sequence[Batch], seconds: Sequence[float]) -> tuple[float, float]:
    """Seconds of the first and of the last batch, if each had the mean of records."""
    rows = slice(1, -1)  # the first opens every connection, and nothing follows the last
    matrix = np.array([[1.0, batch.records, batch.position, batch.records > 0] for batch in done[rows]], dtype=float)
    base, by_record, by_position, not_empty = np.linalg.lstsq(matrix, np.array(seconds[rows]), rcond=None)[0]
    records = [batch.records for batch in done]
    first = base + by_record * np.mean(records) + not_empty * np.mean([count > 0 for count in records])
    return float(first), float(first + by_position * len(done))


def table(done: list[Batch]) -> None:
    """Every twelfth part of the day."""
    click.echo("| batches | records | median s | memory MB |")
    click.echo("| ------- | ------- | -------- | --------- |")
    for part in np.array_split(np.arange(len(done)), 12):
        rows = [done[index] for index in part]
        seconds = float(np.median([row.seconds for row in rows]))
        records = sum(row.records for row in rows)
        click.echo(f"| {part[0] + 1} to {part[-1] + 1} | {records:,} | {seconds:.2f} | {rows[-1].megabytes:,.0f} |")


def parts(done: list[Batch]) -> None:
    """What each step takes and each process computes, of the first batch and of the last."""
    named = {key: [batch.steps.get(key, 0.0) for batch in done] for key in done[0].steps}
    named["between the steps"] = [batch.seconds - sum(batch.steps.values()) for batch in done]
    for name in done[0].computed:
        named[f"CPU of {name}"] = [batch.computed[name] for batch in done]
    click.echo("| of a batch | first s | last s |")
    click.echo("| ---------- | ------- | ------ |")
    for key, seconds in named.items():
        first, last = ends(done, seconds)
        click.echo(f"| {key} | {first:.3f} | {last:.3f} |")


if __name__ == "__main__":
    main()
