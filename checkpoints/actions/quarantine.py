"""Quarantine: every record a failed expectation names as bad is marked in MongoDB, not only the examples GX shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from great_expectations.checkpoint.actions import ValidationAction

from checkpoints.actions.scope import DONE, NOTHING, WOULD, ActionScope, perform
from expectations_plugins.expressions import Condition, Or
from expectations_plugins.mongodb.conditions import condition as compile_condition
from expectations_plugins.rendering import raised


class QuarantineAction(ValidationAction):
    """Mark bad records, so that they go no further until a person releases them."""

    type: Literal["sluicegate_quarantine"] = "sluicegate_quarantine"

    def run(self, checkpoint_result: Any, action_context: Any = None) -> dict[str, Any]:
        """Mark what failed expectations name as bad; never after a check that could not run."""
        del action_context
        results = [result for suite in checkpoint_result.run_results.values() for result in suite.results]
        return perform("quarantine", lambda scope: _quarantine(results, scope), marks_records=True)


def _quarantine(results: list[Any], scope: ActionScope | None) -> tuple[str, str]:
    if any(raised(result) for result in results):
        return NOTHING, "the check could not run; an outage is not bad data"
    failed = [result for result in results if not result.success]
    conditions = list(_bad_records(failed))
    if not conditions:
        return NOTHING, "no record is bad"
    found = max(int(result.result.get("unexpected_count", 0)) for result in failed if _names_records(result))
    if scope is None or scope.lease is None:
        return WOULD, f"would quarantine {found:,} records"
    marked = scope.raw_store.quarantine(
        scope.batch_id,
        compile_condition(Or(tuple(conditions))),
        gate=scope.gate,
        reason="malformed user_id",
        run_id=scope.run_id,
    )
    return DONE, f"{marked:,} records are in quarantine"


def _names_records(result: Any) -> bool:
    return hasattr(_domain(result), "bad_records")


def _domain(result: Any) -> Any:
    return result.expectation_config.to_domain_obj()


def _bad_records(failed: list[Any]) -> Iterator[Condition]:
    seen: set[str] = set()
    for result in failed:
        if _names_records(result):
            condition = _domain(result).bad_records()
            if repr(condition) not in seen:
                seen.add(repr(condition))
                yield condition
