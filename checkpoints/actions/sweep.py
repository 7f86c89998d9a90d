"""Sweep: vectors that a run wrote after it had lost the batch are removed; the store itself could not refuse them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from checkpoints.actions.base import GateAction
from checkpoints.actions.scope import ActionScope
from checkpoints.core.acted_on import ACTED_ON
from pipeline.core.batch import Batch
from pipeline.core.policy import SWEEP
from pipeline.core.verdicts import GateReport, Verdict


class SweepAction(GateAction):
    """Remove vectors that carry another fence than the ledger's; their records are embedded again by a recheck."""

    type: Literal["sluicegate_sweep"] = "sluicegate_sweep"
    kind: ClassVar[str] = SWEEP
    title: ClassVar[str] = "sweep stale vectors"
    marks_records: ClassVar[bool] = True

    def intend(self, report: GateReport, results: Sequence[Any], scope: ActionScope) -> Mapping[str, Any] | None:
        """How many there are; an outage removes nothing."""
        del scope
        stale = sum(int((result.result or {}).get("unexpected_count") or 0) for result in results if _fenced(result))
        return {"stale": stale} if stale and report.verdict is Verdict.FAIL else None

    @classmethod
    def would(cls, data: Mapping[str, Any]) -> str:
        """How many vectors it would remove."""
        return f"would remove {data['stale']:,} vectors of a run that had lost the batch"

    @classmethod
    def perform(cls, data: Mapping[str, Any], scope: ActionScope) -> str:
        """Remove them."""
        del data
        assert scope.effects is not None
        assert scope.lease is not None
        batch = scope.effects.ledger.batch(scope.batch_id) or Batch(scope.batch_id)
        removed = len(scope.effects.sweep().perform(scope.lease, batch))
        return f"{removed:,} {'vector' if removed == 1 else 'vectors'} of a run that had lost the batch removed"


def _fenced(result: Any) -> bool:
    return not result.success and ACTED_ON[SWEEP](result.expectation_config)
