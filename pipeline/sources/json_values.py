"""The values of a JSON array, or of objects one behind another, in a stream and in bounded memory.

The text is held as Latin-1, a character a byte, so that the C scanner of `json` can find where a value ends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from json import JSONDecodeError

from pipeline.sources.compression import Break
from pipeline.sources.encodings import BOM
from pipeline.sources.lines import KEPT_BYTES, MAX_LINE_BYTES, Chunk
from pipeline.sources.seams import DECODER, Dropped, count

OPEN_ARRAY = "the file ends before its array does"

_BETWEEN = re.compile("(?:[ \t\r\n,\x1e]|\0|\xef\xbb\xbf)*")
_BOUNDARY = re.compile(r"\n(?=[ \t]*\{)|(?<=\})[ \t\r\n,\0]*(?=\{)")
"""Where the next value begins behind one whose brackets do not close."""

_LONGEST_INDENT = 64
"""Spaces at which a boundary is still seen that lies where two pieces meet."""

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\]]')
_LINE_END, _ITEM_END = re.compile(r"\n"), re.compile(r"[\n,\]]")
_IN_TEXT, _OUTSIDE = re.compile(r'["\\\n]'), re.compile(r'["{}\[\]]')
_NEAR_END = 16
"""An error so few characters before the end of what is held may be one of what is not there yet."""

_NEAR, _FAR = 256, 64 * 1024
"""How far the closing bracket of a broken value is looked for; half as far each time that there is none, so that a file
of nothing else is read in linear time."""


def json_values(
    stream: Iterable[bytes | Break], max_bytes: int = MAX_LINE_BYTES, dropped: Dropped | None = None
) -> Iterator[Chunk]:
    """One chunk a value: an item of an array, or one of several values one behind another.

    What is no JSON ends with its line, or with its brackets; the next value is read again. A stream that breaks, or
    ends inside an array, ends with a chunk that says so.

    Args:
        stream: The file's bytes.
        max_bytes: Longest value taken.
        dropped: Counts what is passed over between values.
    """
    return _Values(stream, max_bytes, Counter() if dropped is None else dropped).chunks()


class _Values:
    """A window over the text. What is before `_start` was read, and goes when more is fetched."""

    def __init__(self, stream: Iterable[bytes | Break], max_bytes: int, dropped: Dropped) -> None:
        self._stream = iter(stream)
        self._max = max_bytes
        self._dropped = dropped
        self._text, self._start, self._base = "", 0, 0
        self._ended, self._break = False, ""
        self._in_array, self._is_partial = False, False
        self._reach = _FAR

    def chunks(self) -> Iterator[Chunk]:
        """See `json_values`."""
        number = 0
        while self._goes_to_value():
            number += 1
            yield self._chunk(number)
        fault = self._break or (OPEN_ARRAY if self._in_array else "")
        if fault and not self._is_partial:
            yield Chunk(number + 1, self._base + self._start, b"", fault, is_cut=True)

    def _goes_to_value(self) -> bool:
        """Go to the next value; False when there is none."""
        while True:
            self._pass_over()
            first = self._text[self._start : self._start + 1]
            if not first or first != ("]" if self._in_array else "["):
                return bool(first)
            self._in_array = not self._in_array
            self._start += 1

    def _pass_over(self) -> None:
        while True:
            found = _BETWEEN.match(self._text, self._start)
            if found and found.end() > self._start:
                count(found[0].encode("latin-1"), self._dropped, is_first=self._base + self._start == 0)
                self._start = found.end()
            # a byte order mark may be cut in two
            if len(self._text) - self._start >= len(BOM) or not self._more():
                return

    def _chunk(self, number: int) -> Chunk:
        at, self._is_partial = self._base + self._start, False
        begins = self._text[self._start]
        end, fault = (
            self._end_of_value() if begins in '{["' else self._end_at(_ITEM_END if self._in_array else _LINE_END)
        )
        self._is_partial = self._is_partial and self._ended and end == len(self._text)
        data = (fault or self._text[self._start : end]).encode("latin-1").rstrip()
        self._start = end
        if fault:
            length = self._base + end - at
            said = f"the record has {length:,} bytes, more than the {self._max:,} that are taken; its start is kept"
            return Chunk(number, at, data, said)
        if self._is_partial and self._break:
            return Chunk(number, at, data, self._break, is_cut=True)
        return Chunk(number, at, data, is_open=self._is_partial)

    def _end_of_value(self) -> tuple[int, str]:
        """Where the value ends that starts here; of one that is too long also its start, which is what is kept."""
        while True:
            held = len(self._text)
            try:
                end = DECODER.raw_decode(self._text, self._start)[1]
            except RecursionError:
                return self._end_of_broken()
            except JSONDecodeError as error:
                self._is_partial = error.msg.startswith("Unterminated") or error.pos >= held - _NEAR_END
            else:
                self._is_partial = False
                return (end, "") if end - self._start <= self._max else (end, self._kept())
            if not self._is_partial:
                return self._end_of_broken()
            if held - self._start > self._max:
                return self._end_of_long()
            if not self._more(2 * (held - self._start)):
                return len(self._text), ""

    def _end_of_broken(self) -> tuple[int, str]:
        """Where a value ends whose JSON is wrong: with its brackets, or before what begins the next one."""
        if len(self._text) - self._start < self._reach:
            self._more(self._reach)
        depth = 0
        for found in _TOKEN.finditer(self._text, self._start, self._start + self._reach):
            depth += (found[0] in "{[") - (found[0] in "}]")
            if depth <= 0:
                self._reach = min(_FAR, 2 * self._reach)
                return found.end(), ""
        self._reach = max(_NEAR, self._reach // 2)
        return self._end_at(_BOUNDARY)

    def _end_at(self, boundary: re.Pattern[str]) -> tuple[int, str]:
        """Where the next boundary is, or the end of the file."""
        kept, looked_at = "", self._start + 1
        while (found := boundary.search(self._text, looked_at)) is None:
            if len(self._text) - self._start > self._max:
                kept = kept or self._kept()
                self._start = len(self._text) - _LONGEST_INDENT
            held = len(self._text) - self._start
            if not self._more():
                return len(self._text), kept
            looked_at = max(self._start + 1, self._start + held - _LONGEST_INDENT)
        return found.start(), kept

    def _end_of_long(self) -> tuple[int, str]:
        """Where a value ends that is too long to be held, by its brackets."""
        kept, depth, in_text, position = self._kept(), 0, False, self._start
        while True:
            found = (_IN_TEXT if in_text else _OUTSIDE).search(self._text, position)
            if found is None:
                self._start, ahead = len(self._text), max(0, position - len(self._text))
                if not self._more():
                    return len(self._text), kept
                position = self._start + ahead
                continue
            position, sign = found.end(), found[0]
            if in_text:
                position += sign == "\\"
                in_text = sign == "\\"
            else:
                in_text = sign == '"'
                depth += (sign in "{[") - (sign in "}]")
            if depth <= 0 and not in_text:
                self._is_partial = False
                return position, kept

    def _kept(self) -> str:
        return self._text[self._start : self._start + KEPT_BYTES]

    def _more(self, at_least: int = 1) -> bool:
        """Hold so many bytes from the next value on, where the file has them; whether there are more than before."""
        if self._ended:
            return False
        parts = [self._text[self._start :]]
        size = before = len(parts[0])
        while size <= before or size < at_least:
            piece = next(self._stream, None)
            if piece is None or isinstance(piece, Break):
                self._ended, self._break = True, piece.detail if piece else ""
                break
            parts.append(piece.decode("latin-1"))
            size += len(piece)
        self._base, self._start, self._text = self._base + self._start, 0, "".join(parts)
        return size > before
