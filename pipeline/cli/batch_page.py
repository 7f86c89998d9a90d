"""Everything the ledger knows of one batch, for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from pipeline.cli.tables import coloured, counts, moment, printable, seconds, table
from pipeline.core.batches import short
from pipeline.core.outcome import RESUMED, WITHOUT_FILE, counts_in
from pipeline.core.rollback_plan import removal
from pipeline.core.topology import STEPS, StepKind
from pipeline.runner.next_steps import next_steps

Document = Mapping[str, Any]

EXAMPLES_SHOWN = 10
SAID = {RESUMED: "resumed by a person", WITHOUT_FILE: "cut off; goes on without its file"}
"""What a person decided, by its key among a step's counts."""

PENDING = "pending"
"""An action's status until its outcome is known."""


def batch_page(document: Document) -> Iterator[str]:
    """A batch's page, line by line.

    Args:
        document: The batch's ledger document.
    """
    yield from _head(document)
    yield ""
    yield from _steps(document)
    for name, gate in (document.get("gates") or {}).items():
        yield ""
        yield from _gate(name, gate)
    if embedding := document.get("embedding"):
        yield ""
        yield from _embedding(embedding)


def _head(document: Document) -> Iterator[str]:
    batch_id = str(document["_id"])
    yield f"{click.style(short(batch_id), bold=True)}  {coloured(str(document.get('status') or '-'))}"
    facts = {
        "batch id": batch_id,
        "file": printable(document.get("source") or "-"),
        "parent": str(document.get("parent") or ""),
        "first seen": moment(document.get("first_seen")),
        "records": counts(counts_in(document)),
        "why": printable(document.get("reason") or ""),
        "next": "; ".join(map(str, next_steps(document))),
    }
    for name, value in facts.items():
        if value:
            yield f"  {name:<11}{value}"


def _steps(document: Document) -> Iterator[str]:
    steps = document.get("steps") or {}
    rows = [_step_row(step.name, step.kind, steps.get(step.key) or {}) for step in STEPS]
    header = ("step", "state", "tries", "started", "ended", "seconds", "counts")
    yield from table(header, rows, right=("tries", "seconds"))


def _step_row(name: str, kind: StepKind, step: Mapping[str, Any]) -> tuple[str, ...]:
    said = ", ".join(f"{value} {key}" if isinstance(value, int) else f"{value}" for key, value in _told(step))
    return (
        f"{name} gate" if kind is StepKind.GATE else name,
        str(step.get("status") or "-"),
        str(step.get("attempts") or "-"),
        moment(step.get("start_time")),
        moment(step.get("end_time")),
        seconds(step.get("duration_s")),
        printable(step.get("error") or said),
    )


def _told(step: Mapping[str, Any]) -> list[tuple[str, Any]]:
    counted = (step.get("counts") or {}).items()
    told = [(key, value) for key, value in counted if key != "run_id" and value]
    return [("", SAID[key]) if key in SAID else (key, value) for key, value in told]


def _gate(name: str, gate: Mapping[str, Any]) -> Iterator[str]:
    checked_at = gate.get("at")
    yield f"{click.style(f'{name} gate', bold=True)}  {coloured(str(gate.get('verdict')))}  {moment(checked_at)}"
    for severities, finding in _distinct(gate.get("findings") or ()):
        yield f"  {severities}: {printable(finding.get('summary'))}  ({finding.get('expectation')})"
        yield from _examples(finding.get("examples") or ())
    docs = gate.get("docs")
    for action in gate.get("actions") or ():
        if not docs or action.get("detail") != docs:
            yield f"  action {action.get('action')}: {action.get('status')}, {printable(action.get('detail'))}"
    told = {action.get("action") for action in gate.get("actions") or ()}
    for intent in gate.get("intents") or ():
        if intent.get("status") == PENDING and intent.get("action") not in told:
            yield f"  action {intent.get('action')}: pending, done first by the next run"
    if docs:
        yield f"  page {docs}"


def _distinct(findings: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Findings that say the same at several severities, once, with all of them."""
    by_text: dict[tuple[Any, Any], list[Mapping[str, Any]]] = {}
    for finding in findings:
        by_text.setdefault((finding.get("expectation"), finding.get("summary")), []).append(finding)
    for same in by_text.values():
        yield ", ".join(str(finding.get("severity")) for finding in same), same[0]


def _examples(examples: Any) -> Iterator[str]:
    shown = list(examples)[:EXAMPLES_SHOWN]
    width = max((len(printable(key)) for key, _ in shown), default=0)
    for key, value in shown:
        yield f"    {printable(key):<{width}}  {printable(value)}"
    if len(examples) > EXAMPLES_SHOWN:
        yield f"    and {len(examples) - EXAMPLES_SHOWN} more (--json shows all that were kept)"


def _embedding(embedding: Mapping[str, Any]) -> Iterator[str]:
    numbers = (f"{embedding.get(key, 0):,} {key}" for key in ("expected", "written", "fallback"))
    rejected = sum((embedding.get("rejected") or {}).values())
    yield f"{click.style('embedding batch', bold=True)}  {embedding.get('embedding_batch_id')}"
    yield f"  {', '.join(numbers)}, {rejected:,} rejected"
    where = embedding.get("collection") or "not noted by the version that wrote it"
    yield f"  collection: {where}" + (f", model: {model}" if (model := embedding.get("model")) else "")
    if at := embedding.get("rolled_back_at"):
        back = embedding.get("rolled_back") or {}
        yield f"  {coloured('rolled back')}  {moment(at)}: {removal(back)}"
