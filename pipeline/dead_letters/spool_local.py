"""The spool in a folder of this machine: whole by one rename, after all is on the disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.dead_letters.spool import ABANDONED_SECONDS, Draft, Named
from pipeline.storage import atomic_files


class LocalShelf:
    """Folders of a folder.

    Args:
        root: Where; made when it is first needed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        """The folders that are there, sorted."""
        return sorted(path.name for path in self._root.iterdir()) if self._root.is_dir() else []

    def has(self, name: str) -> bool:
        """Whether a folder is there."""
        return (self._root / name).is_dir()

    def holds(self, name: str, file: str) -> bool:
        """Whether a folder holds a file; a link is none."""
        path = self._root / name / file
        return path.is_file() and not path.is_symlink()

    def files(self, name: str) -> Iterator[str]:
        """The files of a folder."""
        yield from [path.name for path in (self._root / name).iterdir()]

    def read(self, name: str, file: str) -> bytes:
        """A small file."""
        return (self._root / name / file).read_bytes()

    def touch(self, name: str, file: str) -> None:
        """Put an empty file into a folder."""
        (self._root / name / file).touch()

    def delete(self, name: str, file: str) -> None:
        """Remove a file from a folder."""
        (self._root / name / file).unlink(missing_ok=True)

    @contextmanager
    def appearing(self, name: str) -> Iterator[Draft]:
        """A folder that is there, whole, when the block ends."""
        with atomic_files.appearing(self._root / name) as hidden:
            yield _Folder(hidden)

    @contextmanager
    def changing(self, name: str) -> Iterator[Draft]:
        """A folder that is there, to which the block adds."""
        yield _Folder(self._root / name)
        atomic_files.flush_folder(self._root / name)

    def remove(self, name: str, named: Named) -> None:
        """Remove a folder, whatever is in it."""
        del named
        atomic_files.remove_folder(self._root / name)

    def sweep(self, named: Named) -> None:
        """Remove hidden folders that a killed process left."""
        del named
        before = time.time() - ABANDONED_SECONDS
        with suppress(OSError):
            for path in self._root.glob(f".*{atomic_files.PART_SUFFIX}"):
                if path.stat().st_mtime < before:
                    shutil.rmtree(path, ignore_errors=True)


class _Folder:
    """Files go straight into a folder, each whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, file: Path, name: str) -> tuple[str, Path]:
        """Copy a file."""
        atomic_files.copy(file, self._folder / name)
        return name, self._folder / name

    def write(self, name: str, data: bytes) -> None:
        """Write a small file."""
        atomic_files.write(self._folder / name, data)
