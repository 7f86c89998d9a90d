"""ExpectFallbackEmbeddingRateToBeBelow: how many vectors no model made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Union

from great_expectations.core.suite_parameters import SuiteParameterDict
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations_plugins.engine.gx_internals import RowConditionType, pydantic
from expectations_plugins.engine.rendering import ReadableExpectation, share, tolerated

COUNTS = "sluicegate.fallbacks.counts"


class ExpectFallbackEmbeddingRateToBeBelow(ReadableExpectation):
    """Expect the share of records that hold a fallback in a model's place to be no higher than a rate.

    A share equal to `max_rate` passes, as do no records at all; a record whose column is null is no fallback. Its
    severity is warning unless it is given another: fallbacks keep a pipeline flowing and are to be replaced.

    Args:
        column: The field that says what made a record's vector.
        fallback_value: Its value where no model did.
        max_rate: The highest share that passes, 0..1.
        row_condition: Which records count.
    """

    column: Union[str, SuiteParameterDict[str, Any]] = "embedding_source"
    fallback_value: Union[
        pydantic.StrictBool, pydantic.StrictInt, pydantic.StrictFloat, pydantic.StrictStr, SuiteParameterDict[str, Any]
    ] = "fallback"
    max_rate: Union[float, SuiteParameterDict[str, Any]] = 0.1
    row_condition: RowConditionType = None
    severity: FailureSeverity = FailureSeverity.WARNING

    metric_dependencies: ClassVar[tuple[str, ...]] = (COUNTS,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "column", "row_condition", "condition_parser")
    success_keys: ClassVar[tuple[str, ...]] = ("fallback_value", "max_rate")

    @property
    def configuration(self) -> ExpectationConfiguration:
        """What GX saves and shows; it leaves defaults out, and takes a severity that is left out for critical."""
        found = super().configuration
        found.severity = self.severity
        return found

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        return f"At most {tolerated(settings['max_rate'])} of the records may have the $column $fallback_value."

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration, execution_engine
        checked, fallbacks = metrics[COUNTS]["checked"], metrics[COUNTS]["fallbacks"]
        rate = fallbacks / checked if checked else 0.0
        return {
            "success": rate <= float(self._get_success_kwargs()["max_rate"]),
            "result": {
                "observed_value": f"{share(fallbacks, checked)} records are fallbacks",
                "element_count": checked,
                "unexpected_count": fallbacks,
                "unexpected_percent": rate * 100,
                "details": {"checked": checked, "fallbacks": fallbacks, "rate": rate},
            },
        }
