"""The first words of each protocol, over a bare socket: whether a server at an address speaks it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

# OP_MSG with {hello: 1, $db: "admin"}: MongoDB answers it before a client has authenticated.
_HELLO = b"\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00"
_OP_MSG = 2013
_BODY = struct.pack("<i", 0) + b"\x00" + struct.pack("<i", len(_HELLO) + 5) + _HELLO + b"\x00"
# Bolt handshake: the magic number and four versions, newest first (5.4, 5.0, 4.4, 3.0); the answer is one of them.
_BOLT = bytes.fromhex("6060b017 00000405 00000005 00000404 00000003")
# HTTP/2 connection preface and an empty SETTINGS frame (RFC 9113, 3.4); a gRPC server answers with its own SETTINGS.
_HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000 04 00 00000000")
_HTTP2_SETTINGS = 4


@dataclass(frozen=True, slots=True)
class Hello:
    """How a protocol begins.

    Args:
        protocol: Its name, for people.
        question: What a client sends first.
        size: How many bytes of the answer tell.
        is_answer: Whether these are how a server of this protocol answers.
    """

    protocol: str
    question: bytes
    size: int
    is_answer: Callable[[bytes], bool]

    def answered(self, connection: socket.socket) -> bytes:
        """Send it, and read the beginning of the answer; fewer bytes when the server hangs up.

        Raises:
            OSError: The connection broke, or nothing came in time.
        """
        connection.sendall(self.question)
        answer = b""
        while len(answer) < self.size and (part := connection.recv(self.size - len(answer))):
            answer += part
        return answer


HTTP = "HTTP"

_HTTP = Hello(HTTP, b"GET / HTTP/1.0\r\n\r\n", 5, lambda answer: answer == b"HTTP/")

HELLOS = {
    "mongodb": Hello(
        "MongoDB's protocol",
        struct.pack("<4i", len(_BODY) + 16, 1, 0, _OP_MSG) + _BODY,
        16,
        lambda answer: len(answer) == 16 and struct.unpack("<4i", answer)[3] == _OP_MSG,  # noqa: PLR2004 - the header
    ),
    "neo4j": Hello("Bolt", _BOLT, 4, lambda answer: answer[:1] == b"\x00" and answer[3:] > b"\x00"),
    "milvus": Hello("gRPC", _HTTP2, 9, lambda answer: answer[3:4] == bytes([_HTTP2_SETTINGS])),
    "bigquery": _HTTP,
    "gemini": _HTTP,
}
"""By store."""
