"""Leases: who may work on a batch, and the fence that tells an old holder's writes from the current one's."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from expectations_plugins.core.errors import LeaseHeldError, LeaseLostError
from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.core.batches import Lease, short
from pipeline.stores.mongodb.ledger_queries import (
    BATCHES,
    LEASES,
    NEVER,
    batch_fenced,
    free_or_ours_filter,
    lease_renewed,
    lease_taken,
    our_lease_filter,
)


class Leases:
    """The collection `leases`, and the fence in the batch's document.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        self._leases = database.get_collection(LEASES)
        self._fenced = database.get_collection(BATCHES)

    def acquire(self, batch_id: str, holder: str, seconds: float) -> Lease:
        """Take the batch's lease: when nobody has it, it has expired, or is ours already.

        Args:
            batch_id: The batch; it is entered in the ledger when it is new.
            holder: Who takes it, unique to the run.
            seconds: How long it lasts.

        Raises:
            LeaseHeldError: Another holder's lease has not expired.
        """
        with ERRORS.guard(f"taking the lease of batch {short(batch_id)}"):
            self._ensure(batch_id)
            row = self._leases.find_one_and_update(
                free_or_ours_filter(batch_id, holder),
                lease_taken(holder, seconds),
                return_document=ReturnDocument.AFTER,
            )
            if row is None:
                raise self._held(batch_id)
            # before anything is read under the new lease, so that an older holder cannot write in between
            self._fenced.update_one({"_id": batch_id}, batch_fenced(row["fence"]), upsert=True)
        return _lease(row)

    def renew(self, lease: Lease, seconds: float) -> None:
        """Extend the lease to `seconds` from now, by the server's clock.

        Raises:
            LeaseLostError: Another run has taken it.
        """
        with ERRORS.guard(f"renewing the lease of batch {short(lease.batch_id)}"):
            renewed = self._leases.update_one(
                our_lease_filter(lease.batch_id, lease.holder, lease.fence), lease_renewed(seconds)
            )
        if not renewed.matched_count:
            raise lost(lease, "renewing it")

    def release(self, lease: Lease) -> None:
        """Give the lease back; nothing happens when it is no longer ours."""
        with ERRORS.guard(f"giving back the lease of batch {short(lease.batch_id)}"):
            self._leases.update_one(
                our_lease_filter(lease.batch_id, lease.holder, lease.fence),
                {"$set": {"expires_at": NEVER}},
            )

    def _ensure(self, batch_id: str) -> None:
        """A lease that has expired, where there is none: an upsert may not compare with the server's clock."""
        fresh = {"fence": 0, "holder": "", "expires_at": NEVER}
        with suppress(DuplicateKeyError):  # another run was quicker
            self._leases.update_one({"_id": batch_id}, {"$setOnInsert": fresh}, upsert=True)

    def _held(self, batch_id: str) -> LeaseHeldError:
        row = self._leases.find_one({"_id": batch_id}) or {"holder": "another run", "expires_at": NEVER}
        return LeaseHeldError(
            f"Batch {short(batch_id)} is being worked on by {row['holder']};"
            f" its lease lasts until {row['expires_at']:%Y-%m-%d %H:%M:%S} UTC.",
            next_step="Wait until it is done; a run that crashed lets go when its lease expires.",
        )


def lost(lease: Lease, doing: str) -> LeaseLostError:
    """The error of a holder who is no longer the holder."""
    return LeaseLostError(
        f"The lease of {lease.holder} on batch {short(lease.batch_id)} was taken over by another run while {doing}.",
        next_step="Nothing needs to be done: the other run goes on with the batch.",
    )


def _lease(row: dict[str, Any]) -> Lease:
    return Lease(batch_id=row["_id"], holder=row["holder"], fence=int(row["fence"]), expires_at=row["expires_at"])
