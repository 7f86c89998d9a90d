"""Connecting to Milvus from plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pymilvus import DataType, MilvusClient

from pipeline.errors import ConfigurationError
from pipeline.stores.milvus.errors import ERRORS

__all__ = ["MilvusClient", "connect", "type_name"]

GRPC_OPTIONS = {"grpc.keepalive_time_ms": 300_000, "grpc.keepalive_permit_without_calls": False}
"""pymilvus pings every 10 seconds; gRPC servers that keep to its defaults hang up on more than one in five minutes."""


def connect(uri: str, token: str = "", *, timeout: float = 10.0) -> MilvusClient:
    """A client. Connects at once; the caller closes it.

    Args:
        uri: http:// address, or https:// for TLS.
        token: user:password or an API key; "" for none.
        timeout: Seconds to wait for the connection.

    Raises:
        ConfigurationError: The address cannot be used.
        TransientError: The server cannot be reached.
        TerminalError: It refuses.
    """
    if not _is_address(uri):
        raise ConfigurationError(
            "The Milvus address cannot be used.", next_step="Check MILVUS_URI: http://host:port or https://host:port."
        )
    with ERRORS.guard("connecting"):
        return MilvusClient(uri=uri, token=token, timeout=timeout, grpc_options=GRPC_OPTIONS)


def type_name(field: Mapping[str, Any]) -> str:
    """Milvus's name of the type of a field of a described schema."""
    return str(DataType(int(field["type"])).name)


def _is_address(uri: str) -> bool:
    """pymilvus would take a file's name too, and quietly start a database of its own in it."""
    try:
        parts = urlsplit(uri)
        _port = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
