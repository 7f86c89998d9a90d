"""One protocol-level question to each server, over a bare socket, so that the supervisor imports no driver."""

from __future__ import annotations

import http.client
import socket
import struct
from collections.abc import Callable, Mapping

from pipeline.local.endpoints import LOOPBACK

PING_SECONDS = 2.0

# OP_MSG with {hello: 1, $db: "admin"}: MongoDB answers it before a client has authenticated.
_HELLO = b"\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00"
_OP_MSG = 2013
# Bolt handshake: the magic number and four versions, newest first (5.4, 5.0, 4.4, 3.0); the answer is one of them.
_BOLT = bytes.fromhex("6060b017 00000405 00000005 00000404 00000003")
# HTTP/2 connection preface and an empty SETTINGS frame (RFC 9113, 3.4); a gRPC server answers with its own SETTINGS.
_HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000 04 00 00000000")
_HTTP2_SETTINGS = 4


def answers(name: str, port: int, api_key: str) -> bool:
    """Whether the server answers in its own protocol.

    Args:
        name: A key of `SERVERS`.
        port: Its port on the loopback interface.
        api_key: The key of the embeddings server; the others are asked what needs no credentials.
    """
    try:
        return _PINGS[name](port, api_key)
    except (OSError, http.client.HTTPException, struct.error, IndexError, ValueError):
        return False


def _mongodb(port: int, api_key: str) -> bool:
    del api_key
    body = struct.pack("<i", 0) + b"\x00" + struct.pack("<i", len(_HELLO) + 5) + _HELLO + b"\x00"
    reply = _exchange(port, struct.pack("<4i", len(body) + 16, 1, 0, _OP_MSG) + body, 16)
    return bool(struct.unpack("<4i", reply)[3] == _OP_MSG)


def _neo4j(port: int, api_key: str) -> bool:
    del api_key
    reserved, _, _, major = _exchange(port, _BOLT, 4)
    return reserved == 0 and major > 0


def _milvus(port: int, api_key: str) -> bool:
    del api_key
    return _exchange(port, _HTTP2, 9)[3] == _HTTP2_SETTINGS


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


def _exchange(port: int, question: bytes, size: int) -> bytes:
    """Send, and read the first `size` bytes of the answer (fewer when the server hangs up)."""
    with socket.create_connection((LOOPBACK, port), timeout=PING_SECONDS) as connection:
        connection.sendall(question)
        answer = b""
        while len(answer) < size and (part := connection.recv(size - len(answer))):
            answer += part
    return answer


_PINGS: Mapping[str, Callable[[int, str], bool]] = {
    "mongodb": _mongodb,
    "neo4j": _neo4j,
    "milvus": _milvus,
    "bigquery": _bigquery,
    "gemini": _gemini,
}
