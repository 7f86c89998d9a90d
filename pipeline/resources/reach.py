"""Why a store that cannot be opened never will be: what a driver hides behind "cannot connect".

A host whose name is known to nobody, TLS to a port without it, and another protocol's port are settings, not outages:
no batch can do anything about them. Whatever else is found out here, or not found out, stays the outage it was.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from expectations_plugins.core.errors import ConfigurationError, TransientError
from expectations_plugins.core.hellos import HELLOS, HTTP, Hello
from pipeline.storage.private_folders import make_private

SECONDS = 3.0
"""How long each look may take."""

PORTS = {"mongodb": 27017, "neo4j": 7687, "milvus": 19530}
TLS_SCHEMES = ("https", "bolt+s", "bolt+ssc", "neo4j+s", "neo4j+ssc")
SETTINGS = {
    "mongodb": "MONGODB_URI",
    "neo4j": "NEO4J_URI",
    "milvus": "MILVUS_URI",
    "bigquery": "BIGQUERY_API_ENDPOINT",
    "gemini": "GEMINI_API_ENDPOINT",
}
_TLS_OPTION = re.compile(r"[?&](tls|ssl)=true\b", re.IGNORECASE)
_HOSTS = re.compile(r"^[^:]+://(?:[^/?#]*@)?(?P<hosts>[^/?#]+)")


class Reached:
    """Which servers have answered from this machine: one of them that is gone is an outage, whatever its name says.

    Args:
        folder: The folder that has an empty file for each; asked for when it is needed.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    @contextmanager
    def reaching(self, store: str, address: str) -> Iterator[None]:
        """The first question to a store, as `connecting`; that it answered is noted."""
        with self.connecting(store, address):
            yield
        noted = self._noted(store, address)
        with contextlib.suppress(OSError):  # what cannot be noted is only told apart less well
            if not noted.exists():
                make_private(noted.parent)
                noted.touch()

    @contextmanager
    def connecting(self, store: str, address: str) -> Iterator[None]:
        """An address that is wrong is a setting, and no outage nor one of what is asked for beside it, as credentials.

        Args:
            store: Its name in `HELLOS`.
            address: As it is configured.

        Raises:
            ConfigurationError: The address is wrong.
            TransientError: The server cannot be reached, and nothing speaks against a later try.
        """
        try:
            yield
        except (TransientError, ConfigurationError) as error:
            if not self._noted(store, address).exists() and (found := fault(store, address)):
                raise ConfigurationError(f"{found}.", next_step=f"Correct {SETTINGS[store]}.") from error
            raise

    def _noted(self, store: str, address: str) -> Path:
        named = _HOSTS.match(address)
        return self._folder() / quote(f"{store} {named['hosts'] if named else ''}", safe=" ")


def fault(store: str, address: str) -> str:
    """What is wrong with an address, as a sentence without its full stop; "" when nothing is, or it cannot be told.

    Args:
        store: Its name in `HELLOS`.
        address: URL; MongoDB's may name several hosts, of which one is enough. Nothing is said of mongodb+srv.
    """
    named = _HOSTS.match(address)
    if named is None or address.startswith("mongodb+srv:"):
        return ""
    wants_tls = urlsplit(address).scheme in TLS_SCHEMES or bool(_TLS_OPTION.search(address))
    default = 443 if wants_tls and store not in PORTS else PORTS.get(store, 80)
    faults = [_fault_at(store, *_host_and_port(one, default), wants_tls=wants_tls) for one in named["hosts"].split(",")]
    return faults[0] if all(faults) else ""


def _host_and_port(text: str, default: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return str(parts.hostname), parts.port or default


def _fault_at(store: str, host: str, port: int, *, wants_tls: bool) -> str:
    hello = HELLOS[store]
    try:
        socket.getaddrinfo(host, port)
    except socket.gaierror as error:
        temporary = error.errno == socket.EAI_AGAIN
        return "" if temporary else f"There is no host {host}"
    try:
        if wants_tls:
            return f"{host}:{port} speaks {hello.protocol} without TLS" if _is_plain(hello, host, port) else ""
        return _another(hello, host, port)
    except OSError:
        return ""


def _is_plain(hello: Hello, host: str, port: int) -> bool:
    """Whether a server answers in a protocol, without TLS."""
    return hello.is_answer(_answer(hello, host, port))


def _answer(hello: Hello, host: str, port: int) -> bytes:
    """What comes back when a protocol is begun; nothing when the server hangs up over it."""
    with socket.create_connection((host, port), timeout=SECONDS) as connection:
        try:
            return hello.answered(connection)
        except ConnectionError:
            return b""


def _another(hello: Hello, host: str, port: int) -> str:
    """What a server speaks in place of the protocol it is asked for."""
    answer = _answer(hello, host, port)
    is_right = hello.is_answer(answer)
    if is_right and hello.protocol != HTTP:  # ports of MongoDB and Neo4j answer HTTP too, to say what they are
        return ""
    for other in HELLOS.values():
        if other.protocol != hello.protocol and _is_plain(other, host, port):
            return f"{host}:{port} speaks {other.protocol}, and does not speak {hello.protocol}"
    if is_right:
        return ""
    if answer:
        return f"{host}:{port} answers, but does not speak {hello.protocol}"
    return f"{host}:{port} speaks TLS, and the address names none" if _speaks_tls(host, port) else ""


def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing but a handshake is sent
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False
