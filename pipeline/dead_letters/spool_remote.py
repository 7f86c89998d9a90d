"""The spool in a folder of objects: the note of a folder is written last, and is what makes it one.

A file gets a name nobody else has, so that of two writers at once the note of either names a file that is its own; and
who removes a folder removes what its note named.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from expectations_plugins.core.errors import SluicegateError
from pipeline.dead_letters.spool import ABANDONED_SECONDS, Draft, Named
from pipeline.storage import objects
from pipeline.storage.location import Remote


class RemoteShelf:
    """Folders below an address.

    Args:
        root: The address.
        note: Name of the object that makes a folder one.
    """

    def __init__(self, root: Remote, note: str) -> None:
        self._root = root
        self._note = note

    def names(self) -> list[str]:
        """The folders that are there, sorted."""
        return sorted(name for name, file, _ in self._everything() if file == self._note)

    def has(self, name: str) -> bool:
        """Whether a folder is there."""
        return self.holds(name, self._note)

    def holds(self, name: str, file: str) -> bool:
        """Whether a folder holds a file."""
        try:
            return objects.look(self._root / name / file).is_file
        except FileNotFoundError:
            return False

    def files(self, name: str) -> Iterator[str]:
        """The files of a folder."""
        yield from [listed.place.name for listed in objects.below(self._root / name)]

    def read(self, name: str, file: str) -> bytes:
        """A small file."""
        return objects.read(self._root / name / file)

    def touch(self, name: str, file: str) -> None:
        """Put an empty file into a folder."""
        objects.write(self._root / name / file, b"")

    def delete(self, name: str, file: str) -> None:
        """Remove a file from a folder."""
        objects.remove(self._root / name / file)

    @contextmanager
    def appearing(self, name: str) -> Iterator[Draft]:
        """A folder that is there, whole, when the block ends."""
        draft = _Draft(self._root / name, self._note)
        with draft.filled():
            yield draft
        draft.finish(only_new=True)

    @contextmanager
    def changing(self, name: str) -> Iterator[Draft]:
        """A folder that is there, to which the block adds."""
        draft = _Draft(self._root / name, self._note)
        with draft.filled():
            yield draft
        draft.finish(only_new=False)

    def remove(self, name: str, named: Named) -> None:
        """Remove a folder: it is gone with its note, and what the note named after that."""
        files = named(name) or ()
        objects.remove(self._root / name / self._note)
        for file in files:
            objects.remove(self._root / name / file)

    def sweep(self, named: Named) -> None:
        """Remove old objects that are part of no folder."""
        with suppress(OSError, SluicegateError):
            found = list(self._everything())
            whole = {name for name, file, _ in found if file == self._note}
            before = time.time() - ABANDONED_SECONDS
            for name, file, changed in found:
                if changed is None or changed > before or file == self._note:
                    continue
                belongs = named(name) if name in whole else ()
                if belongs is not None and file not in belongs:
                    objects.remove(self._root / name / file)

    def _everything(self) -> Iterator[tuple[str, str, float | None]]:
        start = len(self._root.url) + 1
        for listed in objects.below(self._root):
            name, _, file = listed.place.url[start:].partition("/")
            yield name, file, listed.changed


class _Draft:
    """Files are uploaded at once, under names of their own; small ones are held back until the end."""

    def __init__(self, folder: Remote, note: str) -> None:
        self._folder = folder
        self._note = note
        self._uploaded: list[str] = []
        self._held: dict[str, bytes] = {}

    def keep(self, file: Path, name: str) -> tuple[str, Path]:
        """Copy a file."""
        own = f"{uuid.uuid4().hex}-{name}"
        self._uploaded.append(own)
        objects.upload(file, self._folder / own)
        return own, file

    def write(self, name: str, data: bytes) -> None:
        """Write a small file."""
        self._held[name] = data

    @contextmanager
    def filled(self) -> Iterator[None]:
        """While the draft is filled; what was uploaded goes when that fails."""
        try:
            yield
        except BaseException:
            for name in self._uploaded:
                with suppress(OSError, SluicegateError):
                    objects.remove(self._folder / name)
            raise

    def finish(self, *, only_new: bool) -> None:
        """Write what was held back, the note last. When that fails the note may be there: what it names stays."""
        note = self._held.pop(self._note)
        for name, data in self._held.items():
            objects.write(self._folder / name, data)
        (objects.create if only_new else objects.write)(self._folder / self._note, note)
