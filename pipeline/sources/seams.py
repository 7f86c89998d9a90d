"""Where one file was put behind another, or a writer began again: what is passed over between records, and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder

from pipeline.sources.encodings import BOM

Dropped = Counter[str]
"""How often something was passed over between records, by what it was."""

MARKS, NULS, HEADERS = "byte_order_marks", "nul_bytes", "header_rows"
"""What is passed over: byte order marks inside a file, NUL bytes, rows that repeat the header of a CSV file."""

_BETWEEN = re.compile(rb"(?:\0|\xef\xbb\xbf)+")
_SEAM = re.compile(rb"(?:\0|\xef\xbb\xbf)+[ \t\r]*(?=\{)")
_SPACE = re.compile(rb"[ \t\r]*(?:\0|\xef\xbb\xbf|[ \t\r])*")
MOST_BROKEN = 100
"""Broken objects in one line after which the rest of it is taken for one more: each costs a look at what is before."""

DECODER = JSONDecoder(parse_float=len, parse_int=len, parse_constant=len)
"""Finds where a value ends. What is in it is read elsewhere, so that its numbers need not be made."""


def between_records(data: bytes, dropped: Dropped, *, is_first: bool) -> bytes:
    """A record without the byte order marks and NULs before it; the mark that a file begins with is not counted."""
    found = _BETWEEN.match(data)
    if found is None:
        return data
    count(found[0], dropped, is_first=is_first)
    return data[found.end() :]


def count(passed_over: bytes, dropped: Dropped, *, is_first: bool = False) -> None:
    """Count what is passed over."""
    if nuls := passed_over.count(b"\0"):
        dropped[NULS] += nuls
    if marks := passed_over.count(BOM) - int(is_first and passed_over.startswith(BOM)):
        dropped[MARKS] += marks


def objects_in(line: bytes, dropped: Dropped, *, is_first: bool) -> Iterator[tuple[int, int]]:
    """Start and end of each object of a line; of a line that is not one object behind another, the whole line."""
    text, position, broken = line.decode("latin-1"), 0, 0
    while True:
        gap = _SPACE.match(line, position)
        if gap and gap.end() > position:
            count(gap[0], dropped, is_first=is_first and position == 0)
            position = gap.end()
        if position >= len(line):
            return
        end = _end_of_object(line, text, position)
        broken += end is None
        if end is None:
            seam = _SEAM.search(line, position + 1) if broken <= MOST_BROKEN else None
            end = seam.start() if seam else len(line)
        yield position, end
        position = end


def _end_of_object(line: bytes, text: str, start: int) -> int | None:
    """Where the object ends that starts here, which is where the next one follows it; None of a broken one."""
    try:
        end = DECODER.raw_decode(text, start)[1]
    except (JSONDecodeError, RecursionError):
        return None
    gap = _SPACE.match(line, end)
    rest = gap.end() if gap else end
    return end if rest == len(line) or line.startswith(b"{", rest) else len(line)
