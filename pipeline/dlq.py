"""The dead-letter queue's files: the raw file of a batch that moved there whole, kept in the spool."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipeline.errors import TransientError
from pipeline.model import BatchSource, short


def keep_file(source: BatchSource, spool: Path) -> Path | None:
    """Copy a batch's raw file to `spool/dlq/<batch_id>/`; whole or not at all, and on the disk when this returns.

    Args:
        source: The batch.
        spool: The spool folder.

    Returns:
        The copy; None when the file is no longer where it was, so that there is nothing to copy.

    Raises:
        TransientError: The spool cannot be written.
    """
    folder = spool / "dlq" / source.batch_id
    target = folder / source.path.name
    if target.exists() or not source.path.is_file():
        return target if target.exists() else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _copy(source.path, target)
    except OSError as error:
        raise TransientError(
            f"The file of batch {short(source.batch_id)} cannot be kept in {folder}: {error.strerror or error}.",
            next_step="Make room or mend the folder's permissions, then run again.",
        ) from error
    return target


def _copy(path: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    with path.open("rb") as given, part.open("wb") as kept:
        shutil.copyfileobj(given, kept, 1 << 20)
        kept.flush()
        os.fsync(kept.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
