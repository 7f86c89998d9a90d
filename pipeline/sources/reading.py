"""From a batch's chunks of bytes to interactions and dead letters, in a stream. Files and lines are known elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.core.batches import BatchSource
from pipeline.core.records import DeadLetter, DeadReason, Interaction
from pipeline.sources.discovery import records_of
from pipeline.sources.files import MAX_BYTES, pieces
from pipeline.sources.interactions import id_in, interaction
from pipeline.sources.lines import MAX_LINE_BYTES, OPEN_QUOTE, Chunk
from pipeline.sources.names import is_csv
from pipeline.sources.parsing import Refused, csv_record, header_of, json_record, text_of

CUT_OFF = "the file ends in the middle of this record"

Parse = Callable[[str], Mapping[str, Any]]


def read(
    source: BatchSource, *, zone: ZoneInfo, max_bytes: int = MAX_BYTES, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Interaction | DeadLetter]:
    """The records of a batch, in file order, one at a time.

    Args:
        source: The batch, from `discover` with the same limits.
        zone: Where timestamps without an offset were written down.
        max_bytes: Uncompressed bytes of the file that are read.
        max_line_bytes: Longest record; a longer one becomes a dead letter that keeps its start.

    Raises:
        UnreadableFileError: The file does not exist or cannot be read.
        TransientError: The file system failed in a way that may heal.
    """
    size = source.stamp.size if source.stamp else None
    chunks = records_of(source.path, pieces(source.path, max_bytes=max_bytes, size=size), max_line_bytes)
    header = next(chunks, None) if is_csv(source.path) else None
    parse = json_record if header is None else _csv_parser(header)
    heading = "" if header is None else text_of(header.data) + "\n"
    end = None if source.max_records is None else source.first_record + source.max_records
    for chunk in itertools.islice(chunks, source.first_record, end):
        raw = heading + text_of(chunk.data)
        record: Mapping[str, Any] = {}
        try:
            record = _parsed(chunk, parse)
            yield interaction(record, line=chunk.line, size=len(chunk.data), raw=raw, zone=zone)
        except Refused as refused:
            reason, detail = _why_dead(chunk, refused)
            yield DeadLetter(source.batch_id, chunk.line, reason, detail, raw, id_in(record))


def _why_dead(chunk: Chunk, refused: Refused) -> tuple[DeadReason, str]:
    """Why a record cannot be loaded; of the last one of a file, whether it is only the first part of a record."""
    if chunk.is_cut:
        return DeadReason.INCOMPLETE, refused.detail
    if chunk.is_open and refused.at_end:
        return DeadReason.INCOMPLETE, f"{CUT_OFF} ({refused.detail})"
    return refused.reason, refused.detail


def _parsed(chunk: Chunk, parse: Parse) -> Mapping[str, Any]:
    if chunk.fault:
        raise Refused(DeadReason.UNPARSABLE, chunk.fault, at_end=chunk.fault == OPEN_QUOTE)
    try:
        return parse(chunk.data.decode("utf-8"))
    except UnicodeDecodeError as error:
        detail = f"byte {error.start + 1} of the line is not UTF-8 ({error.reason})"
        cut = error.reason == "unexpected end of data"
        raise Refused(DeadReason.UNPARSABLE, detail, at_end=cut) from None


def _csv_parser(header: Chunk) -> Parse:
    """A parser for rows under a header; under one that cannot be used it refuses every row."""
    try:
        return partial(csv_record, header=header_of(header))
    except Refused as refused:
        return partial(_refuse, refused)


def _refuse(refused: Refused, text: str) -> Mapping[str, Any]:
    del text
    raise refused
