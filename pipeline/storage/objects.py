"""Objects behind fsspec: the only module that knows it. Whatever goes wrong is an OSError, as if it were a disk.

Of an error it is told whether nothing is there (ENOENT), it is not allowed (EACCES), or it cannot be done (EINVAL and
the like); all else is EIO: an outage, for the object is neither gone nor wrong. Nothing is taken from a cache.
"""

from __future__ import annotations

import errno
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec

from expectations_plugins.core.errors import ConfigurationError, SluicegateError
from expectations_plugins.core.redaction import hidden
from pipeline.storage.location import Remote

READ_BYTES = 4 * 1024 * 1024
WORDS = 300
"""Characters kept of what a package says of a failure."""

_FOR_GOOD = {errno.EINVAL, errno.EPERM, errno.ENOSYS, errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR}
_HAVE_FOLDERS = {"file", "local", "sftp", "ssh", "smb", "hdfs", "ftp"}
"""Where a folder must be there before a file, and a file appears before it is whole: written beside, then renamed."""

_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "content_md5", "VersionId")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")
_CONTENT_TYPE = {"s3": "ContentType", "s3a": "ContentType", "gs": "content_type", "gcs": "content_type"}
"""How each package is told what a browser shall take an object for."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object or a folder as it is now.

    Args:
        place: Where, with the version of an object.
        size: Bytes.
        changed: Seconds since the epoch; None when that is not known.
        is_file: Whether it is an object.
    """

    place: Remote
    size: int
    changed: float | None
    is_file: bool


def look(place: Remote) -> Listed:
    """How an object, or a folder, is now."""
    with _asking(place) as (files, path):
        return _listed(place, files.info(path))


def children(place: Remote) -> list[Listed]:
    """What is in a folder, not deeper."""
    with _asking(place) as (files, path):
        found = files.ls(path, detail=True)
        named = [(str(one["name"]).rstrip("/"), one) for one in found]
        own = str(path).rstrip("/")
        return [_listed(place / name.rpartition("/")[2], one) for name, one in named if name != own]


def below(place: Remote) -> list[Listed]:
    """All objects of a folder and of those below it; none when it is not there."""
    with _asking(place) as (files, path):
        own = str(path).rstrip("/")
        try:
            found: Mapping[str, Any] = files.find(path, detail=True)
        except FileNotFoundError:
            return []
        return [_listed(place / str(name)[len(own) + 1 :], one) for name, one in found.items() if str(name) != own]


def has_container(place: Remote) -> bool:
    """Whether the bucket, the container, the disk of a place is there."""
    with _asking(place) as (files, path):
        root = path.partition("/")[0]
        return not root or bool(files.exists(root))


def read(place: Remote) -> bytes:
    """The bytes of a small object."""
    with _asking(place) as (files, path):
        return bytes(files.cat_file(path))


@contextmanager
def reading(place: Remote) -> Iterator[BinaryIO]:
    """A large object, open for reading."""
    with _asking(place) as (files, path), files.open(path, "rb", block_size=READ_BYTES) as file:
        yield cast("BinaryIO", file)


def write(place: Remote, data: bytes, content_type: str = "") -> None:
    """Put an object in its place, whole.

    Args:
        place: Where.
        data: Its bytes.
        content_type: What a browser shall take it for; only some packages can be told.
    """
    option = _CONTENT_TYPE.get(place.scheme)
    options = {option: content_type} if option and content_type else {}
    with _asking(place) as (files, path), _whole(files, path) as target:
        files.pipe_file(target, data, **options)


def create(place: Remote, data: bytes) -> None:
    """Put a small object where there is none.

    Where a package cannot have the store decide that, the last of two writers at once wins.

    Raises:
        FileExistsError: There is one.
    """
    with _asking(place) as (files, path):
        try:
            if _has_folders(files):
                files.makedirs(path.rpartition("/")[0], exist_ok=True)
            files.pipe_file(path, data, mode="create")
        except (TypeError, NotImplementedError):
            files.pipe_file(path, data)


def upload(file: Path, place: Remote) -> None:
    """Copy a file of this machine to a place, whole."""
    with _asking(place) as (files, path), _whole(files, path) as target:
        files.put_file(str(file), target)


def remove(place: Remote) -> None:
    """Remove an object; nothing happens when it is not there."""
    with _asking(place) as (files, path), suppress(FileNotFoundError):
        files.rm_file(path)


@contextmanager
def _asking(place: Remote) -> Iterator[tuple[Any, str]]:
    """The file system of a place, and the place's path in it."""
    try:
        files, path = fsspec.url_to_fs(place.url)
        files.invalidate_cache()
        yield files, path
    except SluicegateError:
        raise
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "there is no such object or bucket", place.url) from error
    except FileExistsError as error:
        raise FileExistsError(errno.EEXIST, "it is there already", place.url) from error
    except PermissionError as error:
        raise PermissionError(errno.EACCES, "Permission denied", place.url) from error
    except ImportError as error:
        raise ConfigurationError(
            f"Locations that start with {place.scheme}:// need a package that is not installed.",
            next_step=f"{_words(error)}; docs/locations.md names the packages.",
        ) from error
    except OSError as error:
        number = error.errno if error.errno in _FOR_GOOD else errno.EIO
        raise OSError(number, _words(error), place.url) from error
    except Exception as error:  # each package has exceptions of its own
        raise _foreign(error, place) from error


def _foreign(error: Exception, place: Remote) -> Exception:
    """What a package raises that is no OSError: an unknown scheme, missing credentials, or an outage."""
    if isinstance(error, ValueError) and "rotocol not known" in str(error):
        return ConfigurationError(
            f"fsspec knows no locations that start with {place.scheme}://.",
            next_step="docs/locations.md names those that are tried.",
        )
    if "Credential" in type(error).__name__:
        return PermissionError(errno.EACCES, f"Permission denied ({_words(error)})", place.url)
    return OSError(errno.EIO, f"{type(error).__name__}: {_words(error)}", place.url)


def _words(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
    return hidden(" ".join(text.split())[:WORDS]).rstrip(".")


@contextmanager
def _whole(files: Any, path: str) -> Iterator[str]:
    """Where to write so that `path` holds all of it or what it held before."""
    if not _has_folders(files):
        yield path
        return
    folder = path.rpartition("/")[0]
    beside = f"{folder}/.{uuid.uuid4().hex}.part"
    files.makedirs(folder, exist_ok=True)
    try:
        yield beside
        files.mv(beside, path)
    except BaseException:
        with suppress(Exception):
            files.rm_file(beside)
        raise


def _has_folders(files: Any) -> bool:
    protocols = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
    return bool(protocols & _HAVE_FOLDERS)


def _listed(place: Remote, info: Mapping[str, Any]) -> Listed:
    times = [moment for name in _TIMES if (moment := _seconds(info.get(name))) is not None]
    size, is_file = int(info.get("size") or 0), info.get("type") != "directory"
    known = next((f"{name} {info[name]}" for name in _VERSIONS if info.get(name)), "")
    if not known and times:
        known = f"{times[0]!r} {info.get('ino', '')}"
    version = f"{known} {size}" if is_file and known else ""
    return Listed(Remote(place.url, version), size, times[0] if times else None, is_file)


def _seconds(moment: object) -> float | None:
    if isinstance(moment, datetime):
        return moment.timestamp()
    if isinstance(moment, int | float):
        return float(moment)
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return None
