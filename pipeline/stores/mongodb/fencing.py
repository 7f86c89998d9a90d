"""Writes that count only while nobody has taken the batch over: the fence is checked in the write's own transaction.

A run that was paused, and whose lease another run has taken since, may wake up in the middle of a stage. Its writes
must not change what its successor did (Kleppmann, How to do distributed locking, 2016: fencing tokens).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from expectations_plugins.core.errors import ConfigurationError, LeaseLostError
from expectations_plugins.core.retry import through_contention
from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS, is_contention
from pipeline.core.batches import short
from pipeline.stores.mongodb.ledger_queries import BATCHES, held_filter

T = TypeVar("T")

NO_TRANSACTIONS = 20
"""IllegalOperation: what a server that is no member of a replica set answers."""

TOUCH = {"$inc": {"fenced_writes": 1}}
"""A write, so that whoever takes the lease waits for the transaction, and the transaction for whoever was first."""


class Fence:
    """The ledger's fences, as other collections of its database check them.

    Args:
        database: The database of the ledger.
    """

    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._batches = database.get_collection(BATCHES)

    def write(self, batch_id: str, fence: int, work: Callable[[ClientSession], T], *, doing: str) -> T:
        """Do some writes in a transaction that ends without them when the fence is not the batch's.

        Args:
            batch_id: The batch.
            fence: The writer's.
            work: Writes within the session it is given. It is called again when the server undid its transaction in
                favour of another one.
            doing: What is done, for errors.

        Raises:
            LeaseLostError: Another run has taken the batch over; nothing was written.
            ConfigurationError: The server has no transactions.
        """
        with ERRORS.guard(doing), with_transactions():
            return through_contention(lambda: self._write_once(batch_id, fence, work, doing), is_contention)

    def _write_once(self, batch_id: str, fence: int, work: Callable[[ClientSession], T], doing: str) -> T:
        with self._client.start_session() as session, session.start_transaction():
            if not self._batches.update_one(held_filter(batch_id, fence), TOUCH, session=session).matched_count:
                raise LeaseLostError(
                    f"Batch {short(batch_id)} was taken over by another run while {doing}.",
                    next_step="Nothing needs to be done: the other run goes on with the batch.",
                )
            return work(session)


@contextmanager
def with_transactions() -> Iterator[None]:
    """Around a transaction: says what to do about a server that has none."""
    try:
        yield
    except OperationFailure as error:
        if error.code != NO_TRANSACTIONS:
            raise
        raise ConfigurationError(
            "MongoDB: this server has no transactions, which keep two runs off one batch.",
            next_step="Run it as a replica set, which may have one member: mongod --replSet, then rs.initiate().",
        ) from None
