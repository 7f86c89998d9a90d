"""What GX's own engines refuse of an expectation's arguments, with GX's messages: a store is not asked then.

GX checks some arguments when an expectation is made; these only where pandas, SQL or Spark compute the metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from expectations_plugins.conditions.value_types import as_date


def check_bounds(low: Any, high: Any) -> None:
    """Refuse limits between which nothing can be.

    Raises:
        ValueError: There is no limit, or the lower one is the higher.
    """
    if low is None and high is None:
        raise ValueError("min_value and max_value cannot both be None")
    if low is not None and high is not None and _more(low, high):
        raise ValueError("min_value cannot be greater than max_value")


def check_lengths(low: Any, high: Any) -> None:
    """Refuse lengths that are not whole numbers.

    Raises:
        ValueError: One of them is not, or there is none.
    """
    if low is None and high is None:
        raise ValueError("min_value and max_value cannot both be None")
    for bound in (low, high):
        if bound is not None and not _is_whole(bound):
            raise ValueError("min_value and max_value must be integers")


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse an argument that is none of the few it can be.

    Raises:
        ValueError: It is not.
    """
    if value not in choices:
        raise ValueError(f"{name} cannot be {value!r}; it is one of {', '.join(map(repr, choices))}")


def _more(low: Any, high: Any) -> bool:
    earliest, latest = as_date(low), as_date(high)
    if earliest is not None and latest is not None:
        return earliest > latest
    try:
        return bool(low > high)
    except TypeError:  # of two kinds: no value is above the one and below the other
        raise ValueError(f"min_value {low!r} and max_value {high!r} cannot be compared with each other") from None


def _is_whole(bound: Any) -> bool:
    return isinstance(bound, int | float) and float(bound).is_integer()
