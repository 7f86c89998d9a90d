"""How records lie in a file, seen in its first bytes: the one interface through which every format is read.

Who reads a file knows no format by name: it opens a stream, and gets chunks, what reads the fields of one, and what is
counted to find its place again. A format that comes adds a function that opens it, and how its first bytes look.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from json import JSONDecodeError
from typing import Any

from pipeline.core.fields import INTERACTION_ID
from pipeline.core.locator import Locator, Unit
from pipeline.sources import foreign
from pipeline.sources.compression import PIECE_BYTES, Break
from pipeline.sources.csv_form import columns_in, csv_rows, delimiter_in, says_delimiter
from pipeline.sources.encodings import utf8
from pipeline.sources.json_values import json_values
from pipeline.sources.lines import MAX_LINE_BYTES, Chunk, json_records
from pipeline.sources.names import AS_THEY_WERE, is_csv_name
from pipeline.sources.parsing import Refused, csv_record, json_record
from pipeline.sources.seams import DECODER, Dropped

SAMPLE_BYTES = 64 * 1024
"""What is looked at to see the form of a file."""

MANY_LINES = 100
"""Lines of which one at least is a JSON object in a file of JSON Lines."""

Stream = Iterable[bytes | Break]
Parse = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a file, to be read once and in order.

    Args:
        chunks: The bytes of each record.
        parse: Reads the fields of one from its text; raises `Refused` when it cannot.
        unit: What is counted to say where a record is.
        heading: What each record's text needs before it to be read alone: of CSV the header row.
        looks_like: What the file is that holds no records, and what to do: as it ends a sentence; "" when it does.
    """

    chunks: Iterator[Chunk]
    parse: Parse = json_record
    unit: Unit = Unit.LINE
    heading: str = ""
    looks_like: str = ""

    def locator(self, chunk: Chunk) -> Locator:
        """Where a record is."""
        return Locator(chunk.number, self.unit, chunk.part)


Open = Callable[[Stream, int, Dropped], Records]


def records_in(
    stream: Stream, name: str, *, max_bytes: int = MAX_LINE_BYTES, dropped: Dropped | None = None
) -> Records:
    """The records of a file.

    Args:
        stream: Its uncompressed bytes.
        name: Its name; it decides only what the bytes leave open.
        max_bytes: Longest record taken.
        dropped: Counts what is passed over between records.
    """
    sample, whole = _sampled(utf8(stream))
    found = _form(sample, name)
    counted = Counter[str]() if dropped is None else dropped
    if isinstance(found, str):
        return Records(_none_of(whole), looks_like=found)
    try:
        return found(whole, max_bytes, counted)
    except Refused as refused:
        what = foreign.said(f"CSV of which {refused.detail}", "correct the header row")
        return Records(_none_of(whole), looks_like=what)


def _lines(stream: Stream, max_bytes: int, dropped: Dropped) -> Records:
    """JSON Lines."""
    return Records(json_records(stream, max_bytes, dropped))


def _array(stream: Stream, max_bytes: int, dropped: Dropped) -> Records:
    """A JSON array of objects."""
    return Records(json_values(stream, max_bytes, dropped), unit=Unit.ITEM)


def _objects(stream: Stream, max_bytes: int, dropped: Dropped) -> Records:
    """Objects one behind another, on any number of lines."""
    return Records(json_values(stream, max_bytes, dropped), unit=Unit.RECORD)


def _csv(stream: Stream, max_bytes: int, dropped: Dropped, *, delimiter: str, is_said: bool) -> Records:
    """CSV, by its delimiter."""
    table = csv_rows(stream, max_bytes, dropped, delimiter, is_said=is_said)
    parse = partial(csv_record, header=table.names, delimiter=delimiter)
    return Records(table.rows, parse, heading=table.heading)


def _none_of(stream: Stream) -> Iterator[Chunk]:
    """No chunk; whoever asks for one has the stream read to its end, as of other files."""
    deque(stream, 0)
    yield from ()


def _sampled(stream: Iterator[bytes | Break]) -> tuple[bytes, Iterator[bytes | Break]]:
    """The first bytes of a stream, without NULs before them, and the whole of it."""
    held: list[bytes | Break] = []
    sample, nuls = b"", 0
    for piece in stream:
        if not held and not isinstance(piece, Break) and not piece.strip(b"\0"):
            nuls += len(piece)
            continue
        held.append(piece)
        sample = sample if isinstance(piece, Break) else (sample + piece).lstrip(b"\0")
        if len(sample) >= SAMPLE_BYTES:
            break
    whole, part = divmod(nuls, PIECE_BYTES)
    zeros = chain(repeat(bytes(PIECE_BYTES), whole), [bytes(part)] if part else [])
    return sample[:SAMPLE_BYTES], chain(zeros, held, stream)


_MARKS = re.compile("[\0\ufeff \t\r\n]*")
_BEGINNINGS: tuple[tuple[re.Pattern[str], Open], ...] = (
    (re.compile(r"\[[\s\0]*(\{\s*([\"}]|$)|\]|$)"), _array),
    (re.compile("\x1e"), _objects),  # RFC 7464
)


def _form(sample: bytes, name: str) -> Open | str:
    """What opens a file that begins like this; in place of it what the file looks like, when it holds no records."""
    text = sample.decode("utf-8", "replace")
    text = text[found.end() :] if (found := _MARKS.match(text)) else text
    by_name: Open = partial(_csv, delimiter=",", is_said=False) if is_csv_name(name) else _lines
    if not text or name == AS_THEY_WERE:
        return by_name
    if what := foreign.binary(sample) or ("" if _has_objects(text) else foreign.no_text(sample)):
        return what
    if begun := [form for pattern, form in _BEGINNINGS if pattern.match(text)]:
        return begun[0]
    if text.startswith("{"):
        return _of_objects(text)
    if delimiter := delimiter_in(text):
        return partial(_csv, delimiter=delimiter, is_said=says_delimiter(text))
    return _lines if _has_objects(text) else _of_text(text, name)


def _of_objects(text: str) -> Open | str:
    """The form of a file that begins with a brace."""
    try:
        value, end = DECODER.raw_decode(text)
    except RecursionError:
        return _lines
    except JSONDecodeError as error:
        is_partial = error.msg.startswith("Unterminated") or error.pos >= len(text) - 16
        return _of_partial(text) if is_partial else _of_broken(text)
    rest = text[end:].lstrip(" \t\r\0\ufeff")
    if INTERACTION_ID not in value and not rest.strip() and (what := foreign.document(text)):
        return what
    line, line_end, _ = text.partition("\n")
    is_glued = rest.startswith("{") and not (line_end and _is_objects(line))
    return _objects if is_glued or len(line) < end or rest.startswith(",") else _lines


def _of_partial(text: str) -> Open | str:
    """The form of a file whose first object goes on where the sample ends."""
    if _has_objects(text):
        return _lines
    return foreign.document(text) or (_objects if "\n" in text.rstrip() else _lines)


def _of_broken(text: str) -> Open | str:
    """The form of a file whose first object is none."""
    lines = text.splitlines()
    if _has_objects(text):
        return _lines
    if lines[0].strip() == "{":
        return _objects
    what = foreign.like_json(text)
    return what or (foreign.plain_text(text) if len(lines) >= MANY_LINES else _lines)


def _of_text(text: str, name: str) -> str:
    """What a text is that holds no object."""
    columns = columns_in(text)
    if is_csv_name(name) and len(columns) > 1 and not text.startswith("<"):
        return foreign.csv_without_id(columns)
    try:
        value, end = DECODER.raw_decode(text)
    except (JSONDecodeError, RecursionError):
        return foreign.plain_text(text)
    is_line = not text[end:].strip(" \t").strip("\r\n") or text[end:].lstrip(" \t\r").startswith("\n")
    return foreign.other_items(value) if is_line and not isinstance(value, int) else foreign.plain_text(text)


def _has_objects(text: str) -> bool:
    """Whether a line is a JSON object."""
    return any(_is_objects(line) for line in text.splitlines() if line.startswith("{"))


def _is_objects(line: str) -> bool:
    """Whether a line is an object, or several."""
    while line.startswith("{"):
        try:
            line = line[DECODER.raw_decode(line)[1] :].lstrip(" \t\r\0\ufeff")
        except (JSONDecodeError, RecursionError):
            return False
    return not line
