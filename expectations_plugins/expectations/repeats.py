"""ExpectRecordsNotToWaitElsewhere: a batch brings nothing again of batches that did not go through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Union

from great_expectations.core.suite_parameters import SuiteParameterDict

from expectations_plugins.engine.rendering import ReadableExpectation, share

NAMED = 5
"""Batches that a sentence names."""


class ExpectRecordsNotToWaitElsewhere(ReadableExpectation):
    """Expect that no record of a batch had arrived before, with a batch that did not go through.

    A sender who corrects such a batch sends its records again. While the first batch keeps them, what the second one
    says of them is passed over as duplicates and conflicts. These are not stored: the loading process gives numbers.

    Args:
        waiting: By name, the batches that did not go through, and how many of this batch's records each had brought.
        records: How many records were read.
    """

    waiting: Union[dict[str, int], SuiteParameterDict[str, Any]]
    records: Union[int, SuiteParameterDict[str, Any]]

    metric_dependencies: ClassVar[tuple[str, ...]] = ()
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = ("waiting", "records")

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        del settings
        return "No record may have arrived before with a batch that did not go through ($waiting)."

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del metrics, runtime_configuration, execution_engine
        kwargs = self._get_success_kwargs()
        waiting, records = {str(key): int(n) for key, n in dict(kwargs["waiting"]).items()}, int(kwargs["records"])
        repeated = sum(waiting.values())
        return {
            "success": not repeated,
            "result": {
                "observed_value": _observed(waiting, repeated, records),
                "element_count": records,
                "unexpected_count": repeated,
                "unexpected_percent": repeated / records * 100 if records else 0.0,
                "details": {"waiting": waiting, "records": records},
            },
        }


def _observed(waiting: Mapping[str, int], repeated: int, records: int) -> str:
    if not waiting:
        return "no record is one of a batch that did not go through"
    names = ", ".join(f"{name} ({number:,})" for name, number in list(waiting.items())[:NAMED])
    more = f" and {len(waiting) - NAMED:,} more" if len(waiting) > NAMED else ""
    batches = "a batch" if len(waiting) == 1 else f"{len(waiting):,} batches"
    return f"{share(repeated, records)} records had arrived with {batches} that did not go through: {names}{more}"
