"""The batch of a traced record, as lines: its steps, gates, what they say of the record and what was done."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.cli.dlq_shared import escaped
from pipeline.cli.tables import moment
from pipeline.cli.trace_lines import Line, said
from pipeline.core.batches import short
from pipeline.core.program import program
from pipeline.core.traces import BatchSeen, EmbeddingSeen, FindingSeen, GateSeen, StepSeen, Trace

KINDS = {
    **dict.fromkeys(("PASS", "EMPTY", "closed", "done"), "good"),
    **dict.fromkeys(("WARN", "held", "running", "reopened", "pending"), "warning"),
    **dict.fromkeys(("FAIL", "ERROR", "halted", "inconsistent", "dead", "failed"), "bad"),
}
"""What a verdict, a status or an outcome says."""


def batch_lines(found: Trace) -> Line:
    """The batch that brought the record."""
    batch = found.batch.value
    if batch is None:
        return Line("Batch", "store", tuple(said(found.batch, fallback="the ledger does not know it")))
    parts = (*_head(batch), *_steps(batch), *map(_gate, batch.gates), *map(_embedding, batch.embeddings))
    return Line(f"Batch {short(batch.batch_id)}", "store", parts)


def _head(batch: BatchSeen) -> Iterator[Line]:
    why = f": {escaped(batch.reason)}" if batch.reason else ""
    yield Line(
        f"{batch.status or 'unknown'}{why} ({program()} status {short(batch.batch_id)})", KINDS.get(batch.status, "")
    )
    yield Line(f"file {escaped(batch.source or '-')}, first seen {moment(batch.first_seen)}")
    if batch.parent:
        yield Line(f"holds repaired records of batch {short(batch.parent)}")


def _steps(batch: BatchSeen) -> Iterator[Line]:
    names = [f"{step.name} gate" if step.kind == "gate" else step.name for step in batch.steps]
    width = max(map(len, names), default=0)
    lines = (_step(step, f"{name:<{width}}") for step, name in zip(batch.steps, names, strict=True) if step.status)
    yield Line("steps", "", tuple(lines))


def _step(step: StepSeen, name: str) -> Line:
    tries = f", {step.attempts} tries" if step.attempts > 1 else ""
    error = f": {escaped(step.error)}" if step.error else ""
    return Line(
        f"{name}  {moment(step.start_time)} to {moment(step.end_time)}  {step.status}{tries}{error}",
        KINDS.get(step.status, ""),
    )


def _gate(gate: GateSeen) -> Line:
    notes = [moment(gate.at)]
    notes += ["resumed by a person"] if gate.passed_over else []
    notes += ["to be checked again"] if gate.superseded else []
    parts = [*map(_finding, gate.findings), *_sampled(gate), *_actions(gate)]
    if gate.docs:
        parts.append(Line(f"page {escaped(gate.docs)}", "quiet"))
    return Line(f"{gate.name} gate {gate.verdict}, {', '.join(notes)}", KINDS.get(gate.verdict, ""), tuple(parts))


def _finding(found: FindingSeen) -> Line:
    text = f"{escaped(found.severity)}: {escaped(found.summary)} ({escaped(found.expectation)})"
    return Line(text, "", (_named(found),) if found.unexpected or found.examples else ())


def _named(found: FindingSeen) -> Line:
    if found.value is not None:
        return Line(f"names this record: {escaped(found.value)}", "bad")
    if found.examples < found.unexpected:
        return Line(f"names {found.examples:,} of {found.unexpected:,} records, not this one", "quiet")
    return Line("does not name this record", "quiet")


def _sampled(gate: GateSeen) -> Iterator[Line]:
    if gate.sampled is not None:
        yield Line(f"this record's vector was {'' if gate.sampled else 'not '}in the sample", "quiet")


def _actions(gate: GateSeen) -> Iterator[Line]:
    for kind, status, detail in gate.actions:
        if detail != gate.docs:  # the page has a line of its own
            yield Line(
                f"action {escaped(kind)}: {escaped(status)}{f', {escaped(detail)}' if detail else ''}",
                KINDS.get(status, ""),
            )


def _embedding(embedding: EmbeddingSeen) -> Line:
    what = "re-embedding" if embedding.kind == "reembed" else "embedding batch"
    if embedding.rolled_back_at is None:
        return Line(f"{what} {embedding.embedding_batch_id}")
    return Line(f"{what} {embedding.embedding_batch_id}, rolled back {moment(embedding.rolled_back_at)}", "warning")
