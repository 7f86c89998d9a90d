"""A TCP proxy on loopback that can be told, while it runs, to be the outage of the server behind it.

What it does to connections, those that are open and those that come:
- `pass`: forwards;
- `refuse`: the port is closed, and what was open is hung up;
- `reset`: whoever connects is accepted and gets an RST, and so does who was connected;
- `stall`: takes everything and forwards it, and holds every reply back: work is done that nobody hears of;
- `cut`: hangs up after so many bytes of replies, counted anew for each connection;
- `slow`: replies trickle.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
CHUNK = 1 << 16
DROP = 256
"""Bytes of a reply that `slow` forwards at once."""

PATIENCE = 10
"""Seconds an order may take."""

RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Mode(StrEnum):
    """What the proxy does."""

    PASS = "pass"
    REFUSE = "refuse"
    RESET = "reset"
    STALL = "stall"
    CUT = "cut"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Fault:
    """What the proxy is told.

    Args:
        mode: What it does.
        after: Bytes of replies before `cut` hangs up.
        pause: Seconds between the pieces of a reply in `slow`.
    """

    mode: Mode
    after: int = 40
    pause: float = 0.002


HEALTHY = Fault(Mode.PASS)


class Proxy:
    """In front of one server; its own port stays the same, whatever happens. Methods may be called from any thread.

    Args:
        server_port: The server's port on loopback; may be set anew when the server comes back elsewhere.

    What clients sent since it was last cleared is in `requests`, and how many bytes servers replied in `replied`.
    """

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.accepted = 0
        self.requests = bytearray()
        self.replied = 0
        self.port = 0
        self._fault = HEALTHY
        self._links: set[_Link] = set()
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._do(self._listen())

    @property
    def fault(self) -> Fault:
        """What it does now."""
        return self._fault

    def order(self, fault: Fault) -> None:
        """Do this from now on, to open connections too; replies held back go out when it no longer stalls."""
        self._do(self._order(fault))

    def heal(self) -> None:
        """Forward again."""
        self.order(HEALTHY)

    def close(self) -> None:
        """Stop."""
        self.order(Fault(Mode.REFUSE))
        self._loop.call_soon_threadsafe(self._loop.stop)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _order(self, fault: Fault) -> None:
        self._fault = fault
        for link in tuple(self._links):
            link.told = 0
            if fault.mode in {Mode.REFUSE, Mode.RESET}:
                link.hang_up(reset=fault.mode is Mode.RESET)
            if fault.mode is not Mode.STALL:
                link.flows.set()
            else:
                link.flows.clear()
        if fault.mode is Mode.REFUSE:
            self._stop_listening()
        else:
            await self._listen()

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._connected, LOOPBACK, self.port)
            self.port = int(self._listener.sockets[0].getsockname()[1])

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._fault.mode in {Mode.RESET, Mode.REFUSE}:
            _abort(writer)
            return
        try:
            replies, server = await asyncio.open_connection(LOOPBACK, self.server_port)
        except OSError:  # the server itself is down
            _abort(writer)
            return
        link = _Link(client=writer, server=server)
        if self._fault.mode is Mode.STALL:
            link.flows.clear()
        self._links.add(link)
        try:
            await asyncio.gather(self._requests(reader, link), self._replies(replies, link))
        finally:
            self._links.discard(link)
            link.hang_up(reset=False)

    async def _requests(self, reader: asyncio.StreamReader, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                self.requests += data
                link.server.write(data)
                await link.server.drain()
        link.end(link.server)

    async def _replies(self, reader: asyncio.StreamReader, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                self.replied += len(data)
                await link.flows.wait()
                await self._forward(link, data)
        await link.flows.wait()  # a server that stalls does not hang up either
        link.end(link.client)

    async def _forward(self, link: _Link, data: bytes) -> None:
        """Send a reply on as the fault of the moment has it."""
        fault = self._fault
        if fault.mode is Mode.CUT and link.told + len(data) >= fault.after:
            link.client.write(data[: max(0, fault.after - link.told)])
            link.hang_up(reset=False)
        elif fault.mode is Mode.SLOW:
            for start in range(0, len(data), DROP):
                await asyncio.sleep(fault.pause)
                link.client.write(data[start : start + DROP])
        else:
            link.client.write(data)
        link.told += len(data)
        await link.client.drain()


class _Link:
    """A client's connection and the server's for it."""

    def __init__(self, *, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server = client, server
        self.told = 0
        self.flows = asyncio.Event()
        self.flows.set()

    def hang_up(self, *, reset: bool) -> None:
        """Close both; what was written to the client goes out first, unless it is reset."""
        self.server.transport.abort()
        if reset:
            _abort(self.client)
        else:
            self.client.close()

    @staticmethod
    def end(writer: asyncio.StreamWriter) -> None:
        """One side has no more to say."""
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()


def _abort(writer: asyncio.StreamWriter) -> None:
    end = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
    writer.transport.abort()


def through(address: str, proxy: Proxy) -> str:
    """The address by which clients reach a server through its proxy: scheme, user and options stay."""
    parts = urlsplit(address)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{LOOPBACK}:{proxy.port}"))


def port_of(address: str) -> int:
    """The port of an address."""
    port = urlsplit(address).port
    assert port is not None, "the local servers' addresses name their ports"
    return port
