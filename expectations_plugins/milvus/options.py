"""The options of pymilvus that a data source may be given, by its documentation and its connection's handler."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.core.options import check_options

OPTIONS = frozenset({"ca_pem_path", "client_key_path", "client_pem_path", "grpc_options", "server_name"})
"""What pymilvus takes beside the settings that have names of their own."""

OURS = frozenset({"uri", "token", "user", "password", "db_name", "secure", "server_pem_path", "timeout", "dedicated"})
"""What has a setting of its own."""

GRPC_OPTIONS = {"grpc.keepalive_time_ms": 2**31 - 1, "grpc.keepalive_permit_without_calls": False}
"""No pings: pymilvus sends one every 10 seconds, and gRPC servers that keep to its defaults hang up on more than one in
five minutes. A connection that died is noticed by the time limit each call has."""

FILES = ("ca_pem_path", "client_key_path", "client_pem_path", "server_pem_path")


def sign_on(token: str, user: str, password: str) -> str:
    """The token the driver sends: an API key, or the user and the password.

    Args:
        token: An API key, or user:password.
        user: The user.
        password: Its password.

    Raises:
        ConfigurationError: There are both, or a user without a password.
    """
    if token and (user or password):
        raise ConfigurationError("Milvus: there are a token and a user.", next_step="Give one of them.")
    if bool(user) != bool(password):
        raise ConfigurationError(
            "Milvus: a user and a password go together.", next_step="Give both, or neither, or a token."
        )
    return token or (f"{user}:{password}" if user else "")


def driver_options(
    *, server_pem_path: str | None = None, db_name: str | None = None, options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What MilvusClient is given beside the address.

    Args:
        server_pem_path: The file of the server's certificate, or of its authority's.
        db_name: The database.
        options: Other options of MilvusClient.

    Raises:
        ConfigurationError: MilvusClient has no such option, one has another type, or a file cannot be read.
    """
    check_options("Milvus", options or {}, OPTIONS, elsewhere=OURS)
    named = {"server_pem_path": server_pem_path, "db_name": db_name}
    found = {**(options or {}), **{name: value for name, value in named.items() if value}}
    if "grpc_options" in found:
        found["grpc_options"] = _grpc_options(found["grpc_options"])
    unreadable = [name for name in FILES if name in found and not os.access(str(found[name]), os.R_OK)]
    if unreadable:
        raise ConfigurationError(
            f"Milvus: the file of {', '.join(unreadable)} cannot be read.", next_step="Correct its path."
        )
    return found


def _grpc_options(given: object) -> dict[str, Any]:
    """Ours, but for those that are given."""
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            f"Milvus: grpc_options is a {type(given).__name__}, not a mapping.",
            next_step="Give names and values, e.g. {'grpc.max_send_message_length': 1048576}.",
        )
    return {**GRPC_OPTIONS, **given}
