"""How the pipeline stands: what has waited longest, and when a batch last came through; bounded questions all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Standing:
    """How the pipeline stands. Times are UTC, aware; None where there is nothing.

    Args:
        halted_since: When the batch was halted, or found inconsistent, that has been longest.
        dead_since: When the oldest dead batch or record died that nobody has replayed or dropped.
        finished_at, finished: When a batch last closed, and which.
    """

    halted_since: datetime | None = None
    dead_since: datetime | None = None
    finished_at: datetime | None = None
    finished: str = ""


class StandingReader(Protocol):
    """The ledger, as far as this is concerned. None of its answers takes longer when the ledger holds more batches."""

    def standing(self) -> Standing:
        """All of it.

        Raises:
            SluicegateError: The ledger cannot be read.
        """

    def last_finished(self) -> tuple[datetime, str] | None:
        """When a batch last closed, and which; None when none ever did.

        Raises:
            SluicegateError: The ledger cannot be read.
        """

    def last_loaded(self) -> tuple[datetime, str] | None:
        """When new records were last loaded that came through all gates, and in which batch; None when none ever did.

        A batch of nothing but duplicates or dead records brought none, and doing a step of an old batch again does not.

        Raises:
            SluicegateError: The ledger cannot be read.
        """

    def now(self) -> datetime:
        """The ledger's clock, UTC, aware: its times are compared with it and not with this machine's.

        Raises:
            SluicegateError: The ledger cannot be read.
        """
