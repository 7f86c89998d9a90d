"""Files that are on the disk when a call returns, and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeGuard

from expectations_plugins.core.errors import TransientError
from pipeline.storage.location import Place
from pipeline.storage.private_folders import make_private

PART_SUFFIX = ".part"

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the operating system says of a disk that is full."""


def is_full_disk(error: BaseException) -> TypeGuard[OSError]:
    """Whether a write failed because there is no room left."""
    return isinstance(error, OSError) and error.errno in NO_ROOM


class FullDiskError(TransientError):
    """There is no room left where a run writes."""


class SpoolError(TransientError):
    """The spool is full, read-only or gone."""


@contextmanager
def spooling(what: str, folder: Place) -> Iterator[None]:
    """Turn what the operating system says of the spool into an error a person can act on.

    Args:
        what: What cannot be done when it fails, as the start of a sentence.
        folder: Where it was to be done.

    Raises:
        SpoolError: The spool is full, read-only or gone.
    """
    try:
        yield
    except OSError as error:
        raise SpoolError(
            f"{what} in {folder}: {error.strerror or error}.",
            next_step="Make room or mend the permissions of the folder SLUICEGATE_SPOOL, then run again.",
        ) from error


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A hidden folder to fill, which becomes `target` by one rename once all in it is on the disk.

    Args:
        target: The folder to be; nothing is left of a failure.

    Raises:
        OSError: It cannot be written, or `target` is there already (FileExistsError).
    """
    hidden = target.with_name(f".{target.name}.{uuid.uuid4().hex}{PART_SUFFIX}")
    make_private(hidden.parent)
    hidden.mkdir(mode=0o700)  # raw records may hold what is not for everybody's eyes
    try:
        yield hidden
        flush_folder(hidden)
        _rename(hidden, target)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    flush_folder(target.parent)


def copy(path: Path, target: Path) -> None:
    """Copy a file; whole or not at all."""
    part = _part(target)
    try:
        with path.open("rb") as given, part.open("wb") as kept:
            shutil.copyfileobj(given, kept, 1 << 20)
            kept.flush()
            os.fsync(kept.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write(target: Path, data: bytes) -> None:
    """Write a file in place of what was there; whole or not at all."""
    part = _part(target)
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_folder(folder: Path) -> None:
    """Remove a folder: it is gone by one rename, and what is in it after that. Nothing happens when it is not there.

    Raises:
        OSError: It cannot be removed.
    """
    hidden = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}{PART_SUFFIX}")
    try:
        folder.rename(hidden)
    except FileNotFoundError:
        return
    shutil.rmtree(hidden)
    flush_folder(folder.parent)


def _rename(hidden: Path, target: Path) -> None:
    try:
        hidden.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise FileExistsError(errno.EEXIST, "it is there already", str(target)) from error


def _part(target: Path) -> Path:
    return target.with_name(f".{uuid.uuid4().hex}{PART_SUFFIX}")
