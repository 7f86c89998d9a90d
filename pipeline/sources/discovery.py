"""Which files are batches, and what their batch_id is. Reading what is in them is `pipeline.sources.reading`."""

from __future__ import annotations

import bisect
import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from expectations_plugins.core.errors import SluicegateError
from pipeline.core.batches import LOG_FILES, BatchSource, FileStamp
from pipeline.sources import batch_id_cache, listing
from pipeline.sources.compression import Break
from pipeline.sources.encodings import utf8
from pipeline.sources.files import (
    MAX_BYTES,
    GoneFileError,
    WaitingFileError,
    pieces,
    printed,
    readable,
    still_written,
)
from pipeline.sources.folders import log_files, stamp_of
from pipeline.sources.forms import records_in
from pipeline.sources.lines import MAX_LINE_BYTES
from pipeline.sources.passed_over import LeaveOut, PassedOverError, Reason
from pipeline.storage import cache
from pipeline.storage.location import Place, Remote

_EMPTY = hashlib.sha256().hexdigest()
_READ_BYTES = 1024 * 1024


def discover(
    paths: Sequence[Place],
    *,
    max_records: int,
    min_age: float,
    max_bytes: int = MAX_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
    leave_out: LeaveOut | None = None,
    files: Sequence[str] = LOG_FILES,
) -> Iterator[BatchSource]:
    """The batches in these files and folders, each file once, in the order given, a folder's files by path.

    An object is fetched to be named, unless one of this version was named before; see `pipeline.sources.listing`. Of a
    folder and those below it, only complete log files are taken: no dotfiles, no `.part` or `.tmp`, none changed within
    `min_age` or while it is looked at, no links that lead out of it; the rest is given to `leave_out`. The batch_id is
    the sha256 of a file's uncompressed bytes, or of what could be read of a broken one; of a split file, of each part's
    own bytes (for CSV the header line and the part's). Where not one byte could be read, it is that of the file as it
    is, so that two such files are two batches.

    Args:
        paths: Files or folders, here or elsewhere.
        max_records: A file with more is split at every so many records.
        min_age: Seconds since a file's last change, at least. A file from the future, by more than that, is not young.
        max_bytes: Uncompressed bytes of a file that are read; it breaks off there.
        max_line_bytes: Longest record; a longer one becomes a dead letter.
        leave_out: Is called with what is not taken, so that the others are; None raises what is an error.
        files: Globs of the names that are log files.

    Raises:
        ConfigurationError: A path does not exist, cannot be read, or is no log file.
        TransientError: The file system failed in a way that may heal.
    """
    told = leave_out or _refuse
    seen: set[Place] = set()
    for path, look in itertools.chain.from_iterable(_files(given, told, files) for given in paths):
        resolved = path if isinstance(path, Remote) else Path(os.path.realpath(path))  # `resolve` may raise
        if resolved in seen:
            told(path, PassedOverError(path, Reason.SAME_FILE))
            continue
        seen.add(resolved)
        try:
            stamp = look()
            if abs(time.time() - stamp.changed / 1e9) < min_age:
                told(path, PassedOverError(path, Reason.YOUNG))
                continue
            batches = _named_before(path, stamp, max_records, max_bytes, max_line_bytes)
        except GoneFileError:
            told(path, _gone(path))
        except SluicegateError as error:
            told(path, error)
        else:
            yield from batches


def batch_in(path: Place, batch_id: str, *, max_records: int, files: Sequence[str] = LOG_FILES) -> BatchSource | None:
    """The batch in a file, or in a part of it; None when the file's content is another.

    Args:
        path: The file.
        batch_id: The batch.
        max_records: As in `discover`; parts of another size are other batches.
        files: As in `discover`.

    Raises:
        ConfigurationError, TransientError: As in `discover`.
    """
    found = discover((path,), max_records=max_records, min_age=0, files=files)
    return next((one for one in found if one.batch_id == batch_id), None)


def changed(source: BatchSource) -> SluicegateError | None:
    """Why a batch is not what its file holds any more: the file is another, or gone; None when it is."""
    if source.stamp is None:
        return None
    try:
        same = _is_same(source.path, source.stamp)
    except GoneFileError:
        return _gone(source.path)
    except SluicegateError as error:
        return error
    return None if same else still_written(source.path)


def list_files(paths: Sequence[Place], leave_out: LeaveOut, files: Sequence[str] = LOG_FILES) -> Iterator[Place]:
    """The log files that `discover` would look into; none is opened.

    Args:
        paths: As in `discover`.
        leave_out: As in `discover`.
        files: As in `discover`.

    Raises:
        ConfigurationError, TransientError: As in `discover`.
    """
    return (path for given in paths for path, _ in _files(given, leave_out, files))


def _files(given: Place, told: LeaveOut, patterns: Sequence[str]) -> Iterator[tuple[Place, Callable[[], FileStamp]]]:
    """The files of what was given, and what tells how they look: of objects, listing them did."""
    if isinstance(given, Remote):
        yield from ((place, partial(_known, stamp)) for place, stamp in listing.objects_of(given, told, patterns))
    else:
        yield from ((path, partial(stamp_of, path)) for path in log_files(given, told, patterns))


def _known(stamp: FileStamp) -> FileStamp:
    return stamp


def _is_same(path: Place, stamp: FileStamp) -> bool:
    return listing.is_same(path) if isinstance(path, Remote) else stamp_of(path) == stamp


def _gone(path: Place) -> SluicegateError:
    return WaitingFileError(f"{printed(path)} is gone since it was listed.")


def _refuse(path: Place, error: SluicegateError) -> None:
    del path
    if not isinstance(error, WaitingFileError | PassedOverError):
        raise error


@dataclass(slots=True)
class _Survey:
    """What one pass over a file tells.

    Args:
        header_end: Where a CSV's header ends, as an offset in its text in UTF-8; 0 of other forms.
        starts: Offsets of the parts' first records.
        looks_like: What the file is, when it holds no records.
    """

    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    header_end: int = 0
    starts: list[int] = field(default_factory=list)
    broken: bool = False
    looks_like: str = ""


def _named_before(
    path: Place, stamp: FileStamp, max_records: int, max_bytes: int, max_line_bytes: int
) -> list[BatchSource]:
    """The batches of a file; of an object that was named before, without fetching it."""
    if not isinstance(path, Remote):
        return list(_batches(path, stamp, max_records, max_bytes, max_line_bytes))
    limits = (max_records, max_bytes, max_line_bytes)
    batches = batch_id_cache.recalled(path, stamp, limits)
    if batches is None:
        batches = list(_batches(path, stamp, *limits))
        batch_id_cache.remember(path, limits, batches)
        cache.make_room(path)
    return batches


def _batches(
    path: Place, stamp: FileStamp, max_records: int, max_bytes: int, max_line_bytes: int
) -> Iterator[BatchSource]:
    def stream() -> Iterator[bytes | Break]:
        return pieces(path, max_bytes=max_bytes, size=stamp.size)

    survey = _surveyed(path, stream(), max_records, max_line_bytes)
    several = len(survey.starts) > 1
    digests = _part_digests(utf8(stream()), survey) if several else [survey.digest]
    names = [_named(digest, survey, path) for digest in digests]
    if not isinstance(path, Remote) and stamp_of(path) != stamp:  # of an object, what was fetched is one version
        raise still_written(path)
    for number, name in enumerate(names):
        most = max_records if several else None
        yield BatchSource(name, path, number * max_records, most, stamp, survey.looks_like)


def _surveyed(path: Place, stream: Iterable[bytes | Break], max_records: int, max_line_bytes: int) -> _Survey:
    survey = _Survey()
    records = records_in(_watched(stream, survey), path.name, max_bytes=max_line_bytes)
    survey.looks_like = records.looks_like
    for number, chunk in enumerate(records.chunks):
        if number == 0 and records.heading:
            survey.header_end = chunk.offset
        if number % max_records == 0:
            survey.starts.append(chunk.offset)
    return survey


def _watched(stream: Iterable[bytes | Break], survey: _Survey) -> Iterator[bytes | Break]:
    for piece in stream:
        if isinstance(piece, Break):
            survey.broken = True
        else:
            survey.digest.update(piece)
        yield piece


def _part_digests(stream: Iterable[bytes | Break], survey: _Survey) -> list[hashlib._Hash]:
    """The digest of each part, from one more pass; the first part starts where the file does."""
    starts = [survey.header_end, *survey.starts[1:]]
    head = b""
    digests: list[hashlib._Hash] = []
    for number, data in _cut(stream, starts):
        if number == 0:
            head += data
            continue
        digests.extend(hashlib.sha256(head) for _ in range(number - len(digests)))
        digests[number - 1].update(data)
    digests.extend(hashlib.sha256(head) for _ in range(len(starts) - len(digests)))
    return digests


def _cut(stream: Iterable[bytes | Break], starts: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """The bytes, each piece with how many of the starts are at or before it."""
    position = 0
    for piece in stream:
        if isinstance(piece, Break):
            return
        end = position + len(piece)
        inner = starts[bisect.bisect_right(starts, position) : bisect.bisect_left(starts, end)]
        for low, high in itertools.pairwise((position, *inner, end)):
            yield bisect.bisect_right(starts, low), piece[low - position : high - position]
        position = end


def _named(digest: hashlib._Hash, survey: _Survey, path: Place) -> str:
    """The batch_id: the digest, or that of the file as it is when nothing could be read of it."""
    if not (survey.broken and digest.hexdigest() == _EMPTY):
        return digest.hexdigest()
    whole = hashlib.sha256()
    with readable(path) as file:
        for data in iter(lambda: file.read(_READ_BYTES), b""):
            whole.update(data)
    return whole.hexdigest()
