"""OpenLineage events sent to a receiver such as Marquez."""

from __future__ import annotations

from collections.abc import Callable

from openlineage.client.event_v2 import RunEvent
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

from pipeline.config import Settings
from pipeline.config.connections import Connections
from pipeline.telemetry.event_dispatch import Listener
from pipeline.telemetry.openlineage import Lineage


def listener(settings: Settings, connections: Callable[[], Connections]) -> Listener:
    """The listener of the settings."""
    key = settings.lineage_api_key
    auth = TokenProvider({}) if key is None else ApiKeyTokenProvider({"api_key": key.get_secret_value()})
    transport = HttpTransport(
        HttpConfig(
            url=settings.lineage_url or "",
            timeout=settings.telemetry_timeout / 2,
            auth=auth,
            retry={"total": 0},  # it is tried again with the next event
        )
    )

    def send(event: RunEvent) -> None:
        transport.emit(event)

    return Lineage("the lineage receiver", settings.lineage_namespace, send, connections)
