"""Puts the alert router together: channels from the settings, the store's incidents, the spool before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from pipeline.alerts.changes import Changes
from pipeline.alerts.channels import configured_channels
from pipeline.alerts.router import AlertRouter
from pipeline.alerts.spooled_incidents import SpooledIncidents
from pipeline.config import Settings
from pipeline.core.batch import Batch
from pipeline.ports.incidents import IncidentStore
from pipeline.ports.steps import Progress


def alert_router(
    settings: Settings,
    store: Callable[[], IncidentStore],
    progress: Progress,
    *,
    states: Callable[[Sequence[str]], Mapping[str, Batch]] = lambda _: {},
    clock: Callable[[], datetime] | None = None,
) -> AlertRouter:
    """A router over the configured channels.

    Args:
        settings: Channels, routes and intervals.
        store: Connects the store; not called before something is sent.
        progress: Where outcomes are reported.
        states: By id, those of these batches that the ledger knows; it waits for nothing by default.
        clock: The time; the store's when none is given.

    Raises:
        ConfigurationError: A channel's settings cannot be used.
    """
    incidents = SpooledIncidents(store, settings.spool_dir, clock)
    channels = configured_channels(settings).values()
    return AlertRouter(channels, incidents, settings, progress, Changes(incidents, states))
