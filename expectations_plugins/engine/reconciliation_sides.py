"""The two sides of a reconciliation: what is asked of a store, what is known of it, and the bound on questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Always,
    Compare,
    Condition,
    Count,
    Field,
    Kind,
    Matches,
    Measure,
    Op,
    Sample,
    both,
)
from expectations_plugins.conditions.id_ranges import EVERYTHING, Range, fingerprint
from expectations_plugins.engine.backend import Backend, Slice, UnsupportedError

QUERIES = 120
"""The most questions put to both stores together; what is not known by then is said to be."""

MEASURES = 256
"""The most measures one question carries."""

Vector = tuple[int, ...]
"""A count of ids, and of those that match some parts of the fingerprint."""


class BoundReachedError(Exception):
    """No more questions may be put."""


@dataclass(slots=True)
class Budget:
    """Questions put, and the most there may be."""

    most: int = QUERIES
    spent: int = 0

    def spend(self) -> None:
        """One more question.

        Raises:
            BoundReachedError: It would be one too many.
        """
        if self.spent >= self.most:
            raise BoundReachedError
        self.spent += 1


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two stores.

    Args:
        name: What a reader knows it by.
        backend: Asks the store.
        data: The slice that holds the ids.
        key: The field that holds the id.
        where: Which records of the slice count.
    """

    name: str
    backend: Backend
    data: Slice
    key: Field
    where: Condition = Always(True)

    @property
    def ids(self) -> Condition:
        """Records that count and whose id is text."""
        return self.within(EVERYTHING)

    def within(self, part: Range) -> Condition:
        """Records whose id is in a range."""
        above = Compare(Op.GE, self.key, part.low)
        if part.high is None:
            return both(self.where, above)
        return both(self.where, above, Compare(Op.LT, self.key, part.high))

    def counts(self, patterns: Iterable[str], below: str | None = None) -> list[Measure]:
        """The parts of a vector: of all ids, or of what sorts before a cut, which in some stores numbers do too."""
        counted = self.where if below is None else both(self.where, Compare(Op.LT, self.key, below))
        count = Count(self.ids if below is None else counted)  # only text matches a pattern: no need to ask for it
        return [count, *(Count(both(counted, Matches(self.key, pattern))) for pattern in patterns)]

    def extremes(self, part: Range) -> list[Measure]:
        """The lowest and the highest id of a range."""
        return [Aggregate(kind, self.key, self.within(part)) for kind in (Kind.MIN, Kind.MAX)]

    def has_extremes(self) -> bool:
        """Whether the store knows the lowest and the highest id of a range."""
        return self._can(self.extremes(EVERYTHING))

    def has_fingerprint(self) -> bool:
        """Whether the store can count the parts of the fingerprint."""
        return self._can(self.counts(fingerprint()))

    def _can(self, measures: Iterable[Measure]) -> bool:
        try:
            for measure in measures:
                self.backend.check(measure)
        except UnsupportedError:
            return False
        return True


@dataclass(slots=True)
class Seen:
    """What is known of one side, and how to know more."""

    side: Side
    budget: Budget
    records: int = 0
    whole: Vector = (0,)
    """Of all ids: their number and the whole fingerprint."""
    below: dict[str, Vector] = field(default_factory=dict)
    """By cut, what lies before it, in the parts the present search follows."""
    read: Counter[str] = field(default_factory=Counter)
    """How often each id occurs that was read."""
    counted: int = 0
    """Ids that are differences and were counted without being read."""
    shown: list[str] = field(default_factory=list)
    """Some of these."""

    def vector(self, part: Range, parts: Sequence[int]) -> Vector:
        """Counts of a range whose ends were counted before."""
        if part == EVERYTHING:
            return tuple(self.whole[n] for n in parts)
        if part.high is None:  # all but what lies before it
            return tuple(
                self.whole[n] - x for n, x in zip(parts, self.vector(Range(high=part.low), parts), strict=True)
            )
        return tuple(a - b for a, b in zip(self.below[part.high], self.below[part.low], strict=True))

    def count_below(self, cuts: Sequence[str], patterns: Sequence[str]) -> None:
        """Count what lies before each cut, and what is no text and lies before all text."""
        if not cuts:
            return
        cuts = [cut for cut in ("", *cuts) if cut not in self.below]
        measures = [measure for cut in cuts for measure in self.side.counts(patterns, below=cut)]
        values = [int(value) for value in self.measure(measures)]
        width = 1 + len(patterns)
        self.below |= {cut: tuple(values[n * width : (n + 1) * width]) for n, cut in enumerate(cuts)}

    def extremes(self, ranges: Sequence[Range]) -> list[list[str]]:
        """The lowest and the highest id of each range; nothing of a range without ids."""
        values = self.measure([measure for part in ranges for measure in self.side.extremes(part)])
        pairs = [values[n : n + 2] for n in range(0, len(values), 2)]
        return [[key for key in pair if isinstance(key, str)] for pair in pairs]

    def ids(self, where: Condition, limit: int) -> list[str]:
        """Ids that are text, of records that meet a condition."""
        return [key for key in self.keys(where, limit) if isinstance(key, str)]

    def keys(self, where: Condition, limit: int) -> list[Any]:
        """Ids of records that meet a condition, whatever they are; None of a record without."""
        self.budget.spend()
        key = self.side.key
        return [row.get(key.path) for row in self.side.backend.sample(self.side.data, Sample(where, (key,), limit))]

    def measure(self, measures: Sequence[Measure]) -> list[Any]:
        """Values of measures, in as few questions as they fit in."""
        values: list[Any] = []
        for start in range(0, len(measures), MEASURES):
            self.budget.spend()
            values += self.side.backend.measure(self.side.data, measures[start : start + MEASURES])
        return values
