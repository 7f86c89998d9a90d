"""ExpectUserIdsToBeWellFormed: null, not text and wrong format, counted in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Union

from great_expectations.core.suite_parameters import SuiteParameterDict

from expectations_plugins.conditions.expressions import Condition
from expectations_plugins.engine.custom_metrics import malformed_user_id
from expectations_plugins.engine.rendering import ReadableExpectation, share, tolerated

COUNTS = "sluicegate.user_ids.counts"
EXAMPLES = "sluicegate.user_ids.examples"
QUERY = "sluicegate.user_ids.query"


class ExpectUserIdsToBeWellFormed(ReadableExpectation):
    """Expect user ids to be present, text, and of a format, but for a tolerated share.

    Args:
        column: The field that holds the user id.
        pattern: A regular expression that is searched in the id; anchor it.
        tolerance: Share of bad ids a batch may have, 0..1; the expectation fails above it.
        key: The field that names a record in examples.
    """

    column: Union[str, SuiteParameterDict[str, Any]] = "user_id"
    pattern: Union[str, SuiteParameterDict[str, Any]] = r"^u_\d{3,}$"
    tolerance: Union[float, SuiteParameterDict[str, Any]] = 0.0
    key: Union[str, SuiteParameterDict[str, Any]] = "interaction_id"

    metric_dependencies: ClassVar[tuple[str, ...]] = (COUNTS, EXAMPLES, QUERY)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "column")
    success_keys: ClassVar[tuple[str, ...]] = ("pattern", "tolerance", "key")

    example_columns: ClassVar[tuple[str, str]] = ("interaction_id", "user_id")

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        sentence = "Every $column must be present and match $pattern"
        if settings["tolerance"] == 0:
            return f"{sentence}."
        return f"{sentence}; up to {tolerated(settings['tolerance'])} bad ones are tolerated."

    def bad_records(self) -> Condition:
        """All records this expectation names as bad, for quarantine."""
        return malformed_user_id(str(self.column), str(self.pattern))

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration, execution_engine
        counts = dict(metrics[COUNTS])
        checked = counts.pop("checked")
        bad = sum(counts.values())
        rate = bad / checked if checked else 0.0
        reasons = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count)
        return {
            "success": rate <= float(self._get_success_kwargs()["tolerance"]),
            "result": {
                "observed_value": f"{share(bad, checked)} user_ids are bad{': ' + reasons if reasons else ''}",
                "element_count": checked,
                "unexpected_count": bad,
                "unexpected_percent": rate * 100,
                "unexpected_index_query": metrics[QUERY] if bad else None,
                "details": {"reasons": counts, "examples": metrics[EXAMPLES]},
            },
        }
