"""Times that were read and cannot be right: of a clock that was never set, or of a sender that got the year wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pipeline.core.records import Interaction


@dataclass(frozen=True, slots=True)
class Plausible:
    """Which times a record may have.

    Args:
        earliest: The first.
        ahead: How long after its batch was received the last is.
    """

    earliest: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    ahead: timedelta = timedelta(days=1)

    def noted(self, record: Interaction, received_at: datetime) -> Interaction:
        """The record; one whose time cannot be right says so, and then counts in no window."""
        if record.timestamp is None or self.earliest <= record.timestamp <= received_at + self.ahead:
            return record
        why = "early" if record.timestamp < self.earliest else "ahead"
        return replace(record, implausible={"timestamp": why})
