"""`run.py status`: what the ledger knows of batches."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from pipeline.cli.app import app_of
from pipeline.cli.batch_json import as_document
from pipeline.cli.batch_page import batch_page
from pipeline.cli.summary import plain
from pipeline.cli.tables import coloured, counts, moment, printable, seconds, table, verdict
from pipeline.core.batch import Batch
from pipeline.core.program import program
from pipeline.core.topology import GATES, STEPS


@click.command()
@click.argument("batch", required=False)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many of the newest batches."
)
@click.option("--json", "json_wanted", is_flag=True, help="The ledger's documents as JSON.")
@click.pass_context
def status(context: click.Context, batch: str | None, limit: int, json_wanted: bool) -> None:
    """Show the newest batches with their verdicts and how long each step took; with BATCH everything about that one.

    BATCH is a batch id or the first digits of one. Times are UTC.

    \b
    Examples:
      python run.py status
      python run.py status 3f2a91c07d11
      python run.py status --json | jq '.[] | select(.status == "halted") | ._id'
    """
    app = app_of(context)
    if batch:
        found = app.ledger.find(batch)
        lines = [_as_json(as_document(found))] if json_wanted else batch_page(found)
    else:
        batches = app.ledger.recent(limit)
        lines = [_as_json([as_document(one) for one in batches])] if json_wanted else overview(batches)
    click.echo("\n".join(lines))


def _as_json(data: object) -> str:
    return json.dumps(data, indent=2, default=plain)


def overview(batches: Sequence[Batch]) -> Iterator[str]:
    """The newest batches as a table, and the time their steps took as another.

    Args:
        batches: Newest first.
    """
    if not batches:
        yield f"There are no batches yet. Start with: {program()} run"
        return
    header = ("batch", "file", "first seen", "status", *GATES, "records")
    yield from table(header, [_row(batch) for batch in batches])
    latencies = list(_latencies(batches))
    if latencies:
        yield ""
        yield from table(
            ("seconds per step", "latest", "median", "slowest"), latencies, right=("latest", "median", "slowest")
        )


def _row(batch: Batch) -> tuple[str, ...]:
    return (
        batch.name,
        printable(Path(batch.source or "-").name),
        moment(batch.first_seen),
        coloured(str(batch.status or "-")),
        *(verdict(batch.verdicts.get(gate, ""), passed_over=gate in batch.passed_over) for gate in GATES),
        counts(batch.counts),
    )


def _latencies(batches: Sequence[Batch]) -> Iterator[tuple[str, ...]]:
    for step in STEPS:
        took = [spent for batch in batches if (spent := batch.step(step.key).duration_s) is not None]
        if took:
            yield (
                f"{step.name} {'gate' if step.kind == 'gate' else ''}".strip(),
                seconds(took[0]),
                seconds(statistics.median(took)),
                seconds(max(took)),
            )
