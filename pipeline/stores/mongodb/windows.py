"""Filters by time, to be asked one after the other until one finds enough; pure functions.

A server that stops at a limit needs one filter. The local server reads the whole range first, so it is asked for the
last hours, then for the last day, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from expectations_plugins.mongodb.capabilities import Capabilities

Document = dict[str, Any]

WINDOWS = tuple(timedelta(hours=hours) for hours in (6, 24, 24 * 7, 24 * 60))

CLOCKS_APART = timedelta(hours=1)
"""How far the server's clock may be ahead of ours: later than that, no batch was first seen."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Before anything happened: a range from here holds every time there is, and starts at an index."""


def newest(moment: str, now: datetime, server: Capabilities) -> Iterator[Document]:
    """Filters for the latest of a moment."""
    if not server.stops_at_limit:
        yield from ({moment: {"$gte": now - window}} for window in WINDOWS)
    yield {moment: {"$gte": EVER}}


def back_from(moment: str, at: datetime, server: Capabilities) -> Iterator[Document]:
    """Filters for the latest of a moment that is not after `at`."""
    if not server.stops_at_limit:
        yield from ({moment: {"$gte": at - window, "$lte": at}} for window in WINDOWS)
    yield {moment: {"$gte": EVER, "$lte": at}}


def on_from(moment: str, at: datetime, now: datetime, server: Capabilities) -> Iterator[Document]:
    """Filters for the earliest of a moment that is not before `at`; a window that reaches the present is the last."""
    if not server.stops_at_limit:
        past = (window for window in WINDOWS if at + window <= now + CLOCKS_APART)
        yield from ({moment: {"$gte": at, "$lte": at + window}} for window in past)
    yield {moment: {"$gte": at}}
