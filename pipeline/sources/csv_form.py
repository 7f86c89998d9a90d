"""CSV: which delimiter a file has, its header row, and its rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.core.fields import INTERACTION_ID
from pipeline.sources.compression import Break
from pipeline.sources.lines import Chunk, csv_records
from pipeline.sources.parsing import Refused, cells_of, header_of, text_of
from pipeline.sources.seams import HEADERS, Dropped

DELIMITERS = ",;\t|"

_SEPARATOR = re.compile(r'"?sep=([^"\n])"?\r?(\n|$)', re.IGNORECASE)
"""The line with which Excel says the delimiter."""


@dataclass(frozen=True, slots=True)
class CsvRows:
    """A CSV file from its first row on.

    Args:
        heading: What is before the rows, as text that ends with a line end; "" when there is nothing.
        names: The names of the columns.
        delimiter: What is between cells.
        rows: The rows.
    """

    heading: str
    names: tuple[str, ...]
    delimiter: str
    rows: Iterator[Chunk]


def delimiter_in(sample: str) -> str:
    """The delimiter under which the header row names the id; "" when none does.

    Args:
        sample: The beginning of a file.
    """
    said = _SEPARATOR.match(sample)
    header = sample[said.end() if said else 0 :].lstrip("\r\n").partition("\n")[0].rstrip("\r")
    for delimiter in ([said[1]] if said else []) + list(DELIMITERS):
        try:
            names = [name.strip() for name in cells_of(header, delimiter)]
        except Refused:
            continue
        if INTERACTION_ID in names:
            return delimiter
    return ""


def columns_in(sample: str) -> list[str]:
    """The cells of the first row, under the delimiter that makes most of it."""
    header = sample[said.end() if (said := _SEPARATOR.match(sample)) else 0 :].lstrip("\r\n").partition("\n")[0]
    return max((header.rstrip("\r").split(one) for one in DELIMITERS), key=len)


def csv_rows(
    stream: Iterable[bytes | Break], max_bytes: int, dropped: Dropped, delimiter: str, *, is_said: bool
) -> CsvRows:
    """Open a CSV file.

    Args:
        stream: The file's bytes.
        max_bytes: Longest row taken.
        dropped: Counts what is passed over between rows.
        delimiter: What is between cells.
        is_said: Whether the first line says the delimiter.

    Raises:
        Refused: There is no way to read rows under this header.
    """
    chunks = csv_records(stream, max_bytes, dropped, delimiter.encode())
    first = [chunk for chunk in (next(chunks, None) for _ in range(1 + is_said)) if chunk is not None]
    if not first:
        return CsvRows("", (), delimiter, chunks)
    names = header_of(first[-1], delimiter)
    heading = "".join(f"{text_of(chunk.data)}\n" for chunk in first)
    return CsvRows(heading, names, delimiter, _without_headers(chunks, first[-1].data, dropped))


def says_delimiter(sample: str) -> bool:
    """Whether the first line says the delimiter, as Excel writes it."""
    return _SEPARATOR.match(sample) is not None


def _without_headers(rows: Iterator[Chunk], header: bytes, dropped: Dropped) -> Iterator[Chunk]:
    """The rows; of files put one behind another the header comes again."""
    for row in rows:
        if row.data == header:
            dropped[HEADERS] += 1
        else:
            yield row
