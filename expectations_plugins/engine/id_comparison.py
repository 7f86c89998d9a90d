"""The ids of two stores, all of them read and compared: exact in every store, also where a store cannot count patterns.

Both sides are read in a stream, which each store gives in bounded pages. The ids of this side are kept while a check
lasts, for the other expectations of its suite; of the other side only those that differ are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from expectations_plugins.conditions.expressions import Always, Condition, Count, Sample, both
from expectations_plugins.conditions.id_ranges import Range, unordered
from expectations_plugins.engine.reconciliation import EXAMPLES, Reconciliation
from expectations_plugins.engine.reconciliation_sides import Side

MOST = 1_000_000
"""Batches with more ids are not read whole."""

PAGE = 10_000
"""Ids in one range."""

Read = dict[str, Any]
"""What expectations of one check have read so far, by what was asked."""


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of one side.

    Args:
        records: How many records the side has.
        known: The ids that are text; the first of them, when there are more than `MOST`.
        without: How many records have none.
    """

    records: int
    known: tuple[str, ...]
    without: int

    @property
    def complete(self) -> bool:
        """Whether all of them were read."""
        return self.records <= MOST


def read_ids(side: Side, read: Read) -> Ids:
    """The ids of a side, read once a check."""
    asked = repr((side.data, side.where, side.key))
    if asked not in read:
        found = list(_stream(side, side.where))
        known = tuple(key for key in found if isinstance(key, str))
        records = len(found)
        if records > MOST:
            records = max(records, int(side.backend.measure(side.data, [Count(side.where)])[0]))
        read[asked] = Ids(records, known, len(found) - len(known))
    ids: Ids = read[asked]
    return ids


def compare_ids(
    here: Side, there: Side, read: Read, *, required: Condition = Always(True), may_miss: int = 0
) -> Reconciliation | None:
    """Compare every id of two sides.

    Args:
        here, there: The sides; every id of the other side must be one of this one.
        read: What was read in this check.
        required: Which records of this side the other one must have.
        may_miss: How many of these it may lack all the same.

    Returns:
        None when one side has too many to be read.

    Raises:
        SluicegateError: A store could not be asked; an outage is a TransientError.
    """
    ids = read_ids(here, read)
    if not ids.complete:
        return None
    left, strange = Counter(ids.known), Counter[str]()
    there_ids = without = 0
    for key in _pages(there, ids):
        if not isinstance(key, str):
            without += 1
            continue
        there_ids += 1
        if left[key] > 0:
            left[key] -= 1
        else:
            strange[key] += 1
        if there_ids > MOST:
            return None
    missing = sorted(left.elements())
    wanted = _required(here, required, missing)
    excused = len(missing) if len(wanted) <= may_miss else len(missing) - len(wanted)
    wanted = [] if len(wanted) <= may_miss else wanted
    return Reconciliation(
        here=len(ids.known),
        there=there_ids,
        only_here=len(wanted),
        only_there=strange.total(),
        examples=(*_examples(here, wanted), *_examples(there, sorted(strange.elements()))),
        without_id=ids.without + without,
        compared_by="ids",
        queries=2,
        truncated=False,
        excused=excused,
    )


def _required(side: Side, required: Condition, missing: list[str]) -> list[str]:
    """Those of the missing ids that must not be missing: the store is asked only when there are any."""
    if not missing or required == Always(True):
        return missing
    wanted = Counter(key for key in _stream(side, both(side.where, required)))
    return sorted((Counter(missing) & wanted).elements())


def _pages(side: Side, ids: Ids) -> Iterator[Any]:
    """Ids of the other side; of a store that does not sort, in ranges of about as many as one query of it gives."""
    if side.has_extremes():
        yield from _stream(side, side.where)
        return
    cuts = sorted(key for key in ids.known if not unordered(key))[PAGE::PAGE]
    for low, high in zip(["", *cuts], [*cuts, None], strict=True):
        yield from _stream(side, side.within(Range(low, high)))


def _examples(side: Side, ids: list[str]) -> Iterable[tuple[str, str]]:
    return ((key, side.name) for key in ids[:EXAMPLES])


def _stream(side: Side, where: Condition) -> Iterator[Any]:
    """Ids as the store gives them, one more than are read at most; None of a record without."""
    asked = Sample(where, (side.key,), MOST + 1)
    return (row.get(side.key.path) for row in side.backend.stream(side.data, asked))
