"""A gate's record in the ledger, read back as the report it was."""

from __future__ import annotations

from checkpoints.actions.scope import PENDING
from pipeline.core.batch import Batch, GateState, StepStatus
from pipeline.core.verdicts import GateReport, Intent, Verdict


def unfinished(batch: Batch, gate: str) -> GateReport | None:
    """The recorded report of a check that a crash cut off; None when the last one came to its end.

    Its actions may not all have been done. When they were, its verdict stands all the same: they may have changed what
    another check would find.
    """
    found = batch.gates.get(gate)
    if found is None or not found.intents:
        return None
    report = recorded(gate, found)
    if any(intent.status == PENDING for intent in report.intents):
        return report
    step = batch.step(f"gate:{gate}")
    ended = found.superseded or step.counts.get("run_id") == report.run_id
    cut_off = step.status is StepStatus.RUNNING and step.attempts > 1
    return report if cut_off and not ended and report.verdict is not Verdict.ERROR else None


def recorded(gate: str, found: GateState) -> GateReport:
    """The report of a record."""
    return GateReport(
        gate=gate,
        verdict=found.verdict or Verdict.ERROR,
        run_id=found.run_id,
        findings=found.findings,
        actions=found.actions,
        docs=found.docs,
        page=found.page,
        rate=found.rate,
        parameters=found.parameters,
        intents=tuple(Intent(one.action, one.data, one.status, one.detail) for one in found.intents),
    )
