"""A day of 10-minute batches in one run: a command, for it takes minutes.

Usage: python -m tests.faults.load [--day N] [--batches N]

Cuts a real day by its timestamps into 144 files, many small, some empty, and gives them to one `run.py run`.
Then: what each batch took, and how much memory the process held after it. A batch's time is fitted as
`a + b * records + c * position` (least squares), so that the busy hours do not look like growth. Exits with 1 when a
batch is not closed, a record is missing, or the last batch would take a quarter longer than the first, or a tenth more
memory.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np

from pipeline.local import LocalStack
from tests.conftest import REAL_LOGS
from tests.end_to_end.conftest import ROOT, Workspace

WINDOWS = 144
MINUTES = 10
BUSY = 54
"""The window at 9:00, when the shop opens: a shorter run begins here."""
SLOWER, LARGER = 0.25, 0.10
"""How much more the last batch may take than the first."""
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


@click.command()
@click.option("--day", type=click.IntRange(1, 20), default=1, show_default=True, help="Which of the real days.")
@click.option("--batches", type=click.IntRange(SETTLED * 2, WINDOWS), default=WINDOWS, show_default=True)
def main(day: int, batches: int) -> None:
    """Run a day of 10-minute batches, and see whether the last is as quick as the first."""
    logs = sorted((REAL_LOGS / "logs").glob("*.jsonl.gz"))
    if not logs:
        raise click.UsageError(f"the real logs are not at {REAL_LOGS}; see docs/testing.md")
    folder = Path(tempfile.mkdtemp(prefix="load-"))
    shutil.copytree(ROOT / "gx", folder / "gx", ignore=shutil.ignore_patterns("uncommitted"))
    files, total = cut(logs[day - 1], folder / "landing", batches)
    with LocalStack(folder / ".sluicegate").use() as endpoints:
        done = measured(Workspace(folder, folder / ".sluicegate", endpoints), files)
    problems = [*wrong(done, total), *grown(done)]
    table(done)
    for problem in problems:
        click.echo(f"NOT SO: {problem}")
    shutil.rmtree(folder, ignore_errors=True)
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


def measured(workspace: Workspace, files: list[Path]) -> list[Batch]:
    """Run them in one go, the memory looked at meanwhile."""
    variables = {"SLUICEGATE_USER_ID_TOLERANCE": "1"}
    command = [sys.executable, str(ROOT / "run.py"), "run", "--json", *map(str, files)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=workspace.environment | variables, text=True
    )
    seen: list[tuple[datetime, float]] = []
    watcher = threading.Thread(target=watch, args=(process, seen), daemon=True)
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    return list(read(json.loads(output), seen))


def watch(process: subprocess.Popen[str], seen: list[tuple[datetime, float]]) -> None:
    """Note the resident memory of a process, in MB, ten times a second until it ends."""
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text("ascii", "replace")
        resident = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
        if resident:
            seen.append((datetime.now(UTC), int(resident[0]) / 1024))
        time.sleep(0.1)


def read(document: dict[str, Any], seen: list[tuple[datetime, float]]) -> Iterator[Batch]:
    """What `run --json` said of each batch, with the memory at its end."""
    for position, batch in enumerate(document["batches"]):
        end = max((step["end_time"] for step in batch["steps"]), default="")
        before = [memory for at, memory in seen if at.isoformat() <= end]
        memory = before[-1] if before else 0.0
        yield Batch(position, batch["counts"]["read"], batch["duration_s"], memory, batch["status"])


def wrong(done: list[Batch], total: int) -> Iterator[str]:
    """What was lost."""
    for batch in done:
        if batch.status != "closed":
            yield f"batch {batch.position} is {batch.status}"
    if (read_ := sum(batch.records for batch in done)) != total:
        yield f"{read_:,} records were read, the day has {total:,}"


def grown(done: list[Batch]) -> Iterator[str]:
    """What takes more at the end than in the beginning."""
    base, by_record, by_position = fitted(done)
    first = base + by_record * float(np.mean([batch.records for batch in done]))
    more = by_position * len(done) / first
    click.echo(f"A batch takes {base:.2f} s and {by_record * 1000:.1f} ms a record; the last {more:+.1%} of the first.")
    if more > SLOWER:
        yield f"the last batch takes {more:.0%} longer than the first"
    early, late = (
        float(np.median([b.megabytes for b in part])) for part in (done[SETTLED:][:SETTLED], done[-SETTLED:])
    )
    click.echo(f"Memory: {early:,.0f} MB after {SETTLED} batches, {late:,.0f} MB at the end.")
    if late > early * (1 + LARGER):
        yield f"memory grew from {early:,.0f} MB to {late:,.0f} MB"


def fitted(done: list[Batch]) -> tuple[float, float, float]:
    """Seconds a batch, a record, and a batch before it cost."""
    rows = done[1:]  # the first opens every connection
    matrix = np.array([[1.0, batch.records, batch.position] for batch in rows])
    solution = np.linalg.lstsq(matrix, np.array([batch.seconds for batch in rows]), rcond=None)[0]
    return float(solution[0]), float(solution[1]), float(solution[2])


def table(done: list[Batch]) -> None:
    """Every twelfth part of the day."""
    click.echo("| batches | records | median s | memory MB |")
    click.echo("| ------- | ------- | -------- | --------- |")
    for part in np.array_split(np.arange(len(done)), 12):
        rows = [done[index] for index in part]
        seconds = float(np.median([row.seconds for row in rows]))
        records = sum(row.records for row in rows)
        click.echo(f"| {part[0] + 1} to {part[-1] + 1} | {records:,} | {seconds:.2f} | {rows[-1].megabytes:,.0f} |")


if __name__ == "__main__":
    main()
