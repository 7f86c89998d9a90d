"""The spool's port: folders of a few files each, that appear whole or not at all. What is in them is known elsewhere.

On this machine a folder appears by one rename. Objects cannot be renamed: there a folder is the object that is its
note, written last; what else is in it before that belongs to nobody, and is swept when it is old.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

ABANDONED_SECONDS = 3600.0
"""What is no part of a folder and older than this belongs to a process that died."""

Named = Callable[[str], Collection[str] | None]
"""The files a folder's note names; None when it cannot be read."""


class Draft(Protocol):
    """What a folder is to hold."""

    def keep(self, file: Path, name: str) -> tuple[str, Path]:
        """Copy a file into it: the name it has there, and where it can be read from until the draft is whole."""

    def write(self, name: str, data: bytes) -> None:
        """Write a small file into it; the note last."""


class Shelf(Protocol):
    """Folders by name. Whatever goes wrong is an OSError."""

    def names(self) -> list[str]:
        """The folders that are there, sorted."""

    def has(self, name: str) -> bool:
        """Whether a folder is there."""

    def holds(self, name: str, file: str) -> bool:
        """Whether a folder holds a file; a link is none."""

    def files(self, name: str) -> Iterator[str]:
        """The files of a folder."""

    def read(self, name: str, file: str) -> bytes:
        """A small file; FileNotFoundError when there is none."""

    def touch(self, name: str, file: str) -> None:
        """Put an empty file into a folder."""

    def delete(self, name: str, file: str) -> None:
        """Remove a file from a folder; nothing happens when it is not there."""

    def appearing(self, name: str) -> AbstractContextManager[Draft]:
        """A folder that is there, whole, when the block ends; FileExistsError when there is one already."""

    def changing(self, name: str) -> AbstractContextManager[Draft]:
        """A folder that is there, to which the block adds, or in which it replaces the note."""

    def remove(self, name: str, named: Named) -> None:
        """Remove a folder, at once; nothing happens when there is none.

        Args:
            name: The folder.
            named: Tells which files belong to it. Where nothing is removed as a whole, another run may be putting files
                of its own there; they stay.
        """

    def sweep(self, named: Named) -> None:
        """Remove what a process left that died; never fails.

        Args:
            named: Tells which files belong to a folder.
        """
