"""Whether MongoDB can be used, without writing anything that stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.errors import OperationFailure

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.ports.checkup import Checkup
from pipeline.stores.mongodb.fencing import with_transactions
from pipeline.stores.mongodb.ledger_queries import BATCHES
from pipeline.stores.mongodb.server_version import refuse_old
from pipeline.stores.mongodb.windows import CLOCKS_APART

NOBODY = {"_id": "doctor"}
"""No document has this id: a batch's has 64 hexadecimal digits."""

UNAUTHORIZED = 13

LITTLE = 0.05
"""The share of a server's disk below which its space is little."""

A_BIT = timedelta(seconds=5)


def examine(database: Database) -> Checkup:
    """Look at version, transactions, permissions, clock and disk.

    Args:
        database: The ledger's.

    Raises:
        ConfigurationError: It has no transactions, the user may not write, or the clocks are hours apart.
        TransientError: It cannot be reached.
    """
    with ERRORS.guard("asking for its version"):
        refuse_old(database.build_info)
        version = str(database.build_info.get("version", ""))
        theirs = database.client.admin.command("hello").get("localTime")
    _try_writing(database)
    with ERRORS.guard("asking how much space there is"):
        stats = database.command("dbStats")
    return Checkup(version, (*clock_notes(theirs), *space_notes(stats)))


def _try_writing(database: Database) -> None:
    with (
        ERRORS.guard(f"trying whether database {database.name} may be written"),
        with_transactions(),
        database.client.start_session() as session,
    ):
        try:
            with session.start_transaction():
                database.get_collection(BATCHES).delete_one(NOBODY, session=session)
        except OperationFailure as error:
            if error.code != UNAUTHORIZED:
                raise
            raise ConfigurationError(
                f"MongoDB: the user of MONGODB_URI may not write database {database.name}.",
                next_step="Give it the role readWrite there.",
            ) from None


def clock_notes(theirs: datetime | None) -> Iterator[str]:
    """How far the server's clock is from ours, when it is more than a bit.

    Args:
        theirs: The server's time, UTC without a zone; None when it says none.

    Raises:
        ConfigurationError: They are hours apart.
    """
    if theirs is None:
        return
    apart = theirs.replace(tzinfo=UTC) - datetime.now(UTC)
    if abs(apart) <= A_BIT:
        return
    side = "ahead of" if apart > timedelta() else "behind"
    said = f"Its clock is {abs(apart).total_seconds():,.0f} s {side} this machine's"
    if abs(apart) > CLOCKS_APART:
        raise ConfigurationError(
            f"MongoDB: {said[0].lower()}{said[1:]}: new batches would be taken for old ones.",
            next_step="Set both by a time server (NTP).",
        )
    yield f"{said}: the ledger's times are the server's, those of logs ours. Set both by a time server (NTP)."


def space_notes(stats: Mapping[str, Any]) -> Iterator[str]:
    """That the server's disk is nearly full.

    Args:
        stats: What `dbStats` answers; a server need not say how large its disk is.
    """
    size, used = float(stats.get("fsTotalSize") or 0), float(stats.get("fsUsedSize") or 0)
    if size and (size - used) / size < LITTLE:
        yield f"Its disk is full but for {(size - used) / 1e9:,.1f} of {size / 1e9:,.0f} GB."
