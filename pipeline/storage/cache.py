"""The folder into which objects are fetched to be read: a folder a process below SLUICEGATE_HOME, gone at its end."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path

from pipeline.storage.location import Remote

ABANDONED_SECONDS = 86_400.0
"""A folder in which nothing was fetched for so long belongs to a process that died."""

KEPT_BYTES = 1024**3
"""Copies that wait to be read take so many bytes at most, and one more."""

_process = uuid.uuid4().hex
_root = Path(tempfile.gettempdir()) / f"sluicegate-{os.getuid()}"


def keep_below(home: Path) -> None:
    """From now on objects are fetched into a folder below `home`, in the whole process."""
    global _root  # noqa: PLW0603 - as of secrets, there is one for a process
    _root = home.absolute()


def root() -> Path:
    """Where this process keeps what it knows of other places."""
    return _root


def folder() -> Path:
    """This process's folder; it may not exist yet."""
    return _root / "fetched" / f"{os.getpid()}-{_process}"


def local_copy(place: Remote) -> Path:
    """Where an object's copy is, if it was fetched. Nothing of its name but the end is in the path."""
    name = hashlib.sha256(f"{place.url}\n{place.version}".encode("utf-8", "surrogatepass")).hexdigest()
    endings = [end for end in (Path(place.stem).suffix, place.suffix) if end.isascii() and end[1:].isalnum()]
    return folder() / f"{name}{''.join(endings)}"


def forget(place: object) -> None:
    """Remove an object's copy; what is no object has none."""
    if isinstance(place, Remote):
        with suppress(OSError):
            local_copy(place).unlink(missing_ok=True)


def make_room(place: Remote) -> None:
    """Remove an object's copy unless all copies together are small: it is fetched again when it is read."""
    with suppress(OSError):
        if sum(path.stat().st_size for path in folder().iterdir()) > KEPT_BYTES:
            forget(place)


def clear() -> None:
    """Remove this process's folder, and those of processes that died."""
    shutil.rmtree(folder(), ignore_errors=True)
    before = time.time() - ABANDONED_SECONDS
    with suppress(OSError):
        for path in folder().parent.iterdir():
            if path.stat().st_mtime < before:
                shutil.rmtree(path, ignore_errors=True)
