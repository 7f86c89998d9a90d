"""What pages and people ask of the ledger beyond one batch: neighbours, days, and what waits for a person.

Every question but `since` and `closed` is bounded by what is asked for: none reads more when the ledger holds more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.core.batch import Batch


@dataclass(frozen=True, slots=True)
class Stopped:
    """A batch that does not go on by itself, and why."""

    batch_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person.

    Args:
        halted, inconsistent, held: Batches that are in these states; the oldest first, some of them.
        dead: Dead-lettered batches nobody has dropped; some of them.
        quarantined: Records in quarantine.
        dead_records: Single records in the dead letters that nobody has replayed or dropped.
        fallbacks: By batch id, how many vectors of its latest embedding batch are fallbacks; some of them.
    """

    halted: tuple[Stopped, ...] = ()
    inconsistent: tuple[Stopped, ...] = ()
    held: tuple[Stopped, ...] = ()
    dead: tuple[Stopped, ...] = ()
    quarantined: int = 0
    dead_records: int = 0
    fallbacks: tuple[tuple[str, int], ...] = ()


class History(Protocol):
    """The ledger, as pages read it. A brief is a batch of which only what lists and charts show was read: its status,
    reason, source, parent, counts, when it was first seen and changed, how its steps are and how long they took, the
    verdicts and rates of its gates, how many of its vectors are fallbacks and when they were rolled back.
    """

    def batch(self, batch_id: str) -> Batch | None:
        """A batch, whole; None when the ledger has never seen it."""

    def states(self, batch_ids: Sequence[str]) -> Mapping[str, Batch]:
        """By id, those of these batches that the ledger knows: only their status and their steps'."""

    def latest(self, limit: int) -> Sequence[Batch]:
        """The newest batches, newest first, as briefs."""

    def changed(self, limit: int) -> Sequence[Batch]:
        """The batches that changed last, the latest change first: only their ids and when they changed."""

    def neighbours(self, batch: Batch) -> tuple[Batch | None, Batch | None]:
        """The batches first seen just before and just after this one, as briefs."""

    def place(self, batch: Batch) -> int:
        """How many batches of its day were first seen before it."""

    def of_day(self, day: str, skip: int, limit: int) -> Sequence[Batch]:
        """Batches first seen on a day (YYYY-MM-DD, UTC), oldest first, as briefs."""

    def batches_on(self, day: str) -> int:
        """How many batches were first seen on a day."""

    def since(self, day: str) -> Iterator[str]:
        """Ids of all batches first seen on a day or later, oldest first; they are read as they are used."""

    def closed(self, start: datetime, end: datetime) -> Iterator[Batch]:
        """Closed batches whose first record is of `start` or later, and before `end`: only their file, and the version
        of the code that did each step.

        One whose records' times the ledger does not know goes by when it was first seen.
        """

    def waiting(self) -> Waiting:
        """What waits for a person."""
