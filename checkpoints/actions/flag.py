"""Flag: every orphaned interaction of the batch goes to the review queue, with reason, run and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from checkpoints.actions.base import GateAction
from checkpoints.actions.scope import ActionScope
from checkpoints.core.acted_on import ACTED_ON
from pipeline.core.policy import FLAG
from pipeline.core.verdicts import GateReport, Verdict


class FlagAction(GateAction):
    """Flag orphans for review; the batch goes on, for a campaign may arrive later than its first interaction."""

    type: Literal["sluicegate_flag"] = "sluicegate_flag"
    kind: ClassVar[str] = FLAG
    title: ClassVar[str] = "flag orphans for review"
    marks_records: ClassVar[bool] = True

    def intend(self, report: GateReport, results: Sequence[Any], scope: ActionScope) -> Mapping[str, Any] | None:
        """How many there are; an outage flags nothing."""
        del scope
        if report.verdict is Verdict.ERROR:
            return None
        orphans = sum(int(result.result.get("unexpected_count") or 0) for result in results if _orphaned(result))
        return {"orphans": orphans} if orphans else None

    @classmethod
    def would(cls, data: Mapping[str, Any]) -> str:
        """How many interactions it would flag."""
        return f"would flag {data['orphans']:,} interactions for review"

    @classmethod
    def perform(cls, data: Mapping[str, Any], scope: ActionScope) -> str:
        """Flag them; one that a person resolved stays resolved."""
        del data
        assert scope.effects is not None
        assert scope.lease is not None
        flagged = scope.effects.review().flag(
            scope.batch_id, gate=scope.gate, run_id=scope.run_id, fence=scope.lease.fence
        )
        return f"{flagged:,} {'interaction waits' if flagged == 1 else 'interactions wait'} for review"


def _orphaned(result: Any) -> bool:
    return not result.success and ACTED_ON[FLAG](result.expectation_config)
