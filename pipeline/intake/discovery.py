"""Which files are batches, and what their batch_id is. Reading what is in them is `pipeline.intake.reading`."""

from __future__ import annotations

import bisect
import hashlib
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.intake.files import GZIP_SUFFIX, MAX_BYTES, Break, pieces, readable, unreadable
from pipeline.intake.lines import MAX_LINE_BYTES, Chunk, csv_records, json_records
from pipeline.model import BatchSource

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
CSV_SUFFIXES = (".csv",)
UNFINISHED_SUFFIXES = (".part", ".tmp")
_EMPTY = hashlib.sha256().hexdigest()
_READ_BYTES = 1024 * 1024


def discover(
    paths: Sequence[Path],
    *,
    max_records: int,
    min_age: float,
    max_bytes: int = MAX_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[BatchSource]:
    """The batches in these files and folders, each file once, in the order given, a folder's files by name.

    Of a folder, only complete log files are taken: no dotfiles, no `.part` or `.tmp`, none changed within `min_age`.
    The batch_id is the sha256 of a file's uncompressed bytes, or of what could be read of a broken one; of a split
    file, of each part's own bytes (for CSV the header line and the part's). Where not one byte could be read, it is
    that of the file as it is, so that two such files are two batches.

    Args:
        paths: Files or folders; folders are not searched deeper.
        max_records: A file with more is split at every so many records.
        min_age: Seconds since a file's last change, at least.
        max_bytes: Uncompressed bytes of a file that are read; it breaks off there.
        max_line_bytes: Longest record; a longer one becomes a dead letter.

    Raises:
        ConfigurationError: A path does not exist, cannot be read, or is no log file.
        TransientError: The file system failed in a way that may heal.
    """
    seen: set[Path] = set()
    for path in itertools.chain.from_iterable(_files(given) for given in paths):
        resolved = path.resolve()
        if resolved not in seen and _age(path) >= min_age:
            seen.add(resolved)
            yield from _batches(path, max_records, max_bytes, max_line_bytes)


def records_of(path: Path, stream: Iterable[bytes | Break], max_line_bytes: int) -> Iterator[Chunk]:
    """The chunks of a file; of CSV, the header is the first."""
    return (csv_records if is_csv(path) else json_records)(stream, max_line_bytes)


def is_csv(path: Path) -> bool:
    """Whether it is read as CSV rather than as JSON Lines."""
    return _log_suffix(path) in CSV_SUFFIXES


def _files(given: Path) -> Iterator[Path]:
    try:
        if given.is_dir():
            yield from sorted((path for path in given.iterdir() if _is_complete_log(path)), key=lambda path: path.name)
            return
        given.stat()
    except OSError as error:
        raise unreadable(given, error) from error
    if not given.is_file() or _log_suffix(given) is None:
        raise ConfigurationError(
            f"{given} is not a log file.",
            next_step=f"Logs end in {', '.join((*JSON_SUFFIXES, *CSV_SUFFIXES))}, each also with {GZIP_SUFFIX}.",
        )
    yield given


def _is_complete_log(path: Path) -> bool:
    unfinished = path.name.startswith(".") or path.suffix in UNFINISHED_SUFFIXES
    return not unfinished and _log_suffix(path) is not None and path.is_file()


def _log_suffix(path: Path) -> str | None:
    suffix = Path(path.stem).suffix if path.suffix == GZIP_SUFFIX else path.suffix
    return suffix if suffix in (*JSON_SUFFIXES, *CSV_SUFFIXES) else None


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError as error:
        raise unreadable(path, error) from error


@dataclass(slots=True)
class _Survey:
    """What one pass over a file tells.

    Args:
        header_end: Where a CSV's header ends, as an offset in uncompressed bytes; 0 for JSON Lines.
        starts: Offsets of the parts' first records.
    """

    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    header_end: int = 0
    starts: list[int] = field(default_factory=list)
    broken: bool = False


def _batches(path: Path, max_records: int, max_bytes: int, max_line_bytes: int) -> Iterator[BatchSource]:
    survey = _surveyed(path, max_records, max_bytes, max_line_bytes)
    if len(survey.starts) <= 1:
        yield BatchSource(_named(survey.digest, survey, path), path)
        return
    for number, digest in enumerate(_part_digests(path, survey, max_bytes)):
        first = number * max_records
        yield BatchSource(_named(digest, survey, path), path, first_record=first, max_records=max_records)


def _surveyed(path: Path, max_records: int, max_bytes: int, max_line_bytes: int) -> _Survey:
    survey = _Survey()
    chunks = records_of(path, _watched(pieces(path, max_bytes=max_bytes), survey), max_line_bytes)
    header = next(chunks, None) if is_csv(path) else None
    for number, chunk in enumerate(chunks):
        if number == 0 and header is not None:
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


def _part_digests(path: Path, survey: _Survey, max_bytes: int) -> list[hashlib._Hash]:
    """The digest of each part, from one more pass; the first part starts where the file does."""
    starts = [survey.header_end, *survey.starts[1:]]
    head = b""
    digests: list[hashlib._Hash] = []
    for number, data in _cut(pieces(path, max_bytes=max_bytes), starts):
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


def _named(digest: hashlib._Hash, survey: _Survey, path: Path) -> str:
    """The batch_id: the digest, or that of the file as it is when nothing could be read of it."""
    if not (survey.broken and digest.hexdigest() == _EMPTY):
        return digest.hexdigest()
    whole = hashlib.sha256()
    with readable(path) as file:
        for data in iter(lambda: file.read(_READ_BYTES), b""):
            whole.update(data)
    return whole.hexdigest()
