"""Replays of single records while they are on their way: a folder each in the spool, so that a crash loses none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.dlq import durable
from pipeline.dlq.durable import spooling
from pipeline.dlq.entry import BATCH_ID, is_plain_name
from pipeline.dlq.repair import Repaired
from pipeline.model import BatchSource, short

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
    path: Path

    @property
    def size(self) -> int:
        """The file's bytes; 0 once another run has processed it."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def source(self) -> BatchSource:
        """The batch to process."""
        return BatchSource(self.batch_id, self.path)


class Parcels:
    """The folder `spool/replays`.

    Args:
        spool: The spool folder.
    """

    def __init__(self, spool: Path) -> None:
        self._root = spool / "replays"

    def put(self, ancestors: Sequence[str], repaired: Repaired) -> Parcel:
        """Keep repaired records until they are processed; the same again is the same parcel.

        Args:
            ancestors: Ids of the batch they come from, of its parent, and so on.
            repaired: The records.

        Raises:
            SpoolError: The spool cannot be written.
        """
        parent, data, batch_id = ancestors[0], *_distinct(ancestors, repaired.data)
        folder = self._root / batch_id
        parcel = Parcel(batch_id, parent, repaired.lines, folder / repaired.name)
        note = {**asdict(parcel), "path": repaired.name}
        what = f"The replay of batch {short(parent)} cannot be kept"
        with spooling(what, self._root), suppress(FileExistsError), durable.appearing(folder) as hidden:
            durable.write(hidden / repaired.name, data)
            durable.write(hidden / NOTE, json.dumps(note).encode("ascii"))
        return parcel

    def waiting(self) -> Iterator[Parcel]:
        """Parcels that were not processed to their end; what is no parcel is passed over."""
        with spooling("Replays cannot be listed", self._root):
            names = sorted(path.name for path in self._root.iterdir()) if self._root.is_dir() else []
        for name in names:
            if BATCH_ID.fullmatch(name):
                with suppress(OSError, ValueError, KeyError, TypeError):
                    yield _read(self._root / name)

    def done(self, batch_id: str) -> None:
        """The ledger and the stores hold what the parcel brought.

        Raises:
            SpoolError: The spool cannot be written.
        """
        with spooling(f"The replay {short(batch_id)} cannot be removed", self._root):
            durable.remove_folder(self._root / batch_id)


def _distinct(ancestors: Sequence[str], data: bytes) -> tuple[bytes, str]:
    """The bytes with blank lines after them, else unchanged records would be the batch they died in; and their id."""
    data += b"\n" * len(ancestors)
    while (batch_id := hashlib.sha256(data).hexdigest()) in ancestors:
        data += b"\n"
    return data, batch_id


def _read(folder: Path) -> Parcel:
    note = json.loads((folder / NOTE).read_bytes())
    name, parent, lines = str(note["path"]), str(note["parent"]), tuple(int(line) for line in note["lines"])
    if not is_plain_name(name) or not BATCH_ID.fullmatch(parent):
        raise ValueError(f"{folder} is no parcel")
    return Parcel(folder.name, parent, lines, folder / name)
