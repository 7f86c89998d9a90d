"""Objects as files of this machine: fetched when they are to be read, whole, and only if they are what was listed."""

from __future__ import annotations

import uuid
from pathlib import Path

from expectations_plugins.core.errors import ExitCode
from pipeline.storage import objects
from pipeline.storage.cache import local_copy
from pipeline.storage.location import Place, Remote

MOST_BYTES = 4 * 1024**3 + 1
"""Bytes of an object that are fetched at most: one more than are read of any file, so that one too large is seen."""


class ChangedObjectError(OSError):
    """An object is not the one that was listed any more."""

    exit_code = ExitCode.OK


def local(place: Place) -> Path:
    """The file to read: a path as it is, an object's copy, fetched if it is not here.

    Raises:
        ChangedObjectError: The object has another version by now.
        OSError: It cannot be fetched.
        ConfigurationError: The package for this kind of location is missing.
    """
    if not isinstance(place, Remote):
        return place
    target = local_copy(place)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _fetch(place, target)
    return target


def local_if_there(place: Place) -> Path | None:
    """As `local`; None when there is no such file or object, or it is another one by now.

    Raises:
        OSError: The object cannot be fetched.
    """
    if not isinstance(place, Remote):
        return place if place.is_file() else None
    try:
        return local(place)
    except (FileNotFoundError, ChangedObjectError):
        return None


def size(place: Place) -> int:
    """Bytes of a file or an object; 0 when there is none, or none that can be looked at."""
    try:
        return objects.look(place).size if isinstance(place, Remote) else place.stat().st_size
    except OSError:
        return 0


def _fetch(place: Remote, target: Path) -> None:
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with objects.reading(place) as given, part.open("xb") as kept:
            left = MOST_BYTES
            while left and (data := given.read(min(objects.READ_BYTES, left))):
                kept.write(data)
                left -= len(data)
        _refuse_another(place)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _refuse_another(place: Remote) -> None:
    """What was read in several requests is one content only if the version is the same before and after."""
    if place.version and objects.look(place).place.version != place.version:
        raise ChangedObjectError(f"{place} has another version by now")
