"""Batches that ended in the middle of a record which a newer batch of the same file brings whole: they go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.core.batch import COMPLETED, COMPLETES
from pipeline.core.batches import BatchStatus, short
from pipeline.core.decision import Decision, DecisionKind
from pipeline.core.topology import GATES, STEPS
from pipeline.runner.decisions import REDO, recorded_decision
from pipeline.runner.run_context import RunContext

LOAD = STEPS[0].key
PROGRAM = "sluicegate"
"""Who decides where nothing is left to decide."""


def completed_by(counts: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the batches whose last record a batch brings whole, as its load stage counted."""
    return tuple(map(str, counts.get(COMPLETES) or ()))


def go_on_with(parts: RunContext, completed: Iterable[str], newer: str) -> None:
    """Check those again that the raw gate had halted, before the newer one is judged: it brings their records again.

    Args:
        parts: What the runner works with.
        completed: Ids of the batches.
        newer: Id of the batch that brings the records whole.

    Raises:
        LeaseHeldError: Another run is at work on one.
    """
    for batch_id in completed:
        batch = parts.ledger.batch(batch_id)
        gate = batch.failed_gate() if batch else None
        if batch is None or batch.status is not BatchStatus.HALTED or gate is None or gate.name != GATES[0]:
            continue
        note = f"batch {short(newer)} brings the record whole in which the file ended"
        decision = Decision(DecisionKind.RECHECK, {REDO: False, "note": note}, by=PROGRAM)
        counts = {**batch.step(LOAD).counts, COMPLETED: 1}  # a file has one end
        with parts.leased(batch_id) as keeper:
            parts.ledger.end_step(keeper.lease, LOAD, ok=True, counts=counts)
            recorded_decision(parts.ledger.opened(), keeper.lease, batch, decision)
        parts.go_on(batch_id)
