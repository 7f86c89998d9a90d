"""The file that is read when a dead batch is processed again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from expectations_plugins.core.errors import SluicegateError
from pipeline.core.batches import BatchSource
from pipeline.dead_letters.folders import DeadFolders
from pipeline.sources.discovery import batch_in
from pipeline.storage.location import Place

EVERYTHING = 1_000_000_000
"""Records of a file that is not split."""


def kept_source(spool: Place, batch_id: str, original: Place) -> BatchSource | None:
    """The batch in the file that the spool keeps of it, or, whole, in the one it came from; None if neither has it."""
    return first_source(batch_id, [*_kept(spool, batch_id), BatchSource(batch_id, original)], [EVERYTHING])


def replay_source(spool: Place, batch_id: str, original: Place, *, max_records: int) -> BatchSource | None:
    """The batch in the file that the spool keeps of it, or else where it came from; None when neither holds it.

    Args:
        spool: The spool.
        batch_id: The batch.
        original: Where it came from.
        max_records: Records at which files are split now.
    """
    kept = list(_kept(spool, batch_id))
    sizes = [*(one.max_records for one in kept if one.max_records), max_records, EVERYTHING]
    return first_source(batch_id, kept, sizes) or first_source(batch_id, [BatchSource(batch_id, original)], sizes)


def first_source(batch_id: str, places: Iterable[BatchSource], sizes: Sequence[int]) -> BatchSource | None:
    """The batch in the first of these files that holds it, whole or as a part of so many records."""
    for place in places:
        for size in dict.fromkeys([place.max_records or EVERYTHING, *sizes]):
            try:
                found = batch_in(place.path, batch_id, max_records=size)
            except SluicegateError:
                break
            if found is not None:
                return found
    return None


def _kept(spool: Place, batch_id: str) -> Iterator[BatchSource]:
    folders = DeadFolders(spool)
    try:
        entry = folders.entry(batch_id)
    except SluicegateError:
        return
    if entry is not None and (source := entry.source(folders.path(batch_id))) is not None:
        yield source
