"""Replays of single records while they are on their way: a folder each in the spool, so that a crash loses none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pipeline.core.batches import BatchSource, short
from pipeline.dead_letters.entry import BATCH_ID, is_plain_name
from pipeline.dead_letters.repair import Repaired
from pipeline.dead_letters.spools import shelf_at
from pipeline.storage.atomic_files import spooling
from pipeline.storage.fetching import size
from pipeline.storage.location import Place

NOTE = "replay.json"


@dataclass(frozen=True, slots=True)
class Parcel:
    """Repaired records of one batch, to be processed as a batch of their own.

    Args:
        batch_id: The new batch: sha256 of its bytes.
        parent: The batch they come from.
        lines: Their lines there.
        path: The file to process.
    """

    batch_id: str
    parent: str
    lines: tuple[int, ...]
    path: Place

    @property
    def size(self) -> int:
        """The file's bytes; 0 once another run has processed it."""
        return size(self.path)

    @property
    def source(self) -> BatchSource:
        """The batch to process."""
        return BatchSource(self.batch_id, self.path)


class Parcels:
    """The folder `spool/replays`.

    Args:
        spool: The spool.
    """

    def __init__(self, spool: Place) -> None:
        self._root = spool / "replays"
        self._shelf = shelf_at(self._root, NOTE)

    def put(self, ancestors: Sequence[str], repaired: Repaired) -> Parcel:
        """Keep repaired records until they are processed; the same again is the same parcel.

        Args:
            ancestors: Ids of the batch they come from, of its parent, and so on.
            repaired: The records.

        Raises:
            SpoolError: The spool cannot be written.
        """
        parent, data, batch_id = ancestors[0], *_distinct(ancestors, repaired.data)
        parcel = Parcel(batch_id, parent, repaired.lines, self._root / batch_id / repaired.name)
        note = {"batch_id": batch_id, "parent": parent, "lines": repaired.lines, "path": repaired.name}
        what = f"The replay of batch {short(parent)} cannot be kept"
        with spooling(what, self._root), suppress(FileExistsError), self._shelf.appearing(batch_id) as draft:
            draft.write(repaired.name, data)
            draft.write(NOTE, json.dumps(note).encode("ascii"))
        return parcel

    def waiting(self) -> Iterator[Parcel]:
        """Parcels that were not processed to their end; what is no parcel is passed over."""
        with spooling("Replays cannot be listed", self._root):
            names = self._shelf.names()
        for name in names:
            if BATCH_ID.fullmatch(name):
                with suppress(OSError, ValueError, KeyError, TypeError):
                    yield self._read(name)

    def done(self, batch_id: str) -> None:
        """The ledger and the stores hold what the parcel brought.

        Raises:
            SpoolError: The spool cannot be written.
        """
        with spooling(f"The replay {short(batch_id)} cannot be removed", self._root):
            self._shelf.remove(batch_id, self._named)

    def sweep(self) -> None:
        """Remove what a killed process left, and no parcel needs."""
        self._shelf.sweep(self._named)

    def _named(self, batch_id: str) -> Collection[str] | None:
        try:
            return {self._read(batch_id).path.name}
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _read(self, batch_id: str) -> Parcel:
        note = json.loads(self._shelf.read(batch_id, NOTE))
        name, parent, lines = str(note["path"]), str(note["parent"]), tuple(int(line) for line in note["lines"])
        if not is_plain_name(name) or not BATCH_ID.fullmatch(parent):
            raise ValueError(f"{batch_id} is no parcel")
        return Parcel(batch_id, parent, lines, self._root / batch_id / name)


def _distinct(ancestors: Sequence[str], data: bytes) -> tuple[bytes, str]:
    """The bytes with blank lines after them, else unchanged records would be the batch they died in; and their id."""
    data += b"\n" * len(ancestors)
    while (batch_id := hashlib.sha256(data).hexdigest()) in ancestors:
        data += b"\n"
    return data, batch_id
