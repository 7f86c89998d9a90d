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
        fields: Their names; one names what is within it, too.
    """

    fields: tuple[str, ...] = DEFAULT

    def hides(self, field: str | None) -> bool:
        """Whether values of a field are shown as their shape: it is named, or lies in one that is, or holds one."""
        parts = f"{field}."
        return bool(field) and any(parts.startswith(f"{one}.") or one.startswith(parts) for one in self.fields)

    def value(self, field: str | None, value: Any) -> str:
        """A value of a field, as it may be shown."""
        text = "null" if value is None else str(value)
        drawn = shape(text) if self.hides(field) else text
        return drawn if len(drawn) <= LONGEST else f"{drawn[:LONGEST]}…"

    def examples(self, field: str | None, found: Iterable[Sequence[Any]]) -> tuple[Example, ...]:
        """Pairs of interaction_id and value of a field."""
        return tuple(Example(str(key)[:LONGEST], self.value(field, value)) for key, value in found)


def shape(value: str) -> str:
    """The shape of a value that must not be shown: digits as 9, letters and all that is not ASCII as a, cut at 40."""
    if value in _HARMLESS:
        return value
    return "".join(map(_drawn, value[:_SHAPE_LENGTH])) + ("…" if len(value) > _SHAPE_LENGTH else "")


def _drawn(char: str) -> str:
    if char.isdecimal():
        return "9"
    return char if char.isascii() and not char.isalnum() else "a"  # marks and signs of other scripts tell a name, too
