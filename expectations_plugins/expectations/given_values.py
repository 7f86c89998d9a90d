"""ExpectGivenValuesToBeReadable: what came in a field could be read as what the field is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Union

from great_expectations.core.suite_parameters import SuiteParameterDict

from expectations_plugins.conditions.expressions import Condition
from expectations_plugins.engine.arrival_metrics import (
    READABLE_COUNTS,
    READABLE_EXAMPLES,
    READABLE_QUERY,
    READABLE_TYPES,
    noted,
)
from expectations_plugins.engine.rendering import ReadableExpectation, share, tolerated


class ExpectGivenValuesToBeReadable(ReadableExpectation):
    """Expect the values that were given in a field to have been read, but for a tolerated share.

    What loads the records notes in them, by field, which value it could not read and which it read from another
    type: `{"unreadable": {"value": "text"}, "extra": {"value": "19,90"}}`. A record without a value is not unreadable.

    Args:
        column: The field.
        unreadable_in: The map of notes that says of which type a value was that could not be read.
        converted_in: The map of notes that says what a value was converted from.
        given_in: The map that keeps the values as they were given.
        tolerance: Share of records whose value could not be read, 0..1; the expectation fails above it.
        key: The field that names a record in examples.
    """

    column: Union[str, SuiteParameterDict[str, Any]]
    unreadable_in: Union[str, SuiteParameterDict[str, Any]] = "unreadable"
    converted_in: Union[str, SuiteParameterDict[str, Any]] = "converted"
    given_in: Union[str, SuiteParameterDict[str, Any]] = "extra"
    tolerance: Union[float, SuiteParameterDict[str, Any]] = 0.0
    key: Union[str, SuiteParameterDict[str, Any]] = "interaction_id"

    metric_dependencies: ClassVar[tuple[str, ...]] = (
        READABLE_COUNTS,
        READABLE_TYPES,
        READABLE_EXAMPLES,
        READABLE_QUERY,
    )
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "column")
    success_keys: ClassVar[tuple[str, ...]] = ("unreadable_in", "converted_in", "given_in", "tolerance", "key")

    example_columns: ClassVar[tuple[str, str]] = ("interaction_id", "as it was given")
    fault: ClassVar[str] = "unreadable"
    """What is wrong with the records it names, before the field's name."""

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        sentence = "Every $column that was given must be readable"
        if settings["tolerance"] == 0:
            return f"{sentence}."
        return f"{sentence}; up to {tolerated(settings['tolerance'])} that are not are tolerated."

    def bad_records(self) -> Condition:
        """All records this expectation names as bad, for quarantine."""
        return noted(str(self.unreadable_in), str(self.column))

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration, execution_engine
        counts, types = metrics[READABLE_COUNTS], metrics[READABLE_TYPES]
        checked, bad = counts["checked"], counts["unreadable"]
        rate = bad / checked if checked else 0.0
        found = ", ".join(f"{count:,} {name}" for name, count in types)
        text = f"{share(bad, checked)} records have a {self.column} that cannot be read{': ' + found if found else ''}"
        if counts["converted"]:
            text += f"; {counts['converted']:,} were converted from another type or notation"
        return {
            "success": rate <= float(self._get_success_kwargs()["tolerance"]),
            "result": {
                "observed_value": text,
                "element_count": checked,
                "unexpected_count": bad,
                "unexpected_percent": rate * 100,
                "unexpected_index_query": metrics[READABLE_QUERY] if bad else None,
                "details": {**counts, "types": dict(types), "examples": metrics[READABLE_EXAMPLES]},
            },
        }
