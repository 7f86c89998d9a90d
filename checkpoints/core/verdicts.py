"""From a GX result to a verdict and to findings a person can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from expectations_plugins.core.masking import Masks
from expectations_plugins.engine.observed import observed
from expectations_plugins.engine.rendering import examples_column, raised
from pipeline.core.fields import INTERACTION_ID
from pipeline.core.verdicts import Finding, GateReport, Verdict

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
    masks: Masks | None = None,
) -> GateReport:
    """The report of a check.

    Args:
        gate, run_id: Which check.
        results: GX's results of the suite's expectations.
        expected: How many records the ledger says there are.
        parameters: The suite parameters it ran with.
        outage: Whether a check that could not run may work later.
        masks: Fields whose values no sentence may hold; those of the settings' default, if not given.
    """
    verdict = verdict_of(results, expected)
    return GateReport(
        gate=gate,
        verdict=verdict,
        run_id=run_id,
        findings=findings(results, masks or Masks()),
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


def findings(results: Iterable[Any], masks: Masks) -> tuple[Finding, ...]:
    """What did not hold or could not be checked, worst first."""
    order = {"critical": 0, "warning": 1, "info": 2}
    bad = [_finding(result, masks) for result in results if not result.success]
    return tuple(sorted(bad, key=lambda finding: order.get(finding.severity, 3)))


def _finding(result: Any, masks: Masks) -> Finding:
    found = result.result or {}
    checked, unexpected = int(found.get("element_count") or 0), int(found.get("unexpected_count") or 0)
    return Finding(
        expectation=result.expectation_config.type,
        severity=severity(result),
        summary=_summary(result, found, masks),
        unexpected=unexpected,
        checked=checked,
        examples=tuple(_examples(result, found)),
        column=examples_column(result.expectation_config),
    )


def _summary(result: Any, found: Mapping[str, Any], masks: Masks) -> str:
    if messages := raised(result):
        return messages[0]
    settings = result.expectation_config.kwargs
    if text := observed(result.expectation_config, found, masks):
        if "value" in settings:
            return f"{text}, expected {_number(settings['value'])}"
        least = settings.get("min_value")
        plain = not isinstance(found["observed_value"], str) and least is not None
        return f"{text}, expected at least {_number(least)}" if plain else text
    checked, unexpected = int(found.get("element_count") or 0), int(found.get("unexpected_count") or 0)
    return f"{unexpected:,} of {checked:,} records are unexpected in {settings.get('column')}"


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _examples(result: Any, found: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    details = found.get("details")
    if isinstance(details, Mapping):
        pairs = details.get("examples") or []
    else:
        column = result.expectation_config.kwargs.get("column")
        rows = found.get("partial_unexpected_index_list") or []
        named = [row for row in rows if isinstance(row, Mapping)]
        pairs = [(row.get(INTERACTION_ID), row.get(column) if column else "") for row in named]
    return [(str(key), _text(value)) for key, value in pairs[:MAX_EXAMPLES]]


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
