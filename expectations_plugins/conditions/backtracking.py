"""Whether a search by a regular expression can take forever: engines that backtrack try every way to read a text.

A pattern's characters are the states of an automaton (Glushkov 1961); an edge says which may follow which, as often as
the pattern says so. Its loops are the repeats. Two rules, both on the safe side:

- In a loop, what follows is settled by the next character. Else a text of n characters is read in 2^n ways: `(a+)+`,
  `(a|a)*`, `(a|ab)*` (Weideman et al. 2016).
- Two loops that can share what they read do not follow each other without something between them (`\\d+\\d+`), and at
  most `MOST_LOOPS` follow each other with it (`.*a.*b.*`): k of them read a text in n^k ways.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import combinations
from typing import Any, NamedTuple

from expectations_plugins.conditions.characters import Ranges, ranges

_codes: Any = import_module("re._constants")

MOST_LOOPS = 3
"""How many loops that can share what they read may follow each other."""
MOST_COPIES = 16
"""Up to this count a repeat of one character is so many characters; above it, a loop."""
FEW_COPIES, SMALL = 3, 8
"""Up to which count, and of how many characters, any other part is so many parts."""

_REPEATS = (_codes.MAX_REPEAT, _codes.MIN_REPEAT, _codes.POSSESSIVE_REPEAT)
_LOOKS = (_codes.ASSERT, _codes.ASSERT_NOT)
_ONE = (_codes.LITERAL, _codes.NOT_LITERAL, _codes.ANY, _codes.IN)
TWICE = 2
_ANY: Ranges = ((0, 0x10FFFF),)

_NESTED = "a text can be read by it in more ways than a search can try"
_UNAMBIGUOUS = (
    "Let the next character settle how it goes on: (a+)+ is a+, (a|b|ab)* is [ab]*, (\\w+,?)* is \\w+(,\\w+)*,?."
)
_ADJACENT = "it follows a repeat that can read the same characters"
_MANY = f"more than {MOST_LOOPS} repeats that can read the same characters follow each other"
_SEPARATE = "Write one repeat, or put characters between them that they cannot read."


class Fault(NamedTuple):
    """What is wrong: the repeat, as Python's parser gives it; why; and what to write in its place."""

    repeat: Any
    why: str
    instead: str


@dataclass(slots=True)
class _Part:
    """A part of a pattern: the states it can begin and end with, and whether it can be empty; each so often."""

    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    empty: int = 1


def fault_of(tree: Any) -> Fault | None:
    """The first repeat that makes a search backtrack without bound; None when there is none.

    Args:
        tree: A pattern as Python's parser gives it.
    """
    automata = [_Automaton()]
    automata[0].sequence(tree, tree.state.flags)
    while automata:
        automaton = automata.pop()
        fault = automaton.fault()
        if fault is not None:
            return fault
        for body, flags in automaton.looks:  # what looks around is settled once it has matched
            automata.append(_Automaton())
            automata[-1].sequence(body, flags)
    return None


class _Automaton:
    """The characters of a pattern and what may follow which."""

    def __init__(self) -> None:
        self.looks: list[tuple[Any, int]] = []
        self._sets: list[Ranges] = []
        self._edges: list[Counter[int]] = []
        self._repeats: list[tuple[Any, range]] = []
        self._readers: dict[Any, Callable[[Any, int], _Part]] = {
            _codes.BRANCH: lambda value, flags: _either([self.sequence(body, flags) for body in value[1]]),
            _codes.SUBPATTERN: lambda value, flags: self.sequence(value[3], (flags | value[1]) & ~value[2]),
            _codes.ATOMIC_GROUP: self.sequence,
            _codes.GROUPREF: lambda _value, _flags: self._state(_ANY),
            **dict.fromkeys(_REPEATS, self._repeat),
            **dict.fromkeys(_LOOKS, self._look),
        }

    def sequence(self, nodes: Iterable[tuple[Any, Any]], flags: int) -> _Part:
        """Read nodes that follow each other."""
        whole = _Part()
        for op, value in nodes:
            if op in _ONE:
                whole = self._then(whole, self._state(_set_of(op, value, flags)))
            elif op in self._readers:
                whole = self._then(whole, self._readers[op](value, flags))
        return whole

    def fault(self) -> Fault | None:
        """The first fault of these states."""
        loop_of = self._loops()
        for state, edges in enumerate(self._edges):
            inside = [after for after in edges if loop_of[state] is not None and loop_of[after] == loop_of[state]]
            twice = [after for after in inside if edges[after] > 1]
            twice += [b for number, a in enumerate(inside) for b in inside[:number] if self._share([a], [b])]
            if twice:
                return Fault(self._repeat_around(state, *inside, widest=edges[twice[0]] > 1), _NESTED, _UNAMBIGUOUS)
        return self._fault_of_chains(loop_of)

    def _state(self, characters: Ranges) -> _Part:
        self._sets.append(characters)
        self._edges.append(Counter())
        number = len(self._sets) - 1
        return _Part([number], [number], empty=0)

    def _then(self, before: _Part, after: _Part) -> _Part:
        self._connect(before.last, after.first)
        return _Part(
            _capped(before.first + after.first * before.empty),
            _capped(after.last + before.last * after.empty),
            min(before.empty * after.empty, TWICE),
        )

    def _connect(self, states: Sequence[int], followers: Sequence[int]) -> None:
        for state in states:
            self._edges[state].update(followers)

    def _look(self, value: Any, flags: int) -> _Part:
        self.looks.append((value[1], flags))
        return _Part()

    def _repeat(self, value: Any, flags: int) -> _Part:
        low, high, body = value
        begin = len(self._sets)
        if len(body) == 1 and body[0][0] in _ONE and (high <= MOST_COPIES or low == high):
            part = self._copies(value, flags)
        else:
            part = self.sequence(body, flags)
            if low == high <= FEW_COPIES and len(self._sets) - begin <= SMALL:
                for _ in range(1, high):
                    part = self._then(part, self.sequence(body, flags))
            elif high > 1:
                self._loop(part, is_counted=high != _codes.MAXREPEAT)
            part.empty = min(part.empty + (low == 0), TWICE)
        self._repeats.append((value, range(begin, len(self._sets))))
        return part

    def _loop(self, part: _Part, *, is_counted: bool) -> None:
        self._connect(part.last, part.first)
        if part.empty:
            part.last = _capped(part.last * TWICE)  # an empty round may be the last: (a?)+
            if is_counted:
                self._connect(part.last, part.first)  # which rounds are empty? (a?){30}

    def _copies(self, value: Any, flags: int) -> _Part:
        low, high, body = value
        whole = _Part()
        ends: list[int] = []
        for number in range(min(high, MOST_COPIES)):
            if number >= low:
                ends += whole.last
            after = self.sequence(body, flags)
            self._connect(whole.last, after.first)
            whole = _Part(whole.first or after.first, after.last, empty=0)
        return _Part(whole.first, whole.last + ends, empty=int(low == 0))

    def _loops(self) -> list[int | None]:
        """The loop each state is in, by the lowest state of it; None for a state in no loop."""
        repeated = {state for _, part in self._repeats for state in part}
        reach = {state: set(self._reached(state, repeated.__contains__)) for state in repeated}
        return [
            min(other for other in reach[state] if state in reach[other]) if state in reach.get(state, ()) else None
            for state in range(len(self._sets))
        ]

    def _reached(self, state: int, through: Callable[[int], bool] = lambda _: True) -> Iterator[int]:
        """The states after this one, over states that may be gone through."""
        seen: set[int] = set()
        ahead = list(self._edges[state])
        while ahead:
            one = ahead.pop()
            if one in seen or not through(one):
                continue
            seen.add(one)
            yield one
            ahead += self._edges[one]

    def _fault_of_chains(self, loop_of: list[int | None]) -> Fault | None:
        members: dict[int, list[int]] = {}
        for state, loop in enumerate(loop_of):
            if loop is not None:
                members.setdefault(loop, []).append(state)
        length = dict.fromkeys(members, 1)
        # a loop that follows another has higher states
        for (first, before), (second, after) in combinations(members.items(), 2):
            if not self._can_share(before, after):
                continue
            if any(one in after for state in before for one in self._edges[state]):
                return Fault(self._repeat_around(*after), _ADJACENT, _SEPARATE)
            length[second] = max(length[second], length[first] + 1)
            if length[second] > MOST_LOOPS:
                return Fault(self._repeat_around(*after), _MANY, _SEPARATE)
        return None

    def _can_share(self, first: list[int], second: list[int]) -> bool:
        """Whether a text that one loop reads can go over into the other, which could have read it too."""

        def by_both(state: int) -> bool:
            return self._share([state], first) and self._share([state], second)

        return any(
            after in second
            for state in first
            if self._share([state], second)
            for after in self._reached(state, by_both)
        )

    def _share(self, states: Sequence[int], others: Sequence[int]) -> bool:
        return any(_overlap(self._sets[one], self._sets[other]) for one in states for other in others)

    def _repeat_around(self, *states: int, widest: bool = False) -> Any:
        """The smallest repeat that holds these states, or the widest; inner ones come before outer ones."""
        around = [
            (len(part), number) for number, (_, part) in enumerate(self._repeats) if all(one in part for one in states)
        ]
        return self._repeats[(max if widest else min)(around)[1]][0]


def _either(parts: Sequence[_Part]) -> _Part:
    return _Part(
        _capped(state for part in parts for state in part.first),
        _capped(state for part in parts for state in part.last),
        min(sum(part.empty for part in parts), TWICE),
    )


def _capped(states: Iterable[int]) -> list[int]:
    """Each state twice at most: more ways are not worse."""
    return [state for state, times in Counter(states).items() for _ in range(min(times, TWICE))]


def _set_of(op: Any, value: Any, flags: int) -> Ranges:
    if op is _codes.ANY:
        return _ANY
    return ranges(value if op is _codes.IN else [(op, value)], flags)


def _overlap(one: Ranges, other: Ranges) -> bool:
    return any(low <= end and start <= high for low, high in one for start, end in other)
