"""Small files of one folder, each replaced whole: in a folder of this machine, or a folder of objects.

What the spool counts and remembers is kept so. What is in the files is known elsewhere.
"""

from __future__ import annotations

import functools
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from pipeline.storage import objects
from pipeline.storage.location import Place, Remote
from pipeline.storage.private_folders import make_private

SEEN_SECONDS = 60.0
"""How long a listing of objects tells which are there: asking for each batch anew would cost more than the batch."""


class SmallFiles(Protocol):
    """Files by name. Whatever goes wrong is an OSError."""

    def names(self) -> list[str]:
        """What is there, sorted."""

    def has(self, name: str) -> bool:
        """Whether there is one of that name; elsewhere as of a minute ago, at worst."""

    def read(self, name: str) -> bytes:
        """Its bytes; FileNotFoundError when there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Put it there, whole, in place of what was there."""

    def create(self, name: str) -> None:
        """Put an empty one there; FileExistsError when there is one."""

    def delete(self, name: str) -> None:
        """Remove it; nothing happens when there is none."""

    def changed(self, name: str) -> float:
        """When it was written, seconds since the epoch; FileNotFoundError when there is none."""


def small_files(place: Place) -> SmallFiles:
    """The small files of a folder, which is made when it is first written to."""
    return _remote_files(place) if isinstance(place, Remote) else LocalFiles(place)


class LocalFiles:
    """Files of a folder of this machine; on the disk when a call returns.

    Args:
        folder: Where.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """What is there, sorted."""
        try:
            return sorted(path.name for path in self._folder.iterdir())
        except FileNotFoundError:
            return []

    def has(self, name: str) -> bool:
        """Whether there is one of that name."""
        return (self._folder / name).exists()

    def read(self, name: str) -> bytes:
        """Its bytes."""
        return (self._folder / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Put it there, whole."""
        make_private(self._folder)
        part = self._folder / f".{uuid.uuid4().hex}.part"
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._folder / name)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def create(self, name: str) -> None:
        """Put an empty one there."""
        make_private(self._folder)
        os.close(os.open(self._folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

    def delete(self, name: str) -> None:
        """Remove it."""
        (self._folder / name).unlink(missing_ok=True)

    def changed(self, name: str) -> float:
        """When it was written."""
        return (self._folder / name).stat().st_mtime


class RemoteFiles:
    """Files of a folder of objects.

    Args:
        folder: Where.
    """

    def __init__(self, folder: Remote) -> None:
        self._folder = folder
        self._seen: set[str] = set()
        self._seen_at = float("-inf")

    def names(self) -> list[str]:
        """What is there, sorted."""
        self._seen = {listed.place.name for listed in objects.below(self._folder)}
        self._seen_at = time.monotonic()
        return sorted(self._seen)

    def has(self, name: str) -> bool:
        """Whether there is one of that name, as of a minute ago at worst."""
        if time.monotonic() - self._seen_at > SEEN_SECONDS:
            self.names()
        return name in self._seen

    def read(self, name: str) -> bytes:
        """Its bytes."""
        data = objects.read(self._folder / name)
        self._seen.add(name)
        return data

    def write(self, name: str, data: bytes) -> None:
        """Put it there, whole."""
        objects.write(self._folder / name, data)
        self._seen.add(name)

    def create(self, name: str) -> None:
        """Put an empty one there."""
        objects.create(self._folder / name, b"")
        self._seen.add(name)

    def delete(self, name: str) -> None:
        """Remove it."""
        if self.has(name):
            objects.remove(self._folder / name)
            self._seen.discard(name)

    def changed(self, name: str) -> float:
        """When it was written."""
        found = objects.look(self._folder / name).changed
        self._seen.add(name)
        return found or time.time()


@functools.cache
def _remote_files(folder: Remote) -> RemoteFiles:
    """One for a process, for what it has seen."""
    return RemoteFiles(folder)


def older_than(files: SmallFiles, seconds: float) -> Iterator[str]:
    """Names of those that were written longer ago."""
    before = time.time() - seconds
    for name in files.names():
        with suppress(FileNotFoundError):
            if files.changed(name) < before:
                yield name
