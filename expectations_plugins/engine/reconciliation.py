"""Whether two stores hold the same ids: counts and fingerprints first, ids only where these differ.

Each store answers for all its ids with one query: how many there are, the lowest and the highest, and a fingerprint,
which is how many ids have certain characters in certain places. When all of it is equal, nothing else is asked.
When it is not, the ids are cut into ranges where they begin to differ, both stores answer for every range with one
query, the ranges that differ are cut again until they are small, and only then are their ids read. What is found is
held against the fingerprints: while it does not explain them, the search goes on where something is hidden.

A store without regular expressions (Milvus) has no fingerprint: the ids of a small batch are read and compared, a
larger batch is counted in many ranges, and one id in another's place may go unseen; the result says which it was.

Ids are text, compared character by character. An id that one side holds more often is a difference. Nothing here
knows of Great Expectations.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from expectations_plugins.conditions.expressions import Count, InSet, Or, both
from expectations_plugins.conditions.id_ranges import EVERYTHING, Range, cuts_between, fingerprint, unordered
from expectations_plugins.engine.reconciliation_sides import BoundReachedError, Budget, Seen, Side, Vector

__all__ = ["Reconciliation", "Side", "reconcile"]

EXAMPLES = 20
"""How many differing ids a result shows of each side."""

SMALL = 500
"""A range whose ids are read: neither side holds more in it."""

READ = 1_000
"""The most ids one query reads."""

EVEN_RANGES = 32
"""Into about how many ranges a large batch is cut where counts are all there is."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What two stores hold, and where they differ.

    Args:
        here, there: How many ids each holds.
        only_here, only_there: How many one holds and the other does not; at least, when `truncated`.
        examples: (id, name of the side that holds it), `EXAMPLES` of each side at most.
        without_id: How many records of both sides have no text for an id; these cannot be compared.
        compared_by: "counts and fingerprints", "counts" or "ids".
        queries: How many questions were put to both stores together.
        truncated: Whether a bound was reached before every difference was found.
        excused: Ids that one holds, and that the other need not have.
    """

    here: int
    there: int
    only_here: int
    only_there: int
    examples: tuple[tuple[str, str], ...]
    without_id: int
    compared_by: str
    queries: int
    truncated: bool
    excused: int = 0

    @property
    def same(self) -> bool:
        """Whether both hold the same ids, as far as was compared."""
        differ = self.only_here or self.only_there or self.here - self.excused != self.there
        return not (differ or self.without_id or self.truncated)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a result."""
        return asdict(self) | {"same": self.same, "examples": [list(example) for example in self.examples]}


def reconcile(here: Side, there: Side) -> Reconciliation:
    """Compare the ids of two stores.

    Raises:
        UnsupportedError: A store cannot evaluate its side's conditions.
        SluicegateError: A store could not be asked; an outage is a TransientError.
    """
    for side in (here, there):
        side.backend.check(Count(side.ids))
    comparison = _Comparison(here, there)
    comparison.run()
    return comparison.result()


class _Comparison:
    """One comparison of two sides, from the first question to the result."""

    def __init__(self, here: Side, there: Side) -> None:
        self.budget = Budget()
        self.seen = (Seen(here, self.budget), Seen(there, self.budget))
        self.patterns = fingerprint() if here.has_fingerprint() and there.has_fingerprint() else ()
        self.compared_by = "counts and fingerprints" if self.patterns else "counts"
        self.parts: list[int] = [0]
        """The parts of the vector that the present search follows; the first is the count."""
        self.truncated = False

    def run(self) -> None:
        """Ask until every difference is known, or a bound is reached."""
        try:
            if not self.patterns and self._compare_all_ids():
                return
            suspects = self._ask_for_all()
            if self.patterns:
                self._search_until_explained(suspects)
            else:
                self._search(self._even_ranges())
            self._confirm()
        except BoundReachedError:
            self.truncated = True

    def result(self) -> Reconciliation:
        """What was found."""
        here, there = self.seen
        only_here, only_there = here.read - there.read, there.read - here.read
        examples = [
            (key, one.side.name)
            for one, found in ((here, only_here), (there, only_there))
            for key in sorted({*found.elements(), *one.shown})[:EXAMPLES]
        ]
        return Reconciliation(
            here=here.whole[0],
            there=there.whole[0],
            only_here=only_here.total() + here.counted,
            only_there=only_there.total() + there.counted,
            examples=tuple(examples),
            without_id=sum(one.records - one.whole[0] for one in self.seen),
            compared_by=self.compared_by,
            queries=self.budget.spent,
            truncated=self.truncated,
        )

    def _compare_all_ids(self) -> bool:
        """Read the ids of both sides; False when one has too many for one query."""
        rows = []
        for one in self.seen:
            rows.append(one.keys(one.side.where, READ + 1))
            if len(rows[-1]) > READ:
                return False
        for one, keys in zip(self.seen, rows, strict=True):
            one.read.update(key for key in keys if isinstance(key, str))
            one.records, one.whole = len(keys), (one.read.total(),)
        self.compared_by = "ids"
        return True

    def _ask_for_all(self) -> set[str]:
        """Count all ids of each side; returns the lowest and highest ids that are not the same."""
        compare_extremes = all(one.side.has_extremes() for one in self.seen)
        found: list[list[Any]] = []
        for one in self.seen:
            side = one.side
            counts = [Count(side.where), *side.counts(self.patterns)]
            values = one.measure([*counts, *(side.extremes(EVERYTHING) if compare_extremes else ())])
            one.records, *whole = (int(value) for value in values[: len(counts)])
            one.whole = tuple(whole)
            found.append(values[len(counts) :])
        return {key for pair in zip(*found, strict=True) if pair[0] != pair[1] for key in pair if isinstance(key, str)}

    def _search_until_explained(self, suspects: set[str]) -> None:
        """Search, and search again along what the findings do not explain; read the suspects when it leads nowhere."""
        while True:
            known = self._known()
            self._search_along(self._unexplained())
            if known == self._known():
                self._read_ids({key for key in suspects if not any(key in one.read for one in self.seen)})
            if known == self._known() or any(one.counted for one in self.seen):
                return

    def _search_along(self, unexplained: Sequence[int]) -> None:
        """Search all ids for a difference in their counts, or where these agree, in a part of the fingerprint."""
        if unexplained:
            self.parts = [0] if 0 in unexplained else [0, unexplained[0]]
            for one in self.seen:
                one.below.clear()
            self._search([EVERYTHING])

    def _confirm(self) -> None:
        """Read differing ids once more by themselves, where a range hid some or stores may order them differently."""
        here, there = self.seen
        differing = [key for key in sorted({*here.read, *there.read}) if here.read[key] != there.read[key]]
        doubtful = [key for key in differing if self.truncated or unordered(key)]
        for start in range(0, len(doubtful), READ):
            self._read_ids(set(doubtful[start : start + READ]))

    def _known(self) -> int:
        """A number that grows with every id found."""
        return sum(one.read.total() + one.counted for one in self.seen)

    def _unexplained(self) -> list[int]:
        """Parts of the vector in which the sides differ by more than the ids found to differ."""
        here, there = self.seen
        explained = self._explained(EVERYTHING, range(len(here.whole)))
        return [n for n, (a, b) in enumerate(zip(here.whole, there.whole, strict=True)) if a - b != explained[n]]

    def _explained(self, part: Range, parts: Iterable[int]) -> Vector:
        """By how much the ids found so far make the sides differ in a range."""
        here, there = self.seen
        found = Counter(here.read)
        found.subtract(there.read)
        differing = [(key, n) for key, n in found.items() if n and key in part]
        return tuple(sum(n for key, n in differing if self._has(key, which)) for which in parts)

    def _has(self, key: str, part: int) -> bool:
        return part == 0 or re.search(self.patterns[part - 1], key) is not None

    def _search(self, ranges: Sequence[Range]) -> None:
        """Cut what differs until it is small, and read that."""
        differing = [part for part in ranges if self._differs(part)]
        while differing:
            small = [part for part in differing if self._size(part) <= SMALL]
            self._read_small(small)
            large = self._without_one_sided([part for part in differing if part not in small])
            differing = [piece for piece in self._cut(large, self.seen) if self._differs(piece)]

    def _differs(self, part: Range) -> bool:
        here, there = (one.vector(part, self.parts) for one in self.seen)
        return tuple(a - b for a, b in zip(here, there, strict=True)) != self._explained(part, self.parts)

    def _size(self, part: Range) -> int:
        """How many ids the side that has more holds in a range."""
        return max(one.vector(part, self.parts)[0] for one in self.seen)

    def _without_one_sided(self, ranges: Sequence[Range]) -> list[Range]:
        """Ranges in which both sides have ids; where one has none, the other's need not be read to be counted."""
        kept = []
        for part in ranges:
            holders = [one for one in self.seen if one.vector(part, self.parts)[0]]
            doubtful = unordered(f"{part.low}{part.high}")
            if len(holders) > 1 or doubtful or any(key in part for one in self.seen for key in one.read):
                kept.append(part)
                continue
            for one in holders:
                one.counted += self._size(part)
                if len(one.shown) < EXAMPLES:
                    one.shown += one.ids(one.side.within(part), EXAMPLES)
        return kept

    def _even_ranges(self) -> list[Range]:
        """Ranges of a few hundred ids, found with the counts of one side and then counted on the other."""
        scout = next((one for one in self.seen if one.side.has_extremes()), self.seen[0])
        enough = max(SMALL, scout.whole[0] // EVEN_RANGES)
        large = [EVERYTHING]
        while large := [part for part in large if scout.vector(part, self.parts)[0] > enough]:
            large = self._cut(large, [scout])
        self.truncated = False  # what cannot be cut need not differ
        cuts = sorted(cut for cut in scout.below if cut)
        for one in self.seen:
            one.count_below(cuts, ())
        return [Range(low, high) for low, high in zip(["", *cuts], [*cuts, None], strict=True)]

    def _cut(self, ranges: Sequence[Range], sides: Sequence[Seen]) -> list[Range]:
        """Cut ranges where their ids begin to differ, and count the pieces on some sides."""
        pieces: list[Range] = []
        cuts: list[str] = []
        for part, (low, high) in zip(ranges, self._extents(ranges, sides), strict=True):
            between = [cut for cut in cuts_between(low, high) if part.low < cut and cut in part]
            self.truncated = self.truncated or not between  # more ids than one query reads, and all of them the same
            if between:
                pieces += [Range(a, b) for a, b in zip([part.low, *between], [*between, part.high], strict=True)]
                cuts += between
        for one in sides:
            one.count_below(cuts, [self.patterns[part - 1] for part in self.parts if part])
        return pieces

    def _extents(self, ranges: Sequence[Range], sides: Sequence[Seen]) -> list[tuple[str, str]]:
        """The lowest and the highest id of each range, over the sides that can tell; else of some of its ids."""
        knowing = [one for one in sides if one.side.has_extremes()]
        told = [one.extremes(ranges) for one in knowing] or [[self._some_ids(part, sides) for part in ranges]]
        found = [[key for keys in of_range for key in keys] for of_range in zip(*told, strict=True)]
        return [(min(keys, default=""), max(keys, default="")) for keys in found]

    def _some_ids(self, part: Range, sides: Sequence[Seen]) -> list[str]:
        """Some ids of a range, of the side that has most of them."""
        largest = max(sides, key=lambda one: one.vector(part, self.parts)[0])
        return largest.ids(largest.side.within(part), READ)

    def _read_small(self, ranges: Sequence[Range]) -> None:
        """Read the ids of small ranges, as many ranges at once as one query may read."""
        group: list[Range] = []
        for part in ranges:
            if sum(self._size(other) for other in [*group, part]) > READ:
                self._read_ids(group)
                group = []
            group.append(part)
        self._read_ids(group)

    def _read_ids(self, wanted: Sequence[Range] | set[str]) -> None:
        """Read every id of some ranges, or every occurrence of some ids, on both sides."""
        if not wanted:
            return
        for one in self.seen:
            side = one.side
            if isinstance(wanted, set):
                where = both(side.where, InSet(side.key, tuple(sorted(wanted))))
            else:
                where = Or(tuple(side.within(part) for part in wanted))
            found = Counter(one.ids(where, READ + 1))
            self.truncated = self.truncated or found.total() > READ
            one.read |= found
