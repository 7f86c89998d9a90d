"""What a person decides about a batch: in the ledger from before its first effect, unfinished until its last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.core.batches import BatchStatus


class DecisionKind(StrEnum):
    """The decisions, by the commands that make them."""

    RESUME = "resume"
    RECHECK = "recheck"
    REDO = "redo"
    """Steps of a closed batch are done again (`backfill`)."""
    RELEASE = "release"
    ROLLBACK = "rollback"
    REJECT = "reject"
    REPLAY = "replay"
    DROP = "drop"
    SUPERSEDE = "supersede"
    UNKNOWN = "unknown"
    """One of a newer program."""


WITHOUT_VECTORS = "without_vectors"
"""Among the data of a `resume`: whether it goes on without vectors of texts that the API refuses."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about a batch, as the ledger keeps it.

    Args:
        kind: What was decided.
        data: What it needs to be carried out by a later command, as plain data.
        by: Who decided; "" when that is not known.
        at: When it was recorded (UTC, aware); None before.
    """

    kind: DecisionKind
    data: Mapping[str, Any] = field(default_factory=dict)
    by: str = ""
    at: datetime | None = None

    @property
    def note(self) -> str:
        """Why, in the words of whoever decided; "" for nothing."""
        return str(self.data.get("note") or "")


@dataclass(frozen=True, slots=True)
class Opening:
    """What changes in the batch with the write that records a decision.

    Args:
        status: The batch's status from then on; None leaves it.
        reason: Why it has that status.
        passed: Key of the failed gate that it may pass; "" for none.
        failed: Key of the gate that it does not pass any more; "" for none.
        cleared: Keys of steps that are forgotten, their attempts too.
        reopened: Keys of steps that are done again; what a person decided of them is kept.
        finished: Whether nothing is left to be carried out after this write.
    """

    status: BatchStatus | None = None
    reason: str = ""
    passed: str = ""
    failed: str = ""
    cleared: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    finished: bool = False
