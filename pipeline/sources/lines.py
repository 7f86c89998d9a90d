"""Lines and logical records of a byte stream, in bounded memory; what a record means is read elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pipeline.sources.compression import Break

MAX_LINE_BYTES = 1024 * 1024
"""Longest record taken, in bytes, unless the caller says otherwise."""

KEPT_BYTES = 64 * 1024
"""What is kept of a record that is too long."""

MAX_RECORD_LINES = 10_000
"""Lines a CSV record may go on over."""

OPEN_QUOTE = "a quote is opened and not closed"

BOM = b"\xef\xbb\xbf"
_TO_CLOSING_QUOTE = re.compile(rb'[^"]*(?:""[^"]*)*"(?!")')


@dataclass(frozen=True, slots=True)
class Chunk:
    """The bytes of one record, without its line end.

    Args:
        line: Number of its first line, 1-based.
        offset: Where it starts in the uncompressed file, in bytes.
        data: Its bytes; the first 64 KiB of one that is too long.
        fault: Why it cannot be read as a record, "" when it can.
        is_cut: Whether what follows it could not be read, so that records are missing.
        is_open: Whether the file ends in it, without a line end: it may be the first part of a record only.
    """

    line: int
    offset: int
    data: bytes
    fault: str = ""
    is_cut: bool = False
    is_open: bool = False


def json_records(stream: Iterable[bytes | Break], max_bytes: int = MAX_LINE_BYTES) -> Iterator[Chunk]:
    """One chunk a line; blank lines are skipped. A broken stream ends with a chunk that says so.

    Args:
        stream: The file's bytes.
        max_bytes: Longest line taken.
    """
    return (chunk for chunk in _lines(stream, max_bytes) if chunk.fault or chunk.data.strip())


def csv_records(stream: Iterable[bytes | Break], max_bytes: int = MAX_LINE_BYTES) -> Iterator[Chunk]:
    """One chunk a CSV record, the header first; a record goes on over line ends inside quotes.

    A quote that is never closed costs its own line, not the rest of the file: the lines it swallowed are read again,
    each for itself, so that every line is looked at twice at most.

    Args:
        stream: The file's bytes.
        max_bytes: Longest record taken.
    """
    lines = _lines(stream, max_bytes)
    for first in lines:
        record, closed = _gathered(first, lines, max_bytes)
        if closed and (first.fault or len(record) > 1 or first.data.strip()):
            yield replace(first, data=b"\n".join(line.data for line in record), is_open=record[-1].is_open)
        elif not closed:
            yield from (_alone(line) for line in record if line.fault or line.data.strip())


def _gathered(first: Chunk, lines: Iterator[Chunk], max_bytes: int) -> tuple[list[Chunk], bool]:
    """The lines a record takes, and whether its quotes are closed by then."""
    record = [first]
    size = len(first.data)
    is_open = not first.fault and _ends_open(first.data, False)
    while is_open and size <= max_bytes and len(record) < MAX_RECORD_LINES:
        following = next(lines, None)
        if following is None:
            break
        record.append(following)
        if following.fault:
            break
        size += 1 + len(following.data)
        is_open = _ends_open(following.data, True)
    return record, not is_open and size <= max_bytes


def _alone(line: Chunk) -> Chunk:
    is_open = not line.fault and _ends_open(line.data, False)
    return replace(line, fault=OPEN_QUOTE) if is_open else line


def _ends_open(line: bytes, is_open: bool) -> bool:
    """Whether a line ends inside quotes, when it starts inside or outside of them (RFC 4180)."""
    position = 0
    while True:
        if not is_open:
            position = _next_quoted_field(line, position)
            if position < 0:
                return False
        closing = _TO_CLOSING_QUOTE.match(line, position)
        if closing is None:
            return True
        position = closing.end()
        is_open = False


def _next_quoted_field(line: bytes, position: int) -> int:
    """Position after the opening quote of the next field that has one, -1 when none does."""
    if position == 0 and line.startswith(b'"'):
        return 1
    found = line.find(b',"', position)
    return found + 2 if found >= 0 else -1


def _lines(stream: Iterable[bytes | Break], max_bytes: int) -> Iterator[Chunk]:
    """Every line, blank ones too; only the start of a line that is too long is ever held."""
    start, number, length, held = 0, 1, 0, bytearray()
    for piece in stream:
        if isinstance(piece, Break):
            kept = bytes(held[:KEPT_BYTES] if length > max_bytes else held)
            yield Chunk(number, start, kept, piece.detail, is_cut=True)
            return
        head, *rest = piece.split(b"\n")
        _hold(held, head, max_bytes)
        length += len(head)
        for part in rest:
            yield _line(number, start, held, length, max_bytes)
            start, number, length, held = start + length + 1, number + 1, len(part), bytearray()
            _hold(held, part, max_bytes)
    if length:
        yield replace(_line(number, start, held, length, max_bytes), is_open=True)


def _hold(held: bytearray, part: bytes, max_bytes: int) -> None:
    held += part[: max_bytes + 1 - len(held)]


def _line(number: int, start: int, held: bytearray, length: int, max_bytes: int) -> Chunk:
    if length > max_bytes + 1 or (length == max_bytes + 1 and not held.endswith(b"\r")):
        fault = f"the line has {length:,} bytes, more than the {max_bytes:,} that are taken; its start is kept"
        return Chunk(number, start, bytes(held[:KEPT_BYTES]), fault)
    data = bytes(held)
    if start == 0:
        data = data.removeprefix(BOM)
    return Chunk(number, start, data.removesuffix(b"\r"))
