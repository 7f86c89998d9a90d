"""The Milvus server (milvus-lite), opened inside its own process. It checks no token: loopback only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from threading import RLock
from typing import Any

from milvus_lite.adapter.grpc.server import start_server_in_thread

from pipeline.local.endpoints import LOOPBACK
from pipeline.local.running import RunningServer, ServerContext

DRAIN_SECONDS = 2
ONE_AT_A_TIME = ("create_collection", "get_collection", "has_collection", "drop_collection", "list_collections")
"""What milvus-lite does in several threads at once without a lock: who asks for a collection that is being made is told
that there is none and may not make it either, or opens it a second time."""


def open_server(context: ServerContext) -> RunningServer:
    """Start it on a free port. Collections come back unloaded: clients load() them after a restart."""
    # The host is always given: the package's command line would listen on every interface.
    server, database, port = start_server_in_thread(str(context.data_dir / "collections"), host=LOOPBACK, port=0)
    lock = RLock()
    for name in ONE_AT_A_TIME:
        setattr(database, name, _holding(lock, getattr(database, name)))
    return _Running(server, database, port)


def _holding(lock: RLock, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def alone(*args: Any, **options: Any) -> Any:
        with lock:
            return method(*args, **options)

    return alone


class _Running:
    def __init__(self, server: Any, database: Any, port: int) -> None:
        self._server = server
        self._database = database
        self._port = port

    @property
    def ports(self) -> Mapping[str, int]:
        return {"main": self._port}

    def stop(self) -> None:
        self._server.stop(grace=DRAIN_SECONDS).wait(DRAIN_SECONDS + 1)
        self._database.close()
