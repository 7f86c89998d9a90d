"""What a gate found, in words."""

from __future__ import annotations

from pipeline.core.verdicts import Finding, GateReport


def summary(report: GateReport) -> str:
    """The worst finding, and how many more there are."""
    if not report.findings:
        return "nothing was said about why."
    first, *others = _distinct(report)
    return f"{first.summary.rstrip('.')}{f', and {len(others)} more' if others else ''}."


def told(report: GateReport) -> list[str]:
    """Every finding with its severity."""
    return [f"{finding.severity}: {finding.summary}" for finding in _distinct(report)]


def checks(report: GateReport) -> list[dict[str, object]]:
    """Every finding as numbers and names, for machines: no value of a record is in it."""
    return [
        {
            "expectation": finding.expectation,
            "severity": finding.severity,
            "column": finding.column,
            "unexpected": finding.unexpected,
            "checked": finding.checked,
        }
        for finding in report.findings
    ]


def _distinct(report: GateReport) -> list[Finding]:
    """The findings, worst first, without those that say the same at a lower severity."""
    found: dict[str, Finding] = {}
    for finding in report.findings:
        found.setdefault(finding.summary, finding)
    return list(found.values())
