"""A batch's ledger document, as far as one record of it is concerned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pipeline.core.outcome import counts_in, passed_over_in
from pipeline.core.topology import EMBED, GATES, STEPS, gate_of
from pipeline.core.traces import BatchSeen, EmbeddingSeen, FindingSeen, GateSeen, StepSeen

Document = Mapping[str, Any]

SAMPLING_GATE = gate_of(EMBED).name


def batch_seen(document: Document, interaction_id: str) -> BatchSeen:
    """The batch that brought a record.

    Args:
        document: Its ledger document.
        interaction_id: The record.
    """
    gates = document.get("gates") or {}
    return BatchSeen(
        batch_id=str(document["_id"]),
        source=str(document.get("source") or ""),
        status=str(document.get("status") or ""),
        reason=str(document.get("reason") or ""),
        parent=str(document.get("parent") or ""),
        first_seen=_time(document, "first_seen"),
        start_time=_time(document, "start_time"),
        end_time=_time(document, "end_time"),
        accepted=counts_in(document).accepted,
        steps=tuple(_steps(document)),
        gates=tuple(_gate(name, gates[name], document, interaction_id) for name in GATES if name in gates),
        embeddings=tuple(_embeddings(document)),
    )


def _steps(document: Document) -> Iterator[StepSeen]:
    steps = document.get("steps") or {}
    for step in STEPS:
        entry = steps.get(step.key) or {}
        yield StepSeen(
            name=step.name,
            kind=str(step.kind),
            status=str(entry.get("status") or ""),
            attempts=int(entry.get("attempts") or 0),
            start_time=_time(entry, "start_time"),
            end_time=_time(entry, "end_time"),
            error=str(entry.get("error") or ""),
        )


def _gate(name: str, gate: Document, document: Document, interaction_id: str) -> GateSeen:
    sample = (document.get("embedding") or {}).get("sample_ids") or ()
    return GateSeen(
        name=name,
        verdict=str(gate.get("verdict") or ""),
        run_id=str(gate.get("run_id") or ""),
        at=_time(gate, "at"),
        passed_over=name in passed_over_in(document),
        superseded=bool(gate.get("superseded")),
        findings=tuple(_finding(found, interaction_id) for found in gate.get("findings") or ()),
        actions=tuple(_actions(gate)),
        docs=str(gate.get("docs") or ""),
        sampled=interaction_id in sample if name == SAMPLING_GATE else None,
    )


def _finding(found: Document, interaction_id: str) -> FindingSeen:
    examples = [(str(key), str(value)) for key, value in found.get("examples") or ()]
    return FindingSeen(
        expectation=str(found.get("expectation") or ""),
        severity=str(found.get("severity") or ""),
        summary=str(found.get("summary") or ""),
        column=str(found.get("column") or ""),
        value=next((value for key, value in examples if key == interaction_id), None),
        unexpected=int(found.get("unexpected") or 0),
        examples=len(examples),
    )


def _actions(gate: Document) -> Iterator[tuple[str, str, str]]:
    """What was intended, with its outcome; what is only in the report, after it."""
    said = {one.get("action"): one for one in [*(gate.get("intents") or ()), *(gate.get("actions") or ())]}
    for kind, one in said.items():
        yield str(kind), str(one.get("status") or ""), str(one.get("detail") or "")


def _embeddings(document: Document) -> Iterator[EmbeddingSeen]:
    known = document.get("embeddings") or {}
    for name, one in sorted(known.items(), key=lambda item: int(item[1].get("number") or 0)):
        yield EmbeddingSeen(
            embedding_batch_id=str(name),
            kind=str(one.get("kind") or ""),
            fence=int(one.get("fence") or 0),
            rejected=sum(int(number) for number in (one.get("rejected") or {}).values()),
            rolled_back_at=_time(one, "rolled_back_at"),
            collection=str(one.get("collection") or ""),
        )


def _time(entry: Document, name: str) -> datetime | None:
    found = entry.get(name)
    return found if isinstance(found, datetime) else None
