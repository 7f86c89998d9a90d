"""What taking an embedding batch back removes and restores, and the sentence that reports it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RollbackNumbers:
    """What the ledger keeps of a `RollbackPlan`; earlier versions kept only what was removed and restored."""

    collection: str = ""
    removed: int = 0
    restored: int = 0
    expected: int | None = None
    exists: bool = True


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What taking an embedding batch back does, counted in the store.

    Args:
        batch_id, embedding_batch_id: Which.
        collection: Where its vectors are.
        removed: Its vectors that are there and replaced nothing: they go.
        restored: Its vectors that are there and replaced others: those come back.
        expected: How many vectors of it there ought to be: as its manifest says, or when it was cut off the journal.
        later: Later embedding batches that wrote over its vectors; while there are any it cannot be taken back.
        exists: Whether there is such a collection.
    """

    batch_id: str
    embedding_batch_id: str
    collection: str
    removed: int
    restored: int
    expected: int
    later: tuple[str, ...] = ()
    exists: bool = True

    def numbers(self) -> RollbackNumbers:
        """What the ledger keeps of it."""
        return RollbackNumbers(self.collection, self.removed, self.restored, self.expected, self.exists)


def removal(numbers: RollbackNumbers) -> str:
    """`3 vectors removed, 1 restored`; also the ledger's number, when the store held another."""
    return f"{numbers.removed:,} vectors removed, {numbers.restored:,} restored{difference(numbers)}"


def difference(numbers: RollbackNumbers) -> str:
    """`; collection C held 0, or does not exist, the ledger expects 4`; "" when the numbers agree."""
    held = numbers.removed + numbers.restored
    if numbers.expected is None or held == numbers.expected:
        return ""
    state = f"held {held:,} of its vectors" if numbers.exists else "does not exist"
    return f"; collection {numbers.collection} {state}, the ledger expects {numbers.expected:,}"
