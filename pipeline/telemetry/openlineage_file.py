"""OpenLineage events appended to a file, one JSON document a line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from openlineage.client.event_v2 import RunEvent
from openlineage.client.serde import Serde

from expectations_plugins.core.errors import TransientError
from pipeline.config import Settings
from pipeline.config.connections import Connections
from pipeline.telemetry.event_dispatch import Listener
from pipeline.telemetry.openlineage import Lineage


def listener(settings: Settings, connections: Callable[[], Connections]) -> Listener:
    """The listener of the settings."""
    assert settings.lineage_file is not None
    return Lineage("the lineage file", settings.lineage_namespace, Appending(settings.lineage_file).send, connections)


class Appending:
    """A file that events are appended to. Each is one write, so that the lines of several processes do not mix.

    Args:
        path: The file; its folder is made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, event: RunEvent) -> None:
        """Append an event.

        Raises:
            TransientError: The file cannot be written.
        """
        line = f"{Serde.to_json(event)}\n".encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise TransientError(
                f"{self._path} cannot be written: {error.strerror or error}.",
                next_step="Make room or mend the permissions of the folder of SLUICEGATE_LINEAGE_FILE.",
            ) from error
