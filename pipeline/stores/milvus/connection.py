"""Connecting to Milvus from plain values."""

from __future__ import annotations

from pymilvus import MilvusClient

from pipeline.stores.milvus.errors import ERRORS

__all__ = ["MilvusClient", "connect"]


def connect(uri: str, token: str = "", *, timeout: float = 10.0) -> MilvusClient:
    """A client. Connects at once; the caller closes it.

    Args:
        uri: http:// address, or https:// for TLS.
        token: user:password or an API key; "" for none.
        timeout: Seconds to wait for the connection.

    Raises:
        TransientError: The server cannot be reached.
        TerminalError: It refuses.
    """
    with ERRORS.guard("connecting"):
        return MilvusClient(uri=uri, token=token, timeout=timeout)
