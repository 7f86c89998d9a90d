"""What a run says at its end: for a person a few lines, for a program one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from expectations_plugins.core.errors import ExitCode
from pipeline.cli.skipped import LeftOut
from pipeline.cli.tables import coloured, counts, printable, seconds, status_word, table, verdict
from pipeline.core.batch import DROPPED
from pipeline.core.batches import short
from pipeline.core.outcome import BatchOutcome, exit_code_of
from pipeline.core.program import program
from pipeline.core.topology import GATES, STEPS

NAMED = 5
"""Waiting batches that are named."""


def as_text(outcomes: Sequence[BatchOutcome], docs: Path | str) -> Iterator[str]:
    """The closing summary, line by line.

    Args:
        outcomes: What became of each batch.
        docs: First page of the Data Docs.
    """
    shown = [outcome for outcome in outcomes if outcome.fresh or outcome.exit_code]
    waiting = [outcome for outcome in outcomes if outcome.waits and not outcome.exit_code]
    old = len(outcomes) - len(shown) - len(waiting)
    if shown:
        header = ("batch", "file", "status", *GATES, "seconds", "records")
        yield from table(header, [_row(outcome) for outcome in shown], right=("seconds",))
        yield from filter(None, map(_dropped, shown))
    if old:
        yield f"{old:,} {'batch was' if old == 1 else 'batches were'} already processed."
    if waiting:
        yield _waiting(waiting)
    for outcome in shown:
        if outcome.exit_code:
            yield ""
            yield from _attention(outcome)
    if shown and (address := _address(docs)):
        yield ""
        yield f"Data Docs: {address}"


def as_json(
    outcomes: Sequence[BatchOutcome], docs: Path | str, *, complete: bool, left_out: LeftOut | None = None
) -> str:
    """One JSON document.

    Args:
        outcomes: What became of each batch.
        docs: First page of the Data Docs.
        complete: False when the run ended before all batches were looked at.
        left_out: Files that were not taken, of a run.
    """
    code = left_out.exit_code(outcomes) if left_out else exit_code_of(outcomes)
    document = {
        "complete": complete,
        "exit_code": int(code) if complete else None,
        "docs": _address(docs),
        "batches": [outcome_as_json(outcome) for outcome in outcomes],
        **(left_out.as_data() if left_out else {}),
    }
    return json.dumps(document, indent=2, default=plain)


def outcome_as_json(outcome: BatchOutcome) -> dict[str, Any]:
    """A batch's outcome as JSON types."""
    fields = asdict(outcome)
    return {**fields, "source": str(outcome.source), "exit_code": int(outcome.exit_code)}


def plain(value: object) -> Any:
    """A value JSON has no type for."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _waiting(waiting: Sequence[BatchOutcome]) -> str:
    names = [f"{short(one.batch_id)} ({one.status})" for one in waiting[:NAMED]]
    more = f", and {len(waiting) - NAMED:,} more" if len(waiting) > NAMED else ""
    some = f"{len(waiting):,} {'batch waits' if len(waiting) == 1 else 'batches wait'}"
    return f"{some} for a person: {', '.join(names)}{more}. Look: {program()} status"


def _address(docs: Path | str) -> str | None:
    """Where the first page is; None when it is not on this machine yet."""
    if isinstance(docs, str):
        return docs
    return docs.as_uri() if docs.is_file() else None


def _row(outcome: BatchOutcome) -> tuple[str, ...]:
    gates = (verdict(outcome.verdicts.get(gate, ""), passed_over=gate in outcome.passed_over) for gate in GATES)
    return (
        short(outcome.batch_id),
        printable(outcome.source.name),
        coloured(status_word(str(outcome.status))),
        *gates,
        seconds(outcome.duration_s),
        counts(outcome.counts),
    )


def _dropped(outcome: BatchOutcome) -> str:
    """What was passed over between a batch's records; "" for nothing."""
    counted = next((step.counts for step in outcome.steps if step.key == STEPS[0].key), {})
    start = f"{DROPPED}_"
    found = {name.removeprefix(start).replace("_", " "): n for name, n in counted.items() if name.startswith(start)}
    passed_over = ", ".join(f"{number:,} {name}" for name, number in found.items())
    return f"{short(outcome.batch_id)}: between its records {passed_over} were passed over." if found else ""


_WHY = {
    ExitCode.BUG: "ended in a bug",
    ExitCode.OUTAGE: "met an outage; run again",
    ExitCode.DEAD_LETTERED: "is in the dead-letter queue",
    ExitCode.GATE_FAILED: "needs a person",
    ExitCode.LEASE_HELD: "is another run's",
}


def _attention(outcome: BatchOutcome) -> Iterator[str]:
    yield click.style(f"{short(outcome.batch_id)} {_WHY.get(outcome.exit_code, '')}", bold=True)
    for text in (outcome.message, outcome.next_step):
        if text:
            yield f"  {printable(text)}"
