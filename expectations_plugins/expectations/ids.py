"""Expectations about all ids of a batch: those that were written down before, and as many as are counted elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Union

from great_expectations.core.suite_parameters import SuiteParameterDict

from expectations_plugins.engine.gx_internals import RowConditionType
from expectations_plugins.engine.rendering import ReadableExpectation

CHECKED, COUNTED = "sluicegate.ids.checksum", "sluicegate.ids.count"


class ExpectIdsToMatchChecksum(ReadableExpectation):
    """Expect the ids of this batch to be exactly those of a checksum that was kept when they were written.

    A record that is missing, added or in another's place changes the checksum. One that was added, also in another's
    place, is named; one that is missing is known by its absence only.

    Args:
        key: The field that holds the id.
        count: How many there are.
        checksum: What `Checksum.as_list` gave; empty where none was kept, which leaves the count.
        row_condition: Which records of this batch count.
    """

    key: Union[str, SuiteParameterDict[str, Any]] = "interaction_id"
    count: Union[int, SuiteParameterDict[str, Any]]
    checksum: Union[list[int], SuiteParameterDict[str, Any]]
    row_condition: RowConditionType = None

    metric_dependencies: ClassVar[tuple[str, ...]] = (CHECKED,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "row_condition", "condition_parser")
    success_keys: ClassVar[tuple[str, ...]] = ("key", "count", "checksum")

    example_columns: ClassVar[tuple[str, str]] = ("id", "what")

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        del settings
        return "The $key of every record must be one of the $count that were written, and none may be missing."

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration, execution_engine
        found, expected = metrics[CHECKED], int(self._get_success_kwargs()["count"])
        missing, added = max(0, expected - found["count"]), max(0, found["count"] - expected)
        swapped = not found["same"] and not missing and not added
        return {
            "success": found["same"] and found["count"] == expected,
            "result": {
                "observed_value": _observed(found, expected, swapped=swapped),
                "element_count": found["count"],
                "unexpected_count": max(missing, added, int(swapped)),
                "details": found | {"examples": [[key, "was added"] for key in found["added"]]},
            },
        }


class ExpectPublishedCountToMatch(ReadableExpectation):
    """Expect another system to count as many records as this batch has.

    Args:
        published: How many it counts.
        where: Its name.
        differences: What else differs there, as sentences; none when nothing does.
        key: The field that holds the id; records are counted, whatever is in it.
        row_condition: Which records of this batch count.
    """

    published: Union[int, SuiteParameterDict[str, Any]]
    where: str
    differences: Union[list[str], SuiteParameterDict[str, Any]] = []
    key: Union[str, SuiteParameterDict[str, Any]] = "interaction_id"
    row_condition: RowConditionType = None

    metric_dependencies: ClassVar[tuple[str, ...]] = (COUNTED,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "row_condition", "condition_parser")
    success_keys: ClassVar[tuple[str, ...]] = ("published", "where", "differences", "key")

    example_columns: ClassVar[tuple[str, str]] = ("what", "difference")

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        del settings
        return "$where must publish as many records as this batch has: $published, and the same groups of them."

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration
        kwargs, here = self._get_success_kwargs(), int(metrics[COUNTED])
        published, differences = int(kwargs["published"]), list(kwargs["differences"] or [])
        text = f"{kwargs['where']} publishes {published:,} records, {execution_engine.backend.store} has {here:,}"
        text += f"; {len(differences):,} groups differ: {differences[0]}" if differences else ""
        return {
            "success": published == here and not differences,
            "result": {
                "observed_value": text,
                "element_count": here,
                "unexpected_count": abs(published - here) or len(differences),
                "details": {"examples": [[kwargs["where"], one] for one in differences]},
            },
        }


def _observed(found: Mapping[str, Any], expected: int, *, swapped: bool) -> str:
    text = f"{found['count']:,} records, {expected:,} were written"
    if swapped:
        text += ", but not the same ones"
    if found["added"]:
        text += f"; added: {', '.join(found['added'])}"
    return text
