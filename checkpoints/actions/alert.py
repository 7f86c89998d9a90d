"""Alert: people are notified of what failed, what was done about it and what to run next; and of its end."""

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
MANY = "{title} for {{count}} batches"


class AlertAction(GateAction):
    """Notify Slack, PagerDuty and whatever else is configured; of an outage the run does, when it gives up."""

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
            "share": report.rate or 0.0,
            "waits": report.verdict is Verdict.FAIL,
            "next_step": after_verdict(scope.gate, report.verdict, scope.batch_id, _halt(report, failed, results)),
        }

    @classmethod
    def would(cls, data: Mapping[str, Any]) -> str:
        """Whom it would notify of what."""
        return "would say that the batch passed" if data.get("green") else f"would alert: {data['title']}"

    @classmethod
    def perform(cls, data: Mapping[str, Any], scope: ActionScope) -> str:
        """Send it; what a channel says of it is the outcome."""
        assert scope.effects is not None
        alarms = scope.effects.alarms()
        if data.get("green"):
            return _outcomes(alarms.passed(scope.gate, scope.batch_id)) or "nothing was open"
        alert = alert_of(data, scope)
        notified = alarms.raise_(alert)
        passed = alarms.passed(scope.gate, scope.batch_id, keep=(alert.dedup_key,))
        return _outcomes([*notified, *passed])


def _examples(failed: Sequence[Finding], scope: ActionScope) -> Iterator[Example]:
    for finding in failed:
        yield from scope.masks.examples(finding.column, finding.examples)


def _halt(report: GateReport, failed: Sequence[Finding], results: Sequence[Any]) -> Halt:
    """What the gate found, before its actions have acted."""
    names, gravest = {one.expectation for one in report.findings}, {one.expectation for one in failed}
    left_out = any(map(names_records, results))
    return Halt(left_out, COUNTED not in names, NOT_ARRIVED not in gravest, REPEATED in gravest, *Halt.texts(names))


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
        title_of_many=MANY.format(title=data["title"]),
        share=float(data.get("share") or 0.0),
        waits=bool(data.get("waits")),
    )


def _outcomes(deliveries: Sequence[Any]) -> str:
    return "; ".join(f"{one.channel}: {one.status}{f' ({one.detail})' if one.detail else ''}" for one in deliveries)
