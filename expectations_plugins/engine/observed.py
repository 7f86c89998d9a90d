"""What an expectation observed, as people may read it: a masked field's values are shown as their shape here, too.

Our own expectations say what they observed in a sentence that holds no value. GX's may observe a value (a minimum) or
a list of them (the distinct ones).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from great_expectations.expectations.registry import get_expectation_impl

from expectations_plugins.core.masking import Masks
from expectations_plugins.engine.rendering import ReadableExpectation

MOST_VALUES = 20
COLUMNS = ("column", "column_A", "column_B", "column_list")
COUNTING = frozenset(
    {
        "expect_column_unique_value_count_to_be_between",
        "expect_column_proportion_of_unique_values_to_be_between",
        "expect_column_proportion_of_non_null_values_to_be_between",
    }
)
"""GX's expectations about a column whose number is no value of it, nor made of values."""


def observed(configuration: Any, found: Mapping[str, Any], masks: Masks) -> str:
    """What was observed; "" when the result says nothing but how many records are unexpected.

    Args:
        configuration: GX's configuration of the expectation.
        found: Its result.
        masks: Fields whose values are not shown.
    """
    value, hidden = found.get("observed_value"), None
    if issubclass(get_expectation_impl(configuration.type), ReadableExpectation):
        return str(value or "")
    if configuration.type not in COUNTING:
        hidden = next((column for column in _columns(configuration.kwargs) if masks.hides(column)), None)
    if value is not None:
        return f"found {_words(value, hidden, masks)}"
    unexpected = found.get("partial_unexpected_list")
    if unexpected and found.get("element_count") is None:  # of distinct values, not of records
        return f"found what is not expected: {_words(unexpected, hidden, masks)}"
    return ""


def _columns(settings: Mapping[str, Any]) -> Iterable[str]:
    for name in COLUMNS:
        given = settings.get(name) or ()
        yield from (given,) if isinstance(given, str) else given


def _words(value: Any, column: str | None, masks: Masks) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_words(one, column, masks)}" for name, one in value.items())
    if isinstance(value, list | tuple | set):
        drawn = list(dict.fromkeys(masks.value(column, one) for one in value))
        more = len(drawn) - MOST_VALUES
        return ", ".join(drawn[:MOST_VALUES]) + (f" and {more:,} more" if more > 0 else "")
    if isinstance(value, int) and not isinstance(value, bool) and column is None:
        return f"{value:,}"
    return masks.value(column, value)
