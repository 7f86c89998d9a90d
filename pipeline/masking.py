"""What of the data people are shown: values of fields named in the settings appear as their shape only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

DEFAULT = ("user_id",)
"""A user_id names a person."""

_HARMLESS = frozenset({"null", "None", ""})
_SHAPE_LENGTH = 40

LONGEST = 500
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Example:
    """One record that is not as expected: its interaction_id, and the value that is wrong or what is wrong with it."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Masks:
    """Fields whose values are shown as their shape, e.g. a_99999 for u_12345.

    Args:
        fields: Their names.
    """

    fields: tuple[str, ...] = DEFAULT

    def value(self, field: str | None, value: Any) -> str:
        """A value of a field, as it may be shown."""
        text = "null" if value is None else str(value)
        drawn = shape(text) if field in self.fields else text
        return drawn if len(drawn) <= LONGEST else f"{drawn[:LONGEST]}…"

    def examples(self, field: str | None, found: Iterable[Sequence[Any]]) -> tuple[Example, ...]:
        """Pairs of interaction_id and value of a field."""
        return tuple(Example(str(key)[:LONGEST], self.value(field, value)) for key, value in found)


def shape(value: str) -> str:
    """The shape of a value that must not be shown: digits as 9, letters as a, cut at 40 characters."""
    if value in _HARMLESS:
        return value
    drawn = "".join("9" if char.isdecimal() else "a" if char.isalnum() else char for char in value[:_SHAPE_LENGTH])
    return drawn + ("…" if len(value) > _SHAPE_LENGTH else "")
