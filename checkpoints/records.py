"""A gate's record in the ledger, read back as the report it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checkpoints.actions.scope import PENDING
from pipeline.core.verdicts import ActionOutcome, Finding, GateReport, Intent, Verdict


def unfinished(document: Mapping[str, Any], gate: str) -> GateReport | None:
    """The recorded report of a check that a crash cut off; None when the last one came to its end.

    Its actions may not all have been done. When they were, its verdict stands all the same: they may have changed what
    another check would find.
    """
    found = (document.get("gates") or {}).get(gate) or {}
    if not found.get("intents"):
        return None
    report = recorded(gate, found)
    if any(intent.status == PENDING for intent in report.intents):
        return report
    step = (document.get("steps") or {}).get(f"gate:{gate}") or {}
    ended = found.get("superseded") or (step.get("counts") or {}).get("run_id") == report.run_id
    cut_off = step.get("status") == "running" and int(step.get("attempts") or 0) > 1
    return report if cut_off and not ended and report.verdict is not Verdict.ERROR else None


def recorded(gate: str, found: Mapping[str, Any]) -> GateReport:
    """The report of a record."""
    return GateReport(
        gate=gate,
        verdict=Verdict(found["verdict"]),
        run_id=str(found["run_id"]),
        findings=tuple(_finding(one) for one in found.get("findings") or ()),
        actions=tuple(ActionOutcome(one["action"], one["status"], one["detail"]) for one in found.get("actions") or ()),
        docs=str(found.get("docs") or ""),
        parameters=dict(found.get("parameters") or {}),
        intents=tuple(
            Intent(one["action"], dict(one.get("data") or {}), one["status"], one.get("detail", ""))
            for one in found.get("intents") or ()
        ),
    )


def _finding(found: Mapping[str, Any]) -> Finding:
    examples = tuple((str(key), str(what)) for key, what in found.get("examples") or ())
    plain = {name: found[name] for name in ("expectation", "severity", "summary", "unexpected", "checked")}
    return Finding(**plain, examples=examples)
