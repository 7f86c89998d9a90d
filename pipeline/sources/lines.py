"""Lines and logical records of a byte stream, in bounded memory; what a record means is read elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from pipeline.sources.compression import Break
from pipeline.sources.encodings import BOM
from pipeline.sources.seams import Dropped, between_records, objects_in

MAX_LINE_BYTES = 1024 * 1024
"""Longest record taken, in bytes, unless the caller says otherwise."""

KEPT_BYTES = 64 * 1024
"""What is kept of a record that is too long."""

MAX_RECORD_LINES = 10_000
"""Lines a CSV record may go on over."""

OPEN_QUOTE = "a quote is opened and not closed"

_TO_CLOSING_QUOTE = re.compile(rb'[^"]*(?:""[^"]*)*"(?!")')


class Chunk(NamedTuple):
    """The bytes of one record, without its line end.

    Args:
        number: Which line, item or record it is, 1-based; of one on several lines the first.
        offset: Where it starts in the uncompressed file, in bytes.
        data: Its bytes; the first 64 KiB of one that is too long.
        fault: Why it cannot be read as a record, "" when it can.
        is_cut: Whether what follows it could not be read, so that records are missing.
        is_open: Whether the file ends in it, without a line end: it may be the first part of a record only.
        part: Which of several objects in one line it is, 1-based.
    """

    number: int
    offset: int
    data: bytes
    fault: str = ""
    is_cut: bool = False
    is_open: bool = False
    part: int = 1


def json_records(
    stream: Iterable[bytes | Break], max_bytes: int = MAX_LINE_BYTES, dropped: Dropped | None = None
) -> Iterator[Chunk]:
    """One chunk a line, or one an object where a line holds several; blank lines are skipped.

    A broken stream ends with a chunk that says so.

    Args:
        stream: The file's bytes.
        max_bytes: Longest line taken.
        dropped: Counts what is passed over between records.
    """
    lines = _lines(stream, max_bytes, Counter() if dropped is None else dropped, _objects)
    return (chunk for chunk in lines if chunk.fault or chunk.data.strip())


def csv_records(
    stream: Iterable[bytes | Break],
    max_bytes: int = MAX_LINE_BYTES,
    dropped: Dropped | None = None,
    delimiter: bytes = b",",
) -> Iterator[Chunk]:
    """One chunk a CSV record, the header first; a record goes on over line ends inside quotes.

    A quote that is never closed costs its own line, not the rest of the file: the lines it swallowed are read again,
    each for itself, so that every line is looked at twice at most.

    Args:
        stream: The file's bytes.
        max_bytes: Longest record taken.
        dropped: Counts what is passed over between records.
        delimiter: What is between cells.
    """
    lines = _lines(stream, max_bytes, Counter() if dropped is None else dropped, _row)
    opening = delimiter + b'"'
    for first in lines:
        record, closed = _gathered(first, lines, max_bytes, opening)
        if closed and (first.fault or len(record) > 1 or first.data.strip()):
            yield first._replace(data=b"\n".join(line.data for line in record), is_open=record[-1].is_open)
        elif not closed:
            yield from (_alone(line, opening) for line in record if line.fault or line.data.strip())


def _gathered(first: Chunk, lines: Iterator[Chunk], max_bytes: int, opening: bytes) -> tuple[list[Chunk], bool]:
    """The lines a record takes, and whether its quotes are closed by then."""
    record = [first]
    size = len(first.data)
    is_open = not first.fault and _ends_open(first.data, False, opening)
    while is_open and size <= max_bytes and len(record) < MAX_RECORD_LINES:
        following = next(lines, None)
        if following is None:
            break
        record.append(following)
        if following.fault:
            break
        size += 1 + len(following.data)
        is_open = _ends_open(following.data, True, opening)
    return record, not is_open and size <= max_bytes


def _alone(line: Chunk, opening: bytes) -> Chunk:
    is_open = not line.fault and _ends_open(line.data, False, opening)
    return line._replace(fault=OPEN_QUOTE) if is_open else line


def _ends_open(line: bytes, is_open: bool, opening: bytes) -> bool:
    """Whether a line ends inside quotes, when it starts inside or outside of them (RFC 4180)."""
    position = 0
    while True:
        if not is_open:
            position = _next_quoted_field(line, position, opening)
            if position < 0:
                return False
        closing = _TO_CLOSING_QUOTE.match(line, position)
        if closing is None:
            return True
        position = closing.end()
        is_open = False


def _next_quoted_field(line: bytes, position: int, opening: bytes) -> int:
    """Position after the opening quote of the next field that has one, -1 when none does."""
    if position == 0 and line.startswith(b'"'):
        return 1
    found = line.find(opening, position)
    return found + len(opening) if found >= 0 else -1


At = Callable[[Chunk, Dropped], Iterator[Chunk]]
"""What becomes of a line in which a seam may be."""


def _lines(stream: Iterable[bytes | Break], max_bytes: int, dropped: Dropped, at_seam: At) -> Iterator[Chunk]:
    """Every line, blank ones too; only the start of a line that is too long is ever held.

    That there may be a seam is looked for in whole pieces, for that costs least; a line in two of them may have one.
    """
    start, number, length, held = 0, 1, 0, bytearray()
    for piece in stream:
        if isinstance(piece, Break):
            kept = bytes(held[:KEPT_BYTES] if length > max_bytes else held)
            yield Chunk(number, start, kept, piece.detail, is_cut=True)
            return
        has_seam = _may_have_seam(piece)
        head, *rest = piece.split(b"\n")
        if not held and head.startswith(b"\0"):  # a file that was truncated under its writer may begin with gigabytes
            head, start = _without_nuls(head, start, dropped)
        is_seam = has_seam or bool(held)
        _hold(held, head, max_bytes)
        length += len(head)
        for part in rest:
            line = _line(number, start, held, length, max_bytes)
            if is_seam:
                yield from at_seam(line, dropped)
            else:
                yield line
            start, number, length, held = start + length + 1, number + 1, len(part), bytearray()
            is_seam = has_seam
            _hold(held, part, max_bytes)
    if length:
        yield from at_seam(_line(number, start, held, length, max_bytes)._replace(is_open=True), dropped)


def _may_have_seam(piece: bytes) -> bool:
    return b"\0" in piece or BOM in piece or b"}{" in piece or b"} {" in piece


def _objects(line: Chunk, dropped: Dropped) -> Iterator[Chunk]:
    """The objects of a line, where one file was put behind another, or a writer began again."""
    if line.fault or not _may_have_seam(line.data):
        yield line
        return
    spans = list(objects_in(line.data, dropped, is_first=line.number == 1))
    for part, (start, end) in enumerate(spans, 1):
        is_open = line.is_open and part == len(spans)
        yield line._replace(data=line.data[start:end], offset=line.offset + start, is_open=is_open, part=part)


def _row(line: Chunk, dropped: Dropped) -> Iterator[Chunk]:
    """A line of CSV, where one file was put behind another."""
    is_seam = not line.fault and line.data.startswith((b"\0", BOM))
    yield line._replace(data=between_records(line.data, dropped, is_first=line.number == 1)) if is_seam else line


def _without_nuls(head: bytes, start: int, dropped: Dropped) -> tuple[bytes, int]:
    rest = head.lstrip(b"\0")
    dropped["nul_bytes"] += len(head) - len(rest)
    return rest, start + len(head) - len(rest)


def _hold(held: bytearray, part: bytes, max_bytes: int) -> None:
    held += part[: max_bytes + 1 - len(held)]


def _line(number: int, start: int, held: bytearray, length: int, max_bytes: int) -> Chunk:
    if length > max_bytes + 1 or (length == max_bytes + 1 and not held.endswith(b"\r")):
        fault = f"the line has {length:,} bytes, more than the {max_bytes:,} that are taken; its start is kept"
        return Chunk(number, start, bytes(held[:KEPT_BYTES]), fault)
    return Chunk(number, start, bytes(held).removesuffix(b"\r"))
