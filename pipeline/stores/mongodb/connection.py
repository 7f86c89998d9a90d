"""Connecting to MongoDB from plain values; settings and local servers are known elsewhere."""

from __future__ import annotations

from typing import Any, TypeAlias

import pymongo
import pymongo.database
import pymongo.errors

from pipeline.errors import ConfigurationError

Database: TypeAlias = pymongo.database.Database[dict[str, Any]]
"""A database whose documents are dicts and whose dates are aware, in UTC."""

APPLICATION = "sluicegate"


def connect(uri: str, database: str, *, timeout: float = 10.0) -> Database:
    """A handle of a database. Connects when it is first used; the caller closes `handle.client`.

    Args:
        uri: mongodb:// or mongodb+srv:// address; credentials, TLS, write concern and the like are its options, and
            its own timeouts win.
        database: The database's name.
        timeout: Seconds to wait for a server to be found, and for a connection to open.

    Raises:
        ConfigurationError: The address or the name cannot be used; the address, which may hold a password, is not
            repeated.
    """
    options: dict[str, Any] = {name: int(timeout * 1000) for name in _TIMEOUTS if name.lower() not in uri.lower()}
    try:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            uri, tz_aware=True, appname=APPLICATION, **options
        )
    except (pymongo.errors.PyMongoError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"The MongoDB connection string cannot be used ({type(error).__name__}).",
            next_step="Check MONGODB_URI: mongodb://user:password@host:port/, with special characters percent-encoded.",
        ) from None
    return _database(client, database)


_TIMEOUTS = ("serverSelectionTimeoutMS", "connectTimeoutMS")


def _database(client: pymongo.MongoClient[dict[str, Any]], name: str) -> Database:
    try:
        return client.get_database(name)
    except pymongo.errors.InvalidName as error:
        client.close()
        raise ConfigurationError(
            f"{name!r} cannot be the name of a MongoDB database: {error}.", next_step="Check MONGODB_DATABASE."
        ) from None
