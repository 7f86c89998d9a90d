"""Puts the alert router together: channels from the settings, the store's book, the spool behind it."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.alerts.channels import configured_channels
from pipeline.alerts.router import AlertRouter
from pipeline.alerts.spooled_state import SpooledBook
from pipeline.config import Settings
from pipeline.ports.alert_state import AlertBook
from pipeline.ports.steps import Progress


def alert_router(settings: Settings, book: Callable[[], AlertBook], progress: Progress) -> AlertRouter:
    """A router over the configured channels.

    Args:
        settings: Channels, routes and interval.
        book: Connects the store's book; not called before something is told.
        progress: Where outcomes are reported.

    Raises:
        ConfigurationError: A channel's settings cannot be used.
    """
    spooled = SpooledBook(book, settings.spool_dir / "alerts")
    return AlertRouter(configured_channels(settings).values(), spooled, settings, progress)
