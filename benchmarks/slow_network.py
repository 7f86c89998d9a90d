"""What a slow network costs a batch: the same batch with the stores on loopback, and with each answer some time away.

    python -m benchmarks.slow_network [--records 100] [--milliseconds 200]

Every store is reached through a relay that holds what a client sends for that long. Both batches are processed by one
program, prepared before; the ids differ. See docs/reliability.md.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click

from benchmarks.closing import app_at, made
from benchmarks.relay import relayed
from pipeline.core.outcome import BatchOutcome
from pipeline.local import Endpoints, LocalStack
from pipeline.sources.discovery import discover

ADDRESSES = ("mongodb_uri", "neo4j_uri", "milvus_uri", "bigquery_endpoint", "gemini_endpoint")


@click.command()
@click.option("--records", type=click.IntRange(1), default=100, show_default=True)
@click.option("--milliseconds", type=click.IntRange(1), default=200, show_default=True, help="How late answers come.")
def main(records: int, milliseconds: int) -> None:
    """Measure on local servers, and print a table. Exit code 1 when a batch is not closed at its first attempt."""
    with tempfile.TemporaryDirectory(prefix="sluicegate-slow-") as home, LocalStack(Path(home)).use() as at:
        folder, name = Path(home), f"slow_{uuid.uuid4().hex[:8]}"
        processed(at, folder, name, records, 0)  # makes indexes, collections and tables
        near = processed(at, folder, name, records, 0)
        far = processed(at, folder, name, records, milliseconds / 1000)
    click.echo(table(seconds_of(near), seconds_of(far), records, milliseconds))
    if not all(one.status == "closed" and not tried_again(one) for one in (near, far)):
        sys.exit(1)


def processed(at: Endpoints, folder: Path, name: str, records: int, delay: float) -> BatchOutcome:
    """One batch, to its end.

    Args:
        at: The servers.
        folder: Where its file and the GX project are.
        name: Of the databases.
        records: How many it has.
        delay: Seconds by which what is sent comes later.
    """
    own = uuid.uuid4().hex[:8]
    path = folder / f"{own}.jsonl"
    rows = ({**row, "interaction_id": f"{own}-{row['interaction_id']}"} for row in made(records))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    [source] = discover([path], max_records=records, min_age=0)
    with away(at, delay) as there, contextlib.closing(app_at(there, folder, name)) as app:
        return app.runner().process(source)


@contextlib.contextmanager
def away(at: Endpoints, delay: float) -> Iterator[Endpoints]:
    """The servers, each behind a relay."""
    with contextlib.ExitStack() as relays:
        found = {name: relays.enter_context(relayed(str(getattr(at, name)), delay))[1] for name in ADDRESSES}
        yield replace(at, **found)


def seconds_of(outcome: BatchOutcome) -> Mapping[str, float]:
    """Seconds by step."""
    return {step.key: step.duration_s or 0.0 for step in outcome.steps}


def tried_again(outcome: BatchOutcome) -> bool:
    """Whether a step took more than one attempt."""
    return any(step.attempts > 1 for step in outcome.steps)


def table(near: Mapping[str, float], far: Mapping[str, float], records: int, milliseconds: int) -> str:
    """Seconds by step, and by how many waits the far one took longer."""
    rows = [(key, near[key], far[key]) for key in near] + [("all steps", sum(near.values()), sum(far.values()))]
    lines = [
        f"| step ({records:,} records) | on loopback, s | {milliseconds} ms away, s | waits |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {key} | {first:.2f} | {second:.2f} | {(second - first) * 1000 / milliseconds:.0f} |"
        for key, first, second in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
