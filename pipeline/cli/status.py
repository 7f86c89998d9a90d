"""`run.py status`: what the ledger knows of batches."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pipeline.cli.app import app_of
from pipeline.cli.batch_page import batch_page
from pipeline.cli.summary import plain
from pipeline.cli.tables import coloured, counts, moment, printable, seconds, table, verdict
from pipeline.core.batches import short
from pipeline.core.outcome import counts_in, passed_over_in, verdicts_in
from pipeline.core.topology import GATES, STEPS

Document = Mapping[str, Any]


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
        document = app.ledger.find(batch)
        lines = [json.dumps(document, indent=2, default=plain)] if json_wanted else batch_page(document)
    else:
        documents = app.ledger.recent(limit)
        lines = [json.dumps(documents, indent=2, default=plain)] if json_wanted else overview(documents)
    click.echo("\n".join(lines))


def overview(documents: Sequence[Document]) -> Iterator[str]:
    """The newest batches as a table, and the time their steps took as another.

    Args:
        documents: Ledger documents, newest first.
    """
    if not documents:
        yield "There are no batches yet. Start with: run.py run"
        return
    header = ("batch", "file", "first seen", "status", *GATES, "records")
    yield from table(header, [_row(document) for document in documents])
    latencies = list(_latencies(documents))
    if latencies:
        yield ""
        yield from table(
            ("seconds per step", "latest", "median", "slowest"), latencies, right=("latest", "median", "slowest")
        )


def _row(document: Document) -> tuple[str, ...]:
    verdicts, passed_over = verdicts_in(document), passed_over_in(document)
    return (
        short(str(document["_id"])),
        printable(Path(str(document.get("source") or "-")).name),
        moment(document.get("first_seen")),
        coloured(str(document.get("status") or "-")),
        *(verdict(verdicts.get(gate, ""), passed_over=gate in passed_over) for gate in GATES),
        counts(counts_in(document)),
    )


def _latencies(documents: Sequence[Document]) -> Iterator[tuple[str, ...]]:
    for step in STEPS:
        steps = ((document.get("steps") or {}).get(step.key) or {} for document in documents)
        took = [float(entry["duration_s"]) for entry in steps if entry.get("duration_s") is not None]
        if took:
            yield (
                f"{step.name} {'gate' if step.kind == 'gate' else ''}".strip(),
                seconds(took[0]),
                seconds(statistics.median(took)),
                seconds(max(took)),
            )
