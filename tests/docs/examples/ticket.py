"""Ticket: a gate that fails leaves a file for whoever works through tickets in the morning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from checkpoints.actions.base import GateAction
from checkpoints.actions.scope import ActionScope
from pipeline.core.batches import short
from pipeline.core.verdicts import GateReport, Verdict


class TicketAction(GateAction):
    """Write a ticket, one a check."""

    type: Literal["shop_ticket"] = "shop_ticket"
    kind: ClassVar[str] = "ticket"
    title: ClassVar[str] = "write a ticket"
    gates: ClassVar[tuple[str, ...]] = ("raw",)

    folder: str = "tickets"

    def intend(self, report: GateReport, results: Sequence[Any], scope: ActionScope) -> Mapping[str, Any] | None:
        """The ticket, as plain data: it is in the ledger before anything is done, and another process may write it."""
        del results
        if report.verdict is not Verdict.FAIL:
            return None
        lines = [f"Batch {short(scope.batch_id)} was halted at the {scope.gate} gate."]
        return {"folder": self.folder, "text": "\n".join([*lines, *(one.summary for one in report.findings)])}

    @classmethod
    def would(cls, data: Mapping[str, Any]) -> str:
        """What it would do, when the checkpoint is run from a notebook."""
        return f"would write a ticket into {data['folder']}"

    @classmethod
    def perform(cls, data: Mapping[str, Any], scope: ActionScope) -> str:
        """Write it. Done again after a kill, it writes the same file: its name is the check's."""
        path = Path(data["folder"]) / f"{scope.run_id}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{data['text']}\n", encoding="utf-8")
        return f"{path.name} written"
