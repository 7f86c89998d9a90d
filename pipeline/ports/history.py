"""What pages and people ask of the ledger beyond one batch: neighbours, days, and what waits for a person.

Every question but `since` and `closed` is bounded by what is asked for: none reads more when the ledger holds more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stopped:
    """A batch that does not go on by itself, and why."""

    batch_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person.

    Args:
        halted, held: Batches that are halted, or held by an outage; the oldest first, some of them.
        dead: Dead-lettered batches nobody has dropped; some of them.
        quarantined: Records in quarantine.
        dead_records: Single records in the dead letters that nobody has replayed or dropped.
        fallbacks: By batch id, how many vectors of its latest embedding batch are fallbacks; some of them.
    """

    halted: tuple[Stopped, ...] = ()
    held: tuple[Stopped, ...] = ()
    dead: tuple[Stopped, ...] = ()
    quarantined: int = 0
    dead_records: int = 0
    fallbacks: tuple[tuple[str, int], ...] = ()


class History(Protocol):
    """The ledger, as pages read it."""

    def batch(self, batch_id: str) -> Document | None:
        """A batch's document; None when the ledger has never seen it."""

    def states(self, batch_ids: Sequence[str]) -> Mapping[str, Document]:
        """By id, how those of these batches stand that the ledger knows: their status and their steps'."""

    def latest(self, limit: int) -> Sequence[Document]:
        """The newest batches, newest first, without the examples of their gates."""

    def changed(self, limit: int) -> Sequence[Document]:
        """`_id` and `updated` of the batches that changed last, the latest change first."""

    def neighbours(self, document: Document) -> tuple[Document | None, Document | None]:
        """The batches first seen just before and just after this one."""

    def place(self, document: Document) -> int:
        """How many batches of its day were first seen before it."""

    def of_day(self, day: str, skip: int, limit: int) -> Sequence[Document]:
        """Batches first seen on a day (YYYY-MM-DD, UTC), oldest first."""

    def batches_on(self, day: str) -> int:
        """How many batches were first seen on a day."""

    def since(self, day: str) -> Iterator[Document]:
        """All batches first seen on a day or later, oldest first; they are read as they are used."""

    def closed(self, start: datetime, end: datetime) -> Iterator[Document]:
        """Closed batches whose first record is of `start` or later, and before `end`; their file and their steps.

        One whose records' times the ledger does not know goes by when it was first seen.
        """

    def waiting(self) -> Waiting:
        """What waits for a person."""
