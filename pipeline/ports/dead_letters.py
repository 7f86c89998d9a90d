"""Single dead records, and the port to the part of the ledger that keeps them and the dead batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.core.batch import Batch, Tombstone
from pipeline.core.batches import Lease
from pipeline.core.locator import Locator
from pipeline.core.records import DeadReason


@dataclass(frozen=True, slots=True)
class Letter:
    """One record that could not be loaded.

    Args:
        batch_id, at: The record: its batch, and where it is in the batch's file.
        reason, detail: Why it could not be loaded; the detail is gone when it was dropped.
        raw: Its text, of CSV with the header row; "" when it was dropped.
        buried_at: When it was first found dead.
        replayed_in: Ids of the batches it was replayed in, oldest first.
        dropped: Who dropped it; None when nobody did.
    """

    batch_id: str
    at: Locator
    reason: DeadReason
    detail: str
    raw: str
    buried_at: datetime | None = None
    replayed_in: tuple[str, ...] = ()
    dropped: Tombstone | None = None

    @property
    def state(self) -> str:
        """`dropped`, `replayed`, or `waiting` for a person."""
        return "dropped" if self.dropped else "replayed" if self.replayed_in else "waiting"


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """The dead records of one batch that died for the same reason.

    Args:
        batch_id, reason: Which.
        letters, waiting: How many there are, and how many were neither replayed nor dropped.
        first, first_detail: Where the first one is, and why it could not be loaded; "" when it was dropped.
        buried_at: When the first of them was buried.
    """

    batch_id: str
    reason: DeadReason
    letters: int
    waiting: int
    first: Locator
    first_detail: str
    buried_at: datetime | None


class DeadQueue(Protocol):
    """Dead batches and records in the ledger."""

    def batches(self, limit: int, batch_id: str | None = None, *, waiting: bool = False) -> Sequence[Batch]:
        """Dead batches, of one or all, latest death first; `waiting` leaves out dropped ones."""

    def groups(
        self, limit: int, batch_id: str | None = None, reason: DeadReason | None = None, *, waiting: bool = False
    ) -> Sequence[LetterGroup]:
        """Dead records by batch and reason, the latest first; `waiting` leaves out what was replayed or dropped."""

    def letters(
        self, batch_id: str | None = None, reason: DeadReason | None = None, *, waiting: bool = False, limit: int = 0
    ) -> Iterator[Letter]:
        """Dead records by batch and line; `waiting` leaves out what was replayed or dropped, a limit of 0 is none."""

    def letter(self, batch_id: str, line: int) -> Letter | None:
        """One dead record, by its locator's key; None when there is none."""

    def adopt(self, batch_id: str, parent: str) -> None:
        """Write down that a batch holds repaired records of another; the first parent stays."""

    def replayed(self, batch_id: str, lines: Sequence[int], into: str) -> None:
        """Write down in which batch records were replayed, by their locators' keys."""

    def drop_letters(self, batch_id: str, lines: Sequence[int] | None, tombstone: Tombstone) -> int:
        """Remove the content of dead records, of these lines or all; how many had not been dropped before."""

    def drop_batch(self, lease: Lease, tombstone: Tombstone) -> None:
        """Write down that a dead batch was dropped; the first tombstone stays.

        Raises:
            LeaseLostError: Another run has taken the batch over.
        """
