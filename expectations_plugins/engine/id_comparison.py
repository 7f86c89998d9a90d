"""The ids of two stores, all of them read and compared: exact in every store, also where a store cannot count patterns.

Each side is read once a check, in a stream, which each store gives in bounded pages. Expectations of a check ask at the
same time, so that a check takes as long as its slowest store, not as long as all of them together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any

from expectations_plugins.conditions.expressions import Always, Condition, Count, Sample, both
from expectations_plugins.conditions.id_ranges import Range, unordered
from expectations_plugins.engine.reconciliation import EXAMPLES, Reconciliation
from expectations_plugins.engine.reconciliation_sides import Side

MOST = 1_000_000
"""Batches with more ids are not read whole."""

PAGE = 10_000
"""Ids in one range."""


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


class IdReader:
    """Reads the ids of sides, each side once a check; several threads may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked: dict[str, Future[Ids]] = {}
        self._alone = 0
        """How many sides were begun that wait for no other."""
        self._first = Future[Ids]()
        """The one of them that was read first; no ids when that failed."""

    def read(self, side: Side, near: Side | None = None) -> Ids:
        """The ids of a side; waits where another thread reads them.

        Args:
            side: The side.
            near: Has about the same ids, for a store that does not sort: what is known of them says where to cut.

        Raises:
            SluicegateError: The store could not be asked; an outage is a TransientError.
        """
        near = None if side.has_extremes() else near
        with self._lock:
            asked = repr((side.name, side.data, side.where, side.key))
            is_first, answer = asked not in self._asked, self._asked.setdefault(asked, Future())
            self._alone += is_first and near is None
        if is_first:
            self._read(side, near, answer)
        return answer.result()

    def _read(self, side: Side, near: Side | None, answer: Future[Ids]) -> None:
        try:
            answer.set_result(_ids(side, self._some(near) if near else ()))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            answer.set_exception(error)
        with self._lock:
            if not self._first.done():
                self._first.set_result(Ids(0, (), 0) if answer.exception() else answer.result())

    def _some(self, near: Side) -> tuple[str, ...]:
        """Ids of whichever side is being read already, or else of this one."""
        with self._lock:
            waits = self._alone > 0
        return (self._first.result() if waits else self.read(near)).known


def compare_ids(
    here: Side, there: Side, reader: IdReader, *, required: Condition = Always(True), may_miss: int = 0
) -> Reconciliation | None:
    """Compare every id of two sides.

    Args:
        here, there: The sides; every id of the other side must be one of this one.
        reader: What was read in this check.
        required: Which records of this side the other one must have.
        may_miss: How many of these it may lack all the same.

    Returns:
        None when one side has too many to be read.

    Raises:
        SluicegateError: A store could not be asked; an outage is a TransientError.
    """
    theirs, ours = reader.read(there, here), reader.read(here)
    if not (ours.complete and theirs.complete):
        return None
    known, found = Counter(ours.known), Counter(theirs.known)
    missing, strange = sorted((known - found).elements()), sorted((found - known).elements())
    wanted = _required(here, required, missing)
    wanted = [] if len(wanted) <= may_miss else wanted
    return Reconciliation(
        here=len(ours.known),
        there=len(theirs.known),
        only_here=len(wanted),
        only_there=len(strange),
        examples=(*_examples(here, wanted), *_examples(there, strange)),
        without_id=ours.without + theirs.without,
        compared_by="ids",
        queries=2,
        truncated=False,
        excused=len(missing) - len(wanted),
    )


def _required(side: Side, required: Condition, missing: list[str]) -> list[str]:
    """Those of the missing ids that must not be missing: the store is asked only when there are any."""
    if not missing or required == Always(True):
        return missing
    wanted = Counter(key for key in _stream(side, both(side.where, required)))
    return sorted((Counter(missing) & wanted).elements())


def _ids(side: Side, near: Iterable[str]) -> Ids:
    """The ids of a side, read in ranges of about as many as one query gives, where it is known what they are near."""
    cuts = sorted(key for key in near if not unordered(key))[PAGE::PAGE]
    ranges = [Range(low, high) for low, high in zip(["", *cuts], [*cuts, None], strict=True)]
    conditions = [side.within(one) for one in ranges] if cuts else [side.where]
    found = [key for where in conditions for key in _stream(side, where)]
    known = tuple(key for key in found if isinstance(key, str))
    records = len(found)
    if records > MOST:
        records = max(records, int(side.backend.measure(side.data, [Count(side.where)])[0]))
    return Ids(records, known, len(found) - len(known))


def _examples(side: Side, ids: list[str]) -> Iterable[tuple[str, str]]:
    return ((key, side.name) for key in ids[:EXAMPLES])


def _stream(side: Side, where: Condition) -> Iterator[Any]:
    """Ids as the store gives them, one more than are read at most; None of a record without."""
    asked, path = Sample(where, (side.key,), MOST + 1), side.key.path
    return (row.get(path) for row in side.backend.stream(side.data, asked))
