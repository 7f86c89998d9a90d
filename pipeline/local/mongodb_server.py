"""The MongoDB wire protocol server (secantusdb), opened in its own process; GPL-2.0, so imported nowhere else."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping

from secantus.auth import SCRAM_SHA_256, derive_credentials
from secantus.server import SecantusDBServer

from pipeline.local.credentials import MONGODB_USER
from pipeline.local.endpoints import LOOPBACK
from pipeline.local.running import RunningServer, ServerContext

CACHE_SIZE = "256M"
KNOCK_SECONDS = 0.05


def open_server(context: ServerContext) -> RunningServer:
    """Start it on a free port, with one user who may do everything and whose password is the given one."""
    server = SecantusDBServer(
        host=LOOPBACK,
        port=0,
        storage_path=str(context.data_dir / "wiredtiger"),
        require_auth=True,
        # Fail points, for tests of outages; only the one user can set them.
        enable_test_commands=True,
        cache_size=CACHE_SIZE,
    )
    _provision_user(server, context.credentials.mongodb_password)
    server.start()
    return _Running(server)


def _provision_user(server: SecantusDBServer, password: str) -> None:
    """Write the user record before the port opens, at every start: regenerated credentials open old data."""
    derived = derive_credentials(password, mechanism=SCRAM_SHA_256, username=MONGODB_USER)
    record = {
        "_id": f"admin.{MONGODB_USER}",
        "user": MONGODB_USER,
        "db": "admin",
        "credentials": derived.to_doc(),
        "roles": [{"role": "root", "db": "admin"}],
        "mechanisms": [SCRAM_SHA_256],
    }
    server.storage.add_user("admin", MONGODB_USER, record, replace=True)


class _Running:
    def __init__(self, server: SecantusDBServer) -> None:
        self._server = server

    @property
    def ports(self) -> Mapping[str, int]:
        return {"main": self._server.address[1]}

    def stop(self) -> None:
        # Closing a socket does not wake the thread that accepts on it; a last connection does, and saves two seconds.
        threading.Timer(KNOCK_SECONDS, _knock, self._server.address).start()
        self._server.stop()


def _knock(host: str, port: int) -> None:
    with contextlib.suppress(OSError):
        socket.create_connection((host, port), timeout=1).close()
