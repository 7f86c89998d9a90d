"""Alert channels, one file each: a class here with `name`, `configured`, `trigger` and `resolve` is found by itself."""

from __future__ import annotations

import importlib
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from expectations_plugins.core.errors import ConfigurationError
from pipeline.config import Settings
from pipeline.config.alert_routes import channel_names
from pipeline.core.alert import Alert


class Channel(Protocol):
    """One way to notify people.

    A class of a channel also has a class method `configured(settings)`: the channel, or None when it is not configured.
    Its clients time out, and try again a bounded number of times: all of it within about half a minute.
    """

    @property
    def name(self) -> str:
        """Its module's name."""

    @property
    def keeps_incidents(self) -> bool:
        """Whether it shows what is open by itself, so that the end of what it never heard of is not sent to it."""

    def trigger(self, alert: Alert) -> None:
        """Send a failure. It returns only when the service has said that it took it.

        Raises:
            SluicegateError: It could not be sent.
        """

    def resolve(self, alert: Alert) -> None:
        """Send that a failure is over.

        Args:
            alert: Its key, what it was, and why it is over.

        Raises:
            SluicegateError: It could not be sent.
        """


def configured_channels(settings: Settings) -> Mapping[str, Channel]:
    """The channels that are configured, by name.

    Raises:
        ConfigurationError: A channel's settings cannot be used.
    """
    found = {name: kind.configured(settings) for name in channel_names() for kind in _classes(name)}
    return {name: channel for name, channel in found.items() if channel is not None}


def trusted(settings: Settings) -> ssl.SSLContext:
    """What certificates the channels trust: the system's, and those of the setting SLUICEGATE_ALERT_CA_BUNDLE.

    Raises:
        ConfigurationError: The bundle cannot be read.
    """
    context = ssl.create_default_context()
    if settings.alert_ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=settings.alert_ca_bundle)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"The certificates in {settings.alert_ca_bundle} cannot be used: {error.strerror or error}.",
                next_step="SLUICEGATE_ALERT_CA_BUNDLE is a file of certificates in PEM form.",
            ) from None
    return context


def _classes(name: str) -> Iterator[Any]:
    module = importlib.import_module(f"{__name__}.{name}")
    for found in vars(module).values():
        if isinstance(found, type) and found.__module__ == module.__name__ and hasattr(found, "configured"):
            yield found
