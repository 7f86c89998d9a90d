"""The bytes of a log file, plain or gzip, in bounded pieces; a stream that breaks says so instead of raising.

Nothing here knows of lines or records.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from expectations_plugins.core.errors import ConfigurationError, ExitCode, SluicegateError, TransientError
from pipeline.storage.fetching import ChangedObjectError, local
from pipeline.storage.location import Place, Remote

PIECE_BYTES = 64 * 1024
COMPRESSED_BYTES = 4 * 1024
"""Deflate makes at most about 1,032 bytes of one, so that what is held at once stays under 5 MiB."""

MAX_BYTES = 4 * 1024**3
"""Uncompressed bytes of one file that are read, unless the caller says otherwise: a guard against zip bombs."""

GZIP_SUFFIX = ".gz"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_TEMPORARY = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE}


@dataclass(frozen=True, slots=True)
class Break:
    """The end of what could be read of a file that does not end well; always the last thing a stream yields."""

    detail: str


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
        path: A file or an object; one that ends in `.gz` is decompressed.
        max_bytes: Uncompressed bytes to yield at most; more is a break.
        size: Bytes on disk that are read: what was appended to the file since it had that many is another batch's.

    Yields:
        At most 64 KiB at a time; at the end a `Break` when the file is truncated, corrupt or too large.

    Raises:
        UnreadableFileError: The file does not exist or must not be read.
        TransientError: The file system failed in a way that may heal.
    """
    with readable(path) as file:
        if path.suffix == GZIP_SUFFIX:
            yield from _limited(_gunzip(_on_disk(file, COMPRESSED_BYTES, size)), max_bytes)
        else:
            yield from _limited(_on_disk(file, PIECE_BYTES, size), max_bytes)


def _on_disk(file: BinaryIO, at_once: int, size: int | None) -> Iterator[bytes]:
    left = sys.maxsize if size is None else size
    while data := file.read(min(at_once, left)):
        left -= len(data)
        yield data


@contextlib.contextmanager
def readable(path: Place) -> Iterator[BinaryIO]:
    """The file, open for reading; what goes wrong with it, also later, names it."""
    try:
        with local(path).open("rb") as file:
            yield file
    except ChangedObjectError as error:
        raise still_written(path) from error
    except OSError as error:
        raise unreadable(path, error) from error


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


def _gunzip(raw: Iterator[bytes]) -> Iterator[bytes | Break]:
    """Decompress every member. What can be had of a corrupt piece is yielded before the break."""
    member = zlib.decompressobj(_GZIP_WINDOW)
    started = False
    for piece in raw:
        rest = piece
        while rest:
            started = True
            output, fault = _inflated(member, rest)
            yield from (output[start : start + PIECE_BYTES] for start in range(0, len(output), PIECE_BYTES))
            if fault:
                yield Break(f"the gzip data is corrupt ({fault})")
                return
            rest = member.unused_data.lstrip(b"\0")  # padding after a member is allowed
            if rest:
                member = zlib.decompressobj(_GZIP_WINDOW)
    if started and not member.eof:
        yield Break("the gzip data ends before its end: the file is truncated")


def _inflated(member: zlib._Decompress, compressed: bytes) -> tuple[bytes, str]:
    """What a piece decompresses to, and what is wrong with it, if anything."""
    before = member.copy()
    try:
        return member.decompress(compressed), ""
    except zlib.error as error:
        return _salvaged(before, compressed), str(error).rpartition(": ")[2]


def _salvaged(member: zlib._Decompress, compressed: bytes) -> bytes:
    """Byte by byte: zlib throws away all output of the call that meets the fault."""
    saved = bytearray()
    with contextlib.suppress(zlib.error):
        for position in range(len(compressed)):
            saved += member.decompress(compressed[position : position + 1])
    return bytes(saved)
