"""Regular expressions and LIKE patterns that mean the same in Python, in PCRE2 (MongoDB) and in Java (Neo4j).

A pattern is parsed by Python's own parser, and its tree is written anew in the part of the language that all three read
the same: classes are written out as ranges; `.`, `$`, `\\b` and the flags become classes and lookarounds; groups lose
their names; every character that could be special is escaped. So the text that is sent is never the user's. What has no
such text is refused by a `PatternError`.

The meaning is that of Python's `re.search`, as in GX's pandas engine, with one named difference: `\\d`, `\\w` and `\\b`
know the digits and letters of ASCII only. `\\s` and ignored case are Python's own, all of Unicode.

What could take forever is refused (backtracking.py): one hostile text would keep a server busy for all others. Java can
still run out of stack on long texts, and MongoDB refuses a pattern whose repeats of groups
come to more than 64 KB once PCRE2 has compiled it. All these are errors of the store, not answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import Any

from expectations_plugins.conditions.backtracking import MOST_LOOPS, fault_of
from expectations_plugins.conditions.characters import EVERYTHING, escaped, is_surrogate, one_of

_parser: Any = import_module("re._parser")  # typeshed does not know it; sre_parse, its old name, warns
_codes: Any = import_module("re._constants")

MOST_REPEATS = 65_535
"""The highest count PCRE2 takes in a repeat, and the width of its longest lookbehind."""
LONGEST = 32_764
"""The longest pattern MongoDB takes, in bytes of UTF-8."""

END = f"(?!{EVERYTHING})"
_KNOWN_FLAGS = re.ASCII | re.IGNORECASE | re.MULTILINE | re.DOTALL | re.UNICODE | re.VERBOSE

_W, _NOT_W = "[0-9A-Z_a-z]", "[^0-9A-Z_a-z]"
_PLACES = {
    _codes.AT_BEGINNING: "^",
    _codes.AT_BEGINNING_STRING: "^",
    _codes.AT_END: rf"(?=\n?{END})",
    _codes.AT_END_STRING: END,
    _codes.AT_BOUNDARY: f"(?:(?<={_W})(?!{_W})|(?<!{_W})(?={_W}))",
    # before Python 3.14 `\B` is not found in an empty text: hence three cases and not two
    _codes.AT_NON_BOUNDARY: f"(?:(?<={_W})(?={_W})|(?<={_NOT_W})(?!{_W})|(?<!{_W})(?={_NOT_W}))",
}
_LINE_PLACES = {_codes.AT_BEGINNING: r"(?<![^\n])", _codes.AT_END: r"(?![^\n])"}
_REPEATS = {_codes.MAX_REPEAT: "", _codes.MIN_REPEAT: "?", _codes.POSSESSIVE_REPEAT: "+"}
_ATOMS = frozenset({_codes.LITERAL, _codes.NOT_LITERAL, _codes.IN, _codes.ANY, _codes.BRANCH})
_CLASSES = frozenset({_codes.NOT_LITERAL, _codes.IN, _codes.ANY})
_NEVER_NOT = "(?!(?!)\U0001f600)"
"""Always true. Java steps back by UTF-16 units, unless it sees a character outside the BMP in a lookbehind."""
_REGULAR = _ATOMS | {_codes.SUBPATTERN, _codes.MAX_REPEAT, _codes.MIN_REPEAT}
"""What matches nothing either everywhere or nowhere; all else depends on where it stands."""

_TOKENS = re.compile(
    r"""(?xs) (?P<reference> \\[1-9]\d? | \(\?P=\w+\)) | \\. | \[\^?\]?(?:\\.|[^]\\])*\] | \(\?\#[^)]*\)
    | (?P<conditional> \(\?\() | (?P<atomic> \(\?>) | (?P<scoped> \(\?[a-z]*[au][a-z-]*:) | \(\??
    | (?P<repeat> (?:[*+?]|\{(?!\})\d*(?:,\d*)?\})[+?]?) | ."""
)


class PatternError(ValueError):
    """A pattern that would not mean the same in every store.

    Args:
        what: The construct.
        pattern: The pattern it stands in.
        position: Where it stands, in characters from 0; None where that is not known.
        why: What is wrong with it.
        instead: What to write instead.
    """

    def __init__(self, what: str, pattern: str, position: int | None, why: str, instead: str) -> None:
        place = "" if position is None else f" at position {position}"
        shown = pattern if len(pattern) <= 200 else f"{pattern[:200]}..."  # noqa: PLR2004
        super().__init__(f"{what}{place} of the pattern {shown!r}: {why}. {instead}")
        self.position = position


@lru_cache(maxsize=1024)
def common(pattern: str) -> str:
    """The pattern as a text that Python, PCRE2 and Java read the same way; see the module for what may differ.

    Args:
        pattern: A regular expression of Python's `re`, to be searched.

    Raises:
        PatternError: It is no valid pattern, or it has no such text.
    """
    try:
        re.compile(pattern)  # finds faults that the parser alone does not, such as lookbehinds without a fixed width
        tree = _parser.parse(pattern)
        writer = _Writer(pattern, tuple(_nodes(tree)))
        text = writer.sequence(tree, _Scope(tree.state.flags))
        writer.check_time(tree)
    except re.error as error:
        raise PatternError("The syntax", pattern, error.pos, f"Python says: {error.msg}", "Correct it.") from error
    except (RecursionError, OverflowError) as error:
        raise PatternError("The nesting", pattern, None, "it is too deep or too large", _SIMPLER) from error
    return _checked(pattern, text)


@lru_cache(maxsize=1024)
def like(pattern: str) -> str:
    r"""A LIKE pattern of SQL as a regular expression that every store reads the same way, to be searched.

    `%` is any run of characters, line ends included, `_` is one character (one code point), a backslash before `%`,
    `_` or a backslash makes it stand for itself. Case counts, and the whole text must match.

    Raises:
        PatternError: A backslash stands before anything else, or last; databases do not agree on what it means.
    """
    parts = [_like_part(found, pattern) for found in re.finditer(r"%+|\\.?|.", pattern, re.DOTALL)]
    open_start, open_end = parts[:1] == [_ANYTHING], parts[-1:] == [_ANYTHING]
    inner = parts[open_start : len(parts) - open_end]
    if inner.count(_ANYTHING) > MOST_LOOPS:
        why = f"between its ends are more than {MOST_LOOPS}, and a search could take forever"
        raise PatternError("The percent signs", pattern, None, why, "Split it into several patterns.")
    return _checked(pattern, ("" if open_start else "^") + "".join(inner) + ("" if open_end else END))


_SIMPLER = "Write it with fewer or smaller groups and repeats."
_ANYTHING = f"{EVERYTHING}*"


def _like_part(found: re.Match[str], pattern: str) -> str:
    part = found.group()
    if part.startswith("%"):
        return _ANYTHING
    if part == "_":
        return EVERYTHING
    if part.startswith("\\"):
        if part[1:] not in ("%", "_", "\\"):
            why = "databases do not agree on what it means there"
            instead = r"Write \\ for a backslash, \% for a percent sign, \_ for an underscore."
            raise PatternError("The backslash", pattern, found.start(), why, instead)
        part = part[1:]
    if is_surrogate(ord(part)):
        raise _surrogate(pattern, found.start())
    return escaped(ord(part))


def _checked(pattern: str, text: str) -> str:
    if len(text.encode()) > LONGEST:
        why = f"it is longer than the {LONGEST} bytes MongoDB takes once it is written out"
        raise PatternError("The length", pattern, None, why, "Split it into several expectations.")
    return text


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where in the tree a node stands: the flags in force, and what encloses it."""

    flags: int
    repeated: bool = False
    around: bool = False
    behind: bool = False
    ordered: bool = False
    """Whether it matters which of several matches is found first."""


class _Writer:
    """Writes the nodes of one tree."""

    def __init__(self, pattern: str, nodes: Sequence[tuple[Any, Any]]) -> None:
        self._pattern = pattern
        self._repeats = [value for op, value in nodes if op in _REPEATS]
        self._references = [value for op, value in nodes if op is _codes.GROUPREF]
        self._numbers = {group: number for number, group in enumerate(sorted(set(self._references)), start=1)}
        self._writers: dict[Any, Callable[[Any, Any, _Scope], str]] = {
            _codes.AT: self._place,
            _codes.BRANCH: self._branch,
            _codes.SUBPATTERN: self._group,
            _codes.GROUPREF: self._reference,
            _codes.ATOMIC_GROUP: self._atomic,
            _codes.ASSERT: self._look,
            _codes.ASSERT_NOT: self._look,
            _codes.FAILURE: self._failure,
            **dict.fromkeys(_REPEATS, self._repeat),
            **dict.fromkeys(_CHARACTERS, self._characters),
        }

    def sequence(self, nodes: Iterable[tuple[Any, Any]], scope: _Scope) -> str:
        """The text of nodes that follow each other. Every node's text can stand beside any other's."""
        if scope.flags & ~_KNOWN_FLAGS:
            raise self._refused("A flag", None, "it is not known to every store", "Use i, m, s, x or a.")
        return "".join(self._node(op, value, scope) for op, value in nodes)

    def check_time(self, tree: Any) -> None:
        """Refuse a pattern whose search could take forever."""
        fault = fault_of(tree)
        if fault is not None:
            raise self._refused("The repeat", self._repeat_position(fault.repeat), fault.why, fault.instead)

    def _node(self, op: Any, value: Any, scope: _Scope) -> str:
        if op not in self._writers:
            raise self._unknown(op)
        return self._writers[op](op, value, scope)

    def _place(self, _: Any, value: Any, scope: _Scope) -> str:
        return _LINE_PLACES.get(value, _PLACES[value]) if scope.flags & re.MULTILINE else _PLACES[value]

    def _branch(self, _: Any, value: Any, scope: _Scope) -> str:
        return f"(?:{'|'.join(self.sequence(branch, scope) for branch in value[1])})"

    def _group(self, _: Any, value: Any, scope: _Scope) -> str:
        group, added, removed, body = value
        if added & _parser.TYPE_FLAGS:
            why = "Python itself reads it one way at the start of a search and another way elsewhere"
            raise self._refused("The flag", self._token("scoped"), why, "Put (?a) first: it holds for all.")
        inner = replace(scope, flags=(scope.flags | added) & ~removed)
        if group not in self._numbers:
            return self.sequence(body, inner)
        if scope.repeated or scope.around:
            raise self._no_reference(group, "its group stands in a repeat or a lookaround")
        return f"({self.sequence(body, replace(inner, ordered=True))})"

    def _reference(self, _: Any, value: Any, scope: _Scope) -> str:
        if scope.behind or scope.flags & re.IGNORECASE:
            raise self._no_reference(
                value, f"it stands {'in a lookbehind' if scope.behind else 'where case is ignored'}"
            )
        return f"(?:\\{self._numbers[value]})"

    def _no_reference(self, group: int, why: str) -> PatternError:
        position = self._token("reference", self._references.index(group), len(self._references))
        return self._refused("The backreference", position, f"{why}, where engines do not agree", _SPELL_OUT)

    def _atomic(self, _: Any, _value: Any, _scope: _Scope) -> str:
        raise self._refused("The atomic group", self._token("atomic"), _MISREAD, "Write (?:...).")

    def _look(self, op: Any, value: Any, scope: _Scope) -> str:
        direction, body = value
        width = body.getwidth()[1] if direction < 0 else 0
        if width > MOST_REPEATS:
            why = f"PCRE2 looks back over {MOST_REPEATS} characters"
            raise self._refused("A lookbehind", None, why, "Look back over fewer.")
        behind = width > 0
        text = self.sequence(body, replace(scope, around=True, behind=behind or scope.behind))
        if behind and not _is_character(body) and any(op in _CLASSES for op, _ in _nodes(body)):
            text += _NEVER_NOT
        if op is _codes.ASSERT:
            # as a double "not": PCRE2 10.42 does not find (?=a).?a in "ba", for it takes the first a for a second one
            return f"(?<={text})" if behind else f"(?!(?!{text}))"
        return f"(?{'<' if behind else ''}!{text})"

    def _failure(self, _: Any, _value: Any, _scope: _Scope) -> str:
        return "(?!)"

    def _repeat(self, op: Any, value: Any, scope: _Scope) -> str:
        low, high, body = value
        unlimited = high == _codes.MAXREPEAT
        if low > MOST_REPEATS or (high > MOST_REPEATS and not unlimited):
            why = f"PCRE2 counts to {MOST_REPEATS}"
            raise self._refused("The repeat", self._repeat_position(value), why, "Write a smaller count.")
        if op is _codes.POSSESSIVE_REPEAT and not _is_character(body):
            raise self._refused(
                "The possessive repeat", self._repeat_position(value), _MISREAD, "Leave out its last +."
            )
        narrowest, widest = body.getwidth()
        if narrowest == 0 and widest > 0 and high > 1:
            self._check_empty(value, scope)
            low = 0  # the same texts, and engines count empty rounds differently
        repeated = scope.repeated or high != 1
        inner = self.sequence(body, replace(scope, repeated=repeated))
        if widest == 0 and (low or repeated or scope.around):
            return inner if low else ""  # without width twice is as good as once
        if high == 0:
            return ""
        atom = _atom(body, inner)
        if scope.behind and low == high and not _is_character(body):
            return self._spelled_out(atom, low)
        return atom + _times(low, None if unlimited else high) + _REPEATS[op]

    def _spelled_out(self, atom: str, times: int) -> str:
        """A repeat in a lookbehind: Java finds no obvious maximum length of a repeated group."""
        if len(atom) * times > LONGEST:
            raise self._refused("A lookbehind", None, "it is too long once its repeats are written out", _SIMPLER)
        return atom * times

    def _check_empty(self, value: Any, scope: _Scope) -> None:
        if not scope.ordered and all(op in _REGULAR for op, _ in _nodes(value[2])):
            return
        why = "it repeats what may match nothing, and looks around or stands with a backreference; engines differ there"
        instead = "Let every round of the repeat match at least one character."
        raise self._refused("The repeat", self._repeat_position(value), why, instead)

    def _characters(self, op: Any, value: Any, scope: _Scope) -> str:
        if op is _codes.ANY:
            return EVERYTHING if scope.flags & re.DOTALL else r"[^\n]"
        items = value if op is _codes.IN else [(op, value)]
        if any(is_surrogate(end) for kind, what in items if kind in _CODED for end in _ends(what)):
            raise _surrogate(self._pattern, None)
        return one_of(items, scope.flags)

    def _unknown(self, op: Any) -> PatternError:
        if op is _codes.GROUPREF_EXISTS:
            instead = "Write its cases as alternatives: (?:...|...)."
            return self._refused("The conditional", self._token("conditional"), "Java has none", instead)
        return self._refused(f"The construct {op}", None, "it is not known to every store", "Write it in another way.")

    def _refused(self, what: str, position: int | None, why: str, instead: str) -> PatternError:
        return PatternError(what, self._pattern, position, why, instead)

    def _repeat_position(self, value: Any) -> int | None:
        index = next(number for number, known in enumerate(self._repeats) if known is value)
        return self._token("repeat", index, len(self._repeats))

    def _token(self, kind: str, index: int = 0, count: int | None = None) -> int | None:
        """Where the token stands; None where comments or shared beginnings of alternatives blur which one it is."""
        found = [token.start() for token in _TOKENS.finditer(self._pattern) if token.lastgroup == kind]
        return found[index] if found and count in (None, len(found)) else None


_MISREAD = "PCRE2 does not find a?(?>(?:-a)?)a in 'a'; what is atomic is not read the same everywhere"
_SPELL_OUT = "Write out what it may repeat."
_CODED = frozenset({_codes.LITERAL, _codes.NOT_LITERAL, _codes.RANGE})
_CHARACTERS = frozenset({_codes.LITERAL, _codes.NOT_LITERAL, _codes.IN, _codes.ANY})


def _nodes(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every node of a tree, parts first: repeats come in the order of their signs in the text."""
    for op, value in tree:
        for part in _parts(value):
            yield from _nodes(part)
        yield op, value


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, _parser.SubPattern):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)


def _atom(body: Any, text: str) -> str:
    """The text as something a repeat's sign can follow."""
    while len(body) == 1 and body[0][0] is _codes.SUBPATTERN:
        body = body[0][1][3]
    alone = len(body) == 1 and body[0][0] in _ATOMS
    return text if alone else f"(?:{text})"


def _ends(what: Any) -> tuple[int, ...]:
    return what if isinstance(what, tuple) else (what,)


def _is_character(body: Any) -> bool:
    return len(body) == 1 and body[0][0] in _CHARACTERS


def _times(low: int, high: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?", (1, 1): ""}.get((low, high))
    if short is not None:
        return short
    return f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"


def _surrogate(pattern: str, position: int | None) -> PatternError:
    if position is None:
        found = re.search(r"[\ud800-\udfff]|\\(?:u|U0000)[dD][89a-fA-F]", pattern)
        position = found and found.start()
    return PatternError(
        "The surrogate", pattern, position, "no store holds half a character", r"Write the whole character, \UXXXXXXXX."
    )
