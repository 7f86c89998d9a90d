"""The port of the alerts' memory: incidents, each written only over the version that was read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pipeline.core.incident import Incident


class IncidentStore(Protocol):
    """Incidents, so that several runs at once notify once. Every call is bounded in time, and raises a SluicegateError
    when the store cannot be read or written. What may change is decided elsewhere (`pipeline/alerts/transitions.py`).
    """

    @property
    def problem(self) -> str:
        """Why not all incidents are known, a sentence; "" when they are."""

    def now(self) -> datetime:
        """The store's clock, UTC, aware: the same for every machine that uses it."""

    def read(self, key: str) -> Incident | None:
        """The latest incident of a key, resolved or not; None when there never was one."""

    def write(self, incident: Incident) -> bool:
        """Write an incident if it is still what was read; False when another run has written it since.

        Args:
            incident: With the version that was read, 0 for a new one.
        """

    def unsettled(self) -> Sequence[Incident]:
        """Incidents that are open, or of which a channel has to be sent the end; by key."""
