"""The bytes of a log file, compressed or not, in bounded pieces; a stream that breaks says so instead of raising.

Nothing here knows of lines or records.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from expectations_plugins.core.errors import ConfigurationError, ExitCode, SluicegateError, TransientError
from pipeline.sources.compression import COMPRESSED_BYTES, PIECE_BYTES, START_BYTES, Break, compression_of, plain
from pipeline.storage.fetching import ChangedObjectError, local
from pipeline.storage.location import Place, Remote

MAX_BYTES = 4 * 1024**3
"""Uncompressed bytes of one file that are read, unless the caller says otherwise: a guard against zip bombs."""

_TEMPORARY = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE}


class UnreadableFileError(ConfigurationError):
    """A log file cannot be read; others can."""


class GoneFileError(UnreadableFileError):
    """There is no such file, or not any more."""


class WaitingFileError(UnreadableFileError):
    """A file is left for another run; nobody needs to do anything."""

    exit_code = ExitCode.OK


def pieces(path: Place, *, max_bytes: int = MAX_BYTES, size: int | None = None) -> Iterator[bytes | Break]:
    """The uncompressed bytes of a file.

    Args:
        path: A file or an object; what is compressed is decompressed, whatever its name.
        max_bytes: Uncompressed bytes to yield at most; more is a break.
        size: Bytes on disk that are read: what was appended to the file since it had that many is another batch's.

    Yields:
        At most 64 KiB at a time; at the end a `Break` when the file is truncated, corrupt or too large.

    Raises:
        UnreadableFileError: The file does not exist or must not be read.
        TransientError: The file system failed in a way that may heal.
    """
    with readable(path) as file:
        left = sys.maxsize if size is None else size
        start = file.read(min(START_BYTES, left))
        kind = compression_of(start, path.name)
        if kind:
            rest = _on_disk(file, COMPRESSED_BYTES, left - len(start))
            yield from _limited(plain(chain(_cut(start), rest), kind), max_bytes)
        else:
            rest = _on_disk(file, PIECE_BYTES, left - len(start))
            yield from _limited(chain([start] if start else [], rest), max_bytes)


def _cut(start: bytes) -> Iterator[bytes]:
    return (start[low : low + COMPRESSED_BYTES] for low in range(0, len(start), COMPRESSED_BYTES))


def _on_disk(file: BinaryIO, at_once: int, left: int) -> Iterator[bytes]:
    while data := file.read(min(at_once, left)):
        left -= len(data)
        yield data


@contextlib.contextmanager
def readable(path: Place) -> Iterator[BinaryIO]:
    """The file, open for reading; what goes wrong with it, also later, names it."""
    try:
        with open(local(path), "rb", opener=_unblocked) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise still_written(path)  # it was a file when it was listed
            yield file
    except ChangedObjectError as error:
        raise still_written(path) from error
    except OSError as error:
        raise unreadable(path, error) from error


def _unblocked(path: str, flags: int) -> int:
    """Opening a pipe that took a file's place does not wait for a writer; of a file nothing changes."""
    return os.open(path, flags | os.O_NONBLOCK)


def unreadable(path: Place, error: OSError) -> SluicegateError:
    """An operating system error as ours."""
    message = f"The log file {printed(path)} cannot be read: {error.strerror or error}."
    if error.errno in _TEMPORARY:
        return TransientError(message, next_step="Check the file system, then run again.")
    kind = GoneFileError if error.errno == errno.ENOENT else UnreadableFileError
    return kind(message, next_step="Check the path and its permissions.")


def still_written(path: Place) -> SluicegateError:
    """Why a file waits that is not what it was when it was listed."""
    return WaitingFileError(f"{printed(path)} is still being written.", next_step="Another run takes it as it is then.")


def printed(path: Place) -> str:
    """A place in words: what is not UTF-8 in its name becomes `\\xff`."""
    name = os.fsencode(path.url if isinstance(path, Remote) else path)
    return name.decode("utf-8", "backslashreplace")


def _limited(stream: Iterator[bytes | Break], max_bytes: int) -> Iterator[bytes | Break]:
    left = max_bytes
    for piece in stream:
        if isinstance(piece, Break) or len(piece) <= left:
            yield piece
            left -= 0 if isinstance(piece, Break) else len(piece)
            continue
        if left:
            yield piece[:left]
        yield Break(f"the file is larger than {max_bytes:,} bytes uncompressed; the rest was not read: split the file")
        return
