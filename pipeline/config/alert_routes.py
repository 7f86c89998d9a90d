"""Which channels an alert goes to: `gate:severity=channel+channel`, several with commas, the first that fits."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.alert import SEVERITIES

ANY = "*"
SLACK = "slack"


@dataclass(frozen=True, slots=True)
class Route:
    """Where alerts of a gate and a severity go, `*` for any; no channel means that nobody is told."""

    gate: str
    severity: str
    channels: tuple[str, ...]

    def fits(self, gate: str, severity: str) -> bool:
        """Whether it is for such alerts."""
        return self.gate in (ANY, gate) and self.severity in (ANY, severity)


CHANNELS = Path(__file__).parents[1] / "alerts" / "channels"
"""Where the channels are. Their names are all that is read here: what tells people is a layer above."""


def channel_names() -> tuple[str, ...]:
    """Every channel there is: the modules of `pipeline/alerts/channels`."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules([str(CHANNELS)])))


def parse_routes(text: str) -> tuple[Route, ...]:
    """Read a setting such as `raw:critical=slack+pagerduty, *:warning=slack`.

    Raises:
        ValueError: It cannot be read, or names a severity or a channel that does not exist.
    """
    return tuple(_route(entry.strip()) for entry in text.split(",") if entry.strip())


def routed(routes: Sequence[Route], gate: str, severity: str, configured: Sequence[str]) -> tuple[str, ...]:
    """The channels of an alert.

    Args:
        routes: In order; the first that fits decides.
        gate, severity: The alert's.
        configured: Channels that are configured. Where no route fits, they all get critical and error, Slack warnings.
    """
    for route in routes:
        if route.fits(gate, severity):
            return route.channels
    return tuple(name for name in configured if severity != "warning" or name == SLACK)


def _route(entry: str) -> Route:
    left, equals, right = entry.partition("=")
    gate, colon, severity = (part.strip() for part in left.partition(":"))
    if not (gate and colon and equals):
        raise ValueError(f"{entry!r} is not gate:severity=channel+channel, e.g. raw:critical=slack+pagerduty")
    if severity not in (ANY, *SEVERITIES):
        raise ValueError(f"{severity!r} in {entry!r} is not one of {', '.join((*SEVERITIES, ANY))}")
    channels = tuple(name.strip() for name in right.split("+") if name.strip())
    for name in channels:
        if name not in channel_names():
            raise ValueError(f"{name!r} in {entry!r} is not one of the channels {', '.join(channel_names())}")
    return Route(gate, severity, channels)
