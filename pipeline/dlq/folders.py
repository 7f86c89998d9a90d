"""The dead-letter queue's folders: `spool/dlq/<batch_id>/` holds a dead batch's raw file and its `batch.json`.

It works without MongoDB: a folder appears by one rename, and is taken into the ledger when MongoDB is back.
"""

from __future__ import annotations

import itertools
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pipeline.dlq import durable
from pipeline.dlq.durable import spooling
from pipeline.dlq.entry import BATCH_ID, MANIFEST, Death, Entry, decoded, encoded, is_plain_name
from pipeline.errors import ConfigurationError, SluicegateError
from pipeline.intake.discovery import is_csv, records_of
from pipeline.intake.files import pieces
from pipeline.intake.lines import MAX_LINE_BYTES
from pipeline.locations.fetching import local_if_there
from pipeline.locations.place import written
from pipeline.model import BatchSource, short

TAKEN_IN = "taken-in-"
"""How the name of the empty file starts that says the ledger knows; the entry's id follows."""

LONGEST_NAME = 255
"""Bytes of the name of a file."""

ABANDONED_SECONDS = 3600.0
"""A hidden folder older than this belongs to a process that died."""


class DeadFolders:
    """The dead batches in the spool.

    Args:
        spool: The spool folder; made when it is first needed.
    """

    def __init__(self, spool: Path) -> None:
        self.root = spool / "dlq"

    def path(self, batch_id: str) -> Path:
        """The folder of a batch; it may not exist.

        Raises:
            ConfigurationError: That is no batch id: nothing else ever becomes part of a path.
        """
        if not BATCH_ID.fullmatch(batch_id):
            raise ConfigurationError(
                f"{batch_id!r} is not a batch id.", next_step="It has 64 hex digits: see run.py dlq list --json."
            )
        return self.root / batch_id

    def keep(self, source: BatchSource, death: Death) -> Entry:
        """Keep a batch's raw file and how it died; on the disk, and whole, when this returns.

        A batch that is kept already keeps its file, and the death is added.

        Args:
            source: The batch; its file may be gone, then only the facts are kept.
            death: How it died.

        Raises:
            SpoolError: The spool cannot be written.
        """
        folder = self.path(source.batch_id)
        with spooling(f"Batch {short(source.batch_id)} cannot be kept", folder):
            if not folder.is_dir():
                with suppress(FileExistsError):  # another run was quicker
                    return _put(folder, source, death)
            return _renew(folder, source, death)

    def entry(self, batch_id: str) -> Entry | None:
        """What the spool holds of a batch; None when it holds nothing.

        Raises:
            ConfigurationError: Its manifest is damaged.
            SpoolError: The spool cannot be read.
        """
        folder = self.path(batch_id)
        with spooling(f"Batch {short(batch_id)} cannot be read", folder):
            if not folder.is_dir():
                return None
            try:
                entry = decoded(batch_id, (folder / MANIFEST).read_bytes())
            except FileNotFoundError:
                entry = decoded(batch_id, b"")
            path = folder / (entry.file or MANIFEST)
            return entry if path.is_file() and not path.is_symlink() else replace(entry, file=None)

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
        return (self.path(entry.batch_id) / f"{TAKEN_IN}{entry.entry}").exists()

    def taken_in(self, batch_id: str) -> None:
        """The ledger knows of this batch's death; nothing happens when the spool holds nothing of it.

        Raises:
            SpoolError: The spool cannot be written.
        """
        entry = self.entry(batch_id)
        if entry is not None:
            folder = self.path(batch_id)
            with spooling(f"Batch {short(batch_id)} cannot be marked", folder):
                (folder / f"{TAKEN_IN}{entry.entry}").touch()

    def remove(self, batch_id: str) -> None:
        """Remove a batch's folder, file and all; nothing happens when there is none.

        Raises:
            SpoolError: The spool cannot be written.
        """
        folder = self.path(batch_id)
        with spooling(f"Batch {short(batch_id)} cannot be removed", folder):
            durable.remove_folder(folder)

    def sweep(self) -> None:
        """Remove hidden folders that a killed process left."""
        before = time.time() - ABANDONED_SECONDS
        with suppress(OSError):
            for path in self.root.glob(f".*{durable.PART_SUFFIX}"):
                if path.stat().st_mtime < before:
                    shutil.rmtree(path, ignore_errors=True)

    def _ids(self) -> list[str]:
        with spooling("The dead batches cannot be listed", self.root):
            if not self.root.is_dir():
                return []
            return sorted(path.name for path in self.root.iterdir() if BATCH_ID.fullmatch(path.name))


def count_records(source: BatchSource) -> int | None:
    """How many records a batch has; None when its file cannot be read."""
    try:
        chunks = records_of(source.path, pieces(source.path), MAX_LINE_BYTES)
        if is_csv(source.path):
            next(chunks, None)
        end = None if source.max_records is None else source.first_record + source.max_records
        return sum(1 for _ in itertools.islice(chunks, source.first_record, end))
    except SluicegateError:
        return None


def _put(folder: Path, source: BatchSource, death: Death) -> Entry:
    with durable.appearing(folder) as hidden:
        name = _kept(hidden, source)
        entry = _entry(source, hidden, name, death)
        durable.write(hidden / MANIFEST, encoded(entry))
    return entry


def _renew(folder: Path, source: BatchSource, death: Death) -> Entry:
    """The batch died again: the file stays, the facts are replaced."""
    before = _before(source.batch_id, folder)
    file = before.file if before else None
    if file is None or not (folder / file).is_file():
        file = _kept(folder, source)
    if before is None:
        entry = _entry(source, folder, file, death)
    else:
        then = asdict(before.death)
        told: dict[str, Any] = {name: then[name] for name in ("stage", "error", "end_time")}
        entry = replace(before, entry=uuid.uuid4().hex, file=file, death=death, earlier=(*before.earlier, told))
    durable.write(folder / MANIFEST, encoded(entry))
    for mark in folder.glob(f"{TAKEN_IN}*"):
        if mark.name != f"{TAKEN_IN}{entry.entry}":
            mark.unlink(missing_ok=True)
    durable.flush_folder(folder)
    return entry


def _before(batch_id: str, folder: Path) -> Entry | None:
    try:
        return decoded(batch_id, (folder / MANIFEST).read_bytes())
    except (ConfigurationError, FileNotFoundError):
        return None


def _kept(folder: Path, source: BatchSource) -> str | None:
    """Copy the raw file; its name there, None when there is nothing to copy."""
    path = local_if_there(source.path)
    if path is None:
        return None
    name = kept_name(source.path.name)
    durable.copy(path, folder / name)
    return name


def kept_name(name: str) -> str:
    """What a raw file is called in the spool: as it was, unless that is no name here or means something else."""
    if len(os.fsencode(name)) > LONGEST_NAME:  # objects may have longer names than files
        return f"raw{''.join(Path(name).suffixes[-2:])}"
    return name if is_plain_name(name) and not name.startswith(TAKEN_IN) else f"raw-{name}"


def _entry(source: BatchSource, folder: Path, name: str | None, death: Death) -> Entry:
    kept = None if name is None else folder / name
    counted = replace(source, path=kept) if kept else None
    return Entry(
        entry=uuid.uuid4().hex,
        batch_id=source.batch_id,
        file=name,
        file_name=source.path.name,
        original_path=written(source.path),
        size=kept.stat().st_size if kept else 0,
        records=count_records(counted) if counted else None,
        first_record=source.first_record,
        max_records=source.max_records,
        death=death,
    )
