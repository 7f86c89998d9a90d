"""A TCP relay on loopback that counts what a server sends to its client: the same measure for every driver."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from expectations_plugins.core.errors import ConfigurationError

CHUNK = 1 << 16
LOOPBACK = "127.0.0.1"
DEFAULT_PORTS = {"mongodb": 27017, "bolt": 7687, "neo4j": 7687, "http": 19530}
"""What can be relayed, and the port where an address names none."""

OPTIONS = {"mongodb": "directConnection=true&serverMonitoringMode=poll&heartbeatFrequencyMS=600000"}
"""Options of every client: one server, and no heartbeats in between, which cost by the second and not by the record."""


class Relay:
    """Forwards every connection to one server until it is closed.

    Args:
        host, port: The server.
        delay: Seconds that what a client sends is held.
    """

    def __init__(self, host: str, port: int, delay: float = 0.0) -> None:
        self._delay = delay
        self._server = (host, port)
        self._received = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server((LOOPBACK, 0))
        self._open: list[socket.socket] = []
        _start(self._accept)

    @property
    def port(self) -> int:
        """Where clients connect, on loopback."""
        return int(self._listener.getsockname()[1])

    @property
    def received(self) -> int:
        """Bytes that all clients have received so far."""
        with self._lock:
            return self._received

    def close(self) -> None:
        """Hang up on everybody."""
        for end in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._server, timeout=10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        self._open += [client, server]
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _start(self._pump, client, server, False)
        _start(self._pump, server, client, True)

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if counted:
                    with self._lock:  # before it is sent: a client that has its answer finds it counted
                        self._received += len(data)
                elif self._delay:
                    time.sleep(self._delay)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relayed(uri: str, delay: float = 0.0) -> Iterator[tuple[Relay, str]]:
    """A relay to the server of an address, and the address by which clients reach it through the relay.

    Args:
        uri: mongodb://, bolt://, neo4j:// or http:// address of one server, without TLS.
        delay: Seconds that what a client sends is held.

    Raises:
        ConfigurationError: A relay cannot stand in front of it.
    """
    parts = urlsplit(uri)
    if parts.scheme not in DEFAULT_PORTS or "," in parts.netloc or not parts.hostname:
        raise ConfigurationError(
            f"A {parts.scheme}:// address with TLS or several hosts cannot be measured: bytes are counted by a relay.",
            next_step="Name one server by mongodb://, bolt:// or http://.",
        )
    relay = Relay(parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme], delay)
    credentials = parts.netloc.rpartition("@")[0]
    host = f"{credentials}@{LOOPBACK}:{relay.port}" if credentials else f"{LOOPBACK}:{relay.port}"
    query = "&".join(filter(None, (parts.query, OPTIONS.get(parts.scheme))))
    # neo4j:// asks the server for its addresses and goes there, past the relay
    scheme = "bolt" if parts.scheme == "neo4j" else parts.scheme
    path = parts.path or "/" if query else parts.path
    try:
        yield relay, urlunsplit((scheme, host, path, query, ""))
    finally:
        relay.close()


def _start(work: object, *args: object) -> None:
    threading.Thread(target=work, args=args, daemon=True).start()  # type: ignore[arg-type]
