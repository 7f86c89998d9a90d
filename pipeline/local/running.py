"""The port between a server's process and the server in it: what it is given, what it must offer."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.local.credentials import Credentials
from pipeline.local.endpoints import LOOPBACK


@dataclass(frozen=True, slots=True)
class ServerContext:
    """What a server's module is given: its own data folder (existing, the working directory) and the credentials."""

    data_dir: Path
    credentials: Credentials


class RunningServer(Protocol):
    """A server that listens. Every server module offers `open_server(context: ServerContext) -> RunningServer`."""

    @property
    def ports(self) -> Mapping[str, int]:
        """Its ports on the loopback interface by name; "main" is the one clients use."""

    def stop(self) -> None:
        """Close connections and data files; called once."""


def free_port() -> int:
    """Return a port nobody listens on now, for servers that cannot choose one themselves."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
