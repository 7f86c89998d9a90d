"""From a batch's chunks of bytes to interactions and dead letters, in a stream. Files and lines are known elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from expectations_plugins.core.errors import TerminalError
from pipeline.core.batches import BatchSource
from pipeline.core.records import DeadLetter, DeadReason, Interaction
from pipeline.sources.files import MAX_BYTES, pieces, printed
from pipeline.sources.forms import Parse, records_in
from pipeline.sources.interactions import id_in, interaction
from pipeline.sources.lines import MAX_LINE_BYTES, OPEN_QUOTE, Chunk
from pipeline.sources.parsing import Refused, text_of
from pipeline.sources.seams import Dropped
from pipeline.storage.location import Place

CUT_OFF = "the file ends in the middle of this record"


class ForeignFileError(TerminalError):
    """A file holds no records that could be read, whatever is tried."""


def read(
    source: BatchSource,
    *,
    zone: ZoneInfo,
    max_bytes: int = MAX_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
    dropped: Dropped | None = None,
) -> Iterator[Interaction | DeadLetter]:
    """The records of a batch, in file order, one at a time.

    Args:
        source: The batch, from `discover` with the same limits.
        zone: Where timestamps without an offset were written down.
        max_bytes: Uncompressed bytes of the file that are read.
        max_line_bytes: Longest record; a longer one becomes a dead letter that keeps its start.
        dropped: Counts what is passed over between the batch's records.

    Raises:
        UnreadableFileError: The file does not exist or cannot be read.
        ForeignFileError: It holds no records: it is of another format.
        TransientError: The file system failed in a way that may heal.
    """
    size, counted = source.stamp.size if source.stamp else None, Counter[str]() if dropped is None else dropped
    stream = pieces(source.path, max_bytes=max_bytes, size=size)
    records = records_in(stream, source.path.name, max_bytes=max_line_bytes, dropped=counted)
    if records.looks_like:
        raise ForeignFileError(f"{printed(source.path)} {records.looks_like}.")
    for chunk in source.part_of(records.chunks, before=counted.clear):
        raw = records.heading + text_of(chunk.data)
        record: Mapping[str, Any] = {}
        try:
            record = _parsed(chunk, records.parse)
            yield interaction(record, at=records.locator(chunk), size=len(chunk.data), raw=raw, zone=zone)
        except Refused as refused:
            reason, detail = _why_dead(chunk, refused)
            yield DeadLetter(source.batch_id, records.locator(chunk), reason, detail, raw, id_in(record))
    own = counted.copy()
    if next(records.chunks, None) is not None:  # what lies before the next record is another batch's
        counted.clear()
        counted.update(own)


def looks_like(path: Place) -> str:
    """What a file is that holds no records, as it ends a sentence, by its first bytes; "" when it may hold some.

    Args:
        path: The file.

    Raises:
        UnreadableFileError, TransientError: As in `read`.
    """
    return records_in(pieces(path), path.name).looks_like


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
