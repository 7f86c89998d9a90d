"""Runs side by side behind a BigQuery that cancels: a command, and what its test uses.

Usage: python -m tests.faults.side_by_side [--runs 16] [--seconds 0.5]
Each run has a file of its own. Prints what became of each batch, and how many attempts, statements and load jobs they
took; exits with 1 when one of them is not closed, or an attempt was lost.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from pipeline.local import Endpoints, LocalStack
from tests.fakes.cancelling_bigquery import CancellingBigQuery, cancelling_bigquery
from tests.faults.readback import Stores
from tests.faults.workplace import Ended, Workplace

RECORDS = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What side-by-side runs did.

    Args:
        ended: The runs.
        batches: Their batches, as the ledger has them.
        seen: The interactions that analysts see of each batch.
        sums: And what their values add up to.
        bigquery: What the proxy did.
    """

    ended: Sequence[Ended]
    batches: Sequence[dict[str, Any]]
    seen: Sequence[int]
    sums: Sequence[Decimal]
    bigquery: CancellingBigQuery

    @property
    def lost(self) -> int:
        """Attempts that failed."""
        return sum(step["attempts"] - 1 for batch in self.batches for step in batch["steps"].values())

    @property
    def closed(self) -> int:
        """Batches that are closed, and seen whole."""
        return sum(
            batch["status"] == "closed" and seen == RECORDS for batch, seen in zip(self.batches, self.seen, strict=True)
        )


def side_by_side(endpoints: Endpoints, folder: Path, name: str, runs: int, seconds: float) -> Outcome:
    """Start so many runs at once, each with a file of its own, and wait for them.

    Args:
        endpoints: The servers.
        folder: Where the runs have their folders.
        name: Of their databases.
        runs: How many.
        seconds: How long a statement takes that mutates a table.
    """
    with cancelling_bigquery(str(endpoints.bigquery_endpoint), seconds) as proxy:
        behind = replace(endpoints, bigquery_endpoint=proxy.endpoint)
        places = [_place(behind, folder / f"run_{n}", name) for n in range(runs)]
        files = [place.land(f"d{n}.jsonl", log(n)) for n, place in enumerate(places)]
        work = [place.start("run", file) for place, file in zip(places, files, strict=True)]
        ended = [one.end() for one in work]
    stores = Stores(endpoints, name)
    batches = [batch for file in files for batch in stores.mongodb["batches"].find({"source": str(file)})]
    rows = [stores.metrics(batch["_id"]) for batch in batches]
    stores.close()
    seen, sums = ([sum(row[name] for row in one) for one in rows] for name in ("interactions", "value"))
    return Outcome(ended, batches, seen, sums, proxy)


def _place(endpoints: Endpoints, folder: Path, name: str) -> Workplace:
    folder.mkdir()
    return Workplace.prepared(endpoints, folder, name)


def log(number: int) -> bytes:
    """A log file; its users are its own."""
    records = [
        {
            "interaction_id": f"d{number}_{n}",
            "user_id": f"u_{number}{n:03d}",
            "type": "click",
            "timestamp": f"2026-11-20T09:{n:02d}:00Z",
            "value": 0.1,
        }
        for n in range(RECORDS)
    ]
    return "".join(f"{json.dumps(record)}\n" for record in records).encode()


@click.command()
@click.option("--runs", type=click.IntRange(1), default=16, show_default=True, help="How many at once.")
@click.option("--seconds", default=0.5, show_default=True, help="How long a statement takes that mutates a table.")
def main(runs: int, seconds: float) -> None:
    """Run them on servers of their own."""
    with tempfile.TemporaryDirectory(prefix="side-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        with LocalStack(folder / "stack").use() as endpoints:
            start = time.monotonic()
            found = side_by_side(endpoints, folder, "side_by_side", runs, seconds)
            took = time.monotonic() - start
    for batch, seen in zip(found.batches, found.seen, strict=True):
        attempts = {name: step["attempts"] for name, step in batch["steps"].items() if step["attempts"] > 1}
        click.echo(f"{Path(batch['source']).name:12} {batch['status']:10} {seen:3} seen  {attempts or ''}")
    proxy = found.bigquery
    click.echo(
        f"{found.closed} of {runs} closed, {found.lost} attempts lost, {took:,.0f} s; {proxy.statements} statements"
        f" ({proxy.mutating} mutating, {len(proxy.cancelled)} cancelled) and {proxy.loads} load jobs"
    )
    if found.closed < runs or found.lost:
        click.echo("\n".join(str(one) for one in found.ended if one.code)[-4000:])
        sys.exit(1)


if __name__ == "__main__":
    main()
