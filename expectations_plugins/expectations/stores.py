"""ExpectStoresToReconcile: a batch has the same ids in two stores."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, ClassVar, Union

from great_expectations.core.suite_parameters import SuiteParameterDict

from expectations_plugins.engine.gx_internals import (
    RowConditionType,
    deserialize_row_condition,
    pydantic,
    validate_row_condition,
)
from expectations_plugins.engine.rendering import ReadableExpectation

RECONCILED = "sluicegate.stores.reconciled"


class ExpectStoresToReconcile(ReadableExpectation):
    """Expect this batch and the same batch in an asset of another data source to hold the same ids.

    The stores compare counts and fingerprints first; ids are read only where these differ. How it was compared, and
    whether a bound was reached before every difference was found, is in the result. A record without a text for an
    id fails it, because nothing can be said of it; leave such records out with a row condition.

    Args:
        key: The field that holds the id.
        comparison_data_source: The other data source's name.
        comparison_asset: The asset's name there. The batch is picked by the same batch parameters as this one.
        comparison_key: The field that holds the id there; None when it has the same name.
        row_condition: Which records of this batch count.
        comparison_row_condition: Which records of the other count.
        by_ids: Read and compare every id, in bounded pages, of batches of up to a million records: exact also in a
            store that has no fingerprints.
        required_condition: With `by_ids`: which records of this batch the other must have; the rest it may have.
        may_miss: With `by_ids`: how many of these it may lack all the same.
    """

    key: Union[str, SuiteParameterDict[str, Any]] = "interaction_id"
    comparison_data_source: Union[str, SuiteParameterDict[str, Any]]
    comparison_asset: Union[str, SuiteParameterDict[str, Any]]
    comparison_key: Union[str, SuiteParameterDict[str, Any], None] = None
    row_condition: RowConditionType = None
    comparison_row_condition: RowConditionType = None
    by_ids: bool = False
    required_condition: RowConditionType = None
    may_miss: Union[int, SuiteParameterDict[str, Any]] = 0

    metric_dependencies: ClassVar[tuple[str, ...]] = (RECONCILED,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "row_condition", "condition_parser")
    success_keys: ClassVar[tuple[str, ...]] = (
        "key",
        "comparison_data_source",
        "comparison_asset",
        "comparison_key",
        "comparison_row_condition",
        "by_ids",
        "required_condition",
        "may_miss",
    )

    example_columns: ClassVar[tuple[str, str]] = ("id", "only in")

    @pydantic.validator("comparison_row_condition", "required_condition")
    def _check_other_conditions(cls, value: Any) -> Any:  # noqa: N805 - pydantic's signature
        return validate_row_condition(value)

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        there = "$comparison_asset of $comparison_data_source"
        here = f"this batch{_condition(settings['row_condition'])}"
        other = f"the same batch in {there}{_condition(settings['comparison_row_condition'])}"
        needed = _condition(settings["required_condition"])
        if not needed:
            return f"Every $key of {here} must be in {other}, and the other way round."
        return f"Every $key of {other} must be in {here}; every one{needed} must be there."

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration
        found = metrics[RECONCILED]
        kwargs = self._get_success_kwargs()
        there = f"{kwargs['comparison_data_source']}/{kwargs['comparison_asset']}"
        return {
            "success": found["same"],
            "result": {
                "observed_value": _observed(found, execution_engine.backend.store, there),
                "element_count": found["here"],
                "unexpected_count": found["only_here"] + found["only_there"],
                "details": found,
            },
        }


def _condition(given: Any) -> str:
    """A row condition in words, as a part of a template."""
    if given is None:
        return ""
    condition = deserialize_row_condition(dict(given)) if isinstance(given, Mapping) else given
    return f" where {html.escape(str(condition))}".replace("$", "&#36;")  # a $ begins a name in a template


def _observed(found: Mapping[str, Any], here: str, there: str) -> str:
    text = f"{found['here']:,} ids in {here}, {found['there']:,} in {there}"
    least = "at least " if found["truncated"] else ""
    if found["only_here"] or found["only_there"]:
        text += f": {least}{found['only_here']:,} only in {here}, {least}{found['only_there']:,} only in {there}"
    elif found["same"]:
        text += ": no difference found"
    if found.get("excused"):
        text += f" ({found['excused']:,} need not be there)"
    text += f"; compared by {found['compared_by']}"
    if found["without_id"]:
        text += f"; {found['without_id']:,} records have no id"
    return text + ("; the search stopped at its bound" if found["truncated"] else "")
