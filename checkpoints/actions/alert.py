"""Alert: people are told what failed, what was done about it and what to run next; all is green again, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from checkpoints.actions.base import GateAction
from checkpoints.actions.quarantine import names_records
from checkpoints.actions.scope import ActionScope
from expectations_plugins.core.masking import Example
from pipeline.core.alert import Alert
from pipeline.core.batches import short
from pipeline.core.next_steps import Halt, after_verdict
from pipeline.core.policy import ALERT
from pipeline.core.topology import GATE_STEPS
from pipeline.core.verdicts import NOT_ARRIVED, REPEATED, Finding, GateReport, Verdict

EXAMPLES = 3
COUNTED = "expect_table_row_count_to_equal"
"""The expectation that a store holds what the stage before it says it wrote."""
TITLES = {Verdict.FAIL: "The {gate} gate failed", Verdict.WARN: "The {gate} gate warns"}


class AlertAction(GateAction):
    """Tell Slack, PagerDuty and whatever else is configured; an outage is told by the run, when it gives up."""

    type: Literal["sluicegate_alert"] = "sluicegate_alert"
    kind: ClassVar[str] = ALERT
    title: ClassVar[str] = "alert people"

    def intend(self, report: GateReport, results: Sequence[Any], scope: ActionScope) -> Mapping[str, Any] | None:
        """The alert without what the other actions did, or that all is well."""
        if report.verdict in (Verdict.ERROR, Verdict.EMPTY):
            return None
        follows = GATE_STEPS[scope.gate].policy[report.verdict]
        if not follows.severity:
            return {"green": True}
        failed = [finding for finding in report.findings if finding.severity == "critical"] or list(report.findings)
        return {
            "severity": follows.severity,
            "title": TITLES[report.verdict].format(gate=scope.gate),
            "summary": " ".join(dict.fromkeys(f"{finding.summary.rstrip('.')}." for finding in report.findings)),
            "examples": [[one.key, one.value] for one in _examples(failed, scope)][:EXAMPLES],
            "failure": "+".join(sorted({finding.expectation for finding in failed})),
            "docs": report.docs,
            "next_step": after_verdict(scope.gate, report.verdict, scope.batch_id, _halt(report, failed, results)),
        }

    @classmethod
    def would(cls, data: Mapping[str, Any]) -> str:
        """Whom it would tell what."""
        return "would resolve what is open" if data.get("green") else f"would alert: {data['title']}"

    @classmethod
    def perform(cls, data: Mapping[str, Any], scope: ActionScope) -> str:
        """Send it; what a channel says of it is the outcome."""
        assert scope.effects is not None
        alarms = scope.effects.alarms()
        if data.get("green"):
            return _told(alarms.all_green(scope.gate)) or "nothing was open"
        alert = alert_of(data, scope)
        told = alarms.raise_(alert)
        return _told([*told, *alarms.all_green(scope.gate, keep=(alert.dedup_key,))])


def _examples(failed: Sequence[Finding], scope: ActionScope) -> Iterator[Example]:
    for finding in failed:
        yield from scope.masks.examples(finding.column, finding.examples)


def _halt(report: GateReport, failed: Sequence[Finding], results: Sequence[Any]) -> Halt:
    """What the gate found, before its actions have acted."""
    names, gravest = {one.expectation for one in report.findings}, {one.expectation for one in failed}
    left_out = any(map(names_records, results))
    return Halt(left_out, COUNTED not in names, NOT_ARRIVED not in gravest, REPEATED in gravest)


def alert_of(data: Mapping[str, Any], scope: ActionScope) -> Alert:
    """The alert, with what was done about it so far."""
    done = scope.report.actions if scope.report else ()
    followed = [f"{outcome.action.capitalize()}: {outcome.detail}." for outcome in done]
    return Alert(
        gate=scope.gate,
        severity=str(data["severity"]),
        title=f"{data['title']} for batch {short(scope.batch_id)}",
        summary=" ".join([str(data["summary"]), *followed]),
        examples=tuple((str(key), str(what)) for key, what in data.get("examples", ())),
        batch_id=scope.batch_id,
        docs=str(data.get("docs") or ""),
        next_step=str(data["next_step"]),
        failure=str(data["failure"]),
    )


def _told(deliveries: Sequence[Any]) -> str:
    return "; ".join(f"{one.channel}: {one.status}{f' ({one.detail})' if one.detail else ''}" for one in deliveries)
