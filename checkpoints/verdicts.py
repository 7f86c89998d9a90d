"""From a GX result to a verdict and to findings a person can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from expectations_plugins.rendering import examples_column, raised
from pipeline.model import Finding, GateReport, Verdict

MAX_EXAMPLES = 20


def severity(result: Any) -> str:
    """critical, warning or info."""
    given = result.expectation_config.severity
    return str(getattr(given, "value", given) or "critical")


def verdict_of(results: Iterable[Any], expected: int) -> Verdict:
    """The verdict of a check.

    Args:
        results: GX's results of the suite's expectations.
        expected: How many records the ledger says there are.
    """
    seen = list(results)
    if not seen or any(raised(result) for result in seen):
        return Verdict.ERROR
    failed = {severity(result) for result in seen if not result.success}
    if "critical" in failed:
        return Verdict.FAIL
    if failed:
        return Verdict.WARN
    return Verdict.PASS if expected else Verdict.EMPTY


def judged(
    gate: str,
    run_id: str,
    results: Sequence[Any],
    *,
    expected: int,
    parameters: Mapping[str, Any] | None = None,
    outage: bool = False,
) -> GateReport:
    """The report of a check.

    Args:
        gate, run_id: Which check.
        results: GX's results of the suite's expectations.
        expected: How many records the ledger says there are.
        parameters: The suite parameters it ran with.
        outage: Whether a check that could not run may work later.
    """
    verdict = verdict_of(results, expected)
    return GateReport(
        gate=gate,
        verdict=verdict,
        run_id=run_id,
        findings=findings(results),
        rate=rate_of(results),
        parameters=dict(parameters or {}),
        transient=outage and verdict is Verdict.ERROR,
    )


def rate_of(results: Iterable[Any]) -> float | None:
    """Share of the records that the first expectation which counts some names as bad, 0..1; None when none does."""
    counted = (result.result or {} for result in results)
    for found in counted:
        if (checked := int(found.get("element_count") or 0)) and "unexpected_count" in found:
            return int(found["unexpected_count"] or 0) / checked
    return None


def findings(results: Iterable[Any]) -> tuple[Finding, ...]:
    """What did not hold or could not be checked, worst first."""
    order = {"critical": 0, "warning": 1, "info": 2}
    bad = [_finding(result) for result in results if not result.success]
    return tuple(sorted(bad, key=lambda finding: order.get(finding.severity, 3)))


def _finding(result: Any) -> Finding:
    found = result.result or {}
    checked, unexpected = int(found.get("element_count") or 0), int(found.get("unexpected_count") or 0)
    return Finding(
        expectation=result.expectation_config.type,
        severity=severity(result),
        summary=_summary(result, found, checked, unexpected),
        unexpected=unexpected,
        checked=checked,
        examples=tuple(_examples(result, found)),
        column=examples_column(result.expectation_config),
    )


def _summary(result: Any, found: Mapping[str, Any], checked: int, unexpected: int) -> str:
    if messages := raised(result):
        return messages[0]
    observed = found.get("observed_value")
    kwargs = result.expectation_config.kwargs
    if isinstance(observed, str):
        return observed
    if observed is not None and "value" in kwargs:
        return f"found {observed}, expected {kwargs['value']}"
    if observed is not None:
        least = kwargs.get("min_value")
        return f"found {observed}" + (f", expected at least {least}" if least is not None else "")
    return f"{unexpected:,} of {checked:,} records are unexpected in {kwargs.get('column')}"


def _examples(result: Any, found: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    details = found.get("details")
    if isinstance(details, Mapping):
        pairs = details.get("examples") or []
    else:
        column = result.expectation_config.kwargs.get("column")
        rows = found.get("partial_unexpected_index_list") or []
        pairs = [(row.get("interaction_id"), row.get(column)) for row in rows if isinstance(row, Mapping)]
    return [(str(key), _text(value)) for key, value in pairs[:MAX_EXAMPLES]]


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
