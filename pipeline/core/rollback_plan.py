"""What taking an embedding batch back removes and restores, and the sentence that reports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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

    def numbers(self) -> dict[str, Any]:
        """What the ledger keeps of it."""
        return {
            "collection": self.collection,
            "removed": self.removed,
            "restored": self.restored,
            "expected": self.expected,
            "exists": self.exists,
        }


def removal(numbers: Mapping[str, Any]) -> str:
    """`3 vectors removed, 1 restored`; also the ledger's number, when the store held another.

    Args:
        numbers: As `RollbackPlan.numbers` gives them; earlier versions kept only `removed` and `restored`.
    """
    removed, restored = (int(numbers.get(name) or 0) for name in ("removed", "restored"))
    return f"{removed:,} vectors removed, {restored:,} restored{difference(numbers)}"


def difference(numbers: Mapping[str, Any]) -> str:
    """`; collection C held 0, or does not exist, the ledger expects 4`; "" when the numbers agree."""
    held, expected = int(numbers.get("removed") or 0) + int(numbers.get("restored") or 0), numbers.get("expected")
    if expected is None or held == int(expected):
        return ""
    state = f"held {held:,} of its vectors" if numbers.get("exists", True) else "does not exist"
    return f"; collection {numbers.get('collection')} {state}, the ledger expects {int(expected):,}"
