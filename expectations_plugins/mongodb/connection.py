"""Connecting to MongoDB from plain values; settings and local servers are known elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import pymongo
import pymongo.database
import pymongo.errors

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.core.redaction import hidden
from expectations_plugins.mongodb.capabilities import MONGODB, Capabilities, capabilities_of

APPLICATION = "sluicegate"
TIMEOUT = 10.0
"""Seconds to wait for a server to be found, and for a connection to open."""

REPLY = 120.0
"""Longer than what a server may keep us waiting for by its own rules: our longest queries have 60 s, and so has a
transaction that a client began and lost (transactionLifetimeLimitSeconds)."""

DURABLE = {"w": "majority", "journal": True}
"""A write counts when no crash can take it back: what the ledger says was done is not done again."""

NOT_ANSWERED = frozenset({13, 59})
"""Unauthorized and CommandNotFound: a server that keeps to itself what it is."""


class Database(pymongo.database.Database[dict[str, Any]]):
    """A database whose documents are dicts and whose dates are aware, in UTC."""

    indexes_made: frozenset[str] = frozenset()
    """Which indexes its user has seen to be there, by names of the user's own."""

    @cached_property
    def build_info(self) -> Mapping[str, Any]:
        """What its server says of itself; it is asked once. Empty when it keeps that to itself.

        Raises:
            pymongo.errors.PyMongoError: The server could not be asked; callers read this within `ERRORS.guard`.
        """
        try:
            return self.command("buildInfo")
        except pymongo.errors.OperationFailure as error:
            if error.code not in NOT_ANSWERED:
                raise
            return {}

    @cached_property
    def capabilities(self) -> Capabilities:
        """What its server can do; raises as `build_info`."""
        return capabilities_of(self.build_info) if self.build_info else MONGODB

    def server_time(self) -> datetime:
        """The server's clock, UTC, aware.

        Raises:
            pymongo.errors.PyMongoError: The server could not be asked; callers read this within `ERRORS.guard`.
        """
        at: datetime = self.command("hello")["localTime"]
        return at.replace(tzinfo=UTC)


def connect(
    uri: str,
    database: str,
    *,
    timeout: float = TIMEOUT,
    reply: float = REPLY,
    options: Mapping[str, Any] | None = None,
) -> Database:
    """A handle of a database. Connects when it is first used; the caller closes `handle.client`.

    Args:
        uri: mongodb:// or mongodb+srv:// address; credentials, TLS, write concern and the like are its options, and
            its own timeouts and its own write concern win.
        database: The database's name.
        timeout: Seconds to wait for a server to be found, and for a connection to open.
        reply: Seconds to wait for each answer on an open connection; the driver asks a second time before it gives up.
        options: Options of MongoClient; they win over all of the above.

    Raises:
        ConfigurationError: The address or the name cannot be used; the address, which may hold a password, is not
            repeated.
    """
    limits = {"serverSelectionTimeoutMS": timeout, "connectTimeoutMS": timeout, "socketTimeoutMS": reply}
    given = {name.lower() for name, _ in parse_qsl(uri.partition("?")[2], keep_blank_values=True)}
    given |= {name.lower() for name in options or {}}
    ours: dict[str, Any] = {"appname": APPLICATION}
    ours |= {name: int(limit * 1000) for name, limit in limits.items() if name.lower() not in given}
    if given.isdisjoint({"w", "journal", "j"}):
        ours |= DURABLE
    try:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            uri, tz_aware=True, **ours | dict(options or {})
        )
    except (pymongo.errors.PyMongoError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"The MongoDB connection string{' or an option' if options else ''} cannot be used "
            f"({type(error).__name__}{_reason(error) if options else ''}).",
            next_step="Check MONGODB_URI: mongodb://user:password@host:port/, with special characters percent-encoded.",
        ) from None
    return _database(client, database)


def _reason(error: Exception) -> str:
    """What the driver says of an option that it refuses; an address is not in it, as `hidden` knows its password."""
    text = str(error).splitlines()[0] if str(error) else ""
    return f": {hidden(text)}" if text and "://" not in text else ""


def _database(client: pymongo.MongoClient[dict[str, Any]], name: str) -> Database:
    try:
        return Database(client, name)
    except pymongo.errors.InvalidName as error:
        client.close()
        raise ConfigurationError(
            f"{name!r} cannot be the name of a MongoDB database: {error}.", next_step="Check MONGODB_DATABASE."
        ) from None
