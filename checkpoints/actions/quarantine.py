"""Quarantine: every record a failed expectation names as bad is marked in MongoDB, not only the examples GX shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from checkpoints.actions.base import GateAction
from checkpoints.actions.scope import ActionScope
from checkpoints.core.acted_on import ACTED_ON
from expectations_plugins.conditions.expressions import Condition, Or
from expectations_plugins.mongodb.conditions import condition as compile_condition
from pipeline.core.policy import QUARANTINE
from pipeline.core.verdicts import GateReport, Verdict


class QuarantineAction(GateAction):
    """Mark bad records, so that they go no further until a person releases them."""

    type: Literal["sluicegate_quarantine"] = "sluicegate_quarantine"
    kind: ClassVar[str] = QUARANTINE
    title: ClassVar[str] = "quarantine bad records"
    marks_records: ClassVar[bool] = True

    def intend(self, report: GateReport, results: Sequence[Any], scope: ActionScope) -> Mapping[str, Any] | None:
        """The condition of all bad records, compiled; never after a check that could not run."""
        del scope
        bad = [] if report.verdict is Verdict.ERROR else list(_bad_records(results))
        if not bad:
            return None
        # as text: a field whose name begins with a dollar sign is nothing a document may hold
        records = max(int(result.result.get("unexpected_count") or 0) for result in results if names_records(result))
        return {
            "records": records,
            "condition": json.dumps(compile_condition(Or(tuple(bad)))),
            "reason": _reason(results),
        }

    @classmethod
    def would(cls, data: Mapping[str, Any]) -> str:
        """How many records it would mark."""
        return f"would quarantine {data['records']:,} records"

    @classmethod
    def perform(cls, data: Mapping[str, Any], scope: ActionScope) -> str:
        """Mark them; those marked before keep their mark."""
        assert scope.effects is not None
        assert scope.lease is not None
        marked = scope.effects.raw_store.quarantine(
            scope.batch_id,
            json.loads(str(data["condition"])),
            gate=scope.gate,
            reason=str(data["reason"]),
            run_id=scope.run_id,
            fence=scope.lease.fence,
        )
        return f"{marked:,} {'record is' if marked == 1 else 'records are'} in quarantine"


def names_records(result: Any) -> bool:
    """Whether an expectation failed that says which records are bad."""
    return not result.success and ACTED_ON[QUARANTINE](result.expectation_config)


def _reason(results: Sequence[Any]) -> str:
    """What is wrong with the records, by the fields that are checked."""
    named = [one.expectation_config.to_domain_obj() for one in results if names_records(one)]
    return ", ".join(sorted({f"{getattr(one, 'fault', 'malformed')} {one.column}" for one in named}))


def _bad_records(results: Sequence[Any]) -> Iterator[Condition]:
    seen: set[str] = set()
    for result in results:
        if names_records(result):
            domain: Any = result.expectation_config.to_domain_obj()
            condition: Condition = domain.bad_records()
            if repr(condition) not in seen:
                seen.add(repr(condition))
                yield condition
