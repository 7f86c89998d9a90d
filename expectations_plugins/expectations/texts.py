"""How many texts have a vector of a part only, and how many have none: the embedding process gives their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, List, Union

from great_expectations.core.suite_parameters import SuiteParameterDict
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations_plugins.engine.rendering import ReadableExpectation, share, tolerated

SHOWN = 3


class ExpectTruncatedTextRateToBeBelow(ReadableExpectation):
    """Expect the share of texts that were cut at the model's limit to be no higher than a rate.

    Args:
        texts: How many texts were cut.
        records: How many texts there are.
        max_rate: The highest share that passes, 0..1.
        named: Some of them: interaction_id, and what was done.
    """

    texts: Union[int, SuiteParameterDict[str, Any]]
    records: Union[int, SuiteParameterDict[str, Any]]
    max_rate: Union[float, SuiteParameterDict[str, Any]] = 0.0
    named: Union[List[List[str]], SuiteParameterDict[str, Any]] = []
    severity: FailureSeverity = FailureSeverity.WARNING

    metric_dependencies: ClassVar[tuple[str, ...]] = ()
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = ("texts", "records", "max_rate", "named")

    example_columns: ClassVar[tuple[str, str]] = ("interaction_id", "what was done")
    happened: ClassVar[str] = "were cut at the model's limit"

    @property
    def configuration(self) -> ExpectationConfiguration:
        """What GX saves and shows; it leaves defaults out, and takes a severity that is left out for critical."""
        found = super().configuration
        found.severity = self.severity
        return found

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        return f"At most {tolerated(settings['max_rate'])} of the texts may be ones that {cls.happened}."

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del metrics, runtime_configuration, execution_engine
        kwargs = self._get_success_kwargs()
        texts, records, examples = int(kwargs["texts"]), int(kwargs["records"]), list(kwargs["named"] or [])
        rate = texts / records if records else 0.0
        shown = "; ".join(f"{key}: {what}" if what else key for key, what in examples[:SHOWN])
        return {
            "success": rate <= float(kwargs["max_rate"]),
            "result": {
                "observed_value": f"{share(texts, records)} texts {self.happened}" + (f" ({shown})" if shown else ""),
                "element_count": records,
                "unexpected_count": texts,
                "unexpected_percent": rate * 100,
                "details": {"texts": texts, "rate": rate, "examples": examples},
            },
        }


class ExpectRefusedTextRateToBeBelow(ExpectTruncatedTextRateToBeBelow):
    """Expect the share of texts that the model's API refused, and that have no vector, to be no higher than a rate.

    Args:
        texts: How many texts were refused, without those that a person accepted.
        records: How many texts there are.
        max_rate: The highest share that passes, 0..1.
        named: Some of them: interaction_id, and what the API said.
    """

    example_columns: ClassVar[tuple[str, str]] = ("interaction_id", "what the API said")
    happened: ClassVar[str] = "were refused by the API"
