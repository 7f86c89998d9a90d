"""Rollback: an embedding batch with too many invalid vectors is taken back, exactly and verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from checkpoints.actions.base import GateAction
from checkpoints.actions.scope import ActionScope
from checkpoints.core.acted_on import ACTED_ON
from expectations_plugins.core.defaults import VECTOR_DIMENSION
from pipeline.core.policy import ROLLBACK
from pipeline.core.rollback_plan import removal
from pipeline.core.verdicts import GateReport, Verdict


class RollbackAction(GateAction):
    """Take the latest embedding batch back when its vectors failed; not when the collection itself is wrong."""

    type: Literal["sluicegate_rollback"] = "sluicegate_rollback"
    kind: ClassVar[str] = ROLLBACK
    title: ClassVar[str] = "roll the embedding batch back"
    marks_records: ClassVar[bool] = True

    def intend(self, report: GateReport, results: Sequence[Any], scope: ActionScope) -> Mapping[str, Any] | None:
        """The embedding batch that was judged; an outage rolls nothing back."""
        del scope
        invalid = [result for result in results if _vectors_failed(result)]
        embedding_batch_id = str(report.parameters.get("embedding_batch_id") or "")
        if report.verdict is not Verdict.FAIL or not invalid or not embedding_batch_id:
            return None
        return {"embedding_batch_id": embedding_batch_id}

    @classmethod
    def would(cls, data: Mapping[str, Any]) -> str:
        """Which embedding batch it would take back."""
        return f"would roll embedding batch {data['embedding_batch_id']} back"

    @classmethod
    def perform(cls, data: Mapping[str, Any], scope: ActionScope) -> str:
        """Remove its vectors and put back what they replaced."""
        assert scope.effects is not None
        assert scope.lease is not None
        done = scope.effects.rollback().perform(scope.lease, scope.batch_id, str(data["embedding_batch_id"]))
        return removal(done.numbers())


def _vectors_failed(result: Any) -> bool:
    details = (result.result or {}).get("details") or {}
    names_vectors = ACTED_ON[ROLLBACK](result.expectation_config)
    return not result.success and names_vectors and details.get("schema_dimension") == VECTOR_DIMENSION
