"""The dead-letter queue's folders: `spool/dlq/<batch_id>/` holds a dead batch's raw file and its `batch.json`.

It works without MongoDB: a folder appears at once (`pipeline.dead_letters.spool`), and is imported into the ledger when
MongoDB is back.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from expectations_plugins.core.errors import ConfigurationError, SluicegateError
from pipeline.core.batches import BatchSource, short
from pipeline.core.program import program
from pipeline.dead_letters.entry import BATCH_ID, MANIFEST, Death, Entry, decoded, encoded, is_plain_name
from pipeline.dead_letters.spool import Draft
from pipeline.dead_letters.spools import shelf_at
from pipeline.sources.files import pieces
from pipeline.sources.forms import records_in
from pipeline.sources.names import is_csv_name
from pipeline.storage.atomic_files import spooling
from pipeline.storage.fetching import local_if_there
from pipeline.storage.location import Place, written

TAKEN_IN = "taken-in-"
"""How the name of the empty file starts that says the ledger knows; the entry's id follows."""

LONGEST_NAME = 255
"""Bytes of the name of a file."""


class DeadFolders:
    """The dead batches in the spool.

    Args:
        spool: The spool; made when it is first needed.
    """

    def __init__(self, spool: Place) -> None:
        self.root = spool / "dlq"
        self._shelf = shelf_at(self.root, MANIFEST)

    def path(self, batch_id: str) -> Place:
        """The folder of a batch; it may not exist.

        Raises:
            ConfigurationError: That is no batch id: nothing else ever becomes part of a path.
        """
        if not BATCH_ID.fullmatch(batch_id):
            raise ConfigurationError(
                f"{batch_id!r} is not a batch id.", next_step=f"It has 64 hex digits: see {program()} dlq list --json."
            )
        return self.root / batch_id

    def keep(self, source: BatchSource, death: Death) -> Entry:
        """Keep a batch's raw file and how it died; kept, and whole, when this returns.

        A batch that is kept already keeps its file, and the death is added.

        Args:
            source: The batch; its file may be gone, then only the facts are kept.
            death: How it died.

        Raises:
            SpoolError: The spool cannot be written.
        """
        batch_id = source.batch_id
        with spooling(f"Batch {short(batch_id)} cannot be kept", self.path(batch_id)):
            if not self._shelf.has(batch_id):
                with suppress(FileExistsError):  # another run was quicker
                    return self._put(source, death)
            return self._renew(source, death)

    def entry(self, batch_id: str) -> Entry | None:
        """What the spool holds of a batch; None when it holds nothing.

        Raises:
            ConfigurationError: Its manifest is damaged.
            SpoolError: The spool cannot be read.
        """
        with spooling(f"Batch {short(batch_id)} cannot be read", self.path(batch_id)):
            if not self._shelf.has(batch_id):
                return None
            try:
                entry = decoded(batch_id, self._shelf.read(batch_id, MANIFEST))
            except FileNotFoundError:
                entry = decoded(batch_id, b"")
            return entry if self._shelf.holds(batch_id, entry.file or MANIFEST) else replace(entry, file=None)

    def entries(self) -> Iterator[tuple[str, Entry | SluicegateError]]:
        """Every batch in the spool by its id: its entry, or what is wrong with it."""
        for batch_id in self._ids():
            try:
                entry = self.entry(batch_id)
            except SluicegateError as error:
                yield batch_id, error
            else:
                if entry is not None:
                    yield batch_id, entry

    def pending(self) -> Iterator[tuple[str, Entry | SluicegateError]]:
        """As `entries`, those the ledger has not taken in."""
        for batch_id, entry in self.entries():
            if isinstance(entry, SluicegateError) or not self.is_taken_in(entry):
                yield batch_id, entry

    def is_taken_in(self, entry: Entry) -> bool:
        """Whether the ledger knows of this death."""
        with spooling(f"Batch {short(entry.batch_id)} cannot be read", self.path(entry.batch_id)):
            return self._shelf.holds(entry.batch_id, f"{TAKEN_IN}{entry.entry}")

    def taken_in(self, batch_id: str) -> None:
        """The ledger knows of this batch's death; nothing happens when the spool holds nothing of it.

        Raises:
            SpoolError: The spool cannot be written.
        """
        entry = self.entry(batch_id)
        if entry is not None:
            with spooling(f"Batch {short(batch_id)} cannot be marked", self.path(batch_id)):
                self._shelf.touch(batch_id, f"{TAKEN_IN}{entry.entry}")

    def remove(self, batch_id: str) -> None:
        """Remove a batch's folder, file and all; nothing happens when there is none.

        Raises:
            SpoolError: The spool cannot be written.
        """
        with spooling(f"Batch {short(batch_id)} cannot be removed", self.path(batch_id)):
            self._shelf.remove(batch_id, self._named)

    def sweep(self) -> None:
        """Remove what a killed process left, and no batch needs."""
        self._shelf.sweep(self._named)

    def _ids(self) -> list[str]:
        with spooling("The dead batches cannot be listed", self.root):
            return [name for name in self._shelf.names() if BATCH_ID.fullmatch(name)]

    def _named(self, batch_id: str) -> Collection[str] | None:
        """The files that belong to a batch; None when its manifest does not tell."""
        before = self._before(batch_id)
        if before is None:
            return None
        return {*([before.file] if before.file else []), f"{TAKEN_IN}{before.entry}"}

    def _put(self, source: BatchSource, death: Death) -> Entry:
        with self._shelf.appearing(source.batch_id) as draft:
            entry = _entry(source, _kept(draft, source), death)
            draft.write(MANIFEST, encoded(entry))
        return entry

    def _renew(self, source: BatchSource, death: Death) -> Entry:
        """The batch died again: the file stays, the facts are replaced."""
        batch_id, before = source.batch_id, self._before(source.batch_id)
        with self._shelf.changing(batch_id) as draft:
            file = before.file if before else None
            kept = None if file and self._shelf.holds(batch_id, file) else _kept(draft, source)
            if before is None:
                entry = _entry(source, kept, death)
            else:
                then = asdict(before.death)
                told: dict[str, Any] = {name: then[name] for name in ("stage", "error", "end_time")}
                file, earlier = kept[0] if kept else file, (*before.earlier, told)
                entry = replace(before, entry=uuid.uuid4().hex, file=file, death=death, earlier=earlier)
            draft.write(MANIFEST, encoded(entry))
        for mark in self._shelf.files(batch_id):
            if mark.startswith(TAKEN_IN) and mark != f"{TAKEN_IN}{entry.entry}":
                self._shelf.delete(batch_id, mark)
        return entry

    def _before(self, batch_id: str) -> Entry | None:
        try:
            return decoded(batch_id, self._shelf.read(batch_id, MANIFEST))
        except (ConfigurationError, FileNotFoundError):
            return None


def count_records(source: BatchSource) -> int | None:
    """How many records a batch has; None when its file cannot be read."""
    try:
        records = records_in(pieces(source.path), source.path.name)
        return 0 if records.looks_like else sum(1 for _ in source.part_of(records.chunks))
    except SluicegateError:
        return None


Kept = tuple[str, Path]
"""The name of a raw file in the spool, and where it can be read from."""


def _kept(draft: Draft, source: BatchSource) -> Kept | None:
    """Copy the raw file; None when there is nothing to copy."""
    path = local_if_there(source.path)
    return None if path is None else draft.keep(path, kept_name(source.path.name))


def kept_name(name: str) -> str:
    """What a raw file is called in the spool: as it was, unless that is no name here or means something else."""
    if len(os.fsencode(name)) > LONGEST_NAME:  # objects may have longer names than files
        return "raw.csv" if is_csv_name(name) else "raw.jsonl"  # that it is compressed is seen in its bytes
    return name if is_plain_name(name) and not name.startswith(TAKEN_IN) else f"raw-{name}"


def _entry(source: BatchSource, kept: Kept | None, death: Death) -> Entry:
    return Entry(
        entry=uuid.uuid4().hex,
        batch_id=source.batch_id,
        file=kept[0] if kept else None,
        file_name=source.path.name,
        original_path=written(source.path),
        size=kept[1].stat().st_size if kept else 0,
        records=count_records(replace(source, path=kept[1])) if kept else None,
        first_record=source.first_record,
        max_records=source.max_records,
        death=death,
    )
