"""Everything the ledger knows of one batch, for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from pipeline.cli.tables import coloured, counts, moment, printable, seconds, table
from pipeline.core.batch import RESUMED, WITHOUT_FILE, Batch, EmbeddingState, GateState, StepState
from pipeline.core.embeddings import REFUSED
from pipeline.core.next_steps import next_steps
from pipeline.core.rollback_plan import RollbackNumbers, removal
from pipeline.core.topology import STEPS, StepKind
from pipeline.core.verdicts import Finding

EXAMPLES_SHOWN = 10
SAID = {RESUMED: "resumed by a person", WITHOUT_FILE: "cut off; goes on without its file"}
"""What a person decided, by its key among a step's counts."""

PENDING = "pending"
"""An action's status until its outcome is known."""


def batch_page(batch: Batch) -> Iterator[str]:
    """A batch's page, line by line."""
    yield from _head(batch)
    yield ""
    yield from _steps(batch)
    for name, gate in batch.gates.items():
        yield ""
        yield from _gate(name, gate)
    if batch.embedding:
        yield ""
        yield from _embedding(batch.embedding)


def _head(batch: Batch) -> Iterator[str]:
    yield f"{click.style(batch.name, bold=True)}  {coloured(str(batch.status or '-'))}"
    facts = {
        "batch id": batch.batch_id,
        "file": printable(batch.source or "-"),
        "parent": batch.parent,
        "first seen": moment(batch.first_seen),
        "records": counts(batch.counts),
        "why": printable(batch.reason),
        "next": "; ".join(map(str, next_steps(batch))),
    }
    for name, value in facts.items():
        if value:
            yield f"  {name:<11}{value}"


def _steps(batch: Batch) -> Iterator[str]:
    rows = [_step_row(step.name, step.kind, batch.step(step.key)) for step in STEPS]
    header = ("step", "state", "tries", "started", "ended", "seconds", "counts")
    yield from table(header, rows, right=("tries", "seconds"))


def _step_row(name: str, kind: StepKind, step: StepState) -> tuple[str, ...]:
    said = ", ".join(f"{value} {key}" if isinstance(value, int) else f"{value}" for key, value in _told(step))
    return (
        f"{name} gate" if kind is StepKind.GATE else name,
        str(step.status or "-"),
        str(step.attempts or "-"),
        moment(step.start_time),
        moment(step.end_time),
        seconds(step.duration_s),
        printable(step.error or said),
    )


def _told(step: StepState) -> list[tuple[str, Any]]:
    # lists, such as a checksum, are for the program: `status --json` has them
    told = [(key, one) for key, one in step.counts.items() if key != "run_id" and one and not isinstance(one, list)]
    return [("", SAID[key]) if key in SAID else (key, value) for key, value in told]


def _gate(name: str, gate: GateState) -> Iterator[str]:
    yield f"{click.style(f'{name} gate', bold=True)}  {coloured(str(gate.verdict))}  {moment(gate.at)}"
    for severities, finding in _distinct(gate.findings):
        yield f"  {severities}: {printable(finding.summary)}  ({finding.expectation})"
        yield from _examples(finding.examples)
    for action in gate.actions:
        if not gate.docs or action.detail != gate.docs:
            yield f"  action {action.action}: {action.status}, {printable(action.detail)}"
    told = {action.action for action in gate.actions}
    for intent in gate.intents:
        if intent.status == PENDING and intent.action not in told:
            yield f"  action {intent.action}: pending, done first by the next run"
    if gate.docs:
        yield f"  page {gate.docs}"


def _distinct(findings: Iterable[Finding]) -> Iterator[tuple[str, Finding]]:
    """Findings that say the same at several severities, once, with all of them."""
    by_text: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_text.setdefault((finding.expectation, finding.summary), []).append(finding)
    for same in by_text.values():
        yield ", ".join(finding.severity for finding in same), same[0]


def _examples(examples: Sequence[tuple[str, str]]) -> Iterator[str]:
    shown = examples[:EXAMPLES_SHOWN]
    width = max((len(printable(key)) for key, _ in shown), default=0)
    for key, value in shown:
        yield f"    {printable(key):<{width}}  {printable(value)}"
    if len(examples) > EXAMPLES_SHOWN:
        yield f"    and {len(examples) - EXAMPLES_SHOWN} more (--json shows all that were kept)"


def _texts(embedding: EmbeddingState) -> Iterator[str]:
    """Texts that were cut, and texts that were refused, with examples."""
    if embedding.truncated:
        yield f"  {embedding.truncated:,} texts were cut at the model's limit"
        yield from _examples([(key, "cut") for key in embedding.truncated_ids])
    if embedding.refused:
        accepted = ": a person lets the batch go on without them" if embedding.accepted else ""
        yield f"  {embedding.rejected.get(REFUSED, 0):,} texts were refused by the API{accepted}"
        yield from _examples(embedding.refused)


def _embedding(embedding: EmbeddingState) -> Iterator[str]:
    rejected = sum(embedding.rejected.values())
    yield f"{click.style('embedding batch', bold=True)}  {embedding.embedding_batch_id}"
    yield (
        f"  {embedding.expected:,} expected, {embedding.written:,} written, {embedding.fallback:,} fallback,"
        f" {rejected:,} rejected"
    )
    yield from _texts(embedding)
    where = embedding.collection or "not noted by the version that wrote it"
    yield f"  collection: {where}" + (f", model: {embedding.model}" if embedding.model else "")
    if at := embedding.rolled_back_at:
        back = embedding.rolled_back or RollbackNumbers()
        yield f"  {coloured('rolled back')}  {moment(at)}: {removal(back)}"
