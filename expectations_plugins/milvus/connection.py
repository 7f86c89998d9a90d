"""Connecting to Milvus from plain values."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pymilvus import DataType, MilvusClient
from pymilvus.client.types import LoadState

from expectations_plugins.core.errors import ConfigurationError, SluicegateError, TransientError
from expectations_plugins.milvus.errors import ERRORS
from expectations_plugins.milvus.options import GRPC_OPTIONS

__all__ = ["MilvusClient", "connect", "ensure_loaded", "type_name"]

# pymilvus writes every call that fails to stderr, with a traceback, past whatever logging is set up and whatever hides
# secrets, and another for each time it could not connect again; the error is raised all the same, and told once
logging.getLogger("pymilvus").handlers.clear()
logging.getLogger("pymilvus").propagate = True
for _told_anyway in ("pymilvus.decorators", "pymilvus.client.connection_manager"):
    logging.getLogger(_told_anyway).setLevel(logging.CRITICAL)

OPTIONS = {
    "server_name": "server_name",
    "ca_file": "ca_pem_path",
    "client_certificate": "client_pem_path",
    "client_key": "client_key_path",
}
"""Options of an https:// address, and what pymilvus calls them."""

FILES = ("ca_file", "client_certificate", "client_key")

HOW = "Check MILVUS_URI: http://host:port/database, or https://host:port/database?server_name=…&ca_file=…"
TIMEOUT = 10.0
"""Seconds to wait for the connection."""

HANDSHAKE_SECONDS = 5.0


def connect(
    uri: str,
    token: str = "",
    *,
    timeout: float = TIMEOUT,
    secure: bool | None = None,
    options: Mapping[str, Any] | None = None,
) -> MilvusClient:
    """A client. Connects at once; the caller closes it.

    Args:
        uri: http:// address, or https:// for TLS; its path is the database, its options are `OPTIONS`.
        token: user:password or an API key; "" for none.
        timeout: Seconds to wait for the connection.
        secure: Whether to speak TLS; None leaves it to the address.
        options: What `driver_options` gives; they win over those of the address.

    Raises:
        ConfigurationError: The address cannot be used, or its certificate is not trusted.
        TransientError: The server cannot be reached.
        TerminalError: It refuses.
    """
    address = _address(uri)
    tls: dict[str, Any] = _options(address)
    if secure is not None:
        address = address._replace(scheme="https" if secure else "http")
    if options:  # pymilvus shares connections by address and token alone
        tls |= {"dedicated": True, **options}
    try:
        with ERRORS.guard("connecting"):
            return MilvusClient(
                uri=address._replace(query="", fragment="").geturl(),
                token=token,
                timeout=timeout,
                **{"grpc_options": GRPC_OPTIONS} | tls,
            )
    except SluicegateError:
        _refuse_untrusted(address, tls)
        raise


STILL_LOADING = 0.2
"""Seconds between looks at a collection that somebody loads."""


def ensure_loaded(client: MilvusClient, collection: str, *, timeout: float) -> None:
    """Have Milvus load a collection that it holds on disk only, as after a restart: no other can be read.

    One that is loaded, or being loaded, is not loaded again: servers up to 2.4 refuse that when it has got an index
    since.

    Args:
        client: A client from `connect`.
        collection: Its name; one that does not exist is left to whoever reads it.
        timeout: Seconds to wait.

    Raises:
        TransientError: Somebody else has it loaded, and it takes longer.
    """
    until = time.monotonic() + timeout
    with ERRORS.guard(f"loading collection {collection}"):
        while (state := client.get_load_state(collection, timeout=timeout)["state"]) == LoadState.Loading:
            if time.monotonic() > until:
                raise TransientError(
                    f"Milvus: collection {collection} is still being loaded after {timeout:.0f} s.",
                    next_step="Try again when the server has loaded it.",
                )
            time.sleep(STILL_LOADING)
        if state == LoadState.NotLoad:
            client.load_collection(collection, timeout=timeout)


def type_name(field: Mapping[str, Any]) -> str:
    """Milvus's name of the type of a field of a described schema."""
    return str(DataType(int(field["type"])).name)


def _address(uri: str) -> SplitResult:
    """pymilvus would take a file's name too, and quietly start a database of its own in it."""
    try:
        parts = urlsplit(uri)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc:
        raise ConfigurationError("The Milvus address cannot be used.", next_step=f"{HOW}; a password: MILVUS_TOKEN.")
    return parts


def _options(address: SplitResult) -> dict[str, str]:
    given = {name: value for name, value in parse_qsl(address.query) if value}
    problem = _problem(address, given)
    if problem:
        raise ConfigurationError(f"The Milvus address cannot be used: {problem}.", next_step=HOW)
    found = {OPTIONS[name]: value for name, value in given.items()}
    if "ca_pem_path" in found and "client_key_path" not in found:
        found["server_pem_path"] = found.pop("ca_pem_path")
    return found


def _problem(address: SplitResult, given: Mapping[str, str]) -> str:
    if unknown := sorted(given.keys() - OPTIONS):
        return f"there is no option {', '.join(unknown)}; there are {', '.join(OPTIONS)}"
    if given and address.scheme != "https":
        return "only https:// takes options"
    files = [name for name in FILES if name in given]
    if len(files) not in (0, len(FILES)) and files != ["ca_file"]:
        return f"{', '.join(FILES)} go together"
    unreadable = [name for name in files if not os.access(given[name], os.R_OK)]
    return f"the file of {', '.join(unreadable)} cannot be read" if unreadable else ""


def _refuse_untrusted(address: SplitResult, tls: Mapping[str, str]) -> None:
    """gRPC says only that there is no connection; a handshake of our own tells whether a certificate is to blame."""
    if address.scheme != "https":
        return
    try:
        context = ssl.create_default_context(cafile=tls.get("ca_pem_path") or tls.get("server_pem_path"))
        host = str(address.hostname)
        with (
            socket.create_connection((host, address.port or 443), timeout=HANDSHAKE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=tls.get("server_name", host)),
        ):
            return
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError(
            f"Milvus: the certificate of {address.hostname} is not trusted: {error.verify_message}.",
            next_step="Set SLUICEGATE_CA_FILE, or ca_file in MILVUS_URI, to the authority's certificate; when the name "
            "does not fit, server_name in MILVUS_URI to the certificate's.",
        ) from None
    except OSError:
        return
