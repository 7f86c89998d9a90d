"""Sets of characters, written so that Python, PCRE2 and Java read the same ones.

A set is what Python's parser says it is, turned into ranges of code points and written as a class that holds nothing
but them: no `\\w`, no flags, no class in a class. Whatever spans more than one character is in patterns.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

_codes: Any = import_module("re._constants")

Ranges = Sequence[tuple[int, int]]
"""Code points, from and to, both included."""

EVERYTHING = r"[\s\S]"
"""Any one character."""
_NOTHING = r"[^\s\S]"
_DIGITS: Ranges = ((0x30, 0x39),)
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_ASCII_SPACE: Ranges = ((0x09, 0x0D), (0x20, 0x20))
_SPACE: Ranges = (
    *((0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
)
_SURROGATES = (0xD800, 0xDFFF)
_LAST = 0x10FFFF
_CONTROLS = frozenset([*range(0x20), *range(0x7F, 0xA1)])
_LAST_ASCII = 0x7F
_PLAIN = frozenset(" _!\"%',/:;<=>@")
_NAMED = {"\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def one_of(items: Iterable[tuple[Any, Any]], flags: int) -> str:
    """A text that matches one character of a set; its arguments are those of `ranges`."""
    return _written(ranges(items, flags))


def ranges(items: Iterable[tuple[Any, Any]], flags: int) -> Ranges:
    """The characters of a set.

    Args:
        items: The set's parts as Python's parser gives them; a part NEGATE or NOT_LITERAL means all others.
        flags: Python's flags; with ignored case the set grows by what Python takes for one of its characters.
    """
    plain: list[tuple[int, int]] = []
    named: list[tuple[int, int]] = []
    negated = False
    for kind, what in items:
        if kind is _codes.CATEGORY:
            named += _category(what, flags)
        elif kind is _codes.RANGE:
            plain.append(what)
        elif kind is not _codes.NEGATE:
            plain.append((what, what))
        negated |= kind in (_codes.NEGATE, _codes.NOT_LITERAL)
    others = _complement([*named, *_any_case(plain, flags)])
    return others if negated else _complement(others)


def escaped(code: int) -> str:
    """One character as itself, in a class and outside."""
    character = chr(code)
    if code in _CONTROLS:  # Python, PCRE2 and Java have few names for them in common, and MongoDB takes no NUL
        return _NAMED.get(character, f"\\x{code:02x}")
    return character if code > _LAST_ASCII or character.isalnum() or character in _PLAIN else f"\\{character}"


def is_surrogate(code: int) -> bool:
    """Whether it is half a character of UTF-16, which no text in a store holds."""
    return _SURROGATES[0] <= code <= _SURROGATES[1]


def _category(name: Any, flags: int) -> Ranges:
    space = _ASCII_SPACE if flags & re.ASCII else _SPACE
    return {
        _codes.CATEGORY_DIGIT: _DIGITS,
        _codes.CATEGORY_WORD: _WORD,
        _codes.CATEGORY_SPACE: space,
        _codes.CATEGORY_NOT_DIGIT: _complement(_DIGITS),
        _codes.CATEGORY_NOT_WORD: _complement(_WORD),
        _codes.CATEGORY_NOT_SPACE: _complement(space),
    }[name]


def _any_case(members: Ranges, flags: int) -> Ranges:
    if not flags & re.IGNORECASE or not members:
        return members
    written = _written(_complement(_complement(members)))
    return [*members, *((ord(c), ord(c)) for c in re.findall(written, _cased(), flags & (re.ASCII | re.IGNORECASE)))]


@lru_cache(maxsize=1)
def _cased() -> str:
    """Every character that has another case; there are none above."""
    return "".join(c for c in map(chr, range(0x20000)) if c.lower() != c or c.upper() != c)


def _complement(ranges: Ranges) -> Ranges:
    """All other characters, in order. Surrogates are in no complement."""
    free, found = 0, []
    for low, high in sorted([*ranges, _SURROGATES]):
        if low > free:
            found.append((free, low - 1))
        free = max(free, high + 1)
    return found if free > _LAST else [*found, (free, _LAST)]


def _written(members: Ranges) -> str:
    others = _complement(members)
    if not members or not others:
        return EVERYTHING if members else _NOTHING
    if members[-1][1] == _LAST:
        return f"[^{_listed(others)}]"
    alone = len(members) == 1 and members[0][0] == members[0][1]
    return escaped(members[0][0]) if alone else f"[{_listed(members)}]"


def _listed(ranges: Ranges) -> str:
    return "".join(
        escaped(low) if low == high else f"{escaped(low)}{'-' if high > low + 1 else ''}{escaped(high)}"
        for low, high in ranges
    )
