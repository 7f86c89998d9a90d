"""Ranges of ids, where to cut them, and the fingerprint of a set of ids; pure functions on text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from string import ascii_lowercase, ascii_uppercase, digits

MOST_CUTS = 15
"""The most places one range is cut at, which makes one piece for each hexadecimal digit."""

POSITIONS = 2
"""How many places from the end of an id the fingerprint looks at."""

BITS = 4
"""Bits of a character's code: hexadecimal digits each have their own, other characters share them."""

END = r"(?![\s\S])"
"""The end of the text: `$` stands before a last newline too, and each dialect has its own newlines."""

CLASSES = (digits, ascii_uppercase, ascii_lowercase)
UNORDERED = "\ud800"
"""From here on, stores do not agree on the order of characters: some go by code point, some by UTF-16."""


@dataclass(frozen=True, slots=True)
class Range:
    """Ids from `low` on and before `high`; None is without end."""

    low: str = ""
    high: str | None = None

    def __contains__(self, key: str) -> bool:
        return self.low <= key and (self.high is None or key < self.high)


EVERYTHING = Range()


def cuts_between(low: str, high: str) -> list[str]:
    """Where to cut a range whose lowest and highest ids are known: each cut is above `low` and not above `high`.

    Cuts fall where the ids begin to differ, on digits and letters, so that every piece is smaller than the range.
    None when both are the same.
    """
    if low >= high:
        return []
    shared = next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    first, last = low[shared : shared + 1], high[shared]
    letters = {letter for alphabet in CLASSES if {first, last} & set(alphabet) for letter in alphabet}
    between = sorted(letter for letter in letters | {_last_cut(first, last)} if first < letter <= last)
    return [high[:shared] + letter for letter in _thinned(between, MOST_CUTS)]


def _last_cut(first: str, last: str) -> str:
    """The last character, or one before it on whose order all stores agree."""
    if last < UNORDERED or (first and first >= "\ud7ff"):
        return last
    return "\ud7ff"


def unordered(key: str) -> bool:
    """Whether stores may disagree on where an id sorts."""
    return any(character >= UNORDERED for character in key)


def _thinned(letters: Sequence[str], most: int) -> list[str]:
    if len(letters) <= most:
        return list(letters)
    return [letters[n * len(letters) // most] for n in range(most)]


@cache
def fingerprint() -> tuple[str, ...]:
    """Regular expressions; how many ids match each is what two equal sets of ids have in common.

    For each bit of a character's code: whether the bit is set at each of the last positions, and whether an even
    number of characters anywhere have it. So an id in another's place shows, unless both agree in all of these.
    The expressions mean the same to Python, PCRE and Java.
    """
    others = [_characters_without(bit) for bit in range(BITS)]
    at_the_end = [f"[^{clear}][\\s\\S]{{{place}}}{END}" for place in range(POSITIONS) for clear in others]
    even = [f"^(?:[{clear}]*[^{clear}][{clear}]*[^{clear}])*[{clear}]*{END}" for clear in others]
    return (*at_the_end, *even)


def _characters_without(bit: int) -> str:
    """The ASCII characters whose code has a bit clear, as the inside of a class; all others count as having it set."""
    clear = [character for character in map(chr, range(32, 127)) if not _code(character) >> bit & 1]
    return "".join(character if character.isalnum() else f"\\{character}" for character in clear)


def _code(character: str) -> int:
    return (int(character, 36) if character.isalnum() else ord(character)) % (1 << BITS)
