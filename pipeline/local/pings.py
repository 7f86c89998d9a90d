"""One protocol-level question to each server, over a bare socket, so that the supervisor imports no driver."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Mapping

from expectations_plugins.core.hellos import HELLOS
from pipeline.local.endpoints import LOOPBACK

PING_SECONDS = 2.0


def answers(name: str, port: int, api_key: str) -> bool:
    """Whether the server answers in its own protocol.

    Args:
        name: A key of `SERVERS`.
        port: Its port on the loopback interface.
        api_key: The key of the embeddings server; the others are asked what needs no credentials.
    """
    try:
        return _PINGS[name](port, api_key)
    except (OSError, http.client.HTTPException, ValueError):
        return False


def _speaks(store: str) -> Callable[[int, str], bool]:
    hello = HELLOS[store]

    def ping(port: int, api_key: str) -> bool:
        del api_key
        with socket.create_connection((LOOPBACK, port), timeout=PING_SECONDS) as connection:
            return hello.is_answer(hello.answered(connection))

    return ping


def _bigquery(port: int, api_key: str) -> bool:
    del api_key
    return _get(port, "/readyz", {})


def _gemini(port: int, api_key: str) -> bool:
    return _get(port, "/v1beta/models", {"x-goog-api-key": api_key})


def _get(port: int, path: str, headers: Mapping[str, str]) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PING_SECONDS)
    try:
        connection.request("GET", path, headers=dict(headers))
        return connection.getresponse().status == http.client.OK
    finally:
        connection.close()


_PINGS: Mapping[str, Callable[[int, str], bool]] = {
    "mongodb": _speaks("mongodb"),
    "neo4j": _speaks("neo4j"),
    "milvus": _speaks("milvus"),
    "bigquery": _bigquery,
    "gemini": _gemini,
}
