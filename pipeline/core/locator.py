"""Where in its file a record is: one value for every format, with a text for people and a number for the stores."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_PARTS = 2**40
"""More lines than any file has: how far apart the keys are of the first and the second object of one line."""


class Unit(StrEnum):
    """What is counted in a file."""

    LINE = "line"
    ITEM = "item"
    RECORD = "record"


_TEXTS = {Unit.LINE: "line {:d}", Unit.ITEM: "item {:d} of the array", Unit.RECORD: "record {:d}"}


@dataclass(frozen=True, slots=True, order=True)
class Locator:
    """The place of a record in its file.

    Args:
        number: Which line, item or record, 1-based.
        unit: What is counted.
        part: Which of several objects in the same line, 1-based.
    """

    number: int
    unit: Unit = Unit.LINE
    part: int = 1

    def __str__(self) -> str:
        text = _TEXTS[self.unit].format(self.number)
        return text if self.part == 1 else f"{text}, object {self.part}"

    @property
    def key(self) -> int:
        """A number that no other record of the file has; of a plain line its number, as the first programs kept it."""
        return self.number + (self.part - 1) * _PARTS

    @property
    def address(self) -> str:
        """As people type it behind the batch: `12`, or `12.2` of the second object of a line."""
        return str(self.number) if self.part == 1 else f"{self.number}.{self.part}"

    @property
    def is_plain(self) -> bool:
        """Whether the key says all."""
        return self.unit is Unit.LINE and self.part == 1

    def as_data(self) -> dict[str, int | str]:
        """As JSON types: the key, which is called `line` in every store, and the text."""
        return {"line": self.key, "place": str(self)}

    @classmethod
    def of(cls, key: int, text: object = "") -> Locator:
        """The locator that a store keeps.

        Args:
            key: Its key.
            text: Its text, which begins with the unit; none of a plain line.
        """
        name = str(text or "").partition(" ")[0]
        unit = Unit(name) if name in Unit.__members__.values() else Unit.LINE
        return cls(key % _PARTS, unit, key // _PARTS + 1)

    @classmethod
    def typed(cls, address: str) -> Locator:
        """The locator of an address, whose unit only the store knows."""
        number, _, part = address.partition(".")
        return cls(int(number), part=int(part or 1))
