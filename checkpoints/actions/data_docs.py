"""Data Docs: the page of this result, published last, also when the gate failed; a failure never changes a verdict.

It is no subclass of GX's UpdateDataDocsAction, which GX moves to the front, and which builds an index of all results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from checkpoints.actions.base import GateAction
from checkpoints.actions.scope import ActionScope
from pipeline.core.policy import DOCS
from pipeline.core.verdicts import GateReport


class DataDocsAction(GateAction):
    """Publish the result's page."""

    type: Literal["sluicegate_data_docs"] = "sluicegate_data_docs"
    kind: ClassVar[str] = DOCS
    title: ClassVar[str] = "publish data docs"
    harmless: ClassVar[bool] = True

    def intend(self, report: GateReport, results: Sequence[Any], scope: ActionScope) -> Mapping[str, Any] | None:
        """Always, also when the check could not run to its end."""
        del results
        return {"page": report.docs, "results": scope.identifiers}

    @classmethod
    def perform(cls, data: Mapping[str, Any], scope: ActionScope) -> str:
        """Build the pages of this result only."""
        scope.publish(data["results"])
        return str(data["page"] or "no site is configured")
