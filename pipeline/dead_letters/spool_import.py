"""What died while MongoDB was down is taken into the ledger once it is back; any step may be interrupted."""

from __future__ import annotations

from collections.abc import Callable

from expectations_plugins.core.errors import LeaseHeldError, LeaseLostError, SluicegateError
from pipeline.core.batch import Batch
from pipeline.core.batches import WAITING, BatchStatus, Lease, LoadCounts
from pipeline.dead_letters.entry import Entry
from pipeline.dead_letters.folders import DeadFolders
from pipeline.dead_letters.outages import Outages
from pipeline.dead_letters.pending_replays import Parcels
from pipeline.ports.ledger import Ledger
from pipeline.ports.steps import Progress
from pipeline.storage.location import Place

Count = Callable[[str], tuple[int, int]]

SETTLED = (BatchStatus.CLOSED, *WAITING)
"""A batch of which the ledger says this did not die: only a run that could not ask believed so."""


def take_in(
    spool: Place, ledger: Ledger, count: Count, *, holder: str, lease_seconds: float, progress: Progress
) -> list[str]:
    """Enter the dead batches the ledger does not know of.

    Args:
        spool: The spool.
        ledger: The ledger.
        count: Gives how many records of a batch MongoDB has accepted, and how many are in quarantine.
        holder: Who takes the leases, unique to this process.
        lease_seconds: How long a lease lasts.
        progress: Told of each, and of what is damaged.

    Returns:
        Ids of the batches that were taken in.

    Raises:
        TransientError: The ledger could not be reached; what is left is taken in next time.
        SpoolError: The spool could not be read or written; likewise.
    """
    folders, taken = DeadFolders(spool), []
    folders.sweep()
    Outages(spool).sweep()
    Parcels(spool).sweep()
    for batch_id, entry in list(folders.entries()):
        if isinstance(entry, SluicegateError):
            progress.event("dead_batch_damaged", batch_id=batch_id, error=str(entry))
            continue
        if folders.is_taken_in(entry):
            _tidy(entry, folders, ledger)
            continue
        try:
            lease = ledger.acquire(batch_id, holder, lease_seconds)
        except LeaseHeldError:
            continue  # whoever works on it settles it
        try:
            if _take_in(entry, folders, ledger, count, lease):
                taken.append(batch_id)
                progress.event("dead_batch_taken_in", batch_id=batch_id, reason=entry.death.error)
        except LeaseLostError:
            continue
        finally:
            ledger.release(lease)
    return taken


def why_dead(entry: Entry, folders: DeadFolders) -> str:
    """Why a batch is dead, and where its file is, as the ledger says it."""
    kept = f" Its file is kept as {folders.path(entry.batch_id) / entry.file}." if entry.file else ""
    return f"{entry.death.error}{kept}"


def counts_of_dead(records: int | None, accepted: int, quarantined: int) -> LoadCounts:
    """The counts of a batch that was not loaded to its end: what is not in MongoDB is dead with the batch.

    Args:
        records: Records in its file; None when that is not known: then it has those in MongoDB.
        accepted, quarantined: What is in MongoDB.
    """
    dead = max(0, (records or 0) - accepted - quarantined)
    return LoadCounts(read=accepted + quarantined + dead, accepted=accepted, quarantined=quarantined, dead=dead)


def _tidy(entry: Entry, folders: DeadFolders, ledger: Ledger) -> None:
    """What was closed or dropped since then is no longer needed."""
    batch = ledger.batch(entry.batch_id)
    if batch and (batch.status is BatchStatus.CLOSED or batch.dropped):
        folders.remove(entry.batch_id)


def _take_in(entry: Entry, folders: DeadFolders, ledger: Ledger, count: Count, lease: Lease) -> bool:
    batch = ledger.batch(entry.batch_id) or Batch(entry.batch_id)
    if batch.status in SETTLED:
        folders.remove(entry.batch_id)
        return False
    if batch.status is not BatchStatus.DEAD:
        if not batch.source:
            ledger.open_batch(entry.batch_id, source=entry.original_path, size=entry.size)
        counts = counts_of_dead(entry.records, *count(entry.batch_id))
        if not batch.is_done("stage:load"):
            ledger.set_counts(lease, counts)
        ledger.set_status(lease, BatchStatus.DEAD, reason=why_dead(entry, folders))
    folders.taken_in(entry.batch_id)
    return batch.status is not BatchStatus.DEAD
